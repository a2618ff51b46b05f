"""What somebody asks for by right (Art. 15 to 21), from the wish to the answer: noun, states, and what may follow what.

Anybody may ask, an account or not. So each is sealed under a key of its own, and is of an account only from when the
account's mailbox has answered.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from isocket.domain.handling import Basis, Category, Export, Handling, Keep, Plain, Purpose
from isocket.domain.record import Record, record

REQUEST_FACT = Handling(purpose=Purpose.RIGHTS, basis=Basis.LEGAL_DUTY, keep=Keep.YEARS_3)
REQUESTER_ADDRESS = replace(REQUEST_FACT, category=Category.MAIL_ADDRESS, sealed=True, lookup=True)
REQUEST_WORDS = replace(REQUEST_FACT, category=Category.WORDS, keep=Keep.ANSWERED, sealed=True)
REQUEST_PROOF = replace(REQUEST_FACT, category=Category.CREDENTIAL, export=Export.WITHHELD)
ID_EVIDENCE = replace(REQUEST_PROOF, keep=Keep.ANSWERED, sealed=True)  # at the longest: it goes with the decision


class Right(StrEnum):
    """What is asked for."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    PORTABILITY = "portability"


class RequestState(StrEnum):
    """How far a request has come. An extension is a fact about one that is open, not a state of its own."""

    RECEIVED = "received"  # by letter or telephone; nobody has asked for an identity yet
    IDENTITY_ASKED = "identity_asked"  # a link is on its way to the address
    IDENTIFIED = "identified"
    IN_WORK = "in_work"
    ANSWERED = "answered"
    REFUSED = "refused"


OPEN = (RequestState.RECEIVED, RequestState.IDENTITY_ASKED, RequestState.IDENTIFIED, RequestState.IN_WORK)
TO_BE_DECIDED = (RequestState.RECEIVED, RequestState.IDENTIFIED, RequestState.IN_WORK)
"""What stands in the queue: where a link waits to be pressed, it is not our turn."""

FOLLOWS: Mapping[RequestState, frozenset[RequestState]] = MappingProxyType(
    {
        RequestState.RECEIVED: frozenset({RequestState.IDENTITY_ASKED, RequestState.IDENTIFIED, RequestState.REFUSED}),
        RequestState.IDENTITY_ASKED: frozenset({RequestState.IDENTIFIED, RequestState.REFUSED}),
        RequestState.IDENTIFIED: frozenset({RequestState.IN_WORK, RequestState.ANSWERED, RequestState.REFUSED}),
        RequestState.IN_WORK: frozenset({RequestState.ANSWERED, RequestState.REFUSED}),
        RequestState.ANSWERED: frozenset(),
        RequestState.REFUSED: frozenset(),
    }
)
"""What may come after what. Nothing is answered before it is known who asks, and what is decided stays."""


DECISION = "decision"
EXTENSION = "extension"


class RequestChannel(StrEnum):
    """How a request came."""

    FORM = "form"
    LETTER = "letter"
    TELEPHONE = "telephone"
    MAIL = "mail"


class Proof(StrEnum):
    """By what we know who asks, the plainest first (EDPB Guidelines 01/2022: no more than is needed)."""

    LINK = "link"  # the mailbox answered
    KNOWN_CHANNEL = "known_channel"  # staff reached them by an address that we held already
    KNOWLEDGE = "knowledge"  # they know what only they can, such as an order
    DOCUMENT = "document"  # staff saw one, with the reason why nothing less would do


@record(
    collection="rights_requests",
    subject="id",
    account="account_id",
    unique=(("proof_hash",),),
    indexed=(("state", "due_at"), ("email", "state"), ("account_id", "received_at"), ("letter_due",)),
)
class RightsRequest(Record):
    """One request. `due_at` is the end of its last day: a calendar month from when it came, or three when extended."""

    kind: Annotated[Right, REQUEST_FACT]
    channel: Annotated[RequestChannel, REQUEST_FACT]
    email: Annotated[str, REQUESTER_ADDRESS]  # where the answer goes; empty: by letter
    name: Annotated[str, REQUEST_WORDS] = ""
    words: Annotated[str, REQUEST_WORDS] = ""
    postal: Annotated[str, REQUEST_WORDS] = ""  # where a letter goes that has no mailbox to be answered to
    language: Annotated[str, REQUEST_FACT] = "en"
    country: Annotated[str, REQUEST_FACT] = ""  # of whoever asks, which names their authority; empty: not told
    account_id: Annotated[str | None, REQUEST_FACT] = None  # once its mailbox has answered
    state: Annotated[RequestState, REQUEST_FACT]
    received_at: Annotated[datetime, REQUEST_FACT]
    due_at: Plain[datetime]
    extended_at: Annotated[datetime | None, REQUEST_FACT] = None
    extension_words: Annotated[str, REQUEST_WORDS] = ""
    proof_hash: Annotated[str | None, REQUEST_PROOF] = None  # of the token in the mail that asks who it is
    proof_ends_at: Plain[datetime | None] = None
    identified_at: Annotated[datetime | None, REQUEST_FACT] = None
    proof: Annotated[Proof | None, REQUEST_FACT] = None
    evidence: Annotated[str, ID_EVIDENCE] = ""  # what staff noted of it; gone with the decision
    typed_in_by: Annotated[str | None, REQUEST_FACT] = None  # the member of staff, where it did not come by the form
    typed_in_why: Annotated[str, REQUEST_WORDS] = ""
    taken_by: Annotated[str | None, REQUEST_FACT] = None
    fulfilled_by: Plain[str | None] = None  # the export or erasure that carries it out
    decided_at: Annotated[datetime | None, REQUEST_FACT] = None
    decided_by: Annotated[str | None, REQUEST_FACT] = None  # a member of staff; None: it answered itself
    answer: Annotated[str, REQUEST_WORDS] = ""
    letter_due: Plain[str] = ""  # what is still to be told, by the privacy service: DECISION or EXTENSION

    @property
    def waits_for_its_mailbox(self) -> bool:
        """Whether it came by the form and nobody has said that it is theirs: whose mailbox that is, is not known."""
        return self.channel is RequestChannel.FORM and self.state is RequestState.IDENTITY_ASKED

    @property
    def is_nobodys(self) -> bool:
        """Whether nobody proved it, so that its values and their key are gone."""
        return self.channel is RequestChannel.FORM and not self.email


def decided(outcome: RequestState, words: str, at: datetime, **more: Any) -> dict[str, Any]:
    """Return what a decision changes of a request.

    What was noted as proof goes with it. The letter is made from what is stored here, and once: of two who decide at
    the same moment only the one whose decision is stored is told.
    """
    return {
        "state": outcome,
        "decided_at": at,
        "answer": words,
        "evidence": "",
        "proof_hash": None,
        "letter_due": DECISION,
        **more,
    }


def may_follow(before: RequestState, after: RequestState) -> bool:
    """Return whether a request may go from one state to another."""
    return after in FOLLOWS[before]
