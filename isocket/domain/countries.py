"""The countries that messages go to, as two letters of ISO 3166."""

SERVED = frozenset(
    "AT AX BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905 - as a list it would be a column of 33 lines
)
"""The European Economic Area with Aland, the United Kingdom and Switzerland: where our sockets are."""
