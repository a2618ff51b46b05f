"""Of several bridges on one data folder, one works and the next takes over."""

import asyncio
import fcntl
from pathlib import Path

from isocket.app.standby import Standby
from tests.fakes.clock import ManualClock
from tests.fakes.patience import until


async def test_the_second_waits_until_the_first_has_ended(tmp_path: Path) -> None:
    clock, working = ManualClock(), []

    async def work(name: str, stop: asyncio.Event) -> None:
        working.append(name)
        await stop.wait()
        working.remove(name)

    stops = {"first": asyncio.Event(), "second": asyncio.Event()}
    async with asyncio.TaskGroup() as tasks:
        for name, stop in stops.items():
            standby = Standby(lock=tmp_path / "bridge.lock", clock=clock)
            tasks.create_task(standby.run(lambda end, name=name: work(name, end), stop))  # type: ignore[misc]
            await until(lambda: working or clock.sleepers)
        await until(lambda: clock.sleepers)  # the second stands by
        assert working == ["first"]
        stops["first"].set()
        await until(lambda: not working)
        await clock.advance(1)
        await until(lambda: working)
        assert working == ["second"]
        stops["second"].set()


async def test_who_stands_by_can_be_stopped(tmp_path: Path) -> None:
    clock, first, second, working = ManualClock(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(stop: asyncio.Event) -> None:
        working.set()
        await stop.wait()

    lock = tmp_path / "bridge.lock"
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Standby(lock=lock, clock=clock).run(work, first))
        await until(working.is_set)
        waiting = tasks.create_task(Standby(lock=lock, clock=clock).run(work, second))
        await until(lambda: clock.sleepers)
        second.set()
        await waiting
        first.set()


async def test_who_holds_the_lock_and_does_no_work_is_followed_and_its_lock_taken_once_it_is_free(
    tmp_path: Path,
) -> None:
    clock, stop, vacant = ManualClock(), asyncio.Event(), False
    lock, working = tmp_path / "bridge.lock", asyncio.Event()

    async def is_vacant() -> bool:
        return vacant

    async def work(stop: asyncio.Event) -> None:
        working.set()
        await stop.wait()

    def is_held() -> bool:
        with lock.open() as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    with lock.open("w") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Standby(lock=lock, clock=clock, is_vacant=is_vacant).run(work, stop))
            await until(lambda: clock.sleepers)
            await clock.advance(1)
            assert not working.is_set()
            vacant = True
            await clock.advance(1)
            await until(working.is_set)
            stopped.close()
            await until(lambda: clock.sleepers)
            await clock.advance(1)
            await until(is_held)
            stop.set()
    assert not is_held()
