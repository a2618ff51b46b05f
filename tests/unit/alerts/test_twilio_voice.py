"""What Twilio answers to a request for a call becomes an outcome; the rest of the channel is shown by the contract."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from alerts.call_outcomes import read_call_receipt
from alerts.channels.channel import Message
from alerts.channels.twilio_voice import TwilioVoice
from alerts.outcomes import Cancellation, Outcome, ReceiptKind, RefusalScope, Refused, Sent, TryLater, Unclear
from isocket.domain.deliveries import DeliveryKind
from tests.fakes import twilio_server
from tests.fakes.patience import PATIENCE_S
from tests.fakes.twilio_behaviours import Behaviour
from tests.fakes.twilio_server import TwilioDouble

TO, OURS = "+447700900123", "+447700900100"
BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def double() -> AsyncIterator[TwilioDouble]:
    running = TwilioDouble()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def channel(double: TwilioDouble) -> AsyncIterator[TwilioVoice]:
    made = TwilioVoice(
        account_sid=double.account_sid,
        auth_token=double.auth_token,
        sender=OURS,
        base_url=double.base_url,
        voice_url=lambda attempt_id: f"https://cloud.example.org/hooks/twilio/voice/{attempt_id}",
        status_callback=lambda attempt_id: f"https://cloud.example.org/hooks/twilio/status/{attempt_id}",
        connect_s=PATIENCE_S,
        total_s=PATIENCE_S,
    )
    yield made
    await made.close()


def message(to: str = TO) -> Message:
    return Message(attempt_id="att_1", to=to, subject="", text="An alarm from iSocket.")


async def placed(channel: TwilioVoice) -> str:
    sent = await channel.send(message())
    assert isinstance(sent, Sent)
    return sent.provider_id


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (twilio_server.refuse(10004), TryLater(reason="too_many_calls")),
        (twilio_server.refuse(21210), Refused(reason="sender_invalid", scope=RefusalScope.ACCOUNT, code="21210")),
        (twilio_server.refuse(21214), Refused(reason="no_route", scope=RefusalScope.CONTACT, code="21214")),
        (twilio_server.refuse(21215), Refused(reason="country_not_enabled", scope=RefusalScope.MESSAGE, code="21215")),
        (twilio_server.refuse(21217), Refused(reason="number_invalid", scope=RefusalScope.CONTACT, code="21217")),
        (twilio_server.refuse(20003, 401), Refused(reason="credentials", scope=RefusalScope.ACCOUNT, code="20003")),
        (twilio_server.rate_limit(5), TryLater(reason="too_many_requests", after_s=5.0)),
        (twilio_server.HTML_503, TryLater(reason="provider_unavailable")),
        (twilio_server.HTTP_500_AFTER_ACCEPT, Unclear(reason="http_500")),
        (twilio_server.EMPTY_201, Unclear(reason="no_message_id")),
        (twilio_server.HTML_201, Unclear(reason="answer_unreadable: JSONDecodeError")),
        (twilio_server.DROP_AFTER_ACCEPT, Unclear(reason="answer_lost: ServerDisconnectedError")),
    ],
    ids=lambda each: f"{each.trick}-{each.code}" if isinstance(each, Behaviour) else "",
)
async def test_each_answer_has_its_outcome(
    double: TwilioDouble, channel: TwilioVoice, behaviour: Behaviour, outcome: Outcome
) -> None:
    double.calls.script(TO, behaviour)
    assert await channel.send(message()) == outcome


async def test_what_is_no_number_is_not_even_tried(double: TwilioDouble, channel: TwilioVoice) -> None:
    assert isinstance(await channel.send(message("0401234567")), Refused)
    assert not double.calls.accepted


async def test_one_call_since_then_is_taken_for_ours_and_of_two_none(
    double: TwilioDouble, channel: TwilioVoice
) -> None:
    double.calls.script(TO, twilio_server.DROP_AFTER_ACCEPT)
    await channel.send(message())
    (lost,) = double.calls.accepted[TO]
    assert await channel.look_up(message(), BEFORE) == Sent(provider_id=lost.sid, receipt_expected=True)
    assert await channel.look_up(message(), datetime(2999, 1, 1, tzinfo=UTC)) == Unclear(reason="not_found")
    await channel.send(message())
    assert await channel.look_up(message(), BEFORE) == Unclear(reason="found_several")


async def test_one_that_reached_nobody_meanwhile_is_refused(double: TwilioDouble, channel: TwilioVoice) -> None:
    sid = await placed(channel)
    double.calls.the_call(sid).status = "busy"
    assert isinstance(await channel.look_up(message(), BEFORE), Refused)


@pytest.mark.parametrize(
    ("status", "answer", "after"),
    [
        ("queued", Cancellation.DONE, "canceled"),
        ("ringing", Cancellation.DONE, "canceled"),
        ("in-progress", Cancellation.DONE, "completed"),
        ("completed", Cancellation.TOO_LATE, "completed"),
        ("no-answer", Cancellation.TOO_LATE, "no-answer"),
    ],
)
async def test_a_call_is_called_off_according_to_how_far_it_is(
    double: TwilioDouble, channel: TwilioVoice, status: str, answer: Cancellation, after: str
) -> None:
    sid = await placed(channel)
    double.calls.the_call(sid).status = status
    assert await channel.cancel(sid) is answer
    assert double.calls.the_call(sid).status == after


@pytest.mark.parametrize(
    "behaviour",
    [twilio_server.rate_limit(1), twilio_server.HTML_503, twilio_server.HTTP_500_BEFORE, twilio_server.DROP_BEFORE],
    ids=lambda each: each.trick,
)
async def test_a_wish_to_call_off_whose_answer_was_lost_is_unclear_and_may_be_asked_again(
    double: TwilioDouble, channel: TwilioVoice, behaviour: Behaviour
) -> None:
    sid = await placed(channel)
    double.calls.script(sid, behaviour)
    assert await channel.cancel(sid) is Cancellation.UNCLEAR
    assert await channel.cancel(sid) is Cancellation.DONE


@pytest.mark.parametrize("kind", DeliveryKind)
def test_only_a_key_or_the_end_of_what_asks_for_none_says_that_it_arrived(kind: DeliveryKind) -> None:
    asks = kind is DeliveryKind.ALARM
    completed = read_call_receipt("completed", kind)
    assert read_call_receipt("key_pressed", kind).kind is ReceiptKind.DELIVERED
    assert completed.kind is (ReceiptKind.FAILED_TRY_OTHER_CHANNEL if asks else ReceiptKind.DELIVERED)
    assert all(read_call_receipt(each, kind).kind is ReceiptKind.PROGRESS for each in ("ringing", "in-progress"))


async def test_a_page_in_place_of_twilios_answer_does_not_say_that_it_is_too_late() -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=404, text="<html>no such page</html>", content_type="text/html")

    async with RawTestServer(answer) as server:
        channel = TwilioVoice(
            account_sid="AC1",
            auth_token="x",
            sender=OURS,
            base_url=str(server.make_url("")),
            voice_url=str,
            status_callback=str,
            connect_s=PATIENCE_S,
            total_s=PATIENCE_S,
        )
        assert await channel.cancel("CA1") is Cancellation.UNCLEAR
        await channel.close()


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_who_was_not_reached_may_be_reached_another_time(status: str) -> None:
    meaning = read_call_receipt(status, DeliveryKind.ALARM)
    assert (meaning.kind, meaning.is_final) == (ReceiptKind.FAILED_TRY_OTHER_CHANNEL, True)


def test_a_key_outweighs_the_end_of_its_call_and_never_the_reverse() -> None:
    key, over = (read_call_receipt(each, DeliveryKind.ALARM) for each in ("key_pressed", "completed"))
    assert (key.moves_on_from(over), over.moves_on_from(key)) == (True, False)


def test_a_word_we_do_not_know_moves_nothing() -> None:
    assert read_call_receipt("teleported", DeliveryKind.ALARM).rank == 0
