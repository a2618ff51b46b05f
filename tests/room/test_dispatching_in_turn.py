"""Whose alarm goes first: nobody waits because somebody else has many sockets."""

from datetime import timedelta

import pytest

from alerts.channels.channel import ChannelKind
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, Urgency, lane_name, place_of, urgency_of
from isocket.domain.incidents import Severity
from isocket.storage.port import is_
from tests.fakes.alert_house import ACCOUNT, ANNA, AlertHouse
from tests.fakes.clock import NOON


async def neighbour(house: AlertHouse, name: str) -> None:
    """Add another customer with one contact and one incident."""
    number = f"+44770090{sum(map(ord, name)):04d}"
    await house.records.add(
        Contact(id=f"con_{name}", account_id=name, name=name, phone=number, phone_verified_at=NOON, created_at=NOON)
    )
    await house.incident(f"inc_{name}", account_id=name)


async def told_in_order(house: AlertHouse) -> list[str]:
    return [(await owner_of(house, message.attempt_id)) for message in house.sms.accepted]


async def owner_of(house: AlertHouse, attempt_id: str) -> str:
    (attempt,) = [each for each in await house.attempts() if each.id == attempt_id]
    return attempt.account_id


async def test_the_first_alarm_of_every_customer_goes_before_the_second_of_anyone() -> None:
    house = await AlertHouse().furnish(email=None)
    for number in range(5):
        await house.incident(f"inc_{number}")
    await house.escalate()
    await house.pass_by(seconds=1)
    for name in ("acc_b", "acc_c"):
        await neighbour(house, name)
    await house.escalate()
    await house.send()
    told = await told_in_order(house)
    assert sorted(told[:3]) == ["acc_b", "acc_c", ACCOUNT]
    assert told[3:] == [ACCOUNT] * 4


async def test_a_customer_whose_alarms_have_gone_stands_in_front_again() -> None:
    house = await AlertHouse().furnish(email=None)
    for number in range(3):
        await house.incident(f"inc_{number}")
    await house.escalate()
    await house.send()
    await house.incident("inc_later")
    await house.escalate()
    (later,) = await house.records.find(Delivery, is_("incident_id", "inc_later"))
    assert later.turn == 0


async def test_what_a_provider_will_not_have_for_now_sends_nobody_to_the_back() -> None:
    house = await AlertHouse().furnish(email=None)
    await house.incident("inc_0")
    await house.escalate()
    await house.records.change_all(Delivery, held_up=True)
    await house.incident("inc_1")
    await house.escalate()
    (second,) = await house.records.find(Delivery, is_("incident_id", "inc_1"))
    assert second.turn == 0


async def test_each_lane_has_turns_of_its_own() -> None:
    house = await AlertHouse().furnish()
    await house.incident("inc_0")
    await house.incident("inc_1", severity=Severity.MINOR)
    await house.escalate()
    assert {(each.lane, each.turn) for each in await house.deliveries()} == {
        (lane_name(urgency, channel), 0) for urgency in Urgency for channel in (ChannelKind.SMS, ChannelKind.EMAIL)
    }


async def test_an_alarm_that_is_critical_goes_before_a_major_one_of_the_same_turn() -> None:
    house = await AlertHouse().furnish(email=None)
    await house.incident("inc_major", severity=Severity.MAJOR)
    await house.escalate()
    await house.pass_by(seconds=1)
    await neighbour(house, "acc_b")
    await house.escalate()
    await house.send()
    assert await told_in_order(house) == ["acc_b", ACCOUNT]


def test_among_equals_what_was_due_first_goes_first() -> None:
    early, late = (place_of(1, Severity.MAJOR, NOON + timedelta(seconds=seconds)) for seconds in (1, 2))
    assert early < late


def test_more_turns_than_places_share_the_last_place() -> None:
    assert place_of(99_999, Severity.CRITICAL, NOON) == place_of(9_999, Severity.CRITICAL, NOON)


@pytest.mark.parametrize(
    ("kind", "severity", "urgency"),
    [
        (DeliveryKind.ALARM, Severity.CRITICAL, Urgency.URGENT),
        (DeliveryKind.ALARM, Severity.MAJOR, Urgency.URGENT),
        (DeliveryKind.ALARM, None, Urgency.URGENT),
        (DeliveryKind.ALARM, Severity.MINOR, Urgency.ORDINARY),
        (DeliveryKind.ALARM, Severity.INFO, Urgency.ORDINARY),
        (DeliveryKind.CLEAR, Severity.CRITICAL, Urgency.ORDINARY),
        (DeliveryKind.CODE, None, Urgency.ORDINARY),
    ],
)
def test_only_alarms_that_matter_are_urgent(kind: DeliveryKind, severity: Severity | None, urgency: Urgency) -> None:
    assert urgency_of(kind, severity) is urgency


async def test_a_message_that_names_no_lane_finds_its_own() -> None:
    house = await AlertHouse().furnish()
    code = await house.delivery(DeliveryKind.CODE)
    kept = await house.records.get(Delivery, code.id)
    assert kept is not None
    assert (kept.lane, kept.contact_id) == (lane_name(Urgency.ORDINARY, ChannelKind.SMS), ANNA)
