"""What the writing thread is asked to do in a transaction, what it rests on, and how whoever asked gets the answer."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from isocket.storage.port import Company, StoreUnavailableError
from isocket.storage.sqlite_log import Pages


class EarlyWord:
    """What somebody may be told of before it is on disk. What is written on the strength of it comes after it, or not.

    The writer takes its jobs in their order: when it comes to one that rests on this, it knows what became of it.
    """

    def __init__(self) -> None:
        self.holds = False  # said by the writer: it is written, and was not rolled back
        self.came_to_nothing = False  # said by whoever asked for it


def note_what_came(tellings: Sequence[EarlyWord]) -> None:
    """Say which came to nothing, once it is over: a group that failed was written once more, and told of anew."""
    for each in tellings:
        each.came_to_nothing = not each.holds


_rests_on: ContextVar[EarlyWord | None] = ContextVar("rests_on", default=None)


def rest_on(told: EarlyWord | None) -> None:
    """Let nothing that this task writes from now on be written unless `told` is; None: it rests on nothing.

    It must be written by the same writer.
    """
    _rests_on.set(told)


def what_we_rest_on() -> EarlyWord | None:
    """Return what this task rests on."""
    return _rests_on.get()


class ExpectedError(Exception):
    """Raised by a job that changed nothing, or has undone it: the neighbours in the group are not disturbed."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True)
class Job:
    """Something to do in a transaction, and who waits for it."""

    work: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    synced: bool = True
    tells: Callable[[Any], EarlyWord] | None = None
    company: Company | None = None
    rests_on: EarlyWord | None = None
    told: EarlyWord | None = None
    result: Any = None
    error: BaseException | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Do it, in a transaction. What it may raise but for `ExpectedError` spoils the whole transaction."""
        self.error = None
        if self.rests_on is not None and not self.rests_on.holds:
            self.error = StoreUnavailableError("what this rests on could not be stored")
            return
        if self.company is not None and self.company.failed:
            self.error = StoreUnavailableError(
                "what was asked for together with this, and before it, could not be written"
            )
            return
        try:
            self.result = self.work(connection)
        except ExpectedError as expected:
            self.error = expected.error
            return
        if self.tells is not None:
            self.told = self.tells(self.result)
            self.told.holds = True

    def take_back(self) -> None:
        """Note that the transaction was rolled back."""
        if self.told is not None:
            self.told.holds = False
            self.told = None

    def fail(self, error: BaseException) -> None:
        """Let whoever asked hear of it, and those who asked for something together with it."""
        self.error = error
        if self.company is not None:
            self.company.failed = True


@dataclass(slots=True)
class Pause:
    """Something to do between two commits, outside any transaction."""

    work: Callable[[sqlite3.Connection], Pages]
    done: Future[Pages]

    def run(self, connection: sqlite3.Connection) -> None:
        """Do it; whoever asked hears of what it raises."""
        if not self.done.set_running_or_notify_cancel():
            return
        try:
            self.done.set_result(self.work(connection))
        except Exception as error:  # noqa: BLE001 - the asker hears of it; the writer goes on
            self.done.set_exception(error)

    def refuse(self, error: BaseException) -> None:
        """Let whoever asked hear that it is not done, if it was not."""
        if not self.done.done() and self.done.set_running_or_notify_cancel():
            self.done.set_exception(error)


def answer(group: Sequence[Job]) -> None:
    """Hand the results to their event loops, one call a loop and group."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in group:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        with suppress(RuntimeError):  # that loop is closed, and nobody waits there
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.done.done():
            continue  # the asker was cancelled; what it asked for is stored all the same
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)
