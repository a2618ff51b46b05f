"""What is gathered of many reports, so that it can be gathered further: hours that stay when the reports are gone.

A field gathers to [when last, the last value], of numbers also [..., how many, their sum, the least, the greatest].
Two gatherings of the same field make one, whichever reports they are of, as long as no report is in both. An hour (of
UTC) holds its quarters too, because some time zones are off by half hours and quarters.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

QUARTER_MS = 15 * 60_000
HOUR_MS = 4 * QUARTER_MS
DIGITS = 6  # of a mean: more than any thermometer knows
_NUMBERS = 6

Gathered = dict[str, list[Any] | None]
"""By the name of the field; None: it was there, without a value."""


def take(gathered: Gathered, name: str, value: Any, at_ms: int) -> None:
    """Take a value in; of two of the same moment the one that comes later counts as the last."""
    if value is None:
        gathered.setdefault(name, None)
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    entry = gathered.get(name)
    if entry is None:
        gathered[name] = [at_ms, value, 1, value, value, value] if number else [at_ms, value]
        return
    if at_ms >= entry[0]:
        entry[0], entry[1] = at_ms, value
    if number and len(entry) == _NUMBERS:
        entry[2] += 1
        entry[3] += value
        entry[4] = min(entry[4], value)
        entry[5] = max(entry[5], value)
    else:
        del entry[2:]  # it changed its kind: only the last means anything


def merged(parts: Sequence[Gathered]) -> Gathered:
    """Return what is gathered in all of them; of two of the same moment the later in the sequence counts as the last.

    They are given away. A field is taken from all at once: a year has nine thousand hours.
    """
    if len(parts) == 1:
        return parts[0]
    entries: dict[str, list[list[Any]]] = {}
    for part in parts:
        for name, entry in part.items():
            found = entries.setdefault(name, [])
            if entry is not None:
                found.append(entry)
    return {name: _one_of(found) if found else None for name, found in entries.items()}


def _one_of(entries: Sequence[list[Any]]) -> list[Any]:
    last = entries[-1]
    for entry in reversed(entries):  # in order but for what came late
        if entry[0] > last[0]:
            last = entry
    if any(len(entry) != _NUMBERS for entry in entries):
        return last[:2]  # flags and texts; or it changed its kind, and only the last means anything
    _, _, counts, sums, least, greatest = zip(*entries, strict=True)
    return [*last[:2], sum(counts), sum(sums), min(least), max(greatest)]


def value_of(entry: list[Any] | None) -> Any:
    """Return the mean of numbers, of anything else the last."""
    if entry is None:
        return None
    return round(entry[3] / entry[2], DIGITS) if len(entry) == _NUMBERS else entry[1]


def least_of(entry: list[Any] | None) -> Any:
    """Return the least of numbers."""
    return entry[4] if entry is not None and len(entry) == _NUMBERS else None


def greatest_of(entry: list[Any] | None) -> Any:
    """Return the greatest of numbers."""
    return entry[5] if entry is not None and len(entry) == _NUMBERS else None


@dataclass(slots=True)
class Hour:
    """One hour of one device. A quarter without a report is None."""

    whole: Gathered = field(default_factory=dict)
    quarters: list[Gathered | None] = field(default_factory=lambda: [None] * 4)

    def add(self, at_ms: int, values: Mapping[str, Any]) -> None:
        """Take a report in."""
        place = at_ms % HOUR_MS // QUARTER_MS
        quarter = self.quarters[place]
        if quarter is None:
            quarter = self.quarters[place] = {}
        for name, value in values.items():
            take(self.whole, name, value, at_ms)
            take(quarter, name, value, at_ms)

    def part(self, place: int | None) -> Gathered | None:
        """Return a copy of a quarter, or of the whole; None where there was no report."""
        gathered = self.whole if place is None else self.quarters[place]
        return None if gathered is None else {name: each and list(each) for name, each in gathered.items()}

    def texts(self) -> tuple[str, str]:
        """Return the hour and its quarters as they are stored."""
        return _text(self.whole), _text(self.quarters)

    @classmethod
    def of(cls, whole: str, quarters: str) -> "Hour":
        """Return the hour that `texts` wrote."""
        return cls(json.loads(whole), json.loads(quarters))


def hour_of(at_ms: int) -> int:
    """Return when the hour of a moment begins."""
    return at_ms - at_ms % HOUR_MS


_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
