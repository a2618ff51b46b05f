"""An alarm that stands in its lane behind calls that hang goes by another way as soon as one that was tried."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from alerts.channels.channel import ChannelKind
from alerts.health import LEAST_CALLS
from alerts.outcomes import Outcome, TryLater, Unclear
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Severity
from isocket.domain.record import Record
from isocket.domain.sending import ProviderHealth
from isocket.kit.clock import EPOCH
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import PAGE, Test, is_
from isocket.storage.records import R, StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.alert_house import ANNA, AlertHouse, RecordingChannel
from tests.fakes.clock import NOON

HANGS = Unclear(reason="deadline")
IS_AWAY = TryLater(reason="nothing_sent: ClientConnectorError")
ENOUGH = int(LEAST_CALLS)
LAST = "inc_9"
WAITS_S: Mapping[Severity, int] = MappingProxyType({Severity.CRITICAL: 20, Severity.MAJOR: 60})


class Attentive(StoredRecords):
    """A store that remembers of what kind the records were that it was asked for one by one."""

    def __init__(self) -> None:
        super().__init__(MemoryDocuments(), Wakeups())
        self.asked_for: list[type[Record]] = []

    async def get(self, kind: type[R], record_id: str) -> R | None:
        self.asked_for.append(kind)
        return await super().get(kind, record_id)


class Counting(StoredRecords):
    """A store that remembers how many messages it moved on at a time, and how often it was looked for such."""

    def __init__(self) -> None:
        super().__init__(MemoryDocuments(), Wakeups())
        self.moved: list[int] = []
        self.looks = 0

    async def find(self, kind: type[R], *tests: Test, **how: Any) -> list[R]:
        self.looks += is_("moves_on_at", EPOCH) in tests
        return await super().find(kind, *tests, **how)

    async def change_all(self, kind: type[R], *tests: Test, **changes: Any) -> int:
        self.moved.append(await super().change_all(kind, *tests, **changes))
        return self.moved[-1]


async def a_house(
    *says: Outcome, severity: Severity = Severity.CRITICAL, second: RecordingChannel | None = None, **more: Any
) -> AlertHouse:
    """Return a house in which texts got these answers, one each, while the text of the last alarm was not tried."""
    house = await AlertHouse(second_sms=second).furnish()
    await house.ladder({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}, **more)
    for number in range(len(says)):
        await house.incident(f"inc_{number}", severity=severity)
        await house.escalate()
    await house.incident(LAST, severity=severity)
    await house.escalate()
    house.sms.script.extend(says)
    for _ in says:
        await house.dispatcher().step()
    return house


async def move_on(house: AlertHouse) -> None:
    """Let whatever does not get through go by its next way, and send that; texts stand still meanwhile."""
    while await house.failover().step() or await house.dispatcher().step("urgent.email"):
        pass


async def the_text(house: AlertHouse) -> Delivery:
    (found,) = [
        each
        for each in await house.deliveries()
        if (each.incident_id, each.channel) == (LAST, ChannelKind.SMS) and each.instead_of is None
    ]
    return found


def told(way: RecordingChannel) -> int:
    """Return how often Anna got the last alarm by this way."""
    return sum(message.topic == LAST for message in way.accepted)


@pytest.mark.parametrize("severity", WAITS_S)
async def test_it_goes_by_mail_when_it_would_have_had_it_been_tried_with_the_last_of_them(severity: Severity) -> None:
    house = await a_house(*[HANGS] * ENOUGH, severity=severity)
    await house.pass_by(seconds=WAITS_S[severity] - 1)
    await move_on(house)
    assert not house.mail.accepted
    await house.pass_by(seconds=1)
    await move_on(house)
    assert len({message.topic for message in house.mail.accepted}) == len(house.mail.accepted) == ENOUGH + 1


async def test_it_does_so_too_where_a_provider_is_away() -> None:
    house = await a_house(*[IS_AWAY] * ENOUGH)
    await house.pass_by(seconds=WAITS_S[Severity.CRITICAL])
    await house.failover().step()
    assert (await house.dispatcher().step("urgent.email"), told(house.mail)) == (True, 1)


async def test_whatever_has_gone_by_then_goes_by_no_other_way() -> None:
    house = await a_house(*[HANGS] * ENOUGH)
    await house.pass_by(seconds=WAITS_S[Severity.CRITICAL] - 1)
    await house.dispatcher().step("urgent.sms")
    await house.pass_by(seconds=60)
    await move_on(house)
    assert (told(house.sms), told(house.mail)) == (1, 0)


async def test_its_own_way_is_not_lost_to_it_when_the_provider_is_well_again_and_takes_each_once() -> None:
    house = await a_house(*[HANGS] * ENOUGH)
    await house.pass_by(seconds=30)
    await move_on(house)
    await house.dispatcher().step("urgent.sms")
    await house.pass_by(seconds=300)
    await move_on(house)
    assert (told(house.sms), told(house.mail)) == (1, 1)


async def test_under_a_cap_it_takes_no_second_place() -> None:
    house = await a_house(*[HANGS] * ENOUGH, severity=Severity.MAJOR, cap=2)
    await house.pass_by(seconds=WAITS_S[Severity.MAJOR])
    await move_on(house)
    assert (len(house.mail.accepted), told(house.mail)) == (ENOUGH, 0)


@pytest.mark.parametrize("claimed_first", [True, False])
async def test_whoever_begins_to_sleep_meanwhile_is_told_by_one_way_when_they_wake(*, claimed_first: bool) -> None:
    house = await a_house(*[HANGS] * ENOUGH, severity=Severity.MAJOR)
    hours = {"start": "12:01", "end": "14:00"}
    await house.records.change_one(Contact, is_("id", ANNA), quiet_hours=hours, time_zone="UTC")
    await house.pass_by(seconds=WAITS_S[Severity.MAJOR])
    if claimed_first:
        await house.dispatcher().step("urgent.sms")
    await move_on(house)
    await house.dispatcher().step("urgent.sms")
    waits = await the_text(house)
    assert (waits.state, waits.held_until, waits.moves_on_at) == (DeliveryState.DUE, NOON + timedelta(hours=2), EPOCH)
    await house.pass_by(seconds=2 * 3600)
    while await house.dispatcher().step():
        pass
    assert (told(house.sms), told(house.mail)) == (1, 0)


async def test_what_is_major_takes_no_way_that_costs_money_before_its_own_was_tried() -> None:
    house = AlertHouse()
    house.calls()
    await house.furnish(email_verified_at=None, voice_verified_at=NOON)
    await house.ladder({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0})
    for number in range(ENOUGH):
        await house.incident(f"inc_{number}", severity=Severity.MAJOR)
    await house.incident(LAST, severity=Severity.MAJOR)
    await house.escalate()
    house.sms.script.extend([HANGS] * ENOUGH)
    for _ in range(ENOUGH):
        await house.dispatcher().step("urgent.sms")
    await house.pass_by(seconds=WAITS_S[Severity.MAJOR])
    while await house.failover().step():
        pass
    assert sum(each.channel is ChannelKind.VOICE for each in await house.deliveries()) == ENOUGH


async def test_a_call_that_goes_well_asks_nothing_about_its_provider() -> None:
    records = Attentive()
    house = await AlertHouse(records=records).furnish()
    await house.ladder({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0})
    await house.incident(LAST)
    await house.escalate()
    await house.send()
    assert (told(house.sms), ProviderHealth in records.asked_for) == (1, False)


@pytest.mark.parametrize("says", [[HANGS] * (ENOUGH - 1), []], ids=["too few", "none"])
async def test_few_calls_that_hang_move_nothing(says: list[Outcome]) -> None:
    house = await a_house(*says)
    assert (await the_text(house)).moves_on_at == EPOCH


@pytest.mark.parametrize(
    ("lane", "changes"),
    [
        ("urgent.email", {"kind": DeliveryKind.ALARM, "channel": ChannelKind.EMAIL}),
        ("urgent.sms", {"kind": DeliveryKind.ALARM, "due_at": NOON + timedelta(hours=1)}),
        ("urgent.sms", {"kind": DeliveryKind.ALARM, "state": DeliveryState.CALLED_OFF}),
        ("ordinary.sms", {"kind": DeliveryKind.CLEAR}),
        ("ordinary.sms", {"kind": DeliveryKind.ALARM, "severity": Severity.MINOR}),
    ],
    ids=["another way", "waits for the morning", "called off", "an end", "matters little"],
)
async def test_only_alarms_that_matter_much_and_stand_in_the_same_lane_move_on(
    lane: str, changes: dict[str, Any]
) -> None:
    house = await AlertHouse().furnish()
    waits = await house.delivery(**{"id": "dlv_waits", "severity": Severity.CRITICAL, **changes})
    house.sms.script.extend([HANGS] * ENOUGH)
    for number in range(ENOUGH):  # whose turn comes before it
        failing = "urgent.sms" if waits.lane == "urgent.email" else waits.lane
        await house.delivery(id=f"dlv_{number}", lane=failing, priority="0000.0")
        await house.dispatcher().step(failing)
    kept = await house.records.get(Delivery, waits.id)
    assert kept is not None
    assert (kept.lane, kept.state, kept.moves_on_at) == (lane, waits.state, EPOCH)


async def test_what_was_tried_and_put_off_waits_for_its_own_tries() -> None:
    house = await a_house(*[IS_AWAY] * ENOUGH)
    await house.pass_by(seconds=10)
    house.sms.script.append(IS_AWAY)
    await house.dispatcher().step("urgent.sms")
    assert {each.tries for each in await house.deliveries() if each.moves_on} == {0}


async def test_while_another_provider_carries_texts_it_waits_for_that() -> None:
    house = await a_house(*[HANGS] * ENOUGH, second=RecordingChannel(ChannelKind.SMS, "second"))
    assert (await the_text(house)).moves_on_at == EPOCH
    await house.dispatcher().step()
    assert told(house.second_sms or house.sms) == 1


async def test_it_is_looked_at_once_however_many_calls_hang_after_it() -> None:
    house = await a_house(*[HANGS] * ENOUGH)
    await house.pass_by(seconds=20)
    await move_on(house)
    for number in range(ENOUGH):  # whose turn comes before it
        await house.delivery(id=f"dlv_{number}", lane="urgent.sms", priority="0000.0")
        house.sms.script.append(HANGS)
        await house.dispatcher().step("urgent.sms")
    kept = await the_text(house)
    assert (kept.state, kept.moves_on) == (DeliveryState.DUE, False)


async def test_thousands_move_on_a_page_at_a_time_and_are_looked_for_once_a_second_however_many_calls_fail() -> None:
    records = Counting()
    house = await AlertHouse(records=records).furnish()
    await house.incident(LAST)
    alarm: dict[str, Any] = {"kind": DeliveryKind.ALARM, "severity": Severity.CRITICAL, "incident_id": LAST}
    waiting = [await house.delivery(id=f"dlv_{number}", priority="0000", **alarm) for number in range(ENOUGH * 2)]
    more = [replace(waiting[0], id=f"dlv_more_{number}", priority="9999") for number in range(PAGE + 1)]
    await records.add_all(more)
    house.sms.script.extend([HANGS] * len(waiting))
    dispatcher, lane = house.dispatcher(), waiting[0].lane
    for _ in range(ENOUGH):
        await dispatcher.step(lane)
    moved, looks = sum(records.moved), records.looks
    assert (moved, max(records.moved)) == (len(waiting) - ENOUGH + len(more), PAGE)
    for _ in range(ENOUGH - 1):
        await dispatcher.step(lane)
    assert records.looks == looks
    await house.pass_by(seconds=1)
    await dispatcher.step(lane)
    assert records.looks > looks
