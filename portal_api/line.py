"""A line before something dear: so many at a time, so many waiting, and those who are known before strangers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass


class TooBusyError(Exception):
    """There is no place in the line. Refuse the caller and let them come back after `retry_after_s`."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("too many wait already; answer 429 with Retry-After")
        self.retry_after_s = retry_after_s


class Line:
    """Keeps strangers and those who are known apart: however many strangers come, they take no place of the others."""

    def __init__(self, *, at_once: int, waiting: int, retry_after_s: float = 2.0) -> None:
        """Let so many work at once, and so many of either kind wait."""
        self._free = at_once
        self._room = at_once + waiting
        self._retry_after_s = retry_after_s
        self._inside = {True: 0, False: 0}
        self._waiting: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}

    @property
    def inside(self) -> int:
        """Return how many have a place."""
        return sum(self._inside.values())

    @contextmanager
    def place(self, *, known: bool = False) -> Iterator["Place"]:
        """Hold a place, also while what comes before one's turn is done.

        Raises:
            TooBusyError: there is none.
        """
        if self._inside[known] >= self._room:
            raise TooBusyError(self._retry_after_s)
        self._inside[known] += 1
        try:
            yield Place(self, known)
        finally:
            self._inside[known] -= 1

    @asynccontextmanager
    async def turn(self, *, known: bool) -> AsyncIterator[None]:
        """Wait until it is one's turn, and hold it."""
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(known=known)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, *, known: bool) -> None:
        mine = asyncio.get_running_loop().create_future()
        self._waiting[known].append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.cancelled():
                with suppress(ValueError):  # a turn was passed on meanwhile, and we were passed over
                    self._waiting[known].remove(mine)
            else:  # it was our turn at the very moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        for waiting in (self._waiting[True], self._waiting[False]):
            while waiting:
                following = waiting.popleft()
                if not following.done():
                    following.set_result(None)
                    return
        self._free += 1


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a line."""

    line: Line
    known: bool

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until it is one's turn, and hold it."""
        return self.line.turn(known=self.known)
