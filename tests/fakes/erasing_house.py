"""A portal on sealed stores beside the eraser that carries out what it notes, in memory or in files of its own."""

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from isocket.domain.accounts import Account, Session, SessionKind
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.erasures import Erasure
from isocket.domain.incidents import Cause, Happening, Incident, Severity, TimelineEntry
from isocket.domain.processing import Controller
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.watches import Watch
from isocket.kit.clock import to_ms
from isocket.storage.documents import Documents
from isocket.storage.keyring import Keyring, MemoryKeyring, SqliteKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import Records
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.shelf import Shelf
from isocket.storage.sqlite import SqliteStore
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups
from portal_api.recipient_acts import erase_entry
from portal_api.releases import release_device
from portal_api.routes import AnyRoute
from privacy.erasing import Eraser
from privacy.exporting import Copier, Exporter
from privacy.ledger import Ledger
from privacy.replaying import replay_erasures
from tests.fakes.clock import ManualClock
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, PHONE, SOCKET
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.stand_ins import nothing_is_held, scan_here

CONTROLLER = Controller(name="Example Ltd", contact="mailto:privacy@example.org")
MASTER_KEY = bytes(range(32))
MAIJA_ID = "acc_maija0000000000000000"


async def nothing_to_empty() -> bool:
    """Stand for the log of a store that has none."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What lies under the portal and the eraser."""

    records: Records
    telemetry: Telemetry
    keyring: Keyring
    clock: ManualClock
    folder: Path
    empty_log: Callable[[], Awaitable[bool]] = field(default=nothing_to_empty)
    documents: Documents | None = None

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / "erasures.jsonl")

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.folder / "exports")

    def exporter(self, records: Records | None = None) -> Exporter:
        """Return who makes copies."""
        copier = Copier(records=records or self.records, telemetry=self.telemetry, controller=CONTROLLER)
        return Exporter(copier=copier, keyring=self.keyring, clock=self.clock, shelf=self.shelf)

    def eraser(
        self,
        records: Records | None = None,
        telemetry: Telemetry | None = None,
        preserve: Callable[[str], Awaitable[tuple[str, ...]]] = nothing_is_held,
    ) -> Eraser:
        """Return an eraser, on dying stores where they are given; `preserve` copies what is held."""
        parts = Parts(
            records=records or self.records,
            telemetry=telemetry or self.telemetry,
            clock=self.clock,
            keyring=self.keyring,
        )

        async def release(device: Device) -> None:
            await release_device(parts, device)

        return Eraser(
            public_url=PUBLIC_URL,
            records=parts.records,
            keyring=self.keyring,
            clock=self.clock,
            release=release,
            empty_log=self.empty_log,
            files=lambda: [self.folder],
            ledger=self.ledger,
            shelf=self.shelf,
            preserve=preserve,
            search=scan_here,
        )

    async def replay(self) -> int:
        """Do what is done before any port opens."""

        async def again(contact_id: str) -> None:
            await erase_entry(self.records, self.clock, contact_id, keyring=self.keyring, note=self.note_erasure)

        return await replay_erasures(self.records, self.eraser(), self.ledger, self.clock, erase_entry=again)

    async def note_erasure(self, receipt_id: str, tombstone: str, at: datetime) -> None:
        """Note who was erased without an account."""
        self.ledger.note(receipt_id, tombstone, at)

    async def erasures(self) -> list[Erasure]:
        return await self.records.find(Erasure, order_by="id")

    def with_keyring(self, keyring: Keyring) -> Records:
        """Return the same records read with other keys."""
        if self.documents is None:
            raise AssertionError("only a ground on disk can be read with other keys")
        return StoredRecords(SealedDocuments(self.documents, keyring))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What releasing a device needs."""

    records: Records
    telemetry: Telemetry
    clock: ManualClock
    keyring: Keyring


@asynccontextmanager
async def erasing_house(
    folder: Path, routes: tuple[AnyRoute, ...] = ALL_ROUTES, **settings: Any
) -> AsyncIterator[tuple[PortalHouse, Ground]]:
    """Run a portal in memory, with all routes about sockets unless it is said which."""
    keyring = MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    async with portal_house(
        records=records, routes=routes, keyring=keyring, shelf=Shelf(folder / "exports"), **settings
    ) as house:
        yield (
            house,
            Ground(records=house.records, telemetry=house.telemetry, keyring=keyring, clock=house.clock, folder=folder),
        )


@asynccontextmanager
async def ground_on_disk(folder: Path, clock: ManualClock) -> AsyncIterator[Ground]:
    """Open the stores of an installation in a folder."""
    keyring = await SqliteKeyring.open(folder / "keyring.sqlite", MASTER_KEY)
    store = await SqliteStore.open(folder / "isocket.sqlite", clock=clock)
    records = StoredRecords(SealedDocuments(store.documents, keyring))
    await records.prepare()
    try:
        yield Ground(
            records=records,
            telemetry=store.telemetry,
            keyring=keyring,
            clock=clock,
            folder=folder,
            empty_log=store.empty_log,
            documents=store.documents,
        )
    finally:
        await store.close()
        await keyring.close()


def back_up(folder: Path, into: Path, *names: str) -> None:
    """Copy databases as an operator does, while they are in use."""
    into.mkdir(exist_ok=True)
    for name in names:
        with sqlite3.connect(folder / name) as here, sqlite3.connect(into / name) as there:
            here.backup(there)
        here.close()
        there.close()


def in_memory(folder: Path) -> Ground:
    """Return stores in memory."""
    clock, keyring = ManualClock(), MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    telemetry = MemoryTelemetry(wakeups=Wakeups(), clock=clock)
    return Ground(records=records, telemetry=telemetry, keyring=keyring, clock=clock, folder=folder)


async def furnish(ground: Ground) -> None:
    """Store a customer with a bit of everything, as the rooms would."""
    now = ground.clock.now()
    mine: dict[str, Any] = {"account_id": MAIJA_ID}
    await ground.records.add_all(
        [
            Account(id=MAIJA_ID, email=MAIJA, name="Maija Meikalainen", password_hash="v1:x", created_at=now),
            Contact(id="con_1", name="Neighbour Niemi", phone=PHONE, phone_verified_at=now, created_at=now, **mine),
            Contact(id="con_2", name=MAIJA, email=MAIJA, is_owner=True, created_at=now, **mine),
            Device(
                id=SOCKET, model="isocket-707", secret_hash="$", claim_hash="h", provisioned_at=now,
                owner_id=MAIJA_ID, claimed_at=now, name="Cabin of Maija", place="Behind the larder",
            ),
            Session(
                id="ses_1", kind=SessionKind.BEARER, access_hash="a", access_expires_at=now, expires_at=now,
                credential_epoch=1, created_at=now, **mine,
            ),
            Incident(
                id="inc_1", device_id=SOCKET, cause=Cause.MAINS_LOST, severity=Severity.CRITICAL, opened_at=now,
                detected_at=now, open_key="k", **mine,
            ),
            TimelineEntry(id="tl_1", incident_id="inc_1", at=now, what=Happening.OPENED, **mine),
            Delivery(
                id="dlv_1", person_id="con_1", kind=DeliveryKind.ALARM, channel=ChannelKind.SMS, address=PHONE,
                text="Cabin of Maija: mains power is out", created_at=now, due_at=now, state=DeliveryState.SENT, **mine,
            ),
            Watch(id=SOCKET, conditions={"mains_lost": {"since": 1}}),
        ]
    )  # fmt: skip
    at_ms = to_ms(now)
    body = {"boot": 1, "seq": 1, "mains": False}
    said = Report(SOCKET, ReportKind.STATE, 1, 1, at_ms, at_ms, ClockQuality.DEVICE, json.dumps(body), body)
    await ground.telemetry.store([said])
