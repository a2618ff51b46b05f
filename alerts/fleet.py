"""When what befalls many sockets is one event: pure decisions on counts, never on who they are."""

from dataclasses import dataclass

from isocket.domain.outages import Outage
from isocket.storage.telemetry import RollCall

DEAF_AFTER_S = 60.0
"""So long the bridge may be away for a restart; before this nobody judges silence anyway, see `rules.silence`."""

SETTLING_S = 300.0
"""After an outage sockets get this long to be heard again, as they do after a start of ours."""

LONGEST_S = 86_400.0
"""An outage that lasts longer is how things are now: what is silent then is news of its own."""

FEWEST_OTHERS = 5
"""Of fewer other customers nothing is told: each of them could be guessed (k-anonymity)."""

_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What makes many: so many at least, and so large a share, within so many seconds."""

    least: int = 5
    share_pct: float = 30.0
    within_s: float = 900.0
    hold_s: float = 3600.0  # for so long an outage keeps the silence of a socket from its people
    power_share_pct: float = 2.0
    power_within_s: float = 120.0


def fell_silent(roll: RollCall, limits: Thresholds) -> bool:
    """Return whether so many sockets went at once that it is not their doing.

    Those without mains power are left out: their power cut explains them.
    """
    watched = roll.present + roll.gone
    return roll.gone >= limits.least and roll.gone * 100 > watched * limits.share_pct


def is_back(outage: Outage, roll: RollCall, limits: Thresholds) -> bool:
    """Return whether so many are there again that those still missing are no event: half of what made it one."""
    may_miss = max(limits.least - 1, outage.fleet * limits.share_pct / 200)
    return roll.present >= outage.fleet - may_miss


def lost_power(*, customers: int, sockets: int, fleet: int, limits: Thresholds) -> bool:
    """Return whether so many lost mains power at once that it is the grid: of several customers, and a good share."""
    return (
        customers > FEWEST_OTHERS
        and sockets >= limits.least
        and sockets * 100 >= max(fleet, sockets) * limits.power_share_pct
    )


def coarse(number: int) -> int:
    """Return a number that tells how many, and not who: rounded down to 5, 10, 20, 50, 100 …; 0 for fewer than 5."""
    if number < FEWEST_OTHERS:
        return 0
    scale = int(10 ** (len(str(number)) - 1))
    return max(step * scale for step in _STEPS if step * scale <= number)
