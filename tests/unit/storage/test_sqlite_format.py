"""The file says in which format it is."""

import sqlite3
from pathlib import Path

import pytest

from isocket.storage.port import StoreUnavailableError
from isocket.storage.sqlite import FORMAT, SqliteStore


def format_of(file: Path) -> int:
    connection = sqlite3.connect(file)
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


async def test_a_store_that_says_nothing_gets_our_format(store: SqliteStore, file: Path) -> None:
    await store.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version=0")
    connection.close()
    await (await SqliteStore.open(file)).close()
    assert format_of(file) == FORMAT


async def test_a_store_of_a_newer_program_is_refused_in_words_and_left_as_it_is(store: SqliteStore, file: Path) -> None:
    await store.close()
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version={FORMAT + 1}")
    connection.close()
    with pytest.raises(StoreUnavailableError, match=f"written by a newer program.* format {FORMAT + 1}"):
        await SqliteStore.open(file)
    assert format_of(file) == FORMAT + 1
