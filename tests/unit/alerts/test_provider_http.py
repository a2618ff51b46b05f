"""What a provider answers is read as far as an answer of its can be long, whatever it sends."""

import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.channels.channel import Message
from alerts.channels.elks_sms import ElksSms
from alerts.channels.provider_http import LONGEST_ANSWER, AnswerLostError, HttpRequest, ProviderHttp
from alerts.channels.twilio_sms import TwilioSms
from alerts.outcomes import Sent, Unclear
from tests.fakes.patience import PATIENCE_S

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
MESSAGE = Message(attempt_id="att_1", to="+447700900123", subject="", text="Mökki: mains power is out")
TAKEN = json.dumps({"id": "s1", "sid": "SM1", "status": "created", "filling": "x" * LONGEST_ANSWER}).encode()


@asynccontextmanager
async def provider(answer: Answer) -> AsyncIterator[str]:
    """Serve a provider that answers whatever is asked so."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@asynccontextmanager
async def asked(url: str) -> AsyncIterator[ProviderHttp]:
    http = ProviderHttp(base_url=url, connect_s=PATIENCE_S, total_s=PATIENCE_S)
    yield http
    await http.close()


def request(url: str) -> HttpRequest:
    return HttpRequest(method="POST", url=f"{url}/", body=b"x", headers={})


async def test_an_answer_that_is_small_on_its_way_does_not_become_a_large_one() -> None:
    wanted: list[str] = []

    async def answer(asking: web.Request) -> web.StreamResponse:
        wanted.append(asking.headers["Accept-Encoding"])
        return web.Response(body=gzip.compress(bytes(8 * LONGEST_ANSWER)), headers={"Content-Encoding": "gzip"})

    async with provider(answer) as url, asked(url) as http:
        found = await http.carry(request(url))
    assert found.status == 200
    assert len(found.text) <= LONGEST_ANSWER
    assert wanted == ["identity"]


async def test_of_an_answer_that_is_too_long_the_beginning_is_read_and_its_status_is_known() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, text="x" * 8 * LONGEST_ANSWER)

    async with provider(answer) as url, asked(url) as http:
        found = await http.carry(request(url))
    assert (found.status, len(found.text)) == (503, LONGEST_ANSWER)


async def test_an_answer_that_breaks_off_before_its_end_is_a_lost_one() -> None:
    async def answer(asking: web.Request) -> web.StreamResponse:
        broken = web.StreamResponse(headers={"Content-Length": "100"})
        await broken.prepare(asking)
        await broken.write(b'{"id": "s1"}')
        assert asking.transport is not None
        asking.transport.close()
        return broken

    async with provider(answer) as url, asked(url) as http:
        with pytest.raises(AnswerLostError):
            await http.carry(request(url))


async def test_what_was_taken_with_an_answer_in_no_known_alphabet_is_sent_all_the_same() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        body = json.dumps({"id": "s1", "sid": "SM1", "status": "created"}).encode()
        return web.Response(status=201, body=body, headers={"Content-Type": "application/json; charset=nonsense"})

    async with provider(answer) as url:
        for channel in (elks(url), twilio(url)):
            sent = await channel.send(MESSAGE)
            await channel.close()
            assert isinstance(sent, Sent)


async def test_what_was_taken_with_an_answer_that_is_too_long_is_unclear_and_not_found_by_another() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=201, body=TAKEN, content_type="application/json")

    async with provider(answer) as url:
        for channel in (elks(url), twilio(url)):
            sent = await channel.send(MESSAGE)
            found = await channel.look_up(MESSAGE, datetime(2020, 1, 1, tzinfo=UTC))
            await channel.close()
            assert isinstance(sent, Unclear)
            assert isinstance(found, Unclear)


def elks(url: str) -> ElksSms:
    return ElksSms(
        username="u1",
        password="p1",
        sender="iSocket",
        base_url=url,
        status_callback=lambda attempt_id: f"https://cloud.example.org/{attempt_id}",
        connect_s=PATIENCE_S,
        total_s=PATIENCE_S,
    )


def twilio(url: str) -> TwilioSms:
    return TwilioSms(
        account_sid="AC1",
        auth_token="t1",
        sender="iSocket",
        base_url=url,
        status_callback=lambda attempt_id: f"https://cloud.example.org/{attempt_id}",
        connect_s=PATIENCE_S,
        total_s=PATIENCE_S,
    )
