"""Every stored field with how it is handled, read off the classes themselves: the one list all others are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from isocket.domain import STORED
from isocket.domain.accounts import Account
from isocket.domain.archives import Archive
from isocket.domain.authority_cases import AuthorityCase
from isocket.domain.breaches import Breach
from isocket.domain.collected import TELEMETRY, TELEMETRY_COLLECTION, TELEMETRY_HANDLING
from isocket.domain.contacts import Contact
from isocket.domain.handling import Handling
from isocket.domain.holds import Hold
from isocket.domain.problems import Problem
from isocket.domain.provider_erasures import ProviderErasure
from isocket.domain.record import Record, handling_of
from isocket.domain.requests import RightsRequest
from isocket.domain.shares import Share
from isocket.domain.stops import Stop
from isocket.domain.transfers import Transfer
from isocket.domain.watches import Watch


class Subject(StrEnum):
    """Whose values they are."""

    CUSTOMER = "customers"
    RECIPIENT = "alarm recipients"
    READER = "readers of the newsletter"
    STAFF = "staff"


_SUBJECTS = MappingProxyType(
    {
        "account_id": (Subject.CUSTOMER,),
        "owner_id": (Subject.CUSTOMER,),
        "contact_id": (Subject.RECIPIENT,),
        "person_id": (Subject.CUSTOMER, Subject.RECIPIENT),
        "subject_id": (Subject.CUSTOMER, Subject.RECIPIENT),
        "request_id": (Subject.CUSTOMER, Subject.RECIPIENT),
        "reader_id": (Subject.CUSTOMER, Subject.READER),
        "vault_id": (Subject.CUSTOMER,),
        "case_id": (Subject.CUSTOMER,),
    }
)
_OF_THEIR_OWN = MappingProxyType(
    {
        Account.collection: (Subject.CUSTOMER, Subject.STAFF),
        Contact.collection: (Subject.RECIPIENT,),
        Hold.collection: (Subject.CUSTOMER,),
        AuthorityCase.collection: (Subject.CUSTOMER,),
        Share.collection: (Subject.CUSTOMER,),
        Stop.collection: (Subject.RECIPIENT,),
        Transfer.collection: (Subject.CUSTOMER,),
        RightsRequest.collection: (Subject.CUSTOMER, Subject.RECIPIENT),
        Breach.collection: (Subject.STAFF,),  # who noted it; those whom it concerns have lines of their own
    }
)

_WHOSE_ALL_THE_SAME = MappingProxyType(  # classes that name nobody, and yet tell about somebody
    {
        Archive.collection: (Subject.CUSTOMER,),
        Problem.collection: (Subject.CUSTOMER,),
        ProviderErasure.collection: (Subject.CUSTOMER, Subject.RECIPIENT),
        Watch.collection: (Subject.CUSTOMER,),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored field. Where it tells nothing about a person, all but the names are empty."""

    collection: str
    field: str
    personal: bool
    category: str = ""
    subjects: tuple[str, ...] = ()
    purpose: str = ""
    basis: str = ""
    keep: str = ""
    export: str = ""
    on_erasure: str = ""
    recipients: tuple[str, ...] = ()
    sealed: bool = False


@cache
def inventory() -> tuple[Entry, ...]:
    """Return an entry for each field of each stored class, by collection, and of what sockets report."""
    reported = (_entry(TELEMETRY_COLLECTION, name, TELEMETRY_HANDLING, (Subject.CUSTOMER,)) for name in TELEMETRY)
    return (*_entries(), *reported)


def subjects_of(kind: type[Record]) -> tuple[Subject, ...]:
    """Return whose values a class holds; nobody's in particular where it names none.

    Raises:
        KeyError: a class names its person by a field that nothing is known of.
    """
    if kind.subject is None:
        return ()
    return _OF_THEIR_OWN[kind.collection] if kind.subject == "id" else _SUBJECTS[kind.subject]


def _entries() -> Iterator[Entry]:
    for kind in STORED:
        for name, how in handling_of(kind).items():
            if isinstance(how, Handling):
                whose = subjects_of(kind) or _WHOSE_ALL_THE_SAME[kind.collection]
                yield _entry(kind.collection, name, how, whose)
            else:
                yield Entry(collection=kind.collection, field=name, personal=False)


def _entry(collection: str, name: str, how: Handling, subjects: tuple[Subject, ...]) -> Entry:
    return Entry(
        collection=collection,
        field=name,
        personal=True,
        category=how.category.value,
        subjects=tuple(each.value for each in subjects),
        purpose=how.purpose.value,
        basis=how.basis.value,
        keep=how.keep.value,
        export=how.export.value,
        on_erasure=how.on_erasure.value,
        recipients=tuple(each.value for each in how.recipients),
        sealed=how.sealed,
    )
