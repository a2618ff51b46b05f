"""Whatever strangers send, no value of a person is in the log, and each event is one line of JSON."""

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
import structlog

from isocket.kit.logs import configure_logs
from portal_api.routes import Access, AnyRoute, Call, Route
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, owned
from tests.fakes.portal_house import PortalHouse, portal_house

CANARY = "balthasar.underhollow@example.org"
PARTS = ("balthasar", "underhollow", "900487", "203.0.113.77", "Quillfeather", "Netscape")
HOSTILE = f'{CANARY}\r\n{{"event": "forged"}}\x1b[2J\u2028 +447700900487'
HEADERS = {
    "User-Agent": "Netscape/4.0 (balthasar underhollow)",
    "X-Forwarded-For": "203.0.113.77",
    "Referer": f"https://elsewhere.example.org/?mail={CANARY}",
}


async def _fail(_: Call[Any, Any]) -> None:
    raise ValueError(HOSTILE, {"phone": "+447700900487"})


BROKEN: AnyRoute = Route(method="GET", path="/broken", handler=_fail, summary="Fails", access=Access.PUBLIC)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    configure_logs(level="DEBUG", stream=written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest_asyncio.fixture
async def house(stream: io.StringIO) -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=(*ALL_ROUTES, BROKEN)) as running:
        yield running


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return every line as JSON: a line that is none fails."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.clause("C5-03")
async def test_no_canary_in_url_name_header_or_exception_reaches_the_log(
    house: PortalHouse, stream: io.StringIO
) -> None:
    token = await owned(house)
    for path in (f"/nothing/{CANARY}", f"/devices/x?mail={CANARY}&phone=%2B447700900487", f"/devices/{CANARY}"):
        await house.ask("GET", path, token=token, headers=HEADERS)
    named = await house.ask("POST", "/contacts", {"name": "Aurelia Quillfeather", "email": CANARY}, token=token)
    assert named.status == 201
    for name in (HOSTILE, "Aurelia Quillfeather"):
        await house.ask("PATCH", "/devices/is0000000001", {"name": name}, token=token, headers=HEADERS)
    await house.ask("POST", "/tokens", {"username": CANARY, "password": "Quillfeather 900487"}, headers=HEADERS)
    assert (await house.ask("GET", "/broken", headers=HEADERS)).status == 500
    logging.getLogger("some.library").error("cannot reach %s", HOSTILE)
    written = stream.getvalue()
    assert [part for part in PARTS if part in written] == []
    assert MAIJA not in written
    assert "request_failed" in [each["event"] for each in lines(stream)]


@pytest.mark.clause("C5-03")
async def test_each_event_is_one_line_that_nobody_can_forge(house: PortalHouse, stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning(HOSTILE)
    await house.ask("GET", "/broken")
    written = lines(stream)
    assert "forged" not in [each["event"] for each in written]
    assert all(" " <= sign <= "~" for line in stream.getvalue().splitlines() for sign in line)
    assert len(written) == len([each for each in written if {"event", "level", "timestamp"} <= set(each)])


@pytest.mark.clause("C1-14")
@pytest.mark.clause("C1-16")
@pytest.mark.clause("C1-18")
async def test_of_a_request_the_log_says_the_route_the_status_and_the_kind_of_network(
    house: PortalHouse, stream: io.StringIO
) -> None:
    token = await owned(house)
    before = len(lines(stream))
    await house.ask("GET", "/devices/is0000000001", token=token, headers=HEADERS)
    (line,) = [each for each in lines(stream)[before:] if each["event"] == "request"]
    assert (line["route"], line["method"], line["family"]) == ("/api/v1/devices/{device_id}", "GET", "ipv4")
    assert set(line) == {"event", "level", "logger", "timestamp", "method", "route", "status", "ms", "family"}


@pytest.mark.clause("C1-15")
async def test_a_line_says_when_in_universal_time(house: PortalHouse, stream: io.StringIO) -> None:
    await house.ask("GET", "/devices")
    (line,) = [each for each in lines(stream) if each["event"] == "request"]
    assert line["timestamp"].endswith("Z")
    assert "." in line["timestamp"], "finer than a second"


async def test_our_own_log_takes_the_place_of_the_one_of_the_server(house: PortalHouse, stream: io.StringIO) -> None:
    await house.client.get("/healthz")
    assert [each["logger"] for each in lines(stream) if each["event"] == "request"] == ["portal_api.access_log"]
