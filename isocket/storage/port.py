"""The Records port: a handful of verbs on stored records, each atomic by itself.

There are no transactions across records. Whoever changes several writes them in an order that makes a second
run harmless: derived ids first, the step that marks the work done last.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar, overload

from isocket.domain.record import Record
from isocket.kit.cancelling import is_told_to_end

R = TypeVar("R", bound=Record)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
Value = str | int | float | bool | datetime | None
PAGE = 500  # records: to read them takes some 20 ms, to change them as long
FEW = 20  # of those that are bulky: what is removed is overwritten


class Op(StrEnum):
    """What a test asks of a field."""

    IS = "is"
    IS_NOT = "is_not"
    ONE_OF = "one_of"
    AT_MOST = "at_most"
    ABOVE = "above"

    __hash__ = str.__hash__  # equal to that of its text, and several times as quick as that of an enumeration


class _Test(NamedTuple):
    field: str
    op: Op
    value: Any


class Test(_Test):
    """One condition on one field; several are joined by AND. None is equal to None and never at most or above."""

    __slots__ = ()
    __test__ = False  # not one for pytest


_test: Callable[[tuple[str, Op, Any]], Test] = partial(tuple.__new__, Test)
"""Makes a test in one step: a named tuple's own constructor is a call of Python more, and there are many tests."""


def is_(field: str, value: Value) -> Test:
    """Ask for equality."""
    return _test((field, Op.IS, value))


def is_not(field: str, value: Value) -> Test:
    """Ask for the opposite of `is_`."""
    return _test((field, Op.IS_NOT, value))


def one_of(field: str, values: Sequence[Value]) -> Test:
    """Ask for equality with any of `values`; with none, nothing fits."""
    return _test((field, Op.ONE_OF, tuple(values)))


def at_most(field: str, value: Value) -> Test:
    """Ask for less or equal. Times are compared as times, text as text."""
    return _test((field, Op.AT_MOST, value))


def above(field: str, value: Value) -> Test:
    """Ask for more."""
    return _test((field, Op.ABOVE, value))


