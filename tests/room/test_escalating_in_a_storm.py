"""What is over and waits for its alarms keeps nobody from being told of what has just begun."""

from datetime import timedelta

import pytest

from alerts.channels.channel import ChannelKind
from alerts.outcomes import RefusalScope, Refused
from isocket.domain.contacts import Escalation
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Happening, IncidentState
from isocket.storage.port import is_
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL, AlertHouse

REFUSED = Refused(reason="number_invalid", scope=RefusalScope.CONTACT)
BY_SMS = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}


@pytest.fixture
async def house() -> AlertHouse:
    house = await AlertHouse().furnish()
    await house.ladder(BY_SMS)
    return house


async def over_before_its_alarm_went(house: AlertHouse) -> None:
    await house.incident(told_though_over=True)
    await house.escalate()
    await house.close()
    await house.escalate()


async def looks_in(house: AlertHouse, seconds: int, *, by_s: int = 1) -> int:
    looks = 0
    for _ in range(0, seconds, by_s):
        await house.pass_by(seconds=by_s)
        while await house.escalator().step():
            looks += 1
    return looks


async def test_an_end_that_waits_for_its_alarm_is_looked_at_ever_more_rarely(house: AlertHouse) -> None:
    await over_before_its_alarm_went(house)
    assert await looks_in(house, 60) <= 7
    assert 3 <= await looks_in(house, 240) <= 4


async def test_once_the_alarm_has_gone_its_end_is_told_at_once(house: AlertHouse) -> None:
    await over_before_its_alarm_went(house)
    await looks_in(house, 200)
    await house.send()
    await house.escalate()
    assert len(await house.deliveries(DeliveryKind.CLEAR)) == 1
    assert not (await house.the_incident()).needs_step


async def test_an_alarm_that_a_receipt_settled_first_has_its_end_told_at_once_too(house: AlertHouse) -> None:
    await over_before_its_alarm_went(house)
    await looks_in(house, 200)
    dispatcher = house.dispatcher()
    held = await dispatcher.claim_one()
    assert held is not None
    await house.close()
    await house.escalate()
    await house.records.change_one(Delivery, is_("id", held.id), state=DeliveryState.DELIVERED)
    await dispatcher.carry(held)
    await house.escalate()
    assert len(await house.deliveries(DeliveryKind.CLEAR)) == 1


async def test_an_end_waits_for_the_other_way_that_is_taken_when_an_alarm_fails(house: AlertHouse) -> None:
    house.sms.script.append(REFUSED)
    await over_before_its_alarm_went(house)
    await house.dispatcher().step()
    await house.escalate()
    assert (await house.the_incident()).needs_step
    await house.send()
    await house.escalate()
    assert [message.kind for message in house.mail.accepted] == [DeliveryKind.ALARM]
    assert len(await house.deliveries(DeliveryKind.CLEAR)) == 1


async def test_an_end_whose_last_way_failed_is_looked_at_at_once(house: AlertHouse) -> None:
    await house.only_by(ChannelKind.SMS)
    house.sms.script.append(REFUSED)
    await over_before_its_alarm_went(house)
    await looks_in(house, 200)
    await house.send()
    await house.escalate()
    assert not (await house.the_incident()).needs_step


async def test_what_is_open_is_looked_at_before_what_is_over(house: AlertHouse) -> None:
    for number in range(5):
        await over(house, f"inc_over_{number}")
    await house.pass_by(seconds=1)
    await house.incident("inc_new")
    await house.escalator().step()
    assert [each.incident_id for each in await house.deliveries()] == ["inc_new"]


async def test_what_is_open_does_not_starve_what_somebody_has_taken_or_what_is_over(house: AlertHouse) -> None:
    for number in range(20):
        await house.incident(f"inc_{number}")
    await over(house, "inc_over")
    await house.incident(
        "inc_taken",
        state=IncidentState.ACKNOWLEDGED,
        acknowledged_at=house.clock.now(),
        acknowledged_by=f"{ACCOUNT} portal",
    )
    escalator = house.escalator()
    for _ in range(8):
        await escalator.step()
    assert not (await house.the_incident("inc_over")).needs_step
    assert (await house.the_incident("inc_taken")).step_due_at > house.clock.now()


async def over(house: AlertHouse, incident_id: str) -> None:
    now = house.clock.now()
    await house.incident(incident_id, state=IncidentState.CLOSED, closed_at=now - timedelta(seconds=1))


async def test_what_stands_in_its_lane_is_looked_at_ever_more_rarely_and_at_least_every_ten_minutes(
    house: AlertHouse,
) -> None:
    await house.incident()
    await house.escalate()
    assert await looks_in(house, 1000, by_s=20) == 5  # after 1, 2, 4, 8 and 16 minutes
    assert await looks_in(house, 3600, by_s=20) == 6
    assert (await house.the_incident()).needs_step


async def test_as_soon_as_it_has_gone_half_an_hour_begins_in_which_somebody_may_take_it(house: AlertHouse) -> None:
    await house.incident()
    await house.escalate()
    await looks_in(house, 1000, by_s=20)
    await house.send()
    assert len(house.sms.accepted) == 1
    told_at = house.clock.now()
    await looks_in(house, 1900, by_s=20)
    (exhausted,) = await house.timeline(Happening.EXHAUSTED)
    assert exhausted.reason == "not_acknowledged"
    assert exhausted.at <= told_at + timedelta(minutes=31)


async def test_a_step_that_is_due_meanwhile_is_taken_at_its_time(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    await house.records.change_one(
        Escalation, steps=(BY_SMS, {"contact_ids": [BERTIL], "channels": ["sms"], "after_s": 600})
    )
    await house.incident()
    await house.escalate()
    await looks_in(house, 620, by_s=20)
    assert [each.contact_id for each in await house.deliveries()] == [ANNA, BERTIL]
