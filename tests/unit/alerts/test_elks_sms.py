"""What 46elks answers becomes an outcome; the rest of the channel is shown by the contract."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from alerts.channels.channel import Message
from alerts.channels.elks_sms import ElksSms
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear
from tests.fakes import twilio_server
from tests.fakes.elks_server import ElksDouble
from tests.fakes.patience import PATIENCE_S
from tests.fakes.twilio_behaviours import Behaviour, odd_201

TO = "+447700900123"
BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def double() -> AsyncIterator[ElksDouble]:
    running = ElksDouble()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def channel(double: ElksDouble) -> AsyncIterator[ElksSms]:
    made = make(double)
    yield made
    await made.close()


def make(double: ElksDouble, *, password: str = "", minimised: bool = False) -> ElksSms:
    return ElksSms(
        username=double.username,
        password=password or double.password,
        sender="iSocket",
        base_url=double.base_url,
        status_callback=lambda attempt_id: f"https://cloud.example.org/{attempt_id}",
        retention_minimised=minimised,
        connect_s=PATIENCE_S,
        total_s=PATIENCE_S,
    )


def message(text: str = "Mökki: mains power is out", to: str = TO) -> Message:
    return Message(attempt_id="att_1", to=to, subject="", text=text)


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (twilio_server.refuse(0, 400), Refused(reason="refused", scope=RefusalScope.MESSAGE, code="400")),
        (twilio_server.refuse(0, 403), Refused(reason="account_empty", scope=RefusalScope.ACCOUNT, code="403")),
        (twilio_server.refuse(0, 404), Refused(reason="account_unknown", scope=RefusalScope.ACCOUNT, code="404")),
        (twilio_server.rate_limit(7), TryLater(reason="too_many_requests", after_s=7.0)),
        (twilio_server.refuse(0, 408), TryLater(reason="request_timeout")),
        (twilio_server.HTML_503, TryLater(reason="provider_unavailable")),
        (twilio_server.HTTP_500_BEFORE, Unclear(reason="http_500")),
        (twilio_server.HTTP_500_AFTER_ACCEPT, Unclear(reason="http_500")),
        (twilio_server.EMPTY_201, Unclear(reason="no_message_id")),
        (twilio_server.HTML_201, Unclear(reason="no_message_id")),
        (twilio_server.DROP_BEFORE, Unclear(reason="answer_lost: ServerDisconnectedError")),
    ],
    ids=lambda each: f"{each.trick}-{each.http}" if isinstance(each, Behaviour) else "",
)
async def test_each_answer_has_its_outcome(
    double: ElksDouble, channel: ElksSms, behaviour: Behaviour, outcome: Outcome
) -> None:
    double.script(TO, behaviour)
    assert await channel.send(message()) == outcome


@pytest.mark.parametrize(
    ("said", "content_type", "reason"),
    [
        ('{"id": "s\\ud800"}', "application/json", "no_message_id"),
        (f'{{"id": "{"s" * 65}"}}', "application/json", "no_message_id"),
        ("[" * 100_000, "application/json", "no_message_id"),
        ("{}", "text/plain; charset=hex", "no_message_id"),
    ],
    ids=["an id that no store holds", "a long id", "brackets", "no id, in no charset of texts"],
)
async def test_what_46elks_took_with_an_odd_answer_is_unclear(
    double: ElksDouble, channel: ElksSms, said: str, content_type: str, reason: str
) -> None:
    double.script(TO, odd_201(said, content_type))
    assert await channel.send(message()) == Unclear(reason=reason)
    assert len(double.accepted[TO]) == 1


async def test_a_wrong_password_refuses_for_the_whole_account(double: ElksDouble) -> None:
    channel = make(double, password="wrong")
    outcome = await channel.send(message())
    await channel.close()
    assert outcome == Refused(reason="credentials", scope=RefusalScope.ACCOUNT, code="401")


async def test_what_breaks_on_our_side_behind_the_request_is_unclear(
    double: ElksDouble, channel: ElksSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*_: Any) -> None:
        raise AttributeError

    monkeypatch.setattr(aiohttp.ClientResponse, "start", break_down)
    assert await channel.send(message()) == Unclear(reason="answer_lost: AttributeError")


async def test_what_breaks_on_our_side_before_the_request_is_tried_later(
    double: ElksDouble, channel: ElksSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*_: Any, **__: Any) -> None:
        raise AttributeError

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", break_down)
    assert await channel.send(message()) == TryLater(reason="nothing_sent: AttributeError")
    assert not double.accepted


async def test_what_is_no_number_is_not_even_tried(double: ElksDouble, channel: ElksSms) -> None:
    assert isinstance(await channel.send(message(to="0401234567")), Refused)
    assert not double.accepted


async def test_one_message_with_the_text_is_found_two_are_not_told_apart(double: ElksDouble, channel: ElksSms) -> None:
    double.script(TO, twilio_server.DROP_AFTER_ACCEPT)
    await channel.send(message())
    (lost,) = double.accepted[TO]
    assert await channel.look_up(message(), BEFORE) == Sent(provider_id=lost.sid, receipt_expected=True)
    assert await channel.look_up(message("another"), BEFORE) == Unclear(reason="not_found")
    assert await channel.look_up(message(), datetime(2999, 1, 1, tzinfo=UTC)) == Unclear(reason="not_found")
    await channel.send(message())
    assert await channel.look_up(message(), BEFORE) == Unclear(reason="found_several")


async def test_one_that_has_failed_meanwhile_is_refused(double: ElksDouble, channel: ElksSms) -> None:
    double.script(TO, twilio_server.DROP_AFTER_ACCEPT)
    await channel.send(message())
    double.accepted[TO][0].status = "failed"
    assert isinstance(await channel.look_up(message(), BEFORE), Refused)


async def test_with_the_least_kept_the_text_is_not_stored_there_and_nothing_can_be_looked_up(
    double: ElksDouble,
) -> None:
    channel = make(double, minimised=True)
    await channel.send(message())
    found = await channel.look_up(message(), BEFORE)
    await channel.close()
    assert (double.accepted[TO][0].kept, found) == (False, Unclear(reason="nothing_kept"))
