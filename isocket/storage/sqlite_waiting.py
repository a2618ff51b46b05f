"""Which devices wait to be judged, in SQLite: alarms overtake, and else whoever has been due longest comes first."""

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from isocket.kit.clock import FAR_AHEAD_MS, Clock, to_ms
from isocket.kit.logs import get_logger
from isocket.storage.envelope_text import envelope_from_text, envelope_to_text
from isocket.storage.set_back import SetBack
from isocket.storage.sqlite_documents import Look, Write
from isocket.storage.sqlite_heard import STATE, HeardDevices, ToJudge, state_of
from isocket.storage.sqlite_jobs import EarlyWord, rest_on
from isocket.storage.telemetry import Waiting

log = get_logger(__name__)

JUDGED_AT_ONCE = 2_000  # reports handed out with one claim; the rest comes with the next
SILENCE_LOOK_MS = 5_000  # another process may have set an earlier silence: look at least so often
SILENCE_REST_MS = 100  # and no oftener: each look goes through all devices
SILENT_AT_ONCE = 500
NOBODY_FOR_S = 0.1  # another process may have stored something since nobody was found: look again after so long
FREE_FOR_S = 0.5  # after asking in vain: who is there asks again sooner

_FREE = "lease_until <= :now"
_LOOKS = (
    f"SELECT waiting_since, device FROM heard WHERE waiting_since IS NOT NULL AND {_FREE} ORDER BY 1, 2 LIMIT 1",
    f"SELECT wake_at, device FROM heard WHERE wake_at <= :now AND {_FREE} ORDER BY 1, 2 LIMIT 1",
)
_URGENT = f"""
SELECT device FROM heard WHERE urgent_since IS NOT NULL AND waiting_since IS NOT NULL AND {_FREE}
ORDER BY urgent_since, device LIMIT 1
"""
_UNJUDGED_SILENCE = "silent_after IS NOT NULL AND received > 0 AND received IS NOT silence_judged"
_SILENT = f"{_UNJUDGED_SILENCE} AND received + silent_after <= :now AND {_FREE}"
_ALL_SILENT = f"SELECT received + silent_after, device FROM heard WHERE {_SILENT} ORDER BY 1, 2 LIMIT {SILENT_AT_ONCE}"
_STILL_SILENT = f"SELECT received + silent_after FROM heard WHERE device = :device AND {_SILENT}"
_NEXT_SILENCE = f"""
SELECT min(received + silent_after) FROM heard WHERE {_UNJUDGED_SILENCE} AND received + silent_after > :now AND {_FREE}
"""
_ANY_AHEAD = "SELECT max(received) > :far, max(lease_until) > :far FROM heard"
_END_LEASES_AHEAD = "UPDATE heard SET lease_until = 0 WHERE lease_until > :far"
_BRING_BACK = "UPDATE heard SET received = :now, wake_at = min(wake_at, :now) WHERE received > :far"
_CLAIM_AHEAD = f"""
UPDATE heard SET lease_until = :until, fence = :fence, claimed_at = :now, woken = 0,
  waiting_since = ifnull(waiting_since, :now),
  handed_out = ifnull((SELECT max(report) FROM (SELECT report FROM unjudged WHERE unjudged.device = heard.device
                       ORDER BY report LIMIT {JUDGED_AT_ONCE})), 0)
WHERE device = :device AND {_FREE}"""
_CLAIM = f"{_CLAIM_AHEAD} AND (waiting_since IS NOT NULL OR wake_at <= :now OR ({_SILENT}))"
_CLAIMED = f" RETURNING handed_out, envelope, received > 0, {STATE}"
REPORT = "kind, boot, seq, at, received, clock, body"  # what `report_of` reads
_HANDED_OUT = f"""
SELECT {REPORT} FROM unjudged JOIN report_log ON report_log.id = unjudged.report
WHERE unjudged.device = ? AND unjudged.report <= ? ORDER BY boot, seq
"""
_SETTLE = """
UPDATE heard SET lease_until = 0, envelope = :envelope, wake_at = :wake_at, silent_after = :silent_after,
  silence_judged = CASE WHEN received + :silent_after <= claimed_at THEN received ELSE silence_judged END,
  (waiting_since, urgent_since) = (
    SELECT CASE WHEN still THEN waiting_since END, CASE WHEN still THEN urgent_since END
    FROM (SELECT woken OR EXISTS (SELECT 1 FROM unjudged WHERE unjudged.device = heard.device
                                  AND report > handed_out) AS still))
WHERE name = :name AND fence = :fence AND lease_until > 0
RETURNING device, handed_out, CASE WHEN received IS NOT silence_judged THEN received + silent_after END,
  waiting_since IS NOT NULL
"""


