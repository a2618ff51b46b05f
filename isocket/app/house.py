"""What all services of one process share: opened once, closed in reverse."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from isocket.app.data_folder import DataFolder
from isocket.app.settings import Settings
from isocket.kit.clock import Clock, SystemClock
from isocket.kit.logs import get_logger
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.keyring import Keyring, SqliteKeyring
from isocket.storage.master_key import load_or_create_master_key
from isocket.storage.port import Records
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.sqlite import SqliteStore
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The ground floor, ready to be built upon. `owner` names this process among several on the same store."""

    settings: Settings
    folder: DataFolder
    clock: Clock
    wakeups: Wakeups
    right_of_way: RightOfWay
    records: Records
    telemetry: Telemetry
    keyring: Keyring
    registry: CollectorRegistry
    owner: str
    empty_log: Callable[[], Awaitable[bool]]  # of the store, see `SqliteStore.empty_log`


@asynccontextmanager
async def open_house(settings: Settings, *, may_be_new: bool = False) -> AsyncIterator[House]:
    """Open the store and its keyring; close them when the block ends.

    Only with `may_be_new`, for what may be the first thing that is done, is an installation made that is not there.

    Raises:
        DataFolderError: there is no installation, its folder or that of its store cannot be used, or a key of its
            store is missing.
        MasterKeyError: the master key is not the one of this keyring, or others may read it.
        StoreUnavailableError: the store cannot be opened.
    """
    folder, clock, wakeups = DataFolder(settings.data_dir), SystemClock(), Wakeups()
    async with AsyncExitStack() as opened:
        if not may_be_new:
            await asyncio.to_thread(folder.demand, settings.store_file)
        is_there = await asyncio.to_thread(folder.check_keys, settings.store_file)
        await asyncio.to_thread(folder.prepare)
        await asyncio.to_thread(folder.check_place, settings.store_file)
        master_key = await asyncio.to_thread(load_or_create_master_key, folder.master_key)
        keyring = await SqliteKeyring.open(folder.keyring, master_key)
        opened.push_async_callback(keyring.close)
        store = await SqliteStore.open(settings.store_file, wakeups=wakeups, clock=clock)
        opened.push_async_callback(store.close)
        records = StoredRecords(SealedDocuments(store.documents, keyring), wakeups)
        await records.prepare()
        if not is_there:
            log.info("installation_made", folder=str(settings.data_dir.absolute()))
        yield House(
            settings=settings,
            folder=folder,
            clock=clock,
            wakeups=wakeups,
            right_of_way=RightOfWay(clock),
            records=records,
            telemetry=store.telemetry,
            keyring=keyring,
            registry=_registry(),
            owner=f"{socket.gethostname()}:{os.getpid()}",
            empty_log=store.empty_log,
        )


def _registry() -> CollectorRegistry:
    """Return a registry of our own, with what any Python process shows."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
