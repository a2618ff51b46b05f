"""What HTTP itself promises, on every route alike: conditions, media types, methods, limits, other sites' pages."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from structlog.testing import capture_logs
from yarl import URL

from isocket.app.addresses import HostPort
from isocket.app.http_server import HttpServer
from portal_api.errors import problems
from portal_api.health import healthz
from portal_api.limits import Rate, Rates
from portal_api.portal import PORTAL
from tests.fakes.portal_devices import MAIJA, SOCKET, devices_house, enter, owned
from tests.fakes.portal_house import PortalHouse

CONTACT = "neighbour@example.org"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def maija() -> AsyncIterator[tuple[PortalHouse, str, dict[str, str]]]:
    async with devices_house() as house:
        token = await owned(house)
        contact = await enter(house, token, email=CONTACT)
        yield (
            house,
            token,
            {
                "me": "/me",
                "device": f"/devices/{SOCKET}",
                "settings": f"/devices/{SOCKET}/settings",
                "contact": f"/contacts/{contact['id']}",
                "ladder": "/escalation",
                "its ladder": f"/devices/{SOCKET}/escalation",
            },
        )


World = tuple[PortalHouse, str, dict[str, str]]
THINGS = ("me", "device", "settings", "contact", "ladder", "its ladder")
ALONE = pytest.mark.asyncio(loop_scope="module")


def changes(contact_path: str) -> dict[str, tuple[str, dict[str, Any], dict[str, Any]]]:
    """Return, for each thing that can be changed, the method and two different changes."""
    steps = [{"contacts": [contact_path.rpartition("/")[2]], "channels": ["email"], "after_s": 0}]
    return {
        "me": ("PATCH", {"name": "Maija"}, {"name": "M."}),
        "device": ("PATCH", {"name": "Hut"}, {"name": "Cabin"}),
        "settings": ("PATCH", {"mains_delay_s": 1}, {"mains_delay_s": 2}),
        "contact": ("PATCH", {"name": "Anna"}, {"name": "Bea"}),
        "ladder": ("PUT", {"steps": steps}, {"steps": steps, "cap": 5}),
        "its ladder": ("PUT", {"steps": steps}, {"steps": steps, "cap": 5}),
    }


@ALONE
@pytest.mark.parametrize("thing", THINGS)
async def test_what_has_not_changed_is_not_sent_again(thing: str, maija: World) -> None:
    house, token, paths = maija
    first = await house.ask("GET", paths[thing], token=token)
    tag = first.headers["ETag"]
    assert re.fullmatch(r'"\d+-[0-9a-f]{24}"', tag)
    for known in (tag, f'"other", W/{tag}', "*"):
        again = await house.ask("GET", paths[thing], token=token, headers={"If-None-Match": known})
        assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)
    other = await house.ask("GET", paths[thing], token=token, headers={"If-None-Match": '"1-0"'})
    assert (other.status, await other.json()) == (200, await first.json())


@pytest.mark.clause("C5-04")
@ALONE
@pytest.mark.parametrize("thing", THINGS)
async def test_a_change_of_what_was_changed_meanwhile_is_refused_and_changes_nothing(thing: str, maija: World) -> None:
    house, token, paths = maija
    method, one, other = changes(paths["contact"])[thing]
    seen = (await house.ask("GET", paths[thing], token=token)).headers["ETag"]
    first = await house.ask(method, paths[thing], one, token=token, headers={"If-Match": seen})
    assert (first.status, first.headers["ETag"] != seen) == (200, True)
    late = await house.ask(method, paths[thing], other, token=token, headers={"If-Match": seen})
    assert (late.status, (await late.json())["type"]) == (412, "urn:isocket:problem:changed-meanwhile")
    now = await house.ask("GET", paths[thing], token=token)
    assert now.headers["ETag"] == first.headers["ETag"]
    weak = await house.ask(method, paths[thing], other, token=token, headers={"If-Match": f"W/{first.headers['ETag']}"})
    assert weak.status == 412
    good = {"If-Match": f'"1-0", {first.headers["ETag"]}'}
    assert (await house.ask(method, paths[thing], other, token=token, headers=good)).status == 200
    assert (await house.ask(method, paths[thing], one, token=token, headers={"If-Match": "*"})).status == 200
    assert (await house.ask(method, paths[thing], other, token=token)).status == 200


@ALONE
async def test_a_thing_is_not_removed_that_was_changed_meanwhile(maija: World) -> None:
    house, token, _ = maija
    made = await enter(house, token, email="other@example.org")
    path = f"/contacts/{made['id']}"
    seen = (await house.ask("GET", path, token=token)).headers["ETag"]
    await house.ask("PATCH", path, {"name": "Changed"}, token=token)
    assert (await house.ask("DELETE", path, token=token, headers={"If-Match": seen})).status == 412
    fresh = (await house.ask("GET", path, token=token)).headers["ETag"]
    assert (await house.ask("DELETE", path, token=token, headers={"If-Match": fresh})).status == 204


@ALONE
async def test_a_ladder_that_was_taken_away_and_set_anew_is_another(maija: World) -> None:
    house, token, paths = maija
    _, one, other = changes(paths["contact"])["its ladder"]
    await house.ask("PUT", paths["its ladder"], {"steps": []}, token=token)
    none = (await house.ask("GET", paths["its ladder"], token=token)).headers["ETag"]
    await house.ask("PUT", paths["its ladder"], one, token=token, headers={"If-Match": none})
    seen = (await house.ask("GET", paths["its ladder"], token=token)).headers["ETag"]
    await house.ask("PUT", paths["its ladder"], {"steps": []}, token=token)
    await house.ask("PUT", paths["its ladder"], other, token=token)
    late = await house.ask("PUT", paths["its ladder"], {"steps": []}, token=token, headers={"If-Match": seen})
    assert late.status == 412


@ALONE
async def test_a_client_that_takes_no_json_is_told_so(maija: World) -> None:
    house, token, paths = maija
    for accept, status in [
        ("application/json", 200),
        ("application/*;q=0.5", 200),
        ("text/html,*/*;q=0.1", 200),
        ("application/json;q=0, */*", 406),
        ("text/html", 406),
        ("image/png, text/plain", 406),
    ]:
        answer = await house.ask("GET", "/devices", token=token, headers={"Accept": accept})
        assert answer.status == status, accept
        if status == 406:
            assert "application/json" in (await answer.json())["detail"]
    table = await house.ask("GET", f"{paths['device']}/history", token=token, headers={"Accept": "text/csv"})
    assert (table.status, table.content_type) == (200, "text/csv")


@ALONE
async def test_head_answers_as_get_without_a_body(maija: World) -> None:
    house, token, paths = maija
    got = await house.ask("GET", paths["device"], token=token)
    head = await house.ask("HEAD", paths["device"], token=token)
    assert (head.status, await head.read()) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length"):
        assert head.headers[name] == got.headers[name]


@ALONE
async def test_options_says_what_can_be_done_and_lets_no_other_site_in(maija: World) -> None:
    house, _, paths = maija
    asked = {"Origin": "https://evil.example.net", "Access-Control-Request-Method": "PATCH"}
    answer = await house.ask("OPTIONS", paths["device"], headers=asked)
    assert (answer.status, answer.headers["Allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH")
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert (await house.ask("OPTIONS", "/nothing")).status == 404


@ALONE
async def test_a_path_that_could_be_somebodys_id_names_only_its_own_methods(maija: World) -> None:
    house, token, _ = maija
    for method, told in (("OPTIONS", (204, "OPTIONS, POST")), ("PUT", (405, "POST"))):
        answer = await house.ask(method, "/devices/claim", token=token)
        assert (answer.status, answer.headers["Allow"]) == told


@ALONE
@pytest.mark.parametrize("expected", ["100-continue", "100-Continue", "miracles", ""])
async def test_whatever_a_client_expects_it_is_answered_as_any_other(expected: str, maija: World) -> None:
    house, token, paths = maija
    answer = await house.ask("PATCH", paths["me"], {"nickname": "M."}, token=token, headers={"Expect": expected})
    assert (answer.status, answer.content_type) == (422, "application/problem+json")
    assert (await house.ask("GET", paths["me"], token=token, headers={"Expect": expected})).status == 200


@ALONE
@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000, "%00", "%ff", "..%2f..%2fapp.py"])
async def test_a_file_with_a_name_that_no_file_can_have_is_not_there(name: str, maija: World) -> None:
    house, _, _ = maija
    with capture_logs() as logs:
        answer = await house.client.get(URL(f"/static/{name}", encoded=True))
    assert answer.status == 404
    assert not [each for each in logs if each["log_level"] == "error"]


@ALONE
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_no_answer_to_another_sites_page_has_a_header_of_cors(method: str, maija: World) -> None:
    house, _, paths = maija
    for path in (*paths.values(), "/openapi.json", "/nothing"):
        body = {} if method in {"POST", "PATCH"} else None
        answer = await house.ask(method, path, body, headers={"Origin": "https://evil.example.net"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.clause("C2-23")
async def test_so_many_requests_of_an_account_and_then_one_waits() -> None:
    rates = Rates(requests_account=Rate(name="account", tries=5, per_s=50))
    async with devices_house(rates=rates) as house:
        token = await house.customer(MAIJA)
        left = []
        for _ in range(5):
            answer = await house.ask("GET", "/me", token=token)
            assert (answer.status, answer.headers["RateLimit-Policy"]) == (200, '"account";q=5;w=50')
            left.append(answer.headers["RateLimit"])
        assert left[0] == '"account";r=4;t=10'
        assert left[-1] == '"account";r=0;t=50'
        refused = await house.ask("GET", "/me", token=token)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
        assert refused.headers["RateLimit"].startswith('"account";r=0;')
        assert (await house.ask("POST", "/password-resets", {"username": MAIJA})).status == 202, (
            "others are not held up"
        )
        await house.clock.advance(10)
        assert (await house.ask("GET", "/me", token=token)).status == 200
        assert (await house.ask("GET", "/me", token=token)).status == 429


async def test_an_address_is_limited_before_anybody_is_asked_who_it_is() -> None:
    rates = Rates(requests_address=Rate(name="address", tries=3, per_s=30))
    async with devices_house(rates=rates, trusted_proxies=house_networks()) as house:
        here, there = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
        statuses = [(await house.ask("GET", "/me", headers=here)).status for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        assert (await house.ask("GET", "/me", headers=there)).status == 401
        for _ in range(5):
            assert (await house.ask("GET", "/me")).status == 401, "a machine of our own, or a proxy, is no stranger"


def house_networks() -> tuple[Any, ...]:
    """Return the networks of proxies: this machine."""
    from ipaddress import ip_network

    return (ip_network("127.0.0.0/8"),)


MALFORMED = {
    "two content types": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n",
    "control character in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\x01c\r\n\r\n",
    "no method": b"nonsense\r\n\r\n",
    "a space in a name": b"GET / HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n",
    "a line without end": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "two lengths": b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
}


@pytest.mark.parametrize("what", MALFORMED)
async def test_what_is_no_http_gets_a_problem_and_nothing_of_the_inside(what: str) -> None:
    async with devices_house() as house:
        app = web.Application()
        app[PORTAL] = house.portal
        server = HttpServer(app, address=HostPort(host="127.0.0.1", port=0), close=lambda: None)
        await server.start()
        stop = asyncio.Event()
        running = asyncio.create_task(server.run(stop))
        with capture_logs() as logs:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(MALFORMED[what])
            answer = await reader.read()
            writer.close()
        stop.set()
        await running
    head, _, body = answer.decode().partition("\r\n\r\n")
    assert re.match("HTTP/1.[01] 4", head)
    assert "Content-Type: application/problem+json" in head
    assert "Server: isocket" in head
    assert "X-Content-Type-Options: nosniff" in head
    assert "aiohttp" not in answer.decode()
    assert '"detail":"This request cannot be understood."' in body
    assert [each["log_level"] for each in logs] == ["info"]


async def test_a_body_that_is_not_what_its_headers_say_gets_a_problem_and_no_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async with devices_house() as house:
        app = web.Application(middlewares=[problems])
        app[PORTAL] = house.portal
        app.router.add_post("/", read)
        server = HttpServer(app, address=HostPort(host="127.0.0.1", port=0), close=lambda: None)
        await server.start()
        stop = asyncio.Event()
        running = asyncio.create_task(server.run(stop))
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        with capture_logs() as logs:
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")
            answer = await reader.read()
        writer.close()
        stop.set()
        await running
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"The body is not what its headers say." in answer
    assert [(each["event"], each["log_level"]) for each in logs] == [("request_malformed", "info")]
    assert caplog.records == []


@pytest.mark.parametrize("expected", [b"miracles", b"\xff"])
@pytest.mark.parametrize("line", ["GET /nothing", "PUT /", "GET /"])
async def test_what_a_client_expects_beside_our_own_routes_gets_a_problem_and_is_not_repeated(
    line: str, expected: bytes
) -> None:
    async with devices_house() as house:
        app = web.Application(middlewares=[problems])
        app[PORTAL] = house.portal
        app.router.add_get("/", healthz)
        server = HttpServer(app, address=HostPort(host="127.0.0.1", port=0), close=lambda: None)
        await server.start()
        stop = asyncio.Event()
        running = asyncio.create_task(server.run(stop))
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = f"{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: ".encode()
        with capture_logs() as logs:
            writer.write(head + expected + b"\r\n\r\n")
            answer = (await reader.read()).decode()
        writer.close()
        stop.set()
        await running
    assert answer.startswith("HTTP/1.1 417")
    assert "Content-Type: application/problem+json" in answer
    assert "miracles" not in answer
    assert not [each for each in logs if each["log_level"] == "error"]
