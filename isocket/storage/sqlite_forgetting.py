"""Everything reported by one device goes: a piece at a time, so that an alarm waits for no more than one of them."""

import sqlite3

from isocket.storage.sqlite_filing import forget_reports, remove_reports
from isocket.storage.sqlite_heard import HeardDevices
from isocket.storage.sqlite_windows import forget_hours

REPORTS_AT_ONCE = 2_000  # some 15 ms of the writer; a socket that speaks each minute leaves half a million
HOURS_AT_ONCE = 500  # a page each, or nearly: five years have 44,000

_DEVICE = "SELECT device FROM heard WHERE name = ?"
_SOME_REPORTS = f"SELECT report FROM filed_by_order WHERE device = ({_DEVICE}) ORDER BY boot, seq LIMIT ?"
_SOME_HOURS = f"""
DELETE FROM hours WHERE device = ({_DEVICE}) AND start IN (
  SELECT start FROM hours WHERE device = ({_DEVICE}) ORDER BY start LIMIT ?)
"""


def forget_some_reports(connection: sqlite3.Connection, name: str) -> int:
    """Remove the oldest reports of a device; return how many there were."""
    return remove_reports(connection, [row[0] for row in connection.execute(_SOME_REPORTS, (name, REPORTS_AT_ONCE))])


def forget_some_hours(connection: sqlite3.Connection, name: str) -> int:
    """Remove the oldest hours of a device; return how many there were."""
    return connection.execute(_SOME_HOURS, (name, name, HOURS_AT_ONCE)).rowcount


def forget_rest(connection: sqlite3.Connection, heard: HeardDevices, name: str) -> int:
    """Remove what is left of a device, and the device; return how many reports there were."""
    row = connection.execute(_DEVICE, (name,)).fetchone()
    if row is None:
        return 0
    connection.execute("DELETE FROM unjudged WHERE device = ?", row)
    gone = forget_reports(connection, row[0])
    forget_hours(connection, row[0])
    connection.execute("DELETE FROM heard WHERE device = ?", row)
    heard.next_revision(connection)
    heard.drop(name)
    return gone
