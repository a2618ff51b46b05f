"""An incident that opens brings the first alarms of its ladder along; where that cannot be, a worker climbs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.channels.channel import ChannelKind
from alerts.climbing import Climber
from alerts.escalation import Escalator
from alerts.judge import LEASE_S, Judge
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, TimelineEntry
from isocket.domain.listening import Listening
from isocket.domain.record import Record
from isocket.domain.reports import ReportKind
from isocket.domain.watches import Watch
from isocket.kit.clock import EPOCH
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records, is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.wakeups import queue_bell
from tests.fakes.clock import NOON
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.judged_house import OWNER, JudgedHouse, judged_house

PUBLIC_URL = "https://cloud.example.org"
ANNA, BERTIL = "con_anna", "con_bertil"
THEN_BERTIL = {"contact_ids": [BERTIL], "channels": ["sms"], "after_s": 300}


def judge_of(house: JudgedHouse, records: Records, telemetry: Any = None, *, climbs: bool = True) -> Judge:
    return Judge(
        records=records,
        telemetry=telemetry or house.telemetry,
        clock=house.clock,
        owner="judge",
        climber=Climber(records=records, public_url=PUBLIC_URL) if climbs else None,
    )


def contact(contact_id: str, number: int, **changes: Any) -> Contact:
    values: dict[str, Any] = {
        "account_id": OWNER,
        "name": contact_id,
        "phone": f"+44770090000{number}",
        "phone_verified_at": NOON,
        "created_at": NOON,
    }
    return Contact(id=contact_id, **{**values, **changes})


async def with_people(*, climbs: bool = True, **anna: Any) -> JudgedHouse:
    """Return a socket whose owner is told by Anna's telephone and five minutes later by Bertil's; all is quiet."""
    house = await judged_house()
    house.judge = judge_of(house, house.records, climbs=climbs)
    steps = ({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}, THEN_BERTIL)
    await house.records.add_all(
        [contact(ANNA, 1, **anna), contact(BERTIL, 2), Escalation(id="esc", account_id=OWNER, steps=steps)]
    )
    await house.state(mains=True, battery_pct=98)
    return house


async def escalate(house: JudgedHouse) -> None:
    escalator = Escalator(records=house.records, clock=house.clock, public_url=PUBLIC_URL)
    while await escalator.step():
        pass


async def alarms(house: JudgedHouse) -> list[Delivery]:
    return await house.records.find(Delivery, is_("kind", DeliveryKind.ALARM))


async def what_is_stored(house: JudgedHouse) -> list[object]:
    """Return what an incident left behind, but for what is drawn by chance or only counts changes."""
    incident = await house.only(Cause.MAINS_LOST)
    deliveries = [(each.id, each.lane, each.priority, each.text, each.state) for each in await alarms(house)]
    lines = [(each.id, each.at, each.detail) for each in await house.records.find(TimelineEntry)]
    return [incident.state, incident.ladder_position, incident.needs_step, incident.step_due_at, deliveries, lines]


async def test_who_is_first_on_the_ladder_is_told_by_the_step_that_opens_the_incident() -> None:
    house = await with_people()
    await house.alarm("mains_lost")
    assert [each.contact_id for each in await alarms(house)] == [ANNA]
    incident = await house.only(Cause.MAINS_LOST)
    assert incident.step_due_at == house.clock.now() + timedelta(seconds=60)
    assert incident.needs_step


async def test_an_incident_that_brings_its_first_steps_along_wakes_nobody_who_climbs() -> None:
    house = await with_people()
    bell = house.wakeups.bell(queue_bell(Incident.collection, IncidentState.OPEN))
    await house.alarm("mains_lost")
    assert not bell.has_rung
    without = await with_people(climbs=False)
    bell = without.wakeups.bell(queue_bell(Incident.collection, IncidentState.OPEN))
    await without.alarm("mains_lost")
    assert bell.has_rung


async def test_it_is_stored_as_if_a_worker_had_climbed() -> None:
    at_once, by_a_worker = await with_people(), await with_people(climbs=False)
    for house in (at_once, by_a_worker):
        await house.alarm("mains_lost")
    await escalate(by_a_worker)
    assert await what_is_stored(at_once) == await what_is_stored(by_a_worker)


async def test_a_worker_climbs_on_from_there_and_makes_nothing_twice() -> None:
    house = await with_people()
    await house.alarm("mains_lost")
    await escalate(house)
    assert [each.contact_id for each in await alarms(house)] == [ANNA]
    await house.let_pass(300)
    await escalate(house)
    assert sorted(each.contact_id or "" for each in await alarms(house)) == [ANNA, BERTIL]


@pytest.mark.parametrize("anna", [{"phone_verified_at": None}, {"paused_at": EPOCH, "pause_reason": "stop_reply"}])
async def test_where_nobody_on_the_first_step_can_be_told_the_next_is_told_at_once(anna: dict[str, Any]) -> None:
    house = await with_people(**anna)
    await house.alarm("mains_lost")
    assert [each.contact_id for each in await alarms(house)] == [BERTIL]


async def test_without_anybody_to_tell_it_is_left_to_the_worker_who_says_so() -> None:
    house = await judged_house()
    house.judge = judge_of(house, house.records)
    await house.alarm("mains_lost")
    incident = await house.only(Cause.MAINS_LOST)
    assert incident.needs_step
    assert incident.step_due_at == house.clock.now()
    await escalate(house)
    lines = await house.records.find(TimelineEntry, is_("what", Happening.EXHAUSTED))
    assert [each.reason for each in lines] == ["no_recipient"]


async def test_where_its_code_is_another_ones_it_gets_the_next_and_the_worker_says_that() -> None:
    alone = await with_people()
    await alone.alarm("mains_lost")
    usual = await alone.only(Cause.MAINS_LOST)
    house = await with_people()
    await house.records.add(replace(usual, id="inc_elsewhere", device_id="another", open_key="open_elsewhere"))
    await house.alarm("mains_lost")
    incident = await house.records.get(Incident, usual.id)
    assert incident is not None
    assert not await alarms(house)
    assert incident.short_code
    assert incident.short_code != usual.short_code
    await escalate(house)
    told = [each for each in await alarms(house) if each.incident_id == incident.id]
    assert [each.contact_id for each in told] == [ANNA]
    assert incident.short_code in told[0].text


async def test_letters_of_a_second_run_name_the_code_that_the_first_one_stored() -> None:
    alone = await with_people(climbs=False)
    await alone.alarm("mains_lost")
    usual = await alone.only(Cause.MAINS_LOST)
    house = await with_people()
    await house.records.add(replace(usual, short_code="ZZ9"))  # by a run that died before it saved its memory
    await house.alarm("mains_lost")
    assert [each.text for each in await alarms(house) if "ZZ9" in each.text]


async def test_what_is_wrong_with_a_ladder_keeps_no_incident_from_being_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = await with_people()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no words for this")

    with monkeypatch.context() as patch:
        patch.setattr("alerts.letters.Letters.alarm", broken)
        await house.alarm("mains_lost")
    assert not await alarms(house)
    await escalate(house)
    assert [each.contact_id for each in await alarms(house)] == [ANNA]


async def test_what_began_and_ended_in_the_same_look_is_told_by_the_worker_alarm_and_end() -> None:
    house = await with_people()
    reports = [
        house.report(ReportKind.ALARM, {"cause": "mains_lost", "active": active}, ago_s=ago)
        for active, ago in ((True, 2), (False, 1))
    ]
    await house.tell(*reports)
    incident = await house.only(Cause.MAINS_LOST)
    assert incident.state is IncidentState.CLOSED
    await escalate(house)
    assert [each.contact_id for each in await alarms(house)] == [ANNA]


async def test_an_incident_in_the_way_leaves_no_alarm_of_one_that_was_not_stored() -> None:
    """A run that died left an open incident of the same cause, which nobody remembers."""
    house = await with_people()
    await house.alarm("mains_lost")
    first = await house.only(Cause.MAINS_LOST)
    house.boot += 1
    await house.records.remove_all(Watch)
    await house.alarm("mains_lost")
    await escalate(house)
    (second,) = await house.open(Cause.MAINS_LOST)
    assert second.id != first.id
    of_the_second = [each for each in await alarms(house) if each.incident_id == second.id]
    assert [(each.contact_id, each.state) for each in of_the_second] == [(ANNA, DeliveryState.DUE)]


async def test_a_judge_that_dies_at_any_verb_leaves_one_alarm_for_each_who_is_to_be_told() -> None:
    async def build() -> JudgedHouse:
        house = await with_people()
        await house.telemetry.store([house.report(ReportKind.ALARM, {"cause": "mains_lost", "active": True})])
        return house

    async def run(house: JudgedHouse, fuse: Fuse) -> None:
        judge = judge_of(house, DyingRecords(house.records, fuse), DyingTelemetry(house.telemetry, fuse))
        while await judge.step():
            pass
        await house.clock.advance(LEASE_S)
        while await judge.step():
            pass

    async def check(house: JudgedHouse) -> None:
        await escalate(house)
        (alarm,) = await alarms(house)
        assert (alarm.contact_id, alarm.channel, alarm.state) == (ANNA, ChannelKind.SMS, DeliveryState.DUE)
        incident = await house.only(Cause.MAINS_LOST)
        assert incident.ladder_position == 1
        due = await house.records.find(TimelineEntry, is_("what", Happening.DELIVERY_DUE))
        assert [each.incident_id for each in due] == [incident.id]

    assert await every_crash_point(build, run, check) > 10


class ErasesBeforeStoring(DyingRecords):
    """A store that is told to erase somebody between being asked for the people and getting their alarms."""

    def __init__(self, inner: Records, keyring: MemoryKeyring) -> None:
        super().__init__(inner)
        self.keyring = keyring

    async def add_all(self, records: Sequence[Record]) -> int:
        if any(isinstance(each, Delivery) for each in records) and not await self.keyring.was_destroyed(ANNA):
            await self.keyring.destroy(ANNA)
            try:
                return await super().add_all(records)
            finally:
                await self.remove_all(Contact, is_("id", ANNA))
        return await super().add_all(records)


async def test_somebody_who_is_erased_in_this_moment_keeps_the_alarm_from_nobody_else() -> None:
    house, keyring = await with_people(), MemoryKeyring()
    people = [await house.records.get(Contact, each) for each in (ANNA, BERTIL)]
    sealed = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    for kind in (Device, Escalation, Listening, Watch):
        await sealed.add_all(await house.records.find(kind))
    await sealed.add_all([each for each in people if each is not None])
    house.records = sealed
    house.judge = judge_of(house, ErasesBeforeStoring(sealed, keyring))
    await house.alarm("mains_lost")
    await house.only(Cause.MAINS_LOST)
    await escalate(house)
    assert [each.contact_id for each in await alarms(house)] == [BERTIL]


class OneByOne(DyingRecords):
    """A store whose `add_all` is cut off in the middle, as one without transactions may do."""

    def __init__(self, inner: Records, most: int) -> None:
        super().__init__(inner)
        self.most = most

    async def add_all(self, records: Sequence[Record]) -> int:
        added = await super().add_all(records[: self.most])
        if len(records) > self.most:
            raise ConnectionError("cut off")
        return added


@pytest.mark.parametrize("most", range(1, 6))
async def test_what_was_stored_in_part_is_made_whole_by_the_next_judgement(most: int) -> None:
    house = await with_people()
    await house.telemetry.store([house.report(ReportKind.ALARM, {"cause": "mains_lost", "active": True})])
    records = OneByOne(house.records, most)
    cut_off = judge_of(house, records)
    try:
        while await cut_off.step():
            pass
    except ConnectionError:
        await house.clock.advance(LEASE_S)
        await house.settle()
    await escalate(house)
    assert [each.contact_id for each in await alarms(house)] == [ANNA]
    await house.only(Cause.MAINS_LOST)
