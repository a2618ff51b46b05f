"""A batch of reports in SQLite: a handful of statements, whatever its length.

The rows of a batch are bound to one statement. So the interpreter's lock is given away once a statement and not once
a row: on a busy process each handing back can cost a whole switch interval.
"""

import json
import sqlite3
from collections.abc import Sequence
from functools import cache

from isocket.domain.reports import Report
from isocket.storage.sqlite_heard import HeardDevices

_COLUMNS = ("device", "kind", "boot", "seq", "at", "received", "clock", "body")
_SHARES = (512, 256, 128, 64, 32, 16, 8, 4, 2, 1)  # rows of one statement: a few that stay prepared serve any batch
_INSERTED = "SELECT json_group_array(json_array(boot, seq, device, id)) FROM reports WHERE id > ?"
_NEWER = "new.kind = 'state' AND (new.boot, new.seq) > (heard.boot, heard.seq)"
_MOVE = f"""
UPDATE heard SET
  fields = CASE WHEN {_NEWER} THEN json_patch(heard.fields, new.body) ELSE heard.fields END,
  at = CASE WHEN {_NEWER} THEN new.at ELSE heard.at END,
  clock = CASE WHEN {_NEWER} THEN new.clock ELSE heard.clock END,
  boot = CASE WHEN {_NEWER} THEN new.boot ELSE heard.boot END,
  seq = CASE WHEN {_NEWER} THEN new.seq ELSE heard.seq END,
  received = max(heard.received, new.received)
FROM reports AS new WHERE heard.device = new.device AND new.id"""
_MOVE_BY_ALL = f"{_MOVE} > ?"
_MOVE_BY_SOME = f"{_MOVE} IN (SELECT value FROM json_each(?))"
_MARK = """
INSERT OR IGNORE INTO unjudged (device, report)
SELECT reports.device, reports.id FROM json_each(?) JOIN reports
  ON reports.device = value ->> 0 AND reports.boot = value ->> 1 AND reports.seq = value ->> 2
"""
_encoded = json.JSONEncoder(separators=(",", ":")).encode


def store_batch(
    connection: sqlite3.Connection, heard: HeardDevices, reports: Sequence[Report], now_ms: int
) -> tuple[list[bool], list[int]]:
    """Store a batch; return for each report whether it was new, and the devices of those that must be judged.

    1. Insert what is new.
    2. Move the latest states.
    3. Mark what must be judged.
    """
    numbers = heard.numbers(connection, reports)
    last_id = connection.execute("SELECT ifnull(max(id), 0) FROM reports").fetchone()[0]
    inserted = _insert(connection, numbers, reports)
    if inserted == len(set(numbers)) == len(numbers):  # each new, and each of another device
        new = [True] * inserted
        connection.execute(_MOVE_BY_ALL, (last_id,))
    else:
        stored = json.loads(connection.execute(_INSERTED, (last_id,)).fetchone()[0])
        new = _which_are_new(numbers, reports, stored)
        _move_in_order(connection, stored)
    marked = heard.to_judge(numbers, reports, new)
    waiting = list(dict.fromkeys(number for number, _, _ in marked))
    if marked:
        connection.execute(_MARK, (_encoded(marked),))
        heard.begin_to_wait(connection, set(waiting), now_ms)
    return new, waiting


def store_past(connection: sqlite3.Connection, heard: HeardDevices, reports: Sequence[Report]) -> int:
    """Insert what is new and do nothing else; return how many that were."""
    return _insert(connection, heard.numbers(connection, reports), reports)


def _insert(connection: sqlite3.Connection, numbers: Sequence[int], reports: Sequence[Report]) -> int:
    """Insert what is not there; return how many rows that were."""
    values: list[int | str] = []
    for number, report in zip(numbers, reports, strict=True):
        _, kind, boot, seq, at_ms, received_ms, clock, body, _ = report
        # A member of an enumeration is bound five times as slowly as the text that it is.
        values += (number, str(kind), boot, seq, at_ms, received_ms, str(clock), body)
    inserted = done = 0
    for share in _SHARES:
        while len(reports) - done >= share:
            bound = values[done * len(_COLUMNS) : (done + share) * len(_COLUMNS)]
            inserted += connection.execute(_insertion_of(share), bound).rowcount
            done += share
    return inserted


@cache
def _insertion_of(rows: int) -> str:
    row = f"({','.join('?' * len(_COLUMNS))})"
    return f"INSERT INTO reports ({','.join(_COLUMNS)}) VALUES {','.join([row] * rows)} ON CONFLICT DO NOTHING"


def _which_are_new(numbers: Sequence[int], reports: Sequence[Report], stored: list[list[int]]) -> list[bool]:
    """Return for each report whether it was inserted; of two alike in one batch the first was."""
    left = {(boot, seq, number) for boot, seq, number, _ in stored}
    new: list[bool] = []
    for number, report in zip(numbers, reports, strict=True):
        key = (report.boot, report.seq, number)
        new.append(key in left)
        left.discard(key)
    return new


def _move_in_order(connection: sqlite3.Connection, stored: list[list[int]]) -> None:
    """Move the latest states, one round for each time that a device comes in the batch, oldest first."""
    rounds: list[list[int]] = []
    times: dict[int, int] = {}
    for _, _, number, report_id in sorted(stored):
        turn = times[number] = times.get(number, -1) + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(report_id)
    for ids in rounds:
        connection.execute(_MOVE_BY_SOME, (_encoded(ids),))
