"""What every keyring promises, and what the one on disk promises beyond."""

import asyncio
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from isocket.storage.keyring import (
    Keyring,
    PersonErasedError,
    PersonKey,
    SqliteKeyring,
)
from isocket.storage.master_key import MasterKeyError, load_or_create_master_key
from isocket.storage.port import StoreUnavailableError
from tests.contract.stores import MASTER_KEY
from tests.fakes.patience import PATIENCE_S


async def test_nobody_has_a_key_before_one_is_made(keyring: Keyring) -> None:
    assert await keyring.key_for("ada") is None
    assert not await keyring.was_destroyed("ada")


async def test_a_key_is_made_once_and_stays(keyring: Keyring) -> None:
    key = await keyring.key_for("ada", create=True)
    assert key is not None
    assert len(key) == 32
    assert await keyring.key_for("ada", create=True) == key
    assert await keyring.key_for("ada") == key


async def test_each_person_has_a_key_of_their_own(keyring: Keyring) -> None:
    assert await keyring.key_for("ada", create=True) != await keyring.key_for("bob", create=True)


async def test_a_proof_of_writing_is_written_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isocket.storage.keyring.BUSY_WAIT_S", 0)
    keyring = await SqliteKeyring.open(tmp_path / "keys", MASTER_KEY)
    other = sqlite3.connect(tmp_path / "keys")
    seen = []
    for _ in range(3):
        seen.append(other.execute("PRAGMA data_version").fetchone())
        await keyring.prove_writing()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError):
        await keyring.prove_writing()
    other.close()
    await keyring.close()
    assert len(set(seen)) == 3


async def test_many_keys_are_made_at_once_and_old_ones_kept(keyring: Keyring) -> None:
    ada = await keyring.key_for("ada", create=True)
    keys = await keyring.keys_for({"ada", "bob", "eve"}, create=True)
    assert keys["ada"] == ada
    assert len(set(keys.values())) == 3
    assert await keyring.keys_for({"ada", "bob", "nobody"}) == {"ada": ada, "bob": keys["bob"]}
    assert await keyring.keys_for(()) == {}


async def test_what_seals_under_a_key_is_made_once_and_goes_with_it(keyring: Keyring) -> None:
    made = (await keyring.keys_for({"ada"}, create=True))["ada"]
    assert (await keyring.keys_for({"ada"}))["ada"].cipher is made.cipher
    await keyring.destroy("ada")
    assert await keyring.keys_for({"ada"}) == {}


async def test_of_many_who_ask_at_once_all_get_the_same_key(keyring: Keyring) -> None:
    keys = await asyncio.gather(*(keyring.key_for("ada", create=True) for _ in range(10)))
    assert len(set(keys)) == 1


async def test_a_destroyed_key_is_gone(keyring: Keyring) -> None:
    await keyring.keys_for({"ada", "bob"}, create=True)
    assert await keyring.destroy("ada")
    assert await keyring.key_for("ada") is None
    assert await keyring.was_destroyed("ada")
    assert await keyring.key_for("bob") is not None
    assert not await keyring.was_destroyed("bob")


@pytest.mark.parametrize("had_a_key", [True, False])
async def test_an_erased_person_never_gets_a_key_again(keyring: Keyring, *, had_a_key: bool) -> None:
    await keyring.key_for("ada", create=had_a_key)
    assert await keyring.destroy("ada") is had_a_key
    with pytest.raises(PersonErasedError):
        await keyring.key_for("ada", create=True)
    assert await keyring.destroy("ada") is False


async def test_with_an_erased_person_among_many_no_key_is_made(keyring: Keyring) -> None:
    await keyring.destroy("ada")
    with pytest.raises(PersonErasedError):
        await keyring.keys_for(["bob", "ada", "eve"], create=True)
    assert await keyring.keys_for(["bob", "eve"]) == {}


async def test_an_index_has_one_key_and_each_another(keyring: Keyring) -> None:
    first = await keyring.index_key("accounts.email")
    assert len(first) == 32
    assert await keyring.index_key("accounts.email") == first
    assert await keyring.index_key("registrations.email") != first


# On disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "keyring.db"


@pytest.fixture
async def on_disk(path: Path) -> AsyncIterator[SqliteKeyring]:
    path.parent.mkdir()
    opened = await SqliteKeyring.open(path, MASTER_KEY)
    yield opened
    await opened.close()


def everything_on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def wrapped_keys(path: Path) -> list[bytes]:
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT wrapped FROM persons ORDER BY slot")]
    finally:
        connection.close()


