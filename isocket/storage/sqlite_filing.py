"""Where a report is found: by device in the order of its numbers, and in the order of time.

Reports are stored in the order in which they come. What came last has one place, in a small table; from there it is
filed in both orders, device by device, when enough has gathered. An index would put each at once into two places
among those of its own device: with hundreds of busy devices nearly each is a page by itself, to be written with every
commit. Why, and what it is worth: docs/decisions/0012-reports-are-filed-later.md.
"""

import json
import sqlite3
from collections.abc import Sequence
from functools import cache

from isocket.kit.logs import get_logger

log = get_logger(__name__)

UNFILED = 4_000  # places that may wait: what each commit writes to grows with it, what filing writes shrinks
FILED_AT_LEAST = 100  # at a time
ASKED_AT_ONCE = 512  # keys
_ROOMS = (1, 8, 32, 128, ASKED_AT_ONCE)  # a few statements that stay prepared serve any batch: the last key fills up

Key = tuple[int, int, int]
"""Device, boot and seq: what there is only one report of."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS report_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL,
  kind TEXT NOT NULL, at INTEGER NOT NULL, received INTEGER NOT NULL, clock TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS unfiled (
  device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, report INTEGER NOT NULL,
  PRIMARY KEY (device, boot, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS filed_by_order (
  device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, report INTEGER NOT NULL,
  PRIMARY KEY (device, boot, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS filed_by_time (
  device INTEGER NOT NULL, at INTEGER NOT NULL, report INTEGER NOT NULL,
  PRIMARY KEY (device, at, report)) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS orders AS
  SELECT device, boot, seq FROM filed_by_order UNION ALL SELECT device, boot, seq FROM unfiled;
CREATE VIEW IF NOT EXISTS reports_in_order AS
  SELECT place.device, place.boot, place.seq, place.report AS id, kind, log.at, received, clock, body
  FROM filed_by_order AS place CROSS JOIN report_log AS log ON log.id = place.report
  UNION ALL SELECT place.device, place.boot, place.seq, place.report, kind, log.at, received, clock, body
  FROM unfiled AS place CROSS JOIN report_log AS log ON log.id = place.report;
CREATE VIEW IF NOT EXISTS reports_in_time AS
  SELECT place.device, place.at, place.report AS id, kind, log.boot, log.seq, received, clock, body
  FROM filed_by_time AS place CROSS JOIN report_log AS log ON log.id = place.report
  UNION ALL SELECT place.device, place.at, place.report, kind, log.boot, log.seq, received, clock, body
  FROM unfiled AS place CROSS JOIN report_log AS log ON log.id = place.report;
CREATE VIEW IF NOT EXISTS reports AS SELECT * FROM report_log;
"""
"""Whoever asks for one device in one of these orders is answered from both tables, merged. What a view is ordered by
must be among what is asked for, or SQLite reads it whole. The last keeps older programs from a file that they would
write to without giving places: their table had that name, and a view takes neither rows nor indexes."""

_OF_DEVICE = """
SELECT report FROM filed_by_order WHERE device = :device UNION ALL SELECT report FROM unfiled WHERE device = :device
"""
_LOG_OF_DEVICE = f"DELETE FROM report_log WHERE id IN ({_OF_DEVICE})"
_FORGET = (
    "DELETE FROM unfiled WHERE device = :device",
    "DELETE FROM filed_by_order WHERE device = :device",
    "DELETE FROM filed_by_time WHERE device = :device",
)
_THESE = "FROM report_log WHERE id IN (SELECT value FROM json_each(?))"
_REMOVE = (
    f"DELETE FROM unfiled WHERE (device, boot, seq) IN (SELECT device, boot, seq {_THESE})",
    f"DELETE FROM filed_by_order WHERE (device, boot, seq) IN (SELECT device, boot, seq {_THESE})",
    f"DELETE FROM filed_by_time WHERE (device, at, report) IN (SELECT device, at, id {_THESE})",
)
PLACE = "insert INTO unfiled SELECT device, boot, seq, at, id FROM report_log WHERE id > ?"
"""Its rows are counted, so its verb is in small letters: see `insertions` of `sqlite_documents`."""
_WAITING = "SELECT count(*) FROM unfiled"
_LAST_OF_SOME = "SELECT device FROM unfiled WHERE device > ? ORDER BY device LIMIT 1 OFFSET ?"
_LAST_OF_ALL = "SELECT max(device) FROM unfiled"
_SOME = "FROM unfiled WHERE device > ? AND device <= ?"
_FILE = (
    f"INSERT INTO filed_by_order SELECT device, boot, seq, report {_SOME} ORDER BY device, boot, seq",
    f"INSERT INTO filed_by_time SELECT device, at, report {_SOME} ORDER BY device, at, report",
    f"DELETE {_SOME}",
)
_OLDER = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'reports'"
_FROM_INDEXES = (
    "INSERT INTO filed_by_order SELECT device, boot, seq, id FROM report_log ORDER BY device, boot, seq",
    "INSERT INTO filed_by_time SELECT device, at, id FROM report_log ORDER BY device, at, id",
    "DROP INDEX reports_once",
    "DROP INDEX reports_by_time",
)


