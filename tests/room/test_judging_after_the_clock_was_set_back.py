"""Trouble that began before the clock was set back is an alarm after its delay, not when it is that time again."""

from datetime import timedelta

import pytest

from isocket.domain.incidents import Cause, IncidentState
from isocket.domain.reports import ClockQuality, ReportKind
from isocket.storage.set_back import BELIEVED_AFTER_S
from tests.fakes.judged_house import JudgedHouse, judged_house

HOURS_S = 5 * 3600.0
A_YEAR_S = 365 * 86_400.0
TO_BE_BELIEVED_S = BELIEVED_AFTER_S + 60


async def say(house: JudgedHouse, **fields: object) -> None:
    """Report with the server's moment, as a socket does whose own clock is ahead of it by now."""
    await house.tell(house.report(ReportKind.STATE, fields, clock=ClockQuality.SERVER))


@pytest.mark.parametrize("back_s", [HOURS_S, A_YEAR_S])
async def test_a_freezer_that_was_warm_already_is_an_alarm_soon_after_the_clock_was_set_back(back_s: float) -> None:
    house = await judged_house(temp=[{"high_c": -12.0, "delay_s": 600}])
    await say(house, mains=True, temp_c=[-20.0])
    await say(house, mains=True, temp_c=[-5.0])
    await house.let_pass(300)
    house.clock.set_back(back_s)
    for _ in range(15):
        await say(house, mains=True, temp_c=[-5.0])
        await house.let_pass(60)
    assert (await house.only(Cause.TEMP_HIGH)).state is IncidentState.OPEN


@pytest.mark.parametrize("back_s", [HOURS_S, A_YEAR_S])
async def test_a_silence_that_began_before_the_clock_was_set_back_ends_with_the_next_words_and_may_come_again(
    back_s: float,
) -> None:
    house = await judged_house(heartbeat_s=100)
    await say(house, mains=True)
    await house.let_pass(400)
    assert await house.open(Cause.OFFLINE)
    house.clock.set_back(back_s)
    await house.let_pass(TO_BE_BELIEVED_S)
    assert await house.open(Cause.OFFLINE), "it has said nothing yet"
    for _ in range(2):
        await say(house, mains=True)
        await house.let_pass(60)
    assert not await house.open(Cause.OFFLINE)
    listens_since = house.clock.now() - timedelta(hours=1)
    for _ in range(40):
        await house.listen(listens_since, house.clock.now())
        await house.let_pass(10)
    assert len(await house.open(Cause.OFFLINE)) == 1


async def test_what_is_over_ends_its_incident_soon_after_the_clock_was_set_back() -> None:
    house = await judged_house()
    await say(house, mains=False)
    await house.let_pass(60)
    await say(house, mains=True)
    house.clock.set_back(HOURS_S)
    for _ in range(6):
        await house.let_pass(60)
        await say(house, mains=True)
    assert not await house.open(Cause.MAINS_LOST)


async def test_a_clock_that_is_behind_for_a_moment_ends_no_delay_and_no_silence_early() -> None:
    house = await judged_house(temp=[{"high_c": -12.0, "delay_s": 3600}], heartbeat_s=300)
    await say(house, mains=True, temp_c=[-20.0])
    await house.let_pass(1000)
    assert await house.open(Cause.OFFLINE)
    house.clock.set_back(HOURS_S)
    await house.let_pass(60)
    await house.clock.advance(HOURS_S)
    assert await house.open(Cause.OFFLINE)
    await say(house, mains=True, temp_c=[-5.0])
    house.clock.set_back(HOURS_S)
    await say(house, mains=True, temp_c=[-5.0])
    await house.let_pass(60)
    await house.clock.advance(HOURS_S)
    await say(house, mains=True, temp_c=[-5.0])
    assert not await house.open(Cause.TEMP_HIGH)
    assert not await house.open(Cause.OFFLINE)


@pytest.mark.parametrize("back_s", [HOURS_S, A_YEAR_S])
async def test_what_outlasts_a_mains_failure_from_before_the_clock_was_set_back_is_news_after_minutes(
    back_s: float,
) -> None:
    house = await judged_house()
    await say(house, mains=False, battery_pct=98)
    await house.let_pass(60)
    await say(house, mains=False, battery_pct=45)
    await say(house, mains=True, battery_pct=45, charging=False)
    await house.let_pass(60)
    assert (await house.only(Cause.BATTERY_LOW)).explained_by is not None
    house.clock.set_back(back_s)
    for _ in range(15):
        await say(house, mains=True, battery_pct=45, charging=False)
        await house.let_pass(60)
    found = await house.only(Cause.BATTERY_LOW)
    assert (found.explained_by, found.needs_step) == (None, True)


@pytest.mark.parametrize("back_s", [HOURS_S, A_YEAR_S])
async def test_what_came_and_went_before_the_clock_was_set_back_does_not_count_for_what_comes_hours_later(
    back_s: float,
) -> None:
    house = await judged_house(
        mains_delay_s=0, restore_delay_s=0, flapping={"count": 3, "window_s": 1800, "quiet_s": 1200}
    )
    for _ in range(2):
        for mains in (False, True):
            await say(house, mains=mains)
            await house.let_pass(60)
    house.clock.set_back(back_s)
    for _ in range(15):
        await say(house, mains=True)
        await house.let_pass(600)
    await say(house, mains=False)
    assert [each.explained_by for each in await house.open()] == [None]
    assert not await house.incidents(Cause.FLAPPING)


@pytest.mark.parametrize("back_s", [HOURS_S, A_YEAR_S])
async def test_a_patience_that_was_lowered_before_the_clock_was_set_back_puts_no_silence_off_for_long(
    back_s: float,
) -> None:
    house = await judged_house(heartbeat_s=900)
    await say(house, mains=True)
    await house.want(heartbeat_s=100)
    house.clock.set_back(back_s)
    for _ in range(15):
        await say(house, mains=True)
        await house.let_pass(60)
    listens_since = house.clock.now() - timedelta(hours=1)
    for _ in range(300):  # not longer than the patience before, for which it is not known whether it heard of another
        await house.listen(listens_since, house.clock.now())
        await house.let_pass(10)
    assert len(await house.open(Cause.OFFLINE)) == 1
