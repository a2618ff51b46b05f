"""When a person would rather sleep: from when to when by the clock on their own wall, whatever that clock does."""

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from isocket.domain.contacts import Contact
from isocket.domain.incidents import Severity
from isocket.domain.schedules import moment_of
from isocket.kit.zones import zone_named

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAY = timedelta(days=1)
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
        begins = moment_of(day, start, zone)
        ends = moment_of(day if start < end else day + _DAY, end, zone, last=True)
        if begins <= now < ends:
            return ends
    return None


def _time(said: object) -> time | None:
    found = _TIME.fullmatch(said) if isinstance(said, str) else None
    return time(int(found[1]), int(found[2])) if found else None
