"""What every route of the portal does alike: refusals, headers, logs, cookies, pages, life signs."""

import asyncio
import errno
import gzip
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any, NoReturn

import pytest
from aiohttp import ClientError, ClientTimeout, web
from structlog.testing import capture_logs

from isocket.domain.accounts import Account, AccountRole, Bucket, Session, StaffRole
from isocket.domain.listening import BELIEVED_FOR_S, BRIDGE, Listening
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.port import StoreUnavailableError, is_
from isocket.storage.proof import NOTE
from portal_api import access, dispatch, sessions
from portal_api.app import ROUTES
from portal_api.models import Body, PageQuery
from portal_api.pages import go_to
from portal_api.problem_words import ENGLISH_TITLES
from portal_api.routes import Access, Call, Reply, Route, Surface
from portal_api.strict_json import MAX_BYTES
from tests.fakes.endless import endless_body
from tests.fakes.full_disk import FullDisk
from tests.fakes.patience import PATIENCE_S
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PUBLIC_URL, PortalHouse, portal_house

MAIJA = "maija@example.org"
REASON = {"X-Reason": "asked in a call about last night"}
JSON = {"Content-Type": "application/json"}


class Word(Body):
    """A form with one field."""

    word: str


async def _break(_: Call[None, None]) -> NoReturn:
    raise RuntimeError("secret of maija@example.org")


async def _left(call: Call[None, None]) -> web.StreamResponse:
    assert call.request.transport is not None
    call.request.transport.abort()
    response = web.StreamResponse()
    await response.prepare(call.request)
    return response


async def _no_name(_: Call[None, None]) -> NoReturn:
    raise OSError(errno.ENAMETOOLONG, "File name too long", "/var/lib/isocket/exports/secret")


async def _no_store(_: Call[None, None]) -> NoReturn:
    raise StoreUnavailableError


async def _taken(_: Call[Any, None]) -> Reply:
    return Reply()


async def _show(call: Call[None, None]) -> web.Response:
    return web.Response(text=call.account.id, content_type="text/html")


async def _list(call: Call[None, PageQuery]) -> web.Response:
    return web.json_response({"limit": call.query.limit, "cursor": call.query.cursor})


async def _thanks(_: Call[Word, None]) -> web.Response:
    return go_to("/thanks")


TRIAL = (
    *ROUTES,
    Route(method="GET", path="/break", handler=_break, summary="", access=Access.PUBLIC),
    Route(method="GET", path="/left", handler=_left, summary="", access=Access.PUBLIC),
    Route(method="GET", path="/no-name", handler=_no_name, summary="", access=Access.PUBLIC),
    Route(method="GET", path="/no-store", handler=_no_store, summary="", access=Access.PUBLIC),
    Route(method="POST", path="/things/{thing_id}", handler=_taken, summary="", answers={204: None}),
    Route(method="GET", path="/staff", handler=_taken, summary="", access=Access.STAFF, answers={204: None}),
    Route(
        method="GET",
        path="/staff/queue",
        handler=_taken,
        summary="",
        access=Access.STAFF,
        staff=(StaffRole.PRIVACY,),
        answers={204: None},
    ),
    Route(method="GET", path="/list", handler=_list, summary="", access=Access.PUBLIC, query=PageQuery),
    Route(method="GET", path="/break-page", handler=_break, summary="", access=Access.PUBLIC, surface=Surface.PAGE),
    Route(
        method="GET", path="/no-store-page", handler=_no_store, summary="", access=Access.PUBLIC, surface=Surface.PAGE
    ),
    Route(method="GET", path="/page", handler=_show, summary="", surface=Surface.PAGE),
    Route(method="POST", path="/page", handler=_thanks, summary="", surface=Surface.PAGE, body=Word),
)


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=TRIAL) as running:
        yield running


async def problem(answer: Any) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    document: dict[str, Any] = json.loads(await answer.read())
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert document["status"] == answer.status
    return document


