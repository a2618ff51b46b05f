"""Takes over what somebody brings along from another installation: the zip that `exporting` writes (Art. 20).

It comes into an account that its holder opened here. People to be told come unverified, so that nobody is told before
they answered; what is set here already stays; and nobody who was erased here comes back. It may run again: ids are
derived, reports are known by their numbers.
"""

import csv
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.device_models import DeviceModel
from isocket.domain.devices import Device
from isocket.domain.reports import STARTS_OF_A_COUNT, ClockQuality, Report, ReportKind, count_of
from isocket.domain.stops import Stop, StopKind, stopped_address
from isocket.kit.clock import Clock, from_ms, from_text, to_ms
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.abilities import abilities_of
from isocket.storage.keyring import Keyring, PersonErasedError
from isocket.storage.port import Records, above, is_, is_not
from isocket.storage.table import COLUMNS, fields_of_line
from isocket.storage.telemetry import Telemetry

log = get_logger(__name__)

AT_ONCE = 1_000  # reports
MOST_BYTES = 64 * 1024 * 1024  # of one class: nobody's contacts are more
MOST_BOOT = 2**60  # whatever is greater, or less than none, no store can hold
BEFORE_ALL = STARTS_OF_A_COUNT  # another socket's past comes before this one's own
BEFORE_ALL_COUNTS = 2**53  # where the other one counted anew: by one count less it would meet what it said before

MOST_OF_A_LINE = 16 * 1024
_BROKEN = (zipfile.BadZipFile, zlib.error, RuntimeError)  # the last: it is encrypted, or packed as nobody can

Values = dict[str, Any]


class NotACopyError(ValueError):
    """The file cannot be taken over; the message says why."""


class RefusedError(ValueError):
    """One thing in the file is not as it must be here; the message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What other rooms say of values that come from outside. Each raises RefusedError."""

    words: Callable[[str], str]  # a name or a note, on one line
    contact: Callable[[Values], Values]  # what to store of a contact
    settings: Callable[[Device, DeviceModel, Values, str | None], tuple[Values, str | None]]  # and names of parts
    ladder: Callable[[Values], Values]  # what to store of a ladder
    most_contacts: int  # of one account
    report: Callable[[ReportKind, Values], None]  # whether a socket could have said it