async def test_keys_survive_a_restart(on_disk: SqliteKeyring, path: Path) -> None:
    key = await on_disk.key_for("ada", create=True)
    index_key = await on_disk.index_key("accounts.email")
    await on_disk.destroy("bob")
    again = await SqliteKeyring.open(path, MASTER_KEY)
    assert await again.key_for("ada") == key
    assert await again.index_key("accounts.email") == index_key
    assert await again.was_destroyed("bob")
    await again.close()


async def test_neither_keys_nor_persons_can_be_read_from_the_files(on_disk: SqliteKeyring, path: Path) -> None:
    keys = await on_disk.keys_for([f"person_{number}" for number in range(20)], create=True)
    found = everything_on_disk(path)
    assert wrapped_keys(path)[0] in found  # what we look for can be found at all
    assert not any(key in found for key in keys.values())
    assert b"person_" not in found


async def test_destroyed_keys_leave_no_byte_in_any_file(on_disk: SqliteKeyring, path: Path) -> None:
    persons = [f"person_{number * 7919 % 400}" for number in range(400)]
    for start in range(0, 400, 25):
        await on_disk.keys_for(persons[start : start + 25], create=True)
    wrapped = dict(zip(range(400), wrapped_keys(path), strict=True))
    assert all(each in everything_on_disk(path) for each in wrapped.values())
    persons_by_slot = persons_in_order_of_slots(on_disk, path, persons)
    for slot in range(0, 400, 3):
        assert await on_disk.destroy(persons_by_slot[slot])
    left = everything_on_disk(path)
    assert [slot for slot in wrapped if wrapped[slot] in left] == [slot for slot in wrapped if slot % 3]


def persons_in_order_of_slots(keyring: SqliteKeyring, path: Path, persons: list[str]) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        names = [row[0] for row in connection.execute("SELECT person FROM persons ORDER BY slot")]
    finally:
        connection.close()
    by_name = {keyring._name(person): person for person in persons}
    return [by_name[name] for name in names]


async def test_another_process_sees_a_destruction_at_once(on_disk: SqliteKeyring, path: Path) -> None:
    await on_disk.keys_for({"ada", "bob"}, create=True)
    other = await SqliteKeyring.open(path, MASTER_KEY)
    assert await other.key_for("ada") is not None
    await on_disk.destroy("ada")
    assert await other.key_for("ada") is None
    with pytest.raises(PersonErasedError):
        await other.key_for("ada", create=True)
    assert await other.key_for("bob") is not None
    await other.close()


async def test_a_key_that_was_being_read_when_another_process_destroyed_it_opens_nothing_afterwards(
    on_disk: SqliteKeyring, path: Path
) -> None:
    await on_disk.keys_for({"ada", "bob"}, create=True)
    other = await SqliteKeyring.open(path, MASTER_KEY)
    load, was_read, go_on = other._load, threading.Event(), threading.Event()

    def read_slowly(persons: Collection[str], *, create: bool) -> dict[str, PersonKey]:
        found = load(persons, create=create)
        if "ada" in persons:
            was_read.set()
            go_on.wait(PATIENCE_S)
        return found

    other._load = read_slowly  # type: ignore[method-assign, assignment]
    asked = asyncio.create_task(other.key_for("ada"))
    await asyncio.to_thread(was_read.wait, PATIENCE_S)
    await on_disk.destroy("ada")
    assert await other.key_for("bob") is not None, "with this it hears of the destruction, and forgets all it knew"
    go_on.set()
    await asked
    assert await other.key_for("ada") is None
    await other.close()


async def test_a_key_that_was_destroyed_is_in_no_memory_of_ours_either(on_disk: SqliteKeyring) -> None:
    await on_disk.keys_for({"ada", "bob"}, create=True)
    await on_disk.destroy("ada")
    assert "ada" not in on_disk._keys


async def test_a_keyring_that_cannot_be_read_is_a_store_out_of_reach(on_disk: SqliteKeyring, path: Path) -> None:
    await on_disk.index_key("accounts.email")
    other = sqlite3.connect(path, isolation_level=None)
    for table, ask in (("persons", on_disk.was_destroyed("ada")), ("index_keys", on_disk.index_key("accounts.phone"))):
        other.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        with pytest.raises(StoreUnavailableError, match="did not answer: no such table"):
            await ask
        other.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    other.close()


