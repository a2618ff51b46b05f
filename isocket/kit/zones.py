"""Time zones by the names that people chose: one that this machine does not know must keep nothing from anybody."""

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_NOWHERE = frozenset({"localtime", "Factory"})
"""Names in a machine's table of zones that are of no place: they mean another thing on each machine, or nothing."""


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Return the names of the time zones that somebody can choose here."""
    return frozenset(available_timezones()) - _NOWHERE


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of that name, UTC where there is none here, as for one chosen on another machine."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        return ZoneInfo("UTC")
