"""How many requests an address, an account and a token may make, counted in this process: it must cost next to nothing.

A store asked for each request would be what a flood wears out. So each process counts for itself, and several of them
let so many times more through; what must be counted by all together (passwords, codes, mails) is in `limits`.
The headers are those of draft-ietf-httpapi-ratelimit-headers-11, where one who keeps below them is never refused.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from isocket.kit.clock import Clock
from portal_api.limits import Rate

MOST_KEPT = 50_000  # addresses, accounts and tokens; whoever was longest quiet is forgotten first


@dataclass(frozen=True, slots=True)
class Standing:
    """How one counted request stands: `wait_s` is 0.0 if it is allowed, `full_s` when all is free again."""

    name: str
    tries: int
    per_s: float
    remaining: int
    full_s: float
    wait_s: float


class Pace:
    """Counts requests by the generic cell rate algorithm (ITU-T I.371): one number for each that is counted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._free_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def take(self, rate: Rate, what: str) -> Standing | None:
        """Count one request of `what`, unless there are too many; None where the rate has no limit."""
        if rate.tries <= 0:
            return None
        now, each_s = self._clock.now().timestamp(), rate.per_s / rate.tries
        key = (rate.name, what)
        used_s = min(max(self._free_at.get(key, now) - now, 0.0), rate.per_s)  # a clock that is set back bars nobody
        wait_s = used_s + each_s - rate.per_s
        if wait_s > each_s / 1e6:  # what is left over of adding up is no request
            return Standing(rate.name, rate.tries, rate.per_s, 0, used_s, wait_s)
        used_s += each_s
        self._free_at[key] = now + used_s
        self._free_at.move_to_end(key)
        if len(self._free_at) > MOST_KEPT:
            self._free_at.popitem(last=False)
        remaining = int((rate.per_s - used_s) / each_s + 1e-6)
        return Standing(rate.name, rate.tries, rate.per_s, remaining, used_s, 0.0)


def headers_of(standings: Sequence[Standing]) -> dict[str, str]:
    """Return what tells a client how it stands, one item for each thing that is counted."""
    if not standings:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{each.name}";q={each.tries};w={each.per_s:.0f}' for each in standings),
        "RateLimit": ", ".join(f'"{each.name}";r={each.remaining};t={-int(-each.full_s // 1)}' for each in standings),
    }
