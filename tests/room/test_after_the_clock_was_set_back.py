"""What waits for a moment of before the clock was set back goes on soon, whoever waits for it."""

from datetime import timedelta

import pytest

from alerts.fleet import LONGEST_S, SETTLING_S
from alerts.held_back import HeldBack
from alerts.outages import OURS, Outages
from alerts.outcomes import TryLater
from alerts.set_back import AfterSetBack
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Cause, Incident, IncidentState
from isocket.domain.listening import BRIDGE, Listening
from isocket.domain.outages import Outage, OutageKind
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.set_back import BELIEVED_AFTER_S
from isocket.storage.wakeups import Wakeups
from tests.fakes.alert_house import ANNA, BERTIL, AlertHouse, RecordingChannel
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point

LOOK_S = 30.0
HOURS_S, DAYS_S = 5 * 3600.0, 3 * 86_400.0
BACK_S = pytest.mark.parametrize("back_s", [HOURS_S, DAYS_S])


class Watched:
    """An alert house that leaves notes of its clock, as its audit does."""

    def __init__(self) -> None:
        self.house = AlertHouse()
        self.after_set_back = AfterSetBack(self.house.records, self.house.clock)

    async def set_back(self, by_s: float) -> None:
        await self.look()
        self.house.clock.set_back(by_s)

    async def look(self) -> int:
        return await self.after_set_back.look(self.house.clock.now())

    async def let_pass(self, seconds: float) -> int:
        """Look for so long; return how many ladders began anew."""
        begun = await self.look()
        for _ in range(round(seconds / LOOK_S)):
            await self.house.clock.advance(LOOK_S)
            begun += await self.look()
        return begun

    async def delivery(self, delivery_id: str) -> Delivery:
        found = await self.house.records.get(Delivery, delivery_id)
        assert found is not None
        return found


async def watched() -> Watched:
    made = Watched()
    await made.house.furnish()
    return made


@BACK_S
async def test_an_alarm_that_its_provider_put_off_is_tried_again(back_s: float) -> None:
    made = await watched()
    house = made.house
    await house.only_by(ChannelKind.SMS)
    house.sms.script.append(TryLater(reason="provider_unavailable", after_s=1200.0))
    await house.incident()
    await house.escalate()
    await house.send()
    assert not house.sms.accepted
    await made.set_back(back_s)
    await made.let_pass(BELIEVED_AFTER_S)
    await house.send()
    assert len(house.sms.accepted) == 1


@BACK_S
async def test_an_alarm_whose_sender_died_is_taken_over(back_s: float) -> None:
    made = await watched()
    house = made.house
    leased = house.clock.now() + timedelta(seconds=20)
    await house.incident()
    of_it = {"incident_id": "inc_1", "state": DeliveryState.CALLING, "lease_until": leased}
    await house.delivery(DeliveryKind.ALARM, id="dlv_1", **of_it)
    await made.set_back(back_s)
    await made.let_pass(BELIEVED_AFTER_S)
    assert await house.unclear().step()
    await house.send()
    assert len(house.sms.accepted) == 1


@BACK_S
async def test_a_ladder_that_is_being_climbed_begins_anew_and_tells_nobody_the_same_step_twice(back_s: float) -> None:
    made = await watched()
    house = made.house
    await house.contact(BERTIL)
    first, next_one = (
        {"contact_ids": [who], "channels": ["sms"], "after_s": s} for who, s in ((ANNA, 0), (BERTIL, 1800))
    )
    await house.ladder(first, next_one)
    await house.incident()
    await house.escalate()
    await made.set_back(back_s)
    await made.let_pass(BELIEVED_AFTER_S)
    await house.escalate()
    assert [each.contact_id for each in await house.deliveries(DeliveryKind.ALARM)] == [ANNA]
    await house.clock.advance(1800)
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries(DeliveryKind.ALARM)} == {ANNA, BERTIL}


@BACK_S
async def test_an_alarm_of_which_no_receipt_came_goes_by_another_way(back_s: float) -> None:
    made = await watched()
    house = made.house
    await house.ladder({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0})
    await house.incident()
    await house.escalate()
    await house.send()
    await made.set_back(back_s)
    await made.let_pass(BELIEVED_AFTER_S)
    await house.send()
    assert (len(house.sms.accepted), len(house.mail.accepted)) == (1, 1)


async def test_however_many_ladders_wait_for_a_time_to_come_each_begins_anew() -> None:
    made = await watched()
    now = made.house.clock.now()
    for number in range(401):
        cause = {"detected_at": now - timedelta(seconds=number), "step_due_at": now + timedelta(hours=1 + number)}
        await made.house.incident(f"inc_{number:03}", **cause)
    await made.set_back(DAYS_S)
    assert await made.let_pass(BELIEVED_AFTER_S) == 401
    now = made.house.clock.now()
    assert all(each.told_from == now >= each.step_due_at for each in await made.house.records.find(Incident))


