"""A message that does not get through is followed by another to the same person, by the next way, at once."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alerts.acknowledging import acknowledge
from alerts.channels.channel import ChannelKind
from alerts.endings import REACHED, TOLD_SINCE
from alerts.failover import ANOTHER_WAY, ONCE_MORE, READ_WITHIN, UNCLEAR_SO_FAR
from alerts.next_ways import NO_RECEIPT, UNCLEAR_WAIT_S
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind, DeliveryState
from isocket.domain.endpoints import Endpoint
from isocket.domain.incidents import Happening, Severity
from isocket.storage.port import at_most, is_
from tests.fakes.alert_house import ACCOUNT, ANNA, MAILS, PHONES, QUIET_S, AlertHouse, RecordingChannel
from tests.fakes.clock import NOON
from tests.fakes.dying import Fuse, every_crash_point

BY_SMS = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}
REFUSED = Refused(reason="not_a_mobile", scope=RefusalScope.CONTACT, code="21614")
LOST = Unclear(reason="answer_lost")
RECEIPT_WAIT_S = 90


async def a_house(severity: Severity = Severity.CRITICAL) -> AlertHouse:
    """Return a house with a telephone line, in which one alarm by SMS is due to Anna, who has every way."""
    house = await AlertHouse(voice=RecordingChannel(ChannelKind.VOICE)).furnish()
    await house.ladder(BY_SMS)
    await house.incident(severity=severity)
    await house.escalate()
    return house


async def the_attempt(house: AlertHouse, channel: ChannelKind) -> Attempt:
    delivery = await house.the_delivery(channel)
    (attempt,) = [each for each in await house.attempts() if each.delivery_id == delivery.id]
    return attempt


def called(house: AlertHouse) -> list[str]:
    assert house.voice is not None
    return [message.to for message in house.voice.accepted]


def mailed(house: AlertHouse) -> list[str]:
    return [message.to for message in house.mail.accepted]


async def why_another_way(house: AlertHouse) -> list[str]:
    return [each.detail["why"] for each in await house.timeline(Happening.NOTE) if each.reason == ANOTHER_WAY]


async def test_a_number_that_takes_no_texts_is_called_at_once_and_the_timeline_says_why() -> None:
    house = await a_house()
    house.sms.script.append(REFUSED)
    await house.send()
    assert called(house) == [PHONES[ANNA]]
    (line,) = [each for each in await house.timeline(Happening.NOTE) if each.reason == ANOTHER_WAY]
    assert (line.channel, line.detail["to"], line.detail["why"]) == ("sms", "voice", "not_a_mobile")


async def test_what_is_major_goes_by_quieter_ways_before_anybody_is_called() -> None:
    house = await a_house(Severity.MAJOR)
    house.sms.script.append(REFUSED)
    await house.send()
    assert (mailed(house), called(house)) == ([MAILS[ANNA]], [])


async def test_for_what_is_minor_nobody_is_called() -> None:
    house = await a_house(Severity.MINOR)
    house.sms.script.append(REFUSED)
    house.mail.script.append(Refused(reason="mail_refused", scope=RefusalScope.MESSAGE))
    await house.send()
    assert (mailed(house), called(house)) == ([], [])


async def test_when_every_way_fails_each_was_tried_once_and_then_the_ladder_goes_on() -> None:
    house = await a_house()
    assert house.voice is not None
    for way in (house.sms, house.voice, house.mail):
        way.script.append(Refused(reason="refused", scope=RefusalScope.MESSAGE))
    await house.rest()
    assert [len(way.asked) for way in (house.sms, house.voice)] == [1, 1]
    assert [message.to for message in house.mail.asked][:1] == [MAILS[ANNA]]
    assert await house.reasons(Happening.EXHAUSTED) == {"nobody_reached": 1}


async def test_the_ladder_goes_on_at_once_where_the_last_way_fails_while_another_is_held_up() -> None:
    house = await a_house()
    await house.send()
    await house.pass_by(minutes=1)
    await house.escalate()  # the text is out: the ladder rests
    house.mail.script.append(Refused(reason="credentials", scope=RefusalScope.ACCOUNT))
    assert house.voice is not None
    house.voice.script.append(Refused(reason="number_invalid", scope=RefusalScope.CONTACT))
    await house.receipt("undelivered", error_code=30003)
    await house.take_in_receipts()
    await house.send()
    assert (len(house.mail.asked), len(house.voice.asked)) == (1, 1)
    assert (await house.the_incident()).step_due_at == house.clock.now()


async def test_browsers_and_programs_of_the_person_are_all_told() -> None:
    house = await a_house(Severity.MAJOR)
    for name in ("a", "b"):
        await house.records.add(
            Endpoint(
                id=f"end_{name}",
                account_id=ACCOUNT,
                contact_id=ANNA,
                kind=ChannelKind.PUSH,
                address="{}",
                created_at=NOON,
                verified_at=NOON,
            )
        )
    house.sms.script.append(REFUSED)
    await house.send()
    assert sorted(message.to for message in house.push.accepted) == ["end_a", "end_b"]


async def test_a_way_that_has_the_news_already_is_not_taken_again() -> None:
    house = await AlertHouse().furnish()
    await house.incident()
    house.sms.script.append(REFUSED)
    await house.escalate()
    await house.send()
    assert mailed(house) == [MAILS[ANNA]]


async def test_a_critical_text_without_a_receipt_is_followed_by_a_call() -> None:
    house = await a_house()
    await house.send()
    await house.pass_by(seconds=RECEIPT_WAIT_S - 1)
    await house.send()
    assert called(house) == []
    await house.pass_by(seconds=1)
    await house.send()
    assert called(house) == [PHONES[ANNA]]
    assert await why_another_way(house) == [NO_RECEIPT]


async def test_a_text_that_arrived_is_followed_by_nothing() -> None:
    house = await a_house()
    await house.send()
    await house.receipt("delivered")
    await house.take_in_receipts()
    await house.pass_by(minutes=10)
    await house.send()
    assert called(house) == []


@pytest.mark.parametrize("first", [Sent(provider_id="SM1", receipt_expected=True), LOST], ids=["sent", "unclear"])
async def test_a_text_that_arrived_is_followed_by_nothing_although_its_receipt_waits_to_be_read(first: Outcome) -> None:
    house = await a_house()
    house.sms.script.append(first)
    await house.send()
    await house.receipt("delivered")
    await house.pass_by(seconds=RECEIPT_WAIT_S + 90)
    await house.send()
    assert called(house) == mailed(house) == []
    assert not (await house.the_delivery(ChannelKind.SMS)).moves_on
    await house.take_in_receipts()
    assert (await house.the_delivery(ChannelKind.SMS)).state is DeliveryState.DELIVERED


async def test_a_report_that_it_failed_is_waited_for_a_moment_to_be_read_and_no_longer() -> None:
    house = await a_house()
    await house.send()
    await house.pass_by(seconds=RECEIPT_WAIT_S - 1)
    await house.receipt("undelivered", error_code=30006)
    await house.pass_by(seconds=1)
    await house.send()
    assert called(house) == []
    await house.pass_by(seconds=READ_WITHIN.total_seconds())
    await house.send()
    assert called(house) == [PHONES[ANNA]]


async def test_a_report_that_it_failed_is_waited_for_from_when_it_came() -> None:
    house = await a_house()
    await house.send()
    await house.pass_by(seconds=RECEIPT_WAIT_S - 10)
    await house.receipt("undelivered", error_code=30006)
    for seconds, calls in ((10, 0), (READ_WITHIN.total_seconds() - 10, 1)):
        await house.pass_by(seconds=seconds)
        await house.send()
        assert len(called(house)) == calls


async def test_a_report_in_words_that_we_do_not_know_is_not_waited_for() -> None:
    house = await a_house()
    house.sms.script.append((LOST, False))
    house.sms.can_be_asked = False
    await house.send()
    await house.receipt("teleported")
    await house.pass_by(seconds=UNCLEAR_WAIT_S - 1)
    await house.receipt("levitated")
    await house.pass_by(seconds=1)
    await house.send()
    assert called(house) == [PHONES[ANNA]]


async def test_a_text_of_which_a_report_says_only_that_it_left_is_followed_by_a_call_in_time() -> None:
    house = await a_house()
    await house.send()
    await house.receipt("sent")
    await house.pass_by(seconds=RECEIPT_WAIT_S)
    await house.send()
    assert called(house) == [PHONES[ANNA]]


async def test_a_text_that_the_network_only_has_is_not_one_that_arrived() -> None:
    house = await a_house()
    await house.send()
    await house.receipt("sent")
    await house.take_in_receipts()
    await house.pass_by(seconds=RECEIPT_WAIT_S)
    await house.send()
    assert called(house) == [PHONES[ANNA]]


async def test_an_alarm_that_somebody_has_taken_meanwhile_is_not_told_by_another_way() -> None:
    house = await a_house()
    await house.send()
    await acknowledge(house.records, "inc_1", by=f"{ANNA} sms", clock=house.clock)
    await house.pass_by(minutes=10)
    await house.send()
    assert called(house) == []


async def test_a_report_that_it_failed_moves_on_at_once() -> None:
    house = await a_house()
    await house.send()
    await house.receipt("undelivered", error_code=30007)
    await house.take_in_receipts()
    await house.send()
    assert called(house) == [PHONES[ANNA]]


async def test_a_late_receipt_stops_what_has_not_gone_yet() -> None:
    house = await a_house()
    await house.send()
    await house.pass_by(seconds=RECEIPT_WAIT_S)
    await house.failover().step()
    await house.receipt("delivered", await the_attempt(house, ChannelKind.SMS))
    await house.take_in_receipts()
    call = await house.the_delivery(ChannelKind.VOICE)
    assert (call.state, call.reason) == (DeliveryState.CALLED_OFF, REACHED)
    await house.send()
    assert called(house) == []
    assert await house.reasons(Happening.NOT_SENT) == {REACHED: 1}


async def test_a_receipt_that_comes_between_claim_and_call_stops_the_call_too() -> None:
    house = await a_house()
    await house.send()
    await house.pass_by(seconds=RECEIPT_WAIT_S)
    await house.failover().step()
    dispatcher = house.dispatcher()
    held = await dispatcher.claim_one()
    assert held is not None
    await house.receipt("delivered", await the_attempt(house, ChannelKind.SMS))
    await house.take_in_receipts()
    await dispatcher.carry(held)
    assert called(house) == []
    assert await house.reasons(Happening.NOT_SENT) == {REACHED: 1}


async def test_a_telephone_that_is_off_is_not_called_but_texted_once_more_later() -> None:
    house = await a_house()
    await house.send()
    await house.receipt("undelivered", error_code=30003)
    await house.take_in_receipts()
    await house.send()
    assert (mailed(house), called(house), len(house.sms.accepted)) == ([MAILS[ANNA]], [], 1)
    await house.pass_by(minutes=10)
    await house.send()
    assert [message.to for message in house.sms.accepted] == [PHONES[ANNA]] * 2
    assert (await house.reasons(Happening.NOTE))[ONCE_MORE] == 1


async def test_it_is_texted_once_more_and_not_for_ever() -> None:
    house = await a_house()
    await house.send()
    for _ in range(4):
        texts = {each.id for each in await house.deliveries() if each.channel is ChannelKind.SMS}
        for attempt in [each for each in await house.attempts() if each.delivery_id in texts and not each.receipt]:
            await house.receipt("undelivered", attempt, error_code=30003)
        await house.take_in_receipts()
        await house.send()
        await house.pass_by(minutes=10)
        await house.send()
    assert len(house.sms.accepted) == 2


async def test_a_critical_text_of_which_nobody_can_tell_is_followed_by_a_call_and_not_by_a_second_text() -> None:
    house = await a_house()
    house.sms.script.append((LOST, False))
    house.sms.can_be_asked = False
    await house.send()
    await house.pass_by(seconds=UNCLEAR_WAIT_S)
    await house.send()
    assert (called(house), len(house.sms.asked)) == ([PHONES[ANNA]], 1)
    assert await why_another_way(house) == [UNCLEAR_SO_FAR]


async def test_a_provider_that_is_not_there_for_long_holds_nobody_up() -> None:
    house = await a_house()
    house.sms.script.extend([TryLater(reason="nothing_sent: ClientConnectorError")] * 20)
    for _ in range(30):
        await house.send()
        await house.pass_by(seconds=5)
    assert called(house) == [PHONES[ANNA]]


async def test_whoever_has_an_alarm_by_another_way_while_a_provider_is_away_gets_it_once_a_step() -> None:
    house = await AlertHouse().furnish()
    await house.ladder(BY_SMS, {**BY_SMS, "after_s": 1200})
    await house.incident()
    house.sms.script.extend([TryLater(reason="nothing_sent: ClientConnectorError")] * 20)
    for _ in range(60):
        await house.escalate()
        await house.send()
        for attempt in [each for each in await house.attempts() if each.provider_id and not each.receipt]:
            await house.receipt("delivered", attempt)
        await house.take_in_receipts()
        await house.pass_by(seconds=15)
    assert mailed(house) == [MAILS[ANNA]]  # within a quarter of an hour; the second step is not due yet
    house.sms.script.extend([TryLater(reason="nothing_sent: ClientConnectorError")] * 20)
    for _ in range(60):
        await house.escalate()
        await house.send()
        await house.pass_by(seconds=15)
    assert mailed(house) == [MAILS[ANNA]] * 2


async def test_what_was_made_at_each_step_while_a_provider_was_away_is_told_once_when_it_is_back() -> None:
    house = await AlertHouse().furnish(email_verified_at=None)
    await house.ladder(BY_SMS, {**BY_SMS, "after_s": 300}, {**BY_SMS, "after_s": 600}, {**BY_SMS, "after_s": 1800})
    await house.incident()
    away = [TryLater(reason="nothing_sent: ClientConnectorError")] * 200
    house.sms.script.extend(away)
    for _ in range(60):
        await house.escalate()
        await house.send()
        await house.pass_by(seconds=15)
    assert len(await house.deliveries()) == 4  # as nobody can be told, the next step is taken at once
    house.sms.script.clear()
    for _ in range(20):
        await house.escalate()
        await house.send()
        await house.pass_by(seconds=15)
    assert len(house.sms.accepted) == 1
    assert await house.reasons(Happening.NOT_SENT) == {TOLD_SINCE: 3}


async def test_a_text_from_before_whose_receipt_is_read_late_keeps_no_later_one_from_its_reader() -> None:
    house = await AlertHouse().furnish(email_verified_at=None)
    await house.ladder(BY_SMS, {**BY_SMS, "after_s": 1200})
    await house.incident()
    await house.escalate()
    await house.send()
    await house.pass_by(minutes=20)
    house.sms.script.append(TryLater(reason="nothing_sent: ClientConnectorError"))
    await house.escalate()
    await house.send()
    (first, *_) = await house.attempts()
    await house.pass_by(seconds=1)
    await house.receipt("delivered", first)
    await house.take_in_receipts()
    await house.pass_by(minutes=5)
    await house.send()
    assert len(house.sms.accepted) == 2


@pytest.mark.parametrize("before", [False, True], ids=["while the call waited", "before the call was made"])
async def test_a_call_that_waited_for_its_provider_is_not_made_where_a_later_text_arrived_meanwhile(
    before: bool,
) -> None:
    house = await AlertHouse(voice=RecordingChannel(ChannelKind.VOICE)).furnish()
    await house.incident(needs_step=False)
    alarm = {"kind": DeliveryKind.ALARM, "incident_id": "inc_1", "severity": Severity.CRITICAL}
    await house.delivery(id="dlv_text", **alarm)
    if before:
        await house.send()
        await house.pass_by(seconds=5)
    lost = {"id": "dlv_lost", "state": DeliveryState.FAILED, "reason": "not_a_mobile"}
    await house.delivery(**alarm, **lost)
    await house.delivery(id="dlv_call", channel=ChannelKind.VOICE, instead_of="dlv_lost", tries=1, **alarm)
    await house.pass_by(seconds=5)
    await house.dispatcher().step("urgent.sms")
    await house.receipt("delivered")
    await house.take_in_receipts()
    await house.send()
    assert called(house) == ([PHONES[ANNA]] if before else [])


async def test_what_is_let_go_since_its_reader_was_told_goes_by_no_other_way() -> None:
    house = await AlertHouse().furnish()
    await house.ladder(BY_SMS, {**BY_SMS, "after_s": 60})
    await house.incident(severity=Severity.MAJOR)
    house.sms.script.extend([TryLater(reason="too_many_requests", after_s=70), TryLater(reason="too_many_requests")])
    for _ in range(9):
        await house.escalate()
        await house.send()
        for attempt in [each for each in await house.attempts() if each.provider_id and not each.receipt]:
            await house.receipt("sent", attempt)
        await house.take_in_receipts()
        await house.pass_by(seconds=15)
    assert len(house.sms.accepted) == 1
    assert await house.reasons(Happening.NOT_SENT) == {TOLD_SINCE: 1}
    assert mailed(house) == []


async def test_a_provider_that_wants_to_be_left_alone_for_long_holds_nobody_up_either() -> None:
    house = await a_house()
    house.sms.script.append(TryLater(reason="too_many_requests", after_s=3600))
    await house.send()
    text = await house.the_delivery(ChannelKind.SMS)
    assert (called(house), text.state) == ([PHONES[ANNA]], DeliveryState.DUE)


async def test_a_provider_that_wants_to_be_left_alone_for_a_moment_is_asked_again_before_anything_else() -> None:
    house = await a_house()
    house.sms.script.append(TryLater(reason="too_many_requests", after_s=10))
    await house.send()
    assert not called(house)
    await house.pass_by(seconds=UNCLEAR_WAIT_S)
    await house.send()
    assert (called(house), len(house.sms.accepted)) == ([], 1)


async def test_somebody_who_stopped_us_is_told_by_no_other_way() -> None:
    house = await a_house()
    house.sms.script.append(Refused(reason="opted_out", scope=RefusalScope.CONTACT, code="21610"))
    await house.rest()
    assert (called(house), MAILS[ANNA] in mailed(house)) == ([], False)


async def test_a_ladder_s_cap_holds_for_other_ways_too_but_never_for_what_is_critical() -> None:
    for severity, calls in ((Severity.MAJOR, []), (Severity.CRITICAL, [PHONES[ANNA]])):
        house = await AlertHouse(voice=RecordingChannel(ChannelKind.VOICE)).furnish(email=None)
        await house.ladder(BY_SMS, cap=1)
        await house.incident(severity=severity)
        await house.escalate()
        house.sms.script.append(REFUSED)
        await house.send()
        assert called(house) == calls


async def test_quiet_hours_hold_the_other_way_until_they_are_over() -> None:
    house = await a_house(Severity.MAJOR)
    hours = {"start": "12:00", "end": "13:00"}
    await house.records.change_one(Contact, is_("id", ANNA), quiet_hours=hours)
    house.sms.script.append(REFUSED)
    await house.send()
    assert mailed(house) == []
    await house.pass_by(hours=1)
    await house.send()
    assert mailed(house) == [MAILS[ANNA]]


@pytest.mark.parametrize(("channel", "told"), [(ChannelKind.PUSH, 0), (ChannelKind.WEBHOOK, 1)])
async def test_a_program_is_told_instead_in_quiet_hours_and_a_browser_when_they_are_over(
    channel: ChannelKind, told: int
) -> None:
    house = await a_house(Severity.MAJOR)
    await house.endpoint(channel)
    await house.records.change_one(Contact, is_("id", ANNA), email_verified_at=None)
    await house.send()
    hours = {"start": "12:00", "end": "13:00"}
    await house.records.change_one(Contact, is_("id", ANNA), quiet_hours=hours)
    await house.receipt("undelivered", error_code=30007)
    await house.records.change_one(Contact, is_("id", ANNA), phone_verified_at=None)
    await house.take_in_receipts()
    await house.send()
    assert len(house.push.accepted) + len(house.webhook.accepted) == told
    await house.pass_by(hours=1)
    await house.send()
    assert len(house.push.accepted) + len(house.webhook.accepted) == 1


async def test_the_end_goes_by_mail_where_it_cannot_go_by_text() -> None:
    house = await a_house()
    await house.send()
    await house.close()
    house.sms.script.append(REFUSED)
    await house.escalate()
    await house.send()
    assert [message.kind for message in house.mail.accepted] == [DeliveryKind.CLEAR]


async def test_a_ladder_s_cap_keeps_no_end_from_its_reader() -> None:
    house = await AlertHouse().furnish()
    await house.ladder(BY_SMS, cap=1)
    await house.incident(severity=Severity.MAJOR)
    await house.escalate()
    await house.send()
    await house.close()
    house.sms.script.append(REFUSED)
    await house.escalate()
    await house.send()
    assert [message.kind for message in house.mail.accepted] == [DeliveryKind.CLEAR]


async def over_before_it_is_known_to_have_failed(**contact: Any) -> AlertHouse:
    """Return a house whose power came back, and whose alarm is reported as lost only after its end was told."""
    house = await AlertHouse().furnish(**contact)
    await house.ladder(BY_SMS)
    await house.incident(told_though_over=True)
    await house.escalate()
    await house.send()
    await house.pass_by(seconds=30)
    await house.close()
    await house.escalate()
    await house.send()
    assert not (await house.the_incident()).needs_step
    (alarm, _) = await house.attempts()
    await house.receipt("undelivered", alarm, error_code=30005)
    return house


async def test_whoever_gets_the_alarm_by_another_way_after_its_end_was_told_hears_the_end_by_that_way_too() -> None:
    house = await over_before_it_is_known_to_have_failed()
    await house.rest()
    assert [message.kind for message in house.mail.accepted] == [DeliveryKind.ALARM, DeliveryKind.CLEAR]
    assert [message.kind for message in house.sms.accepted] == [DeliveryKind.ALARM, DeliveryKind.CLEAR]
    assert not (await house.the_incident()).needs_step


async def test_an_alarm_that_is_known_only_after_its_end_to_have_reached_nobody_is_said_to_have() -> None:
    house = await over_before_it_is_known_to_have_failed(email_verified_at=None)
    await house.rest()
    (line,) = await house.timeline(Happening.EXHAUSTED)
    assert line.reason == "nobody_reached"
    assert [message.to for message in house.mail.accepted] == ["owner@example.org"]


Build = Callable[[], Awaitable[AlertHouse]]


async def refused() -> AlertHouse:
    house = await a_house()
    house.sms.script.append(REFUSED)
    return house


async def unanswered() -> AlertHouse:
    house = await a_house()
    await house.send()
    await house.pass_by(seconds=RECEIPT_WAIT_S)
    return house


async def reported() -> AlertHouse:
    house = await a_house()
    await house.send()
    await house.receipt("undelivered", error_code=30005)
    return house


async def test_at_every_crash_point_an_end_follows_the_alarm_that_goes_by_another_way_after_it() -> None:
    async def run(house: AlertHouse, fuse: Fuse) -> None:
        await house.rest(fuse)
        await house.pass_by(seconds=QUIET_S)  # a lease of whoever died over the lost alarm is seen by nobody before
        await house.rest(fuse)

    async def check(house: AlertHouse) -> None:
        went = [message.kind for message in house.mail.accepted]
        for kind in (DeliveryKind.ALARM, DeliveryKind.CLEAR):
            mail = await house.the_delivery(ChannelKind.EMAIL, kind)
            assert went.count(kind) == (mail.state is DeliveryState.SENT) or mail.reason == "unclear"
        assert not (await house.the_incident()).needs_step

    worth = range(1, 13)  # reading the receipt, the other way, the end: what follows is as anywhere
    assert await every_crash_point(over_before_it_is_known_to_have_failed, run, check, worth=worth.__contains__) > 10


@pytest.mark.parametrize("build", [refused, unanswered, reported])
async def test_at_every_crash_point_the_next_way_is_taken_once(build: Build) -> None:
    async def run(house: AlertHouse, fuse: Fuse) -> None:
        await house.rest(fuse)

    async def check(house: AlertHouse) -> None:
        out = Counter((message.to, message.kind) for message in house.accepted)
        assert len(called(house)) <= 1
        assert out[MAILS[ANNA], DeliveryKind.ALARM] <= 1
        assert len(house.sms.asked) <= 1
        others = [each.channel for each in await house.deliveries() if each.instead_of is not None]
        assert others
        assert len(set(others)) == len(others)
        assert not await house.records.count(Delivery, is_("moves_on", True), at_most("moves_on_at", house.clock.now()))

    assert await every_crash_point(build, run, check) > 10
