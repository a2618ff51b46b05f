"""Telemetry in SQLite: a batch is a handful of statements, whatever its length.

The rows of a batch are bound to one statement. So the interpreter's lock is given away once a statement and not once
a row: on a busy process each handing back can cost a whole switch interval.
"""

import asyncio
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from isocket.domain.reports import ClockQuality, DeviceState, Envelope, Report, ReportKind
from isocket.kit.clock import Clock, from_ms, to_ms
from isocket.storage.envelope_text import envelope_from_text, envelope_to_text
from isocket.storage.rollup import STEPS, rolled_up
from isocket.storage.sqlite_documents import Look, Run
from isocket.storage.sqlite_heard import HeardDevices
from isocket.storage.telemetry import Confirmed, Order, RollCall, Series, Waiting, flat
from isocket.storage.wakeups import Wakeups

BELL = "telemetry"
JUDGED_AT_ONCE = 2_000  # reports handed out with one claim; the rest comes with the next
SILENCE_LOOK_MS = 5_000  # another process may have set an earlier silence: look at least so often
SILENCE_REST_MS = 100  # and no oftener: each look goes through all devices
SILENT_AT_ONCE = 500
ORDER_KEYS = ("boot", "seq", "ts")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (
  device INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  boot INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL DEFAULT 0, received INTEGER NOT NULL DEFAULT 0,
  clock TEXT NOT NULL DEFAULT 'server', fields TEXT NOT NULL DEFAULT '{}',
  offline_at INTEGER, envelope TEXT, waiting_since INTEGER, wake_at INTEGER, silent_after INTEGER,
  woken INTEGER NOT NULL DEFAULT 0, lease_until INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0,
  handed_out INTEGER NOT NULL DEFAULT 0, told_boot INTEGER, told_seq INTEGER,
  claimed_at INTEGER, silence_judged INTEGER, revision INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS heard_waiting ON heard (waiting_since) WHERE waiting_since IS NOT NULL;
CREATE INDEX IF NOT EXISTS heard_wake ON heard (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS heard_revision ON heard (revision);
CREATE TABLE IF NOT EXISTS reports (
  id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL,
  kind TEXT NOT NULL, at INTEGER NOT NULL, received INTEGER NOT NULL, clock TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS reports_once ON reports (device, boot, seq);
CREATE INDEX IF NOT EXISTS reports_by_time ON reports (device, at);
CREATE TABLE IF NOT EXISTS unjudged (device INTEGER NOT NULL, report INTEGER NOT NULL, PRIMARY KEY (device, report))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS telemetry_revision (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL);
INSERT OR IGNORE INTO telemetry_revision VALUES (1, 1);
"""

_COLUMNS = ("device", "kind", "boot", "seq", "at", "received", "clock", "body")
_SHARES = (256, 128, 64, 32, 16, 8, 4, 2, 1)  # rows of one statement: a few that stay prepared serve any batch
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
_FREE = "lease_until <= :now"
_LOOKS = (
    f"SELECT waiting_since, device FROM heard WHERE waiting_since IS NOT NULL AND {_FREE} ORDER BY 1, 2 LIMIT 1",
    f"SELECT wake_at, device FROM heard WHERE wake_at <= :now AND {_FREE} ORDER BY 1, 2 LIMIT 1",
)
_UNJUDGED_SILENCE = "silent_after IS NOT NULL AND received > 0 AND received IS NOT silence_judged"
_SILENT = f"{_UNJUDGED_SILENCE} AND received + silent_after <= :now AND {_FREE}"
_ALL_SILENT = f"SELECT received + silent_after, device FROM heard WHERE {_SILENT} ORDER BY 1, 2 LIMIT {SILENT_AT_ONCE}"
_STILL_SILENT = f"SELECT received + silent_after FROM heard WHERE device = :device AND {_SILENT}"
_NEXT_SILENCE = f"""
SELECT min(received + silent_after) FROM heard WHERE {_UNJUDGED_SILENCE} AND received + silent_after > :now AND {_FREE}
"""
_CLAIM = f"""
UPDATE heard SET lease_until = :until, fence = :fence, claimed_at = :now, woken = 0,
  waiting_since = ifnull(waiting_since, :now),
  handed_out = ifnull((SELECT max(report) FROM (SELECT report FROM unjudged WHERE unjudged.device = heard.device
                       ORDER BY report LIMIT {JUDGED_AT_ONCE})), 0)
WHERE device = :device AND {_FREE} AND (waiting_since IS NOT NULL OR wake_at <= :now OR ({_SILENT}))
RETURNING name, fence, handed_out, envelope
"""
_HANDED_OUT = """
SELECT kind, boot, seq, at, received, clock, body FROM unjudged JOIN reports ON reports.id = unjudged.report
WHERE unjudged.device = ? AND unjudged.report <= ? ORDER BY boot, seq
"""
_SETTLE = """
UPDATE heard SET lease_until = 0, envelope = :envelope, wake_at = :wake_at, silent_after = :silent_after,
  silence_judged = CASE WHEN received + :silent_after <= claimed_at THEN received ELSE silence_judged END,
  waiting_since = CASE WHEN woken OR EXISTS (SELECT 1 FROM unjudged WHERE unjudged.device = heard.device
                                             AND report > handed_out) THEN waiting_since END,
  revision = :revision
WHERE name = :name AND fence = :fence AND lease_until > 0
RETURNING device, handed_out, CASE WHEN received IS NOT silence_judged THEN received + silent_after END
"""
_ROLL_CALL = """
SELECT ifnull(sum(gone_at > :now), 0),
  ifnull(sum(gone_at <= :now AND gone_at > :since AND NOT dark), 0),
  ifnull(sum(gone_at <= :now AND gone_at > :since AND dark), 0)
FROM (SELECT CASE WHEN offline_at >= received THEN min(offline_at, received + silent_after / 2)
             ELSE received + silent_after / 2 END AS gone_at, ifnull(fields ->> 'mains' = 0, 0) AS dark
      FROM heard WHERE silent_after IS NOT NULL AND received > 0)
"""
_WAITS_LONGEST = "SELECT min(waiting_since) FROM heard WHERE waiting_since IS NOT NULL"
_BEYOND = """
SELECT json_group_array(json_array(boot, seq)) FROM (
  SELECT boot, seq FROM reports WHERE device = ? AND (boot, seq) > (?, ?) ORDER BY boot, seq LIMIT 100000)
"""
_TELL = """
UPDATE heard SET told_boot = value ->> 1, told_seq = value ->> 2 FROM json_each(?)
WHERE name = value ->> 0 AND (ifnull(told_boot, -1), ifnull(told_seq, -1)) < (value ->> 1, value ->> 2)
"""
_encoded = json.JSONEncoder(separators=(",", ":")).encode
_STATE = "name, boot, seq, at, received, clock, fields, offline_at"


class SqliteTelemetry:
    """The Telemetry port on one SQLite file."""

    def __init__(
        self, write: Run, read: Run, look: Look, *, heard: HeardDevices, wakeups: Wakeups | None, clock: Clock
    ) -> None:
        self._write = write
        self._read = read
        self._at_once = look
        self._wakeups = wakeups
        self._clock = clock
        self._heard = heard  # used in the writer's thread alone
        self._silent: list[tuple[int, int]] = []  # (since, device), found by the last look
        self._silence_look_ms = 0  # when to look next

    async def prepare(self) -> None:
        """Make tables that are missing."""

        def work(connection: sqlite3.Connection) -> None:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)

        await self._write(work)

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        """Store a batch in one commit; return for each report whether it was new."""
        if not reports:
            return []
        now_ms = to_ms(self._clock.now())
        new, waits = await self._write(lambda connection: self._store(connection, reports, now_ms))
        if waits:
            self._ring()
        return new

    def _store(self, connection: sqlite3.Connection, reports: Sequence[Report], now_ms: int) -> tuple[list[bool], bool]:
        """Steps: 1 insert what is new; 2 move the latest states; 3 mark what must be judged."""
        numbers = self._heard.numbers(connection, reports)
        last_id = connection.execute("SELECT ifnull(max(id), 0) FROM reports").fetchone()[0]
        inserted = _insert(connection, numbers, reports)
        if inserted == len(set(numbers)) == len(numbers):  # each new, and each of another device
            new = [True] * inserted
            connection.execute(_MOVE_BY_ALL, (last_id,))
        else:
            stored = json.loads(connection.execute(_INSERTED, (last_id,)).fetchone()[0])
            new = _which_are_new(numbers, reports, stored)
            _move_in_order(connection, stored)
        return new, self._mark(connection, self._heard.to_judge(numbers, reports, new), now_ms)

    def _mark(self, connection: sqlite3.Connection, marked: list[tuple[int, int, int]], now_ms: int) -> bool:
        """Note which reports must be judged; return whether there are any."""
        if not marked:
            return False
        connection.execute(_MARK, (_encoded(marked),))
        self._heard.begin_to_wait(connection, {number for number, _, _ in marked}, now_ms)
        return True

    async def note_presence(self, device_id: str, *, online: bool, at: datetime) -> None:
        """Note what the broker says of a connection; being online counts as being heard."""
        at_ms = to_ms(at)

        def work(connection: sqlite3.Connection) -> bool:
            number = self._heard.number(connection, device_id)
            if not online:
                connection.execute("UPDATE heard SET offline_at = ? WHERE device = ?", (at_ms, number))
                return False
            connection.execute(
                "UPDATE heard SET offline_at = NULL, received = max(received, ?) WHERE device = ?", (at_ms, number)
            )
            if not self._heard.is_open(number):
                return False
            self._heard.begin_to_wait(connection, {number}, at_ms)
            connection.execute("UPDATE heard SET woken = 1 WHERE device = ?", (number,))
            return True

        if await self._write(work):
            self._ring()

    async def confirmed(self, device_ids: Sequence[str]) -> dict[str, Confirmed]:
        """Return how far each device's storing was confirmed, and what is stored beyond."""

        def work(connection: sqlite3.Connection) -> dict[str, Confirmed]:
            return {device_id: _confirmed(connection, device_id) for device_id in device_ids}

        return await self._read(work)

    async def note_confirmed(self, upto: Mapping[str, Order]) -> None:
        """Note how far devices were told."""
        rows = json.dumps([(device_id, boot, seq) for device_id, (boot, seq) in upto.items()])
        await self._write(lambda connection: connection.execute(_TELL, (rows,)).rowcount)

    async def latest(self, device_ids: Sequence[str]) -> dict[str, DeviceState]:
        """Return the latest state of those devices that ever spoke."""
        statement = f"SELECT {_STATE} FROM heard WHERE received > 0 AND name IN (SELECT value FROM json_each(?))"
        asked = json.dumps(list(device_ids))
        rows = await self._read(lambda connection: connection.execute(statement, (asked,)).fetchall())
        return {row[0]: _state(row) for row in rows}

    async def series(
        self,
        device_id: str,
        *,
        start: datetime,
        end: datetime,
        step: str = "raw",
        fields: Sequence[str] | None = None,
        cursor: str | None = None,
        limit: int = 10_000,
        time_zone: str = "UTC",
    ) -> Series:
        """Return points with start <= time < end, oldest first."""
        if step not in STEPS:
            raise ValueError(f"step must be one of {', '.join(STEPS)}")
        seek = _cursor(cursor) if cursor else (to_ms(start), 0)
        page = limit if step == "raw" else -1
        rows = await self._read(
            lambda connection: connection.execute(
                "SELECT at, id, body FROM reports WHERE device = (SELECT device FROM heard WHERE name = ?)"
                " AND kind = 'state' AND at >= ? AND at < ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?",
                (device_id, to_ms(start), to_ms(end), seek[0], seek[1] if cursor else -1, page),
            ).fetchall()
        )
        points = [(at, flat(_fields(body))) for at, _, body in rows]
        following = f"{rows[-1][0]}.{rows[-1][1]}" if step == "raw" and len(rows) == limit else None
        return rolled_up(points, step=step, fields=fields, time_zone=time_zone, following=following)

    async def claim_waiting(
        self,
        *,
        owner: str,  # noqa: ARG002 - for stores that write down who holds a claim
        now: datetime,
        lease_s: float,
    ) -> Waiting | None:
        """Claim the device that has been due longest, with its reports in order."""
        now_ms = to_ms(now)
        until = to_ms(now + timedelta(seconds=lease_s))
        while True:
            if self._silence_is_due(now_ms):
                await self._look_for_silence(now_ms)
            device = self._at_once(lambda connection: self._longest_waiting(connection, now_ms))
            if device is None:
                return None
            asked = {"device": device, "now": now_ms, "until": until}
            claimed = await self._write(lambda connection: self._claim(connection, asked))  # noqa: B023 - awaited here
            if claimed is not None:
                return claimed

    def _longest_waiting(self, connection: sqlite3.Connection, now_ms: int) -> int | None:
        """Return the device that has been due longest for whatever reason: none of them can starve another."""
        asked = {"now": now_ms}
        found = [connection.execute(statement, asked).fetchone() for statement in _LOOKS]
        found.append(self._longest_silent(connection, now_ms))
        due = [(row[0], row[1]) for row in found if row is not None]
        return min(due)[1] if due else None

    def _longest_silent(self, connection: sqlite3.Connection, now_ms: int) -> tuple[int, int] | None:
        """Return the first that was found silent and still is, and that nobody has claimed."""
        while self._silent:
            device = self._silent[0][1]
            row = connection.execute(_STILL_SILENT, {"device": device, "now": now_ms}).fetchone()
            if row is not None:
                return (row[0], device)
            self._silent.pop(0)
        return None

    def _silence_is_due(self, now_ms: int) -> bool:
        # Being heard only moves silence away, so the last look still holds; unless the clock was set back.
        return not self._silence_look_ms - SILENCE_LOOK_MS <= now_ms < self._silence_look_ms

    async def _look_for_silence(self, now_ms: int) -> None:
        """Find those that are silent, and when to look again.

        It goes through all devices: in a thread, but not one of the readers', where it could wait behind long reads.
        """
        self._silence_look_ms = now_ms + SILENCE_LOOK_MS
        asked = {"now": now_ms}

        def work(connection: sqlite3.Connection) -> tuple[list[tuple[int, int]], int | None]:
            silent = connection.execute(_ALL_SILENT, asked).fetchall()
            return silent, connection.execute(_NEXT_SILENCE, asked).fetchone()[0]

        self._silent, following_ms = await asyncio.to_thread(self._at_once, work)
        if len(self._silent) == SILENT_AT_ONCE:
            following_ms = now_ms
        if following_ms is not None:
            self._look_for_silence_at(max(following_ms, now_ms + SILENCE_REST_MS))

    def _look_for_silence_at(self, at_ms: int) -> None:
        self._silence_look_ms = min(self._silence_look_ms, at_ms)

    def _claim(self, connection: sqlite3.Connection, asked: dict[str, int]) -> Waiting | None:
        # Of all devices together, so that one forgotten and heard again never meets an old fence.
        asked["fence"] = self._heard.next_revision(connection)
        row = connection.execute(_CLAIM, asked).fetchone()
        if row is None:
            return None
        self._heard.open(connection, asked["device"])
        name, fence, handed_out, envelope = row
        reports = connection.execute(_HANDED_OUT, (asked["device"], handed_out)).fetchall()
        state = connection.execute(f"SELECT {_STATE} FROM heard WHERE name = ? AND received > 0", (name,)).fetchone()
        return Waiting(
            device_id=name,
            fence=fence,
            reports=tuple(_report(name, each) for each in reports),
            state=None if state is None else _state(state),
            envelope=None if envelope is None else envelope_from_text(envelope),
        )

    async def settle(
        self,
        waiting: Waiting,
        *,
        envelope: Envelope | None,
        wake_at: datetime | None,
        silent_after_s: float | None,
    ) -> bool:
        """End a claim; False when it was lost."""
        silent_ms = None if silent_after_s is None else round(silent_after_s * 1000)
        asked = {
            "name": waiting.device_id,
            "fence": waiting.fence,
            "envelope": None if envelope is None else envelope_to_text(envelope),
            "wake_at": None if wake_at is None else to_ms(wake_at),
            "silent_after": silent_ms,
        }

        def work(connection: sqlite3.Connection) -> tuple[bool, int | None]:
            asked["revision"] = self._heard.next_revision(connection)
            row = connection.execute(_SETTLE, asked).fetchone()
            if row is None:
                return False, None
            device, handed_out, silent_at = row
            connection.execute("DELETE FROM unjudged WHERE device = ? AND report <= ?", (device, handed_out))
            self._heard.reload(connection, device)
            return True, silent_at

        held, silent_at = await self._write(work)
        if silent_at is not None:
            self._look_for_silence_at(silent_at)
        return held

    async def wake(self, device_id: str) -> None:
        """Make a device wait to be judged now; a wake during a judgement is judged after it."""
        now_ms = to_ms(self._clock.now())

        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute(
                "UPDATE heard SET woken = 1, waiting_since = ifnull(waiting_since, ?) WHERE name = ? RETURNING device",
                (now_ms, device_id),
            ).fetchone()
            if row is not None:
                self._heard.open(connection, row[0])

        await self._write(work)
        self._ring()

    async def roll_call(self, *, now: datetime, within_s: float) -> RollCall:
        """Count who is there and who went lately: one look through all devices."""
        now_ms = to_ms(now)
        asked = {"now": now_ms, "since": now_ms - round(within_s * 1000)}

        def work(connection: sqlite3.Connection) -> RollCall:
            present, gone, dark = connection.execute(_ROLL_CALL, asked).fetchone()
            (since_ms,) = connection.execute(_WAITS_LONGEST).fetchone()
            waiting_since = None if since_ms is None else from_ms(since_ms)
            return RollCall(present=present, gone=gone, dark=dark, waiting_since=waiting_since)

        return await self._read(work)

    async def forget(self, device_id: str) -> int:
        """Remove everything reported by a device; return how many reports there were."""

        def work(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT device FROM heard WHERE name = ?", (device_id,)).fetchone()
            if row is None:
                return 0
            connection.execute("DELETE FROM unjudged WHERE device = ?", row)
            gone = connection.execute("DELETE FROM reports WHERE device = ?", row).rowcount
            connection.execute("DELETE FROM heard WHERE device = ?", row)
            self._heard.next_revision(connection)
            self._heard.drop(device_id)
            return gone

        return await self._write(work)

    async def reports_waiting(self) -> int:
        """Return how many reports wait to be judged."""
        row = await self._read(lambda connection: connection.execute("SELECT count(*) FROM unjudged").fetchone())
        return int(row[0])

    def _ring(self) -> None:
        if self._wakeups is not None:
            self._wakeups.ring(BELL)


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


def _confirmed(connection: sqlite3.Connection, device_id: str) -> Confirmed:
    asked = "SELECT device, told_boot, told_seq FROM heard WHERE name = ?"
    row = connection.execute(asked, (device_id,)).fetchone()
    if row is None:
        return Confirmed(upto=None, beyond=())
    device, boot, seq = row
    told = None if boot is None else (boot, seq)
    beyond = json.loads(connection.execute(_BEYOND, (device, *(told or (-1, -1)))).fetchone()[0])
    return Confirmed(upto=told, beyond=tuple((each[0], each[1]) for each in beyond))


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


def _report(name: str, row: tuple[str, int, int, int, int, str, str]) -> Report:
    kind, boot, seq, at_ms, received_ms, clock, body = row
    return Report(name, ReportKind(kind), boot, seq, at_ms, received_ms, ClockQuality(clock), body, json.loads(body))


def _state(row: tuple[str, int, int, int, int, str, str, int | None]) -> DeviceState:
    name, boot, seq, at_ms, received_ms, clock, fields, offline_at = row
    return DeviceState(
        device_id=name,
        boot=boot,
        seq=seq,
        at=from_ms(at_ms),
        received_at=from_ms(received_ms),
        clock=ClockQuality(clock),
        fields=_fields(fields),
        online=offline_at is None or received_ms > offline_at,
    )


def _fields(body: str) -> dict[str, object]:
    fields: dict[str, object] = json.loads(body)
    for key in ORDER_KEYS:
        fields.pop(key, None)
    return fields


def _cursor(text: str) -> tuple[int, int]:
    at, _, number = text.partition(".")
    if not (at.isdecimal() and number.isdecimal()):
        raise ValueError("the cursor is not one of ours: leave it out to begin anew")
    return int(at), int(number)
