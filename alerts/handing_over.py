"""Hands an alarm that is being stored to a lane at rest: it need not be found and claimed in the store first.

The alarm is stored as claimed by that lane, together with its first attempt. Whoever dies with it leaves a claim whose
lease runs out and an attempt of which nobody knows, as any other who dies in a call.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.dispatcher import Dispatcher, Ready, lease_s
from alerts.lanes import Lane, Order
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.record import Record
from isocket.kit.logs import get_logger
from isocket.storage.port import together

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Handed:
    """An alarm with its attempt, and the order that a lane waits for."""

    ready: Ready
    order: Order


class Orders:
    """What lanes wait for: that the alarms are stored, or that nothing comes of it."""

    def __init__(self, handed: Sequence[Handed], dispatcher: Dispatcher | None = None) -> None:
        self._handed = handed
        self._dispatcher = dispatcher
        self._counted: asyncio.Future[bool] | None = None  # None: nothing was begun

    async def counted_with(self, storing: Awaitable[int], whole: int) -> int:
        """Count what the alarms cost while everything is being stored, in one commit; return what `storing` does.

        The calls begin as soon as all of `whole` records are stored, and new: they wait for no counting that takes
        longer, since it has to be done again beside that of another alarm, or somebody is to be told of it.
        """
        if self._dispatcher is None or not self._handed:
            return await storing
        self._counted = asyncio.get_running_loop().create_future()
        try:
            stored, _ = await together(self._begin_when(storing, whole), self._count(self._dispatcher, self._counted))
        finally:
            if not self._counted.done():
                self._counted.set_result(False)
        return stored

    async def _begin_when(self, storing: Awaitable[int], whole: int) -> int:
        stored = await storing
        if stored == whole:
            for each in self._handed:
                self._begin(each)
        return stored

    def _begin(self, handed: Handed) -> None:
        if not handed.order.done():
            handed.order.set_result(self._ready(handed))

    async def _count(self, dispatcher: Dispatcher, counted: asyncio.Future[bool]) -> None:
        counted.set_result(await dispatcher.count([each.ready for each in self._handed]))

    def _ready(self, handed: Handed) -> Ready:
        return handed.ready if self._counted is None else replace(handed.ready, counted=self._counted)

    async def go(self) -> None:
        """Return when the calls are on their way: whoever has other things to do would do those first."""
        for _ in range(TURNS if self._handed else 0):
            await asyncio.sleep(0)

    async def go_where_stored(self) -> None:
        """Say so of the alarms that are in the store as they were handed over, when other things were there before."""
        for each in self._handed:
            if self._dispatcher is not None and await self._dispatcher.is_stored(each.ready):
                self._begin(each)

    async def let_go(self) -> None:
        """Say of whatever is still waited for that it does not come."""
        left = [each for each in self._handed if not each.order.done()]
        for each in left:
            each.order.set_result(None)
        if self._dispatcher is None or self._counted is None:
            return
        for each in left:
            try:
                await self._dispatcher.leave(self._ready(each))
            except Exception:  # whoever finds its lease over goes on with it
                log.exception("alarm_not_let_go", delivery_id=each.ready.held.id)


NO_ORDERS = Orders(())

TURNS = 4
"""Of the event loop, from an order to its call."""


class HandOver:
    """The lanes of this process, as those see them who make alarms."""

    def __init__(self, lanes: Sequence[Lane], *, dispatcher: Dispatcher) -> None:
        self._lanes = {each.lane: each for each in lanes}
        self._dispatcher = dispatcher

    async def order(
        self, made: Sequence[Record], now: datetime, *, next_look: datetime | None = None
    ) -> tuple[list[Record], Orders]:
        """Return what is to be stored, with the alarms that lanes take at once claimed for them, and their orders.

        Attempts come last: who dies before them has made none. `next_look`: when the ladder has something to do next
        if one of them is out; None: nobody knows.
        """
        handed: list[Handed] = []
        orders = Orders(handed, self._dispatcher)
        try:
            stored = [
                await self._claimed(each, now, handed, next_look) if isinstance(each, Delivery) else each
                for each in made
            ]
        except BaseException:
            await orders.let_go()
            raise
        return [*stored, *(each.ready.attempt for each in handed)], orders

    async def _claimed(
        self, made: Delivery, now: datetime, handed: list[Handed], next_look: datetime | None
    ) -> Delivery:
        lane = self._lanes.get(made.lane)
        if lane is None or made.due_at > now or not lane.is_at_rest:
            return made
        until = now + timedelta(seconds=lease_s(made.lane))
        claimed = replace(made, state=DeliveryState.CALLING, lease_until=until)
        ready = await self._dispatcher.ready(claimed, next_look=next_look)
        order = None if ready is None else lane.reserve()
        if ready is None or order is None:
            return made
        handed.append(Handed(ready, order))
        return claimed
