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


class Standby:
    """A session at the broker belongs to one bridge: two would take it from each other for ever."""

    def __init__(self, *, lock: Path, clock: Clock) -> None:
        self._lock = lock
        self._clock = clock

    async def run(self, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
        """Run `work` as soon as no other process does; the hold ends with this process, however that ends."""
        descriptor = await asyncio.to_thread(os.open, self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if await self._hold(descriptor, stop):
                await work(stop)
        finally:
            os.close(descriptor)

    async def _hold(self, descriptor: int, stop: asyncio.Event) -> bool:
        """Return True when the lock is ours, False when we are told to stop first."""
        told = False
        while not stop.is_set():
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not told:
                    log.info("standing_by", lock=self._lock.name)
                    told = True
                await self._clock.wait(stop, LOOK_EVERY_S)
            else:
                return True
        return False
