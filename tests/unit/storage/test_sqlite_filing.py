"""Reports that are filed later are found as if they had been at once."""

import re
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from isocket.kit.clock import to_ms
from isocket.storage import (
    sqlite_confirmed,
    sqlite_filing,
    sqlite_forgetting,
    sqlite_table,
    sqlite_telemetry,
    sqlite_windows,
)
from isocket.storage.sqlite import SqliteStore
from isocket.storage.sqlite_filing import ASKED_AT_ONCE, Filing, stored_among
from isocket.storage.windows import HOUR_MS
from tests.fakes.clock import NOON, ManualClock

DEVICES = [f"d{number:02d}" for number in range(12)]


def report(device: str, seq: int, *, boot: int = 1, after_ms: int | None = None) -> Report:
    at_ms = to_ms(NOON) + (seq * 1000 if after_ms is None else after_ms)
    body = '{"mains":true}'
    return Report(device, ReportKind.STATE, boot, seq, at_ms, at_ms, ClockQuality.DEVICE, body, {"mains": True})


def rows_of(file: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def check_places(file: Path) -> None:
    """Each report has one place that waits, or one in either order; nothing else has any."""
    orders = "SELECT device, boot, seq, {id} FROM {table} ORDER BY 4"
    waiting = rows_of(file, orders.format(id="report", table="unfiled"))
    filed = rows_of(file, orders.format(id="report", table="filed_by_order"))
    assert sorted(waiting + filed) == sorted(rows_of(file, orders.format(id="id", table="reports")))
    times = rows_of(file, "SELECT device, at, report FROM filed_by_time ORDER BY 3")
    numbers = {row[3] for row in filed}
    known = rows_of(file, "SELECT device, at, id FROM reports ORDER BY 3")
    assert times == [row for row in known if row[2] in numbers]


async def seqs_of(store: SqliteStore, device: str) -> list[int]:
    found = await store.telemetry.reports(device, start=NOON, end=NOON + timedelta(days=1))
    return [each.seq for each in found]


@pytest.fixture
async def filing(store: SqliteStore) -> SqliteStore:
    """A store in which few places wait."""
    store.telemetry._filing = Filing(may_wait=20, at_least=5)
    return store


async def test_few_places_wait_however_many_reports_come_and_each_device_has_its_turn(
    filing: SqliteStore, file: Path
) -> None:
    longest, filed = 0, set()
    for seq in range(1, 30):
        assert all(await filing.telemetry.store([report(device, seq) for device in DEVICES]))
        check_places(file)
        longest = max(longest, *rows_of(file, "SELECT count(*) FROM unfiled")[0])
        filed |= {device for (device,) in rows_of(file, "SELECT DISTINCT device FROM filed_by_order")}
    assert longest <= 20 + 5 + len(DEVICES)
    assert len(filed) == len(DEVICES)
    assert [await seqs_of(filing, device) for device in DEVICES] == [list(range(1, 30))] * len(DEVICES)


async def test_one_report_after_the_other_is_filed_as_well(filing: SqliteStore, file: Path) -> None:
    for seq in range(1, 60):
        await filing.telemetry.store([report("d00", seq)])
    assert rows_of(file, "SELECT count(*) FROM unfiled")[0][0] < 25
    assert await seqs_of(filing, "d00") == list(range(1, 60))


async def test_reports_are_filed_although_every_program_ends_before_it_has_stored_many(
    filing: SqliteStore, file: Path
) -> None:
    for seq in range(1, 60):
        filing.telemetry._filing = Filing(may_wait=20, at_least=5)
        await filing.telemetry.store([report("d00", seq)])
    assert rows_of(file, "SELECT count(*) FROM unfiled")[0][0] < 25


async def test_what_waits_is_not_counted_with_each_report(filing: SqliteStore) -> None:
    await filing.telemetry.store([report("d00", 1)])  # how many wait is not known at first
    asked: list[str] = []
    filing._file._writer._connection.set_trace_callback(asked.append)
    for seq in range(2, 12):
        await filing.telemetry.store([report("d00", seq)])
    filing._file._writer._connection.set_trace_callback(None)
    assert sum("count(*) FROM unfiled" in each for each in asked) == 2


async def test_a_repeat_is_known_wherever_its_report_has_its_place(filing: SqliteStore, file: Path) -> None:
    for seq in range(1, 10):
        await filing.telemetry.store([report(device, seq) for device in DEVICES])
    assert rows_of(file, "SELECT 1 FROM unfiled")
    assert rows_of(file, "SELECT 1 FROM filed_by_order")
    again = [report(device, seq) for seq in range(1, 10) for device in DEVICES]
    assert await filing.telemetry.store(again) == [False] * len(again)
    assert await filing.telemetry.take_in(again) == 0
    check_places(file)


async def test_what_is_forgotten_has_no_place_and_may_come_again(filing: SqliteStore, file: Path) -> None:
    for seq in range(1, 10):
        await filing.telemetry.store([report(device, seq) for device in DEVICES])
    assert [await filing.telemetry.forget(device) for device in DEVICES[::2]] == [9] * 6
    check_places(file)
    assert all(await filing.telemetry.store([report(device, 3) for device in DEVICES[::2]]))
    assert await seqs_of(filing, DEVICES[0]) == [3]
    assert await seqs_of(filing, DEVICES[1]) == list(range(1, 10))


async def test_a_device_of_many_years_is_forgotten_a_piece_at_a_time(
    filing: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seq in range(1, 10):  # each in an hour of its own
        await filing.telemetry.store([report(device, seq, after_ms=seq * HOUR_MS) for device in DEVICES])
    while await filing.telemetry.roll_up():
        pass
    monkeypatch.setattr(sqlite_forgetting, "REPORTS_AT_ONCE", 3)
    monkeypatch.setattr(sqlite_forgetting, "HOURS_AT_ONCE", 2)
    write, in_one_transaction = filing.telemetry._write, list[int]()
    counted = "SELECT (SELECT count(*) FROM report_log) + (SELECT count(*) FROM hours)"

    def counting(work: Callable[[sqlite3.Connection], int]) -> Any:
        def counted_work(connection: sqlite3.Connection) -> int:
            before = connection.execute(counted).fetchone()[0]
            done = work(connection)
            in_one_transaction.append(before - connection.execute(counted).fetchone()[0])
            return done

        return write(counted_work)

    monkeypatch.setattr(filing.telemetry, "_write", counting)
    filed = rows_of(file, "SELECT count(*) FROM filed_by_order GROUP BY device ORDER BY device")[0][0]
    assert await filing.telemetry.forget(DEVICES[0]) == 9
    assert filed > 3
    assert max(in_one_transaction) <= max(3, 9 - filed)  # what is not filed yet is little, and goes at the end
    assert sum(in_one_transaction) == 9 + 9
    assert rows_of(file, "SELECT count(*) FROM hours") == [(9 * (len(DEVICES) - 1),)]
    check_places(file)


async def test_what_was_broken_off_in_forgetting_is_forgotten_by_the_next(
    filing: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seq in range(1, 10):
        await filing.telemetry.store([report(device, seq) for device in DEVICES])
    monkeypatch.setattr(sqlite_forgetting, "REPORTS_AT_ONCE", 3)
    await filing.telemetry._write(lambda connection: sqlite_forgetting.forget_some_reports(connection, DEVICES[0]))
    check_places(file)
    assert await seqs_of(filing, DEVICES[0]) == list(range(4, 10))
    assert await filing.telemetry.forget(DEVICES[0]) == 6
    assert await seqs_of(filing, DEVICES[0]) == []
    assert DEVICES[0] not in {name for (name,) in rows_of(file, "SELECT name FROM heard")}


async def test_what_is_pruned_has_no_place(filing: SqliteStore, file: Path, clock: ManualClock) -> None:
    for seq in range(1, 10):
        await filing.telemetry.store([report(device, seq) for device in DEVICES])
    while waiting := await filing.telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30):
        await filing.telemetry.settle(waiting, envelope=Envelope(anything=True), wake_at=None, silent_after_s=None)
    while await filing.telemetry.roll_up():
        pass
    before = NOON + timedelta(seconds=6)
    assert await filing.telemetry.prunable(before) == 5 * len(DEVICES)
    while await filing.telemetry.prune(before, limit=7):
        pass
    check_places(file)
    assert {tuple(await seqs_of(filing, device)) for device in DEVICES} == {(6, 7, 8, 9)}


async def test_a_report_never_gets_the_number_of_one_that_is_gone(store: SqliteStore, file: Path) -> None:
    await store.telemetry.store([report("d00", 1), report("d01", 1)])
    await store.telemetry.forget("d01")
    await store.telemetry.store([report("d02", 1)])
    assert [number for (number,) in rows_of(file, "SELECT id FROM reports ORDER BY id")] == [1, 3]


@pytest.mark.parametrize("asked", [1, 2, 9, 129, ASKED_AT_ONCE, ASKED_AT_ONCE + 1, 2 * ASKED_AT_ONCE + 5])
async def test_any_number_of_keys_is_looked_up(store: SqliteStore, file: Path, asked: int) -> None:
    await store.telemetry.store([report("d00", seq) for seq in range(1, asked + 1) if seq % 3])
    number = rows_of(file, "SELECT device FROM heard")[0][0]
    connection = sqlite3.connect(file)
    found = stored_among(connection, [(number, 1, seq) for seq in range(1, asked + 1)])
    connection.close()
    assert found == {(number, 1, seq) for seq in range(1, asked + 1) if seq % 3}


async def test_the_reports_of_an_older_store_are_filed_when_it_is_opened(store: SqliteStore, file: Path) -> None:
    await store.telemetry.store([report(device, seq) for seq in (3, 1, 2) for device in DEVICES])
    await store.close()
    with sqlite3.connect(file) as connection:
        _make_old(connection)
    connection.close()
    opened = await SqliteStore.open(file)
    try:
        check_places(file)
        assert not rows_of(file, "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'report_log'")
        assert await seqs_of(opened, "d05") == [1, 2, 3]
        assert await opened.telemetry.store([report("d05", 2), report("d05", 4)]) == [False, True]
    finally:
        await opened.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO reports VALUES (9, 1, 1, 1, 'state', 1, 1, 'device', '{}') ON CONFLICT DO NOTHING",
        "CREATE UNIQUE INDEX IF NOT EXISTS reports_once ON reports (device, boot, seq)",
        "DELETE FROM reports WHERE device = 1",
    ],
)
async def test_an_older_program_neither_opens_a_newer_store_nor_goes_on_to_write_to_it(
    store: SqliteStore, file: Path, statement: str
) -> None:
    await store.telemetry.store([report("d00", 1)])
    with pytest.raises(sqlite3.OperationalError):
        rows_of(file, statement)
    assert await seqs_of(store, "d00") == [1]