async def test_two_processes_make_one_key_for_a_person(on_disk: SqliteKeyring, path: Path) -> None:
    other = await SqliteKeyring.open(path, MASTER_KEY)
    keys = await asyncio.gather(*(each.key_for("ada", create=True) for each in (on_disk, other) * 3))
    assert len(set(keys)) == 1
    other._make([other._name("ada")])  # as who looked a moment before the first one wrote
    assert (await SqliteKeyring.keys_for(on_disk, {"ada"}))["ada"] == keys[0]
    await other.close()


async def test_what_cannot_be_written_keeps_nothing_else_from_being_written(on_disk: SqliteKeyring) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        on_disk._write("INSERT INTO persons (person, wrapped) VALUES (?, ?)", [(b"ada", b"-"), (b"bob", None)])
    assert not on_disk._rows([b"ada"])
    assert await on_disk.key_for("eve", create=True) is not None


async def test_a_reader_that_keeps_the_log_alive_is_told_and_a_second_try_succeeds(
    on_disk: SqliteKeyring, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await on_disk.key_for("ada", create=True)
    [wrapped] = wrapped_keys(path)
    on_disk._file.execute("PRAGMA busy_timeout = 10")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM persons").fetchall()
    with pytest.raises(StoreUnavailableError, match="destroy again"):
        await on_disk.destroy("ada")
    assert await on_disk.key_for("ada") is None
    reader.close()
    await on_disk.destroy("ada")
    assert wrapped not in everything_on_disk(path)


async def test_the_cache_forgets_who_was_not_asked_for_longest(path: Path) -> None:
    path.parent.mkdir()
    keyring = SqliteKeyring(path, MASTER_KEY, cached=2)
    keys = {name: await keyring.key_for(name, create=True) for name in ("ada", "bob")}
    await keyring.key_for("ada")
    await keyring.key_for("eve", create=True)
    assert set(keyring._keys) == {"ada", "eve"}
    assert await keyring.key_for("bob") == keys["bob"]
    await keyring.close()


async def test_another_master_key_does_not_open_the_keyring(on_disk: SqliteKeyring, path: Path) -> None:
    with pytest.raises(MasterKeyError):
        await SqliteKeyring.open(path, bytes(32))


async def test_no_key_is_made_in_a_file_that_nobody_will_find_again(on_disk: SqliteKeyring, path: Path) -> None:
    before = await on_disk.key_for("ada", create=True)
    path.rename(path.with_name("elsewhere"))
    assert await on_disk.key_for("ada") == before, "what is known still opens"
    with pytest.raises(StoreUnavailableError, match="was removed while we use it"):
        await on_disk.key_for("eve", create=True)
    path.with_name("elsewhere").rename(path)
    assert await on_disk.key_for("eve", create=True) is not None


async def test_a_folder_in_which_nobody_can_look_for_the_keyring_is_a_store_out_of_reach(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    opened = await SqliteKeyring.open(folder / "keyring.db", MASTER_KEY)
    folder.rename(elsewhere)
    folder.write_bytes(b"")  # stands for whatever keeps us from looking: rights, a share that went stale
    with pytest.raises(StoreUnavailableError, match="cannot be looked for: Not a directory"):
        await opened.key_for("eve", create=True)
    folder.unlink()
    elsewhere.rename(folder)
    assert await opened.key_for("eve", create=True) is not None
    await opened.close()


async def test_a_keyring_for_which_there_is_no_room_says_which_file_that_is(on_disk: SqliteKeyring, path: Path) -> None:
    (pages,) = on_disk._file.execute("PRAGMA page_count").fetchone()
    on_disk._file.execute(f"PRAGMA max_page_count={pages}")  # as if the disk were full behind these
    with pytest.raises(StoreUnavailableError, match=f"the keyring {path} did not answer: database or disk is full"):
        await on_disk.keys_for([f"person_{number}" for number in range(1000)], create=True)


async def test_a_keyring_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot open the keyring"):
        await SqliteKeyring.open(tmp_path / "no such folder" / "keyring.db", MASTER_KEY)


# The master key


def test_a_master_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    key = load_or_create_master_key(file)
    assert len(key) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_or_create_master_key(file) == key
    assert [each.name for each in tmp_path.iterdir()] == ["master.key"]


def test_a_master_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    load_or_create_master_key(file)
    file.chmod(0o640)
    with pytest.raises(MasterKeyError, match="chmod 600"):
        load_or_create_master_key(file)


@pytest.mark.parametrize("text", ["", "abc", "00" * 31, "zz" * 32, "ä"])
def test_a_file_that_holds_no_key_is_refused_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "master.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(MasterKeyError, match="64 hexadecimal digits"):
        load_or_create_master_key(file)
    assert file.read_text() == text
