"""Lanes on the way to the providers: each works off its own deliveries, several calls at a time."""

import asyncio

from alerts.dispatcher import Dispatcher
from isocket.domain.deliveries import Delivery
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.wakeups import Bell
from isocket.storage.worker import Worker

log = get_logger(__name__)


class Lane(Worker):
    """Claims the deliveries of one lane one after another and carries up to `calls` of them at a time.

    A provider that hangs holds up only what goes by the same lane, and that only when all its calls hang.
    """

    def __init__(
        self,
        name: str,
        *,
        dispatcher: Dispatcher,
        lane: str,
        calls: int,
        bell: Bell,
        clock: Clock,
        idle_s: float = 0.25,
        right_of_way: RightOfWay | None = None,
    ) -> None:
        super().__init__(name, self._start_one, bell=bell, clock=clock, idle_s=idle_s)
        self._dispatcher = dispatcher
        self._lane = lane
        self._free = asyncio.Semaphore(calls)
        self._calls = asyncio.TaskGroup()
        self._stop = asyncio.Event()
        self._first = right_of_way  # not the worker's: a step of ours may wait for a free call

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the calls under way are finished first."""
        self._stop = stop
        self._calls = asyncio.TaskGroup()
        async with self._calls:
            await super().run(stop)

    async def _start_one(self) -> bool:
        await self._free.acquire()
        held = None
        try:
            if not self._stop.is_set():
                held = await self._dispatcher.claim_one(self._lane)
        finally:
            if held is None:
                self._free.release()
        if held is None:
            return False
        if self._first is not None:
            self._first.linger()
        self._calls.create_task(self._carry(held), name=f"{self.name}:{held.id}")
        return True

    async def _carry(self, held: Delivery) -> None:
        try:
            await self._dispatcher.carry(held)
        except Exception:  # the lease brings it back, and the other calls go on
            log.exception("delivery_failed", delivery_id=held.id)
        finally:
            self._free.release()
