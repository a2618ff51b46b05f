"""Makes copies of everything about somebody: a zip of JSON by schema, tables of what sockets reported, and an index.

Memory stays small however much there is: a page of records or of a table at a time goes through the zip into a file
that is sealed as it is written.
"""

import asyncio
import html
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any, Protocol, cast

from isocket.domain.accounts import Account
from isocket.domain.collected import TELEMETRY
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.devices import Device
from isocket.domain.disclosures import Disclosure, may_be_told
from isocket.domain.erasure_plan import erased_with_the_account
from isocket.domain.exports import EXPORT_LIFE, DataExport, ExportState
from isocket.domain.handling import Export, Handling
from isocket.domain.processing import RIGHTS, Activity, Controller, activities
from isocket.domain.record import Record, account_fields, handling_of
from isocket.domain.reports import Report, ReportKind
from isocket.kit.clock import EPOCH, Clock, from_ms, to_text
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, StoreUnavailableError, at_most, every, is_
from isocket.storage.shelf import Shelf
from isocket.storage.telemetry import Telemetry
from privacy.cells import cell, rows_as_csv
from privacy.given import Given, rows_of, write_ledger
from privacy.schemas import schema_of, stored_values

log = get_logger(__name__)

LOOK_EVERY_S = 2.0
LEASE_S = 600.0
PAGE = 1_000
_COLUMNS = tuple(name for name in TELEMETRY if name != "ts")
_TOLD = frozenset({ReportKind.STATE, ReportKind.ALARM})
_SECRETS = frozenset({DeliveryKind.CODE, DeliveryKind.ACTIVATION, DeliveryKind.RESET})
_WORDS = {"text", "html", "subject_line", "unsubscribe_url"}
WITHHELD = "a secret, or a value of somebody else: it is not copied"


class Sink(Protocol):
    """Where the bytes of a zip go."""

    def write(self, content: bytes, /) -> int:
        """Take them."""
        ...

    def flush(self) -> None:
        """Let them go on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Copier:
    """Writes the copy of one account."""

    records: Records
    telemetry: Telemetry
    controller: Controller

    async def copy(self, account: Account, sink: Sink, now: datetime, progress: Callable[[int], Any]) -> None:
        """Write the zip; `progress` is awaited with the percent that is done."""
        kinds: tuple[type[Record], ...] = (*erased_with_the_account(), Device)
        devices = await self.records.find(Device, is_("owner_id", account.id))
        steps, done = len(kinds) + len(devices) + 2, 0
        counts: dict[str, int] = {}
        with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_DEFLATED) as archive:
            for kind in kinds:
                counts[kind.collection] = await self._records_of(archive, kind, account.id, now)
                done += 1
                await progress(done * 100 // steps)
            for device in devices:
                counts[f"telemetry/{device.id}"] = await self._table_of(archive, device, now)
                done += 1
                await progress(done * 100 // steps)
            told = await write_ledger(archive, self.records, account.id, now)
            await progress((done + 1) * 100 // steps)
            archive.writestr("index.html", self._index(counts, told, now))

    async def _records_of(self, archive: zipfile.ZipFile, kind: type[Record], account_id: str, now: datetime) -> int:
        names = exported_fields(kind)
        if not names:
            return 0
        archive.writestr(f"schema/{kind.collection}.schema.json", json.dumps(schema_of(kind, names), indent=2))
        count = 0
        with archive.open(f"data/{kind.collection}.json", "w", force_zip64=True) as member:
            withheld = [name for name, how in _handled(kind).items() if how.export is Export.WITHHELD]
            head = {"collection": kind.collection, "withheld": dict.fromkeys(withheld, WITHHELD)}
            member.write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "items": [')
            for field in account_fields(kind):
                async for each in every(self.records, kind, is_(field, account_id)):
                    if isinstance(each, Disclosure) and not may_be_told(each, now):
                        continue
                    values = stored_values(each, names)
                    if isinstance(each, Delivery) and _proves_something(each, account_id):
                        values |= dict.fromkeys(_WORDS & values.keys(), "")
                    if field == kind.guest:  # another customer's record that tells about this one
                        values |= dict.fromkeys({kind.account or ""} & values.keys(), "")
                    line = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
                    member.write((",\n" if count else "\n").encode() + line.encode())
                    count += 1
            member.write(b"\n]}\n")
        return count

    async def _table_of(self, archive: zipfile.ZipFile, device: Device, now: datetime) -> int:
        """Write what a socket reported since it is this customer's; a list in a cell is written as JSON."""
        start, end = device.claimed_at or EPOCH, now + timedelta(days=1)
        count, last = 0, None
        with archive.open(f"telemetry/{device.id}.csv", "w", force_zip64=True) as member:
            member.write(rows_as_csv([["received", "kind", "ts", *_COLUMNS]]))
            while True:
                page = await self.telemetry.reports(device.id, start=start, end=end, after=last, limit=PAGE)
                count += await asyncio.to_thread(_write_page, member, page)  # alarms have the event loop meanwhile
                if len(page) < PAGE:
                    return count
                last = page[-1]

    def _index(self, counts: Mapping[str, int], told: Given, now: datetime) -> str:
        said = html.escape
        rows = "".join(f"<tr><td>{said(name)}<td>{count}" for name, count in counts.items())
        whys = "".join(map(_why, activities(self.controller)))
        rights = "".join(f"<li>{said(each)}" for each in RIGHTS)
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Your data</title>'
            "<style>body{font:1rem/1.5 sans-serif;max-width:70rem;margin:2rem auto}td,th{text-align:left;padding:.3rem}"
            f"</style><h1>Your data</h1><p>Made {to_text(now)} by {said(self.controller.name)}, "
            f"{said(self.controller.contact)}.</p><p>Records are JSON, with a schema each; what sockets reported are "
            "tables. Secrets are left out and named as withheld. Values of other customers are in none of it.</p>"
            f"<h2>What is in it</h2><table><tr><th>what<th>how many{rows}</table>"
            "<h2>What it is for, how long it is kept, and who gets it</h2>"
            f"<table><tr><th>what for<th>lawful basis<th>categories<th>kept<th>recipients{whys}</table>"
            "<h2>Who was given something</h2><p>Each time is a line of <code>disclosures.csv</code>.</p>"
            f"<table><tr><th>who<th>name or id<th>how often<th>last{rows_of(told)}</table>"
            f"<h2>Your rights</h2><ul>{rights}</ul>\n"
        )


