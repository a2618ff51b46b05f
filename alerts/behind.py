"""What stands in its lane behind calls that fail goes by another way in time, as if it were one of them."""

from datetime import timedelta
from math import inf

from alerts.next_ways import TIMES_AS_LONG, UNCLEAR_WAIT_S, moving_on
from isocket.domain.deliveries import BEHIND, Delivery, DeliveryKind, DeliveryState
from isocket.kit.clock import EPOCH, Clock
from isocket.storage.port import Records, at_most, change_every, is_

EVERY_S = 1.0
"""Thousands stand there where a provider is away, each call ends at once, and looking goes through all of them."""


class Behind:
    """Sees to the lanes in which calls fail, each once in a while."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._next_s: dict[str, float] = {}  # by lane

    async def move_on(self, lane: str) -> None:
        """Have the readers of alarms that no call was made for told when they would be had one just remained unclear.

        Each once. It keeps its place in the lane, and what has gone by then needs no other way: its outcome says so.
        Whoever comes right after a look is seen at the next call that fails, or that call is their own.
        """
        if self._clock.monotonic_s() < self._next_s.get(lane, 0.0):
            return
        self._next_s[lane] = inf  # while we look
        try:
            await self._move_on(lane)
        finally:
            self._next_s[lane] = self._clock.monotonic_s() + EVERY_S

    async def _move_on(self, lane: str) -> None:
        untried = (
            is_("state", DeliveryState.DUE),
            is_("lane", lane),
            at_most("priority", BEHIND),
            is_("kind", DeliveryKind.ALARM),
            is_("tries", 0),
            is_("moves_on_at", EPOCH),
        )
        now = self._clock.now()
        for severity, times in TIMES_AS_LONG.items():
            tests = *untried, is_("severity", severity)
            changes = moving_on(now, timedelta(seconds=UNCLEAR_WAIT_S * times))
            await change_every(self._records, Delivery, *tests, order_by="priority", **changes)
