"""Telemetry in SQLite where two processes share the file, or the clock is set back."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from isocket.kit.clock import to_ms
from isocket.storage.sqlite import SqliteStore
from isocket.storage.telemetry import Telemetry, Waiting
from tests.fakes.clock import NOON, ManualClock

QUIET = Envelope(battery_low_pct=20)


@pytest.fixture
async def other(file: Path, store: SqliteStore, clock: ManualClock) -> AsyncIterator[SqliteStore]:
    """The same file, opened as by another process."""
    opened = await SqliteStore.open(file, clock=clock)
    yield opened
    await opened.close()


def report(seq: int, *, mains: bool = True, kind: ReportKind = ReportKind.STATE) -> Report:
    at_ms = to_ms(NOON)
    body = '{"mains":true}' if mains else '{"mains":false}'
    return Report("d1", kind, 1, seq, at_ms, at_ms, ClockQuality.DEVICE, body, {"mains": mains})


async def settle_next(
    telemetry: Telemetry, clock: ManualClock, *, envelope: Envelope | None = QUIET, silent_after_s: float | None = None
) -> None:
    waiting = await telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30)
    assert waiting is not None
    assert await telemetry.settle(waiting, envelope=envelope, wake_at=None, silent_after_s=silent_after_s)


@pytest.mark.parametrize("kind", [ReportKind.STATE, ReportKind.ALARM])
async def test_once_a_device_waits_reports_that_come_by_another_process_are_judged_too(
    store: SqliteStore, other: SqliteStore, clock: ManualClock, kind: ReportKind
) -> None:
    await store.telemetry.store([report(1)])
    await settle_next(store.telemetry, clock)
    await other.telemetry.store([report(2)])  # quiet: the other process knows the envelope now
    await store.telemetry.store([report(3, mains=False, kind=kind)])
    await other.telemetry.store([report(4)])
    waiting = await other.telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30)
    assert waiting is not None
    assert [each.seq for each in waiting.reports] == [3, 4]


async def test_a_device_that_another_process_forgot_begins_anew_here_too(
    store: SqliteStore, other: SqliteStore, clock: ManualClock
) -> None:
    await store.telemetry.store([report(1)])
    await settle_next(store.telemetry, clock)
    await other.telemetry.store([report(2)])  # the other process knows it now
    assert await store.telemetry.forget("d1") == 2
    await other.telemetry.store([report(3)])
    waiting = await store.telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30)
    assert waiting is not None
    assert [each.seq for each in waiting.reports] == [3], "it is new, and nobody has said that it is quiet"


async def test_that_a_device_went_is_not_noted_of_the_one_that_has_the_place_of_a_forgotten_one(
    store: SqliteStore, other: SqliteStore
) -> None:
    await other.telemetry.store([report(1)])
    await store.telemetry.forget("d1")
    await store.telemetry.store([report(1)._replace(device_id="d2")])
    await other.telemetry.note_presence("d1", online=False, at=NOON + timedelta(minutes=1))
    assert (await store.telemetry.latest(["d2"]))["d2"].online


async def test_who_forgets_a_device_still_learns_what_another_process_wrote_just_before(
    store: SqliteStore, other: SqliteStore, clock: ManualClock
) -> None:
    await store.telemetry.store([report(1), report(1)._replace(device_id="d2")])
    await settle_next(store.telemetry, clock)
    await settle_next(store.telemetry, clock)
    await store.telemetry.store([report(2)])  # quiet: it knows that now
    await other.telemetry.store([report(3, kind=ReportKind.ALARM)])
    await store.telemetry.forget("d2")
    await store.telemetry.store([report(4)])
    waiting = await store.telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30)
    assert waiting is not None
    assert [each.seq for each in waiting.reports] == [3, 4]


async def test_hours_that_were_gathered_while_a_device_was_forgotten_go_as_well(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.telemetry.store([report(1)])
    await store.telemetry.roll_up()
    monkeypatch.setattr("isocket.storage.sqlite_telemetry.forget_some_hours", lambda *_: 0)  # they come after that
    await store.telemetry.forget("d1")
    left = await store._file.read(lambda connection: connection.execute("SELECT count(*) FROM hours").fetchone())
    assert left == (0,)


async def test_alarms_overtake_in_a_file_of_a_program_that_did_not_know_of_that(
    file: Path, clock: ManualClock, store: SqliteStore
) -> None:
    await store.telemetry.store([report(1)])
    await store.close()
    with sqlite3.connect(file) as older:
        older.execute("DROP INDEX heard_urgent")
        older.execute("ALTER TABLE heard DROP COLUMN urgent_since")
    older.close()
    opened = await SqliteStore.open(file, clock=clock)
    await opened.telemetry.store([report(1, kind=ReportKind.ALARM)._replace(device_id="d2")])
    waiting = await opened.telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30)
    await opened.close()
    assert waiting is not None
    assert waiting.device_id == "d2"


async def test_what_a_program_that_did_not_know_of_that_left_behind_as_urgent_holds_nobody_up(
    file: Path, clock: ManualClock, store: SqliteStore
) -> None:
    await store.telemetry.store([report(1, kind=ReportKind.ALARM)])
    with sqlite3.connect(file) as older:  # judged by it, which says nothing of alarms
        older.execute("UPDATE heard SET waiting_since = NULL")
        older.execute("DELETE FROM unjudged")
    older.close()
    await store.telemetry.store([report(1)._replace(device_id="d2")])
    async with asyncio.timeout(30):
        waiting = await store.telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30)
    assert waiting is not None
    assert waiting.device_id == "d2"


async def test_while_a_device_is_claimed_ahead_reports_that_come_by_another_process_are_judged_too(
    store: SqliteStore, other: SqliteStore, clock: ManualClock
) -> None:
    async def ask() -> Waiting | None:
        return await store.telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30, ahead=True)

    await store.telemetry.store([report(1)])
    await settle_next(store.telemetry, clock)
    await other.telemetry.store([report(2)])  # quiet: the other process knows the envelope now
    assert await ask() is None
    await store.telemetry.store([report(3, kind=ReportKind.ALARM)])
    await other.telemetry.store([report(4)])
    for seq in (3, 4):
        waiting = await ask()
        assert waiting is not None
        assert [each.seq for each in waiting.reports] == [seq]
        assert await store.telemetry.settle(waiting, envelope=None, wake_at=None, silent_after_s=None)


async def test_silence_is_found_soon_after_the_clock_was_set_back(store: SqliteStore, clock: ManualClock) -> None:
    telemetry = store.telemetry
    hour = timedelta(hours=1)
    assert await telemetry.claim_waiting(owner="w", now=NOON + hour, lease_s=30) is None
    await telemetry.store([report(1)])
    await settle_next(telemetry, clock, silent_after_s=60)
    telemetry._waiting._silence_look_ms = to_ms(NOON + hour)  # as after a look in that wrong hour
    assert await telemetry.claim_waiting(owner="w", now=NOON + timedelta(seconds=61), lease_s=30) is not None


async def test_a_quiet_report_counts_up_nothing_that_others_look_at(store: SqliteStore, clock: ManualClock) -> None:
    await store.telemetry.store([report(1)])
    await settle_next(store.telemetry, clock)

    async def revision() -> int:
        return await store._file.read(lambda c: int(c.execute("SELECT revision FROM telemetry_revision").fetchone()[0]))

    before = await revision()
    await store.telemetry.store([report(2)])
    assert await revision() == before
    await store.telemetry.store([report(3, mains=False)])
    assert await revision() > before


async def test_a_long_look_for_silence_is_not_made_on_the_event_loop(store: SqliteStore, clock: ManualClock) -> None:
    threads: list[bool] = []
    genuine = store.telemetry._waiting._at_once

    def look(work: Callable[[sqlite3.Connection], Any]) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return genuine(work)

    store.telemetry._waiting._at_once = look
    assert await store.telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30) is None
    assert threads == [False, True]
