"""What became of followed documents, numbered in the order of the commits: triggers write it down.

A trigger sees every verb of every process, inside the same transaction. Rows hold ids alone, and the oldest go as new
ones come.
"""

import sqlite3
from collections.abc import Iterator, Sequence

from isocket.storage.documents import Collection
from isocket.storage.port import Change, Changes
from isocket.storage.sqlite_questions import field_of, table_name

KEPT_CHANGES = 50_000
_TABLE = """
CREATE TABLE IF NOT EXISTS changes (
  number INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, record TEXT NOT NULL)
"""
_OF_PERSONS = "CREATE INDEX IF NOT EXISTS changes_of_{name} ON changes (record) WHERE collection = '{name}'"
_SPAN = """
SELECT (SELECT min(number) FROM changes), ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0)
"""
_AFTER = "SELECT number, collection, record FROM changes WHERE number > ? AND number <= ? ORDER BY number LIMIT ?"


def follow(connection: sqlite3.Connection, collections: Sequence[Collection]) -> None:
    """Make the table, and a trigger for each way in which a followed document changes."""
    connection.execute(_TABLE)
    for each in collections:
        if _is_of_persons(each):
            connection.execute(_OF_PERSONS.format(name=each.name))
    there = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall())
    wanted = {name: text for each in collections if each.followed is not None for name, text in _triggers(each)}
    for name, text in wanted.items():
        if there.get(name) != text:
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            connection.execute(text)


def changes_after(connection: sqlite3.Connection, after: int, limit: int) -> Changes:
    """Return some of the changes after a number, and which of them are kept at all."""
    oldest, newest = connection.execute(_SPAN).fetchone()  # first: what is committed meanwhile is for the next time
    found = tuple(Change(*row) for row in connection.execute(_AFTER, (after, newest, limit)).fetchall())
    return Changes(found=found, kept_after=newest if oldest is None else oldest - 1, newest=newest)


def _triggers(collection: Collection) -> Iterator[tuple[str, str]]:
    table = table_name(collection.name)
    changed = [_differs(field_of(name)) for name in collection.followed or ()]
    for verb, row, when in (
        ("INSERT", "new", ""),
        ("DELETE", "old", ""),
        ("UPDATE", "new", f"WHEN {' OR '.join(changed)}"),
    ):
        if verb == "UPDATE" and not changed:
            continue
        name = f"{table}_on_{verb.lower()}"
        gone = verb == "DELETE" and _is_of_persons(collection)  # not even the id may stay
        record = "''" if gone else f"{row}.id"
        note = f"INSERT INTO changes (collection, record) VALUES ('{collection.name}', {record})"
        if gone:
            note = f"DELETE FROM changes WHERE collection = '{collection.name}' AND record = old.id; {note}"
        drop = f"DELETE FROM changes WHERE number <= last_insert_rowid() - {KEPT_CHANGES}"
        yield name, f"CREATE TRIGGER {name} AFTER {verb} ON {table} {when} BEGIN {note}; {drop}; END"


def _is_of_persons(collection: Collection) -> bool:
    return collection.followed is not None and collection.subject == "id"


def _differs(field: str) -> str:
    return f"{field.replace('(doc,', '(old.doc,')} IS NOT {field.replace('(doc,', '(new.doc,')}"
