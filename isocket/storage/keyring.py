"""One key a person, in a small store of its own: who destroys the key makes all copies of the values unreadable.

Old backups of the records hold ciphertext only; the keyring's own backups are kept for days. A person appears
here as a keyed hash, so the file tells nobody who was a customer. A key that was destroyed leaves its row behind,
emptied: the tombstone because of which the same person never gets a key again.
"""

import asyncio
import hashlib
import hmac
import secrets
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Protocol, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from isocket.storage.master_key import KEY_BYTES, MasterKeyError
from isocket.storage.port import StoreUnavailableError
from isocket.storage.sqlite_connection import OpenedFile

DESTROYED = bytes(KEY_BYTES + 8)  # as long as a wrapped key, so that SQLite overwrites it in its place
BUSY_WAIT_S = 5.0  # for another process that is just writing, or reading while the log is to be emptied

_SCHEMA = """
CREATE TABLE IF NOT EXISTS persons (slot INTEGER PRIMARY KEY, person BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS index_keys (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destroyed (one INTEGER PRIMARY KEY CHECK (one = 1), times INTEGER NOT NULL);
INSERT OR IGNORE INTO destroyed VALUES (1, 0);
CREATE TABLE IF NOT EXISTS proofs (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL);
"""


class PersonErasedError(Exception):
    """The person was erased, so nothing of theirs can be sealed any more: stop, and do not store it in clear."""


class PersonKey(bytes):
    """A person's key of 32 bytes, which goes wherever bytes do."""

    @cached_property
    def cipher(self) -> AESGCM:
        """What seals under this key (AES-256-GCM); made once, since that takes as long as some hundred lines of Python.

        It lives as long as the key in memory and no longer.
        """
        return AESGCM(self)


class Keyring(Protocol):
    """The keys of persons, and keys for blind indexes."""

    async def key_for(self, person: str, *, create: bool = False) -> bytes | None:
        """Return the person's key of 32 bytes, or None; with `create`, one is made where there is none.

        Raises:
            PersonErasedError: with `create`, when the person's key was destroyed.
        """
        ...

    async def keys_for(self, persons: Collection[str], *, create: bool = False) -> dict[str, PersonKey]:
        """Return the keys of many at once, without those who have none. Raises as `key_for`, then nothing is made."""
        ...

    async def index_key(self, name: str) -> bytes:
        """Return the key of 32 bytes of a blind index, made when it is first asked for."""
        ...

    async def destroy(self, person: str) -> bool:
        """Make the person's key irrecoverable, for ever; return whether there was one.

        Raises:
            StoreUnavailableError: the bytes may still be on disk: call again until it succeeds.
        """
        ...

    async def was_destroyed(self, person: str) -> bool:
        """Return whether this person was erased."""
        ...

    async def prove_writing(self) -> None:
        """Write something of no meaning. Raises `StoreUnavailableError` when no key could be made."""


class MemoryKeyring:
    """Keys that go with the process: for unit tests."""

    def __init__(self) -> None:
        self._keys: dict[str, PersonKey | None] = {}  # None: destroyed
        self._index_keys: dict[str, bytes] = {}

    async def key_for(self, person: str, *, create: bool = False) -> bytes | None:
        """Return the person's key, or None."""
        return (await self.keys_for((person,), create=create)).get(person)

    async def keys_for(self, persons: Collection[str], *, create: bool = False) -> dict[str, PersonKey]:
        """Return the keys of those who have one."""
        if create:
            if any(self._keys.get(person, b"") is None for person in persons):
                raise _erased()
            for person in persons:
                self._keys.setdefault(person, PersonKey(secrets.token_bytes(KEY_BYTES)))
        return {person: key for person in persons if (key := self._keys.get(person)) is not None}

    async def index_key(self, name: str) -> bytes:
        """Return the key of a blind index."""
        return self._index_keys.setdefault(name, secrets.token_bytes(KEY_BYTES))

    async def destroy(self, person: str) -> bool:
        """Forget the key for ever; return whether there was one."""
        had = self._keys.get(person) is not None
        self._keys[person] = None
        return had

    async def was_destroyed(self, person: str) -> bool:
        """Return whether this person was erased."""
        return person in self._keys and self._keys[person] is None

    async def prove_writing(self) -> None:
        """Do nothing: memory is always written to."""


