"""How somebody is reached of whom we hold something, whoever they are: by a mailbox, else by a telephone."""

from dataclasses import dataclass

from isocket.domain.accounts import Account, Registration
from isocket.domain.consents import Subscription
from isocket.domain.contacts import Contact
from isocket.domain.record import Record
from isocket.domain.requests import RightsRequest
from isocket.domain.shares import Share
from isocket.domain.stops import Stop
from isocket.domain.transfers import Transfer
from isocket.storage.port import Records, every, is_

BY_ID: tuple[type[Record], ...] = (Account, Contact, RightsRequest, Share, Transfer, Stop)
"""The classes whose id is that of a person."""

_WITH_A_MAILBOX = tuple(kind for kind in BY_ID if kind is not Stop)

BY_NAME: tuple[tuple[type[Record], str], ...] = ((Subscription, "reader_id"), (Registration, "account_id"))
"""The classes that hold a mailbox of somebody who may be nothing else to us, by the field with their id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person with their ways, as they are now."""

    language: str = "en"
    email: str = ""
    phone: str = ""


async def person_of(records: Records, person_id: str) -> Person | None:
    """Return how a person is reached, None where nothing is left of them.

    A mailbox is written to whether it was verified or not: what is held of it may have been read by strangers. A text
    goes only to a number that was verified and whose reader did not say stop.
    """
    for kind in BY_ID:
        found = await records.get(kind, person_id)
        if found is not None:
            return _person(found)
    for kind, name in BY_NAME:
        for each in await records.find(kind, is_(name, person_id), limit=1):
            return _person(each)
    return None


async def with_mailbox(records: Records, email: str) -> set[str]:
    """Return the ids under which we know whoever reads a mailbox: their account, and entries by others."""
    found: set[str] = set()
    for kind in _WITH_A_MAILBOX if email else ():
        async for each in every(records, kind, is_("email", email)):
            found.add(each.account_id if isinstance(each, Contact) and each.is_owner else each.id)
    return found


def _person(found: Record) -> Person:
    if isinstance(found, Contact):
        can_be_texted = found.phone_verified_at is not None and found.paused_at is None
        return Person(
            language=found.language, email=found.email or "", phone=(found.phone or "") if can_be_texted else ""
        )
    if isinstance(found, Stop):
        return Person(email=found.address if "@" in found.address else "")
    return Person(language=getattr(found, "language", "en"), email=getattr(found, "email", ""))
