"""Who was given what about whom, when and why (Art. 15(1)(c)): the ledger that the person can read.

Messages are not written twice: what their attempts say already is told by `of_message`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from isocket.domain.authority_cases import AuthorityCase
from isocket.domain.collected import OUTGOING
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind
from isocket.domain.handling import Basis, Category, Handling, Keep, Plain, Purpose
from isocket.domain.holds import Hold
from isocket.domain.record import Record, record
from isocket.kit.ids import derived_id, new_id

DISCLOSURE_FACT = Handling(purpose=Purpose.RIGHTS, basis=Basis.LEGAL_DUTY, keep=Keep.TOLD)
DISCLOSURE_REASON = replace(DISCLOSURE_FACT, category=Category.MESSAGE, sealed=True)


class DisclosedTo(StrEnum):
    """Who was given something. Who exactly says `recipient_id`, where that is somebody of ours."""

    STAFF = "our staff"
    PROGRAM = "a program that you gave a token"
    SELF = "you yourself, as a copy"
    AUTHORITY = "an authority"


@record(
    collection="disclosures",
    subject="subject_id",
    account="account_id",
    indexed=(("account_id", "at"), ("subject_id", "at")),
)
class Disclosure(Record):
    """One look at somebody's data, or one handing out of it. Make it by `noted`."""

    account_id: Annotated[str, DISCLOSURE_FACT]  # whose data, or by whom the person was entered
    subject_id: Annotated[str, DISCLOSURE_FACT]  # the account or contact whose values they are
    to: Annotated[DisclosedTo, DISCLOSURE_FACT]
    recipient_id: Annotated[str, DISCLOSURE_FACT] = ""  # of a member of staff, a token, a request
    what: Annotated[tuple[str, ...], DISCLOSURE_FACT]  # names of fields or collections
    purpose: Annotated[Purpose, DISCLOSURE_FACT]
    basis: Annotated[Basis, DISCLOSURE_FACT]
    at: Annotated[datetime, DISCLOSURE_FACT]
    reason: Annotated[str, DISCLOSURE_REASON] = ""
    silent_until: Plain[datetime | None] = None  # the law forbids to tell the person before


def noted(
    account_id: str,
    *,
    to: DisclosedTo,
    what: tuple[str, ...],
    purpose: Purpose,
    basis: Basis,
    at: datetime,
    reason: str = "",
    subject_id: str | None = None,
    recipient_id: str = "",
    once: tuple[str, ...] = (),
    silent_until: datetime | None = None,
) -> Disclosure:
    """Return the line to store, with `add_all`, before anything is given.

    `subject_id` is the account itself where nobody else is named. With `once` (a day, a kind of request) the same
    words make the same id, so that there is one line for all of them.
    """
    subject = subject_id or account_id
    made_id = derived_id("dis", account_id, subject, to, recipient_id, *once) if once else new_id("dis")
    return Disclosure(
        id=made_id,
        account_id=account_id,
        subject_id=subject,
        to=to,
        recipient_id=recipient_id,
        what=what,
        purpose=purpose,
        basis=basis,
        at=at,
        reason=reason,
        silent_until=silent_until,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One line of the ledger as its reader sees it, whether it was stored as such or follows from a message."""

    id: str
    at: datetime
    to: str
    recipient: str  # name of a provider, or id of whoever was given it
    way: str  # of a message: its channel, else empty
    kind: str  # of a message, else empty
    subject_id: str
    what: tuple[str, ...]
    purpose: str
    basis: str
    reason: str


WHY: Mapping[DeliveryKind, tuple[Purpose, Basis]] = MappingProxyType(
    {
        DeliveryKind.ALARM: (Purpose.ALERTS, Basis.CONTRACT),
        DeliveryKind.CLEAR: (Purpose.ALERTS, Basis.CONTRACT),
        DeliveryKind.TAKEN: (Purpose.ALERTS, Basis.CONTRACT),
        DeliveryKind.REMINDER: (Purpose.ALERTS, Basis.CONTRACT),
        DeliveryKind.CODE: (Purpose.SECURITY, Basis.LEGITIMATE_INTEREST),
        DeliveryKind.ACTIVATION: (Purpose.SERVICE, Basis.CONTRACT),
        DeliveryKind.RESET: (Purpose.SECURITY, Basis.CONTRACT),
        DeliveryKind.NOTICE: (Purpose.SERVICE, Basis.CONTRACT),
        DeliveryKind.NEWSLETTER: (Purpose.PROMOTION, Basis.CONSENT),
    }
)
"""What each kind of message is for, and on which basis it is sent: a kind that is not here is none."""

DESK = "desk"
_ON_THE_DESK = "the desk of this installation: it left the house by no provider"


def of_message(attempt: Attempt, delivery: Delivery) -> LedgerLine:
    """Return the line about one call of a provider: it was handed the values, whatever it did with them then."""
    way = delivery.channel.value
    handed = OUTGOING.get(f"{way} by {attempt.provider}") or OUTGOING[way]
    purpose, basis = WHY[delivery.kind]
    return LedgerLine(
        id=attempt.id,
        at=attempt.started_at,
        to=_ON_THE_DESK if attempt.provider == DESK else handed.recipient.value,
        recipient=attempt.provider,
        way=way,
        kind=delivery.kind.value,
        subject_id=attempt.person_id,
        what=handed.personal,
        purpose=purpose.value,
        basis=basis.value,
        reason="",
    )


def of_line(line: Disclosure) -> LedgerLine:
    """Return a stored line as its reader sees it."""
    return LedgerLine(
        id=line.id,
        at=line.at,
        to=line.to.value,
        recipient=line.recipient_id,
        way="",
        kind="",
        subject_id=line.subject_id,
        what=line.what,
        purpose=line.purpose.value,
        basis=line.basis.value,
        reason=line.reason,
    )


def may_be_told(what: Disclosure | Hold | AuthorityCase, now: datetime) -> bool:
    """Return whether the person may know of it by now."""
    return what.silent_until is None or what.silent_until <= now
