"""Who is there and who went lately: one look through all devices."""

import sqlite3
from datetime import datetime

from isocket.kit.clock import from_ms, to_ms
from isocket.storage.telemetry import RollCall

_WATCHED = """
(SELECT name, CASE WHEN offline_at >= received THEN min(offline_at, received + silent_after / 2)
             ELSE received + silent_after / 2 END AS gone_at, ifnull(fields ->> 'mains' = 0, 0) AS dark
 FROM heard WHERE silent_after IS NOT NULL AND received > 0)
"""
_ROLL_CALL = f"""
SELECT ifnull(sum(gone_at > :now), 0),
  ifnull(sum(gone_at <= :now AND gone_at > :since AND NOT dark), 0),
  ifnull(sum(gone_at <= :now AND gone_at > :since AND dark), 0)
FROM {_WATCHED}
"""
_GONE = f"""
SELECT name FROM {_WATCHED}
WHERE name > :after AND gone_at <= :now AND gone_at > :since AND NOT dark ORDER BY name LIMIT :limit
"""
_WAITS_LONGEST = "SELECT min(waiting_since) FROM heard WHERE waiting_since IS NOT NULL"


def roll_call_of(connection: sqlite3.Connection, now: datetime, within_s: float) -> RollCall:
    """Count who is there and who went lately."""
    present, gone, dark = connection.execute(_ROLL_CALL, _lately(now, within_s)).fetchone()
    (since_ms,) = connection.execute(_WAITS_LONGEST).fetchone()
    waiting_since = None if since_ms is None else from_ms(since_ms)
    return RollCall(present=present, gone=gone, dark=dark, waiting_since=waiting_since)


def gone_of(connection: sqlite3.Connection, now: datetime, within_s: float, *, limit: int, after: str) -> list[str]:
    """Name some of those that went lately, but for those without mains power."""
    asked = {**_lately(now, within_s), "after": after, "limit": limit}
    return [name for (name,) in connection.execute(_GONE, asked).fetchall()]


def _lately(now: datetime, within_s: float) -> dict[str, int]:
    now_ms = to_ms(now)
    return {"now": now_ms, "since": now_ms - round(within_s * 1000)}