async def test_a_clock_that_is_behind_for_a_moment_moves_nothing() -> None:
    made = await watched()
    waiting = made.house.clock.now() + timedelta(hours=2)
    await made.house.incident(step_due_at=waiting)
    await made.house.delivery(id="dlv_1", due_at=waiting)
    await made.set_back(HOURS_S)
    assert await made.let_pass(BELIEVED_AFTER_S - LOOK_S) == 0
    await made.house.clock.advance(HOURS_S)
    assert await made.let_pass(300) == 0
    incident = await made.house.the_incident()
    assert (incident.step_due_at, incident.told_from) == (waiting, None)
    assert (await made.delivery("dlv_1")).due_at == waiting


async def test_what_was_put_off_after_the_clock_was_set_back_by_days_goes_on_waiting() -> None:
    made = await watched()
    await made.set_back(DAYS_S)
    waiting = made.house.clock.now() + timedelta(hours=9)
    await made.house.incident(step_due_at=waiting)
    await made.house.delivery(id="dlv_1", due_at=waiting)
    await made.let_pass(300)
    assert (await made.house.the_incident()).step_due_at == waiting
    assert (await made.delivery("dlv_1")).due_at == waiting


async def test_whoever_has_taken_it_is_asked_again_though_they_took_it_at_a_time_to_come() -> None:
    made = await watched()
    now = made.house.clock.now()
    taken = {"state": IncidentState.ACKNOWLEDGED, "acknowledged_at": now, "acknowledged_by": ANNA}
    await made.house.incident(**taken, step_due_at=now + timedelta(hours=1))
    await made.set_back(DAYS_S)
    await made.let_pass(BELIEVED_AFTER_S)
    incident = await made.house.the_incident()
    assert incident.acknowledged_at == incident.step_due_at == made.house.clock.now()


@pytest.mark.parametrize("is_over", [True, False])
async def test_what_an_outage_held_back_is_told_though_it_was_held_at_a_time_to_come(is_over: bool) -> None:
    made = await watched()
    now = made.house.clock.now()
    ended = {"ended_at": now} if is_over else {"open_key": OURS}
    outage = Outage(id="out_1", kind=OutageKind.FLEET, began_at=now, noticed_at=now, hit=9, fleet=10, **ended)
    await made.house.records.add(outage)
    await made.house.incident(cause=Cause.OFFLINE, needs_step=False, explained_by="out_1")
    await made.set_back(DAYS_S)
    await made.let_pass(BELIEVED_AFTER_S)
    telemetry = MemoryTelemetry(Wakeups(), made.house.clock)
    outages = Outages(records=made.house.records, telemetry=telemetry, clock=made.house.clock)
    held_back = HeldBack(records=made.house.records, clock=made.house.clock)
    await made.house.clock.advance(LONGEST_S)
    listening = made.house.clock.now()
    await made.house.records.add(Listening(id=BRIDGE, since=listening, until=listening))
    await outages.look()
    await made.house.clock.advance(SETTLING_S)
    await held_back.step()
    assert (await made.house.the_incident()).explained_by is None


async def test_a_provider_that_refused_us_at_a_time_to_come_is_asked_again() -> None:
    made = await watched()
    house = made.house
    house.second_sms = RecordingChannel(ChannelKind.SMS, "second")
    await house.providers(house.records).refuse(ChannelKind.SMS, "recording", "account_empty")
    await made.set_back(DAYS_S)
    await made.let_pass(BELIEVED_AFTER_S)
    chosen = await house.providers(house.records).choose(ChannelKind.SMS)
    assert chosen is house.sms


async def test_who_dies_while_bringing_back_leaves_it_to_the_next_look() -> None:
    async def build() -> Watched:
        made = await watched()
        ahead = made.house.clock.now() + timedelta(hours=1)
        await made.house.incident(step_due_at=ahead, lease_until=ahead)
        await made.house.delivery(id="dlv_1", due_at=ahead)
        await made.set_back(DAYS_S)
        await made.let_pass(BELIEVED_AFTER_S - LOOK_S)
        await made.house.clock.advance(LOOK_S)
        return made

    async def run(made: Watched, fuse: Fuse) -> None:
        made.after_set_back._records = DyingRecords(made.house.records, fuse)
        await made.look()

    async def check(made: Watched) -> None:
        made.after_set_back = AfterSetBack(made.house.records, made.house.clock)
        await made.let_pass(BELIEVED_AFTER_S)
        due = made.house.clock.now()
        assert (await made.house.the_incident()).step_due_at <= due
        assert (await made.delivery("dlv_1")).due_at <= due
        await made.house.send()
        assert len(made.house.sms.accepted) == 1

    assert await every_crash_point(build, run, check) > 3
