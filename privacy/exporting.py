"""Makes copies of everything about somebody: a zip of JSON by schema, tables of what sockets reported, and an index.

Memory stays small however much there is: a page of records or of a table at a time goes through the zip into a file
that is sealed as it is written. Alarms are not held up: tables are read, packed and sealed by threads that stand
back, and nothing begins while somebody is in a hurry.
"""

import asyncio
import json
import zipfile
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any, Protocol, cast

from isocket.domain.accounts import Account
from isocket.domain.deliveries import PROVING, WORDS, Delivery
from isocket.domain.desk import DeskMessage
from isocket.domain.devices import Device
from isocket.domain.disclosures import Disclosure, may_be_told
from isocket.domain.erasure_plan import erased_with_the_account
from isocket.domain.exports import EXPORT_LIFE, DataExport, ExportState
from isocket.domain.handling import Export
from isocket.domain.incidents import Incident, TimelineEntry
from isocket.domain.problems import Problem
from isocket.domain.processing import Controller
from isocket.domain.record import Record, account_fields, personal_fields
from isocket.domain.request_notes import RequestNote
from isocket.domain.requests import RightsRequest
from isocket.domain.watches import Watch
from isocket.kit.clock import Clock
from isocket.kit.ids import without_tokens
from isocket.kit.logs import get_logger
from isocket.kit.priority import stand_back
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, Test, at_most, every, is_, one_of
from isocket.storage.shelf import Shelf
from isocket.storage.telemetry import Telemetry
from privacy.copy_index import Contents, index_page
from privacy.copy_tables import Tables
from privacy.given import write_ledger
from privacy.holdings import asked_before
from privacy.rounds import survived
from privacy.schemas import schema_of, stored_values

log = get_logger(__name__)

LOOK_EVERY_S = 2.0
LEASE_S = 600.0
FAST = 1  # of zlib's nine: a table packs nearly as well, in a third of the time
GIVE_WAY_S = 0.05
AT_ONCE = 100  # records: what is opened and looked through at a time holds the event loop
TELL_PERCENT = 4
_BY_THE_SOCKET = {Watch: "id", Problem: "device_id"}
"""Classes that name no account, but a socket of this one."""

