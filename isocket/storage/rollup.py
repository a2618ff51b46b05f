"""Many points as fewer: windows of one minute to one day in a time zone. Pure, shared by all stores."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from isocket.kit.clock import from_ms, to_ms
from isocket.storage.telemetry import Series
from isocket.storage.windows import HOUR_MS, QUARTER_MS, Gathered, Hour, greatest_of, least_of, merged, take, value_of

Point = tuple[int, Mapping[str, Any]]  # UTC milliseconds and fields as `telemetry.flat` spreads them
Part = tuple[int, Gathered]  # when it begins, and what was gathered in it

MINUTE_MS = 60_000
_MONTH_MS = 28 * 86_400_000
_DAY_AND_A_HALF_MS = 36 * 3_600_000
_WIDTHS_MS = {"1m": MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": 60 * MINUTE_MS}
STEPS = ("raw", *_WIDTHS_MS, "1d")
OF_REPORTS = ("raw", "1m")  # too fine for hours
_MOST_DIGITS = 18  # fit into 64 bits, as stores count


def rolled_up(
    points: Iterable[Point],
    *,
    step: str,
    fields: Sequence[str] | None,
    time_zone: str,
    following: str | None,
    parts: Iterable[Part] = (),
    spread: bool = False,
) -> Series:
    """Return the series of `points`, which come oldest first; `following` is the cursor of the next page.

    With a step other than `raw`, a window that has points becomes one point at its beginning: of numbers the mean,
    of anything else the last; None is skipped. Hours are whole by the wall clock of `time_zone`, days begin at its
    midnight, so a day may have 23 or 25 hours. `fields` picks by name; the name of a list picks all its places.
    `parts` are what was gathered before of reports that are not among the points; `spread` also asks for the least
    and the greatest of numbers.

    Raises:
        ValueError: the step or the time zone is unknown.
    """
    if step not in STEPS:
        raise ValueError(f"step must be one of {', '.join(STEPS)}")
    zone = zone_of(time_zone)
    wanted = _Wanted(fields)
    if step == "raw":
        rows = [(at_ms, wanted.of(values)) for at_ms, values in points]
        names = {name: None for _, values in rows for name in values}  # in the order of first appearance
        return Series(
            step=step,
            ts=[at_ms for at_ms, _ in rows],
            fields={name: [values.get(name) for _, values in rows] for name in names},
            next=following,
        )
    windows = _windows(points, parts, _Starts(step, zone))
    starts = sorted(windows)
    seen = wanted.of({name: None for start in starts for name in windows[start]})

    def column(of: Callable[[list[Any] | None], Any], name: str) -> list[Any]:
        return [of(windows[start].get(name)) for start in starts]

    numbers = [name for name in seen if any(least_of(windows[start].get(name)) is not None for start in starts)]
    return Series(
        step=step,
        ts=starts,
        fields={name: column(value_of, name) for name in seen},
        next=following,
        least={name: column(least_of, name) for name in numbers if spread},
        greatest={name: column(greatest_of, name) for name in numbers if spread},
    )


def window_start(at_ms: int, step: str, zone: tzinfo) -> int:
    """Return the UTC milliseconds at which the window of `at_ms` begins.

    Where the clock was put by a part of an hour since the hour began by its new reading, that is when it was put: what
    lies before belongs to an hour of the old reading.
    """
    here = from_ms(at_ms).astimezone(zone)
    if step == "1d":
        return to_ms(datetime(here.year, here.month, here.day, tzinfo=zone))
    offset_ms = _offset_ms(at_ms, zone)
    local_ms = at_ms + offset_ms
    start_ms = local_ms - local_ms % _WIDTHS_MS[step] - offset_ms
    while _offset_ms(start_ms, zone) != offset_ms:
        start_ms += QUARTER_MS - start_ms % QUARTER_MS  # clocks are put at a whole quarter of an hour
    return start_ms


def needs_quarters(step: str, time_zone: str, start_ms: int, end_ms: int) -> bool:
    """Return whether hours of UTC are too coarse for the windows: in zones that are off by a part of an hour.

    Raises:
        ValueError: the time zone is unknown.
    """
    zone = zone_of(time_zone)
    if step == "15m":
        return True
    looks = (*range(start_ms, end_ms, _MONTH_MS), end_ms)
    return any(_offset_ms(each, zone) % HOUR_MS for each in looks)


def zone_of(name: str) -> tzinfo:
    """Return the time zone of that name.

    Raises:
        ValueError: there is none.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error


