"""Whom a breach concerns: worked out of the inventory, by what was open, and of the ledgers, by who was handed what.

What was removed before cannot be found any more, and whoever was erased is told nothing: nothing of them is left.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from isocket.domain import STORED
from isocket.domain.authority_cases import AuthorityCase
from isocket.domain.breach_scope import fields_in
from isocket.domain.breaches import Breach
from isocket.domain.collected import TELEMETRY_COLLECTION
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Attempt
from isocket.domain.devices import Device
from isocket.domain.disclosures import Disclosure, may_be_told
from isocket.domain.holds import Hold, vault_of
from isocket.domain.record import Record
from isocket.storage.port import Records, Test, above, at_most, every, is_, is_not
from privacy.staff_mail import OPERATOR

HANDED = ("deliveries.address", "deliveries.text")
"""What a provider of messages was handed of whoever one goes to."""

_MADE = ("created_at", "at", "claimed_at", "detected_at", "started_at", "received_at", "sent_at", "wished_at")
NOBODY = ""
_AT_ONCE = 100  # alarms have the event loop in between
_MOMENT = timedelta(milliseconds=1)


@dataclass(slots=True)
class Concerned:
    """One person: the account to which they belong (their own, or who entered them), and what of them was open."""

    account_id: str
    what: dict[str, None] = field(default_factory=dict)


async def concerned(records: Records, breach: Breach, *, now: datetime) -> dict[str, Concerned]:
    """Return everybody whom a breach concerns, by the id under which we know them.

    The holder of an account and their own entry among those who are told of alarms are one person.
    """
    found: dict[str, Concerned] = {}
    until = breach.ended_at or now
    selves = {each.id: each.account_id async for each in every(records, Contact, is_("is_owner", True), page=_AT_ONCE)}
    files = await _files(records, now)
    async for person, account, what in _found(records, breach, until):
        if person == OPERATOR or files.get(person) == NOBODY:
            continue  # the operator's address is a setting of this installation
        about = files.get(person)
        whose, belongs = (about, about) if about else (selves.get(person, person), account)
        each = found.setdefault(whose, Concerned(account_id=belongs))
        each.what.update(dict.fromkeys(what))
    return found


async def _files(records: Records, now: datetime) -> dict[str, str]:
    """Return about which account a hold or a case is, with all that is kept under it; NOBODY where they may not know.

    Where an order forbids to tell the person, being told what of it was open would tell them.
    """
    found: dict[str, str] = {}
    async for hold in every(records, Hold, page=_AT_ONCE):
        account = hold.account_id if may_be_told(hold, now) else NOBODY
        found |= dict.fromkeys((hold.id, vault_of(hold.id)), account)
    async for case in every(records, AuthorityCase, page=_AT_ONCE):
        found[case.id] = case.account_id if may_be_told(case, now) else NOBODY
    return found


Hit = tuple[str, str, Sequence[str]]


async def _found(records: Records, breach: Breach, until: datetime) -> AsyncIterator[Hit]:
    wanted = fields_in(breach.scope)
    for kind in STORED:
        async for hit in _stored(records, kind, wanted.get(kind.collection, ()), until):
            yield hit
    if TELEMETRY_COLLECTION in wanted:
        async for device in every(records, Device, is_not("owner_id", None), page=_AT_ONCE):
            if device.owner_id is not None and _was_there(device, until):
                yield device.owner_id, device.owner_id, (TELEMETRY_COLLECTION,)
    async for hit in _handed(records, breach, until):
        yield hit


async def _stored(records: Records, kind: type[Record], names: Sequence[str], until: datetime) -> AsyncIterator[Hit]:
    """Yield whom the records of a class tell about that were there."""
    if not names:
        return
    async for each in every(records, kind, page=_AT_ONCE):
        if _was_there(each, until):
            for hit in people_of(each, names):
                yield hit


async def _handed(records: Records, breach: Breach, until: datetime) -> AsyncIterator[Hit]:
    """Yield of whom a provider was handed something, or somebody was shown, in that time."""
    if breach.provider:
        window = _window("started_at", breach.began_at, until)
        async for attempt in every(records, Attempt, is_("provider", breach.provider), *window):
            yield attempt.person_id, attempt.account_id, HANDED
    if breach.recipient_id:
        window = _window("at", breach.began_at, until)
        async for line in every(records, Disclosure, is_("recipient_id", breach.recipient_id), *window):
            yield line.subject_id, line.account_id, line.what


def people_of(record: Record, names: Sequence[str]) -> Iterator[Hit]:
    """Yield whom these fields of a record tell about: who is named by one, else whose record it is."""
    kind = type(record)
    subject = getattr(record, kind.subject) if kind.subject else None
    account = getattr(record, kind.account) if kind.account else None
    for name in names:
        value = getattr(record, name)
        if value is None or value in ("", (), {}):
            continue
        whose = value if name in {kind.account, kind.guest} else subject or account
        if isinstance(whose, str):
            belongs = whose if name == kind.guest or not isinstance(account, str) else account
            yield whose, belongs, (f"{kind.collection}.{name}",)


def _was_there(record: Record, until: datetime) -> bool:
    """Return whether a record was there before a moment; of one that does not say when it was made, it is assumed."""
    made = next((at for name in _MADE if isinstance(at := getattr(record, name, None), datetime)), None)
    return made is None or made <= until


def _window(name: str, began_at: datetime, until: datetime) -> tuple[Test, ...]:
    return (above(name, began_at - _MOMENT), at_most(name, until))
