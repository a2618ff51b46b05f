"""Whether anything is due at all: asked once for all lanes of a process that have nothing to do."""

from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.kit.clock import Clock
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
        self._asked_s = float("-inf")
        self._answer = True

    async def is_anything(self) -> bool:
        """Return whether a delivery may be due: a lane that hears no asks the store for none of its own."""
        now_s = self._clock.monotonic_s()
        if self._bell.has_rung:
            self._bell.forget()
        elif now_s < self._asked_s + FRESH_S:
            return self._answer
        due = is_("state", DeliveryState.DUE), at_most("due_at", self._clock.now())
        self._asked_s = now_s
        self._answer = bool(await self._records.find(Delivery, *due, limit=1))
        return self._answer
