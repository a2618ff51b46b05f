"""How the page says who was given what: words for people in place of the names that programs use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from isocket.domain.deliveries import DeliveryKind
from isocket.domain.disclosures import DisclosedTo, LedgerLine
from isocket.domain.handling import Purpose

_OF_OURS = frozenset({DisclosedTo.STAFF.value, DisclosedTo.AUTHORITY.value, DisclosedTo.SELF.value})
"""Whose id says nothing to a person: it stays in the API and in the copy."""

PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        Purpose.SERVICE.value: "running your account and sockets",
        Purpose.ALERTS.value: "telling people of alarms",
        Purpose.SECURITY.value: "keeping strangers out",
        Purpose.OPERATION.value: "finding faults",
        Purpose.PROMOTION.value: "news that were asked for",
        Purpose.CLAIMS.value: "a dispute, or what law asks for",
        Purpose.RIGHTS.value: "following what you asked for by right",
    }
)
KINDS: Mapping[str, str] = MappingProxyType(
    {
        DeliveryKind.ALARM.value: "an alarm",
        DeliveryKind.CLEAR.value: "an alarm that is over",
        DeliveryKind.TAKEN.value: "somebody sees to an alarm",
        DeliveryKind.REMINDER.value: "a reminder of an alarm",
        DeliveryKind.CODE.value: "a code",
        DeliveryKind.ACTIVATION.value: "opening the account",
        DeliveryKind.RESET.value: "a new password",
        DeliveryKind.NOTICE.value: "a notice",
        DeliveryKind.NEWSLETTER.value: "the newsletter",
    }
)
WHAT: Mapping[str, str] = MappingProxyType(
    {
        "authority_cases": "what an authority asks for about you",
        "holds": "what of yours is held",
        "request_notes": "questions about your request",
        "rights_requests": "your request by right",
        "To": "address or number",
        "to": "address or number",
        "Body": "text",
        "body": "text",
        "message": "text",
        "Subject": "subject",
        "endpoint": "address of the browser",
        "ciphertext": "message that only the browser can read",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One line of the page."""

    at: datetime
    to: str
    what: str
    purpose: str
    why: str


def row_of(told: LedgerLine) -> LedgerRow:
    """Return a line of the ledger in words; a name without any stands without its dots and underscores."""
    named = "" if told.to in _OF_OURS or not told.recipient else f" ({told.recipient})"
    return LedgerRow(
        at=told.at,
        to=f"{told.to}{named}",
        what=", ".join(dict.fromkeys(WHAT.get(each) or plain(each) for each in told.what)),
        purpose=PURPOSES[told.purpose],
        why=told.reason or KINDS.get(told.kind, ""),
    )


def plain(name: str) -> str:
    """Return a stored name without the dots and underscores that only programs need."""
    return name.replace("_", " ").replace(".", ": ")