def _make_old(connection: sqlite3.Connection) -> None:
    """Bring a file back to where places were indexes."""
    connection.executescript(
        "DROP VIEW orders; DROP VIEW reports_in_order; DROP VIEW reports_in_time; DROP VIEW reports;"
        "DROP TABLE unfiled; DROP TABLE filed_by_order; DROP TABLE filed_by_time;"
        "ALTER TABLE report_log RENAME TO reports;"
        "CREATE UNIQUE INDEX reports_once ON reports (device, boot, seq);"
        "CREATE INDEX reports_by_time ON reports (device, at);"
    )


QUESTIONS = {
    "points": sqlite_telemetry._POINTS,
    "messages": sqlite_telemetry._REPORTS,
    "starting over": sqlite_telemetry._START_OVER,
    "beyond": sqlite_confirmed._BEYOND,
    "edges": sqlite_windows._EDGES,
    "not gathered": sqlite_windows._NOT_YET_OF_MANY,
    "arrivals": sqlite_windows._ARRIVALS,
    "old": sqlite_windows._OLD,
    "last of a table": sqlite_table._LAST,
    "table": sqlite_table._PLAIN_PAGE,
    "guarded table": sqlite_table._GUARDED_PAGE,
    "forgetting": sqlite_filing._LOG_OF_DEVICE,
    "forgetting some": sqlite_forgetting._SOME_REPORTS,
    "pruning in order": sqlite_filing._REMOVE[1],
    "pruning in time": sqlite_filing._REMOVE[2],
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_question_about_one_device_reads_no_places_of_others(
    store: SqliteStore, file: Path, question: str
) -> None:
    statement = QUESTIONS[question]
    named = re.findall(r":([a-z_]+)", statement)
    values: Any = dict.fromkeys(named, 1) or ("1",) * statement.count("?")
    connection = sqlite3.connect(file)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    connection.close()
    places = ("place", "unfiled", "filed_by_order", "filed_by_time", "report_log", "log")
    assert any(step.startswith("SEARCH") for step in plan)
    assert not [step for step in plan if step.startswith("SCAN") and step.split()[1] in places]
