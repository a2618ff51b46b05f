"""The write-ahead log stays short, and whoever keeps it so survives."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from isocket.storage import sqlite_log
from isocket.storage.port import StoreUnavailableError
from isocket.storage.sqlite import SqliteStore
from isocket.storage.sqlite_connection import PAGE_BYTES, connect
from isocket.storage.sqlite_log import ReadGate
from tests.fakes.patience import PATIENCE_S

SMALL_PAGES = 50
LONG_PAGES = 200


@pytest.fixture
async def small(file: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    """A store whose log is small and soon long."""
    monkeypatch.setattr(sqlite_log, "CHECKPOINT_PAGES", SMALL_PAGES)
    monkeypatch.setattr(sqlite_log, "LONG_LOG_PAGES", LONG_PAGES)
    monkeypatch.setattr(sqlite_log, "RETRY_S", 0.01)
    store = await SqliteStore.open(file)
    await store._file.write(lambda connection: connection.execute("CREATE TABLE texts (text TEXT)").rowcount)
    yield store
    await asyncio.wait_for(store.close(), PATIENCE_S)


def log_of(file: Path) -> Path:
    return Path(f"{file}-wal")


async def write_pages(store: SqliteStore, pages: int) -> None:
    rows = [("x" * 3500,) for _ in range(pages)]
    await store._file.write(
        lambda connection: connection.executemany("insert INTO texts VALUES (?)", rows).rowcount,
    )


async def log_pages(store: SqliteStore) -> int:
    done = store._file._writer.between_commits(lambda connection: sqlite_log.checkpoint(connection, "PASSIVE"))
    return (await asyncio.wrap_future(done)).log


async def test_a_store_is_closed_while_a_checkpoint_is_under_way(
    small: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, go_on = threading.Event(), threading.Event()
    genuine = sqlite_log.checkpoint

    def slow(connection: sqlite3.Connection, how: str, wait_s: float = 0.0) -> sqlite_log.Pages:
        if threading.current_thread().name == "sqlite-checkpointer":
            under_way.set()
            go_on.wait(PATIENCE_S)
        return genuine(connection, how, wait_s)

    monkeypatch.setattr(sqlite_log, "checkpoint", slow)
    await write_pages(small, SMALL_PAGES)
    assert await asyncio.to_thread(under_way.wait, PATIENCE_S)
    closing = asyncio.create_task(small.close())
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait_for(closing, PATIENCE_S)
    small._file._writer._checkpointer._thread.join(PATIENCE_S)
    assert not small._file._writer._checkpointer._thread.is_alive()


async def test_a_checkpoint_that_fails_is_made_later(small: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    failed, made = threading.Event(), threading.Event()
    genuine = sqlite_log.checkpoint

    def at_first_without_room(connection: sqlite3.Connection, how: str, wait_s: float = 0.0) -> sqlite_log.Pages:
        if not failed.is_set():
            failed.set()
            raise sqlite3.OperationalError("disk I/O error")
        made.set()
        return genuine(connection, how, wait_s)

    monkeypatch.setattr(sqlite_log, "checkpoint", at_first_without_room)
    with capture_logs() as logs:
        await write_pages(small, SMALL_PAGES)
        assert await asyncio.to_thread(failed.wait, PATIENCE_S)
        while not made.is_set():
            await write_pages(small, 1)
    assert logs == [{"event": "checkpoint_failed", "log_level": "warning", "error": "disk I/O error"}], "in one line"


async def test_the_log_begins_anew_although_somebody_always_reads(small: SqliteStore) -> None:
    stop = threading.Event()

    def read_slowly(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM texts").fetchone()
        stop.wait(0.05)
        connection.execute("COMMIT")

    async def always_read() -> None:
        while not stop.is_set():
            await small._file.read(read_slowly)

    begun_anew = longest = before = 0
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(PATIENCE_S):
        for _ in range(2):
            tasks.create_task(always_read())
        while begun_anew < 3:
            await write_pages(small, SMALL_PAGES // 2)
            pages = await log_pages(small)
            longest, begun_anew, before = max(longest, pages), begun_anew + (0 <= pages < before), pages
            await asyncio.sleep(0.01)
        stop.set()
    assert longest > LONG_PAGES  # the readers were in the way indeed


async def test_a_log_that_somebody_holds_is_told_and_the_writing_goes_on(small: SqliteStore, file: Path) -> None:
    with capture_logs() as logs, somebody_reads(file):
        while not any(each["event"] == "log_stays_long" for each in logs):
            await asyncio.wait_for(write_pages(small, SMALL_PAGES), PATIENCE_S)
    assert log_of(file).stat().st_size > LONG_PAGES * PAGE_BYTES


async def test_what_was_removed_is_in_no_file_once_the_log_was_emptied(store: SqliteStore, file: Path) -> None:
    canary = "remember-me-" + "x" * 40
    await store._file.write(lambda connection: connection.execute("CREATE TABLE texts (text TEXT)").rowcount)
    await store._file.write(lambda connection: connection.execute("insert INTO texts VALUES (?)", (canary,)).rowcount)
    await store._file.write(lambda connection: connection.execute("DELETE FROM texts").rowcount)
    assert canary.encode() in log_of(file).read_bytes()
    assert await store.empty_log()
    assert log_of(file).stat().st_size == 0
    assert not any(canary.encode() in each.read_bytes() for each in file.parent.iterdir())


async def test_a_log_that_somebody_else_reads_cannot_be_emptied(
    store: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store._file.write(lambda connection: connection.execute("CREATE TABLE texts (text TEXT)").rowcount)
    with somebody_reads(file):
        assert not await store.empty_log()
    assert await store.empty_log()


async def test_the_gate_opens_again_after_reads_that_do_not_end() -> None:
    gate = ReadGate()
    with gate.passing():
        with gate.held_shut(0.01) as empty:
            assert not empty
        with gate.passing():
            pass
    with gate.held_shut(0.01) as empty:
        assert empty


@contextmanager
def somebody_reads(file: Path) -> Iterator[None]:
    reader = connect(file, read_only=True)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    try:
        yield
    finally:
        reader.close()


class Counting(sqlite_log.Checkpointer):
    """Looks at nothing: it is asked when it would."""

    def _run(self) -> None:
        return

    def looks_after(self, commits: int, rows: int) -> bool:
        for _ in range(commits):
            self.written(rows)
        return self._due.is_set()


@pytest.fixture
def counting(tmp_path: Path) -> Counting:
    def never(_: object) -> "Future[sqlite_log.Pages]":
        raise AssertionError("nothing is asked of the writer")

    return Counting(tmp_path / "x", between_commits=never, reads=ReadGate())


def test_long_batches_that_write_few_pages_a_row_are_looked_at_as_rarely_as_they_may(counting: Counting) -> None:
    assert counting.looks_after(5, 600)  # until it is known better: 9,000 pages
    counting._learn_from(sqlite_log.Pages(complete=True, log=5 * 80, moved=5 * 80))
    counting._due.clear()
    assert not counting.looks_after(100, 600)
    assert counting.looks_after(60, 600)


def test_lone_documents_are_looked_at_in_time_whatever_was_learned_of_batches(counting: Counting) -> None:
    counting._pages_a_row = sqlite_log.LEAST_PAGES_A_ROW
    pages_of_an_alarm = 40
    commits = 2 * sqlite_log.LONG_LOG_PAGES // pages_of_an_alarm
    assert counting.looks_after(commits, 14)


@pytest.mark.parametrize("log", [-1, 300])
def test_nothing_is_learned_of_a_log_that_another_process_began_anew(counting: Counting, log: int) -> None:
    counting._log = 400
    counting.looks_after(10, 10)
    counting._learn_from(sqlite_log.Pages(complete=True, log=log, moved=log))
    assert counting._pages_a_row == sqlite_log.MOST_PAGES_A_ROW


async def test_what_was_emptied_by_request_is_not_taken_for_few_pages(store: SqliteStore) -> None:
    checkpointer = store._file._writer._checkpointer
    await store._file.write(lambda connection: connection.execute("CREATE TABLE texts (text TEXT)").rowcount)
    assert checkpointer._commits
    assert await store.empty_log()
    assert checkpointer._rows == checkpointer._commits == 0


def test_a_look_that_meets_a_closed_store_ends_without_a_word(tmp_path: Path) -> None:
    def closed(_: object) -> "Future[sqlite_log.Pages]":
        raise StoreUnavailableError("the store is closed")

    connect(tmp_path / "x").close()
    with capture_logs() as logs:
        checkpointer = sqlite_log.Checkpointer(tmp_path / "x", between_commits=closed, reads=ReadGate())
        checkpointer._due.set()
        checkpointer._thread.join(PATIENCE_S)
    assert not checkpointer._thread.is_alive()
    assert logs == []
