"""Leases and the loop that every worker runs.

A worker claims a record by moving its `lease_until` forward in one atomic step; the version that the claim made
is its fencing token: whoever comes back after the lease ran out and was taken by another changes nothing.
A dead worker's lease runs out by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from isocket.domain.record import Record
from isocket.kit.backoff import full_jitter
from isocket.kit.cancelling import is_told_to_end
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.port import NotUnderstoodError, Records, StoreUnavailableError, Test, at_most, is_
from isocket.storage.wakeups import Bell

R = TypeVar("R", bound=Record)
log = get_logger(__name__)


async def claim(
    records: Records,
    kind: type[R],
    *tests: Test,
    clock: Clock,
    lease_s: float,
    order_by: str = "id",
    **changes: Any,
) -> R | None:
    """Lease the first record that fits and that nobody holds; return it as it is now, or None.

    A lease need not outlive a loss of power, so nobody waits for the disk here; see `Records.change_one`. `kind` has
    a field `lease_until`. The caller settles with `settle` before `lease_s` seconds are over.
    """
    now = clock.now()
    return await records.change_one(
        kind,
        *tests,
        at_most("lease_until", now),
        order_by=order_by,
        synced=False,
        lease_until=now + timedelta(seconds=lease_s),
        **changes,
    )


async def settle(records: Records, held: R, **changes: Any) -> R | None:
    """Change a claimed record if it is still as we hold it; None when another has taken or changed it since."""
    return await records.change_one(type(held), is_("id", held.id), is_("version", held.version), **changes)


class Worker:
    """Runs one kind of step until told to stop.

    1. Run the step. It claims one piece of work, does it, and says whether there was any.
    2. If there was, go on at once.
    3. If not, wait for the bell, or look again after `idle_s` seconds: another process has no bell here.
    4. If it failed, log it, wait a little longer each time, and go on: the lease brings the work back.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        *,
        bell: Bell,
        clock: Clock,
        idle_s: float = 0.25,
        right_of_way: RightOfWay | None = None,
    ) -> None:
        """With `right_of_way`, what is not urgent stands aside while a step is under way and a moment longer."""
        self.name = name
        self._step = step
        self._bell = bell
        self._clock = clock
        self._idle_s = idle_s
        self._right_of_way = right_of_way or RightOfWay(clock)  # nobody stands aside for one of its own
        self.failures = 0  # in a row
        self._turned_s = clock.monotonic_s()

    def idle_for_s(self) -> float:
        """Return for how long no step has come to an end: whoever has nothing to do looks again and again."""
        return self._clock.monotonic_s() - self._turned_s

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the step under way is finished first."""
        self._turned_s = self._clock.monotonic_s()
        ending = asyncio.create_task(self._ring_when(stop), name=f"{self.name}-ending")
        try:
            await self._work(stop)
        finally:
            ending.cancel()
            self._bell.close()

    async def _ring_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._bell.ring()

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                with self._right_of_way:
                    worked = await self._step()
                if worked:
                    self._right_of_way.linger()
                self.failures = 0
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and is_told_to_end():
                    raise
                is_away = isinstance(error, StoreUnavailableError) and not isinstance(error, NotUnderstoodError)
                if is_away:  # for hours, perhaps, on a disk that is full
                    log.warning("worker_step_failed", worker=self.name, error=str(error))
                else:
                    log.exception("worker_step_failed", worker=self.name)
                worked = False
                await self._clock.wait(stop, full_jitter(self.failures, base_s=0.1, cap_s=10.0))
                self.failures += 1
            self._turned_s = self._clock.monotonic_s()
            if not worked:
                await self._bell.wait(self._clock, self._idle_s)