@dataclass(frozen=True, slots=True)
class Change:
    """Something became of a followed record: it came, it went, or one of its followed fields changed.

    Where a record is a person itself, its going is told without its id, and what was told of it before is taken away.
    """

    number: int
    collection: str
    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Some of what became of followed records, in the order of the commits.

    All changes after `kept_after` are kept; whoever asks from further back has missed some. `newest` is the number of
    the last one that there is.
    """

    found: tuple[Change, ...]
    kept_after: int
    newest: int


class AlreadyThereError(Exception):
    """A record with this id, or with the same unique fields, is stored already. Often that is all you wanted."""


class StoreUnavailableError(Exception):
    """The store did not answer. Nothing is known to have been written: try again, every step may run twice."""


class NotUnderstoodError(StoreUnavailableError):
    """The store is there and cannot do what it was asked: a mistake of ours, which is found by the way to it."""


Asked = tuple[type[Record], Sequence[Test]]
"""One of several questions that are asked together."""


class Records(Protocol):
    """Stored records. Every verb is atomic and durable when it returns."""

    async def add(self, record: Record, *more: Record, synced: bool = True) -> None:
        """Store a new record, and `more` (any classes) in the same step; without `synced` as by `change_one`.

        Raises:
            AlreadyThereError: id or unique fields of one of them are taken; none is stored.
        """
        ...

    async def add_all(self, records: Sequence[Record]) -> int:
        """Store those of `records` (any classes) that are not there yet, each by itself; return how many were new."""
        ...

    async def get(self, kind: type[R], record_id: str) -> R | None:
        """Return the record with this id, or None."""
        ...

    async def find(
        self,
        kind: type[R],
        *tests: Test,
        order_by: str = "id",
        descending: bool = False,
        limit: int | None = None,
        after: tuple[Value, str] | None = None,
    ) -> list[R]:
        """Return what fits all tests, ordered by (`order_by`, id).

        `after` is the (value of order_by, id) of the last one seen: what follows it in the order is returned.
        """
        ...

    async def find_each(self, *asked: Asked) -> list[list[Any]]:
        """Return for each of some questions (of any classes) what fits all its tests, in the order of the ids.

        They are answered at one moment where each leads to few records; a store may ask them all in one statement.
        """
        ...

    async def change_one(
        self, kind: type[R], *tests: Test, order_by: str = "id", synced: bool = True, **changes: Any
    ) -> R | None:
        """Change the first record that fits, in one atomic step; return it as it is now, or None if none fits.

        This is the whole concurrency model: claim with a lease, compare and set (`is_("version", v)`), fence.
        `version` grows by itself.

        Without `synced` nobody waits for the disk: all see the change at once, the process may die, but when the power
        goes it may be lost, though never while something that was written after it is kept. That is for leases: whoever
        could know of one is gone then too.

        Raises:
            AlreadyThereError: the change would break a unique group; nothing was changed.
        """
        ...

    async def change_all(self, kind: type[R], *tests: Test, **changes: Any) -> int:
        """Change every record that fits; return how many."""
        ...

    async def remove_all(self, kind: type[R], *tests: Test, limit: int | None = None) -> int:
        """Remove every record that fits, or `limit` of them, whichever; return how many."""
        ...

    async def count(self, kind: type[R], *tests: Test) -> int:
        """Return how many fit."""
        ...

    async def changes(self, after: int, *, limit: int = 1000) -> Changes:
        """Return what became of followed records (see `Record.followed`) after the change with that number.

        The numbers are given in the order of the commits, by whichever process, and survive a restart: whoever goes
        on from the last number seen misses nothing as long as that is kept. Some tens of thousands are.
        """
        ...


async def every(records: Records, kind: type[R], *tests: Test, page: int = PAGE) -> AsyncIterator[R]:
    """Yield everything that fits, in order of id, a page at a time."""
    async for found in _pages(records, kind, *tests, page=page):
        for each in found:
            yield each


async def change_every(records: Records, kind: type[Record], *tests: Test, order_by: str = "id", **changes: Any) -> int:
    """Change everything that fits, ordered by (`order_by`, id), a page at a time; return how much.

    Each page is one atomic step, the whole is not: alarms would wait until thousands are written. Who dies in between
    does it again.
    """
    changed = 0
    async for found in _pages(records, kind, *tests, page=PAGE, order_by=order_by):
        changed += await records.change_all(kind, one_of("id", [each.id for each in found]), *tests, **changes)
    return changed


async def remove_every(records: Records, kind: type[Record], *tests: Test) -> int:
    """Remove everything that fits, some at a time, as `change_every` changes it; return how much.

    Fewer than were asked for mean that no more are there, or that somebody else removed some of the same meanwhile.
    """
    removed, most = 0, FEW if kind.bulky else PAGE
    while True:
        gone = await records.remove_all(kind, *tests, limit=most)
        removed += gone
        if gone < most and not await records.count(kind, *tests):
            return removed


async def _pages(
    records: Records, kind: type[R], *tests: Test, page: int, order_by: str = "id"
) -> AsyncIterator[list[R]]:
    after: tuple[Value, str] | None = None
    while found := await records.find(kind, *tests, order_by=order_by, limit=page, after=after):
        yield found
        if len(found) < page:
            return
        after = (getattr(found[-1], order_by), found[-1].id)


class Company:
    """Steps that were asked for together, as a store sees them."""

    def __init__(self, steps: int) -> None:
        self.failed = False  # set by a store that could not write one of their verbs: it writes none behind that
        self._missing = steps

    def asks(self) -> bool:
        """Note that one of them asks for a verb; tell whether all have, as far as each asks for one at first."""
        self._missing -= 1
        return self._missing <= 0


_company: ContextVar[Company | None] = ContextVar("company", default=None)


@overload
async def together(first: Awaitable[A], second: Awaitable[B], /) -> tuple[A, B]: ...


@overload
async def together(first: Awaitable[A], second: Awaitable[B], third: Awaitable[C], /) -> tuple[A, B, C]: ...


async def together(*steps: Awaitable[Any]) -> tuple[Any, ...]:
    """Run steps whose verbs need not wait for one another: a store may write them at once, in their order.

    None of them is kept where one that was asked for before it could not be written: the first may be what the second
    relies on. Elsewhere a store begins as soon as it is asked; here it waits until all have asked. All have ended when
    this returns, or raises what the first of them raised that failed.
    """
    before = _company.set(Company(len(steps)))
    others = [asyncio.ensure_future(each) for each in steps[1:]]  # the first needs no task of its own
    try:
        done = [await _outcome(each) for each in (steps[0], *others)]
    except BaseException:  # we are told to end
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        raise
    finally:
        _company.reset(before)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return tuple(done)


async def first_of(first: Awaitable[A], second: Awaitable[B]) -> tuple[A, asyncio.Future[B]]:
    """Run two steps as `together` does, and return as soon as the first has ended, with what comes of the second.

    The second is for the caller to wait for. Where the first fails, or we are told to end, it has ended too.
    """
    before = _company.set(Company(2))
    other = asyncio.ensure_future(second)
    try:
        return await first, other
    except BaseException:
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        raise
    finally:
        _company.reset(before)


async def _outcome(step: Awaitable[Any]) -> Any:
    """Return what a step returns or raises. Raises CancelledError only where whoever asked is told to end."""
    try:
        return await step
    except (Exception, asyncio.CancelledError) as error:  # whoever asked raises it when all have ended
        if isinstance(error, asyncio.CancelledError) and is_told_to_end():
            raise
        return error


def in_company() -> Company | None:
    """Tell a store with which other verbs the present one is asked for; None: it is by itself."""
    return _company.get()
