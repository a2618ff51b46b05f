"""The time zones that a page offers: all inhabited ones, by their region."""

import zoneinfo
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

_REGIONS = ("Europe", "Africa", "America", "Asia", "Atlantic", "Australia", "Indian", "Pacific")


@lru_cache(maxsize=1)
def zones() -> Mapping[str, tuple[str, ...]]:
    """Return the names of the zones of each region, as in the IANA list, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(zoneinfo.available_timezones()):
        found[name.partition("/")[0]].append(name)
    return {region: tuple(found[region]) for region in _REGIONS}
