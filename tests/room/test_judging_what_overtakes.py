"""Reports that overtake each other: what is the present all the same, what is history, and whom nothing holds up."""

import pytest

from isocket.domain.incidents import Cause
from isocket.domain.reports import ClockQuality, ReportKind
from tests.fakes.judged_house import JudgedHouse, judged_house


@pytest.fixture
async def house() -> JudgedHouse:
    return await judged_house()


async def is_told_at_once(house: JudgedHouse, cause: Cause) -> bool:
    found = await house.only(cause)
    return found.needs_step and found.step_due_at == house.clock.now()


async def test_an_alarm_of_now_is_told_at_once_though_its_trouble_was_first_said_long_after_the_fact() -> None:
    house = await judged_house(mains_delay_s=3600)
    await house.state(mains=False, ago_s=600)
    await house.alarm("mains_lost")
    assert await is_told_at_once(house, Cause.MAINS_LOST)


async def test_an_alarm_that_comes_late_is_told_at_once_where_its_trouble_was_said_in_time(
    house: JudgedHouse,
) -> None:
    await house.state(mains=False)
    await house.alarm("mains_lost", ago_s=61)
    assert await is_told_at_once(house, Cause.MAINS_LOST)


async def test_an_alarm_without_a_time_is_told_at_once_although_it_comes_together_with_a_backlog(
    house: JudgedHouse,
) -> None:
    await house.tell(
        *[house.report(ReportKind.STATE, {"mains": True}, clock=ClockQuality.SERVER) for _ in range(3)],
        house.report(ReportKind.ALARM, {"cause": "credit_low", "active": True}, clock=ClockQuality.SERVER),
    )
    assert await is_told_at_once(house, Cause.CREDIT_LOW)


async def test_a_report_without_a_time_that_an_alarm_overtook_may_be_of_any_time_and_is_history(
    house: JudgedHouse,
) -> None:
    await house.alarm("credit_low", seq=53)
    await house.tell(house.report(ReportKind.STATE, {"mains": False}, seq=52, clock=ClockQuality.SERVER))
    await house.let_pass(60)
    assert not await house.incidents(Cause.MAINS_LOST)


async def test_an_alarm_of_a_run_that_is_over_is_history_however_young_it_is(house: JudgedHouse) -> None:
    await house.state(mains=True)
    left_behind = house.report(ReportKind.ALARM, {"cause": "credit_low", "active": True})
    house.boot += 1
    await house.state(mains=True, seq=1)
    await house.tell(left_behind)
    assert not await house.incidents()


async def test_a_battery_of_which_nobody_says_that_it_discharges_is_no_alarm_once_power_is_back(
    house: JudgedHouse,
) -> None:
    await house.alarm("mains_lost")
    await house.state(mains=True)
    await house.state(battery_pct=40)
    assert not await house.incidents(Cause.BATTERY_LOW)
