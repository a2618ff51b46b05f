"""The record of processing (Art. 30) and the notices (Art. 13 and 14), worked out of the inventory."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from isocket.domain.authorities import AUTHORITIES
from isocket.domain.handling import Basis, Purpose, Recipient
from isocket.domain.inventory import Entry, Subject, inventory

PURPOSES = MappingProxyType(
    {
        Purpose.SERVICE: "Running your account and the sockets that you asked us to watch.",
        Purpose.ALERTS: "Telling the people whom the customer named that something is wrong.",
        Purpose.SECURITY: "Keeping strangers out, and finding abuse.",
        Purpose.OPERATION: "Finding faults of ours.",
        Purpose.PROMOTION: "Sending news of products and services to whoever asked for it.",
        Purpose.CLAIMS: "Making and meeting claims, and obeying courts and authorities.",
        Purpose.RIGHTS: "Showing that what people chose and asked for was followed.",
    }
)
BASES = MappingProxyType(
    {
        Basis.CONTRACT.value: "performance of a contract, Art. 6(1)(b)",
        Basis.LEGAL_DUTY.value: "a legal duty, Art. 6(1)(c)",
        Basis.LEGITIMATE_INTEREST.value: "a legitimate interest: that an alarm reaches somebody, "
        "that strangers are kept out, and that claims can be made and met, Art. 6(1)(f)",
        Basis.CONSENT.value: "consent, Art. 6(1)(a)",
    }
)
MEASURES = (
    "Names, addresses, numbers and texts are stored as AES-256-GCM ciphertext under a key of their own person.",
    "Keys lie apart, wrapped under a master key; destroying one makes every copy unreadable.",
    "Passwords are kept as bcrypt over a keyed pre-hash; tokens, codes and secrets as hashes.",
    "Log lines hold ids and fixed words; what is written is redacted once more.",
    "What its time is over for is swept without anybody asking.",
)
RIGHTS = (
    "access and a copy (Art. 15)",
    "rectification (Art. 16)",
    "erasure (Art. 17)",
    "restriction (Art. 18)",
    "portability (Art. 20)",
    "objection (Art. 21)",
    "taking a consent back at any time, for what comes after (Art. 7)",
    "complaint to the data protection authority of your country (Art. 77)",
)
DECISIONS = "None is made about people; alarms are worked out from what a socket reports."
FIGURES = (
    "Each week it is counted how many customers had an alarm or have a model, and how soon messages went out, "
    "so that the service gets better (a legitimate interest, Art. 6(1)(f)). What is kept of it tells of nobody and may "
    "be given away. You may object, and are not counted then."
)
NOT_TOLD = "not told by the operator"
AT_THE_MAKER = "where the browser's maker runs it; it cannot read the message"
AS_CHOSEN = "where the customer chose"
WITH_THE_CUSTOMER = "where the customer is"
NO_SAFEGUARD = "by what this is covered, the operator has not said"
_EEA = frozenset(AUTHORITIES) - {"GB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Who decides what is done with the values, and where the providers are (ISO 3166 codes; empty: not told).

    `safeguard` says by what it is covered where that is outside the EEA (Art. 45, 46).
    """

    name: str
    contact: str
    sms_country: str = ""
    mail_country: str = ""
    safeguard: str = ""

    @property
    def signature(self) -> str:
        """Who answers for a mail, as its last line says it."""
        return f"{self.name}, {to_be_read(self.contact)}"


def to_be_read(contact: str) -> str:
    """Return where people turn to as they read it: the mailbox or number alone, not the URI that opens it."""
    return contact.removeprefix("mailto:").removeprefix("tel:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Where requests are answered: whose public holidays and whose midnight count."""

    country: str = "FI"
    time_zone: str = "Europe/Helsinki"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideRecipient:
    """One recipient outside, the country in which they are, and by what it is covered that values leave the EEA."""

    who: str
    country: str
    safeguard: str = ""

    @property
    def told(self) -> str:
        """Who, where, and by what it is covered, as a record or a notice says it."""
        return f"{self.who} ({self.country}{f': {self.safeguard}' if self.safeguard else ''})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One purpose on one lawful basis: a row of the record of processing."""

    purpose: str
    what_for: str
    basis: str
    subjects: tuple[str, ...]
    categories: tuple[str, ...]
    kept: tuple[str, ...]
    recipients: tuple[OutsideRecipient, ...]
    fields: tuple[str, ...]


def activities(controller: Controller, *, subject: Subject | None = None) -> tuple[Activity, ...]:
    """Return every activity, or those that concern one kind of person."""
    entries = [each for each in inventory() if each.personal and (subject is None or subject.value in each.subjects)]
    kinds = sorted({(each.purpose, each.basis) for each in entries})
    return tuple(
        _activity(controller, [each for each in entries if (each.purpose, each.basis) == kind]) for kind in kinds
    )


def country_of(controller: Controller, recipient: str) -> str:
    """Return where a recipient is, in words where no single country can be told."""
    places = {
        Recipient.SMS_VOICE_PROVIDER.value: controller.sms_country or NOT_TOLD,
        Recipient.MAIL_PROVIDER.value: controller.mail_country or NOT_TOLD,
        Recipient.PUSH_SERVICE.value: AT_THE_MAKER,
        Recipient.WEBHOOK_RECEIVER.value: AS_CHOSEN,
        Recipient.OWNER.value: WITH_THE_CUSTOMER,
    }
    return places[recipient]


def safeguard_of(controller: Controller, recipient: str) -> str:
    """Return by what a transfer to a provider is covered, empty where nothing leaves the EEA by it."""
    countries = {
        Recipient.SMS_VOICE_PROVIDER.value: controller.sms_country,
        Recipient.MAIL_PROVIDER.value: controller.mail_country,
    }
    if not leaves_the_eea(countries.get(recipient, "")):
        return ""
    return controller.safeguard or NO_SAFEGUARD


def leaves_the_eea(countries: str) -> bool:
    """Return whether any of the countries that a setting names is outside the European Economic Area."""
    return any(each not in _EEA for each in re.findall(r"[A-Z]{2}", countries.upper()))


def _activity(controller: Controller, entries: list[Entry]) -> Activity:
    first = entries[0]
    recipients = _once(name for each in entries for name in each.recipients)
    return Activity(
        purpose=first.purpose,
        what_for=PURPOSES[Purpose(first.purpose)],
        basis=BASES[first.basis],
        subjects=_once(name for each in entries for name in each.subjects),
        categories=_once(each.category for each in entries),
        kept=_once(each.keep for each in entries),
        recipients=tuple(
            OutsideRecipient(who=each, country=country_of(controller, each), safeguard=safeguard_of(controller, each))
            for each in recipients
        ),
        fields=tuple(f"{each.collection}.{each.field}" for each in entries),
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
