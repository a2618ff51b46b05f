"""Requests to addresses that strangers chose: they go to public places only, and never further than they were sent."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import ThreadedResolver

from alerts.channels.outside_http import (
    LONGEST_ANSWER,
    MOST_CONNECTIONS,
    MOST_TO_ONE_HOST,
    AnswerMissingError,
    ForbiddenPlaceError,
    NothingLeftError,
    OutsideHttp,
)
from alerts.channels.retry_after import LONGEST_S
from tests.fakes.patience import PATIENCE_S
from tests.fakes.web_receiver import DROP_AFTER, DROP_BEFORE, ENDLESS, HANG_AFTER, Program, answer


class Sink(Program):
    """Takes anything."""

    def opened(self, name: str, body: bytes, request: Any) -> str:
        return body.decode()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    sink = Sink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def strict() -> AsyncIterator[OutsideHttp]:
    http = OutsideHttp(connect_s=PATIENCE_S, total_s=PATIENCE_S)
    yield http
    await http.close()


@pytest.fixture
async def lenient() -> AsyncIterator[OutsideHttp]:
    http = OutsideHttp(loopback=True, connect_s=PATIENCE_S, total_s=PATIENCE_S)
    yield http
    await http.close()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name lead to these addresses, one after another at each question, the last one for ever."""
    waiting = list(addresses)

    async def resolve(_: ThreadedResolver, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        address = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [{"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": 0}]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
async def test_this_machine_is_not_called(strict: OutsideHttp, sink: Sink, host: str) -> None:
    port = sink.base_url.rpartition(":")[2]
    with pytest.raises(ForbiddenPlaceError):
        await strict.post(f"http://{host}:{port}/here", body=b"x", headers={})
    assert sink.requests == 0


@pytest.mark.parametrize("host", ["10.255.255.1", "169.254.169.254", "[fe80::1]", "100.64.0.1", "[64:ff9b::a00:1]"])
async def test_a_private_address_is_not_even_tried(strict: OutsideHttp, host: str) -> None:
    with pytest.raises(ForbiddenPlaceError):
        await strict.post(f"http://{host}/", body=b"x", headers={})


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.0.0.1"])
async def test_another_spelling_of_this_machine_is_not_called(strict: OutsideHttp, sink: Sink, host: str) -> None:
    port = sink.base_url.rpartition(":")[2]
    with pytest.raises((ForbiddenPlaceError, NothingLeftError)):
        await strict.post(f"http://{host}:{port}/here", body=b"x", headers={})
    assert sink.requests == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1"])
async def test_a_name_that_leads_inside_is_not_called(
    strict: OutsideHttp, sink: Sink, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    resolve_to(monkeypatch, address)
    port = sink.base_url.rpartition(":")[2]
    with pytest.raises(ForbiddenPlaceError):
        await strict.post(f"http://hooks.example.org:{port}/here", body=b"x", headers={})
    assert sink.requests == 0


async def test_a_name_that_changes_after_it_was_looked_at_leads_nowhere(
    strict: OutsideHttp, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "8.8.8.8", "127.0.0.1")
    await ThreadedResolver().resolve("hooks.example.org")  # somebody asks beforehand and is content
    port = sink.base_url.rpartition(":")[2]
    with pytest.raises(ForbiddenPlaceError):
        await strict.post(f"http://hooks.example.org:{port}/here", body=b"x", headers={})
    assert sink.requests == 0


async def test_the_socket_itself_is_refused_whatever_was_resolved(strict: OutsideHttp) -> None:
    with pytest.raises(ForbiddenPlaceError):
        strict._socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))


async def test_no_redirect_is_followed(lenient: OutsideHttp, sink: Sink) -> None:
    sink.script("here", answer(307, Location=f"{sink.base_url}/there"))
    got = await lenient.post(f"{sink.base_url}/here", body=b"x", headers={})
    assert (got.status, sink.requests, sink.accepted["there"]) == (307, 1, [])