@pytest.mark.parametrize(
    ("raw", "status", "field"),
    [
        (b'{"username": "a@example.org", "username": "b@example.org"}', 400, "username"),
        (b'{"username": NaN}', 400, "(body)"),
        (b'{"username": 1e999}', 400, "username"),
        (b'{"username": ' + b"[" * 33 + b"]" * 33 + b"}", 400, "(body)"),
        (b'{"username": "\xff"}', 400, "(body)"),
        (b'{"username": "\\ud800"}', 400, "username"),
        (b'["a@example.org"]', 400, "(body)"),
        (b'{"username"', 400, "(body)"),
        (b"", 400, "(body)"),
        (b'{"username": 7}', 422, "username"),
        (b"{}", 422, "username"),
        (b'{"username": "a@example.org", "role": "staff"}', 422, "role"),
    ],
)
async def test_a_body_that_is_not_as_it_should_be_is_refused_naming_what(
    house: PortalHouse, raw: bytes, status: int, field: str
) -> None:
    answer = await house.ask("POST", "/password-resets", data=raw, headers=JSON)
    assert answer.status == status
    assert (await problem(answer))["errors"][0]["field"] == field


async def test_a_body_of_another_type_is_refused(house: PortalHouse) -> None:
    answer = await house.ask("POST", "/password-resets", data=b"{}", headers={"Content-Type": "text/plain"})
    assert (await problem(answer))["status"] == 415


async def test_a_body_that_is_too_long_is_refused(house: PortalHouse) -> None:
    answer = await house.ask("POST", "/password-resets", {"username": "a" * 70_000})
    assert (await problem(answer))["status"] == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PUT", "/accounts", 405),
        ("POST", "/things/..%2Fetc", 404),
        ("GET", "/me", 401),
        ("GET", "/me?surprise=1", 401),
        ("GET", "/openapi.json?surprise=1", 422),
    ],
)
async def test_every_refusal_is_a_problem_document(house: PortalHouse, method: str, path: str, status: int) -> None:
    assert (await problem(await house.ask(method, path)))["status"] == status


async def test_what_is_asked_after_the_question_mark_is_read_as_declared(house: PortalHouse) -> None:
    assert await (await house.ask("GET", "/list?limit=7")).json() == {"limit": 7, "cursor": None}


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), ("limit=x", "limit"), ("limit=1&limit=2", "limit"), ("size=3", "size")]
)
async def test_a_bad_parameter_is_named(house: PortalHouse, query: str, field: str) -> None:
    answer = await house.ask("GET", f"/list?{query}")
    assert answer.status == 422
    assert [each["field"] for each in (await problem(answer))["errors"]] == [field]


@pytest.mark.parametrize(
    ("request_line", "headers", "data", "status"),
    [
        ("GET /api/v1/me", {"Authorization": "Bearer \udcff"}, None, 401),
        ("GET /api/v1/me", {"Cookie": "sid=\udcff"}, None, 401),
        ("GET /activate?token=%FF", {}, None, 404),
        ("POST /api/v1/accounts", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"{}", 400),
        ("POST /api/v1/accounts", {"Content-Type": "application/json", "Content-Encoding": "deflate"}, b"x", 400),
    ],
)
async def test_bytes_that_mean_nothing_are_refused_and_no_fault_of_ours(
    house: PortalHouse, request_line: str, headers: dict[str, str], data: bytes | None, status: int
) -> None:
    assert await raw_status(house, request_line, headers, data) == status


async def test_a_short_body_that_unpacks_to_a_long_one_is_refused(house: PortalHouse) -> None:
    packed = gzip.compress(b'{"username": "' + b"a" * 20_000_000 + b'"}')
    assert len(packed) < MAX_BYTES
    headers = {**JSON, "Content-Encoding": "gzip"}
    assert await raw_status(house, "POST /api/v1/password-resets", headers, packed) == 413


async def test_a_body_that_does_not_come_to_its_end_is_not_waited_for(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "BODY_TIMEOUT_S", 0.05)
    path, patience = "/api/v1/password-resets", ClientTimeout(total=PATIENCE_S)
    answer = await house.client.post(path, data=endless_body(), headers=JSON, timeout=patience)
    assert answer.status == 408


