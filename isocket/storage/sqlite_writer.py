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
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from isocket.kit.logs import get_logger
from isocket.storage.port import Company, StoreUnavailableError, in_company
from isocket.storage.sqlite_connection import Turn, connect, wait_at_most
from isocket.storage.sqlite_log import Checkpointer, Pages, ReadGate, checkpoint

T = TypeVar("T")
log = get_logger(__name__)

GROUP = 64  # jobs in one transaction: an alarm waits for one group at most


class Told:
    """What somebody was told of before it was on disk. What is written on the strength of it comes after it, or not.

    The writer takes its jobs in their order: when it comes to one that rests on this, it knows what became of it.
    """

    def __init__(self) -> None:
        self.is_stored = False  # said by the writer
        self.came_to_nothing = False  # said by whoever asked for it

    def note_stored(self) -> None:
        """Let what rests on it be written."""
        self.is_stored = True


_rests_on: ContextVar[Told | None] = ContextVar("rests_on", default=None)


def rest_on(told: Told | None) -> None:
    """Let nothing that this task writes from now on be written unless `told` is stored; None: it rests on nothing.

    It must be written by the same writer.
    """
    _rests_on.set(told)


@dataclass(slots=True)
class _Job:
    """Something to do in a transaction, and who waits for it."""

    work: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    synced: bool = True
    stored: Callable[[Any], None] | None = None
    company: Company | None = None
    rests_on: Told | None = None
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Pause:
    """Something to do between two commits, outside any transaction."""

    work: Callable[[sqlite3.Connection], Pages]
    done: Future[Pages]


