"""One thread writes to the file: whatever waits goes into one transaction, and is answered after one synchronisation.

A synchronised commit costs the disk's latency, not the amount of work in it, so grouping turns thousands of small
durable writes a second into hundreds of commits. Nobody waits for a timer: a lone write is committed at once, and
those that arrive meanwhile make up the next group. Verbs that are asked for `together` are handed over together.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from isocket.kit.logs import get_logger
from isocket.storage.port import Company, StoreUnavailableError, in_company
from isocket.storage.sqlite_connection import OpenedFile, Turn, connect, unavailable, wait_at_most
from isocket.storage.sqlite_jobs import EarlyWord, Job, Pause, answer, what_we_rest_on
from isocket.storage.sqlite_log import Checkpointer, Pages, ReadGate, checkpoint

T = TypeVar("T")
log = get_logger(__name__)

GROUP = 64  # jobs in one transaction: an alarm waits for one group at most
_NOTHING = object()


class Writer:
    """The only thread of this process that writes to the file."""

    def __init__(self, path: Path, *, reads: ReadGate, after_roll_back: Callable[[], None]) -> None:
        self._path = path
        self._connection = _connect(path)
        self.file = OpenedFile(path)
        self._synced = True  # whether its commits wait for the disk
        self._left_behind = False  # it is closed, and another is opened once the file can be used again
        self._turn = Turn(path)
        self._after_roll_back = after_roll_back
        self._queue: queue.SimpleQueue[Job | Pause | None] = queue.SimpleQueue()
        self._in_hand: list[Job] = []
        self._ending: Pause | object | None = _NOTHING  # what came behind the group in hand, None: the end
        self._door = threading.Lock()  # nothing is queued behind the end
        self._this_turn: dict[asyncio.AbstractEventLoop, list[Job]] = {}  # what goes together, see `together`
        self._closed = False
        self._checkpointer = Checkpointer(path, between_commits=self.between_commits, reads=reads)
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def run(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        synced: bool = True,
        tells: Callable[[T], EarlyWord] | None = None,
    ) -> T:
        """Return what `work` returned, once it is on disk; without `synced`, once it is written for all to see.

        The log keeps its order: whatever is on disk, all that was committed before it is on disk as well.

        `work` runs in the writer's thread, inside a transaction that it shares with others. It may run twice when
        a neighbour fails unexpectedly, so it must have no effect but on the connection. `tells` returns,
        of what `work` returned, what others are told of before it is on disk.

        Raises:
            StoreUnavailableError: the file could not be written, or what this rests on was not (see `rest_on`);
                nothing of this job is known to be stored.
        """
        loop = asyncio.get_running_loop()
        company = in_company()
        job = Job(
            work=work,
            done=loop.create_future(),
            loop=loop,
            synced=synced,
            tells=tells,
            company=company,
            rests_on=what_we_rest_on(),
        )
        with self._door:
            self._check_open()
            if company is None:
                self._queue.put(job)
            else:
                self._gather(job, company)
        result: T = await job.done
        return result

    def between_commits(self, work: Callable[[sqlite3.Connection], Pages]) -> "Future[Pages]":
        """Have the writer's thread run `work` outside any transaction, in its turn; it must be short.

        Raises:
            StoreUnavailableError: the store is closed.
        """
        pause = Pause(work=work, done=Future())
        self._put(pause)
        return pause.done

    def emptied_log(self, wait_s: float) -> "Future[Pages]":
        """Move the whole log into the file and cut it to nothing, between two commits."""

        def between(connection: sqlite3.Connection) -> Pages:
            pages = checkpoint(connection, "TRUNCATE", wait_s=wait_s)
            if pages.complete:
                self._checkpointer.begun_anew()
            return pages

        return self.between_commits(between)

    def close(self) -> None:
        """Finish what waits, then let go of the file."""
        with self._door:
            self._closed = True
            for loop in list(self._this_turn):
                self._queue_turn_of(loop)
            self._queue.put(None)
        self._thread.join()
        self._checkpointer.close()
        try:
            checkpoint(self._connection, "TRUNCATE", wait_s=1.0)
        except sqlite3.Error:
            log.exception("log_not_emptied")  # the next to open the file does it
        finally:
            self._connection.close()
            self._turn.close()

    def _put(self, item: Job | Pause) -> None:
        with self._door:
            self._check_open()
            self._queue.put(item)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError("the store is closed")

    def _gather(self, job: Job, company: Company) -> None:
        """Queue what is asked for together as soon as all have asked; who asks for nothing holds up no longer."""
        if job.loop in self._this_turn:
            self._this_turn[job.loop].append(job)
        else:
            self._this_turn[job.loop] = [job]
            job.loop.call_soon(self._hand_over, job.loop)
        if company.asks():
            self._queue_turn_of(job.loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Queue what was asked for together in one turn of a loop, so that it shares a commit."""
        with self._door:
            self._queue_turn_of(loop)

    def _queue_turn_of(self, loop: asyncio.AbstractEventLoop) -> None:
        for job in self._this_turn.pop(loop, ()):
            self._queue.put(job)

    def _run(self) -> None:
        try:
            while self._serve():
                pass
        except BaseException:
            log.exception("writer_died")
        finally:
            self._refuse_the_rest()

    def _serve(self) -> bool:
        """Commit one group and do what may follow it; return False at the end."""
        self._ending = _NOTHING
        group = self._in_hand = []
        while self._take(group) and len(group) < GROUP and self._more_came():
            pass
        if group:
            before = self._rows_written()
            self._commit(group)
            answer(group)
            self._in_hand = []
            self._checkpointer.written(max(0, self._rows_written() - before))
        if isinstance(self._ending, Pause):
            with suppress(sqlite3.Error, OSError, StoreUnavailableError):  # then what is to be done says so
                self._have_the_file()
            self._ending.run(self._connection)
        if self._queue.empty():
            with suppress(sqlite3.Error):  # then the next commit says so
                self._wait_for_the_disk(True)  # now, and not when an alarm waits for it
        return self._ending is not None

    def _take(self, group: list[Job]) -> bool:
        """Take the next job into the group, and wait for it; False: something else comes, which ends the group."""
        item = self._queue.get()
        if isinstance(item, Job):
            group.append(item)
            return True
        self._ending = item
        return False

    def _let_another_in(self, group: list[Job]) -> bool:
        """Take what came while others were run: no alarm waits until a batch is on disk. Return whether any came."""
        if not self._synced or self._ending is not _NOTHING or len(group) >= GROUP or not self._more_came():
            return False  # what need not wait for the disk does not make others believe that it did
        return self._take(group)

    def _more_came(self) -> bool:
        """Tell whether anything waits; whoever is just queueing what is asked for together has queued all of it."""
        with self._door:
            return not self._queue.empty()

    def _commit(self, group: list[Job], *, may_grow: bool = True) -> None:
        """Run the group, which `may_grow`, in one transaction; if one fails unexpectedly, each in one of its own."""
        try:
            self._have_the_file()
            self._wait_for_the_disk(any(job.synced for job in group))
            self._turn.begin(self._connection)
        except (sqlite3.Error, OSError, StoreUnavailableError) as error:
            for job in group:  # each by itself would wait as long again
                job.fail(StoreUnavailableError(f"SQLite could not begin to write to {self._path}: {error}"))
            return
        try:
            for job in group:
                job.run(self._connection)
            while may_grow and self._let_another_in(group):
                group[-1].run(self._connection)
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever a job raised, its asker hears of it
            self._roll_back(group)
            if len(group) == 1:
                group[0].fail(self._explained(error))
                return
            for job in group:
                self._commit([job], may_grow=False)

    def _have_the_file(self) -> None:
        """Open the file again where the last connection to it was left behind.

        Raises:
            StoreUnavailableError: it is not there, or is another one.
            sqlite3.Error: it cannot be opened.
        """
        self.file.check()
        if self._left_behind:
            self._connection, self._synced = _connect(self._path, must_be_there=True), True
            self._left_behind = False

    def _rows_written(self) -> int:
        """Return how many rows this connection has written."""
        return 0 if self._left_behind else self._connection.total_changes

    def _explained(self, error: Exception) -> BaseException:
        if isinstance(error, sqlite3.OperationalError):
            return unavailable(f"write to {self._path}", error)
        return error

    def _wait_for_the_disk(self, synced: bool) -> None:
        """Tell SQLite whether the next commit waits for the disk, where it does not know already."""
        if synced != self._synced:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
            self._synced = synced

    def _roll_back(self, group: list[Job]) -> None:
        for job in group:
            job.take_back()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("roll_back_failed")  # nobody knows what state it is in
            self._left_behind = True
            with suppress(sqlite3.Error):
                self._connection.close()
        finally:
            self._after_roll_back()

    def _refuse_the_rest(self) -> None:
        """Answer what was never done: the writer's thread ends."""
        with self._door:
            self._closed = True
            for loop in list(self._this_turn):
                self._queue_turn_of(loop)
        left: list[Job] = self._in_hand
        others = [self._ending]
        while not self._queue.empty():
            item = self._queue.get()
            if isinstance(item, Job):
                left.append(item)
            else:
                others.append(item)
        for other in others:
            if isinstance(other, Pause):
                other.refuse(_gone())
        for job in left:
            job.error = _gone()
        answer(left)


def _connect(path: Path, *, must_be_there: bool = False) -> sqlite3.Connection:
    connection = connect(path, must_be_there=must_be_there)
    wait_at_most(connection, 0)  # see `Turn`
    return connection


def _gone() -> StoreUnavailableError:
    return StoreUnavailableError("the store's writing thread has ended")
