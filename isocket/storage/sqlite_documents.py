"""Documents in SQLite: a table a collection, a JSON document a row, indexes on the fields that are asked for."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from isocket.storage.documents import Collection, Document, Shape, Shapes, shape_of
from isocket.storage.in_turns import Looks, in_turns
from isocket.storage.port import AlreadyThereError, Changes, Test
from isocket.storage.sqlite_changes import changes_after, follow
from isocket.storage.sqlite_jobs import EarlyWord, ExpectedError
from isocket.storage.sqlite_questions import (
    FEW,
    condition_of,
    field_of,
    index_name,
    leads_of,
    names_id,
    seen_values,
    table_name,
)
from isocket.storage.sqlite_statements import (
    Changing,
    Order,
    assignments,
    changing,
    finding,
    finding_each,
    insertion,
    leading,
)

T = TypeVar("T")
ROWS_AT_ONCE = 20  # by one statement; each number of rows is a statement of its own, which SQLite has to read once


class Run(Protocol):
    """Runs work on a connection."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


class Write(Protocol):
    """Runs work on the connection that writes; what is not `synced` may go with the power, see `Writer.run`."""

    def __call__(
        self,
        work: Callable[[sqlite3.Connection], T],
        /,
        *,
        synced: bool = True,
        tells: Callable[[T], EarlyWord] | None = None,
    ) -> Coroutine[Any, Any, T]: ...