class Writer:
    """The only thread of this process that writes to the file."""

    def __init__(self, path: Path, *, reads: ReadGate, after_roll_back: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._connection = _connect(path)
        self._synced = True  # whether its commits wait for the disk
        self._turn = Turn(path)
        self._after_roll_back = after_roll_back
        self._queue: queue.SimpleQueue[_Job | _Pause | None] = queue.SimpleQueue()
        self._in_hand: list[_Job] = []
        self._door = threading.Lock()  # nothing is queued behind the end
        self._this_turn: dict[asyncio.AbstractEventLoop, list[_Job]] = {}  # what goes together, see `together`
        self._closed = False
        self._checkpointer = Checkpointer(path, between_commits=self.between_commits, reads=reads)
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def run(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        synced: bool = True,
        stored: Callable[[T], None] | None = None,
    ) -> T:
        """Return what `work` returned, once it is on disk; without `synced`, once it is written for all to see.

        The log keeps its order: whatever is on disk, all that was committed before it is on disk as well.

        `work` runs in the writer's thread, inside a transaction that it shares with others. It may run twice when
        a neighbour fails unexpectedly, so it must have no effect but on the connection. `stored` is called there with
        what it returned when that is on disk, before anything else is written.

        Raises:
            StoreUnavailableError: the file could not be written, or what this rests on was not (see `rest_on`);
                nothing of this job is known to be stored.
        """
        loop = asyncio.get_running_loop()
        company = in_company()
        job = _Job(
            work=work,
            done=loop.create_future(),
            loop=loop,
            synced=synced,
            stored=stored,
            company=company,
            rests_on=_rests_on.get(),
        )
        with self._door:
            self._check_open()
            if company is None:
                self._queue.put(job)
            elif loop in self._this_turn:
                self._this_turn[loop].append(job)
            else:
                self._this_turn[loop] = [job]
                loop.call_soon(self._hand_over, loop)
        result: T = await job.done
        return result

    def between_commits(self, work: Callable[[sqlite3.Connection], Pages]) -> "Future[Pages]":
        """Have the writer's thread run `work` outside any transaction, in its turn; it must be short.

        Raises:
            StoreUnavailableError: the store is closed.
        """
        pause = _Pause(work=work, done=Future())
        self._put(pause)
        return pause.done

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

    def _put(self, item: _Job | _Pause) -> None:
        with self._door:
            self._check_open()
            self._queue.put(item)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError("the store is closed")

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
        ending: _Job | _Pause | None = self._queue.get()
        group = self._in_hand = []
        while isinstance(ending, _Job):
            group.append(ending)
            if len(group) == GROUP or self._queue.empty():
                break
            ending = self._queue.get()
        if group:
            before = self._connection.total_changes
            self._commit(group)
            _note_stored(group)
            _answer(group)
            self._in_hand = []
            self._checkpointer.written(max(0, self._connection.total_changes - before))
        if isinstance(ending, _Pause):
            self._pause(ending)
        if self._queue.empty():
            with suppress(sqlite3.Error):  # then the next commit says so
                self._wait_for_the_disk(True)  # now, and not when an alarm waits for it
        return ending is not None

    def _commit(self, group: list[_Job]) -> None:
        """Run the group in one transaction; if one fails unexpectedly, run each in a transaction of its own."""
        try:
            self._wait_for_the_disk(any(job.synced for job in group))
            self._turn.begin(self._connection)
        except (sqlite3.Error, StoreUnavailableError) as error:
            for job in group:  # each by itself would wait as long again
                _fail(job, StoreUnavailableError(f"SQLite could not begin to write: {error}"))
            return
        try:
            for job in group:
                job.error = None
                _work(job, self._connection)
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever a job raised, its asker hears of it
            self._roll_back()
            if len(group) == 1:
                _fail(group[0], _explained(error))
                return
            for job in group:
                self._commit([job])

    def _wait_for_the_disk(self, synced: bool) -> None:
        """Tell SQLite whether the next commit waits for the disk, where it does not know already."""
        if synced != self._synced:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
            self._synced = synced

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("roll_back_failed")  # nobody knows what state it is in
            self._connection.close()
            self._connection, self._synced = _connect(self._path), True
        finally:
            self._after_roll_back()

    def _pause(self, pause: _Pause) -> None:
        if not pause.done.set_running_or_notify_cancel():
            return
        try:
            pause.done.set_result(pause.work(self._connection))
        except Exception as error:  # noqa: BLE001 - the asker hears of it; the writer goes on
            pause.done.set_exception(error)

    def _refuse_the_rest(self) -> None:
        """Answer what was never done: the writer's thread ends."""
        with self._door:
            self._closed = True
            for loop in list(self._this_turn):
                self._queue_turn_of(loop)
        left: list[_Job] = self._in_hand
        while not self._queue.empty():
            item = self._queue.get()
            if isinstance(item, _Job):
                left.append(item)
            elif item is not None and item.done.set_running_or_notify_cancel():
                item.done.set_exception(_gone())
        for job in left:
            job.error = _gone()
        _answer(left)


class ExpectedError(Exception):
    """Raised by a job that changed nothing, or has undone it: the neighbours in the group are not disturbed."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _connect(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    wait_at_most(connection, 0)  # see `Turn`
    return connection


def _gone() -> StoreUnavailableError:
    return StoreUnavailableError("the store's writing thread has ended")


def _work(job: _Job, connection: sqlite3.Connection) -> None:
    if job.rests_on is not None and not job.rests_on.is_stored:
        job.error = StoreUnavailableError("what this rests on could not be stored")
        return
    if job.company is not None and job.company.failed:
        job.error = StoreUnavailableError("what was asked for together with this, and before it, could not be written")
        return
    try:
        job.result = job.work(connection)
    except ExpectedError as expected:
        job.error = expected.error


def _fail(job: _Job, error: BaseException) -> None:
    job.error = error
    if job.company is not None:
        job.company.failed = True


def _explained(error: Exception) -> BaseException:
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailableError(f"SQLite could not write: {error}")
    return error


def _note_stored(group: list[_Job]) -> None:
    for job in group:
        if job.stored is not None and job.error is None:
            job.stored(job.result)


def _answer(group: list[_Job]) -> None:
    """Hand the results to their event loops, one call a loop and group."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in group:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        with suppress(RuntimeError):  # that loop is closed, and nobody waits there
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.done.done():
            continue  # the asker was cancelled; what it asked for is stored all the same
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)
