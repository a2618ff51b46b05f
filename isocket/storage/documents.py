"""What an adapter has to do: the verbs of the Records port on plain documents.

A document is a mapping of JSON values, times as text of fixed width. Adapters know no record classes; the one
codec, sealing and typing stand above them in `records.py` and `sealed.py`, once for all stores.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from isocket.storage.port import Changes, Op, Test

Document = dict[str, Any]
SHAPES = 1024  # of questions, for which is remembered what was worked out: there are some dozens


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collection:
    """A kind of document, with its unique groups and its indexes as tuples of field names.

    A document with None in a unique group is free of that group. There is one object for a kind, equal to itself alone:
    it is the key of what is worked out once.
    """

    name: str
    unique: tuple[tuple[str, ...], ...] = ()
    indexed: tuple[tuple[str, ...], ...] = ()
    subject: str | None = None
    sealed: tuple[str, ...] = ()
    lookup: tuple[str, ...] = ()
    followed: tuple[str, ...] | None = None


def hidden_name(name: str) -> str:
    """Return the field beside a sealed one that holds the keyed hash by which it is found."""
    return f"{name}_blind"


Question = tuple[Collection, Sequence[Test]]
Shape = tuple[tuple[str, Op, int], ...]
"""Of each test its field, what it asks, and how many values it binds (none for None); of ONE_OF twice that, and one
more for None."""


def shape_of(tests: Sequence[Test]) -> tuple[Shape, list[Any]]:
    """Return the shape of a question, and the values to bind in the order of the tests."""
    shape: list[tuple[str, Op, int]] = []
    values: list[Any] = []
    for field, op, value in tests:
        if op is Op.ONE_OF:
            some = [each for each in value if each is not None]
            shape.append((field, op, 2 * len(some) + (len(some) < len(value))))
            values += some
        elif value is None and op in (Op.IS, Op.IS_NOT):
            shape.append((field, op, 0))
        else:
            shape.append((field, op, 1))
            values.append(value)
    return tuple(shape), values


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """What several questions that are asked together ask, but for the values.

    There is one object for each way of asking, equal to itself alone (see `asked_together`): whatever an adapter works
    out for it is found again by one look-up.
    """

    each: tuple[tuple[Collection, Shape], ...]

    def questions(self, values: Sequence[Any]) -> list[Question]:
        """Return the questions with the values of all, one after another as they stand there."""
        rest = iter(values)
        return [(collection, [_test(*asked, rest) for asked in shape]) for collection, shape in self.each]


def _test(field: str, op: Op, number: int, values: Iterator[Any]) -> Test:
    if op is Op.ONE_OF:
        some, or_none = divmod(number, 2)
        return Test(field, op, (*islice(values, some), *[None] * or_none))
    return Test(field, op, next(values) if number else None)


class Documents(Protocol):
    """Stored documents. The promises of each verb are those of `isocket.storage.port.Records`."""

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Make tables and indexes that are missing. Called once, before any other verb."""
        ...

    async def add_all(
        self, items: Sequence[tuple[Collection, Document]], *, refuse_if_there: bool = False, synced: bool = True
    ) -> int:
        """Store the new ones and return how many; `refuse_if_there`: raise AlreadyThereError for an old one."""
        ...

    async def get(self, collection: Collection, document_id: str) -> Document | None: ...

    async def find(
        self,
        collection: Collection,
        tests: Sequence[Test],
        *,
        order_by: str = "id",
        descending: bool = False,
        limit: int | None = None,
        after: tuple[Any, str] | None = None,
    ) -> list[Document]: ...

    async def find_each(self, shapes: Shapes, values: Sequence[Any]) -> list[list[Document]]: ...

    async def change_one(
        self,
        collection: Collection,
        tests: Sequence[Test],
        changes: Mapping[str, Any],
        *,
        order_by: str = "id",
        synced: bool = True,
    ) -> Document | None: ...

    async def change_all(self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any]) -> int: ...

    async def remove_all(self, collection: Collection, tests: Sequence[Test], *, limit: int | None = None) -> int: ...

    async def count(self, collection: Collection, tests: Sequence[Test]) -> int: ...

    async def changes(self, after: int, *, limit: int) -> Changes: ...

    async def close(self) -> None: ...
