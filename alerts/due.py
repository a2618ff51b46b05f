"""Whether anything is due at all: asked once for all lanes of a process that have nothing to do."""

import asyncio

from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.kit.clock import EPOCH, Clock
from isocket.storage.port import Records, at_most, is_
from isocket.storage.wakeups import Bell

FRESH_S = 0.1


class Due:
    """Remembers the answer for a moment; what this process stores meanwhile rings its bell."""

    def __init__(self, *, records: Records, clock: Clock, bell: Bell) -> None:
        """`bell` rings whenever this process stores a delivery for any lane."""
        self._records = records
        self._clock = clock
        self._bell = bell
        self._asking = asyncio.Lock()
        self._asked_s = float("-inf")
        self._answer = True
        self._latest = EPOCH

    async def is_anything(self) -> bool:
        """Return whether a delivery may be due: a lane that hears no asks the store for none of its own."""
        async with self._asking:  # whom the same bell woke waits for this answer, and is not given the one before
            now_s = self._clock.monotonic_s()
            if not self._bell.has_rung and now_s < self._asked_s + FRESH_S:
                return self._answer
            self._bell.forget()
            self._asked_s = float("-inf")  # until there is an answer
            now = self._clock.now()
            if now < self._latest:  # it was set back: what was due by then is, but not by its time
                return True
            self._latest = now
            due = is_("state", DeliveryState.DUE), at_most("due_at", now)
            # In this order an index leads to the first of them, however many there are.
            self._answer = bool(await self._records.find(Delivery, *due, order_by="due_at", limit=1))
            self._asked_s = now_s
            return self._answer
