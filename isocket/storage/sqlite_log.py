"""Keeps the write-ahead log short, beside the writer and never inside a commit."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from isocket.kit.logs import get_logger
from isocket.storage.port import StoreUnavailableError
from isocket.storage.sqlite_connection import LONG_LOG_PAGES, connect, wait_at_most

log = get_logger(__name__)

CHECKPOINT_PAGES = 8_000  # about 32 MiB of write-ahead log
PAGES_A_COMMIT = 8  # at least, as far as we guess; an alarm's is 40
MOST_PAGES_A_ROW = 3.0  # a guess, for when to look, until the log has shown by how much it grows
LEAST_PAGES_A_ROW = 0.1
HOLD_S = 0.5  # how long new reads are held back so that those under way can end
RESTART_WAIT_S = 0.05  # how long the writer waits for the last readers: an alarm may wait behind it
RETRY_S = 1.0


class Pages(NamedTuple):
    """What a checkpoint says."""

    complete: bool  # False: a reader or another process was in the way
    log: int  # pages in the log; -1 where another process made a checkpoint at the same time
    moved: int


def checkpoint(connection: sqlite3.Connection, how: str, wait_s: float = 0.0) -> Pages:
    """Move what can be moved into the file. PASSIVE waits for nobody; RESTART and TRUNCATE wait for readers."""
    wait_at_most(connection, wait_s)
    try:
        busy, pages, moved = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
    finally:
        wait_at_most(connection, 0)
    return Pages(complete=not busy, log=pages, moved=moved)


class ReadGate:
    """Through it go the reads that may be long, so that they can be held back for a moment."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._shut = 0

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Wait until the gate is open; be inside meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def held_shut(self, timeout_s: float) -> Iterator[bool]:
        """Hold new reads back; tell whether those inside ended within `timeout_s` seconds."""
        with self._changed:
            self._shut += 1
            empty = self._changed.wait_for(lambda: not self._inside, timeout_s)
        try:
            yield empty
        finally:
            with self._changed:
                self._shut -= 1
                self._changed.notify_all()


BetweenCommits = Callable[[Callable[[sqlite3.Connection], Pages]], "Future[Pages]"]


class Checkpointer:
    """Moves the write-ahead log into the file, in a thread and on a connection of its own.

    Inside a commit, a checkpoint is what makes the slowest of a hundred commits slow. So:

    1. The bulk is moved here, beside the writer, who waits for nobody; a second time for what came meanwhile.
    2. The rest is little, and the writer moves that itself between two commits: only then can the log begin anew,
       and a log that grows for ever makes every commit slower.
    3. It does not begin anew while anybody reads from it. If it got long by that, reads are held back until those
       under way have ended, and the writer makes it begin anew.
    """

    def __init__(self, path: Path, *, between_commits: BetweenCommits, reads: ReadGate) -> None:
        self._path = path
        self._between_commits = between_commits
        self._reads = reads
        self._due = threading.Event()
        self._closed = threading.Event()
        self._rows = self._commits = 0  # since the last checkpoint
        self._pages_a_row = MOST_PAGES_A_ROW  # as many as the last of them wrote
        self._log = 0  # pages that were in the log already, and stay in it
        self._thread = threading.Thread(target=self._run, name="sqlite-checkpointer", daemon=True)
        self._thread.start()

    def written(self, rows: int) -> None:
        """Called by the writer after each commit, with the rows that it changed."""
        self._rows += rows
        self._commits += 1
        if self._rows * self._pages_a_row + self._commits * PAGES_A_COMMIT > CHECKPOINT_PAGES:
            self._due.set()

    def begun_anew(self) -> None:
        """Called by the writer's thread when somebody else has emptied the log."""
        self._rows = self._commits = self._log = 0

    def close(self) -> None:
        """Stop after the checkpoint under way."""
        self._closed.set()
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        connection = None
        while self._wanted():
            try:
                connection = connection or connect(self._path, must_be_there=True)
                self._shorten(connection)
            except StoreUnavailableError:
                break  # the writer has closed
            except sqlite3.Error as error:
                if not self._closed.is_set():
                    log.warning("checkpoint_failed", error=str(error))  # each second while a disk is full
                self._closed.wait(RETRY_S)
            except Exception:
                if not self._closed.is_set():
                    log.exception("checkpoint_failed")
                self._closed.wait(RETRY_S)
        if connection is not None:
            connection.close()

    def _wanted(self) -> bool:
        """Wait until a checkpoint is due; return False when there is no more to do."""
        self._due.wait()
        self._due.clear()  # before the look at `_closed`: whoever closes sets it afterwards
        return not self._closed.is_set()

    def _shorten(self, connection: sqlite3.Connection) -> None:
        for _ in range(2):
            checkpoint(connection, "PASSIVE")
        pages = self._by_the_writer("PASSIVE")
        if pages.log >= LONG_LOG_PAGES:
            self._begin_anew(connection)

    def _begin_anew(self, connection: sqlite3.Connection) -> None:
        with self._reads.held_shut(HOLD_S) as nobody_reads:
            checkpoint(connection, "PASSIVE")
            begun = nobody_reads and self._by_the_writer("RESTART", RESTART_WAIT_S).complete
        if not begun:
            log.warning("log_stays_long", reads_ended=nobody_reads)

    def _by_the_writer(self, how: str, wait_s: float = 0.0) -> Pages:
        def between(writer: sqlite3.Connection) -> Pages:
            pages = checkpoint(writer, how, wait_s)
            self._learn_from(pages)
            return pages

        return self._between_commits(between).result()

    def _learn_from(self, pages: Pages) -> None:
        """Note how many pages a row wrote: a tenth of one in a long batch, several in a lone document.

        Where the log is shorter than it was, another process began it anew, and nothing can be learned.
        """
        grown = pages.log - self._log
        if grown > 0 and self._rows:
            pages_a_row = (grown - self._commits * PAGES_A_COMMIT) / self._rows
            self._pages_a_row = min(max(pages_a_row, LEAST_PAGES_A_ROW), MOST_PAGES_A_ROW)
        self.begun_anew()
        if pages.moved != pages.log:
            self._log = max(pages.log, 0)
