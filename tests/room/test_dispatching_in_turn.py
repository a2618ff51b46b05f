"""Whose alarm goes first: nobody waits because somebody else has many sockets."""

from datetime import timedelta
from typing import Any, TypeVar

import pytest

from alerts.channels.channel import ChannelKind
from alerts.dispatcher import LET_IN
from alerts.outcomes import TryLater
from alerts.turns import REMEMBERED
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import (
    BEHIND,
    Delivery,
    DeliveryKind,
    Urgency,
    lane_name,
    place_of,
    place_until,
    urgency_of,
)
from isocket.domain.incidents import Severity
from isocket.domain.record import Record
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Test, at_most, is_
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.alert_house import ACCOUNT, ANNA, AlertHouse
from tests.fakes.clock import NOON

R = TypeVar("R", bound=Record)


@pytest.fixture
async def house() -> AlertHouse:
    return await AlertHouse().furnish(email=None)


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


async def test_an_alarm_that_has_gone_leaves_its_customer_behind_those_who_had_none() -> None:
    house = await AlertHouse().furnish(email=None)
    await house.incident("inc_0")
    await house.escalate()
    await house.send()
    await house.incident("inc_1")
    await house.escalate()
    await house.pass_by(seconds=1)
    for name in ("acc_b", "acc_c"):
        await neighbour(house, name)
    await house.escalate()
    await house.send()
    told = await told_in_order(house)
    assert told[0] == told[-1] == ACCOUNT
    assert sorted(told[1:-1]) == ["acc_b", "acc_c"]


async def test_a_customer_whose_alarms_are_long_gone_stands_in_front_again() -> None:
    house = await AlertHouse().furnish(email=None)
    for number in range(3):
        await house.incident(f"inc_{number}")
    await house.escalate()
    await house.send()
    await house.pass_by(seconds=REMEMBERED.total_seconds())
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


async def put_off(house: AlertHouse, name: str, **changes: Any) -> Delivery:
    """Add an alarm that is not due before the morning."""
    morning = house.clock.now() + timedelta(hours=7)
    return await house.delivery(
        DeliveryKind.ALARM, id=name, severity=Severity.MAJOR, due_at=morning, held_until=morning, **changes
    )


async def test_what_is_not_due_yet_stands_behind_all_that_is(house: AlertHouse) -> None:
    held = await put_off(house, "dlv_held")
    due = await house.delivery(DeliveryKind.ALARM, turn=9_999)
    assert held.priority > due.priority


async def test_among_what_is_not_due_yet_what_is_due_first_stands_first(house: AlertHouse) -> None:
    first = await put_off(house, "dlv_first", turn=3)
    await house.pass_by(seconds=1)
    assert first.priority < (await put_off(house, "dlv_second")).priority


async def test_what_a_provider_wants_later_stands_behind_all_that_is_due(house: AlertHouse) -> None:
    await house.delivery(DeliveryKind.ALARM, severity=Severity.CRITICAL)
    house.sms.script.append(TryLater(reason="busy"))
    await house.dispatcher().step()
    (put_off,) = await house.deliveries()
    assert put_off.priority == place_until(put_off.due_at)


async def test_what_waits_for_the_end_of_quiet_hours_stands_behind_all_that_is_due(house: AlertHouse) -> None:
    await house.incident(severity=Severity.MAJOR)
    await house.escalate()
    quiet = {"start": "00:00", "end": "23:59", "except_critical": True}
    await house.records.change_one(Contact, is_("id", ANNA), quiet_hours=quiet)
    await house.dispatcher().step()
    held = [each for each in await house.deliveries() if each.held_until]
    assert [each.priority for each in held] == [place_until(each.due_at) for each in held] != []


async def test_what_was_put_off_gets_its_turn_when_it_is_due(house: AlertHouse) -> None:
    await put_off(house, "dlv_second_turn", turn=1)
    await put_off(house, "dlv_first_turn")
    await house.pass_by(hours=7, seconds=1)
    await house.delivery(DeliveryKind.ALARM, id="dlv_later", severity=Severity.MAJOR, turn=1)
    await house.delivery(DeliveryKind.ALARM, id="dlv_critical", severity=Severity.CRITICAL)
    order = []
    while (held := await house.dispatcher().claim_one(lane_name(Urgency.URGENT, ChannelKind.SMS))) is not None:
        order.append(held.id)
    assert order == ["dlv_critical", "dlv_first_turn", "dlv_second_turn", "dlv_later"]


async def test_a_try_that_was_put_off_costs_nobody_their_place(house: AlertHouse) -> None:
    await house.delivery(DeliveryKind.ALARM, id="dlv_tried", severity=Severity.CRITICAL)
    house.sms.script.append(TryLater(reason="busy"))
    await house.dispatcher().step()
    await house.pass_by(seconds=1)
    await house.delivery(DeliveryKind.ALARM, id="dlv_younger", severity=Severity.CRITICAL)
    await house.pass_by(minutes=5)
    claimed = await house.dispatcher().claim_one()
    assert claimed is not None
    assert claimed.id == "dlv_tried"


async def test_more_than_are_let_in_at_a_time_all_go(house: AlertHouse) -> None:
    for number in range(2 * LET_IN + 1):
        await put_off(house, f"dlv_{number:03}")
    await house.pass_by(hours=7)
    claimed = 0
    while await house.dispatcher().claim_one() is not None:
        claimed += 1
    assert claimed == 2 * LET_IN + 1


async def test_a_claim_asks_only_for_what_has_its_place(house: AlertHouse) -> None:
    """So that what waits for the morning is not read in the claim of each that is due."""
    asked: list[Test] = []

    class Noting(StoredRecords):
        async def change_one(self, kind: type[R], *tests: Test, order_by: str = "id", **changes: Any) -> R | None:
            asked.extend(tests)
            return await super().change_one(kind, *tests, order_by=order_by, **changes)

    await house.dispatcher(Noting(MemoryDocuments(), Wakeups())).claim_one()
    assert at_most("priority", BEHIND) in asked
