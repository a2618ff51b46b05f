"""What is over and waits for its alarms keeps nobody from being told of what has just begun."""

from datetime import timedelta

import pytest

from alerts.channels.channel import ChannelKind
from alerts.outcomes import RefusalScope, Refused
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import IncidentState
from isocket.storage.port import is_
from tests.fakes.alert_house import ACCOUNT, ANNA, AlertHouse

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


async def looks_in(house: AlertHouse, seconds: int) -> int:
    looks = 0
    for _ in range(seconds):
        await house.pass_by(seconds=1)
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
