"""Puts eraser and exporter together: what they need of other rooms, and the files of this installation."""

from pathlib import Path

from isocket.app.house import House
from isocket.app.settings import Settings, controller_of
from isocket.domain.devices import Device
from isocket.storage.shelf import Shelf
from portal_api.releases import release_device
from privacy.erasing import Eraser
from privacy.exporting import Copier, Exporter
from privacy.ledger import Ledger
from privacy.replaying import replay_erasures


def eraser_of(house: House) -> Eraser:
    """Return the eraser of a house."""

    async def release(device: Device) -> None:
        await release_device(house, device)

    return Eraser(
        records=house.records,
        keyring=house.keyring,
        clock=house.clock,
        release=release,
        empty_log=house.empty_log,
        files=lambda: files_of(house.settings),
        ledger=ledger_of(house),
        shelf=shelf_of(house),
    )


def copier_of(house: House) -> Copier:
    """Return what writes the copy of an account."""
    return Copier(records=house.records, telemetry=house.telemetry, controller=controller_of(house.settings))


def exporter_of(house: House) -> Exporter:
    """Return the maker of copies of a house."""
    return Exporter(copier=copier_of(house), keyring=house.keyring, clock=house.clock, shelf=shelf_of(house))


def shelf_of(house: House) -> Shelf:
    """Return where copies lie until they are fetched."""
    return Shelf(house.folder.exports)


def ledger_of(house: House) -> Ledger:
    """Return the ledger of erasures."""
    return Ledger(house.settings.erasure_ledger or house.folder.erasures)


def files_of(settings: Settings) -> list[Path]:
    """Return where everything of this installation lies: the data folder, and the store where it is elsewhere."""
    store = settings.store_file
    return [settings.data_dir, *sorted(store.parent.glob(f"{store.name}*"))]


async def replay(house: House) -> None:
    """Erase again whoever a restored backup brought back. Called before any port is opened.

    Raises:
        LedgerBrokenError: it cannot be told who was erased.
        StoreUnavailableError: somebody is still there.
    """
    await replay_erasures(house.records, eraser_of(house), ledger_of(house), house.clock)
