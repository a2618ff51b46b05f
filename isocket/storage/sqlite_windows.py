"""Hours that outlast reports, in SQLite: gathered in the order in which reports came, each report once.

How far they are gathered is moved in the same transaction as the hours, and only from where it was when they were
read: of two processes at the same piece one has done nothing. What was not gathered yet is read beside the hours, so
nobody who asks ever waits for it.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic_core import from_json

from isocket.domain.reports import ReportKind, of_the_device
from isocket.storage.rollup import Cut, Part, Point
from isocket.storage.sqlite_filing import remove_reports
from isocket.storage.telemetry import Arrival, flat
from isocket.storage.windows import Hour, hour_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS hours (
  device INTEGER NOT NULL, start INTEGER NOT NULL, whole TEXT NOT NULL, quarters TEXT NOT NULL,
  PRIMARY KEY (device, start)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gathered (
  one INTEGER PRIMARY KEY CHECK (one = 1), upto INTEGER NOT NULL,
  forgotten INTEGER NOT NULL, kept_from INTEGER NOT NULL);
INSERT OR IGNORE INTO gathered VALUES (1, 0, 0, 0);
"""
MOST_HOURS = 500  # that one transaction changes: an alarm waits for it
FEW_REPORTS = 100_000  # not gathered yet, among which those of one device are looked for

_STATE = "SELECT upto, forgotten, kept_from FROM gathered"
_NEXT = "SELECT id, device, kind, at, body FROM report_log WHERE id > ? ORDER BY id LIMIT ?"
_HOUR = "SELECT whole, quarters FROM hours WHERE device = ? AND start = ?"
_MOVE = "UPDATE gathered SET upto = ? WHERE upto = ? AND forgotten = ?"
_KEEP = "INSERT OR REPLACE INTO hours VALUES (?, ?, ?, ?)"
_HOURS = """
SELECT start, whole, CASE WHEN :quarters OR start < :first OR start + 3600000 > :last THEN quarters END FROM hours
WHERE device = (SELECT device FROM heard WHERE name = :name) AND start > :first - 3600000 AND start < :last
ORDER BY start
"""
_OURS = "device = (SELECT device FROM heard WHERE name = :name) AND kind = 'state'"
_EDGES = f"""
SELECT at, id, body FROM reports_in_time WHERE {_OURS} AND id <= :upto
  AND at >= :start AND at < min(:first, :end)
UNION ALL SELECT at, id, body FROM reports_in_time WHERE {_OURS} AND id <= :upto
  AND at >= max(:last, :start) AND at < :end
"""
_NOT_YET = f"""
SELECT at, id, body FROM report_log WHERE id > :upto AND {_OURS} AND at >= :since AND at < :end
"""
_NOT_YET_OF_MANY = (
    f"SELECT at, id, body FROM reports_in_time WHERE id > :upto AND {_OURS} AND at >= :since AND at < :end"
)


def _old_of(places: str) -> str:
    return f"""
SELECT place.report FROM heard CROSS JOIN {places} AS place ON place.device = heard.device AND place.at < :before
WHERE heard.name NOT IN (SELECT value FROM json_each(:sparing)) AND place.report <= (SELECT upto FROM gathered)
AND NOT EXISTS (SELECT 1 FROM unjudged WHERE unjudged.device = place.device AND unjudged.report = place.report)
"""


_OLD = f"{_old_of('filed_by_time')} UNION ALL {_old_of('unfiled')} LIMIT :limit"
_ARRIVALS = """
WITH within AS (
  SELECT boot, seq, at, received FROM reports_in_time WHERE device = :device AND at >= :start AND at < :end)
SELECT * FROM within
UNION SELECT * FROM (
  SELECT boot, seq, at, received FROM reports_in_order
  WHERE device = :device AND (boot, seq) < (SELECT boot, seq FROM within ORDER BY boot, seq LIMIT 1)
  ORDER BY boot DESC, seq DESC LIMIT 1)
UNION SELECT * FROM (
  SELECT boot, seq, at, received FROM reports_in_order
  WHERE device = :device AND (boot, seq) > (SELECT boot, seq FROM within ORDER BY boot DESC, seq DESC LIMIT 1)
  ORDER BY boot, seq LIMIT 1)
ORDER BY 1, 2
"""


@dataclass(slots=True)
class Harvest:
    """Some reports, gathered into hours and not stored yet."""

    looked_at: int
    hours: dict[tuple[int, int], Hour]
    after: int
    upto: int
    forgotten: int

    def store(self, connection: sqlite3.Connection) -> bool:
        """Store it if nobody was quicker and no device was forgotten meanwhile; return whether it was."""
        if not connection.execute(_MOVE, (self.upto, self.after, self.forgotten)).rowcount:
            return False
        rows = [(device, start, *hour.texts()) for (device, start), hour in self.hours.items()]
        connection.executemany(_KEEP, rows)
        return True


