"""A batch of reports in SQLite: a handful of statements, whatever its length.

The rows of a batch are bound to one statement. So the interpreter's lock is given away once a statement and not once
a row: on a busy process each handing back can cost a whole switch interval.
"""

import json
import sqlite3
from collections.abc import Sequence
from functools import cache

from isocket.domain.reports import Report
from isocket.storage.sqlite_filing import Filing, stored_among
from isocket.storage.sqlite_heard import HeardDevices, ToJudge

_COLUMNS = ("id", "device", "kind", "boot", "seq", "at", "received", "clock", "body")
_SHARES = (512, 256, 128, 64, 32, 16, 8, 4, 2, 1)  # rows of one statement: a few that stay prepared serve any batch
_LAST = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'report_log'"  # the greatest that ever was
_NEWER = "new.kind = 'state' AND (new.boot, new.seq) > (heard.boot, heard.seq)"
_MOVE = f"""
UPDATE heard SET
  fields = CASE WHEN {_NEWER} THEN json_patch(heard.fields, new.body) ELSE heard.fields END,
  at = CASE WHEN {_NEWER} THEN new.at ELSE heard.at END,
  clock = CASE WHEN {_NEWER} THEN new.clock ELSE heard.clock END,
  boot = CASE WHEN {_NEWER} THEN new.boot ELSE heard.boot END,
  seq = CASE WHEN {_NEWER} THEN new.seq ELSE heard.seq END,
  received = max(heard.received, new.received)
FROM report_log AS new WHERE heard.device = new.device AND new.id"""
_MOVE_BY_ALL = f"{_MOVE} > ?"
_MOVE_BY_SOME = f"{_MOVE} IN (SELECT value FROM json_each(?))"
_MARK = "INSERT OR IGNORE INTO unjudged (device, report) SELECT value ->> 0, value ->> 1 FROM json_each(?)"
_encoded = json.JSONEncoder(separators=(",", ":")).encode


def store_batch(
    connection: sqlite3.Connection, heard: HeardDevices, filing: Filing, reports: Sequence[Report]
) -> tuple[list[bool], ToJudge]:
    """Store a batch; return for each report whether it was new, and what of them must be judged.

    1. Insert what is new, and give it its place.
    2. Move the latest states.
    3. Mark what must be judged: its devices are to be claimed, or to begin to wait, in the same transaction.
    """
    numbers = heard.numbers(connection, reports)
    last_id, ids = _insert(connection, filing, numbers, reports)
    if len(set(numbers)) == len(numbers):
        connection.execute(_MOVE_BY_ALL, (last_id,))
    else:
        _move_in_order(connection, numbers, reports, ids)
    marked = heard.to_judge(numbers, reports, ids)
    if marked.reports:
        connection.execute(_MARK, (_encoded(marked.reports),))
    return [report_id is not None for report_id in ids], marked


def store_past(connection: sqlite3.Connection, heard: HeardDevices, filing: Filing, reports: Sequence[Report]) -> int:
    """Insert what is new and do nothing else; return how many that were."""
    _, ids = _insert(connection, filing, heard.numbers(connection, reports), reports)
    return sum(report_id is not None for report_id in ids)


def _insert(
    connection: sqlite3.Connection, filing: Filing, numbers: Sequence[int], reports: Sequence[Report]
) -> tuple[int, list[int | None]]:
    """Insert what is not there and give it its place; return the last id before, and that of each report.

    None for one that is there; of two alike in one batch the first is inserted.
    """
    before: int = connection.execute(_LAST).fetchone()[0]
    last_id = before
    keys = [(number, report.boot, report.seq) for number, report in zip(numbers, reports, strict=True)]
    there = stored_among(connection, keys)
    values: list[int | str] = []
    ids: list[int | None] = []
    for key, report in zip(keys, reports, strict=True):
        if key in there:
            ids.append(None)
            continue
        there.add(key)
        last_id += 1
        ids.append(last_id)
        _, kind, boot, seq, at_ms, received_ms, clock, body, _ = report
        # A member of an enumeration is bound five times as slowly as the text that it is.
        values += (last_id, key[0], str(kind), boot, seq, at_ms, received_ms, str(clock), body)
    rows, done = len(values) // len(_COLUMNS), 0
    for share in _SHARES:
        while rows - done >= share:
            connection.execute(_insertion_of(share), values[done * len(_COLUMNS) : (done + share) * len(_COLUMNS)])
            done += share
    filing.place(connection, before)
    return before, ids


@cache
def _insertion_of(rows: int) -> str:
    row = f"({','.join('?' * len(_COLUMNS))})"
    return f"INSERT INTO report_log ({','.join(_COLUMNS)}) VALUES {','.join([row] * rows)}"


def _move_in_order(
    connection: sqlite3.Connection, numbers: Sequence[int], reports: Sequence[Report], ids: Sequence[int | None]
) -> None:
    """Move the latest states, one round for each time that a device comes in the batch, oldest first."""
    new = [
        (report.boot, report.seq, number, report_id)
        for number, report, report_id in zip(numbers, reports, ids, strict=True)
        if report_id is not None
    ]
    rounds: list[list[int]] = []
    times: dict[int, int] = {}
    for _, _, number, report_id in sorted(new):
        turn = times[number] = times.get(number, -1) + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(report_id)
    for ids_of_round in rounds:
        connection.execute(_MOVE_BY_SOME, (_encoded(ids_of_round),))
