"""The stores that must keep the same promises, and a noun with every kind of field to try them with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from isocket.domain import STORED
from isocket.domain import record as record_module
from isocket.domain.handling import LOGIN_NAME, PROFILE, Plain
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH, Clock
from isocket.storage.documents import Documents
from isocket.storage.keyring import MemoryKeyring, SqliteKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups

RECORD_STORES = ("memory", "sqlite", "memory-sealed", "sqlite-sealed")
TELEMETRY_STORES = ("memory", "sqlite", "sqlite-filing")
MASTER_KEY = bytes(range(32))


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@record(
    collection="test_things",
    subject="person_id",
    account="person_id",
    unique=(("code",), ("shelf", "place"), ("email",)),
    indexed=(("rank",), ("due_at", "ready")),
    queue="colour",
    followed=("rank", "colour", "ended_at"),
)
class Thing(Record):
    person_id: Plain[str | None] = None
    name: Annotated[str | None, PROFILE] = None
    email: Annotated[str | None, LOGIN_NAME] = None
    code: Plain[str | None] = None
    shelf: Plain[str | None] = None
    place: Plain[int | None] = None
    rank: Plain[int | None] = None
    weight: Plain[float] = 0.0
    ready: Plain[bool] = False
    colour: Plain[Colour] = Colour.RED
    due_at: Plain[datetime] = EPOCH
    ended_at: Plain[datetime | None] = None
    tags: Plain[tuple[str, ...]] = ()
    detail: Plain[dict[str, Any]] = field(default_factory=dict)


# The noun is for these tests alone: it must not turn up in any inventory of what we store.
record_module._stored.pop(Thing.collection)


@asynccontextmanager
async def open_records(store: str, folder: Path, wakeups: Wakeups | None = None) -> AsyncIterator[StoredRecords]:
    """Open one of RECORD_STORES, ready for every stored class and `Thing`."""
    async with _open_documents(store, folder) as documents:
        records = StoredRecords(documents, wakeups)
        await records.prepare((*STORED, Thing))
        yield records


@asynccontextmanager
async def _open_documents(store: str, folder: Path) -> AsyncIterator[Documents]:
    if store == "memory":
        yield MemoryDocuments()
    elif store == "memory-sealed":
        yield SealedDocuments(MemoryDocuments(), MemoryKeyring())
    else:
        from isocket.storage.sqlite import SqliteStore

        sqlite = await SqliteStore.open(folder / f"{store}.db")
        keyring = await SqliteKeyring.open(folder / "keyring.db", MASTER_KEY)
        try:
            sealed = store == "sqlite-sealed"
            yield SealedDocuments(sqlite.documents, keyring) if sealed else sqlite.documents
        finally:
            await keyring.close()
            await sqlite.close()


@asynccontextmanager
async def open_telemetry(
    store: str, folder: Path, clock: Clock, wakeups: Wakeups | None = None
) -> AsyncIterator[Telemetry]:
    """Open one of TELEMETRY_STORES; `sqlite-filing` files nearly every report at once."""
    if store == "memory":
        yield MemoryTelemetry(wakeups, clock)
    else:
        from isocket.storage.sqlite import SqliteStore
        from isocket.storage.sqlite_filing import Filing

        sqlite = await SqliteStore.open(folder / f"{store}.db", wakeups=wakeups, clock=clock)
        if store == "sqlite-filing":
            sqlite.telemetry._filing = Filing(may_wait=1, at_least=1)
        try:
            yield sqlite.telemetry
        finally:
            await sqlite.close()
