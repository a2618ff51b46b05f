"""Calls: the words are fetched when somebody answers, and only a key press counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types

from alerts.acknowledging import acknowledge
from alerts.outcomes import Cancellation
from alerts.settlement import LOOK_UP_AFTER_S
from alerts.signatures import TwilioSignature
from alerts.voice_hooks import VoiceHooks
from alerts.wording.spoken import speech_of
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Attempt, AttemptState, DeliveryKind, DeliveryState, Receipt
from isocket.domain.incidents import Cause, Happening, IncidentState
from isocket.domain.letters import LANGUAGES
from isocket.domain.stops import Stop
from isocket.storage.port import is_
from tests.fakes.alert_house import ANNA, BERTIL, PHONES
from tests.fakes.dying import Died, DyingRecords, Fuse
from tests.fakes.phone_line import OUR_NUMBER, PhoneLine, phone_line
from tests.fakes.twilio_people import BUSY, HANGS_UP, NO_ANSWER, UNREACHABLE, VOICEMAIL, Person, PlacedCall, presses
from tests.fakes.twilio_server import DROP_AFTER_ACCEPT, DROP_BEFORE

ENGLISH = speech_of("en")


@pytest.fixture
async def line() -> AsyncIterator[PhoneLine]:
    async with phone_line() as opened:
        yield opened


async def mortal_hook(line: PhoneLine, fuse: Fuse, call: PlacedCall, form: dict[str, str]) -> None:
    """Answer a request about a call in a process that dies of the fuse."""
    mortal = VoiceHooks(
        records=DyingRecords(line.house.records, fuse),
        clock=line.house.clock,
        public_url=line.public_url,
        signature=TwilioSignature(auth_tokens=[line.double.auth_token], public_url=line.public_url),
    )
    signed = RequestValidator(line.double.auth_token).compute_signature(call.url, form)
    body = urlencode(form).encode()
    payload = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16)
    payload.feed_data(body)
    payload.feed_eof()
    path = call.url.removeprefix(line.public_url)
    request = make_mocked_request(
        "POST",
        path,
        headers={"X-Twilio-Signature": signed},
        match_info={"attempt": path.rpartition("/")[2]},
        payload=payload,
    )
    await mortal.answer(request)


async def state(line: PhoneLine) -> IncidentState:
    return (await line.house.the_incident()).state


async def test_the_request_for_a_call_holds_no_words_and_asks_for_every_step(line: PhoneLine) -> None:
    call = await line.alarm_by_call()
    attempt = await line.attempt_of(call)
    assert (call.to, call.sender) == (PHONES[ANNA], OUR_NUMBER)
    assert call.url == f"{line.public_url}/hooks/twilio/voice/{attempt.id}"
    assert "Twiml" not in call.form
    assert "Mökki" not in " ".join(call.form.values())
    assert call.events == ("initiated", "ringing", "answered", "completed")
    assert call.form["Url"].endswith("#rc=3&rp=all")
    assert call.form["StatusCallback"].endswith("#rc=3&rp=all")


async def test_the_key_acknowledges_and_is_confirmed_in_words(line: PhoneLine) -> None:
    call = await line.answered_by(await line.alarm_by_call(), presses("1"))
    incident = await line.house.the_incident()
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, f"{ANNA} voice")
    assert call.heard.endswith(ENGLISH.yours)
    assert (await line.house.the_delivery(ChannelKind.VOICE)).state is DeliveryState.DELIVERED
    assert (call.status, call.faults) == ("completed", [])


async def test_everything_that_is_asked_stands_inside_the_gather_so_that_a_key_counts_while_it_speaks(
    line: PhoneLine,
) -> None:
    call = await line.answered_by(await line.alarm_by_call(), presses("1", while_it_speaks=True))
    assert (await state(line), call.pressed) == (IncidentState.ACKNOWLEDGED, "1")
    assert call.said[0].with_keys


async def test_a_voicemail_hears_it_all_and_is_not_reached(line: PhoneLine) -> None:
    call = await line.answered_by(await line.alarm_by_call(), VOICEMAIL)
    delivery = await line.house.the_delivery(ChannelKind.VOICE)
    assert (call.status, await state(line)) == ("completed", IncidentState.OPEN)
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "no_key")
    said = [each.text for each in call.said]
    assert (said.count(delivery.text), said.count(ENGLISH.keys), said[-1]) == (3, 3, ENGLISH.unanswered)


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        (BUSY, "line_busy"),
        (NO_ANSWER, "call_not_answered"),
        (UNREACHABLE, "call_failed"),
        (HANGS_UP, "no_key"),
    ],
)
async def test_who_was_not_reached_is_said_and_the_ladder_goes_on_at_once(
    line: PhoneLine, person: Person, reason: str
) -> None:
    await line.house.contact(BERTIL)
    await line.house.only_by(ChannelKind.VOICE)
    await line.house.ladder(
        {"contact_ids": [ANNA], "channels": ["voice"], "after_s": 0},
        {"contact_ids": [BERTIL], "channels": ["voice"], "after_s": 900},
        device_id="is-00000001",
    )
    await line.answered_by(await line.alarm_by_call(), person)
    await line.house.escalate()
    await line.send()
    assert (await line.house.reasons(Happening.RECEIPT))[reason] == 1
    assert (await state(line), len(line.double.calls.accepted[PHONES[BERTIL]])) == (IncidentState.OPEN, 1)


@pytest.mark.parametrize(("person", "after_s"), [(BUSY, 60), (NO_ANSWER, 180)])
async def test_a_line_that_was_busy_or_not_answered_is_called_once_more_later_and_not_again(
    line: PhoneLine, person: Person, after_s: int
) -> None:
    calls = line.double.calls.accepted[PHONES[ANNA]]
    await line.answered_by(await line.alarm_by_call(), person)
    await line.send()
    at_once = len(calls)
    await line.house.pass_by(seconds=after_s)
    await line.send()
    assert (at_once, len(calls)) == (1, 2)
    await line.answered_by(calls[-1], person)
    await line.house.pass_by(seconds=after_s)
    await line.send()
    assert len(calls) == 2


async def test_four_repeats_it_and_so_does_any_key_without_a_meaning(line: PhoneLine) -> None:
    call = await line.answered_by(await line.alarm_by_call(), presses("471"))
    delivery = await line.house.the_delivery(ChannelKind.VOICE)
    assert ([each.text for each in call.said].count(delivery.text), call.pressed) == (6, "471")
    assert await state(line) is IncidentState.ACKNOWLEDGED


async def test_nine_twice_stops_all_messages_and_the_owner_is_told(line: PhoneLine) -> None:
    call = await line.answered_by(await line.alarm_by_call(), presses("99"))
    contact = await line.house.records.get(Contact, ANNA)
    notices = await line.house.deliveries(DeliveryKind.NOTICE)
    assert contact is not None
    assert (contact.pause_reason, len(notices), await state(line)) == ("stop_key", 1, IncidentState.OPEN)
    assert call.heard.endswith(ENGLISH.stopped)


@pytest.mark.parametrize("keys", ["9", "91"])
async def test_one_nine_stops_nothing_and_the_next_key_counts_as_usual(line: PhoneLine, keys: str) -> None:
    await line.answered_by(await line.alarm_by_call(), presses(keys))
    contact = await line.house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.paused_at is None
    assert await state(line) is (IncidentState.ACKNOWLEDGED if keys == "91" else IncidentState.OPEN)


async def test_who_stopped_by_a_key_comes_back_by_start(line: PhoneLine) -> None:
    await line.answered_by(await line.alarm_by_call(), presses("99"))
    await line.double.text_from(PHONES[ANNA], "START", f"{line.public_url}/hooks/twilio/inbound")
    contact = await line.house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.paused_at is None


async def test_a_key_that_is_posted_twice_does_once_what_it_does(line: PhoneLine) -> None:
    call = await line.alarm_by_call()
    form = {"CallSid": call.sid, "Digits": "1", "CallStatus": "in-progress"}
    first, second = [await line.double.account.post(call.url, form) for _ in range(2)]
    assert ENGLISH.yours in first.text
    assert first.text == second.text
    assert await line.house.records.count(Receipt, is_("status", "key_pressed")) == 1


@pytest.mark.parametrize("order", ["as it was", "the other way round"])
async def test_a_key_overrules_the_end_of_the_call_in_whatever_order_they_are_read(line: PhoneLine, order: str) -> None:
    call = await line.alarm_by_call()
    form = {"CallSid": call.sid, "Digits": "1", "CallStatus": "in-progress"}
    steps = [
        lambda: line.double.account.post(call.url, form),
        lambda: line.double.calls.send_status(call.sid, "completed"),
    ]
    for step in steps if order == "as it was" else reversed(steps):
        await step()
        await line.house.take_in_receipts()
    assert (await line.house.the_delivery(ChannelKind.VOICE)).state is DeliveryState.DELIVERED
    assert await state(line) is IncidentState.ACKNOWLEDGED


@pytest.mark.parametrize("sign_with", ["", "another token"])
async def test_nobody_but_the_provider_hears_the_words_or_presses_a_key(line: PhoneLine, sign_with: str) -> None:
    call = await line.alarm_by_call()
    form = {"CallSid": call.sid, "Digits": "1", "CallStatus": "in-progress"}
    answer = await line.double.account.post(call.url, form, sign_with)
    assert (answer.status, "Mökki" in answer.text, await state(line)) == (403, False, IncidentState.OPEN)


async def test_the_words_of_a_call_are_told_to_that_call_only(line: PhoneLine) -> None:
    call = await line.alarm_by_call()
    form = {"CallSid": "CA" + "f" * 32, "Digits": "1", "CallStatus": "in-progress"}
    assert (await line.double.account.post(call.url, form)).status == 404
    assert (await line.double.account.post(call.url.replace("att_", "att_x"), form)).status == 404
    assert await state(line) is IncidentState.OPEN


async def test_a_request_that_names_no_call_takes_no_words_and_leaves_them_to_the_call(line: PhoneLine) -> None:
    line.double.calls.script(PHONES[ANNA], DROP_AFTER_ACCEPT)
    call = await line.alarm_by_call()
    assert (await line.double.account.post(call.url, {"CallStatus": "in-progress"})).status == 404
    await line.answered_by(call, presses("1"))
    assert await state(line) is IncidentState.ACKNOWLEDGED


async def test_the_words_are_not_told_any_more_once_the_call_is_over(line: PhoneLine) -> None:
    call = await line.answered_by(await line.alarm_by_call(), VOICEMAIL)
    answer = await line.double.account.post(call.url, {"CallSid": call.sid, "CallStatus": "in-progress"})
    assert (ENGLISH.nothing in answer.text, "Mökki" in answer.text) == (True, False)


async def test_who_answers_after_somebody_else_took_it_is_told_so_and_not_asked(line: PhoneLine) -> None:
    await line.house.contact(BERTIL)
    call = await line.alarm_by_call()
    await acknowledge(line.house.records, "inc_1", by=f"{BERTIL} sms", clock=line.house.clock)
    played = await line.answered_by(call, presses("1"))
    incident = await line.house.the_incident()
    assert (incident.acknowledged_by, played.pressed) == (f"{BERTIL} sms", "")
    assert played.heard.endswith(ENGLISH.taken)


async def test_who_presses_a_moment_later_hears_that_somebody_else_has_it(line: PhoneLine) -> None:
    await line.house.contact(BERTIL)
    call = await line.alarm_by_call()
    await acknowledge(line.house.records, "inc_1", by=f"{BERTIL} sms", clock=line.house.clock)
    answer = await line.double.account.post(call.url, {"CallSid": call.sid, "Digits": "1"})
    assert ENGLISH.taken in answer.text
    assert (await line.house.the_incident()).acknowledged_by == f"{BERTIL} sms"


async def test_who_answers_when_it_is_over_hears_what_it_was_and_that_it_is_over(line: PhoneLine) -> None:
    call = await line.alarm_by_call()
    await line.house.close()
    played = await line.answered_by(call, presses("1"))
    assert ("Mökki" in played.heard, ENGLISH.over in played.heard, played.pressed) == (True, True, "")


async def test_who_was_removed_meanwhile_is_told_nothing(line: PhoneLine) -> None:
    call = await line.alarm_by_call()
    await line.house.records.remove_all(Contact, is_("id", ANNA))
    played = await line.answered_by(call, presses("1"))
    assert (played.heard, await state(line)) == (ENGLISH.nothing, IncidentState.OPEN)


async def test_who_stopped_our_messages_meanwhile_is_told_nothing(line: PhoneLine) -> None:
    call = await line.alarm_by_call()
    await line.double.text_from(PHONES[ANNA], "STOP", f"{line.public_url}/hooks/twilio/inbound")
    played = await line.answered_by(call, presses("1"))
    assert (played.heard, await state(line)) == (ENGLISH.nothing, IncidentState.OPEN)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_speaks_the_listeners_language_with_a_voice_of_it(language: str) -> None:
    async with phone_line(language=language) as line:
        incident = {"cause": Cause.TEMP_LOW, "value": -3.5, "probe": 0}
        call = await line.answered_by(await line.alarm_by_call(**incident), presses("1"))
    speech = speech_of(language)
    assert {(each.language, each.voice) for each in call.said} == {(speech.tag, speech.voice)}
    assert f"{speech.minus} 3" in call.said[0].text
    assert f"5 {speech.degrees}" in call.said[0].text
    assert call.heard.endswith(speech.yours)


async def test_a_test_alarm_says_so_first(line: PhoneLine) -> None:
    call = await line.answered_by(await line.alarm_by_call(test=True, cause=Cause.TEST), presses("1"))
    assert call.heard.startswith(ENGLISH.test)


async def test_a_code_is_said_three_times_and_then_how_to_stop_all_of_it(line: PhoneLine) -> None:
    said = "Your iSocket code is 0, 1, 2, 3, 4, 5."
    await line.house.delivery(channel=ChannelKind.VOICE, text=said)
    await line.send()
    (call,) = line.double.calls.accepted[PHONES[ANNA]]
    played = await line.answered_by(call, VOICEMAIL)
    assert [each.text for each in played.said] == [*[said] * 3, ENGLISH.code_keys]
    assert all(each.with_keys for each in played.said)


async def test_nine_twice_stops_a_call_with_a_code_and_all_that_would_follow(line: PhoneLine) -> None:
    await line.house.delivery(channel=ChannelKind.VOICE, text="Your iSocket code is 0, 1, 2, 3, 4, 5.")
    await line.send()
    call = await line.answered_by(line.double.calls.accepted[PHONES[ANNA]][0], presses("99"))
    contact = await line.house.records.get(Contact, ANNA)
    assert contact is not None
    assert (contact.pause_reason, call.heard.endswith(ENGLISH.stopped)) == ("stop_key", True)
    assert await line.house.records.count(Stop, is_("address", PHONES[ANNA])) == 1


async def test_a_code_is_kept_until_its_call_is_over_and_no_longer(line: PhoneLine) -> None:
    await line.house.delivery(channel=ChannelKind.VOICE, text="Your iSocket code is 0, 1, 2, 3, 4, 5.")
    await line.send()
    waiting = await line.house.the_delivery(ChannelKind.VOICE, DeliveryKind.CODE)
    await line.answered_by(line.double.calls.accepted[PHONES[ANNA]][0], VOICEMAIL)
    over = await line.house.the_delivery(ChannelKind.VOICE, DeliveryKind.CODE)
    assert (waiting.state, waiting.text != "") == (DeliveryState.SENT, True)
    assert (over.state, over.text) == (DeliveryState.DELIVERED, "")


async def test_a_call_whose_answer_was_lost_is_settled_by_the_first_callback_and_can_be_answered(
    line: PhoneLine,
) -> None:
    line.double.calls.script(PHONES[ANNA], DROP_AFTER_ACCEPT)
    call = await line.alarm_by_call()
    (unclear,) = await line.house.attempts()
    await line.answered_by(call, presses("1"))
    settled = await line.house.records.get(Attempt, unclear.id)
    assert settled is not None
    assert (unclear.state, settled.state, settled.provider_id) == (AttemptState.UNCLEAR, AttemptState.SENT, call.sid)
    assert (await state(line), len(line.double.calls.accepted[PHONES[ANNA]])) == (IncidentState.ACKNOWLEDGED, 1)


async def test_a_call_about_another_alarm_is_not_taken_for_one_whose_answer_was_lost(line: PhoneLine) -> None:
    house = line.house
    await house.ladder({"contact_ids": [ANNA], "channels": ["voice"], "after_s": 0})
    line.double.calls.script(PHONES[ANNA], DROP_BEFORE)
    for cause in (Cause.MAINS_LOST, Cause.TEMP_LOW):
        await house.incident(f"inc_{cause}", cause=cause)
        await house.escalate()
        await line.send()
    assert len(line.double.calls.accepted[PHONES[ANNA]]) == 1
    await house.pass_by(seconds=LOOK_UP_AFTER_S)
    await line.look_up()
    states = [(each.incident_id, each.state) for each in await house.deliveries()]
    assert sorted(states) == [("inc_mains_lost", DeliveryState.UNCLEAR), ("inc_temp_low", DeliveryState.SENT)]


async def test_whoever_dies_over_a_key_leaves_nothing_undone_once_the_provider_asks_again() -> None:
    """The provider repeats what was not answered; each death is tried, before and after each verb."""
    for after in (False, True):
        verb = 0
        while verb < 20:
            verb += 1
            async with phone_line() as line:
                fuse = Fuse(verb, after=after)
                call = await line.alarm_by_call()
                form = {"CallSid": call.sid, "Digits": "1", "CallStatus": "in-progress"}
                with suppress(Died):
                    await mortal_hook(line, fuse, call, form)
                answer = await line.double.account.post(call.url, form)
                incident = await line.house.the_incident()
                pressed = await line.house.records.count(Receipt, is_("status", "key_pressed"))
            assert ENGLISH.yours in answer.text, str(fuse)
            assert (incident.acknowledged_by, pressed) == (f"{ANNA} voice", 1), str(fuse)
            if not fuse.burnt:
                break
        assert verb < 20


async def test_a_call_that_was_called_off_rings_nobody(line: PhoneLine) -> None:
    call = await line.alarm_by_call()
    assert await line.voice.cancel(call.sid) is Cancellation.DONE
    played = await line.answered_by(call, presses("1"))
    assert (played.status, played.heard, await state(line)) == ("canceled", "", IncidentState.OPEN)
