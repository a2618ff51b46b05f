"""Documents in SQLite: a table a collection, a JSON document a row, indexes on the fields that are asked for."""

import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Protocol, TypeVar

from isocket.storage.documents import Collection, Document
from isocket.storage.port import AlreadyThereError, Changes, Test
from isocket.storage.sqlite_changes import changes_after, follow
from isocket.storage.sqlite_questions import (
    after_seen,
    any_of_few,
    conditions_of,
    few_that_fit,
    field_of,
    in_order,
    index_name,
    names_one,
    order_of,
    surely_few,
    table_name,
)
from isocket.storage.sqlite_writer import ExpectedError

T = TypeVar("T")


class Run(Protocol):
    """Runs work on a connection."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


class Write(Protocol):
    """Runs work on the connection that writes; what is not `synced` may go with the power, see `Writer.run`."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /, *, synced: bool = True) -> Awaitable[T]: ...


class Look(Protocol):
    """Runs a short read at once, in this thread."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> T: ...


class SqliteDocuments:
    """The Documents port on one SQLite file. Each verb is one statement, and so atomic."""

    def __init__(self, write: Write, read: Run, look: Look) -> None:
        self._write = write
        self._read = read
        self._look = look

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Make tables and indexes that are missing."""

        def work(connection: sqlite3.Connection) -> None:
            for collection in collections:
                for statement in _schema(collection):
                    connection.execute(statement)
            follow(connection, collections)

        await self._write(work)

    async def add_all(self, items: Sequence[tuple[Collection, Document]], *, refuse_if_there: bool = False) -> int:
        """Store the new ones and return how many; with `refuse_if_there`, all or none."""
        rows = [(collection.name, (document["id"], _text(document))) for collection, document in items]
        verb = "INSERT" if refuse_if_there else "INSERT OR IGNORE"

        def work(connection: sqlite3.Connection) -> int:
            added = 0
            for name, group in groupby(rows, key=lambda row: row[0]):
                statement = f"{verb} INTO {table_name(name)} (id, doc) VALUES (?, ?)"
                added += connection.executemany(statement, [row for _, row in group]).rowcount
            return added

        def all_or_none(connection: sqlite3.Connection) -> int:
            with _undone_if_there(connection):
                return work(connection)

        return await self._write(all_or_none if refuse_if_there else work)

    async def get(self, collection: Collection, document_id: str) -> Document | None:
        """Return the document with this id, or None."""
        statement = f"SELECT doc FROM {table_name(collection.name)} WHERE id = ?"
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
        where, values = conditions_of(tests)
        if after is not None:
            seek, more = after_seen(order_by, after, descending=descending)
            where, values = f"{where} AND {seek}", [*values, *more]
        order = order_of(order_by, descending=descending)
        statement = f"SELECT doc FROM {table_name(collection.name)} WHERE {where} {order}"
        if limit is not None:
            statement += f" LIMIT {limit:d}"

        def work(connection: sqlite3.Connection) -> list[str]:
            return [row[0] for row in connection.execute(statement, values).fetchall()]

        def work_if_few(connection: sqlite3.Connection) -> list[str] | None:
            if surely_few(collection, tests):
                return work(connection)
            few = few_that_fit(connection, collection, tests, (where, values), order)
            return few if few is None else few[:limit]

        found = self._look(work_if_few)
        return [_document(text) for text in (await self._read(work) if found is None else found)]

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
        table = table_name(collection.name)
        where, values = conditions_of(tests)
        assignments, news = _assignments(changes)
        if not await self._any(collection, tests):
            return None  # most claims are in vain, and must not keep the writer from its work
        by = in_order(collection, tests, order_by)
        first = f"SELECT id FROM {table} {by} WHERE {where} {order_of(order_by, descending=False)} LIMIT 1"
        statement = f"UPDATE {table} SET doc = {assignments} WHERE id = ({first}) RETURNING doc"
        row = await self._write(_changing(collection.name, statement, [*news, *values]), synced=synced)
        return None if not row else _document(row[0][0])

    async def _any(self, collection: Collection, tests: Sequence[Test]) -> bool:
        """Tell whether anything fits; what an id names is not looked up, the change itself will tell."""
        if names_one(tests):
            return True
        known = self._look(lambda connection: any_of_few(connection, collection, tests))
        if known is not None:
            return known
        where, values = conditions_of(tests)
        statement = f"SELECT 1 FROM {table_name(collection.name)} WHERE {where} LIMIT 1"
        return await self._read(lambda connection: connection.execute(statement, values).fetchone() is not None)

    async def change_all(self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any]) -> int:
        """Change all that fit; return how many."""
        where, values = conditions_of(tests)
        assignments, news = _assignments(changes)
        statement = f"UPDATE {table_name(collection.name)} SET doc = {assignments} WHERE {where} RETURNING id"
        return len(await self._write(_changing(collection.name, statement, [*news, *values])))

    async def remove_all(self, collection: Collection, tests: Sequence[Test]) -> int:
        """Remove all that fit; return how many."""
        where, values = conditions_of(tests)
        statement = f"DELETE FROM {table_name(collection.name)} WHERE {where}"
        return await self._write(lambda connection: connection.execute(statement, values).rowcount)

    async def count(self, collection: Collection, tests: Sequence[Test]) -> int:
        """Return how many fit."""
        where, values = conditions_of(tests)
        statement = f"SELECT count(*) FROM {table_name(collection.name)} WHERE {where}"
        row = await self._read(lambda connection: connection.execute(statement, values).fetchone())
        return int(row[0])

    async def changes(self, after: int, *, limit: int) -> Changes:
        """Return what became of followed documents after the change with that number."""
        return self._look(lambda connection: changes_after(connection, after, limit))

    async def close(self) -> None:
        """Nothing to do: the file is closed by its store."""


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
    table = table_name(collection.name)
    statements = [f"CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, doc TEXT NOT NULL)"]
    for kind, groups in (("UNIQUE INDEX", collection.unique), ("INDEX", collection.indexed)):
        for group in groups:
            columns = [field_of(each) for each in group]
            if kind == "INDEX":
                columns.append("id")  # so that the first in the order (field, id) needs no sorting
            name = index_name(collection.name, group)
            statements.append(f"CREATE {kind} IF NOT EXISTS {name} ON {table} ({', '.join(columns)})")
    return statements


def _assignments(changes: Mapping[str, Any]) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for name, value in changes.items():
        field_of(name)
        parts.append(f"'$.{name}', json(?)")
        values.append(_text(value))
    version = "'$.version', json_extract(doc, '$.version') + 1"
    return f"json_set(doc, {', '.join([*parts, version])})", values


_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _document(text: str) -> Document:
    document: Document = json.loads(text)
    return document
