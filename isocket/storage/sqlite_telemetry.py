"""The Telemetry port on one SQLite file: batches (`sqlite_batch`), claims (`sqlite_waiting`), and what is read."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from isocket.domain.reports import DeviceState, Envelope, Order, Report
from isocket.kit.clock import Clock, from_ms, to_ms
from isocket.storage.in_turns import Looks, in_turns
from isocket.storage.rollup import OF_REPORTS, Cut, cursor_of, place_of, rolled_up
from isocket.storage.sqlite_batch import store_batch, store_past
from isocket.storage.sqlite_confirmed import confirmed_of, few_confirmed, note_told, report_named
from isocket.storage.sqlite_documents import Look, Run, Write
from isocket.storage.sqlite_filing import Filing, make_places
from isocket.storage.sqlite_forgetting import forget_rest, forget_some_hours, forget_some_reports
from isocket.storage.sqlite_heard import STATE, HeardDevices, state_of
from isocket.storage.sqlite_jobs import EarlyWord, note_what_came
from isocket.storage.sqlite_news import news_of
from isocket.storage.sqlite_roll_call import gone_of, roll_call_of
from isocket.storage.sqlite_schema import make_heard
from isocket.storage.sqlite_table import table_of
from isocket.storage.sqlite_waiting import REPORT, Ahead, WaitingDevices, report_of
from isocket.storage.sqlite_windows import SCHEMA as WINDOWS
from isocket.storage.sqlite_windows import (
    arrivals_of,
    decoded_parts,
    decoded_points,
    harvest,
    kept_from,
    old_reports,
    parts_and_points,
    remove,
)
from isocket.storage.table import Table, TableCursor
from isocket.storage.telemetry import Arrival, Confirmed, News, NewsCursor, RollCall, Series, Waiting
from isocket.storage.wakeups import HEARD, WAITS, Wakeups

KEPT_COMINGS = 20_000
FEW_DEVICES = 20  # whose states are looked up on the event loop: crossing over to a thread takes as long

_POINTS = """
SELECT at, id, body FROM reports_in_time WHERE device = (SELECT device FROM heard WHERE name = ?)
AND kind = 'state' AND at >= ? AND at < ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?
"""

_REPORTS = f"""
SELECT {REPORT} FROM reports_in_time WHERE device = (SELECT device FROM heard WHERE name = ?)
AND at >= ? AND at < ? AND (at, boot, seq) > (?, ?, ?) ORDER BY at, boot, seq LIMIT ?
"""

_START_OVER = """
UPDATE heard SET fields = json_patch(heard.fields, new.body), at = new.at, clock = new.clock,
  boot = new.boot, seq = new.seq
FROM (SELECT * FROM reports_in_order WHERE device = (SELECT device FROM heard WHERE name = ?) AND kind = 'state'
      AND (boot, seq) > (?, ?) AND (boot, seq) < (?, ?) ORDER BY id DESC LIMIT 1) AS new