@dataclass(slots=True)
class Outcome:
    """What was taken over, how many of each, and what was not and why."""

    taken: dict[str, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        """So many more were taken."""
        self.taken[what] = self.taken.get(what, 0) + number


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Takes copies over."""

    records: Records
    telemetry: Telemetry
    keyring: Keyring
    clock: Clock
    checks: Checks

    async def take_over(self, archive: zipfile.ZipFile, account: Account, sockets: Mapping[str, str]) -> Outcome:
        """Take a copy into an account. `sockets` says which socket here stands for which there; else it is the same.

        Raises:
            NotACopyError: it is no copy of ours, or of somebody who was erased here.
        """
        (holder,) = items_of(archive, Account)[:1] or [{}]
        if not isinstance(holder.get("id"), str):
            raise NotACopyError("This is no copy that `isocket` made: data/accounts.json names nobody.")
        if await self.keyring.was_destroyed(holder["id"]):
            raise NotACopyError("Whoever this copy is about was erased here, and does not come back by it.")
        made = Outcome()
        await self._profile(account, holder, made)
        contacts = await self._contacts(archive, account, made)
        owned = await self._sockets(archive, account, sockets, made)
        await self._ladders(archive, account, (contacts, owned), made)
        for there, here in owned.items():
            await self._history(archive, there, here, made)
        log.info("copy_taken_over", account_id=account.id, records=sum(made.taken.values()))
        return made

    async def _profile(self, account: Account, holder: Values, made: Outcome) -> None:
        words = self._words(holder, ("name",), "you", made)
        if not account.name and words:
            await self.records.change_one(Account, is_("id", account.id), **words)
            made.count("name")

    def _words(self, values: Values, names: tuple[str, ...], whose: str, made: Outcome) -> Values:
        """Return those words that are there and may be used."""
        found: Values = {}
        for name in names:
            if isinstance(said := values.get(name), str) and said:
                try:
                    found[name] = self.checks.words(said)
                except RefusedError as error:
                    made.left_out.append(f"{name} of {whose}: {error}")
        return found

    async def _contacts(self, archive: zipfile.ZipFile, account: Account, made: Outcome) -> dict[str, str]:
        """Enter people; return who is who here."""
        own = await self.records.find(Contact, is_("account_id", account.id), is_("is_owner", True), limit=1)
        known: dict[str, str] = {}
        room = self.checks.most_contacts - await self.records.count(Contact, is_("account_id", account.id))
        for each in items_of(archive, Contact):
            there = str(each.get("id", ""))
            if each.get("is_owner"):
                known |= dict.fromkeys([there], own[0].id) if own else {}
                continue
            try:
                fields = self.checks.contact(each)
            except RefusedError as error:
                made.left_out.append(f"contact {there}: {error}")
                continue
            contact = Contact(
                id=derived_id("con", account.id, there), account_id=account.id, created_at=self.clock.now(), **fields
            )
            if await self.keyring.was_destroyed(there) or await self._asked_not_to_be_here(contact):
                made.left_out.append(f"contact {there}: they asked not to be here any more")
                continue
            if (same := await self._with_the_same_address(contact)) is not None:
                made.left_out.append(f"contact {there}: contact {same.id} here has this address already")
                known[there] = same.id
                continue
            if room <= 0 and await self.records.get(Contact, contact.id) is None:
                made.left_out.append(f"contact {there}: an account has up to {self.checks.most_contacts}")
                continue
            try:
                added = await self.records.add_all([contact])
            except PersonErasedError:
                made.left_out.append(f"contact {there}: removed here since")
                continue
            made.count("contacts", added)
            room -= added
            known[there] = contact.id
        return known

    async def _with_the_same_address(self, contact: Contact) -> Contact | None:
        """Return another contact of the account who has an address of this one: they would be told twice."""
        for name, address in (("phone", contact.phone), ("email", contact.email)):
            if address:
                mine = is_("account_id", contact.account_id)
                found = await self.records.find(Contact, is_(name, address), mine, is_not("id", contact.id), limit=1)
                if found:
                    return found[0]
        return None

    async def _asked_not_to_be_here(self, contact: Contact) -> bool:
        for address in filter(None, (contact.phone, contact.email)):
            said = (is_("address", stopped_address(address)), is_not("said", StopKind.STOP))
            if await self.records.count(Stop, *said):
                return True
        return False

    async def _sockets(
        self, archive: zipfile.ZipFile, account: Account, sockets: Mapping[str, str], made: Outcome
    ) -> dict[str, str]:
        """Set sockets as they were there; return which is which of those that are this customer's."""
        owned: dict[str, str] = {}
        for each in items_of(archive, Device):
            there = str(each.get("id", ""))
            device = await self.records.get(Device, sockets.get(there, there))
            if device is None or device.owner_id != account.id:
                made.left_out.append(f"socket {there}: it is not this customer's here; claim it, then import again")
                continue
            owned[there] = device.id
            words = self._words(each, ("name", "place"), f"socket {there}", made)
            changes: Values = {name: said for name, said in words.items() if getattr(device, name) is None}
            if device.desired_version == 0 and isinstance(each.get("desired"), dict):
                model = await abilities_of(self.telemetry, device)
                try:
                    wanted, part_names = self.checks.settings(device, model, each["desired"], each.get("part_names"))
                except RefusedError as error:
                    made.left_out.append(f"settings of socket {there}: {error}")
                else:
                    changes |= {"desired": wanted, "part_names": part_names, "desired_version": 1}
                    changes |= {"desired_pending": True, "desired_at": self.clock.now(), "unlike": {}}
            elif each.get("desired"):
                made.left_out.append(f"settings of socket {there}: it is set here already")
            same = (is_("id", device.id), is_("version", device.version))
            if not changes:
                continue
            if await self.records.change_one(Device, *same, **changes) is None:
                made.left_out.append(f"socket {there}: it was changed here at this moment; import again")
                continue
            made.count("sockets")
            await self.telemetry.wake(device.id)
        return owned

    async def _ladders(
        self, archive: zipfile.ZipFile, account: Account, known: tuple[dict[str, str], dict[str, str]], made: Outcome
    ) -> None:
        contacts, owned = known
        for each in items_of(archive, Escalation):
            there = each.get("device_id")
            if there is not None and there not in owned:
                continue  # it goes with its socket
            device_id = None if there is None else owned[there]
            ladder_id = derived_id("esc", account.id, device_id or "")
            steps = list(_steps(each.get("steps"), contacts))
            if not steps:
                made.left_out.append(f"ladder {each.get('id')}: nobody is left on it")
                continue
            try:
                fields = self.checks.ladder({**each, "steps": steps})
            except RefusedError as error:
                made.left_out.append(f"ladder {each.get('id')}: {error}")
                continue
            ladder = Escalation(id=ladder_id, account_id=account.id, device_id=device_id, **fields)
            made.count("ladders", await self.records.add_all([ladder]))

    async def _history(self, archive: zipfile.ZipFile, there: str, here: str, made: Outcome) -> None:
        """Take reports over as the past: nothing is judged, and the socket is as it was."""
        name = f"telemetry/{there}.csv"
        if name not in archive.namelist():
            return
        batch: list[Report] = []
        refused, number, first_ms = 0, 1, self.clock.now_ms()
        try:
            for cells in _lines(archive, name):
                number += 1
                try:
                    said = self._report(here, cells)
                except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                    refused += 1
                    continue
                batch.append(said if here == there else before_its_own(said))
                first_ms = min(first_ms, said.at_ms)
                if len(batch) == AT_ONCE:
                    made.count("reports", await self.telemetry.take_in(batch))
                    batch = []
        except (csv.Error, UnicodeDecodeError, EOFError, *_BROKEN):
            made.left_out.append(f"{name}: it cannot be read from behind line {number}")
        made.count("reports", await self.telemetry.take_in(batch))
        since = from_ms(first_ms)  # it is their past: the next copy begins with it
        await self.records.change_one(Device, is_("id", here), above("claimed_at", since), claimed_at=since)
        if refused:
            made.left_out.append(f"{name}: {refused} lines that cannot be read")

    def _report(self, device_id: str, cells: Mapping[str, str]) -> Report:
        fields = fields_of_line(cells)
        at_ms, received_ms = (to_ms(_moment(cells[name])) for name in ("ts", "received"))
        if max(at_ms, received_ms) > self.clock.now_ms() or min(at_ms, received_ms) < 0:
            raise ValueError("it is yet to come, or before there were sockets")
        kind, clock = ReportKind(cells["kind"]), ClockQuality(cells["clock"])
        boot, seq = int(cells["boot"]), int(cells["seq"])
        if abs(boot) > MOST_BOOT:
            raise ValueError("no socket starts so often")
        self.checks.report(kind, {"boot": boot % STARTS_OF_A_COUNT, "seq": seq, **fields})
        body = _text({"boot": boot, "seq": seq, "ts": at_ms, **fields})
        return Report(device_id, kind, boot, seq, at_ms, received_ms, clock, body, fields)


def items_of(archive: zipfile.ZipFile, kind: type[Account | Contact | Device | Escalation]) -> list[Values]:
    """Return what a copy says of a class.

    Raises:
        NotACopyError: the file does not hold what a copy of ours holds.
    """
    name = f"data/{kind.collection}.json"
    try:
        with archive.open(name) as member:
            content = member.read(MOST_BYTES + 1)
        found = json.loads(content)["items"] if len(content) <= MOST_BYTES else None
    except (KeyError, ValueError, TypeError, RecursionError, *_BROKEN) as error:
        raise NotACopyError(f"This is no copy that `isocket` made: {name} is missing or cannot be read.") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise NotACopyError(f"This is no copy that `isocket` made: {name} has no list of items.")
    return found


def before_its_own(said: Report) -> Report:
    """Return a report of another socket as one of a time before this one's first start."""
    boot = said.boot - (BEFORE_ALL_COUNTS if count_of(said.boot) > 0 else BEFORE_ALL)
    return said._replace(boot=boot, body=_text({**json.loads(said.body), "boot": boot}))


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, str]]:
    with archive.open(name) as member:
        reader = csv.DictReader(_short_lines(member))
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise NotACopyError(f"{name} does not have the columns {', '.join(COLUMNS)}.")
        yield from reader


def _short_lines(member: IO[bytes]) -> Iterator[str]:
    """Yield lines. What is longer than any of ours is not read into memory to find its end."""
    while line := member.readline(MOST_OF_A_LINE):
        if not line.endswith(b"\n"):
            raise csv.Error("a line without an end")
        yield line.decode()


def _moment(text: str) -> datetime:
    found = from_text(text)
    if found.tzinfo is None:
        raise ValueError("a time without its zone")
    return found


def _steps(given: Any, contacts: Mapping[str, str]) -> Iterator[Values]:
    """Yield the steps on which anybody is left, with the ids that hold here."""
    for step in given if isinstance(given, list) else []:
        there = step.get("contact_ids") if isinstance(step, dict) else None
        people = [contacts[each] for each in there or () if isinstance(each, str) and each in contacts]
        if people:
            yield {**step, "contact_ids": people}


_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
