"""How well a provider does, from what was counted in the last minutes, and which one is asked next: pure.

Counts fade, so that a provider that nobody asks any more is soon thought well of again and gets its next chance.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from alerts.outcomes import Outcome, RefusalScope, Refused, TryLater, Unclear
from isocket.domain.sending import ProviderHealth

FADING_S = 120.0  # after so long a count is worth a third
LEAST_CALLS = 4.0  # fewer say nothing
BAD_SHARE = 0.5
SLOW_SHARE = 0.5
SLOW_CALL_S = 4.0

REFUSED_FOR_S = 300.0  # until an operator has put right what makes a provider refuse us
REFUSALS_S: Mapping[str, float] = MappingProxyType({"daily_cap": 3600.0})  # what passes by itself, but not soon
NOT_ITS_FAULT = frozenset({"too_many_requests"})


class Standing(IntEnum):
    """How a provider does, best first."""

    WELL = 0
    SLOW = 1
    FAILING = 2
    REFUSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What one or more calls add to a provider's health."""

    calls: float = 0.0
    errors: float = 0.0
    slow: float = 0.0

    def __add__(self, other: "Count") -> "Count":
        """Return both together."""
        return Count(calls=self.calls + other.calls, errors=self.errors + other.errors, slow=self.slow + other.slow)

    def after(self, passed_s: float) -> "Count":
        """Return what this is worth when so much time has passed."""
        share = math.exp(-max(0.0, passed_s) / FADING_S)
        return Count(calls=self.calls * share, errors=self.errors * share, slow=self.slow * share)

    @property
    def is_spotless(self) -> bool:
        """Whether nothing went wrong in any of them."""
        return not self.errors and not self.slow


def count_of(outcome: Outcome, took_s: float) -> Count:
    """Return what one call says of its provider; that a recipient cannot be reached is not the provider's fault."""
    return Count(calls=1.0, errors=float(is_its_fault(outcome)), slow=float(took_s >= SLOW_CALL_S))


def is_its_fault(outcome: Outcome) -> bool:
    """Whether a call went wrong by its provider, whoever it was for."""
    failed = isinstance(outcome, Unclear) or (isinstance(outcome, TryLater) and outcome.reason not in NOT_ITS_FAULT)
    return failed or refuses_us(outcome)


NOTHING = Count()
LATE = Count(calls=1.0, slow=1.0)
"""What a receipt that does not come says of its provider."""


def refuses_us(outcome: Outcome) -> bool:
    """Whether the provider says no to everything that we send."""
    return isinstance(outcome, Refused) and outcome.scope is RefusalScope.ACCOUNT


def faded(health: ProviderHealth, now: datetime) -> Count:
    """Return what the counts of a provider are worth by now."""
    count = Count(calls=health.calls, errors=health.errors, slow=health.slow)
    return count.after((now - health.counted_at).total_seconds())


def counted(health: ProviderHealth, more: Count, now: datetime) -> dict[str, Any]:
    """Return the changes by which more calls are counted."""
    total = faded(health, now) + more
    return {"calls": total.calls, "errors": total.errors, "slow": total.slow, "counted_at": now}


def refused(reason: str, now: datetime) -> dict[str, Any]:
    """Return the changes by which a provider is not asked for a while."""
    return {"refused_until": now + timedelta(seconds=REFUSALS_S.get(reason, REFUSED_FOR_S)), "refusal": reason}


def standing(health: ProviderHealth | None, now: datetime, uncounted: Count = NOTHING) -> Standing:
    """Return how a provider does; one of which nothing is known does well. `uncounted` is not in its record yet."""
    if health is None:
        return Standing.WELL
    if now < health.refused_until:
        return Standing.REFUSES
    recent = faded(health, now) + uncounted
    if recent.calls < LEAST_CALLS:
        return Standing.WELL
    if recent.errors >= BAD_SHARE * recent.calls:
        return Standing.FAILING
    return Standing.SLOW if recent.slow >= SLOW_SHARE * recent.calls else Standing.WELL


def choice(names: Sequence[str], standings: Mapping[str, Standing], avoids: str) -> str:
    """Return which provider is asked: the first that does best, so that when all are slow nothing changes.

    `avoids` is the one that would not have this very message; it is asked again only when the others refuse us.
    """

    def rank(name: str) -> tuple[bool, bool, Standing]:
        how = standings.get(name, Standing.WELL)
        return how is Standing.REFUSES, name == avoids, how

    return min(names, key=rank)
