"""Quiet hours: what waits for the morning, what does not, and what is no news by then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.acknowledging import acknowledge
from alerts.channels.channel import ChannelKind
from alerts.endings import TOLD_SINCE
from alerts.outcomes import TryLater
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.deliveries import DeliveryKind, DeliveryState
from isocket.domain.incidents import Cause, Happening, Severity, open_key
from isocket.kit.clock import from_text
from isocket.storage.port import is_
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL, DEVICE, PHONES, AlertHouse
from tests.fakes.clock import ManualClock
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point

NIGHT = {"start": "22:00", "end": "07:00", "except_critical": True}
EVENING = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)  # 23:30 in Helsinki
MORNING = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)  # 07:00 there
BY_SMS: dict[str, Any] = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}
THEN_BERTIL: dict[str, Any] = {"contact_ids": [BERTIL], "channels": ["sms"], "after_s": 300}


@pytest.fixture
async def house() -> AlertHouse:
    house = await AlertHouse(clock=ManualClock(EVENING)).furnish(time_zone="Europe/Helsinki", quiet_hours=NIGHT)
    house.calls()
    await house.ladder(BY_SMS)
    return house


async def an_alarm_until_the_evening_by_telephone_alone(house: AlertHouse) -> None:
    only_calls = {"phone_verified_at": None, "voice_verified_at": house.clock.now(), "email": None}
    await house.records.change_one(Contact, is_("id", ANNA), **only_calls)
    await house.records.remove_all(Escalation)
    await house.incident(severity=Severity.CRITICAL)
    await until(house, EVENING)


async def until(house: AlertHouse, moment: datetime) -> None:
    """Let everybody work until `moment`, and at it."""
    while house.clock.now() < moment:
        await house.escalate()
        await house.send()
        await house.clock.advance(min(300.0, (moment - house.clock.now()).total_seconds()))
    await house.escalate()
    await house.send()


async def test_an_alarm_waits_for_the_end_of_the_night_and_goes_then(house: AlertHouse) -> None:
    await house.incident(severity=Severity.MAJOR)
    await until(house, MORNING - timedelta(seconds=1))
    assert not house.accepted
    (line,) = await house.timeline(Happening.HELD)
    assert (line.contact_id, line.channel, line.reason) == (ANNA, "sms", "quiet_hours")
    assert from_text(line.detail["until"]) == MORNING
    assert not await house.timeline(Happening.EXHAUSTED)
    await until(house, MORNING)
    assert [message.to for message in house.sms.accepted] == [PHONES[ANNA]]


async def test_a_critical_alarm_comes_all_the_same(house: AlertHouse) -> None:
    await house.incident(severity=Severity.CRITICAL)
    await until(house, EVENING)
    assert len(house.sms.accepted) == 1
    assert not await house.timeline(Happening.HELD)


async def test_a_critical_alarm_waits_where_its_reader_chose_so(house: AlertHouse) -> None:
    await house.records.change_one(Contact, is_("id", ANNA), quiet_hours={**NIGHT, "except_critical": False})
    await house.incident(severity=Severity.CRITICAL)
    await until(house, MORNING - timedelta(seconds=1))
    assert not house.accepted
    await until(house, MORNING)
    assert len(house.sms.accepted) == 1


async def test_what_is_over_by_the_morning_is_no_news_and_the_timeline_says_so(house: AlertHouse) -> None:
    await house.incident(severity=Severity.MAJOR)
    await until(house, EVENING + timedelta(hours=2))
    await house.close()
    await until(house, MORNING + timedelta(minutes=10))
    assert not house.accepted
    assert await house.reasons(Happening.NOT_SENT) == {"closed": 1}


async def test_a_short_alarm_of_the_night_is_no_news_in_the_morning_and_not_said_to_have_reached_nobody(
    house: AlertHouse,
) -> None:
    await house.incident(severity=Severity.MAJOR, told_though_over=True)
    await house.close()
    await until(house, MORNING + timedelta(minutes=10))
    assert not house.accepted
    assert await house.reasons(Happening.NOT_SENT) == {"closed": 1}
    assert not await house.timeline(Happening.EXHAUSTED)


async def test_what_was_acknowledged_by_the_morning_is_not_sent(house: AlertHouse) -> None:
    await house.incident(severity=Severity.MAJOR)
    await until(house, EVENING + timedelta(hours=1))
    await acknowledge(house.records, "inc_1", by=f"{ACCOUNT} portal", clock=house.clock)
    await until(house, MORNING + timedelta(minutes=10))
    assert not house.accepted
    assert await house.reasons(Happening.NOT_SENT) == {"acknowledged": 1}


async def test_whoever_is_awake_is_told_at_once_when_the_first_sleeps(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    await house.records.remove_all(Escalation)
    await house.ladder(BY_SMS, THEN_BERTIL)
    await house.incident(severity=Severity.MAJOR)
    await until(house, EVENING)
    assert [message.to for message in house.sms.accepted] == [PHONES[BERTIL]]


async def test_steps_and_repetitions_of_a_night_come_as_one_alarm_in_the_morning(house: AlertHouse) -> None:
    await house.records.remove_all(Escalation)
    await house.ladder(BY_SMS, {**BY_SMS, "after_s": 600}, repeat=3, repeat_after_s=3600)
    await house.incident(severity=Severity.MAJOR)
    await until(house, MORNING + timedelta(minutes=20))
    assert len(house.sms.accepted) == 1


async def test_where_everybody_sleeps_the_ladder_is_exhausted_only_when_nobody_answers_in_the_morning(
    house: AlertHouse,
) -> None:
    await house.incident(severity=Severity.MAJOR)
    await until(house, MORNING + timedelta(minutes=29))
    assert not await house.timeline(Happening.EXHAUSTED)
    await until(house, MORNING + timedelta(hours=1))
    assert await house.reasons(Happening.EXHAUSTED) == {"not_acknowledged": 1}


async def test_the_end_of_a_critical_alarm_follows_at_night_to_whoever_got_it(house: AlertHouse) -> None:
    await house.incident(severity=Severity.CRITICAL)
    await until(house, EVENING)
    await house.close()
    await until(house, EVENING + timedelta(minutes=5))
    assert [each.state for each in await house.deliveries(DeliveryKind.CLEAR)] == [DeliveryState.SENT]


async def test_the_end_of_a_call_comes_as_a_text(house: AlertHouse) -> None:
    await house.records.remove_all(Escalation)
    await house.ladder({**BY_SMS, "channels": ["voice"]})
    await house.incident(severity=Severity.CRITICAL)
    await until(house, EVENING)
    await house.close()
    await until(house, EVENING + timedelta(minutes=5))
    assert (len(house.calls().accepted), len(house.sms.accepted)) == (1, 1)


async def test_whoever_has_only_a_telephone_that_rings_hears_of_the_end_in_the_morning(house: AlertHouse) -> None:
    await an_alarm_until_the_evening_by_telephone_alone(house)
    await house.close()
    await until(house, MORNING - timedelta(seconds=1))
    assert len(house.calls().accepted) == 1
    await until(house, MORNING)
    assert len(house.calls().accepted) == 2


async def test_whoever_is_called_since_it_is_wrong_again_is_not_called_in_the_morning_about_the_end_of_before(
    house: AlertHouse,
) -> None:
    await an_alarm_until_the_evening_by_telephone_alone(house)
    await house.close()
    await until(house, MORNING - timedelta(seconds=60))
    await house.incident("inc_2", severity=Severity.CRITICAL, open_key=open_key(DEVICE, Cause.MAINS_LOST, None))
    await until(house, MORNING)
    assert len(house.calls().accepted) == 2
    assert await house.reasons(Happening.NOT_SENT) == {TOLD_SINCE: 1}


async def test_a_program_does_not_sleep(house: AlertHouse) -> None:
    await house.endpoint(ChannelKind.WEBHOOK)
    await house.records.remove_all(Escalation)
    await house.ladder({**BY_SMS, "channels": ["sms", "webhook"]})
    await house.incident(severity=Severity.MAJOR)
    await until(house, EVENING)
    assert [len(house.webhook.accepted), len(house.sms.accepted)] == [1, 0]


async def test_a_program_that_was_away_hears_of_the_end_though_the_same_is_wrong_again(house: AlertHouse) -> None:
    await house.endpoint(ChannelKind.WEBHOOK)
    await house.records.remove_all(Escalation)
    await house.ladder({**BY_SMS, "channels": ["webhook"]})
    await house.incident(severity=Severity.CRITICAL)
    await until(house, house.clock.now())
    house.webhook.script.append(TryLater(reason="too_many_requests", after_s=60))
    await house.close()
    await until(house, house.clock.now())
    await house.incident("inc_2", severity=Severity.CRITICAL, open_key=open_key(DEVICE, Cause.MAINS_LOST, None))
    await until(house, house.clock.now() + timedelta(seconds=180))
    (end,) = await house.deliveries(DeliveryKind.CLEAR)
    assert (end.incident_id, end.state, len(house.webhook.accepted)) == ("inc_1", DeliveryState.SENT, 3)


async def test_an_alarm_that_its_provider_puts_off_into_the_night_waits_for_the_morning(house: AlertHouse) -> None:
    before_ten = EVENING - timedelta(hours=1, minutes=31)  # 21:59 there
    house.clock = ManualClock(before_ten)
    house.sms.script.append(TryLater(reason="too_many_requests", after_s=120))
    await house.incident(severity=Severity.MAJOR)
    await until(house, EVENING)
    assert len(house.sms.asked) == 1
    assert len(await house.timeline(Happening.HELD)) == 1
    await until(house, MORNING)
    assert len(house.sms.accepted) == 1


async def test_whoever_is_awake_is_told_at_once_when_the_alarm_of_somebody_who_sleeps_by_now_did_not_arrive(
    house: AlertHouse,
) -> None:
    house.clock = ManualClock(EVENING - timedelta(hours=1, minutes=31))  # 21:59 there
    await house.contact(BERTIL)
    await house.records.remove_all(Escalation)
    await house.ladder(BY_SMS, THEN_BERTIL)
    await house.incident(severity=Severity.MAJOR)
    await until(house, house.clock.now() + timedelta(minutes=1))  # it is out: the ladder rests until Bertil's step
    await house.receipt("undelivered", error_code=30005)
    await house.take_in_receipts()
    await until(house, house.clock.now())
    assert [message.to for message in house.accepted] == [PHONES[ANNA], PHONES[BERTIL]]


async def test_at_every_crash_point_what_waits_for_the_morning_goes_once_or_not_at_all() -> None:
    async def build() -> AlertHouse:
        house = await AlertHouse(clock=ManualClock(EVENING)).furnish(time_zone="Europe/Helsinki", quiet_hours=NIGHT)
        await house.ladder(BY_SMS, {**BY_SMS, "after_s": 60})
        await house.incident(severity=Severity.MAJOR)
        return house

    async def run(house: AlertHouse, fuse: Fuse) -> None:
        records = DyingRecords(house.records, fuse)
        while house.clock.now() < MORNING + timedelta(minutes=10):
            while await house.escalator(records).step() or await house.dispatcher(records).step():
                pass
            await house.clock.advance(600)

    async def check(house: AlertHouse) -> None:
        assert len(await house.deliveries()) == 1
        assert len(house.sms.accepted) <= 1
        assert len(await house.timeline(Happening.HELD)) == 1
        states = {each.state for each in await house.deliveries()}
        assert states <= {DeliveryState.SENT, DeliveryState.CALLING}

    assert await every_crash_point(build, run, check) > 20
