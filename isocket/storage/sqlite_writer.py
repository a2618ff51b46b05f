"""One thread writes to the file: whatever waits goes into one transaction, and is answered after one synchronisation.

A synchronised commit costs the disk's latency, not the amount of work in it, so grouping turns thousands of small
durable writes a second into hundreds of commits. Nobody waits for a timer: a lone write is committed at once, and
those that arrive meanwhile make up the next group.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from isocket.kit.logs import get_logger
from isocket.storage.port import StoreUnavailableError

T = TypeVar("T")
log = get_logger(__name__)

GROUP = 64  # jobs in one transaction: an alarm waits for one group at most
CHECKPOINT_PAGES = 8_000  # about 32 MiB of write-ahead log
PAGES_A_ROW = 3  # the row and its places in two indexes; an estimate, for when to look


@dataclass(slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: BaseException | None = None


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the file with the settings that our promises need.

    WAL: readers never wait for the writer. FULL: a commit is on disk when it returns. secure_delete: what is
    removed is overwritten. Checkpoints are made by a thread of their own (see `Checkpointer`), never inside a commit.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "wal_autocheckpoint=0",
        "temp_store=MEMORY",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    if read_only:
        connection.execute("PRAGMA query_only=ON")
    return connection


class Writer:
    """The only thread of this process that writes to the file."""

    def __init__(self, path: Path, *, after_roll_back: Callable[[], None] = lambda: None) -> None:
        self._connection = connect(path)
        self._after_roll_back = after_roll_back
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._checkpointer = Checkpointer(path)
        self._closed = False
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returned, once it is on disk.

        `work` runs in the writer's thread, inside a transaction that it shares with others. It may run twice when
        a neighbour fails unexpectedly, so it must have no effect but on the connection.

        Raises:
            StoreUnavailableError: the file could not be written; nothing of this job is stored.
        """
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        loop = asyncio.get_running_loop()
        job = _Job(work=work, done=loop.create_future(), loop=loop)
        self._jobs.put(job)
        result: T = await job.done
        return result

    def close(self) -> None:
        """Finish what waits, then let go of the file."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._checkpointer.close()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._connection.close()

    def _run(self) -> None:
        while True:
            first = self._jobs.get()
            group: list[_Job] = []
            last = first is None
            if first is not None:
                group.append(first)
            while not last and len(group) < GROUP:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    last = True
                else:
                    group.append(job)
            if group:
                self._commit(group)
                _answer(group)
                self._checkpointer.look(self._connection)
            if last:
                return

    def _commit(self, group: list[_Job]) -> None:
        """Run the group in one transaction; if anything unexpected happens, run each job in one of its own."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in group:
                job.error = None
                _work(job, self._connection)
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever a job raised, its asker hears of it
            self._roll_back()
            if len(group) == 1:
                group[0].error = _explained(error)
                return
            for job in group:
                self._commit([job])

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._after_roll_back()


class ExpectedError(Exception):
    """Raised by a job whose single statement changed nothing: the neighbours in the group are not disturbed."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _work(job: _Job, connection: sqlite3.Connection) -> None:
    try:
        job.result = job.work(connection)
    except ExpectedError as expected:
        job.error = expected.error


def _explained(error: Exception) -> BaseException:
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailableError(f"SQLite could not write: {error}")
    return error


def _answer(group: list[_Job]) -> None:
    """Hand the results to their event loops, one call a loop and group."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in group:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.done.done():
            continue  # the asker was cancelled; what it asked for is stored all the same
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)


class Checkpointer:
    """Moves the write-ahead log into the file, in a thread and on a connection of its own.

    Inside a commit, a checkpoint is what makes the slowest of a hundred commits slow. So the bulk is moved here, beside
    the writer, who waits for nobody. What came meanwhile is little, and the writer moves that itself between two
    commits: only then can the log begin anew, and a log that grows for ever makes every commit slower.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._due = threading.Event()
        self._rest_is_little = threading.Event()
        self._closed = False
        self._rows = 0
        self._commits = 0
        self._thread = threading.Thread(target=self._run, name="sqlite-checkpointer", daemon=True)
        self._thread.start()

    def look(self, writer: sqlite3.Connection) -> None:
        """Called by the writer between two commits: ask for a checkpoint when the log is long enough."""
        if self._rest_is_little.is_set():
            self._rest_is_little.clear()
            writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._rows, self._commits = writer.total_changes, 0
            return
        self._commits += 1
        pages = (writer.total_changes - self._rows) * PAGES_A_ROW + self._commits
        if pages > CHECKPOINT_PAGES and not self._due.is_set():
            self._due.set()

    def close(self) -> None:
        """Stop after the checkpoint under way."""
        self._closed = True
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        connection = connect(self._path)
        try:
            while True:
                self._due.wait()
                if self._closed:
                    return
                for _ in range(2):  # the second time there is only what came during the first
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                self._rest_is_little.set()
                self._due.clear()
        except sqlite3.Error:
            log.exception("checkpoint_failed")
        finally:
            connection.close()
