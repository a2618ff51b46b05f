"""Lanes on the way to the providers: each works off its own deliveries, several calls at a time."""

import asyncio

from alerts.dispatcher import Dispatcher, Ready
from alerts.due import Due
from alerts.pace import Pace
from alerts.spending import segments_of
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, urgency_of_lane
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.wakeups import Bell
from isocket.storage.worker import Worker

log = get_logger(__name__)


Order = asyncio.Future[Ready | None]
"""What a lane waits for: that an alarm is stored, claimed by it and with its attempt, or that nothing comes of it."""


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
        pace: Pace | None = None,
        due: Due | None = None,
        bell: Bell,
        clock: Clock,
        idle_s: float = 0.25,
        right_of_way: RightOfWay | None = None,
    ) -> None:
        super().__init__(name, self._start_one, bell=bell, clock=clock, idle_s=idle_s)
        self._dispatcher = dispatcher
        self.lane = lane
        self._urgency = urgency_of_lane(lane)
        self._pace = pace
        self._due = due
        self._may_send = pace is None
        self._taking = asyncio.Lock()
        self._most = calls
        self._taken = 0  # of these, promised to what is being stored or under way
        self._one_ended = asyncio.Event()
        self._calls = asyncio.TaskGroup()
        self._stop = asyncio.Event()
        self._rests = False  # nothing was there when it looked last
        self._rested = False  # nor at the time before
        self._first = right_of_way  # not the worker's: a step of ours may wait for a free call

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the calls under way are finished first."""
        self._stop = stop
        self._rests = self._rested = False
        self._taken = 0
        self._calls = asyncio.TaskGroup()
        async with self._calls:
            await super().run(stop)

    @property
    def is_at_rest(self) -> bool:
        """Tell whether it may take something over: what waits in the store goes first, and in its order."""
        if not self._rests or self._bell.has_rung or not self._may_send or self._stop.is_set():
            return False
        return self._taken < self._most

    def reserve(self) -> Order | None:
        """Return what to tell when an alarm is stored that this lane is to carry at once; None: it is not at rest."""
        if not self.is_at_rest:
            return None
        order: Order = asyncio.get_running_loop().create_future()
        self._calls.create_task(self._carry_handed(order), name=f"{self.name}:handed-over")
        self._taken += 1
        self._may_send = self._pace is None
        return order

    async def _carry_handed(self, order: Order) -> None:
        ready = None
        try:
            ready = await order
            if ready is not None:
                self._note_going(ready.held)
                await self._dispatcher.make(ready)
        except Exception:  # as of any other
            log.exception("delivery_failed", delivery_id="" if ready is None else ready.held.id)
        finally:
            self._let_go()
        try:
            await self._take_a_moment()
        except Exception:  # whoever looks next tries again
            log.exception("worker_step_failed", worker=self.name)

    async def _take_a_moment(self) -> None:
        """Have the next moment in which something may go, before there is anything to send: nothing waits for it."""
        async with self._taking:
            if self._pace is not None and not self._may_send:
                self._may_send = await self._pace.take(self._urgency, self._stop)

    def _note_going(self, held: Delivery) -> None:
        if self._pace is not None:
            self._pace.owe(pieces_of(held) - 1)
        if self._first is not None:
            self._first.linger()

    async def _start_one(self) -> bool:
        self._rested, self._rests = self._rests, False
        while self._taken >= self._most:
            self._one_ended.clear()
            await self._one_ended.wait()
        self._taken += 1
        held = None
        try:
            held = await self._next()
        finally:
            if held is None:
                self._let_go()
        if held is None:
            self._rests = True
            return False
        self._note_going(held)
        self._calls.create_task(self._carry(held), name=f"{self.name}:{held.id}")
        return True

    async def _next(self) -> Delivery | None:
        """Return the next delivery in the moment in which it may go, None if there is none or we are to stop."""
        await self._take_a_moment()
        if self._stop.is_set() or not self._may_send:
            return None
        held = None
        if self._due is None or not self._rested or await self._due.is_anything():
            held = await self._dispatcher.claim_one(self.lane)
        if self._pace is not None:
            self._pace.found(self._urgency, something=held is not None)
            if held is not None:
                self._may_send = False
        return held

    async def _carry(self, held: Delivery) -> None:
        try:
            await self._dispatcher.carry(held)
        except Exception:  # the lease brings it back, and the other calls go on
            log.exception("delivery_failed", delivery_id=held.id)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._taken -= 1
        self._one_ended.set()


def pieces_of(delivery: Delivery) -> int:
    """Return how many pieces of what its sender carries a delivery is."""
    return segments_of(delivery.text) if delivery.channel is ChannelKind.SMS else 1