ACCOUNT = "acc_"  # how the id of an account begins
_NAME_WHO_DID_IT = (Incident, TimelineEntry)
WITHHELD = "a secret, or a value of somebody else: it is not copied"
OTHERS = "(another person)"
"""Stands where a value is about somebody else who shares a socket, or who alone may read a message."""


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
    give_way: Callable[[float], Awaitable[None]] | None = None
    hands: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "copying", initializer=stand_back))

    async def copy(self, account: Account, sink: Sink, now: datetime, progress: Callable[[int], Any]) -> None:
        """Write the zip; `progress` is awaited with the percent that is done, whenever it grew."""
        kinds = copied_classes()
        devices = await self.records.find(Device, is_("owner_id", account.id))
        contents, percent = Contents(), Percent(len(kinds) + len(devices) + 1, progress)
        tables = Tables(telemetry=self.telemetry, hands=self.hands, give_way=self._gives_way)
        with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_DEFLATED, compresslevel=FAST) as archive:
            for kind in kinds:
                contents.counts[kind.collection] = await self._records_of(archive, kind, account.id, now, contents)
                await percent.step()
            for device in devices:
                contents.counts |= await tables.write(archive, device, now, percent.within)
                await percent.step()
            contents.told = await write_ledger(archive, self.records, account.id, now)
            await percent.step()
            archive.writestr("index.html", index_page(self.controller, contents, now))

    async def _records_of(
        self, archive: zipfile.ZipFile, kind: type[Record], account_id: str, now: datetime, contents: Contents
    ) -> int:
        names = exported_fields(kind)
        if not names:
            return 0
        archive.writestr(f"schema/{kind.collection}.schema.json", json.dumps(schema_of(kind, names), indent=2))
        with archive.open(f"data/{kind.collection}.json", "w", force_zip64=True) as member:
            withheld = [name for name, how in personal_fields(kind).items() if how.export is Export.WITHHELD]
            head = {"collection": kind.collection, "withheld": dict.fromkeys(withheld, WITHHELD)}
            member.write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "items": [')
            page = _Page(member, names, account_id, contents)
            for tests in await self._whose(kind, account_id):
                async for each in every(self.records, kind, *tests, page=AT_ONCE):
                    if isinstance(each, Disclosure) and not may_be_told(each, now):
                        continue
                    page.take(each, as_guest=tests[0].field == kind.guest)
                    if page.is_full:
                        await self._gives_way()
                        await asyncio.get_running_loop().run_in_executor(self.hands, page.write)
            page.write()
            member.write(b"\n]}\n")
        return page.written

    async def _whose(self, kind: type[Record], account_id: str) -> list[tuple[Test, ...]]:
        """Return by what the records of a class are found that are this customer's."""
        by_the_socket = _BY_THE_SOCKET.get(kind)
        if by_the_socket is not None:
            ids = [each.id for each in await self.records.find(Device, is_("owner_id", account_id))]
            return [(one_of(by_the_socket, ids),)] if ids else []
        found: list[tuple[Test, ...]] = [(is_(name, account_id),) for name in account_fields(kind)]
        if kind in {RightsRequest, RequestNote} and (asked := await asked_before(self.records, account_id)):
            ids = [each.id for each in asked]
            found.append((one_of("id" if kind is RightsRequest else "request_id", ids), is_("account_id", None)))
        return found

    async def _gives_way(self) -> None:
        if self.give_way is not None:
            await self.give_way(GIVE_WAY_S)


class _Page:
    """Some records on their way into a file: put together and packed apart from the event loop, which alarms need."""

    def __init__(self, member: IO[bytes], names: tuple[str, ...], account_id: str, contents: Contents) -> None:
        self._member = member
        self._names = names
        self._account_id = account_id
        self._contents = contents
        self._waiting: list[tuple[Record, bool]] = []
        self.written = 0

    @property
    def is_full(self) -> bool:
        """Return whether it is to be written."""
        return len(self._waiting) >= AT_ONCE

    def take(self, each: Record, *, as_guest: bool) -> None:
        """Take a record that is to be written."""
        self._waiting.append((each, as_guest))

    def write(self) -> None:
        """Write what was taken."""
        for each, as_guest in self._waiting:
            values = stored_values(each, self._names)
            self._contents.of_others += _take_out_others(each, values, self._account_id, as_guest=as_guest)
            line = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
            self._member.write((",\n" if self.written else "\n").encode() + line.encode())
            self.written += 1
        self._waiting = []


class Percent:
    """Tells how far something of some steps has come, whenever it is some percent further."""

    def __init__(self, steps: int, tell: Callable[[int], Any]) -> None:
        self._steps = steps
        self._tell = tell
        self._done = 0
        self._told = -TELL_PERCENT

    async def step(self) -> None:
        """One more step is done."""
        self._done += 1
        await self.within(0.0)

    async def within(self, share: float) -> None:
        """A share of the step under way is done."""
        percent = min(99, round((self._done + share) * 100 / self._steps))
        if percent >= self._told + TELL_PERCENT:
            self._told = percent
            await self._tell(percent)


class Exporter:
    """Makes the copies that were asked for, and takes away those whose time is over."""

    def __init__(self, *, copier: Copier, keyring: Keyring, clock: Clock, shelf: Shelf) -> None:
        self._copier = copier
        self._records = copier.records
        self._keyring = keyring
        self._clock = clock
        self._shelf = shelf
        self._stuck: set[str] = set()  # the files of which the log says already that they could not be taken away

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        while not stop.is_set():
            with survived(log, waits="export_waits", broken_off="export_broken_off"):
                await self.round()
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
            if await self._took_away(each.id):
                await self._records.change_one(DataExport, is_("id", each.id), state=ExportState.EXPIRED)
        for name in await asyncio.to_thread(self._shelf.names):
            if await self._records.get(DataExport, name) is None:
                await self._took_away(name)

    async def _took_away(self, name: str) -> bool:
        """Take a file away; where that fails it keeps no other back, and is tried again."""
        try:
            await asyncio.to_thread(self._shelf.remove, name)
        except OSError as error:
            if name not in self._stuck:
                log.exception("export_not_removed", export_id=name, error=type(error).__name__)
            self._stuck.add(name)
            return False
        self._stuck.discard(name)
        return True


def exported_fields(kind: type[Record]) -> tuple[str, ...]:
    """Return the fields of a class that a copy holds, its id first; none where it tells nothing about a person."""
    names = tuple(name for name, how in personal_fields(kind).items() if how.export is not Export.WITHHELD)
    return ("id", *names) if names else ()


def copied_classes() -> tuple[type[Record], ...]:
    """Return every class of which a copy holds what is this customer's."""
    return (*erased_with_the_account(), Device, *_BY_THE_SOCKET)


def _take_out_others(each: Record, values: dict[str, Any], account_id: str, *, as_guest: bool) -> int:
    """Put a mark where a value is somebody else's; return how many that were. No link in a message opens anything."""
    names: set[str] = set()
    if isinstance(each, Delivery | DeskMessage):
        values |= {name: without_tokens(values[name]) for name in WORDS & values.keys() if values[name]}
    if isinstance(each, Delivery) and _proves_something(each, account_id):
        names = {name for name in WORDS & values.keys() if values[name]}
    if as_guest and each.account:  # another customer's record that tells about this one
        names.add(each.account)
    marked = names & values.keys()
    values |= dict.fromkeys(marked, OTHERS)
    if not isinstance(each, _NAME_WHO_DID_IT):
        return len(marked)
    found = 0
    for name, value in values.items():
        if name != each.account:
            values[name], more = _without_others(value, account_id)
            found += more
    return len(marked) + found


def _without_others(value: Any, account_id: str) -> tuple[Any, int]:
    """Return a value in which no other account is named, and how many were: "acc_… web" is who did it and how."""
    if isinstance(value, dict):
        inside = {name: _without_others(each, account_id) for name, each in value.items()}
        return {name: each for name, (each, _) in inside.items()}, sum(more for _, more in inside.values())
    if isinstance(value, str) and value.startswith(ACCOUNT) and value.partition(" ")[0] != account_id:
        return " ".join(filter(None, (OTHERS, value.partition(" ")[2]))), 1
    return value, 0


def _proves_something(message: Delivery, account_id: str) -> bool:
    """Return whether a message holds what only its reader may have: a code, a link, an invitation of somebody else."""
    of_another = message.contact_id is None and message.person_id != account_id
    return message.kind in PROVING or of_another
