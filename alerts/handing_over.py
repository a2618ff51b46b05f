"""Hands an alarm that is being stored to a lane at rest: it need not be found and claimed in the store first.

The alarm is stored as claimed by that lane. Whoever dies with it leaves a claim whose lease runs out, as any other.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.dispatcher import lease_s
from alerts.lanes import Handed, Lane, Order
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.record import Record
from isocket.kit.clock import Clock
from isocket.storage.port import Records


class Orders:
    """What lanes wait for: that the alarms are stored, or that nothing comes of it."""

    def __init__(self, alarms: Mapping[str, tuple[Delivery, Order]], read_at_s: float = 0.0) -> None:
        self._alarms = alarms
        self._read_at_s = read_at_s

    async def go(self) -> None:
        """Say that everything is stored, and new. Return when the attempts are on their way to the store.

        Whoever says it has other things to write, and those would be written first.
        """
        for alarm, order in self._alarms.values():
            if not order.done():
                order.set_result(Handed(alarm, self._read_at_s))
        for _ in range(TURNS if self._alarms else 0):
            await asyncio.sleep(0)

    async def go_where_stored(self, records: Records) -> None:
        """Say so of the alarms that are in the store as they were handed over, when other things were there before."""
        for alarm, order in self._alarms.values():
            found = await records.get(Delivery, alarm.id)
            is_ours = found is not None and (found.version, found.lease_until) == (alarm.version, alarm.lease_until)
            if is_ours and not order.done():
                order.set_result(Handed(alarm))

    def let_go(self) -> None:
        """Say of whatever is still waited for that it does not come."""
        for _, order in self._alarms.values():
            if not order.done():
                order.set_result(None)


NO_ORDERS = Orders({})

TURNS = 4
"""Of the event loop, from an order to its attempt: the lane wakes, asks for two writes together, hands them over."""


class HandOver:
    """The lanes of this process, as those see them who make alarms."""

    def __init__(self, lanes: Sequence[Lane], *, clock: Clock) -> None:
        self._lanes = {each.lane: each for each in lanes}
        self._clock = clock

    def order(self, made: Sequence[Record], now: datetime) -> tuple[list[Record], Orders]:
        """Return what is to be stored, with the alarms that lanes take at once claimed for them, and their orders."""
        alarms: dict[str, tuple[Delivery, Order]] = {}
        orders = Orders(alarms, self._clock.monotonic_s())
        try:
            return [self._claimed(each, now, alarms) for each in made], orders
        except BaseException:
            orders.let_go()
            raise

    def _claimed(self, made: Record, now: datetime, alarms: dict[str, tuple[Delivery, Order]]) -> Record:
        order = self._reserved(made, now) if isinstance(made, Delivery) else None
        if order is None or not isinstance(made, Delivery):
            return made
        until = now + timedelta(seconds=lease_s(made.lane))
        claimed = replace(made, state=DeliveryState.CALLING, lease_until=until)
        alarms[claimed.id] = (claimed, order)
        return claimed

    def _reserved(self, alarm: Delivery, now: datetime) -> Order | None:
        lane = self._lanes.get(alarm.lane) if alarm.due_at <= now else None
        return None if lane is None else lane.reserve()
