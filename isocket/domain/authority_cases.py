"""What an authority asks for about a customer, from the paper that came to what was handed out, or why nothing was.

Nobody decides alone: one member of staff proposes what is handed out, another approves exactly that. What is handed
out is made from the approved fields and time and nothing else, and is a line of the person's ledger, at once or from
the day on which the law lets them know.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from isocket.domain.handling import Basis, Category, Export, Handling, Keep, OnErasure, Plain, Purpose
from isocket.domain.record import Record, record
from isocket.kit.ids import derived_id

CASE_FACT = Handling(
    purpose=Purpose.CLAIMS,
    basis=Basis.LEGAL_DUTY,
    keep=Keep.CASE,
    export=Export.WITHHELD,  # the person reads it in the ledger, from when the law lets them
    on_erasure=OnErasure.KEEP,
)
CASE_WORDS = replace(CASE_FACT, category=Category.MESSAGE, sealed=True)


class CaseKind(StrEnum):
    """Who asks."""

    POLICE = "police"
    COURT = "court"
    TAX = "tax"
    ENFORCEMENT = "enforcement"
    SUPERVISORY = "supervisory"
    RIGHTS_HOLDER = "rights_holder"  # only by a court's decision


NEEDS_A_PAPER = frozenset({CaseKind.COURT, CaseKind.RIGHTS_HOLDER})
"""Who gets nothing without the decision of a court, whose digest is noted."""


class CaseState(StrEnum):
    """How far a case has come."""

    RECEIVED = "received"
    VERIFIED = "verified"  # called back at a number that the authority publishes
    PROPOSED = "proposed"
    APPROVED = "approved"
    READY = "ready"  # what is handed out was made
    HANDED_OUT = "handed_out"
    REFUSED = "refused"


FOLLOWS: Mapping[CaseState, frozenset[CaseState]] = MappingProxyType(
    {
        CaseState.RECEIVED: frozenset({CaseState.VERIFIED, CaseState.REFUSED}),
        CaseState.VERIFIED: frozenset({CaseState.PROPOSED, CaseState.REFUSED}),
        CaseState.PROPOSED: frozenset({CaseState.PROPOSED, CaseState.APPROVED, CaseState.REFUSED}),
        CaseState.APPROVED: frozenset({CaseState.READY, CaseState.REFUSED}),
        CaseState.READY: frozenset({CaseState.HANDED_OUT, CaseState.REFUSED}),
        CaseState.HANDED_OUT: frozenset(),
        CaseState.REFUSED: frozenset(),
    }
)
"""What may come after what: nothing is handed out that was not verified, proposed and approved before."""
CLOSED = (CaseState.HANDED_OUT, CaseState.REFUSED)


@record(
    collection="authority_cases",
    subject="id",
    indexed=(("state", "received_at"), ("account_id",), ("expires_at",)),
)
class AuthorityCase(Record):
    """One case. It names its account by a field that nothing follows: what was handed out stays on record."""

    kind: Annotated[CaseKind, CASE_FACT]
    authority: Annotated[str, CASE_WORDS]
    reference: Annotated[str, CASE_WORDS]
    legal_basis: Annotated[str, CASE_WORDS]  # by which law they ask
    words: Annotated[str, CASE_WORDS]  # what they ask for
    paper: Annotated[str, CASE_FACT] = ""  # the SHA-256 of a court's decision
    received_at: Annotated[datetime, CASE_FACT]
    typed_in_by: Annotated[str, CASE_FACT]
    state: Annotated[CaseState, CASE_FACT] = CaseState.RECEIVED
    verified_by: Annotated[str, CASE_FACT] = ""
    verified_how: Annotated[str, CASE_WORDS] = ""
    account_id: Annotated[str, CASE_FACT] = ""  # whose data is asked for, once that is proposed
    fields: Annotated[tuple[str, ...], CASE_FACT] = ()  # collection.field
    begins: Annotated[datetime | None, CASE_FACT] = None  # of the time asked for
    ends: Annotated[datetime | None, CASE_FACT] = None
    silent_until: Plain[datetime | None] = None
    silent_why: Annotated[str, CASE_WORDS] = ""  # by which law the person may not be told before
    proposed_by: Annotated[str, CASE_FACT] = ""
    proposal: Annotated[str, CASE_WORDS] = ""  # why this much, and no more
    approved_by: Annotated[str, CASE_FACT] = ""
    digest: Annotated[str, CASE_FACT] = ""  # the SHA-256 of what is handed out
    pages: Plain[int] = 0  # so many make it up
    counts: Plain[dict[str, Any]] = field(default_factory=dict)
    others: Annotated[dict[str, Any], CASE_FACT] = field(default_factory=dict)  # who else is in it: person to fields
    handed_by: Annotated[str, CASE_FACT] = ""
    handed_at: Annotated[datetime | None, CASE_FACT] = None
    refused_by: Annotated[str, CASE_FACT] = ""
    refusal: Annotated[str, CASE_WORDS] = ""
    lease_until: Plain[datetime]
    expires_at: Plain[datetime | None] = None  # some years after its end the register forgets it


@record(collection="handed_pages", subject="case_id", indexed=(("case_id", "number"), ("expires_at",)), bulky=True)
class HandedPage(Record):
    """A part of what is handed out, sealed under the key of its case; it goes some weeks after it was made."""

    case_id: Annotated[str, CASE_FACT]
    number: Plain[int]
    content: Annotated[str, CASE_WORDS]  # lines of JSON
    expires_at: Plain[datetime]


def page_id(case_id: str, number: int) -> str:
    """Return the id of a page of what is handed out: made again, it is the same."""
    return derived_id("hpg", case_id, number)


def may_follow(before: CaseState, after: CaseState) -> bool:
    """Return whether a case may go from one state to another."""
    return after in FOLLOWS[before]
