"""The weekly schedule as the device runs it: minute by minute, by the clock on its wall."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MISSED_AFTER_MS = 120_000  # what was not run in time is missed: a heater must not go on because the power is back
_MINUTE_MS = 60_000


def due_rules(schedule: Sequence[dict[str, Any]], zone: str, since_ms: int, until_ms: int) -> list[dict[str, Any]]:
    """The rules whose time came later than the one moment and not later than the other, in the order to run them."""
    first = max(since_ms, until_ms - MISSED_AFTER_MS) // _MINUTE_MS + 1
    found: list[dict[str, Any]] = []
    for minute in range(first, until_ms // _MINUTE_MS + 1):
        found += _due_at(schedule, ZoneInfo(zone), datetime.fromtimestamp(minute * 60, UTC))
    return found


def checked_rule(rule: Any) -> dict[str, Any]:
    """A rule as it is kept. Raises TypeError, ValueError or KeyError for one that cannot be run."""
    at = datetime.strptime(rule["at"], "%H:%M")  # noqa: DTZ007 - a time of the day has no zone
    days = [DAYS[DAYS.index(day)] for day in rule.get("days", ",".join(DAYS)).split(",")]
    if not isinstance(rule["name"], str):
        raise TypeError("name: a text is needed")
    return {"at": f"{at:%H:%M}", "days": ",".join(days), "name": rule["name"], "args": dict(rule.get("args") or {})}


def checked_zone(name: Any) -> str:
    """The name of a time zone that the device knows. Raises ValueError or TypeError for another."""
    if not isinstance(name, str):
        raise TypeError("a text is needed")
    try:
        return str(ZoneInfo(name))
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError("a time zone is needed") from None


def _due_at(schedule: Sequence[dict[str, Any]], zone: ZoneInfo, minute: datetime) -> list[dict[str, Any]]:
    """The rules of this minute and, after a jump of the clocks, of the times that never came."""
    local, before = minute.astimezone(zone), (minute - timedelta(minutes=1)).astimezone(zone)
    if local.fold:  # the clocks were put back: all this was an hour ago
        return []
    wall, last = local.replace(tzinfo=None), before.replace(tzinfo=None)
    passed = round((wall - last).total_seconds() / 60)  # more than one where the clocks jumped
    times = [last + timedelta(minutes=number) for number in range(1, passed + 1)]
    return [
        rule
        for time in times
        for rule in schedule
        if rule["at"] == f"{time:%H:%M}" and DAYS[time.weekday()] in rule["days"].split(",")
    ]
