"""What is urgent goes first, and nobody waits for ever."""

import asyncio

import pytest

from isocket.kit.right_of_way import LINGER_S, RightOfWay
from tests.fakes.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def _given_way(way: RightOfWay, at_most_s: float) -> "asyncio.Task[None]":
    waiting = asyncio.create_task(way.give_way(at_most_s))
    await asyncio.sleep(0)
    return waiting


async def test_nobody_waits_while_nobody_is_in_a_hurry(clock: ManualClock) -> None:
    waiting = await _given_way(RightOfWay(clock), 10)
    assert waiting.done()


async def test_who_has_time_waits_until_the_last_of_the_urgent_is_through(clock: ManualClock) -> None:
    way = RightOfWay(clock)
    with way:
        with way:
            waiting = await _given_way(way, 10)
            await clock.advance(1)
        await clock.advance(1)
        assert not waiting.done()
    await clock.advance(0.01)
    assert waiting.done()


async def test_who_has_time_goes_on_after_the_longest_time_whoever_hurries(clock: ManualClock) -> None:
    way = RightOfWay(clock)
    with way:
        waiting = await _given_way(way, 0.05)
        await clock.advance(0.06)
        assert waiting.done()


async def test_the_right_of_way_lasts_a_moment_longer_for_the_next_step_of_the_same_alarm(clock: ManualClock) -> None:
    way = RightOfWay(clock)
    way.linger()
    assert way.is_taken
    await clock.advance(LINGER_S)
    assert not way.is_taken
