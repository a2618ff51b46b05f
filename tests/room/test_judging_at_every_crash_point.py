"""A judge that dies at any verb leaves a world that the next one sets right: nothing lost, nothing twice."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from alerts.causes import SETTLING_S
from alerts.incident_ledger import StillOpenError
from alerts.judge import LEASE_S, Judge
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, TimelineEntry
from isocket.domain.listening import Listening
from isocket.domain.outages import Outage
from isocket.domain.record import Record
from isocket.domain.reports import Report, ReportKind
from isocket.domain.watches import Watch
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sqlite import SqliteStore
from tests.fakes.clock import ManualClock
from tests.fakes.dying import Died, DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.judged_house import DEVICE, JudgedHouse, judged_house

Ending = dict[Cause, list[tuple[IncidentState, bool]]]  # state, and whether the ladder has something to do
OPEN, CLOSED = IncidentState.OPEN, IncidentState.CLOSED


@dataclass(frozen=True, kw_only=True)
class Story:
    """What a device goes through before the deadly judgement, what came with it, and how it must end."""

    before: Callable[[JudgedHouse], Awaitable[None]]
    reports: Callable[[JudgedHouse], list[Report]]
    ends: Ending
    late: int = 0  # incidents of which nobody was told because they came late


def state(house: JudgedHouse, ago_s: float = 0, **fields: object) -> Report:
    return house.report(ReportKind.STATE, fields, ago_s=ago_s)


def alarm(house: JudgedHouse, cause: str, *, active: bool = True) -> Report:
    return house.report(ReportKind.ALARM, {"cause": cause, "active": active})


async def a_quiet_day(house: JudgedHouse) -> None:
    await house.state(mains=True, battery_pct=98, temp_c=[20.0])


async def a_power_cut(house: JudgedHouse) -> None:
    await a_quiet_day(house)
    await house.alarm("mains_lost")
    await house.climb()


async def a_silent_power_cut(house: JudgedHouse) -> None:
    await a_power_cut(house)
    await house.let_pass(3600)


async def another_owner(house: JudgedHouse) -> None:
    await a_power_cut(house)
    await house.let_pass(5)
    await house.records.change_one(Device, is_("id", DEVICE), owner_id="acc-2", claimed_at=house.clock.now())


async def no_owner_any_more(house: JudgedHouse) -> None:
    await a_power_cut(house)
    await house.records.change_one(Device, is_("id", DEVICE), owner_id=None, claimed_at=None)


async def a_delay_that_ends_now(house: JudgedHouse) -> None:
    await a_quiet_day(house)
    await house.state(mains=False)
    house.started = house.clock.now()
    await house.clock.advance(10)


async def what_came_and_went(house: JudgedHouse) -> None:
    for _ in range(4):
        await house.alarm("mains_lost")
        await house.alarm("mains_lost", active=False)
        await house.let_pass(1)
    await house.climb()


async def heat_in_vain(house: JudgedHouse) -> None:
    await house.want(thermostat={"enabled": True, "on_c": 5, "off_c": 8, "alarm_after_s": 600})
    await house.state(temp_c=[4.0])
    await house.let_pass(600)


STORIES = {
    "an alarm": Story(
        before=a_quiet_day,
        reports=lambda house: [alarm(house, "mains_lost"), state(house, mains=False)],
        ends={Cause.MAINS_LOST: [(OPEN, True)]},
    ),
    "a delay": Story(before=a_delay_that_ends_now, reports=lambda _: [], ends={Cause.MAINS_LOST: [(OPEN, True)]}),
    "a last straw that makes it come and go": Story(
        before=what_came_and_went,
        reports=lambda house: [alarm(house, "mains_lost")],
        ends={Cause.MAINS_LOST: [(CLOSED, False)] * 4 + [(OPEN, False)], Cause.FLAPPING: [(OPEN, True)]},
    ),
    "heat in vain": Story(
        before=heat_in_vain,
        reports=lambda house: [state(house, temp_c=[3.9])],
        ends={Cause.THERMOSTAT_INEFFECTIVE: [(OPEN, True)]},
    ),
    "power back": Story(
        before=a_power_cut,
        reports=lambda house: [alarm(house, "mains_lost", active=False), state(house, mains=True)],
        ends={Cause.MAINS_LOST: [(CLOSED, True)]},
    ),
    "an alarm that is over at once": Story(
        before=a_quiet_day,
        reports=lambda house: [alarm(house, "mains_lost"), alarm(house, "mains_lost", active=False)],
        ends={Cause.MAINS_LOST: [(CLOSED, True)]},
    ),
    "a backlog of past trouble": Story(
        before=a_quiet_day,
        reports=lambda house: [
            state(house, ago_s=7200, mains=False),
            state(house, ago_s=3600, mains=True),
            state(house, ago_s=60, mains=True),
        ],
        ends={Cause.MAINS_LOST: [(CLOSED, False)]},
        late=1,
    ),
    "two episodes, the second of which lasts": Story(
        before=a_quiet_day,
        reports=lambda house: [
            state(house, ago_s=7200, mains=False),
            state(house, ago_s=3600, mains=True),
            state(house, ago_s=60, mains=False),
            state(house, mains=False),
        ],
        ends={Cause.MAINS_LOST: [(CLOSED, False), (OPEN, True)]},
        late=1,
    ),
    "an explained battery that deepens": Story(
        before=a_power_cut,
        reports=lambda house: [
            state(house, mains=False, battery_pct=45),
            state(house, mains=False, battery_pct=25),
        ],
        ends={Cause.MAINS_LOST: [(OPEN, False)], Cause.BATTERY_LOW: [(OPEN, False)]},
    ),
    "the end of silence and of the power cut that explained it": Story(
        before=a_silent_power_cut,
        reports=lambda house: [alarm(house, "mains_lost", active=False)],
        ends={Cause.MAINS_LOST: [(CLOSED, True)], Cause.OFFLINE: [(CLOSED, False)]},
    ),
    "another owner, for whom the power is still out": Story(
        before=another_owner,
        reports=lambda house: [alarm(house, "mains_lost")],
        ends={Cause.MAINS_LOST: [(CLOSED, False), (OPEN, True)]},
    ),
    "no owner any more": Story(
        before=no_owner_any_more,
        reports=lambda house: [alarm(house, "mains_lost")],
        ends={Cause.MAINS_LOST: [(CLOSED, False)]},
    ),
    "a test that is let go at once": Story(
        before=a_quiet_day,
        reports=lambda house: [alarm(house, "test"), alarm(house, "test", active=False)],
        ends={Cause.TEST: [(OPEN, True)]},
    ),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
async def test_a_judge_that_dies_at_any_verb_changes_nothing_in_the_end(story: Story) -> None:
    async def build() -> JudgedHouse:
        house = await judged_house()
        await story.before(house)
        await house.telemetry.store(story.reports(house))
        return house

    async def check(house: JudgedHouse) -> None:
        await check_ending(house, story)

    assert await every_crash_point(build, judge_with, check) > 10


@pytest.mark.parametrize(("lasted_s", "endings"), [(5, {(), (CLOSED,)}), (30, {(CLOSED,)})])
async def test_power_that_comes_back_after_the_death_of_the_judge_leaves_nothing_open(
    lasted_s: float, endings: set[tuple[IncidentState, ...]]
) -> None:
    """The second judge knows more than the first: what was opened is closed, and both are told."""

    async def build() -> JudgedHouse:
        house = await judged_house()
        await a_delay_that_ends_now(house)
        return house

    whole = Fuse()
    await judge_with(await build(), whole)
    seen = set()
    for at in range(1, whole.verbs + 1):
        for after in (False, True):
            house, fuse = await build(), Fuse(at, after=after)
            with pytest.raises(Died):
                await judge_with(house, fuse)
            await house.clock.advance(10 + LEASE_S)
            age_s = (house.clock.now() - house.started).total_seconds() - lasted_s
            reports = [state(house, ago_s=age_s, mains=True), state(house, mains=True)]
            await house.telemetry.store(reports)
            await judge_with(house, Fuse())
            await house.let_pass(60)
            found = await house.incidents()
            seen.add(tuple(each.state for each in found))
            assert all(each.needs_step and each.told_though_over for each in found)
            assert not await came_late(house)  # the socket said it in time, it was the judge who died
    assert seen == endings


async def test_a_judge_that_stalls_beyond_its_lease_leaves_the_last_word_to_the_other() -> None:
    house = await judged_house()
    await a_delay_that_ends_now(house)

    class Stalling(DyingRecords):
        async def add_all(self, records: Sequence[Record]) -> int:
            await house.clock.advance(LEASE_S)
            await house.telemetry.store([state(house, ago_s=LEASE_S + 5, mains=True)])
            await house.settle()
            return await super().add_all(records)

    stalling = Judge(
        records=Stalling(house.records),
        telemetry=house.telemetry,
        clock=house.clock,
        owner="slow",
    )
    await stalling.step()
    await house.settle()
    assert not await house.open()


async def test_what_a_judge_died_over_stays_open_though_it_would_have_to_last_longer_by_now() -> None:
    house = await judged_house()
    await a_delay_that_ends_now(house)

    class DyingOnceItIsStored(DyingRecords):
        async def add_all(self, records: Sequence[Record]) -> int:
            await super().add_all(records)
            raise Died

    mortal = Judge(
        records=DyingOnceItIsStored(house.records), telemetry=house.telemetry, clock=house.clock, owner="mortal"
    )
    with pytest.raises(Died):
        await mortal.step()
    await house.clock.advance(LEASE_S)
    await house.want(mains_delay_s=3600)
    await house.state(mains=True)
    assert await house.open(Cause.MAINS_LOST), "it is over only after its own delay"
    await house.let_pass(10)
    assert not await house.open()


async def test_an_alarm_that_an_unknown_incident_is_in_the_way_of_is_judged_again_and_not_lost() -> None:
    house = await judged_house()
    await house.telemetry.store([alarm(house, "mains_lost")])

    class Forestalled(DyingRecords):
        async def add_all(self, records: Sequence[Record]) -> int:
            ours = next(each for each in records if isinstance(each, Incident))
            await house.records.add_all([replace(ours, id="inc_stored_by_another")])
            return await super().add_all(records)

    forestalled = Judge(
        records=Forestalled(house.records), telemetry=house.telemetry, clock=house.clock, owner="forestalled"
    )
    with pytest.raises(StillOpenError):
        await forestalled.step()
    await house.clock.advance(LEASE_S)
    await house.settle()
    (found,) = await house.open(Cause.MAINS_LOST)
    assert (found.id != "inc_stored_by_another", found.needs_step) == (True, True)


async def test_at_every_crash_point_the_timeline_says_that_a_mains_failure_no_longer_explains_it() -> None:
    async def build() -> JudgedHouse:
        house = await judged_house()
        await a_power_cut(house)
        await house.state(mains=False, battery_pct=40)
        await house.state(mains=True, battery_pct=40, charging=False)
        await house.clock.advance(SETTLING_S + 60)
        return house

    async def check(house: JudgedHouse) -> None:
        found = await house.only(Cause.BATTERY_LOW)
        assert (found.explained_by, found.needs_step) == (None, True)
        assert (await house.timeline(found)).count((Happening.NOTE, "no_longer_explained")) == 1

    assert await every_crash_point(build, judge_with, check) > 5


async def judge_with(house: JudgedHouse, fuse: Fuse) -> None:
    """Judge with a process that may die until nobody waits, also after every lease has run out."""
    judge = Judge(
        records=DyingRecords(house.records, fuse),
        telemetry=DyingTelemetry(house.telemetry, fuse),
        clock=house.clock,
        owner="mortal",
    )
    while await judge.step():
        pass
    await house.clock.advance(LEASE_S)
    while await judge.step():
        pass


async def check_ending(house: JudgedHouse, story: Story) -> None:
    found: Ending = {}
    for each in await house.incidents():
        found.setdefault(each.cause, []).append((each.state, each.needs_step))
    assert found == story.ends
    lines = await house.records.find(TimelineEntry)
    opened = [each for each in lines if each.what is Happening.OPENED]
    assert len(opened) == len(await house.incidents())
    closed = [each for each in lines if each.what is Happening.CLOSED]
    assert len(closed) == len(await house.records.find(Incident, is_("state", CLOSED)))
    assert await came_late(house) == story.late
    assert await house.telemetry.reports_waiting() == 0


async def came_late(house: JudgedHouse) -> int:
    """Return of how many incidents the timeline says that nobody was told because they came late."""
    return await house.records.count(TimelineEntry, is_("reason", "came_late"))


@dataclass(kw_only=True)
class HouseOnAFile:
    """A judged house on one SQLite file, which a process that is killed leaves as it is."""

    file: Path
    house: JudgedHouse
    store: SqliteStore
    reports: Sequence[Report] = ()

    @classmethod
    async def build(cls, file: Path, story: Story) -> "HouseOnAFile":
        clock = ManualClock()
        store = await SqliteStore.open(file, clock=clock)
        records = StoredRecords(store.documents)
        await records.prepare(JUDGED)
        made = cls(file=file, house=await judged_house(clock=clock, stores=(records, store.telemetry)), store=store)
        await story.before(made.house)
        made.reports = story.reports(made.house)
        return made

    async def start_anew(self) -> None:
        """Kill the process, with whatever it has claimed ahead, and start the next."""
        await self.kill()
        self.store = await SqliteStore.open(self.file, clock=self.house.clock)
        self.house.records = StoredRecords(self.store.documents)
        self.house.telemetry = self.store.telemetry

    async def kill(self) -> None:
        await asyncio.to_thread(self.store._file.close)  # and nothing is given back

    @property
    def claimed_ahead(self) -> int:
        return len(self.store.telemetry._waiting._ahead)

    async def live(self, fuse: Fuse) -> None:
        """Judge with a process that has nothing to do when the reports come, and may die from then on."""
        await self.start_anew()
        telemetry = DyingTelemetry(self.house.telemetry, fuse)
        records = DyingRecords(self.house.records, fuse)
        judge = Judge(records=records, telemetry=telemetry, clock=self.house.clock, owner="mortal")
        while await judge.step():
            pass
        new = await telemetry.store(self.reports)  # which the socket says again until it is told that they are stored
        assert self.claimed_ahead == any(new)
        while await judge.step():
            pass
        await self.house.clock.advance(LEASE_S)
        while await judge.step():
            pass


JUDGED = (Device, Incident, TimelineEntry, Watch, Listening, Outage)


@pytest.mark.parametrize("name", ["an alarm", "two episodes, the second of which lasts"])
async def test_a_judge_dies_likewise_over_what_was_claimed_ahead_for_it_in_a_file(tmp_path: Path, name: str) -> None:
    story, houses = STORIES[name], list[HouseOnAFile]()

    async def build() -> HouseOnAFile:
        houses.append(await HouseOnAFile.build(tmp_path / f"{len(houses)}.db", story))
        return houses[-1]

    async def check(made: HouseOnAFile) -> None:
        await check_ending(made.house, story)

    try:
        # The commit that claims, and what the judge stores first: what follows is as in memory.
        assert await every_crash_point(build, HouseOnAFile.live, check, worth=lambda nth: nth <= 5) >= 10
    finally:
        for each in houses:
            await each.kill()
