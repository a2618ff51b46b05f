"""A breach of personal data: what was open to whom, who is concerned, who was told, and what was decided (Art. 33, 34).

Every breach is kept, also one of which no authority hears (Art. 33(5)). Whoever is concerned is told first what
happened and later what was done: until both have gone out to everybody, it cannot be closed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from isocket.domain.handling import Basis, Category, Export, Handling, Keep, OnErasure, Plain, Purpose
from isocket.domain.record import Record, record
from isocket.domain.regulation import Due, Duty, Facts, ProductEvent, Risk, duties
from isocket.kit.clock import from_text, to_text
from isocket.kit.ids import derived_id

BREACH_FACT = Handling(
    purpose=Purpose.RIGHTS,
    basis=Basis.LEGAL_DUTY,
    keep=Keep.REGISTER,
    export=Export.WITHHELD,  # what concerns a person stands in their own line, and in what was sent to them
    on_erasure=OnErasure.KEEP,
)
BREACH_WORDS = replace(BREACH_FACT, category=Category.WORDS, sealed=True)
AFFECTED_FACT = Handling(purpose=Purpose.RIGHTS, basis=Basis.LEGAL_DUTY, keep=Keep.REGISTER)

REGISTER_YEARS = 5
EVERYTHING = "*"
"""In a scope: every field about anybody."""


class BreachKind(StrEnum):
    """What was broken (Art. 4(12))."""

    CONFIDENTIALITY = "confidentiality"
    INTEGRITY = "integrity"
    AVAILABILITY = "availability"


class BreachState(StrEnum):
    """How far we are."""

    OPEN = "open"
    CLOSED = "closed"


class DeliveryProof(StrEnum):
    """How a message about a breach ended, the best proof of its ways."""

    NOT_YET = ""
    DELIVERED = "delivered"
    SENT = "sent"  # their server or carrier took it
    FAILED = "failed"
    NO_WAY = "no_way"  # no address of theirs is left


@record(collection="breaches", subject="id", indexed=(("state", "aware_at"), ("expires_at",)))
class Breach(Record):
    """One breach. Its words are sealed under a key of its own; the people are lines of `Affected`.

    What was open is said by names of fields (`contacts.phone`), of collections (`contacts`), or `EVERYTHING`; or by
    what the ledgers say: all that a provider was handed, that a member of staff or a program was shown.
    """

    what: Annotated[str, BREACH_WORDS]
    kinds: Plain[tuple[BreachKind, ...]]
    state: Plain[BreachState] = BreachState.OPEN
    harm: Plain[Risk]  # what it may do to people
    why_harm: Annotated[str, BREACH_WORDS]
    event: Plain[ProductEvent] = ProductEvent.NONE
    opened_by: Annotated[str, BREACH_FACT]
    opened_at: Plain[datetime]
    aware_at: Plain[datetime]
    began_at: Plain[datetime]
    ended_at: Plain[datetime | None] = None  # None: it goes on, or nobody knows
    fixed_at: Plain[datetime | None] = None
    scope: Plain[tuple[str, ...]] = ()
    provider: Plain[str] = ""
    recipient_id: Annotated[str, BREACH_FACT] = ""
    named: Annotated[tuple[str, ...], BREACH_FACT] = ()  # just these accounts and whom they entered; empty: everybody
    duties: Annotated[str, BREACH_WORDS] = ""  # JSON, see `decisions`
    notice: Annotated[str, BREACH_WORDS] = ""  # JSON: language to words, see `words_of`
    notice_at: Plain[datetime | None] = None
    report: Annotated[str, BREACH_WORDS] = ""
    report_at: Plain[datetime | None] = None
    counted_at: Plain[datetime | None] = None  # None: who is concerned has to be worked out (anew)
    concerned: Plain[int] = 0
    closed_at: Plain[datetime | None] = None
    lesson: Annotated[str, BREACH_WORDS] = ""  # what was said on closing
    expires_at: Plain[datetime | None] = None

    def facts(self) -> Facts:
        """Return what the law asks of it."""
        handed_in = decisions(self).get(Duty.PRODUCT_NOTIFICATION)
        return Facts(
            aware_at=self.aware_at,
            risk=self.harm,
            event=self.event,
            fixed_at=self.fixed_at,
            notified_at=handed_in.told_at if handed_in else None,
        )


@record(
    collection="breach_affected",
    subject="person_id",
    account="account_id",
    indexed=(
        ("breach_id", "id"),
        ("breach_id", "notice_proof"),
        ("breach_id", "report_proof"),
        ("account_id",),
        ("person_id",),
        ("expires_at",),
    ),
)
class Affected(Record):
    """One person whom a breach concerns, and the proof of what they were told. Id: see `affected_id`."""

    breach_id: Annotated[str, AFFECTED_FACT]
    account_id: Annotated[str, AFFECTED_FACT]
    person_id: Annotated[str, AFFECTED_FACT]
    what: Annotated[tuple[str, ...], AFFECTED_FACT]  # names of fields
    notice_ids: Annotated[tuple[str, ...], AFFECTED_FACT] = ()  # the messages, in the order in which they were tried
    notice_proof: Annotated[DeliveryProof, AFFECTED_FACT] = DeliveryProof.NOT_YET
    notice_proved_at: Annotated[datetime | None, AFFECTED_FACT] = None
    report_ids: Annotated[tuple[str, ...], AFFECTED_FACT] = ()
    report_proof: Annotated[DeliveryProof, AFFECTED_FACT] = DeliveryProof.NOT_YET
    report_proved_at: Annotated[datetime | None, AFFECTED_FACT] = None
    expires_at: Plain[datetime | None] = None


def affected_id(breach_id: str, person_id: str) -> str:
    """Return the id of the line about one person in one breach."""
    return derived_id("baf", breach_id, person_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was done about one duty: told when and under which reference, or not told and why; late, and why."""

    told_at: datetime | None = None
    reference: str = ""
    reason: str = ""  # for which it was not told, or late