class Ahead(NamedTuple):
    """A device claimed for a judge who is free; `told`: whether the claim is stored already."""

    waiting: Waiting
    lease_s: float
    told: EarlyWord


class WaitingDevices:
    """Claims and settles; the claims of the Telemetry port on one SQLite file."""

    def __init__(self, write: Write, look: Look, *, heard: HeardDevices, clock: Clock) -> None:
        self._write = write
        self._at_once = look
        self._clock = clock
        self._heard = heard  # used in the writer's thread alone
        self._silent: list[tuple[int, int]] = []  # (since, device), found by the last look
        self._silence_look_ms = 0  # when to look next
        self._set_back = SetBack(clock)
        self._overtook = False  # whoever was claimed last: then it is for the others to be next
        self._free: dict[str, tuple[float, float]] = {}  # who asked in vain: when, and for how long they claim
        self._nobody_until_s = float("-inf")  # nobody waits, as far as it is known
        self._ahead: deque[tuple[float, Ahead]] = deque()  # claimed for them, and until when it is of use

    def who_is_free(self) -> dict[str, float]:
        """Return who has asked in vain lately, and for how long each of them would claim a device."""
        since_s = self._clock.monotonic_s() - FREE_FOR_S
        return {owner: lease_s for owner, (asked_s, lease_s) in self._free.items() if asked_s >= since_s}

    def claimed_ahead(
        self,
        connection: sqlite3.Connection,
        marked: ToJudge,
        judges: Mapping[str, float],
        now_ms: int,
        told: EarlyWord,
    ) -> list[Ahead]:
        """Claim devices that have something to be judged for those who are free, alarms first; let the others wait.

        Called in the writer's thread, in the transaction that stored what is to be judged.
        """
        claimed: list[Ahead] = []
        left = set(marked.devices)
        for device, lease_s in zip(marked.devices, judges.values(), strict=False):
            asked = {"device": device, "now": now_ms, "until": now_ms + round(lease_s * 1000)}
            waiting = self._claim(connection, _CLAIM_AHEAD, asked, fence=self._heard.count_up(connection))
            if waiting is not None:
                claimed.append(Ahead(waiting, lease_s, told))
                left.remove(device)
        if left:
            self._heard.begin_to_wait(connection, left, now_ms, urgent=marked.urgent)
        return claimed

    def hand_over(self, claimed: Sequence[Ahead]) -> None:
        """Keep what was claimed ahead for whoever asks next: they may begin while it is on its way to the disk."""
        for each in claimed:
            self._ahead.append((self._clock.monotonic_s() + each.lease_s / 2, each))
            if self._free:
                self._free.pop(next(iter(self._free)))  # one of them is busy now

    def somebody_waits(self) -> None:
        """Note that a device waits that was not claimed ahead: whoever asks next has to look."""
        self._nobody_until_s = float("-inf")

    async def give_back(self) -> None:
        """End the claims that nobody took: whoever starts next need not wait until their leases are over."""
        left, self._ahead = list(self._ahead), deque()
        if not left:
            return
        asked = [(each.waiting.device_id, each.waiting.fence) for _, each in left]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("UPDATE heard SET lease_until = 0 WHERE name = ? AND fence = ?", asked)

        await self._write(work)

    async def claim(self, *, now: datetime, lease_s: float, ahead_for: str | None = None) -> Waiting | None:
        """Claim the device that comes first, with its reports in order."""
        rest_on(None)
        if ahead_for is None:
            return await self._claim_longest(now, lease_s)
        self._free.pop(ahead_for, None)
        claimed = self._handed_over()
        if claimed is None and self._clock.monotonic_s() >= self._nobody_until_s:
            claimed = await self._claim_longest(now, lease_s) or self._handed_over()
        if claimed is None:
            self._free[ahead_for] = self._clock.monotonic_s(), lease_s
        return claimed

    def _handed_over(self) -> Waiting | None:
        """Return what was claimed ahead first; what nobody took for long is left to whoever finds its lease over."""
        while self._ahead:
            until_s, claimed = self._ahead.popleft()
            if self._clock.monotonic_s() < until_s and not claimed.told.came_to_nothing:
                rest_on(claimed.told)
                return claimed.waiting
        return None

    async def _claim_longest(self, now: datetime, lease_s: float) -> Waiting | None:
        now_ms = to_ms(now)
        until = to_ms(now + timedelta(seconds=lease_s))
        while True:
            if self._silence_is_due(now_ms):
                await self._look_for_silence(now_ms)
            urgent, longest = self._at_once(lambda connection: self._first(connection, now_ms))
            device = longest if urgent is None or self._overtook else urgent
            if device is None:
                self._nobody_until_s = self._clock.monotonic_s() + NOBODY_FOR_S
                return None
            asked = {"device": device, "now": now_ms, "until": until}
            claimed = await self._write(partial(self._claim_due, asked=asked), synced=False)
            if claimed is not None:
                self._overtook = device == urgent and device != longest
                return claimed

    def _first(self, connection: sqlite3.Connection, now_ms: int) -> tuple[int | None, int | None]:
        """Return the device that has waited longest of those that say an alarm, and of all.

        They are claimed in turns where they differ: an alarm waits behind no crowd, and none keeps others waiting.
        """
        longest = self._longest_waiting(connection, now_ms)
        if longest is None:
            return None, None
        urgent = connection.execute(_URGENT, {"now": now_ms}).fetchone()
        return (None if urgent is None else urgent[0]), longest

    def _longest_waiting(self, connection: sqlite3.Connection, now_ms: int) -> int | None:
        """Return the device that has been due longest for whatever reason."""
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
        far = {"now": now_ms, "far": now_ms + FAR_AHEAD_MS}

        def work(connection: sqlite3.Connection) -> tuple[list[tuple[int, int]], int | None, tuple[int, int]]:
            silent = connection.execute(_ALL_SILENT, asked).fetchall()
            following_ms = connection.execute(_NEXT_SILENCE, asked).fetchone()[0]
            return silent, following_ms, connection.execute(_ANY_AHEAD, far).fetchone()

        self._silent, following_ms, (heard_ahead, leased_ahead) = await asyncio.to_thread(self._at_once, work)
        if leased_ahead:
            await self._write(lambda connection: connection.execute(_END_LEASES_AHEAD, far))
            following_ms = now_ms
        if self._set_back.is_believed(heard_ahead=bool(heard_ahead)):
            brought = await self._write(lambda connection: connection.execute(_BRING_BACK, far).rowcount)
            log.warning("clock_was_set_back", devices=brought)
            following_ms = now_ms
        if len(self._silent) == SILENT_AT_ONCE:
            following_ms = now_ms
        if following_ms is not None:
            self._look_for_silence_at(max(following_ms, now_ms + SILENCE_REST_MS))

    def _look_for_silence_at(self, at_ms: int) -> None:
        self._silence_look_ms = min(self._silence_look_ms, at_ms)

    def _claim_due(self, connection: sqlite3.Connection, asked: dict[str, int]) -> Waiting | None:
        return self._claim(connection, _CLAIM, asked, fence=self._heard.next_revision(connection))

    def _claim(
        self, connection: sqlite3.Connection, statement: str, asked: dict[str, int], *, fence: int
    ) -> Waiting | None:
        """Claim one device; `fence` is a revision, so that one forgotten and heard again never meets an old fence."""
        row = connection.execute(statement + _CLAIMED, {**asked, "fence": fence}).fetchone()
        if row is None:
            return None
        self._heard.open(asked["device"])
        handed_out, envelope, was_heard, *latest = row
        state = state_of(latest)
        reports = connection.execute(_HANDED_OUT, (asked["device"], handed_out)).fetchall()
        return Waiting(
            device_id=state.device_id,
            fence=fence,
            reports=tuple(report_of(state.device_id, each) for each in reports),
            state=state if was_heard else None,
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

        def work(connection: sqlite3.Connection) -> tuple[bool, int | None, bool]:
            self._heard.next_revision(connection)
            row = connection.execute(_SETTLE, asked).fetchone()
            if row is None:
                return False, None, True
            device, handed_out, silent_at, waits = row
            connection.execute("DELETE FROM unjudged WHERE device = ? AND report <= ?", (device, handed_out))
            self._heard.reload(connection, device)
            return True, silent_at, bool(waits)

        # Lost with the power, the device is judged again.
        held, silent_at, waits = await self._write(work, synced=False)
        if silent_at is not None:
            self._look_for_silence_at(silent_at)
        if waits:
            self.somebody_waits()
        return held

    async def wake(self, device_id: str) -> None:
        """Make a device wait to be judged now; a wake during a judgement is judged after it."""
        now_ms = self._clock.now_ms()

        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute(
                "UPDATE heard SET woken = 1, waiting_since = ifnull(waiting_since, ?) WHERE name = ? RETURNING device",
                (now_ms, device_id),
            ).fetchone()
            if row is not None:
                self._heard.next_revision(connection)
                self._heard.open(row[0])

        await self._write(work)
        self.somebody_waits()


def report_of(name: str, row: tuple[str, int, int, int, int, str, str]) -> Report:
    """Return the report in a row of `REPORT`."""
    kind, boot, seq, at_ms, received_ms, clock, body = row
    return Report(name, ReportKind(kind), boot, seq, at_ms, received_ms, ClockQuality(clock), body, json.loads(body))
