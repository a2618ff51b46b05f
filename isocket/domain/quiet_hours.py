"""When a person would rather sleep: from when to when by the clock on their own wall, whatever that clock does."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from isocket.domain.contacts import Contact
from isocket.domain.incidents import Severity
from isocket.kit.zones import zone_named

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MOST_IN_A_ROW = 3  # an end that lies in the next day's hours, as in the night in which an hour comes twice


def held_until(contact: Contact, severity: Severity | None, now: datetime) -> datetime | None:
    """Return until when this person is not to be disturbed (aware UTC), None if they may be told now.

    Critical alarms come all the same unless the person chose otherwise.
    """
    hours = contact.quiet_hours
    if not hours or (severity is Severity.CRITICAL and hours.get("except_critical", True)):
        return None
    return quiet_until(hours, contact.time_zone, now)


def quiet_until(hours: Mapping[str, Any], zone_name: str, now: datetime) -> datetime | None:
    """Return the end of the quiet hours that `now` lies in (aware UTC), None outside them.

    `hours` says `start` and `end` as `22:00`; the same time twice means none. Where the wall clock skips an hour, a
    start or an end within it is the moment of the skip; where an hour comes twice, quiet hours begin at the first
    and end at the second time that the clock shows it.
    """
    start, end = _time(hours.get("start")), _time(hours.get("end"))
    if start is None or end is None or start == end:
        return None
    zone = zone_named(zone_name)
    until: datetime | None = None
    for _ in range(_MOST_IN_A_ROW):
        following = _end_after(until or now, start, end, zone)
        if following is None:
            break
        until = following
    return until


def _end_after(now: datetime, start: time, end: time, zone: ZoneInfo) -> datetime | None:
    today = now.astimezone(zone).date()
    for day in (today - _DAY, today, today + _DAY):  # the next day's may begin early, where its hour comes twice
        begins = _instant(day, start, zone, last=False)
        ends = _instant(day if start < end else day + _DAY, end, zone, last=True)
        if begins <= now < ends:
            return ends
    return None


def _instant(day: date, at: time, zone: ZoneInfo, *, last: bool) -> datetime:
    """Return when the clock shows this time: the first or the last time, or the moment in which it skips it."""
    local = datetime.combine(day, at, tzinfo=zone).replace(fold=int(last))
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _skip(local, zone)


def _skip(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment in which the clock jumps over a time that it never shows."""
    before, after = (local.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    target = local.replace(tzinfo=None)
    while after - before > _SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).replace(tzinfo=None) < target:
            before = middle
        else:
            after = middle
    return after


def _time(said: object) -> time | None:
    found = _TIME.fullmatch(said) if isinstance(said, str) else None
    return time(int(found[1]), int(found[2])) if found else None
