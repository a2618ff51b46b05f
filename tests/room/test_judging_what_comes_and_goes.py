"""Alarms that come and go: told a few times, then once, then as what they have come to."""

import pytest

from alerts.escalation import Escalator
from isocket.domain.acknowledgement import letting_go, taking
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity
from isocket.domain.reports import ReportKind
from isocket.storage.port import is_
from tests.fakes.judged_house import OWNER, JudgedHouse, judged_house

COMES_AND_GOES = (Happening.NOT_SENT, "explained_by_flapping")


@pytest.fixture
async def house() -> JudgedHouse:
    return await judged_house(
        mains_delay_s=0, restore_delay_s=0, flapping={"count": 3, "window_s": 1800, "quiet_s": 1200}
    )


async def flicker(house: JudgedHouse, times: int, *, every_s: float = 60) -> None:
    for _ in range(times):
        await house.state(mains=False)
        await house.let_pass(every_s / 2)
        await house.state(mains=True)
        await house.let_pass(every_s / 2)


async def mains(house: JudgedHouse) -> list[Incident]:
    return await house.incidents(Cause.MAINS_LOST)


async def test_the_third_opening_within_the_window_is_told_as_one_thing_that_comes_and_goes(
    house: JudgedHouse,
) -> None:
    await flicker(house, 2)
    assert not await house.incidents(Cause.FLAPPING)
    await house.climb()
    await flicker(house, 5)
    notice = await house.only(Cause.FLAPPING)
    assert (notice.about, notice.severity, notice.state) == (Cause.MAINS_LOST, Severity.CRITICAL, IncidentState.OPEN)
    assert await house.told() == [notice]
    assert len(await mains(house)) == 7
    for each in (await mains(house))[2:]:
        assert each.explained_by == notice.id
        assert COMES_AND_GOES in await house.timeline(each)


async def test_what_comes_and_goes_began_when_it_came_first(house: JudgedHouse) -> None:
    began = house.clock.now()
    await flicker(house, 4)
    assert (await house.only(Cause.FLAPPING)).opened_at == began


async def test_when_it_has_been_quiet_the_notice_ends_and_says_how_often_it_came(house: JudgedHouse) -> None:
    await flicker(house, 6)
    await house.climb()
    await house.let_pass(1100)
    assert await house.open(Cause.FLAPPING)
    await house.let_pass(100)
    notice = await house.only(Cause.FLAPPING)
    assert (notice.state, notice.value, notice.needs_step) == (IncidentState.CLOSED, 6, True)
    assert (Happening.CLOSED, "steady_again") in await house.timeline(notice)


async def test_what_comes_to_stay_is_told_as_itself(house: JudgedHouse) -> None:
    await flicker(house, 4)
    await house.climb()
    await house.state(mains=False)
    await house.let_pass(890)
    assert not await house.told()
    await house.let_pass(30)
    last = (await mains(house))[-1]
    assert (last.state, last.explained_by, last.needs_step) == (IncidentState.OPEN, None, True)
    notice = await house.only(Cause.FLAPPING)
    assert (notice.state, notice.needs_step) == (IncidentState.CLOSED, False)
    assert (Happening.CLOSED, "lasts_now") in await house.timeline(notice)
    await house.climb()
    await house.state(mains=True)
    assert [each.id for each in await house.told()] == [last.id], "those who were told hear of its end"


async def test_who_took_it_before_it_came_to_stay_and_let_go_has_not_silenced_it_for_ever(house: JudgedHouse) -> None:
    await flicker(house, 4)
    await house.climb()
    await house.state(mains=False)
    held = (await mains(house))[-1]
    now = house.clock.now()
    await house.records.change_one(Incident, is_("id", held.id), **taking("acc-1 portal", now))
    await house.climb()
    await house.let_pass(920)
    assert (await house.only(Cause.FLAPPING)).state is IncidentState.CLOSED
    await house.records.change_one(Incident, is_("id", held.id), **letting_go(house.clock.now()))
    escalator = Escalator(records=house.records, clock=house.clock, public_url="https://cloud.example.org")
    while await escalator.step():
        pass
    last = (await mains(house))[-1]
    assert (last.state, last.needs_step) == (IncidentState.OPEN, True), "its ladder goes on"
    assert (Happening.STEP, "") in await house.timeline(last)


async def test_who_was_told_since_of_what_was_held_back_hears_of_its_end(house: JudgedHouse) -> None:
    await flicker(house, 4)
    await house.state(mains=False)
    held = (await mains(house))[-1]
    assert held.explained_by is not None
    await house.records.change_one(Incident, is_("id", held.id), **letting_go(house.clock.now()))
    await house.climb()
    await house.state(mains=True)
    last = (await mains(house))[-1]
    assert (last.state, last.needs_step) == (IncidentState.CLOSED, True)


