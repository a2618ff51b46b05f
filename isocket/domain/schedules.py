"""When a weekly schedule runs next, by the clock on the wall at the socket, daylight saving included.

A time that the clocks jump over runs at the jump; a time that comes twice runs the first time. So each rule runs once
on each of its days (RFC 5545, 3.3.5, leaves the first to the program and asks for the second).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEARCHED_DAYS = 9  # a week, and the day on either side that a far time zone may still or already have


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run to come: when, and the command; `number` is its place in the schedule."""

    at: datetime
    number: int
    name: str
    args: Mapping[str, Any]


def next_run(schedule: Sequence[Mapping[str, Any]], zone: ZoneInfo, after: datetime) -> Run | None:
    """Return the first run later than `after`, None for an empty schedule; of two at once the later in the list."""
    runs = [
        Run(at=at, number=number, name=rule["name"], args=rule.get("args") or {})
        for number, rule in enumerate(schedule)
        if (at := next_time(rule["at"], days_of(rule.get("days")), zone, after)) is not None
    ]
    return min(runs, key=lambda run: (run.at, -run.number), default=None)


def next_time(at: str, days: Iterable[int], zone: ZoneInfo, after: datetime) -> datetime | None:
    """Return the first moment later than `after` at which it is `at` (`07:00`) on one of `days` (Monday is 0) there."""
    wanted, clock = frozenset(days), time.fromisoformat(at)
    first = after.astimezone(zone).date() - timedelta(days=1)
    moments = (
        moment_of(day, clock, zone)
        for day in (first + timedelta(days=number) for number in range(_SEARCHED_DAYS + 1))
        if day.weekday() in wanted
    )
    return min((moment for moment in moments if moment > after), default=None)


def moment_of(day: date, clock: time, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """Return the moment, in UTC, at which it is so late there on that day; that of the jump where it never is.

    Where it is so late twice it is the first of these moments, or the last.
    """
    local = datetime.combine(day, clock, tzinfo=zone)
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    moment = second if last else first
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    return _jump(second, first, zone)  # turned round where the clocks jump over it


def days_of(text: str | None) -> frozenset[int]:
    """Return the days of `mon,tue`, Monday as 0; every day for None."""
    return frozenset(range(len(DAYS)) if text is None else (DAYS.index(each) for each in text.split(",")))


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second in (before, after] of which the clocks there have jumped already."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, round((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        jumped = (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() != old
        low, high = (low, middle) if jumped else (middle, high)
    return before + timedelta(seconds=high)