@pytest.mark.parametrize("token", ["\udcff", "\u00e9"])
async def test_a_token_for_forms_that_is_no_ascii_is_a_wrong_one(house: PortalHouse, token: str) -> None:
    cookie, _ = await signed_in_browser(house)
    headers = {"Cookie": cookie, "Origin": PUBLIC_URL}
    by_header = await raw_status(house, "POST /api/v1/things/1", {**headers, "X-CSRF": token})
    by_form = await house.client.post("/page", data={"word": "yes", "csrf": "\u00e9"}, headers=headers)
    assert (by_header, by_form.status) == (403, 403)


async def raw_status(house: PortalHouse, request_line: str, headers: dict[str, str], data: bytes | None = None) -> int:
    """Return the status of a request that no decent client would send."""
    body = data or b""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.client.port)
    told = {"Host": "cloud.example.org", "Connection": "close", "Content-Length": str(len(body)), **headers}
    lines = [f"{request_line} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    writer.write("\r\n".join(lines).encode("utf-8", "surrogateescape") + body)
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/break-page", 500), ("/no-store-page", 503)])
async def test_a_browser_gets_a_page_where_something_is_wrong_and_a_program_a_document(
    house: PortalHouse, path: str, status: int
) -> None:
    page = await house.client.get(path, headers={"Accept": "text/html,application/xhtml+xml"})
    text = await page.text()
    assert (page.status, page.content_type) == (status, "text/html")
    assert '<link rel="stylesheet" href="/static/portal.css">' in text
    assert '<main class="narrow"><section class="card door">' in text
    said = await problem(await house.client.get(path))
    assert (said["status"], said["title"]) == (status, HTTPStatus(status).phrase)
    assert f"<h1>{ENGLISH_TITLES[status]}</h1>" in text, "people read words, programs the name of the status"
    in_the_api = await house.client.get(f"/api/v1{path.removesuffix('-page')}", headers={"Accept": "text/html"})
    assert (await problem(in_the_api))["status"] == status


@pytest.mark.parametrize(
    ("ours", "asked", "leads_to"),
    [
        ("http://127.0.0.1:8080", "localhost:8080", "http://127.0.0.1:8080/page?tab=2"),
        ("http://localhost:8080", "[::1]:8080", "http://localhost:8080/page?tab=2"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", None),
        ("http://127.0.0.1:8080", "localhost:9090", None),
        ("http://127.0.0.1:8080", "evil.example.net:8080", None),
        ("https://cloud.example.org", "localhost:8080", None),
        ("http://127.0.0.1:8080", "[localhost", None),
    ],
)
async def test_a_page_called_by_another_name_of_this_machine_leads_to_the_one_where_its_forms_work(
    ours: str, asked: str, leads_to: str | None
) -> None:
    async with portal_house(routes=TRIAL, public_url=ours) as house:
        page = await house.client.get("/page?tab=2", headers={"Host": asked}, allow_redirects=False)
        program = await house.client.get("/api/v1/list", headers={"Host": asked}, allow_redirects=False)
    assert page.headers["Location"] == (leads_to or "/login?next=%2Fpage%3Ftab%3D2")
    assert program.status == 200


async def test_a_wrong_method_is_told_the_right_ones(house: PortalHouse) -> None:
    assert (await house.ask("PUT", "/accounts")).headers["Allow"] == "POST"


@pytest.mark.parametrize(("path", "error"), [("/break", "RuntimeError"), ("/no-name", "OSError")])
async def test_a_fault_of_ours_shows_a_number_and_nothing_of_the_inside(
    house: PortalHouse, path: str, error: str
) -> None:
    with capture_logs() as lines:
        answer = await house.ask("GET", path)
    text = await answer.text()
    (logged,) = [line for line in lines if line["event"] == "request_failed"]
    assert answer.status == 500
    assert logged["error_id"] in text
    assert logged["error"] == error
    assert "secret" not in text + repr(lines)


async def test_whoever_goes_away_before_the_answer_is_no_fault_of_ours(house: PortalHouse) -> None:
    with capture_logs() as lines:
        with pytest.raises(ClientError):
            await house.ask("GET", "/left")
        await house.ask("GET", "/list")
    assert [(each["event"], each["status"]) for each in lines] == [("request", 499), ("request", 200)]


async def test_a_store_out_of_reach_is_told_apart_from_a_fault(house: PortalHouse) -> None:
    answer = await house.ask("GET", "/no-store")
    assert answer.status == 503
    assert answer.headers["Retry-After"]


async def test_the_log_line_has_the_template_and_nothing_about_who_asks(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    with capture_logs() as lines:
        await house.ask("POST", "/things/dev_7?x=1", token=token)
    (line,) = [each for each in lines if each["event"] == "request"]
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "POST",
        "route": "/api/v1/things/{thing_id}",
        "status": 422,
        "family": "ipv4",
    }


async def test_no_personal_value_reaches_a_log_line(house: PortalHouse) -> None:
    with capture_logs() as lines:
        tokens = [await house.customer(MAIJA, name="Maija Meikalainen")]
        await house.ask("POST", "/tokens", {"username": MAIJA, "password": "the wrong words"})
        await house.ask("POST", "/accounts", {"username": MAIJA, "password": "12345678"})
        await house.ask("GET", f"/nowhere/{MAIJA}?token={tokens[0]}")
        await house.ask("POST", "/password-resets", {"username": MAIJA})
        tokens.append(await house.link_token(MAIJA))
        await house.ask("POST", "/password-resets/confirm", {"token": tokens[1], "password": OTHER_PASSWORD})
    text = repr(lines)
    assert "account_activated" in text
    assert "password_reset" in text
    for value in (MAIJA, "maija", "Meikalainen", PASSWORD, OTHER_PASSWORD, "127.0.0.1", *tokens):
        assert value not in text


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/me", "/api/v1/openapi.json", "/nowhere", "/page"])
async def test_every_answer_carries_the_security_headers(house: PortalHouse, path: str) -> None:
    headers = (await house.client.get(path, allow_redirects=False)).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "isocket"
    assert "Strict-Transport-Security" not in headers
    assert not [name for name in headers if name.startswith("Access-Control")]


@pytest.mark.clause("C5-07")
async def test_https_is_asked_for_only_where_it_is_spoken() -> None:
    async with portal_house(public_url="https://cloud.example.org") as house:
        answer = await house.client.get("/healthz")
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")


@pytest.mark.clause("C5-10")
async def test_staff_routes_are_closed_to_customers_and_to_staff_without_a_second_factor(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    assert (await house.ask("GET", "/staff", token=token, headers=REASON)).status == 403
    await house.records.change_one(Account, is_("email", MAIJA), role=AccountRole.STAFF)
    refused = await house.ask("GET", "/staff", token=token, headers=REASON)
    assert (await refused.json())["type"] == "urn:isocket:problem:second-factor-needed"
    await house.records.change_all(Session, second_factor=True)
    assert (await house.ask("GET", "/staff", token=token, headers=REASON)).status == 204


@pytest.mark.clause("C5-02")
@pytest.mark.parametrize("said", [None, "", "   x   ", "abcd", "a" * 201, "a\tb\u200bcdef"])
async def test_staff_who_do_not_say_why_they_look_are_told_which_header_to_send(
    house: PortalHouse, said: str | None
) -> None:
    token = await house.staff(MAIJA)
    headers = {} if said is None else {"X-Reason": said}
    answer = await house.ask("GET", "/staff", token=token, headers=headers)
    told = await answer.json()
    assert (answer.status, told["type"]) == (403, "urn:isocket:problem:reason-needed")
    assert "X-Reason" in told["detail"]


@pytest.mark.clause("C5-02")
async def test_staff_see_only_what_they_are_there_for(house: PortalHouse) -> None:
    token = await house.staff(MAIJA)
    for roles, status in (((), 403), ((StaffRole.SUPPORT,), 403), ((StaffRole.SUPPORT, StaffRole.PRIVACY), 204)):
        await house.records.change_one(Account, is_("email", MAIJA), role=AccountRole.STAFF, staff_roles=roles)
        answer = await house.ask("GET", "/staff/queue", token=token, headers=REASON)
        assert answer.status == status
    await house.records.change_one(Account, is_("email", MAIJA), role=AccountRole.CUSTOMER)
    assert (await house.ask("GET", "/staff/queue", token=token, headers=REASON)).status == 403


async def signed_in_browser(house: PortalHouse) -> tuple[str, str]:
    """Return the cookie of a signed-in browser and the token for its forms."""
    await house.register(MAIJA)
    cookie = await sessions.open_cookie(house.portal, await house.account(MAIJA))
    return f"{access.cookie_name(house.portal.settings)}={cookie}", access.csrf_token(cookie)


async def test_a_browser_changes_something_with_our_origin_and_its_token(house: PortalHouse) -> None:
    cookie, csrf = await signed_in_browser(house)
    headers = {"Cookie": cookie, "Origin": PUBLIC_URL, "X-CSRF": csrf}
    assert (await house.ask("POST", "/things/1", headers=headers)).status == 204
    by_form = await house.client.post(
        "/page",
        data={"word": "yes", "csrf": csrf},
        headers={"Cookie": cookie, "Origin": PUBLIC_URL},
        allow_redirects=False,
    )
    assert (by_form.status, by_form.headers["Location"]) == (303, "/thanks")


@pytest.mark.parametrize(
    "change",
    [
        {"X-CSRF": ""},
        {"X-CSRF": "0" * 64},
        {"Origin": "https://evil.example.net"},
        {"Origin": "null"},
        {"Origin": PUBLIC_URL + ".evil.example.net"},
        {"Origin": ""},
    ],
)
async def test_what_another_sites_page_sends_is_refused(house: PortalHouse, change: dict[str, str]) -> None:
    cookie, csrf = await signed_in_browser(house)
    headers = {"Cookie": cookie, "Origin": PUBLIC_URL, "X-CSRF": csrf, **change}
    assert (await house.ask("POST", "/things/1", headers=headers)).status == 403


async def test_a_change_without_any_origin_is_refused(house: PortalHouse) -> None:
    cookie, csrf = await signed_in_browser(house)
    assert (await house.ask("POST", "/things/1", headers={"Cookie": cookie, "X-CSRF": csrf})).status == 403
    said = {"Cookie": cookie, "X-CSRF": csrf, "Sec-Fetch-Site": "same-origin"}
    assert (await house.ask("POST", "/things/1", headers=said)).status == 204


async def test_a_token_for_programs_is_no_cookie_and_the_other_way_round(house: PortalHouse) -> None:
    cookie, _ = await signed_in_browser(house)
    tokens = await house.sign_in(MAIJA)
    assert (await house.ask("GET", "/me", token=cookie.partition("=")[2])).status == 401
    assert (await house.ask("GET", "/me", headers={"Cookie": f"sid={tokens['access_token']}"})).status == 401


async def test_a_browser_stays_signed_in_while_it_is_used_and_at_most_thirty_days(house: PortalHouse) -> None:
    cookie, _ = await signed_in_browser(house)
    statuses = []
    for _ in range(30):
        statuses.append((await house.ask("GET", "/me", headers={"Cookie": cookie})).status)
        await house.clock.advance(86_400 - 60)
    statuses.append((await house.ask("GET", "/me", headers={"Cookie": cookie})).status)
    assert statuses == [200] * 31
    await house.clock.advance(3600)  # it was used an hour ago
    assert (await house.ask("GET", "/me", headers={"Cookie": cookie})).status == 401


async def test_an_idle_browser_is_signed_out_after_a_day(house: PortalHouse) -> None:
    cookie, _ = await signed_in_browser(house)
    await house.clock.advance(86_400)
    assert (await house.ask("GET", "/me", headers={"Cookie": cookie})).status == 401


async def test_who_is_not_signed_in_is_led_from_a_page_to_the_sign_in(house: PortalHouse) -> None:
    answer = await house.client.get("/page?tab=2", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Fpage%3Ftab%3D2")


async def test_a_page_refuses_in_words_for_people(house: PortalHouse) -> None:
    cookie, csrf = await signed_in_browser(house)
    headers = {"Cookie": cookie, "Origin": PUBLIC_URL}
    answer = await house.client.post("/page", data={"csrf": csrf, "<b>": "x"}, headers=headers)
    text = await answer.text()
    assert (answer.status, answer.content_type) == (409, "text/html")
    assert "out of date" in text, "a page that has such a field is none of today's"
    assert "<b>" not in text


async def test_the_cookie_is_bound_to_host_and_https_where_there_is_https() -> None:
    async with portal_house(public_url="https://cloud.example.org") as house:
        response = web.Response()
        access.set_cookie(house.portal.settings, response, "value")
        cookie: SimpleCookie = response.cookies
        text = cookie.output()
    assert "__Host-sid=value" in text
    for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
        assert part in text
    assert "Domain" not in text


async def test_the_process_says_that_it_lives(house: PortalHouse) -> None:
    assert (await house.client.get("/healthz")).status == 200


async def test_ready_means_store_and_broker() -> None:
    async def not_connected() -> bool:
        return False

    async def broken() -> bool:
        raise OSError("no broker")

    statuses = []
    for ready in (not_connected, broken):
        async with portal_house(ready=ready) as house:
            answer = await house.client.get("/readyz")
            statuses.append((answer.status, (await answer.json())["store"], (await answer.json())["broker"]))
    async with portal_house() as house:
        statuses.append(((await house.client.get("/readyz")).status, "ok", "ok"))
    assert statuses == [(503, "ok", "out of reach"), (503, "ok", "out of reach"), (200, "ok", "ok")]


async def test_a_portal_without_a_bridge_of_its_own_says_whether_one_hears_and_serves_people_all_the_same() -> None:
    said = []
    async with portal_house() as house:
        now = house.clock.now()
        await house.records.add(Listening(id=BRIDGE, since=now, until=now))
        for seconds in (BELIEVED_FOR_S, 1):
            await house.clock.advance(seconds)
            answer = await house.client.get("/readyz")
            said.append((answer.status, (await answer.json())["broker"]))
    assert said == [(200, "ok"), (200, "out of reach")]


async def test_a_portal_beside_which_no_bridge_ever_heard_the_broker_does_not_say_that_one_does() -> None:
    async with portal_house() as house:
        answer = await house.client.get("/readyz")
        assert (answer.status, (await answer.json())["broker"]) == (200, "out of reach")


async def test_a_store_that_takes_nothing_more_is_not_ready_though_it_answers() -> None:
    disk = FullDisk()
    await disk.prepare()
    async with portal_house(records=disk) as house:
        statuses = [(await house.client.get("/readyz")).status]
        disk.is_full = True
        await house.clock.advance(10)
        answer = await house.client.get("/readyz")
        statuses.append(answer.status)
        assert (await answer.json())["store"] == "out of reach"
        disk.is_full = False
        statuses.append((await house.client.get("/readyz")).status)
    assert statuses == [200, 503, 200]


async def test_a_keyring_that_takes_no_key_is_not_ready_though_the_store_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_room() -> None:
        raise StoreUnavailableError

    keyring = MemoryKeyring()
    async with portal_house(keyring=keyring) as house:
        assert (await house.client.get("/readyz")).status == 200
        with monkeypatch.context() as full:
            full.setattr(keyring, "prove_writing", no_room)
            await house.clock.advance(10)
            for _ in range(2):  # the store's own note must not speak for the keyring
                answer = await house.client.get("/readyz")
                assert (answer.status, (await answer.json())["store"]) == (503, "out of reach")
        assert (await house.client.get("/readyz")).status == 200


async def test_asking_again_and_again_whether_it_is_ready_writes_once_in_a_while(house: PortalHouse) -> None:
    versions = []
    for seconds in (0, 1, 1, 10):
        await house.clock.advance(seconds)
        assert (await house.client.get("/readyz")).status == 200
        note = await house.records.get(Bucket, NOTE)
        assert note is not None
        versions.append(note.version)
    assert versions[0] == versions[1] == versions[2] < versions[3]


async def test_metrics_count_by_template(house: PortalHouse) -> None:
    await house.ask("POST", "/things/dev_7")
    text = await (await house.client.get("/metrics")).text()
    assert 'portal_requests_total{method="POST",route="/api/v1/things/{thing_id}",status="401"} 1.0' in text
    assert "dev_7" not in text


async def test_security_txt_says_where_to_report_a_hole(house: PortalHouse) -> None:
    text = await (await house.client.get("/.well-known/security.txt")).text()
    assert "Contact: mailto:" in text
    assert "Expires: 2027-05-21T" in text
    assert f"Canonical: {PUBLIC_URL}/.well-known/security.txt" in text
