"""What the machine's clock and the one that tests move by hand both promise."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, timedelta
from typing import TypeVar

import pytest

from isocket.kit.clock import Clock, SystemClock, to_ms
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.patience import PATIENCE_S

T = TypeVar("T")
SHORT_S = 0.02


@pytest.fixture(params=[SystemClock, ManualClock])
def either(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


async def outcome(clock: Clock, waiting: Awaitable[T], passes_s: float) -> T:
    """Return what `waiting` came to while `passes_s` seconds passed."""
    task = asyncio.ensure_future(waiting)
    if isinstance(clock, ManualClock):
        await clock.advance(passes_s)
    return await asyncio.wait_for(task, PATIENCE_S)


async def test_now_is_utc_in_whole_milliseconds(either: Clock) -> None:
    now = either.now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


async def test_milliseconds_tell_the_same_time(either: Clock) -> None:
    before = to_ms(either.now())
    now_ms = either.now_ms()
    assert before <= now_ms <= to_ms(either.now())


async def test_time_never_runs_backwards(either: Clock) -> None:
    before = either.now()
    await outcome(either, either.sleep(SHORT_S), SHORT_S)
    assert either.now() - before >= timedelta(seconds=SHORT_S) - timedelta(milliseconds=1)


@pytest.mark.parametrize("seconds", [0, -1])
async def test_sleeping_for_no_time_gives_way_once(either: Clock, seconds: float) -> None:
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "had a turn")
    await either.sleep(seconds)
    assert others == ["had a turn"]


async def test_waiting_ends_at_once_when_the_event_is_set_already(either: Clock) -> None:
    event = asyncio.Event()
    event.set()
    assert await either.wait(event, 3600)
    assert await either.wait(event, 0)


async def test_waiting_ends_when_the_event_is_set(either: Clock) -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await asyncio.wait_for(either.wait(event, 3600), PATIENCE_S)


async def test_waiting_ends_false_when_the_time_is_over(either: Clock) -> None:
    assert not await outcome(either, either.wait(asyncio.Event(), SHORT_S), SHORT_S)
    assert not await either.wait(asyncio.Event(), 0)


async def test_a_waiter_can_be_cancelled(either: Clock) -> None:
    task = asyncio.ensure_future(either.wait(asyncio.Event(), 3600))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_sleepers_wake_in_the_order_of_their_times_and_at_their_times() -> None:
    clock = ManualClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, (clock.now() - NOON).total_seconds()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 5), ("early", 1.5), ("as early", 1.5)):
            group.create_task(sleeper(name, seconds))
        await clock.advance(10)
    assert woken == [("early", 1.5), ("as early", 1.5), ("late", 5)]
    assert clock.now() == NOON + timedelta(seconds=10)


async def test_who_goes_to_sleep_again_during_an_advance_is_woken_again() -> None:
    clock = ManualClock()
    ticks: list[float] = []

    async def ticker() -> None:
        for _ in range(4):
            await clock.sleep(1)
            ticks.append((clock.now() - NOON).total_seconds())

    async with asyncio.TaskGroup() as group:
        group.create_task(ticker())
        await clock.advance(3)
        assert ticks == [1, 2, 3]
        await clock.advance(1)
    assert ticks == [1, 2, 3, 4]


async def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()
    task = asyncio.ensure_future(clock.sleep(0.001))
    await asyncio.sleep(0.01)
    assert not task.done()
    assert clock.now() == NOON
    assert clock.sleepers == 1
    await clock.advance(0.001)
    assert task.done()
    assert clock.sleepers == 0