class Filing:
    """Gives reports their places; used in the writer's thread alone."""

    def __init__(self, *, may_wait: int = UNFILED, at_least: int = FILED_AT_LEAST) -> None:
        self._may_wait = may_wait
        self._at_least = at_least
        self._upto = 0  # the device after which to go on: each has its turn
        self._uncounted = at_least  # places given since those that wait were counted: at first, who knows

    def place(self, connection: sqlite3.Connection, after: int) -> None:
        """Give the reports with greater numbers their places, and file some when many wait."""
        self._uncounted += connection.execute(PLACE, (after,)).rowcount
        if self._uncounted < self._at_least:
            return  # to count goes through all that wait, and an alarm's commit waits for it
        self._uncounted = 0
        waiting: int = connection.execute(_WAITING).fetchone()[0]
        if waiting >= self._may_wait + self._at_least:
            self._file(connection, waiting - self._may_wait)

    def _file(self, connection: sqlite3.Connection, least: int) -> None:
        """File those of the next devices, about as many as `least`."""
        found = connection.execute(_LAST_OF_SOME, (self._upto, least - 1)).fetchone()
        last: int = (found or connection.execute(_LAST_OF_ALL).fetchone())[0]
        if last > self._upto:
            for statement in _FILE:
                connection.execute(statement, (self._upto, last))
        self._upto = last if found else 0


def stored_among(connection: sqlite3.Connection, keys: Sequence[Key]) -> set[Key]:
    """Return those of which there is a report."""
    found: set[Key] = set()
    for begin in range(0, len(keys), ASKED_AT_ONCE):
        some = keys[begin : begin + ASKED_AT_ONCE]
        room = next(each for each in _ROOMS if each >= len(some))
        bound = [value for key in [*some, *[some[-1]] * (room - len(some))] for value in key]
        found.update(some[min(place, len(some) - 1)] for (place,) in connection.execute(_stored_of(room), bound))
    return found


def remove_reports(connection: sqlite3.Connection, numbers: Sequence[int]) -> int:
    """Remove reports and their places; return how many there were."""
    asked = (json.dumps(numbers),)
    for statement in _REMOVE:
        connection.execute(statement, asked)
    return connection.execute(f"DELETE {_THESE}", asked).rowcount


def forget_reports(connection: sqlite3.Connection, device: int) -> int:
    """Remove all reports of a device and their places; return how many there were."""
    asked = {"device": device}
    gone = connection.execute(_LOG_OF_DEVICE, asked).rowcount
    for statement in _FORGET:
        connection.execute(statement, asked)
    return gone


def make_places(connection: sqlite3.Connection) -> None:
    """Make what is missing, and file the reports of an older store, whose places were two indexes."""
    is_older = connection.execute(_OLDER).fetchone() is not None
    if is_older:
        log.info("filing_reports")
        connection.execute("ALTER TABLE reports RENAME TO report_log")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    if is_older:
        for statement in _FROM_INDEXES:
            connection.execute(statement)
        log.info("reports_filed")


@cache
def _stored_of(keys: int) -> str:
    asked = ", ".join(f"({place}, ?, ?, ?)" for place in range(keys))
    same = "it.device = asked.device AND it.boot = asked.boot AND it.seq = asked.seq"
    return (
        f"WITH asked (place, device, boot, seq) AS (VALUES {asked}) SELECT place FROM asked"
        f" WHERE EXISTS (SELECT 1 FROM unfiled AS it WHERE {same})"
        f" OR EXISTS (SELECT 1 FROM filed_by_order AS it WHERE {same})"
    )
