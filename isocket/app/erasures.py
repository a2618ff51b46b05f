"""Puts together what erases, holds, copies and archives: its parts of other rooms, and this installation's files."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from isocket.app.house import House
from isocket.app.searching import search_for_values
from isocket.app.settings import Settings
from isocket.app.settings_sources import SettingsError
from isocket.app.terms import controller_of
from isocket.domain.archives import ArchiveTerms
from isocket.domain.contacts import ChannelKind
from isocket.domain.devices import Device
from isocket.domain.periods import FinancialYear
from isocket.domain.policies import Policy, policies
from isocket.kit.clock import Clock
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, StoreUnavailableError
from isocket.storage.shelf import Shelf
from portal_api.portal import NoteErasure
from portal_api.problem import ProblemError
from portal_api.recipient_acts import entries_of, erase, erase_entry
from portal_api.releases import release_device
from portal_api.subscribing import forget_reader
from privacy.archiving import Archivist
from privacy.choice_ledger import ChoiceLedger
from privacy.choices import replay_choices, replay_stops
from privacy.erasing import Eraser
from privacy.exporting import Copier, Exporter
from privacy.hold_ledger import replay_holds
from privacy.holds import HoldKeeper
from privacy.ledger import Ledger
from privacy.manager_keys import ManagerKeyError, PublicKey, read_public
from privacy.replaying import replay_erasures
from privacy.sealing import ArchiveError, check_managers


def eraser_of(house: House) -> Eraser:
    """Return the eraser of a house."""

    async def release(device: Device) -> None:
        try:
            await release_device(house, device)
        except ProblemError as error:
            raise StoreUnavailableError(
                f"The settings of the socket {device.id} were changed again and again meanwhile. Nothing is lost: "
                "run it again."
            ) from error

    return Eraser(
        public_url=house.settings.origin,
        records=house.records,
        keyring=house.keyring,
        clock=house.clock,
        release=release,
        empty_log=house.empty_log,
        files=lambda: files_of(house.settings),
        ledger=ledger_of(house),
        shelf=shelf_of(house),
        preserve=hold_keeper_of(house).preserve,
        search=partial(search_for_values, house.folder),
    )


def hold_keeper_of(house: House, registry: CollectorRegistry | None = None) -> HoldKeeper:
    """Return who keeps what holds name; the one that looks each minute shows figures in `registry`."""
    return HoldKeeper(
        records=house.records,
        telemetry=house.telemetry,
        keyring=house.keyring,
        clock=house.clock,
        operator_email=house.settings.operator_email,
        public_url=house.settings.origin,
        ledger=held_of(house),
        registry=registry,
    )


def held_of(house: House) -> ChoiceLedger:
    """Return the ledger of holds, which lies beside that of erasures."""
    return ChoiceLedger(ledger_of(house).path.with_name("holds.jsonl"))


def copier_of(house: House) -> Copier:
    """Return what writes the copy of an account."""
    return Copier(
        records=house.records,
        telemetry=house.telemetry,
        controller=controller_of(house.settings),
        give_way=house.right_of_way.give_way,
    )


def exporter_of(house: House) -> Exporter:
    """Return the maker of copies of a house."""
    return Exporter(copier=copier_of(house), keyring=house.keyring, clock=house.clock, shelf=shelf_of(house))


def archive_terms(settings: Settings) -> ArchiveTerms:
    """Return how long things are kept here."""
    month, day = (int(each) for each in settings.financial_year_end.split("-"))
    return ArchiveTerms(
        warranty_months=settings.warranty_months,
        wait_years=settings.archive_after_years,
        keep_years=settings.archive_keep_years,
        financial_year=FinancialYear(month=month, day=day),
        time_zone=settings.office_time_zone,
    )


def managers_of(settings: Settings) -> list[PublicKey]:
    """Return the managers' public keys; none where no folder is set.

    Raises:
        SettingsError: there are not three of them, or one cannot be read.
    """
    if settings.archive_keys is None:
        return []
    try:
        keys = [read_public(each) for each in sorted(settings.archive_keys.glob("*.pub"))]
        check_managers(keys)
    except (ManagerKeyError, ArchiveError) as error:
        raise SettingsError([f"ISOCKET_ARCHIVE_KEYS: {error}"]) from error
    return keys


def archivist_of(house: House) -> Archivist:
    """Return who seals and destroys archives. Raises as `managers_of` does."""
    return Archivist(
        records=house.records,
        keyring=house.keyring,
        clock=house.clock,
        eraser=eraser_of(house),
        folder=house.folder.archives,
        managers=managers_of(house.settings),
        terms=archive_terms(house.settings),
    )


def shelf_of(house: House) -> Shelf:
    """Return where copies lie until they are fetched."""
    return Shelf(house.folder.exports)


def ledger_of(house: House) -> Ledger:
    """Return the ledger of erasures."""
    return Ledger(house.settings.erasure_ledger or house.folder.erasures)


def noter_of(house: House) -> NoteErasure:
    """Return what notes in the ledger that somebody went who had no account."""
    ledger = ledger_of(house)

    async def note(receipt_id: str, tombstone: str, at: datetime) -> None:
        try:
            await asyncio.to_thread(ledger.note, receipt_id, tombstone, at)
        except OSError as error:  # such as a full disk: they are not gone before it is noted
            raise StoreUnavailableError(
                f"the ledger of erasures cannot be written: {ledger.path}: {error.strerror}"
            ) from error

    return note


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLetter:
    """What is needed to follow somebody who asked us otherwise than by their own page."""

    records: Records
    clock: Clock
    keyring: Keyring
    note_erasure: NoteErasure
    settings: "_Published"


@dataclass(frozen=True, slots=True)
class _Published:
    origin: str
    policies: tuple[Policy, ...] = field(default_factory=policies)

    def link(self, path: str) -> str:
        return self.origin.rstrip("/") + path


def by_letter(house: House) -> ByLetter:
    """Return the parts of a house by which somebody is followed who asked by letter."""
    return ByLetter(
        records=house.records,
        clock=house.clock,
        keyring=house.keyring,
        note_erasure=noter_of(house),
        settings=_Published(house.settings.origin),
    )


async def erase_recipient(house: House, address: str) -> int | None:
    """Erase an alarm recipient by number or mailbox, as their own page does, or a reader of the newsletter.

    Return how many entries by customers there were, None where there is nobody.
    """
    written = "".join(address.split())
    channel = ChannelKind.EMAIL if "@" in written else ChannelKind.SMS
    entries = await entries_of(house.records, channel, written)
    acting = by_letter(house)
    if entries:
        await erase(acting, written, entries)
        return len(entries)
    return 0 if "@" in written and await forget_reader(acting, written) else None


def files_of(settings: Settings) -> list[Path]:
    """Return where everything of this installation lies: the data folder, and the store where it is elsewhere."""
    store = settings.store_file
    return [settings.data_dir, *sorted(store.parent.glob(f"{store.name}*"))]


def choices_of(house: House) -> ChoiceLedger:
    """Return the ledger of choices, which lies beside that of erasures."""
    return ChoiceLedger(ledger_of(house).path.with_name("choices.jsonl"))


async def replay(house: House) -> None:
    """Do again what a restored backup undid: holds, stops, erasures, choices. Called before any port is opened.

    Raises:
        LedgerBrokenError: it cannot be told who was erased.
        ChoicesBrokenError: it cannot be told what people chose, or what is held.
        StoreUnavailableError, UncopiedError: somebody is still there.
    """

    async def again(contact_id: str) -> None:
        await erase_entry(house.records, house.clock, contact_id, keyring=house.keyring, note=noter_of(house))

    await replay_holds(house.records, held_of(house), house.clock)
    await replay_stops(house.records, choices_of(house), house.keyring)
    await replay_erasures(house.records, eraser_of(house), ledger_of(house), house.clock, erase_entry=again)
    await replay_choices(house.records, choices_of(house))
