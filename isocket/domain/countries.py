"""The countries that there are, as two letters of ISO 3166, and those that messages go to."""

from functools import cache
from importlib.resources import files


@cache
def countries() -> frozenset[str]:
    """Return every country of ISO 3166, as the list says that comes with the time zones."""
    table = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    return frozenset(line[:2] for line in table.splitlines() if line and not line.startswith("#"))


SERVED = frozenset(
    "AT AX BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905 - as a list it would be a column of 33 lines
)
"""The European Economic Area with Aland, the United Kingdom and Switzerland: where our sockets are."""
