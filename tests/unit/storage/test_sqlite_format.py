"""The file says in which format it is."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints
from zlib import crc32

import pytest

from isocket.domain import STORED
from isocket.storage import sqlite
from isocket.storage.port import StoreUnavailableError
from isocket.storage.sqlite import FORMAT, SqliteStore
from isocket.storage.sqlite_connection import is_used_by_others
from tests.fakes.patience import PATIENCE_S


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


@pytest.fixture
async def in_use(file: Path) -> AsyncIterator[sqlite3.Connection]:
    """A file from before formats were noted, open as an older program that runs has it open."""
    await (await SqliteStore.open(file)).close()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as older:
        older.execute("PRAGMA user_version=0")
        yield older


async def test_a_file_that_an_older_program_is_using_is_left_as_it_is_and_that_is_said(
    in_use: sqlite3.Connection, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "OTHERS_S", 0)
    with pytest.raises(StoreUnavailableError, match=r"an older program is using .*: stop it first"):
        await SqliteStore.open(file)
    assert format_of(file) == 0
    in_use.close()
    await (await SqliteStore.open(file)).close()
    assert format_of(file) == FORMAT


async def test_who_is_a_moment_later_than_another_program_like_it_opens_the_file_as_well(
    in_use: sqlite3.Connection, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bool] = []

    def used_by_others(path: Path) -> bool:
        answers.append(is_used_by_others(path))
        in_use.execute(f"PRAGMA user_version={FORMAT}")
        return answers[-1]

    monkeypatch.setattr(sqlite, "is_used_by_others", used_by_others)
    monkeypatch.setattr(sqlite, "OTHERS_S", PATIENCE_S)
    await (await SqliteStore.open(file)).close()
    assert answers == [True]


async def test_a_file_of_our_format_may_be_in_use(store: SqliteStore, file: Path) -> None:
    await (await SqliteStore.open(file)).close()


def words_in(hint: Any) -> Iterator[str]:
    """Yield what a field of this type may say, where that is one of some words."""
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        yield from (f"{hint.__name__}.{each}" for each in hint)
    for inner in get_args(hint):
        yield from words_in(inner)


def test_with_a_new_word_that_is_stored_the_format_is_raised() -> None:
    words = {word for kind in STORED for hint in get_type_hints(kind).values() for word in words_in(hint)}
    assert (FORMAT, len(words)) == (3, 223), (
        "no older program can read a record that says a word which it does not know"
    )


def test_with_another_group_by_which_records_are_found_the_format_is_raised() -> None:
    groups = sorted(f"{kind.collection}: {group}" for kind in STORED for group in (*kind.unique, *kind.indexed))
    assert (FORMAT, len(groups), crc32("\n".join(groups).encode())) == (3, 140, 1696394026), (
        "who starts drops the index of a group that it does not know: a program of another version that is running "
        "finds nothing by it any more, and what was unique no longer is"
    )
