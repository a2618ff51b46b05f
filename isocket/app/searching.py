"""Searching all files for what is somebody's: what every installation says of itself is nobody's."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from broker_bridge.mosquitto.config import BrokerFolder
from isocket.app.data_folder import DataFolder
from isocket.storage.keyring import SqliteKeyring
from isocket.storage.master_key import KEY_BYTES
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.sqlite import SqliteStore
from privacy.scan import Found, scan_apart


async def search_for_values(folder: DataFolder, files: list[Path], *values: str) -> list[Found]:
    """Return where one of the values lies, but for words that stand in the files of any installation.

    Somebody may well call a person "SQLite format 3", with which every database begins: they would never be erased.

    Raises:
        SearchBrokenError: a file cannot be looked into.
        StoreUnavailableError: no empty store can be made to compare with.
    """
    found = await scan_apart(files, *values)
    if not found:
        return found
    ours = await _words_of_any_installation(folder)
    theirs = [value for value in values if value.lower().encode() not in ours]
    return found if len(theirs) == len(values) else await scan_apart(files, *theirs)


async def _words_of_any_installation(folder: DataFolder) -> bytes:
    """Return what a store and a keyring without anybody in them and the broker's rules say, in small letters."""
    broker = BrokerFolder(path=folder.broker)
    with TemporaryDirectory() as empty:
        store = await SqliteStore.open(Path(empty) / "store.sqlite")
        keyring = await SqliteKeyring.open(Path(empty) / "keyring.sqlite", bytes(KEY_BYTES))
        try:
            await StoredRecords(SealedDocuments(store.documents, keyring)).prepare()
        finally:
            await store.close()
            await keyring.close()
        return await asyncio.to_thread(_read, Path(empty), (broker.config, broker.access))


def _read(folder: Path, others: Iterable[Path]) -> bytes:
    return b"\n".join(each.read_bytes() for each in (*folder.iterdir(), *others) if each.exists()).lower()