def cursor_of(at_ms: int, number: int) -> str:
    """Return the cursor of what follows a raw point: its time, and the number of its report."""
    return f"{at_ms}.{number}"


def place_of(cursor: str) -> tuple[int, int]:
    """Return the place that a cursor of raw points tells.

    Raises:
        ValueError: it is not one of ours.
    """
    at_ms, _, number = cursor.partition(".")
    if not all(each.isascii() and each.isdecimal() and len(each) <= _MOST_DIGITS for each in (at_ms, number)):
        raise ValueError("the cursor is not one of ours: leave it out to begin anew")
    return int(at_ms), int(number)


class _Starts:
    """Where windows begin. Of days the last one is remembered, of shorter ones each, by the quarter of an hour."""

    def __init__(self, step: str, zone: tzinfo) -> None:
        self._step = step
        self._zone = zone
        self._known: dict[int, int] = {}
        self._day = range(0)

    def of(self, at_ms: int) -> int:
        if self._step == "1m":
            return at_ms - at_ms % MINUTE_MS  # no zone is off by a part of a minute
        if self._step == "1d":
            if at_ms not in self._day:
                start = window_start(at_ms, "1d", self._zone)
                self._day = range(start, window_start(start + _DAY_AND_A_HALF_MS, "1d", self._zone))
            return self._day.start
        quarter = at_ms // QUARTER_MS
        start_ms = self._known.get(quarter)
        if start_ms is None:
            start_ms = self._known[quarter] = window_start(at_ms, self._step, self._zone)
        return start_ms


class _Wanted:
    """Which fields were asked for."""

    def __init__(self, fields: Sequence[str] | None) -> None:
        self._fields = None if fields is None else frozenset(fields)

    def of(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        fields = self._fields
        if fields is None:
            return values
        return {name: each for name, each in values.items() if name in fields or name.rpartition(".")[0] in fields}


def _windows(points: Iterable[Point], parts: Iterable[Part], starts: _Starts) -> dict[int, Gathered]:
    within: dict[int, list[Gathered]] = {}
    for start_ms, gathered in parts:
        within.setdefault(starts.of(start_ms), []).append(gathered)
    windows = {start: merged(several) for start, several in within.items()}
    for at_ms, values in points:
        window = windows.setdefault(starts.of(at_ms), {})
        for name, value in values.items():
            take(window, name, value, at_ms)
    return windows


def _offset_ms(at_ms: int, zone: tzinfo) -> int:
    offset = from_ms(at_ms).astimezone(zone).utcoffset() or timedelta()
    return round(offset.total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of a time is answered by hours, or their quarters; the rest of it by reports."""

    start_ms: int
    end_ms: int
    quarters: bool  # hours of UTC are too coarse for the windows

    @classmethod
    def of(cls, step: str, time_zone: str, start_ms: int, end_ms: int) -> "Cut":
        """Return the cut of a time: whole quarters of an hour.

        Raises:
            ValueError: the time zone is unknown.
        """
        first, last = start_ms + -start_ms % QUARTER_MS, end_ms - end_ms % QUARTER_MS
        return cls(first, max(first, last), needs_quarters(step, time_zone, start_ms, end_ms))

    def places(self, hour_ms: int) -> Iterable[int | None]:
        """Return which quarters of an hour lie within; None alone: it is taken whole."""
        if not self.quarters and self.start_ms <= hour_ms and hour_ms + HOUR_MS <= self.end_ms:
            return (None,)
        return [place for place in range(4) if self.start_ms <= hour_ms + place * QUARTER_MS < self.end_ms]

    def parts(self, hours: Iterable[tuple[int, Hour]]) -> Iterator[Part]:
        """Yield what lies within of each hour, to be given away."""
        for hour_ms, hour in hours:
            for place in self.places(hour_ms):
                gathered = hour.part(place)
                if gathered is not None:
                    yield hour_ms + (place or 0) * QUARTER_MS, gathered
