"""Of several bridges on one data folder, one works and the next takes over."""

import asyncio
from pathlib import Path

from isocket.app.standby import Standby
from tests.fakes.clock import ManualClock


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
            await _settled()
        assert working == ["first"]
        stops["first"].set()
        await _settled()
        await clock.advance(1)
        await _settled()
        assert working == ["second"]
        stops["second"].set()


async def test_who_stands_by_can_be_stopped(tmp_path: Path) -> None:
    clock, first, second = ManualClock(), asyncio.Event(), asyncio.Event()
    lock = tmp_path / "bridge.lock"
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Standby(lock=lock, clock=clock).run(_until, first))
        await _settled()
        waiting = tasks.create_task(Standby(lock=lock, clock=clock).run(_until, second))
        await _settled()
        second.set()
        await waiting
        first.set()


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


async def _settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0.001)