class Exporter:
    """Makes the copies that were asked for, and takes away those whose time is over."""

    def __init__(self, *, copier: Copier, keyring: Keyring, clock: Clock, shelf: Shelf) -> None:
        self._copier = copier
        self._records = copier.records
        self._keyring = keyring
        self._clock = clock
        self._shelf = shelf

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        while not stop.is_set():
            try:
                await self.round()
            except StoreUnavailableError as error:
                log.warning("export_waits", error=type(error).__name__)
            except Exception as error:  # one copy that fails keeps no other back; its lease runs out
                log.exception("export_broken_off", error=type(error).__name__)
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def round(self) -> int:
        """Make what waits; return how many copies were made."""
        made = 0
        while (claimed := await self._claim()) is not None:
            made += await self._make(claimed)
        await self._tidy()
        return made

    async def _claim(self) -> DataExport | None:
        now = self._clock.now()
        for state in (ExportState.WAITING, ExportState.WORKING):
            claimed = await self._records.change_one(
                DataExport,
                is_("state", state),
                at_most("lease_until", now),
                order_by="created_at",
                state=ExportState.WORKING,
                lease_until=now + timedelta(seconds=LEASE_S),
            )
            if claimed is not None:
                return claimed
        return None

    async def _make(self, wish: DataExport) -> bool:
        account = await self._records.get(Account, wish.account_id)
        key = await self._keyring.key_for(wish.account_id)
        if account is None or key is None:
            await self._records.remove_all(DataExport, is_("id", wish.id))
            return False
        file = await asyncio.to_thread(self._shelf.write, wish.id, key)

        async def progress(percent: int) -> None:
            until = self._clock.now() + timedelta(seconds=LEASE_S)
            await self._records.change_one(DataExport, is_("id", wish.id), progress=percent, lease_until=until)

        try:
            await self._copier.copy(account, file, self._clock.now(), progress)
            await asyncio.to_thread(file.close)
        except BaseException:
            file.abandon()
            raise
        now = self._clock.now()
        ready = await self._records.change_one(
            DataExport,
            is_("id", wish.id),
            state=ExportState.READY,
            progress=100,
            size=file.size,
            ready_at=now,
            ends_at=now + EXPORT_LIFE,
        )
        log.info("export_ready", export_id=wish.id, size=file.size)
        return ready is not None

    async def _tidy(self) -> None:
        """Take away files whose time is over, and those that no wish is left of."""
        over = (is_("state", ExportState.READY), at_most("ends_at", self._clock.now()))
        for each in await self._records.find(DataExport, *over):
            await asyncio.to_thread(self._shelf.remove, each.id)
            await self._records.change_one(DataExport, is_("id", each.id), state=ExportState.EXPIRED)
        for name in await asyncio.to_thread(self._shelf.names):
            if await self._records.get(DataExport, name) is None:
                await asyncio.to_thread(self._shelf.remove, name)


def exported_fields(kind: type[Record]) -> tuple[str, ...]:
    """Return the fields of a class that a copy holds, its id first; none where it tells nothing about a person."""
    names = tuple(name for name, how in _handled(kind).items() if how.export is not Export.WITHHELD)
    return ("id", *names) if names else ()


def _handled(kind: type[Record]) -> dict[str, Handling]:
    return {name: how for name, how in handling_of(kind).items() if isinstance(how, Handling)}


def _why(activity: Activity) -> str:
    told = [f"{each.who} ({each.country})" for each in activity.recipients]
    cells = (
        activity.what_for, activity.basis, ", ".join(activity.categories), "; ".join(activity.kept), "; ".join(told),
    )  # fmt: skip
    return "<tr>" + "".join(f"<td>{html.escape(each)}" for each in cells)


def _proves_something(message: Delivery, account_id: str) -> bool:
    """Return whether a message holds what only its reader may have: a code, a link, an invitation of somebody else."""
    of_another = message.contact_id is None and message.person_id != account_id
    return message.kind in _SECRETS or of_another


def _write_page(member: IO[bytes], page: Sequence[Report]) -> int:
    rows = [_row(each) for each in page if each.kind in _TOLD]
    member.write(rows_as_csv(rows))
    return len(rows)


def _row(report: Report) -> list[Any]:
    told = {**report.fields, "boot": report.boot, "seq": report.seq}
    moments = [to_text(from_ms(report.received_ms)), report.kind.value, to_text(from_ms(report.at_ms))]
    return moments + [cell(told[name]) if name in told else "" for name in _COLUMNS]
