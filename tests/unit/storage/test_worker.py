"""A worker works while there is work, sleeps without, wakes by bell or time, and survives its failures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from isocket.kit.right_of_way import RightOfWay
from isocket.storage.port import NotUnderstoodError, StoreUnavailableError
from isocket.storage.wakeups import Wakeups
from isocket.storage.worker import Worker
from tests.fakes.clock import ManualClock
from tests.fakes.patience import PATIENCE_S

Step = Callable[[], Awaitable[bool]]


class Bench:
    """A worker with `pieces` of work; each step takes one."""

    def __init__(self, pieces: int = 0) -> None:
        self.clock = ManualClock()
        self.wakeups = Wakeups()
        self.stop = asyncio.Event()
        self.pieces = pieces
        self.looks = 0
        self.failures = 0
        self.failure: type[BaseException] = RuntimeError

    async def step(self) -> bool:
        self.looks += 1
        if self.failures:
            self.failures -= 1
            raise self.failure("as it happens")
        if not self.pieces:
            return False
        self.pieces -= 1
        return True

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        bell = self.wakeups.bell("things", "others")
        worker = Worker("tester", self.step, bell=bell, clock=self.clock, idle_s=1)
        task = asyncio.create_task(worker.run(self.stop))
        await self.clock.advance(0)
        try:
            yield
        finally:
            self.stop.set()
            await self.clock.advance(60)
            await asyncio.wait_for(task, PATIENCE_S)


async def test_all_the_work_is_done_without_waiting() -> None:
    bench = Bench(pieces=5)
    async with bench.working():
        assert bench.pieces == 0
        assert bench.looks == 6


async def test_an_idle_worker_looks_again_after_its_idle_time() -> None:
    bench = Bench()
    async with bench.working():
        assert bench.looks == 1
        await bench.clock.advance(0.9)
        assert bench.looks == 1
        await bench.clock.advance(0.1)
        assert bench.looks == 2


@pytest.mark.parametrize("name", ["things", "others"])
async def test_a_bell_wakes_it_at_once(name: str) -> None:
    bench = Bench()
    async with bench.working():
        bench.pieces = 1
        bench.wakeups.ring(name)
        await bench.clock.advance(0)
        assert bench.pieces == 0


async def test_a_bell_of_others_does_not_wake_it() -> None:
    bench = Bench()
    async with bench.working():
        bench.wakeups.ring("strangers")
        await bench.clock.advance(0)
        assert bench.looks == 1


async def test_a_ring_during_a_step_is_not_lost() -> None:
    bench = Bench()
    bell = bench.wakeups.bell("things")
    bench.wakeups.ring("things")
    await asyncio.wait_for(bell.wait(bench.clock, 3600), PATIENCE_S)


async def test_a_closed_bell_is_not_kept() -> None:
    wakeups = Wakeups()
    wakeups.bell("things").close()
    assert not wakeups._bells["things"]


@pytest.mark.parametrize("failure", [RuntimeError, asyncio.CancelledError])
async def test_failures_do_not_end_it(failure: type[BaseException]) -> None:
    bench = Bench(pieces=1)
    bench.failures, bench.failure = 3, failure
    with capture_logs() as lines:
        async with bench.working():
            await bench.clock.advance(60)
            assert bench.pieces == 0
    assert [line["event"] for line in lines] == ["worker_step_failed"] * 3


async def test_a_store_that_is_out_of_reach_is_told_of_in_one_line_each_time() -> None:
    bench = Bench(pieces=1)
    bench.failures, bench.failure = 3, StoreUnavailableError
    with capture_logs() as lines:
        async with bench.working():
            await bench.clock.advance(60)
    assert [line["event"] for line in lines] == ["worker_step_failed"] * 3
    assert not any("exc_info" in line for line in lines)


async def test_a_store_that_does_not_understand_us_is_told_of_with_the_way_to_it() -> None:
    bench = Bench(pieces=1)
    bench.failures, bench.failure = 1, NotUnderstoodError
    with capture_logs() as lines:
        async with bench.working():
            await bench.clock.advance(60)
    assert [(line["event"], line["exc_info"]) for line in lines] == [("worker_step_failed", True)]


async def test_whoever_cancels_it_ends_it() -> None:
    bench = Bench()
    worker = Worker("tester", bench.step, bell=bench.wakeups.bell("things"), clock=bench.clock)
    task = asyncio.create_task(worker.run(bench.stop))
    await bench.clock.advance(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE_S)


async def test_told_to_stop_it_finishes_its_step_and_ends() -> None:
    bench = Bench()
    async with bench.working():
        bench.stop.set()
        await bench.clock.advance(0)
        looks = bench.looks
        await bench.clock.advance(100)
        assert bench.looks == looks


async def test_told_to_stop_it_ends_at_once_however_long_it_would_have_waited() -> None:
    bench = Bench()
    worker = Worker("tester", bench.step, bell=bench.wakeups.bell("things"), clock=bench.clock, idle_s=3600)
    task = asyncio.create_task(worker.run(bench.stop))
    await bench.clock.advance(0)
    bench.stop.set()
    await bench.clock.advance(0)
    assert task.done()


async def test_whoever_cancels_it_in_the_middle_of_a_step_ends_it() -> None:
    bench, never = Bench(), asyncio.Event()

    async def step() -> bool:
        await never.wait()
        return True

    worker = Worker("tester", step, bell=bench.wakeups.bell("things"), clock=bench.clock)
    task = asyncio.create_task(worker.run(bench.stop))
    await bench.clock.advance(0)
    task.cancel()
    await bench.clock.advance(60)
    is_over = task.cancelled()
    bench.stop.set()
    never.set()
    await bench.clock.advance(60)
    assert is_over


async def test_what_fails_again_and_again_is_tried_ever_more_rarely() -> None:
    bench = Bench()
    bench.failures = 10_000
    async with bench.working():
        for _ in range(600):
            await bench.clock.advance(0.1)
        looks, bench.failures = bench.looks, 0
    assert looks < 40, "a minute, at first at most a second between two tries and in the end about six"


async def test_after_a_success_its_next_failure_is_the_first_again() -> None:
    bench = Bench()
    async with bench.working():
        for _ in range(4):
            bench.failures = 10
            await bench.clock.advance(120)
            bench.failures = 1
            bench.wakeups.ring("things")
            await bench.clock.advance(0)
            looks = bench.looks
            await bench.clock.advance(1.1)
            assert (bench.failures, bench.looks) == (0, looks + 1), "a tenth of a second at most, beside its idle one"


async def test_whoever_has_time_stands_aside_while_it_works_and_a_moment_longer_and_not_where_nothing_is_to_do() -> (
    None
):
    bench = Bench()
    way, took = RightOfWay(bench.clock), []

    async def step() -> bool:
        took.append(way.is_taken)
        return await bench.step()

    worker = Worker("tester", step, bell=bench.wakeups.bell("things"), clock=bench.clock, idle_s=1, right_of_way=way)
    task = asyncio.create_task(worker.run(bench.stop))
    await bench.clock.advance(0)
    assert (took, way.is_taken) == ([True], False)
    bench.pieces = 1
    bench.wakeups.ring("things")
    await bench.clock.advance(0)
    assert (took, way.is_taken) == ([True] * 3, True)
    await bench.clock.advance(0.5)
    assert not way.is_taken
    bench.stop.set()
    await asyncio.wait_for(task, PATIENCE_S)


async def test_what_ended_leaves_neither_a_bell_nor_a_task() -> None:
    bench = Bench()
    others = asyncio.all_tasks()
    worker = Worker("tester", bench.step, bell=bench.wakeups.bell("things"), clock=bench.clock)
    task = asyncio.create_task(worker.run(bench.stop))
    await bench.clock.advance(0)
    task.cancel()
    await asyncio.wait({task})
    await bench.clock.advance(0)
    assert asyncio.all_tasks() == others
    assert not bench.wakeups._bells["things"]


async def test_what_was_made_long_before_it_began_was_not_idle_until_then() -> None:
    bench, hangs = Bench(), asyncio.Event()

    async def step() -> bool:
        return not await hangs.wait()

    worker = Worker("tester", step, bell=bench.wakeups.bell("things"), clock=bench.clock)
    await bench.clock.advance(100)
    task = asyncio.create_task(worker.run(bench.stop))
    await bench.clock.advance(1)
    assert worker.idle_for_s() == 1
    hangs.set()
    bench.stop.set()
    await asyncio.wait_for(task, PATIENCE_S)


async def test_whoever_watches_it_sees_for_how_long_no_step_came_to_an_end() -> None:
    bench = Bench()
    hangs = asyncio.Event()
    hangs.set()

    async def step() -> bool:
        await hangs.wait()
        return False

    await bench.clock.advance(100)
    worker = Worker("tester", step, bell=bench.wakeups.bell("things"), clock=bench.clock, idle_s=1)
    assert worker.idle_for_s() == 0
    task = asyncio.create_task(worker.run(bench.stop))
    for _ in range(10):
        await bench.clock.advance(1)
    assert worker.idle_for_s() <= 1
    hangs.clear()
    for _ in range(10):
        await bench.clock.advance(1)
    assert worker.idle_for_s() >= 9
    hangs.set()
    bench.stop.set()
    await asyncio.wait_for(task, PATIENCE_S)