def harvest(connection: sqlite3.Connection, limit: int) -> Harvest:
    """Gather the next reports."""
    with _one_look(connection):
        upto, forgotten, kept_from = connection.execute(_STATE).fetchone()
        made = Harvest(looked_at=0, hours={}, after=upto, upto=upto, forgotten=forgotten)
        for number, device, kind, at_ms, body in connection.execute(_NEXT, (upto, limit)).fetchall():
            if kind == ReportKind.STATE and at_ms >= kept_from:
                key = (device, hour_of(at_ms))
                if key not in made.hours:
                    if len(made.hours) == MOST_HOURS:
                        break
                    row = connection.execute(_HOUR, key).fetchone()
                    made.hours[key] = Hour() if row is None else Hour.of(*row)
                made.hours[key].add(at_ms, flat(of_the_device(json.loads(body))))
            made.looked_at += 1
            made.upto = number
        return made


def parts_and_points(
    connection: sqlite3.Connection, device_id: str, cut: Cut, start_ms: int, end_ms: int
) -> tuple[list[tuple[int, str, str | None]], list[tuple[int, int, str]]]:
    """Return the rows of the hours that answer a time, and of the reports that answer the rest, as they are stored."""
    with _one_look(connection):
        upto, _, kept_from = connection.execute(_STATE).fetchone()
        newest = connection.execute("SELECT ifnull(max(id), 0) FROM report_log").fetchone()[0]
        asked = {
            "name": device_id, "upto": upto, "start": start_ms, "end": end_ms, "since": max(start_ms, kept_from),
            "first": cut.start_ms, "last": cut.end_ms, "quarters": cut.quarters,
        }  # fmt: skip
        hours = connection.execute(_HOURS, asked).fetchall()
        points = connection.execute(_EDGES, asked).fetchall()
        points += connection.execute(_NOT_YET if newest - upto < FEW_REPORTS else _NOT_YET_OF_MANY, asked).fetchall()
    return hours, sorted(points)


def decoded_points(rows: Iterable[tuple[int, int, str]]) -> list[Point]:
    """Return points as windows take them."""
    return [(at_ms, flat(of_the_device(json.loads(body)))) for at_ms, _, body in rows]


def decoded_parts(rows: Iterable[tuple[int, str, str | None]], cut: Cut) -> Iterator[Part]:
    """Return what hours hold, as windows take it."""
    rows = list(rows)
    wholes = from_json(f"[{','.join(whole for _, whole, _ in rows)}]")  # at once: a year has nine thousand
    for (start, _, quarters), whole in zip(rows, wholes, strict=True):
        if quarters is None:
            yield start, whole
        else:
            yield from cut.parts([(start, Hour(whole, json.loads(quarters)))])


def arrivals_of(connection: sqlite3.Connection, device_id: str, start_ms: int, end_ms: int) -> list[Arrival]:
    """Return which messages of a time came, with a neighbour on each side."""
    device = connection.execute("SELECT device FROM heard WHERE name = ?", (device_id,)).fetchone()
    asked = {"device": device[0] if device else None, "start": start_ms, "end": end_ms}
    return [Arrival(*row) for row in connection.execute(_ARRIVALS, asked).fetchall()]


def kept_from(connection: sqlite3.Connection) -> int:
    """Return since when nothing was removed, in milliseconds."""
    return int(connection.execute("SELECT kept_from FROM gathered").fetchone()[0])


def old_reports(connection: sqlite3.Connection, before_ms: int, limit: int, sparing: Sequence[str]) -> list[int]:
    """Return some of the reports that may go, none of these devices."""
    asked = {"before": before_ms, "sparing": json.dumps([*sparing]), "limit": limit}
    return [number for (number,) in connection.execute(_OLD, asked).fetchall()]


def remove(connection: sqlite3.Connection, numbers: list[int], before_ms: int) -> int:
    """Remove reports; note that what comes later of such a time is gathered no more."""
    connection.execute("UPDATE gathered SET kept_from = max(kept_from, ?)", (before_ms,))
    return remove_reports(connection, numbers)


def forget_hours(connection: sqlite3.Connection, device: int) -> None:
    """Remove the hours of a device, and let nothing be stored that was gathered before."""
    connection.execute("DELETE FROM hours WHERE device = ?", (device,))
    connection.execute("UPDATE gathered SET forgotten = forgotten + 1")


@contextmanager
def _one_look(connection: sqlite3.Connection) -> Iterator[None]:
    """What is read inside is of one moment, whatever is committed meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
