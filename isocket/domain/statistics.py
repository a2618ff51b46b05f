"""Figures about many customers that tell of nobody: counted once, blurred once, and stored as they may be given away.

Each figure counts customers, each customer at most once. It is blurred by chance (discrete Laplace, Ghosh et al. 2009),
rounded, and withheld unless it is well above `FEWEST`; a group below that never shows, whatever chance says. So whoever
knows everything about everybody else can hardly tell whether one more is among them: see `LEAK` and `SLIP`.
"""

import math
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Protocol

from isocket.domain.handling import Plain
from isocket.domain.record import Record, record

FEWEST = 10
"""A group of fewer customers is never told of."""

BLUR = 5.0
"""The scale of the chance that is added: about as many customers more or fewer."""

LEAK = 1 / BLUR
"""One customer more or fewer in a cell makes no figure likelier than by a factor of e to the power of this, …"""

SLIP = 1e-4
"""… but for a chance of this, with which a group of exactly `FEWEST` shows that it is one."""

ROUNDED_TO = 10
_RATIO = math.exp(-LEAK)
MARGIN = math.ceil(math.log(SLIP * (1 + _RATIO)) / math.log(_RATIO))
LEAST_TOLD = FEWEST + MARGIN
"""What is less than this after blurring is withheld."""

Cells = Mapping[str, int]


class Chance(Protocol):
    """Where numbers from 0 up to 1 come from."""

    def random(self) -> float:
        """Return one."""
        ...


@record(collection="statistics", indexed=(("until",),))
class Release(Record):
    """All figures of one week, as they are told. A figure that is withheld is None. Id: `sta_2026-W47`."""

    since: Plain[datetime]
    until: Plain[datetime]  # not any more
    made_at: Plain[datetime]
    tables: Plain[dict[str, Any]] = field(default_factory=dict)  # name to cell to figure


def release_id(since: datetime) -> str:
    """Return the id of the figures of the week that begins then."""
    year, week, _ = since.isocalendar()
    return f"sta_{year}-W{week:02}"


def blur(chance: Chance) -> int:
    """Return a whole number, most likely 0: the difference of two waits for a coin that falls so with `_RATIO`."""
    return _wait(chance) - _wait(chance)


def told(count: int, blurred_by: int) -> int | None:
    """Return what is told of a cell, None for nothing."""
    blurred = count + blurred_by
    if count < FEWEST or blurred < LEAST_TOLD:
        return None
    return round(blurred / ROUNDED_TO) * ROUNDED_TO


def table_of(counts: Cells, chance: Chance, *, whole: bool) -> dict[str, int | None]:
    """Return the figures of a table.

    Where its cells are `whole` (each customer is in one of them) and a single one is withheld, the least of the others
    is withheld as well: it could be worked out by whoever knows how many customers there are.
    """
    figures = {name: told(count, blur(chance)) for name, count in counts.items()}
    shown = {name: figure for name, figure in figures.items() if figure is not None}
    if whole and len(figures) - len(shown) == 1 and shown:
        figures[min(shown, key=lambda name: (shown[name], name))] = None
    return figures


def _wait(chance: Chance) -> int:
    return int(math.log(1.0 - chance.random()) / math.log(_RATIO))
