"""One of several processes on the same data folder does the work; the others stand by and take over."""

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger

log = get_logger(__name__)
LOOK_EVERY_S = 1.0


async def _nothing_is_vacant() -> bool:
    return False


class Standby:
    """A session at the broker belongs to one bridge: two would take it from each other for ever.

    The lock of a process ends with it at once, but one that was stopped keeps it. `is_vacant` is asked at each look and
    tells that whoever holds the lock does no work any more; then the next begins without, and takes it when it may.
    """

    def __init__(
        self, *, lock: Path, clock: Clock, is_vacant: Callable[[], Awaitable[bool]] = _nothing_is_vacant
    ) -> None:
        self._lock = lock
        self._clock = clock
        self._is_vacant = is_vacant

    async def run(self, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
        """Run `work` as soon as no other process does; the hold ends with this process, however that ends."""
        descriptor = await asyncio.to_thread(os.open, self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            holds = await self._hold(descriptor, stop)
            if holds is not None:
                await self._work_on(work, stop, descriptor, holds=holds)
        finally:
            os.close(descriptor)

    async def _work_on(
        self, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event, descriptor: int, *, holds: bool
    ) -> None:
        waiting = None if holds else asyncio.create_task(self._take_when_free(descriptor), name="standby-lock")
        try:
            await work(stop)
        finally:
            if waiting is not None:
                waiting.cancel()

    async def _take_when_free(self, descriptor: int) -> None:
        """Hold the lock as soon as its holder has gone, so that nobody takes us for gone."""
        while not _locks(descriptor):
            await self._clock.sleep(LOOK_EVERY_S)

    async def _hold(self, descriptor: int, stop: asyncio.Event) -> bool | None:
        """Return True when the lock is ours, False when its holder does no work; None: we are told to stop first."""
        told = False
        while not stop.is_set():
            if _locks(descriptor):
                return True
            if not told:
                log.info("standing_by", lock=self._lock.name)
                told = True
            if await self._is_vacant():
                return False
            await self._clock.wait(stop, LOOK_EVERY_S)
        return None


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
