"""Many points as fewer: windows of one minute to one day in a time zone. Pure, shared by all stores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from isocket.kit.clock import from_ms, to_ms
from isocket.storage.telemetry import Series

Point = tuple[int, Mapping[str, Any]]  # UTC milliseconds and fields as `telemetry.flat` spreads them

MINUTE_MS = 60_000
_WIDTHS_MS = {"1m": MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": 60 * MINUTE_MS}
STEPS = ("raw", *_WIDTHS_MS, "1d")


def rolled_up(
    points: Iterable[Point],
    *,
    step: str,
    fields: Sequence[str] | None,
    time_zone: str,
    following: str | None,
) -> Series:
    """Return the series of `points`, which come oldest first; `following` is the cursor of the next page.

    With a step other than `raw`, a window that has points becomes one point at its beginning: of numbers the mean,
    of anything else the last; None is skipped. Hours are whole by the wall clock of `time_zone`, days begin at its
    midnight, so a day may have 23 or 25 hours. `fields` picks by name; the name of a list picks all its places.

    Raises:
        ValueError: the step or the time zone is unknown.
    """
    if step not in STEPS:
        raise ValueError(f"step must be one of {', '.join(STEPS)}")
    zone = _zone(time_zone)
    picked = ((at_ms, _picked(values, fields)) for at_ms, values in points)
    rows: list[Point] = list(picked) if step == "raw" else _windows(picked, step, zone)
    names = {name: None for _, values in rows for name in values}  # in the order of first appearance
    return Series(
        step=step,
        ts=[at_ms for at_ms, _ in rows],
        fields={name: [values.get(name) for _, values in rows] for name in names},
        next=following,
    )


def window_start(at_ms: int, step: str, zone: tzinfo) -> int:
    """Return the UTC milliseconds at which the window of `at_ms` begins."""
    here = from_ms(at_ms).astimezone(zone)
    if step == "1d":
        return to_ms(datetime(here.year, here.month, here.day, tzinfo=zone))
    offset_ms = round((here.utcoffset() or timedelta()).total_seconds() * 1000)
    local_ms = at_ms + offset_ms
    return local_ms - local_ms % _WIDTHS_MS[step] - offset_ms


@dataclass(slots=True)
class _Window:
    """What one window has gathered of one field."""

    last: Any = None
    numbers: list[float] = field(default_factory=list)
    only_numbers: bool = True

    def take(self, value: Any) -> None:
        if value is None:
            return
        self.last = value
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers.append(value)
        else:
            self.only_numbers = False

    def value(self) -> Any:
        if self.numbers and self.only_numbers:
            return sum(self.numbers) / len(self.numbers)
        return self.last


def _windows(points: Iterable[Point], step: str, zone: tzinfo) -> list[Point]:
    windows: dict[int, dict[str, _Window]] = {}
    for at_ms, values in points:
        window = windows.setdefault(window_start(at_ms, step, zone), {})
        for name, value in values.items():
            window.setdefault(name, _Window()).take(value)
    return [(start, {name: gathered.value() for name, gathered in window.items()}) for start, window in windows.items()]


def _picked(values: Mapping[str, Any], fields: Sequence[str] | None) -> Mapping[str, Any]:
    if fields is None:
        return values
    return {name: value for name, value in values.items() if name in fields or name.rpartition(".")[0] in fields}


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error
