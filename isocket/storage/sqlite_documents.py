"""Documents in SQLite: a table a collection, a JSON document a row, indexes on the fields that are asked for."""

import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple, Protocol, TypeVar

from isocket.storage.documents import Collection, Document
from isocket.storage.port import AlreadyThereError, Op, Test
from isocket.storage.sqlite_writer import ExpectedError

T = TypeVar("T")
SHAPES = 1024  # kinds of questions whose answers are remembered: there are some dozens
FEW = 100  # rows that may be looked at on the event loop: about 1 ms


class Run(Protocol):
    """Runs work on a connection."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


class Look(Protocol):
    """Runs a short read at once, in this thread."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> T: ...


class SqliteDocuments:
    """The Documents port on one SQLite file. Each verb is one statement, and so atomic."""

    def __init__(self, write: Run, read: Run, look: Look) -> None:
        self._write = write
        self._read = read
        self._look = look

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Make tables and indexes that are missing."""

        def work(connection: sqlite3.Connection) -> None:
            for collection in collections:
                for statement in _schema(collection):
                    connection.execute(statement)

        await self._write(work)

    async def add_all(self, items: Sequence[tuple[Collection, Document]], *, refuse_if_there: bool = False) -> int:
        """Store the new ones and return how many; with `refuse_if_there`, all or none."""
        rows = [(collection.name, (document["id"], _text(document))) for collection, document in items]
        verb = "INSERT" if refuse_if_there else "INSERT OR IGNORE"

        def work(connection: sqlite3.Connection) -> int:
            added = 0
            for name, group in groupby(rows, key=lambda row: row[0]):
                statement = f"{verb} INTO {_table(name)} (id, doc) VALUES (?, ?)"
                added += connection.executemany(statement, [row for _, row in group]).rowcount
            return added

        def all_or_none(connection: sqlite3.Connection) -> int:
            with _undone_if_there(connection):
                return work(connection)

        return await self._write(all_or_none if refuse_if_there else work)

    async def get(self, collection: Collection, document_id: str) -> Document | None:
        """Return the document with this id, or None."""
        statement = f"SELECT doc FROM {_table(collection.name)} WHERE id = ?"
        row = self._look(lambda connection: connection.execute(statement, (document_id,)).fetchone())
        return None if row is None else _document(row[0])

    async def find(
        self,
        collection: Collection,
        tests: Sequence[Test],
        *,
        order_by: str = "id",
        descending: bool = False,
        limit: int | None = None,
        after: tuple[Any, str] | None = None,
    ) -> list[Document]:
        """Return what fits, ordered by (order_by, id)."""
        where, values = _where(tests)
        if after is not None:
            seek, more = _after(order_by, after, descending=descending)
            where, values = f"{where} AND {seek}", [*values, *more]
        rest = f"WHERE {where} {_order(order_by, descending=descending)}"
        if limit is not None:
            rest += f" LIMIT {limit:d}"

        def work(connection: sqlite3.Connection, by: str = "") -> list[Document]:
            rows = connection.execute(f"SELECT doc FROM {_table(collection.name)} {by} {rest}", values)
            return [_document(row[0]) for row in rows.fetchall()]

        def work_if_few(connection: sqlite3.Connection) -> list[Document] | None:
            by = _leads_to_few(connection, collection, tests)
            return None if by is None else work(connection, by)

        found = self._look(work_if_few)
        return await self._read(work) if found is None else found

    async def change_one(
        self,
        collection: Collection,
        tests: Sequence[Test],
        changes: Mapping[str, Any],
        *,
        order_by: str = "id",
    ) -> Document | None:
        """Change the first that fits; return it as it is now."""
        table = _table(collection.name)
        where, values = _where(tests)
        assignments, news = _assignments(changes)
        if not await self._any(collection, tests):
            return None  # most claims are in vain, and must not keep the writer from its work
        by = _in_order(collection, tests, order_by)
        first = f"SELECT id FROM {table} {by} WHERE {where} {_order(order_by, descending=False)} LIMIT 1"
        statement = f"UPDATE {table} SET doc = {assignments} WHERE id = ({first}) RETURNING doc"
        row = await self._write(_changing(collection.name, statement, [*news, *values]))
        return None if not row else _document(row[0][0])

    async def _any(self, collection: Collection, tests: Sequence[Test]) -> bool:
        """Tell whether anything fits; what an id names is not looked up, the change itself will tell."""
        if _names_one(tests):
            return True
        known = self._look(lambda connection: _any_of_few(connection, collection, tests))
        if known is not None:
            return known
        where, values = _where(tests)
        statement = f"SELECT 1 FROM {_table(collection.name)} WHERE {where} LIMIT 1"
        return await self._read(lambda connection: connection.execute(statement, values).fetchone() is not None)

    async def change_all(self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any]) -> int:
        """Change all that fit; return how many."""
        where, values = _where(tests)
        assignments, news = _assignments(changes)
        statement = f"UPDATE {_table(collection.name)} SET doc = {assignments} WHERE {where} RETURNING id"
        return len(await self._write(_changing(collection.name, statement, [*news, *values])))

    async def remove_all(self, collection: Collection, tests: Sequence[Test]) -> int:
        """Remove all that fit; return how many."""
        where, values = _where(tests)
        statement = f"DELETE FROM {_table(collection.name)} WHERE {where}"
        return await self._write(lambda connection: connection.execute(statement, values).rowcount)

    async def count(self, collection: Collection, tests: Sequence[Test]) -> int:
        """Return how many fit."""
        where, values = _where(tests)
        statement = f"SELECT count(*) FROM {_table(collection.name)} WHERE {where}"
        row = await self._read(lambda connection: connection.execute(statement, values).fetchone())
        return int(row[0])

    async def close(self) -> None:
        """Nothing to do: the file is closed by its store."""


class _Lead(NamedTuple):
    """An index that answers some of the tests, so that what it leads to can be counted and looked at."""

    by: str  # "INDEXED BY ..."
    answers: list[Test]


def _leads(collection: Collection, tests: Sequence[Test]) -> list[_Lead]:
    """Return the indexes that lead to what is asked for, those that answer most first."""
    shape = tuple((test.field, test.op) for test in tests)
    return [_Lead(by, [tests[place] for place in places]) for by, places in _leads_by_shape(collection, shape)]


@lru_cache(maxsize=SHAPES)
def _leads_by_shape(collection: Collection, shape: tuple[tuple[str, Op], ...]) -> list[tuple[str, list[int]]]:
    """Return for each index its name and which of the tests it answers."""
    leads: list[tuple[str, list[int]]] = []
    for group in (*collection.unique, *collection.indexed):
        answers: list[int] = []
        for field in group:
            same = _places(shape, field, (Op.IS,))
            answers += same or _places(shape, field, (Op.AT_MOST, Op.ABOVE))
            if not same:
                break
        if answers and shape[answers[0]][1] is Op.IS:
            leads.append((f"INDEXED BY {_index(collection.name, group)}", answers))
    return sorted(leads, key=lambda lead: -len(lead[1]))


def _places(shape: Sequence[tuple[str, Op]], field: str, ops: Sequence[Op]) -> list[int]:
    return [place for place, (asked, op) in enumerate(shape) if asked == field and op in ops]


def _in_order(collection: Collection, tests: Sequence[Test], order_by: str) -> str:
    """Return how to find the first that fits without sorting all that do, "" where no index is in this order.

    SQLite would rather use an index that narrows by one more test, and sort what that leads to: a queue of thousands
    for each claim.
    """
    same = {test.field for test in tests if test.op is Op.IS and test.value is not None}
    groups = [group for group in (*collection.unique, *collection.indexed) if order_by in group[1:]]
    fitting = [group for group in groups if same.issuperset(group[: group.index(order_by)])]
    if not fitting:
        return ""
    longest = max(fitting, key=lambda group: group.index(order_by))
    return f"INDEXED BY {_index(collection.name, longest)}"


def _names_one(tests: Sequence[Test]) -> bool:
    return any(test.field == "id" and test.op is Op.IS for test in tests)


def _leads_to_few(connection: sqlite3.Connection, collection: Collection, tests: Sequence[Test]) -> str | None:
    """Return by what to look when it leads to few rows, all of which can be looked at; None if nothing does."""
    if _names_one(tests):
        return ""
    for lead in _leads(collection, tests):
        if _count_few(connection, _table(collection.name), lead) <= FEW:
            return lead.by
    return None


def _any_of_few(connection: sqlite3.Connection, collection: Collection, tests: Sequence[Test]) -> bool | None:
    """Tell whether anything fits by looking at few rows; None when those do not tell."""
    leads = _leads(collection, tests)
    if not leads:
        return None
    table, lead = _table(collection.name), leads[0]
    led, led_values = _where(lead.answers)
    where, values = _where([test for test in tests if test not in lead.answers])
    few = f"SELECT id, doc FROM {table} {lead.by} WHERE {led} LIMIT {FEW + 1}"
    seen = 0
    for (fits,) in connection.execute(f"SELECT {where} FROM ({few})", [*values, *led_values]):
        if fits:
            return True
        seen += 1
    return False if seen <= FEW else None


def _count_few(connection: sqlite3.Connection, table: str, lead: _Lead) -> int:
    """Count what an index leads to, but no further than one more than few."""
    where, values = _where(lead.answers)
    statement = f"SELECT count(*) FROM (SELECT 1 FROM {table} {lead.by} WHERE {where} LIMIT {FEW + 1})"
    return int(connection.execute(statement, values).fetchone()[0])


@contextmanager
def _undone_if_there(connection: sqlite3.Connection) -> Iterator[None]:
    """Undo all that was done inside, and nothing before, if it meets a unique group that is taken."""
    connection.execute("SAVEPOINT inside")
    try:
        yield
    except sqlite3.IntegrityError as error:
        connection.execute("ROLLBACK TO inside")
        connection.execute("RELEASE inside")
        raise ExpectedError(AlreadyThereError(str(error))) from error
    connection.execute("RELEASE inside")


def _changing(name: str, statement: str, values: list[Any]) -> Callable[[sqlite3.Connection], list[tuple[str]]]:
    def work(connection: sqlite3.Connection) -> list[tuple[str]]:
        try:
            return connection.execute(statement, values).fetchall()
        except sqlite3.IntegrityError as error:
            raise ExpectedError(AlreadyThereError(f"{name}: {error}")) from error

    return work


def _schema(collection: Collection) -> list[str]:
    table = _table(collection.name)
    statements = [f"CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, doc TEXT NOT NULL)"]
    for kind, groups in (("UNIQUE INDEX", collection.unique), ("INDEX", collection.indexed)):
        for group in groups:
            columns = [_field(each) for each in group]
            if kind == "INDEX":
                columns.append("id")  # so that the first in the order (field, id) needs no sorting
            name = _index(collection.name, group)
            statements.append(f"CREATE {kind} IF NOT EXISTS {name} ON {table} ({', '.join(columns)})")
    return statements


def _index(name: str, group: Sequence[str]) -> str:
    return f"{_table(name)}_{'_'.join(group)}"


def _table(name: str) -> str:
    return f"records_{name}"


@lru_cache(maxsize=SHAPES)
def _field(name: str) -> str:
    """Return the expression of a field; it must be written alike in queries and indexes for an index to be used."""
    if not name.isidentifier():
        raise ValueError(f"not a field name: {name!r}")
    return "id" if name == "id" else f"json_extract(doc, '$.{name}')"


def _where(tests: Sequence[Test]) -> tuple[str, list[Any]]:
    parts: list[str] = ["1"]
    values: list[Any] = []
    for test in tests:
        part, more = _condition(_field(test.field), test)
        parts.append(part)
        values.extend(more)
    return " AND ".join(parts), values


def _condition(field: str, test: Test) -> tuple[str, list[Any]]:
    match test.op:
        case Op.IS:
            return (f"{field} IS NULL", []) if test.value is None else (f"{field} = ?", [test.value])
        case Op.IS_NOT:
            return f"{field} IS NOT ?", [test.value]
        case Op.ONE_OF:
            some = [value for value in test.value if value is not None]
            part = f"{field} IN ({', '.join('?' * len(some))})"
            return (f"({part} OR {field} IS NULL)", some) if None in test.value else (part, some)
        case Op.AT_MOST:
            return f"{field} <= ?", [test.value]
        case Op.ABOVE:
            return f"{field} > ?", [test.value]


def _order(order_by: str, *, descending: bool) -> str:
    way = "DESC" if descending else "ASC"
    return f"ORDER BY id {way}" if order_by == "id" else f"ORDER BY {_field(order_by)} {way}, id {way}"


def _after(order_by: str, after: tuple[Any, str], *, descending: bool) -> tuple[str, list[Any]]:
    """Return the condition of what follows `after`: nulls come first, or last when descending."""
    field, (value, last_id) = _field(order_by), after
    sign = "<" if descending else ">"
    if value is None:
        same = f"({field} IS NULL AND id {sign} ?)"
        return (same, [last_id]) if descending else (f"({field} IS NOT NULL OR {same})", [last_id])
    beyond = f"({field} {sign} ? OR ({field} = ? AND id {sign} ?))"
    return (f"({field} IS NULL OR {beyond})" if descending else beyond), [value, value, last_id]


def _assignments(changes: Mapping[str, Any]) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for name, value in changes.items():
        _field(name)
        parts.append(f"'$.{name}', json(?)")
        values.append(_text(value))
    version = "'$.version', json_extract(doc, '$.version') + 1"
    return f"json_set(doc, {', '.join([*parts, version])})", values


_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _document(text: str) -> Document:
    document: Document = json.loads(text)
    return document