async def test_what_is_about_to_be_over_has_not_come_to_stay() -> None:
    house = await judged_house(
        mains_delay_s=0, restore_delay_s=30, flapping={"count": 3, "window_s": 1800, "quiet_s": 1200}
    )
    await flicker(house, 3, every_s=120)
    await house.state(mains=False)
    await house.climb()
    await house.let_pass(890)
    await house.state(mains=True)
    await house.let_pass(60)
    assert not await house.told(), "its delay was running when the time was over, and it is over now"
    assert await house.open(Cause.FLAPPING)


async def test_openings_far_apart_are_each_told(house: JudgedHouse) -> None:
    await flicker(house, 6, every_s=1000)
    assert not await house.incidents(Cause.FLAPPING)
    assert [each.explained_by for each in await mains(house)] == [None] * 6


async def test_being_steady_for_a_while_does_not_forget_what_came_within_the_window() -> None:
    house = await judged_house(
        mains_delay_s=0, restore_delay_s=0, flapping={"count": 3, "window_s": 3600, "quiet_s": 60}
    )
    await flicker(house, 3)
    await house.let_pass(120)
    assert not await house.open()
    await house.climb()
    await flicker(house, 1)
    told = await house.told()
    assert [each.cause for each in told] == [Cause.FLAPPING], "again one notice, not one for each"


async def test_what_the_mains_failure_explains_counts_for_nothing(house: JudgedHouse) -> None:
    await house.state(mains=False)
    for _ in range(5):
        await house.state(mains=False, battery_pct=40)
        await house.alarm("battery_low", active=False)
    assert not await house.incidents(Cause.FLAPPING)


async def test_each_cause_and_probe_comes_and_goes_by_itself() -> None:
    house = await judged_house(
        temp=[{"low_c": 5, "delay_s": 0, "hysteresis_c": 0}] * 2, flapping={"count": 2, "window_s": 600}
    )
    for _ in range(3):
        await house.state(temp_c=[4.0, 4.0])
        await house.state(temp_c=[6.0, 4.0])
    notice = await house.only(Cause.FLAPPING)
    assert (notice.about, notice.probe) == (Cause.TEMP_LOW, 0)
    for _ in range(2):
        await house.state(temp_c=[6.0, 6.0])
        await house.state(temp_c=[6.0, 4.0])
    assert {each.probe for each in await house.open(Cause.FLAPPING)} == {0, 1}


async def test_a_backlog_of_what_came_and_went_long_ago_makes_no_notice(house: JudgedHouse) -> None:
    await house.state(mains=True)
    await house.let_pass(7200)
    reports = []
    for number in range(12):
        made = house.report(ReportKind.STATE, {"mains": number % 2 == 1}, ago_s=7000 - number * 60)
        reports.append(made)
    await house.tell(*reports)
    assert not await house.incidents(Cause.FLAPPING)
    assert not [each for each in await house.told() if each.cause is not Cause.OFFLINE]


async def test_what_comes_and_goes_by_a_slow_clock_makes_one_notice_as_well(house: JudgedHouse) -> None:
    for _ in range(6):
        await house.state(mains=False, ago_s=3600)
        await house.let_pass(30)
        await house.state(mains=True, ago_s=3600)
        await house.let_pass(30)
    notice = await house.only(Cause.FLAPPING)
    assert notice.state is IncidentState.OPEN
    assert [each.explained_by for each in await mains(house)] == [None, None, *[notice.id] * 4]
    assert COMES_AND_GOES in await house.timeline((await mains(house))[-1])


async def test_turning_it_off_ends_the_notice_and_tells_what_lasts(house: JudgedHouse) -> None:
    await flicker(house, 3)
    await house.state(mains=False)
    await house.climb()
    await house.want(flapping={"count": None})
    last = (await mains(house))[-1]
    assert (last.explained_by, last.needs_step) == (None, True)
    assert not await house.open(Cause.FLAPPING)


async def test_by_default_five_openings_in_an_hour_are_one_thing() -> None:
    house = await judged_house(mains_delay_s=0, restore_delay_s=0)
    await flicker(house, 4)
    assert not await house.incidents(Cause.FLAPPING)
    await flicker(house, 1)
    assert await house.open(Cause.FLAPPING)


async def test_a_test_never_comes_and_goes(house: JudgedHouse) -> None:
    for _ in range(6):
        await house.alarm("test")
        await house.let_pass(901)
    assert not await house.incidents(Cause.FLAPPING)
    assert {each.account_id for each in await house.incidents()} == {OWNER}
