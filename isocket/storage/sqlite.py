"""The embedded store: records and telemetry in one SQLite file."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from isocket.kit.clock import Clock, SystemClock
from isocket.kit.priority import stand_back
from isocket.storage.port import StoreUnavailableError
from isocket.storage.sqlite_connection import connect, is_used_by_others, unavailable
from isocket.storage.sqlite_documents import SqliteDocuments, Write
from isocket.storage.sqlite_heard import HeardDevices
from isocket.storage.sqlite_jobs import ExpectedError
from isocket.storage.sqlite_log import ReadGate
from isocket.storage.sqlite_telemetry import SqliteTelemetry
from isocket.storage.sqlite_writer import Writer
from isocket.storage.wakeups import Wakeups

T = TypeVar("T")
OLDEST_SQLITE = (3, 38, 0)  # the first with the JSON operators that we use
FORMAT = 3
"""Of the file; greater where an older program could no longer read or write it rightly, as with each new word that a
record may say, or would drop an index that we ask by: with each new group of fields. A field that is new is none:
whoever does not know it reads the others."""
OTHERS_S = 5.0  # until those who have a file open that we are about to change count as an older program
OTHERS_LOOK_S = 0.1
EMPTYING_TRIES = 5
ASIDE_KIB = 4096  # what a read keeps in memory that comes by each page once
ASIDE_AT_ONCE = 2
EMPTYING_WAIT_S = 1.0
EMPTYING_WAIT_OF_WRITER_S = 0.1


class SqliteFile:
    """The file: one writing thread, and reading threads that never wait for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.heard = HeardDevices()
        self._gate = ReadGate()
        self._writer = Writer(path, reads=self._gate, after_roll_back=self.heard.clear)
        self._readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sqlite-reader")
        self._aside = ThreadPoolExecutor(ASIDE_AT_ONCE, thread_name_prefix="sqlite-aside", initializer=stand_back)
        self._idle: list[sqlite3.Connection] = []
        self._idle_aside: list[sqlite3.Connection] = []
        self._all: list[sqlite3.Connection] = []
        self.write: Write = self._writer.run

    def look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` finds, at once and in this thread: for a few rows by an index.

        Crossing over to a thread and back costs ten times as much as such a read, and an alarm makes a dozen.
        """
        return self._with_connection(work, self._idle)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` finds in everything committed so far."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._in_turn, work)

    async def read_aside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` finds, for reads that go through much and that nobody waits for.

        They have threads that stand back, and connections that keep little of what they have seen.
        """
        return await asyncio.get_running_loop().run_in_executor(self._aside, self._aside_in_turn, work)

    def empty_log(self) -> bool:
        """Move the whole log into the file and cut it to nothing; False: others read from it all the time."""
        for _ in range(EMPTYING_TRIES):
            with self._gate.held_shut(EMPTYING_WAIT_S):
                pages = self._writer.emptied_log(EMPTYING_WAIT_OF_WRITER_S).result()
            if pages.complete:
                return True
        return False

    def _in_turn(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._gate.passing():
            return self._with_connection(work, self._idle)

    def _aside_in_turn(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._gate.passing():
            return self._with_connection(work, self._idle_aside, f"PRAGMA cache_size=-{ASIDE_KIB}")

    def _with_connection(
        self, work: Callable[[sqlite3.Connection], T], idle: list[sqlite3.Connection], first: str = ""
    ) -> T:
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._another(first)
        try:
            return work(connection)
        except sqlite3.OperationalError as error:
            raise unavailable("read", error) from error
        finally:
            idle.append(connection)

    def _another(self, first: str) -> sqlite3.Connection:
        self._writer.file.check()
        try:
            connection = connect(self._path, read_only=True, must_be_there=True)
            self._all.append(connection)
            connection.execute(first)
        except sqlite3.OperationalError as error:
            raise unavailable("read", error) from error
        return connection

    def close(self) -> None:
        """Finish what waits and let go of the file."""
        self._readers.shutdown()
        self._aside.shutdown()
        for connection in self._all:
            connection.close()
        self._writer.close()


def _demand_for_ourselves(path: Path) -> None:
    """Wait until nobody else has a file open whose format is about to change: an older program could not go on.

    A program like us that was just quicker has noted the new format after a moment.
    """
    deadline = time.monotonic() + OTHERS_S
    while (found := _format_of(path)) is not None and found < FORMAT and is_used_by_others(path):
        if time.monotonic() > deadline:
            raise StoreUnavailableError(
                f"an older program is using {path}, and could neither store nor tell anything any more once we have "
                "brought it up to date: stop it first, every role"
            )
        time.sleep(OTHERS_LOOK_S)


def _format_of(path: Path) -> int | None:
    """Return the format of a file in which there is something, else None."""
    if not path.exists() or not path.stat().st_size:
        return None
    connection = connect(path, read_only=True, must_be_there=True)
    try:
        is_empty = not connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()
    return None if is_empty else found


def _note_format(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > FORMAT:
        error = (
            f"the store was written by a newer program, in format {found}; this one knows {FORMAT}: use the newer one"
        )
        raise ExpectedError(StoreUnavailableError(error))
    if found < FORMAT:
        connection.execute(f"PRAGMA user_version={FORMAT}")


class SqliteStore:
    """Both ports on one file."""

    def __init__(self, file: SqliteFile, *, wakeups: Wakeups | None, clock: Clock) -> None:
        self._file = file
        self.documents = SqliteDocuments(file.write, file.read, file.look)
        self.telemetry = SqliteTelemetry(
            file.write,
            file.read,
            file.look,
            read_aside=file.read_aside,
            heard=file.heard,
            wakeups=wakeups,
            clock=clock,
        )

    @classmethod
    async def open(cls, path: Path, *, wakeups: Wakeups | None = None, clock: Clock | None = None) -> Self:
        """Open or make the file.

        Raises:
            StoreUnavailableError: SQLite is too old, or the file cannot be opened, is a newer program's, or is in use
                by an older one.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreUnavailableError(f"SQLite {sqlite3.sqlite_version} is too old: 3.38 or newer is needed")
        try:
            await asyncio.to_thread(_demand_for_ourselves, path)
            file = await asyncio.to_thread(SqliteFile, path)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailableError(f"cannot open {path}: {error}") from error
        try:
            await file.write(_note_format)
        except StoreUnavailableError:
            await asyncio.to_thread(file.close)
            raise
        store = cls(file, wakeups=wakeups, clock=clock or SystemClock())
        await store.telemetry.prepare()
        return store

    async def empty_log(self) -> bool:
        """Empty the write-ahead log, so that what was removed is in no old page of it either.

        Removed text is overwritten in the file (`secure_delete`), but the log keeps older pages until it begins
        anew. Call it when somebody's right is that nothing is left. Writers and readers go on; at worst they wait
        some 100 ms.

        Returns:
            False when others read from the log all the time: try again later.

        Raises:
            StoreUnavailableError: the store is closed.
        """
        return await asyncio.to_thread(self._file.empty_log)

    async def close(self) -> None:
        """Finish what waits and let go of the file; the write-ahead log is emptied."""
        with suppress(StoreUnavailableError):  # then their leases run out
            await self.telemetry.give_back()
        await asyncio.to_thread(self._file.close)
