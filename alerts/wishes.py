"""Wishes to providers, carried out one at a time when they are due, and asked again, later each time, until settled."""

from datetime import timedelta
from typing import Any, Generic, TypeVar

from isocket.domain.call_offs import CallOff
from isocket.domain.provider_erasures import ProviderErasure
from isocket.kit.clock import EPOCH, Clock
from isocket.storage.port import Records, at_most, is_
from isocket.storage.worker import claim, settle

W = TypeVar("W", CallOff, ProviderErasure)

LEASE_S = 30.0
DEADLINE_S = 12.0  # for one answer of a provider


class Wishes(Generic[W]):
    """The wishes of one kind. `again_s` after the first try it is asked again, twice as long after each more."""

    def __init__(self, kind: type[W], *, records: Records, clock: Clock, again_s: float, again_cap_s: float) -> None:
        self._kind: type[W] = kind
        self._records = records
        self._clock = clock
        self._again_s = again_s
        self._again_cap_s = again_cap_s

    async def claim_due(self) -> W | None:
        """Claim the wish that has been due longest, None where there is none."""
        return await claim(
            self._records,
            self._kind,
            is_("settled", False),
            at_most("due_at", self._clock.now()),
            clock=self._clock,
            lease_s=LEASE_S,
            order_by="due_at",
        )

    async def ask_again(self, held: W) -> None:
        """Let go of a wish until it is time for another try."""
        wait_s = min(self._again_s * 2**held.tries, self._again_cap_s)
        due_at = self._clock.now() + timedelta(seconds=wait_s)
        await settle(self._records, held, tries=held.tries + 1, due_at=due_at, lease_until=EPOCH)

    async def settle(self, held: W, **changes: Any) -> None:
        """Note that there is nothing more to be done about a wish."""
        await settle(self._records, held, **changes, settled=True, lease_until=EPOCH)