WHERE heard.device = new.device
"""


class SqliteTelemetry:
    """The Telemetry port on one SQLite file."""

    def __init__(
        self,
        write: Write,
        read: Run,
        look: Look,
        *,
        read_aside: Run,
        heard: HeardDevices,
        wakeups: Wakeups | None,
        clock: Clock,
    ) -> None:
        self._write = write
        self._read = read
        self._read_aside = read_aside
        self._look = look
        self._looks = Looks()
        self._wakeups = wakeups
        self._clock = clock
        self._heard, self._filing = heard, Filing()  # used in the writer's thread alone
        self._waiting = WaitingDevices(write, look, heard=heard, clock=clock)

    async def prepare(self) -> None:
        """Make tables that are missing."""

        def work(connection: sqlite3.Connection) -> None:
            make_places(connection)
            make_heard(connection)
            for statement in WINDOWS.split(";"):
                connection.execute(statement)

        await self._write(work)

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        """Store a batch in one commit; return for each report whether it was new.

        A judge who is free hears of it before it is on disk, as an `EarlyWord`: reading and thinking need not wait.
        """
        if not reports:
            return []
        now_ms = self._clock.now_ms()
        judges = self._waiting.who_is_free()
        loop = asyncio.get_running_loop()
        tellings: list[EarlyWord] = []
        is_over = False  # for us: who was cancelled says nothing of what is written after that

        def work(connection: sqlite3.Connection) -> _Batch:
            new, marked = store_batch(connection, self._heard, self._filing, reports)
            told = EarlyWord()
            tellings.append(told)
            claimed = self._waiting.claimed_ahead(connection, marked, {} if is_over else judges, now_ms, told)
            if claimed and not is_over:
                loop.call_soon_threadsafe(self._hand_over, claimed)
            return _Batch(new, len(marked.devices) > len(claimed), told)

        try:
            batch = await self._write(work, tells=lambda batch: batch.told)
        except Exception:
            note_what_came(tellings)
            raise
        finally:
            is_over = True
        note_what_came(tellings)
        self._ring(waits=batch.waits)
        return batch.new

    def _hand_over(self, claimed: Sequence[Ahead]) -> None:
        self._waiting.hand_over(claimed)
        if self._wakeups is not None:
            self._wakeups.ring_for(WAITS, len(claimed))

    async def note_presence(self, device_id: str, *, online: bool, at: datetime) -> None:
        """Note what the broker says of a connection; being online counts as being heard."""
        at_ms = to_ms(at)

        def work(connection: sqlite3.Connection) -> bool:
            number = self._heard.number(connection, device_id)
            connection.execute("INSERT INTO came_and_went (device) VALUES (?)", (number,))
            connection.execute(f"DELETE FROM came_and_went WHERE number <= last_insert_rowid() - {KEPT_COMINGS}")
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

        self._ring(waits=await self._write(work))

    async def confirmed(self, device_ids: Sequence[str]) -> dict[str, Confirmed]:
        """Return how far each device's storing was confirmed, and what is stored beyond."""
        if len(device_ids) <= FEW_DEVICES:  # an alarm waits for this, and mostly there is next to nothing to read
            few = self._look(lambda connection: few_confirmed(connection, device_ids))
            await self._looks.made_one(0)
            if few is not None:
                return few
        return await self._read(lambda connection: {each: confirmed_of(connection, each) for each in device_ids})

    async def note_confirmed(self, upto: Mapping[str, Order]) -> None:
        """Note how far devices were told."""
        await self._write(lambda connection: note_told(connection, upto))

    async def latest(self, device_ids: Sequence[str]) -> dict[str, DeviceState]:
        """Return the latest state of those devices that ever spoke."""
        statement = f"SELECT {STATE} FROM heard WHERE received > 0 AND name IN (SELECT value FROM json_each(?))"
        asked = json.dumps(list(device_ids))

        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(statement, (asked,)).fetchall()

        rows = self._look(work) if len(device_ids) <= FEW_DEVICES else await self._read(work)
        await self._looks.made_one(len(rows))
        return dict(await in_turns(lambda row: (row[0], state_of(row)), rows))

    async def news(self, after: NewsCursor | None, device_ids: Sequence[str]) -> News:
        """Return which of the devices have said something, come or gone after a place."""
        return await self._read(lambda connection: news_of(connection, after, device_ids))

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
        spread: bool = False,
    ) -> Series:
        """Return points with start <= time < end, oldest first."""
        start_ms, end_ms = to_ms(start), to_ms(end)
        if step not in OF_REPORTS:
            cut = Cut.of(step, time_zone, start_ms, end_ms)
            hours, rows = await self._read(lambda c: parts_and_points(c, device_id, cut, start_ms, end_ms))
        else:
            seek = place_of(cursor) if cursor else (start_ms, -1)
            asked = (device_id, start_ms, end_ms, *seek, limit if step == "raw" else -1)
            cut, hours, rows = None, [], await self._read(lambda c: c.execute(_POINTS, asked).fetchall())
        following = cursor_of(*rows[-1][:2]) if step == "raw" and len(rows) == limit else None
        return await asyncio.to_thread(
            lambda: rolled_up(
                decoded_points(rows),
                step=step,
                fields=fields,
                time_zone=time_zone,
                following=following,
                parts=decoded_parts(hours, cut) if cut else (),
                spread=spread,
            )
        )

    async def arrivals(self, device_id: str, *, start: datetime, end: datetime) -> list[Arrival]:
        """Return which messages of a time came, and a neighbour on each side."""
        return await self._read(lambda connection: arrivals_of(connection, device_id, to_ms(start), to_ms(end)))

    async def roll_up(self, *, limit: int = 1000) -> int:
        """Gather reports into hours; another process that was quicker has done it for us."""
        made = await self._read(lambda connection: harvest(connection, limit))
        if made.looked_at:
            await self._write(made.store)
        return made.looked_at

    async def prune(self, before: datetime, *, limit: int = 500, sparing: Sequence[str] = ()) -> int:
        """Remove old reports that are gathered and judged; return how many."""
        numbers = await self._read(lambda connection: old_reports(connection, to_ms(before), limit, sparing))
        return await self._write(lambda connection: remove(connection, numbers, to_ms(before)))

    async def prunable(self, before: datetime, *, sparing: Sequence[str] = ()) -> int:
        """Return how many reports `prune` would remove."""
        return len(await self._read(lambda connection: old_reports(connection, to_ms(before), -1, sparing)))

    async def reports(
        self, device_id: str, *, start: datetime, end: datetime, after: Report | None = None, limit: int = 10_000
    ) -> list[Report]:
        """Return the messages of a device with start <= time < end, ordered by (time, boot, seq)."""
        seek = (-1, -1, -1) if after is None else (after.at_ms, after.boot, after.seq)
        since_ms = to_ms(start) if after is None else after.at_ms
        asked = (device_id, since_ms, to_ms(end), *seek, limit)
        rows = await self._read(lambda c: c.execute(_REPORTS, asked).fetchall())
        return await in_turns(lambda row: report_of(device_id, row), rows)

    async def named(self, device_id: str, order: Order) -> Report | None:
        """Return the message that has this name."""
        return await self._read(lambda connection: report_named(connection, device_id, order))

    async def table(
        self, device_id: str, *, start: datetime, end: datetime, after: TableCursor | None = None, limit: int = 5_000
    ) -> Table:
        """Return lines of a table, read and written by SQLite in a thread that stands back."""
        behind, end_ms = after or (to_ms(start), -1), to_ms(end)
        return await self._read_aside(lambda c: table_of(c, device_id, after=behind, end_ms=end_ms, limit=limit))

    async def take_in(self, reports: Sequence[Report]) -> int:
        """Store reports as the past alone."""
        if not reports:
            return 0
        return await self._write(lambda connection: store_past(connection, self._heard, self._filing, reports))

    async def whole_since(self) -> datetime:
        """Return since when single reports are all there."""
        return from_ms(await self._read(kept_from))

    async def claim_waiting(
        self,
        *,
        owner: str,
        now: datetime,
        lease_s: float,
        ahead: bool = False,
    ) -> Waiting | None:
        """Claim the device that has been due longest, with its reports in order."""
        return await self._waiting.claim(now=now, lease_s=lease_s, ahead_for=owner if ahead else None)

    async def give_back(self) -> None:
        """End the claims that were made ahead and that nobody took, before the file is let go of."""
        await self._waiting.give_back()

    async def settle(
        self,
        waiting: Waiting,
        *,
        envelope: Envelope | None,
        wake_at: datetime | None,
        silent_after_s: float | None,
    ) -> bool:
        """End a claim; False when it was lost."""
        return await self._waiting.settle(waiting, envelope=envelope, wake_at=wake_at, silent_after_s=silent_after_s)

    async def wake(self, device_id: str) -> None:
        """Make a device wait to be judged now; a wake during a judgement is judged after it."""
        await self._waiting.wake(device_id)
        self._ring(waits=True)

    async def roll_call(self, *, now: datetime, within_s: float) -> RollCall:
        """Count who is there and who went lately: one look through all devices."""
        return await self._read(lambda connection: roll_call_of(connection, now, within_s))

    async def gone(self, *, now: datetime, within_s: float, limit: int, after: str = "") -> list[str]:
        """Name some of those that went lately, but for those without mains power."""
        return await self._read(lambda connection: gone_of(connection, now, within_s, limit=limit, after=after))

    async def start_over(self, device_id: str, *, beyond: Order, below: Order) -> None:
        """Let the latest state follow a device that counts its boots from the beginning again."""
        await self._write(lambda connection: connection.execute(_START_OVER, (device_id, *beyond, *below)).rowcount)

    async def forget(self, device_id: str) -> int:
        """Remove everything reported by a device; return how many reports there were.

        A socket's years are too much for one transaction. Whoever dies in between finds the rest by its name.
        """
        gone = 0
        while some := await self._write(lambda connection: forget_some_reports(connection, device_id)):
            gone += some
        while await self._write(lambda connection: forget_some_hours(connection, device_id)):
            pass
        return gone + await self._write(lambda connection: forget_rest(connection, self._heard, device_id))

    async def reports_waiting(self) -> int:
        """Return how many reports wait to be judged."""
        return int((await self._read(lambda c: c.execute("SELECT count(*) FROM unjudged").fetchone()))[0])

    def _ring(self, *, waits: bool) -> None:
        if waits:
            self._waiting.somebody_waits()
        if self._wakeups is not None:
            self._wakeups.ring(HEARD)
            if waits:
                self._wakeups.ring(WAITS)


class _Batch(NamedTuple):
    """What became of a batch in the writer's thread."""

    new: list[bool]
    waits: bool  # a device that nobody has claimed
    told: EarlyWord