def decisions(breach: Breach) -> dict[Duty, Decision]:
    """Return what was done about each duty until now."""
    found: Mapping[str, Any] = json.loads(breach.duties) if breach.duties else {}
    return {
        Duty(name): Decision(
            told_at=from_text(each["told_at"]) if each["told_at"] else None,
            reference=each["reference"],
            reason=each["reason"],
        )
        for name, each in found.items()
    }


def with_decision(breach: Breach, duty: Duty, decision: Decision) -> str:
    """Return what `duties` is with one more decision."""
    return _noted({**decisions(breach), duty: decision})


def without_refusals(breach: Breach) -> tuple[str, dict[Duty, Decision]]:
    """Return what `duties` is without the decisions that somebody is not told, and these."""
    noted = decisions(breach)
    refused = {duty: each for duty, each in noted.items() if each.told_at is None}
    return _noted({duty: each for duty, each in noted.items() if duty not in refused}), refused


def _noted(made: Mapping[Duty, Decision]) -> str:
    return json.dumps(
        {
            name.value: {**asdict(each), "told_at": to_text(each.told_at) if each.told_at else ""}
            for name, each in made.items()
        }
    )


def dues(breach: Breach) -> tuple[Due, ...]:
    """Return what has to be told to authorities about a breach, and until when."""
    return duties(breach.facts())


def undecided(breach: Breach) -> list[Due]:
    """Return the duties about which nothing is noted."""
    noted = decisions(breach)
    return [each for each in dues(breach) if each.duty not in noted]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeWords:
    """The first word to whoever is concerned, in one language (Art. 34(2))."""

    happened: str
    consequences: str
    measures: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWords:
    """The later word: what was done."""

    done: str
    advice: str = ""


def notice_of(breach: Breach) -> dict[str, NoticeWords]:
    """Return the first word by language; none before it was given."""
    return {name: NoticeWords(**each) for name, each in _loaded(breach.notice).items()}


def report_of(breach: Breach) -> dict[str, ReportWords]:
    """Return the later word by language; none before it was given."""
    return {name: ReportWords(**each) for name, each in _loaded(breach.report).items()}


def written(words: Mapping[str, NoticeWords] | Mapping[str, ReportWords]) -> str:
    """Return words as they are stored."""
    return json.dumps({name: asdict(each) for name, each in words.items()}, ensure_ascii=False)


def _loaded(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return found