class SqliteKeyring:
    """Keys in an SQLite file, each wrapped under the master key (AES key wrap, RFC 3394)."""

    def __init__(self, path: Path, master_key: bytes, *, cached: int = 10_000) -> None:
        """Open or make the file. Blocks for some milliseconds.

        Raises:
            MasterKeyError: the keyring was made with another master key.
            StoreUnavailableError: the file cannot be opened.
        """
        self._path = path
        self._wrapping = _derived(master_key, b"wrapping")
        self._naming = _derived(master_key, b"naming")
        self._cached = cached
        self._keys: OrderedDict[str, PersonKey] = OrderedDict()
        self._index_keys: dict[str, bytes] = {}
        self._drops = 0  # grows whenever cached keys were dropped: what was read before must not be cached after
        self._lock = threading.Lock()
        self._seen = (-1, -1)
        try:
            self._file = _connect(path, wait_s=BUSY_WAIT_S)
            self._opened = OpenedFile(path)
            self._file.executescript(_SCHEMA)
            self._watch = _connect(path, wait_s=0)  # a connection of its own for the event loop, which never waits
        except sqlite3.Error as error:
            raise StoreUnavailableError(f"cannot open the keyring {path}: {error}") from error
        try:
            self._load_index_key("check of the master key")
        except MasterKeyError:
            self._close()
            raise

    @classmethod
    async def open(cls, path: Path, master_key: bytes) -> Self:
        """Open or make the file without holding up the event loop. Raises as the constructor does."""
        return await asyncio.to_thread(cls, path, master_key)

    async def close(self) -> None:
        """Let go of the file."""
        await asyncio.to_thread(self._close)

    async def key_for(self, person: str, *, create: bool = False) -> bytes | None:
        """Return the person's key, or None; with `create`, one is made where there is none."""
        return (await self.keys_for((person,), create=create)).get(person)

    async def keys_for(self, persons: Collection[str], *, create: bool = False) -> dict[str, PersonKey]:
        """Return the keys of those who have one: from memory where it holds all, else from the file in a thread."""
        if not persons:
            return {}  # what is found often holds nothing sealed, or nothing is found
        if self._changed_elsewhere():
            self._forget()
        found: dict[str, PersonKey] = {}
        for person in persons:
            key = self._keys.get(person)
            if key is not None:
                self._keys.move_to_end(person)
                found[person] = key
        missing = set(persons) - found.keys()
        if missing:
            drops = self._drops
            loaded = await asyncio.to_thread(self._load, missing, create=create)
            found |= loaded
            if drops == self._drops:
                self._remember(loaded)
        return found

    async def index_key(self, name: str) -> bytes:
        """Return the key of a blind index, made when it is first asked for."""
        if name not in self._index_keys:
            self._index_keys[name] = await asyncio.to_thread(self._load_index_key, name)
        return self._index_keys[name]

    async def destroy(self, person: str) -> bool:
        """Overwrite the person's key in the file and empty the write-ahead log; return whether there was one.

        Raises:
            StoreUnavailableError: the old bytes may still be in the log: call again until it succeeds.
        """
        try:
            return await asyncio.to_thread(self._destroy, person)
        finally:
            self._forget()  # also what was read meanwhile

    async def was_destroyed(self, person: str) -> bool:
        """Return whether this person was erased."""
        rows = await asyncio.to_thread(self._rows, [self._name(person)])
        return DESTROYED in rows.values()

    async def prove_writing(self) -> None:
        """Write another number over the last one: SQLite would not write the same again."""
        await asyncio.to_thread(self._write, "REPLACE INTO proofs VALUES (1, random())", [()])

    def _changed_elsewhere(self) -> bool:
        """Return whether any process destroyed a key since the last call. Reads shared memory, and rarely a page."""
        try:
            version = self._watch.execute("PRAGMA data_version").fetchall()[0][0]
            if version == self._seen[0]:
                return False
            times = self._watch.execute("SELECT times FROM destroyed").fetchall()[0][0]
        except sqlite3.OperationalError:  # somebody has the file for himself: nothing is known
            return True
        changed = times != self._seen[1]
        self._seen = (version, times)
        return bool(changed)

    def _forget(self) -> None:
        self._drops += 1
        self._keys.clear()

    def _remember(self, keys: dict[str, PersonKey]) -> None:
        self._keys.update(keys)
        while len(self._keys) > self._cached:
            self._keys.popitem(last=False)

    def _load(self, persons: Iterable[str], *, create: bool) -> dict[str, PersonKey]:
        """Read, and with `create` make, the keys of many in one transaction."""
        names = {self._name(person): person for person in persons}
        rows = self._rows(names)
        if create and len(rows) < len(names):
            new = [name for name in names if name not in rows]
            if DESTROYED not in rows.values():
                self._make(new)
            rows |= self._rows(new)  # another process may have been quicker with some
        if create and DESTROYED in rows.values():
            raise _erased()
        there = [(name, wrapped) for name, wrapped in rows.items() if wrapped != DESTROYED]
        return {names[name]: PersonKey(self._unwrap(wrapped)) for name, wrapped in there}

    def _make(self, names: Iterable[bytes]) -> None:
        made = [(name, aes_key_wrap(self._wrapping, secrets.token_bytes(KEY_BYTES))) for name in names]
        self._write("INSERT OR IGNORE INTO persons (person, wrapped) VALUES (?, ?)", made)

    def _rows(self, names: Iterable[bytes]) -> dict[bytes, bytes]:
        statement = "SELECT wrapped FROM persons WHERE person = ?"
        with self._lock, self._explained():
            found = {name: self._file.execute(statement, (name,)).fetchone() for name in names}
        return {name: row[0] for name, row in found.items() if row is not None}

    def _load_index_key(self, name: str) -> bytes:
        fresh = aes_key_wrap(self._wrapping, secrets.token_bytes(KEY_BYTES))
        self._write("INSERT OR IGNORE INTO index_keys VALUES (?, ?)", [(name, fresh)])
        with self._lock, self._explained():
            row = self._file.execute("SELECT wrapped FROM index_keys WHERE name = ?", (name,)).fetchone()
        return self._unwrap(row[0])

    def _destroy(self, person: str) -> bool:
        name = self._name(person)
        had = self._rows([name]).get(name, DESTROYED) != DESTROYED
        self._write(
            "INSERT INTO persons (person, wrapped) VALUES (?, ?)"
            " ON CONFLICT (person) DO UPDATE SET wrapped = excluded.wrapped",
            [(name, DESTROYED)],
            then="UPDATE destroyed SET times = times + 1",
        )
        self._empty_the_log()
        return had

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]], then: str | None = None) -> None:
        with self._lock, self._explained():
            self._opened.check()  # a key that nobody finds again would make what it seals unreadable
            self._file.execute("BEGIN IMMEDIATE")
            try:
                self._file.executemany(statement, rows)
                if then is not None:
                    self._file.execute(then)
                self._file.execute("COMMIT")
            finally:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")

    def _empty_the_log(self) -> None:
        """Write the log into the file and cut it to nothing; another process that is just reading holds this up."""
        with self._lock, self._explained():
            busy = self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]
        if busy:
            raise StoreUnavailableError("a reader keeps the keyring's log alive: destroy again until it succeeds")

    def _name(self, person: str) -> bytes:
        return hmac.digest(self._naming, person.encode(), hashlib.sha256)[:16]

    def _unwrap(self, wrapped: bytes) -> bytes:
        try:
            return aes_key_unwrap(self._wrapping, wrapped)
        except InvalidUnwrap as error:
            raise MasterKeyError("this is not the master key with which the keyring was made") from error

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreUnavailableError(f"the keyring {self._path} did not answer: {error}") from error

    def _close(self) -> None:
        with self._lock:
            self._watch.close()
            self._file.close()


def _connect(path: Path, *, wait_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "secure_delete=ON", "synchronous=FULL", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _derived(master_key: bytes, use: bytes) -> bytes:
    return hmac.digest(master_key, b"isocket keyring " + use, hashlib.sha256)


def _erased() -> PersonErasedError:
    return PersonErasedError("this person was erased: nothing of theirs can be stored any more")