async def test_no_more_of_an_answer_is_read_than_is_wanted(lenient: OutsideHttp, sink: Sink) -> None:
    sink.script("here", ENDLESS, ENDLESS)
    unread = await lenient.post(f"{sink.base_url}/here", body=b"x", headers={})
    read = await lenient.post(f"{sink.base_url}/here", body=b"x", headers={}, read=True)
    assert (unread.status, unread.body, len(read.body)) == (200, b"", LONGEST_ANSWER)


async def test_it_is_known_whether_anything_left(lenient: OutsideHttp, sink: Sink) -> None:
    sink.script("here", DROP_AFTER, DROP_BEFORE)
    for _ in range(2):
        with pytest.raises(AnswerMissingError):
            await lenient.post(f"{sink.base_url}/here", body=b"x", headers={})
    await sink.stop()
    with pytest.raises(NothingLeftError):
        await lenient.post(f"{sink.base_url}/here", body=b"x", headers={})


async def test_what_breaks_on_our_side_before_a_request_has_sent_nothing(
    lenient: OutsideHttp, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*_: Any, **__: Any) -> None:
        raise AttributeError

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", break_down)
    with pytest.raises(NothingLeftError, match="AttributeError"):
        await lenient.post(f"{sink.base_url}/here", body=b"x", headers={})
    assert sink.requests == 0


async def test_what_breaks_on_our_side_behind_a_request_may_have_arrived(
    lenient: OutsideHttp, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = aiohttp.ClientResponse.start

    async def break_down(got: aiohttp.ClientResponse, connection: Any) -> None:
        await begun(got, connection)
        raise AttributeError

    monkeypatch.setattr(aiohttp.ClientResponse, "start", break_down)
    with pytest.raises(AnswerMissingError, match="AttributeError"):
        await lenient.post(f"{sink.base_url}/here", body=b"x", headers={})
    assert sink.requests == 1


async def test_an_answer_whose_body_breaks_is_an_answer_all_the_same(
    lenient: OutsideHttp, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(_: object) -> None:
        raise AttributeError

    monkeypatch.setattr(aiohttp.StreamReader, "iter_any", break_down)
    got = await lenient.post(f"{sink.base_url}/here", body=b"x", headers={}, read=True)
    assert (got.status // 100, got.body) == (2, b"")


async def test_a_name_that_does_not_exist_sends_nothing(strict: OutsideHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: object, **__: object) -> list[dict[str, Any]]:
        raise OSError(None, "no such name")

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    with pytest.raises(NothingLeftError):
        await strict.post("https://nowhere.example.org/", body=b"x", headers={})


async def test_no_cookie_is_kept(lenient: OutsideHttp, sink: Sink) -> None:
    sink.script("here", answer(200, takes=True, Set_Cookie="a=b; Path=/"))
    for _ in range(2):
        await lenient.post(f"{sink.base_url}/here", body=b"x", headers={})
    assert "Cookie" not in sink.accepted["here"][1].headers


async def test_a_server_that_lets_nobody_go_does_not_hold_up_another(lenient: OutsideHttp, sink: Sink) -> None:
    other = Sink()
    await other.start()
    sink.script("here", *[HANG_AFTER] * MOST_TO_ONE_HOST)
    async with asyncio.TaskGroup() as tasks:
        held = [
            tasks.create_task(lenient.post(f"{sink.base_url}/here", body=b"x", headers={}))
            for _ in range(MOST_CONNECTIONS)
        ]
        await sink.wait_for("here", MOST_TO_ONE_HOST)
        got = await lenient.post(f"{other.base_url}/there", body=b"x", headers={})
        for each in held:
            each.cancel()
    await other.stop()
    assert (got.status, sink.requests) == (204, MOST_TO_ONE_HOST)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("30", 30.0),
        (" 5 ", 5.0),
        ("", None),
        ("Wed, 25 Nov 2026 10:00:00 GMT", None),
        ("-1", None),
        ("9" * 8, LONGEST_S),
    ],
)
async def test_how_long_to_wait_is_read_where_it_is_a_number(
    lenient: OutsideHttp, sink: Sink, told: str, seconds: float | None
) -> None:
    sink.script("here", answer(429, Retry_After=told))
    got = await lenient.post(f"{sink.base_url}/here", body=b"x", headers={})
    assert got.retry_after_s == seconds