class Look(Protocol):
    """Runs a short read at once, in this thread."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> T: ...


class SqliteDocuments:
    """The Documents port on one SQLite file. Each verb writes by one statement, and so is atomic."""

    def __init__(self, write: Write, read: Run, look: Look) -> None:
        self._write = write
        self._read = read
        self._look = look
        self._looks = Looks()

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Make tables and indexes that are missing, and drop those that nobody asks by any more."""

        def work(connection: sqlite3.Connection) -> None:
            for collection in collections:
                _prepare(connection, collection)
            follow(connection, collections)

        await self._write(work)

    async def add_all(
        self, items: Sequence[tuple[Collection, Document]], *, refuse_if_there: bool = False, synced: bool = True
    ) -> int:
        """Store the new ones and return how many; with `refuse_if_there`, all or none."""
        steps = insertions(items, refuse_if_there=refuse_if_there)

        def work(connection: sqlite3.Connection) -> int:
            return sum(connection.execute(statement, values).rowcount for statement, values in steps)

        def all_or_none(connection: sqlite3.Connection) -> int:
            with _undone_if_there(connection):
                return work(connection)

        return await self._write(all_or_none if refuse_if_there else work, synced=synced)

    async def get(self, collection: Collection, document_id: str) -> Document | None:
        """Return the document with this id, or None."""
        statement = f"SELECT doc FROM {table_name(collection.name)} WHERE id = ?"
        row = self._look(lambda connection: connection.execute(statement, (document_id,)).fetchone())
        await self._looks.made_one(0)
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
        shape, values = shape_of(tests)
        seen = seen_values(after)
        values += seen
        how = finding(collection, shape, Order(order_by, descending, len(seen)))

        def whole(connection: sqlite3.Connection) -> list[str]:
            most = -1 if limit is None else limit
            return [row[0] for row in connection.execute(how.whole, [*values, most]).fetchall()]

        def if_few(connection: sqlite3.Connection) -> list[str] | None:
            if how.surely_few:
                return whole(connection)
            for look in how.few:
                rows = connection.execute(look.statement, look.bound(values)).fetchall()
                if rows[0][0] <= FEW:
                    return [text for _, text in rows if text is not None][:limit]
            return None

        found = self._look(if_few)
        await self._looks.made_one(len(found or ()))
        return await in_turns(_document, await self._read(whole) if found is None else found)

    async def find_each(self, shapes: Shapes, values: Sequence[Any]) -> list[list[Document]]:
        """Return for each of some questions what fits, in the order of the ids: by one statement, where few do."""
        how = finding_each(shapes)
        if how is None:
            return [await self.find(collection, tests) for collection, tests in shapes.questions(values)]
        bound = how.bound(values)
        led = [0] * len(shapes.each)
        found: list[list[Document]] = [[] for _ in shapes.each]
        rows = self._look(lambda connection: connection.execute(how.statement, bound).fetchall())
        await self._looks.made_one(len(rows))
        for number, text in rows:
            led[number] += 1
            if text is not None:
                found[number].append(_document(text))
        for number, documents in enumerate(found):
            if led[number] > FEW:
                collection, tests = shapes.questions(values)[number]
                found[number] = await self.find(collection, tests)
            elif len(documents) > 1:
                documents.sort(key=itemgetter("id"))
        return found

    async def change_one(
        self,
        collection: Collection,
        tests: Sequence[Test],
        changes: Mapping[str, Any],
        *,
        order_by: str = "id",
        synced: bool = True,
    ) -> Document | None:
        """Change the first that fits; return it as it is now."""
        shape, values = shape_of(tests)
        how = changing(collection, shape, tuple(changes), order_by)
        if not how.names_id and not await self._any(how, values):
            return None  # most claims are in vain, and must not keep the writer from its work
        news = [_text(value) for value in changes.values()]
        row = await self._write(_changing(collection.name, how.statement, [*news, *values]), synced=synced)
        return None if not row else _document(row[0][0])

    async def _any(self, how: Changing, values: list[Any]) -> bool:
        """Tell whether anything fits; what an id names is not looked up, the change itself will tell."""
        few = how.few
        if few is not None:
            bound = few.bound(values)
            known = self._look(lambda connection: _any_of_few(connection, few.statement, bound))
            await self._looks.made_one(0)
            if known is not None:
                return known
        return await self._read(lambda connection: connection.execute(how.any, values).fetchone() is not None)

    async def change_all(self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any]) -> int:
        """Change all that fit; return how many."""
        shape, values = shape_of(tests)
        news = [_text(value) for value in changes.values()]
        changed, fitting = assignments(tuple(changes)), await self._fitting(collection, shape, values)
        if fitting is None:
            return 0
        by, where, bound = fitting
        statement = f"UPDATE {table_name(collection.name)} {by} SET doc = {changed} WHERE {where} RETURNING id"
        return len(await self._write(_changing(collection.name, statement, [*news, *bound])))

    async def remove_all(self, collection: Collection, tests: Sequence[Test], *, limit: int | None = None) -> int:
        """Remove all that fit, or so many of them; return how many."""
        shape, values = shape_of(tests)
        fitting = await self._fitting(collection, shape, values, limit=limit)
        if fitting is None:
            return 0
        by, where, bound = fitting
        if limit is not None:
            where = f"id IN (SELECT id FROM {table_name(collection.name)} {by} WHERE {where} LIMIT {limit})"
            by = ""
        statement = f"DELETE FROM {table_name(collection.name)} {by} WHERE {where}"
        return await self._write(lambda connection: connection.execute(statement, bound).rowcount)

    async def _fitting(
        self, collection: Collection, shape: Shape, values: list[Any], *, limit: int | None = None
    ) -> tuple[str, str, list[Any]] | None:
        """Return by which index and condition the writer finds all that fit, or `limit`, and what it binds.

        None: nothing fits. What no index leads to is looked for beforehand by a reader: the writer, for whom alarms
        wait, would go through everything there is, 0.7 s for 100,000 messages.
        """
        where = condition_of(shape)
        if names_id(shape):
            return "", where, values
        if leads_of(collection, shape):
            return await self._by_fewest(collection, shape, values), where, values
        most = -1 if limit is None else limit
        statement = f"SELECT id FROM {table_name(collection.name)} WHERE {where} LIMIT {most}"
        ids = await self._read(lambda connection: [row[0] for row in connection.execute(statement, values)])
        return ("", f"id IN (SELECT value FROM json_each(?)) AND {where}", [_text(ids), *values]) if ids else None

    async def _by_fewest(self, collection: Collection, shape: Shape, values: list[Any]) -> str:
        """Return the index that leads to few where another leads to many, else "": then SQLite may choose."""
        how = leading(collection, shape)
        if how is None:
            return ""
        by, counts = how
        led = self._look(lambda connection: connection.execute(counts.statement, counts.bound(values)).fetchone())
        await self._looks.made_one(0)
        return by[led.index(min(led))] if min(led) <= FEW < max(led) else ""

    async def count(self, collection: Collection, tests: Sequence[Test]) -> int:
        """Return how many fit."""
        shape, values = shape_of(tests)
        statement = f"SELECT count(*) FROM {table_name(collection.name)} WHERE {condition_of(shape)}"
        row = await self._read(lambda connection: connection.execute(statement, values).fetchone())
        return int(row[0])

    async def changes(self, after: int, *, limit: int) -> Changes:
        """Return what became of followed documents after the change with that number."""
        changes = self._look(lambda connection: changes_after(connection, after, limit))
        await self._looks.made_one(0)
        return changes

    async def close(self) -> None:
        """Nothing to do: the file is closed by its store."""


def insertions(items: Sequence[tuple[Collection, Document]], *, refuse_if_there: bool) -> list[tuple[str, list[str]]]:
    """Return statements that store documents, several of a table at once, and what they bind.

    The writer gives the interpreter's lock away with each statement, and `executemany` does with each row: on a busy
    event loop it has to wait for it every time, an alarm's dozen documents a dozen times.

    The verb is in small letters: the library knows by it that rows are to be counted, and compares letters as the
    process's language does. In Turkish no `I` is an `i`, and it would count -1 for each statement.
    """
    tables: dict[Collection, list[str]] = defaultdict(list)
    for collection, document in items:
        tables[collection] += (document["id"], _text(document))
    parts = [
        (collection, values[begin : begin + 2 * ROWS_AT_ONCE])
        for collection, values in tables.items()
        for begin in range(0, len(values), 2 * ROWS_AT_ONCE)
    ]
    verb = "insert" if refuse_if_there else "insert OR IGNORE"
    return [(f"{verb} {insertion(collection, len(some) // 2)}", some) for collection, some in parts]


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


def _prepare(connection: sqlite3.Connection, collection: Collection) -> None:
    table = table_name(collection.name)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, doc TEXT NOT NULL)")
    wanted = dict(_indexes(collection))
    for (name,) in connection.execute(_INDEXES, (table,)).fetchall():
        if name not in wanted:
            connection.execute(f"DROP INDEX {name}")
    for statement in wanted.values():
        connection.execute(statement)


_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"


def _indexes(collection: Collection) -> Iterator[tuple[str, str]]:
    """Yield the name of each index and what makes it where it is missing."""
    table = table_name(collection.name)
    for kind, groups in (("UNIQUE INDEX", collection.unique), ("INDEX", collection.indexed)):
        for group in groups:
            columns = [field_of(each) for each in group]
            if kind == "INDEX":
                columns.append("id")  # so that the first in the order (field, id) needs no sorting
            name = index_name(collection.name, group)
            yield name, f"CREATE {kind} IF NOT EXISTS {name} ON {table} ({', '.join(columns)})"


def _any_of_few(connection: sqlite3.Connection, statement: str, bound: list[Any]) -> bool | None:
    """Tell whether anything fits by looking at few rows; None when those do not tell."""
    seen = 0
    for (fits,) in connection.execute(statement, bound):
        if fits:
            return True
        seen += 1
    return False if seen <= FEW else None


_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_read_text = json.JSONDecoder().raw_decode


def _document(text: str) -> Document:
    document: Document
    document, _ = _read_text(text)  # `json.loads` looks for what may surround a text, and nothing does
    return document
