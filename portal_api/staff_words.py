"""What the pages of staff call what programs have names for: states, ways, proofs, duties."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from isocket.domain.authority_cases import CaseState
from isocket.domain.breaches import BreachState, DeliveryProof
from isocket.domain.holds import HoldState
from isocket.domain.incidents import Cause, IncidentState
from isocket.domain.regulation import Duty
from isocket.domain.request_notes import NoteKind
from isocket.domain.request_words import KINDS
from isocket.domain.requests import Proof, RequestChannel, RequestState, Right
from portal_api.pages_words import CAUSES
from portal_api.staff_request_models import Shown

WORDS: Mapping[type[StrEnum], Mapping[StrEnum, str]] = MappingProxyType(
    {
        RequestState: {
            RequestState.RECEIVED: "here, nobody knows yet who asks",
            RequestState.IDENTITY_ASKED: "whoever asked has to press the button in our mail",
            RequestState.IDENTIFIED: "we know who asks",
            RequestState.IN_WORK: "in work",
            RequestState.ANSWERED: "answered",
            RequestState.REFUSED: "refused",
        },
        RequestChannel: {
            RequestChannel.FORM: "by the form",
            RequestChannel.LETTER: "by letter",
            RequestChannel.TELEPHONE: "by telephone",
            RequestChannel.MAIL: "by mail",
        },
        Proof: {
            Proof.LINK: "the mailbox answered",
            Proof.KNOWN_CHANNEL: "reached by an address that we held",
            Proof.KNOWLEDGE: "they know what only they can",
            Proof.DOCUMENT: "a document was shown",
        },
        Right: {each: KINDS["en"][each] for each in Right},
        Shown: {
            Shown.OPEN: "waiting for us",
            Shown.UNPROVED: "waiting for whoever asked",
            Shown.DECIDED: "decided",
        },
        NoteKind: {NoteKind.QUESTION: "we asked", NoteKind.ANSWER: "they answered", NoteKind.DONE: "done"},
        HoldState: {
            HoldState.IN_FORCE: "in force",
            HoldState.OVER: "over, its copies are about to be destroyed",
            HoldState.EMPTIED: "over, its copies are destroyed",
        },
        CaseState: {
            CaseState.RECEIVED: "typed in, not verified yet",
            CaseState.VERIFIED: "verified",
            CaseState.PROPOSED: "proposed, another has to approve it",
            CaseState.APPROVED: "approved, being made",
            CaseState.READY: "ready to be fetched",
            CaseState.HANDED_OUT: "handed out",
            CaseState.REFUSED: "refused",
        },
        BreachState: {BreachState.OPEN: "open", BreachState.CLOSED: "closed"},
        Duty: {
            Duty.AUTHORITY: "notification of the data protection authority",
            Duty.EARLY_WARNING: "early warning about the product",
            Duty.PRODUCT_NOTIFICATION: "notification about the product",
            Duty.FINAL_REPORT: "final report about the product",
            Duty.USERS: "telling whoever uses the product",
        },
        DeliveryProof: {
            DeliveryProof.NOT_YET: "not gone yet",
            DeliveryProof.DELIVERED: "arrived",
            DeliveryProof.SENT: "sent",
            DeliveryProof.FAILED: "did not get through",
            DeliveryProof.NO_WAY: "no address is left",
        },
        Cause: {each: CAUSES[each.value] for each in Cause},
        IncidentState: {
            IncidentState.OPEN: "open",
            IncidentState.ACKNOWLEDGED: "somebody has seen to it",
            IncidentState.CLOSED: "over",
        },
    }
)
MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        f"{word}_{told.value or 'not_yet'}": f"{said}: {WORDS[DeliveryProof][told]}"
        for word, said in {"notice": "What happened", "report": "What was done"}.items()
        for told in DeliveryProof
    }
)
"""What became of both words about a breach, under the names of its numbers."""


def in_words(name: StrEnum) -> str:
    """Return what a page calls what programs call `name`."""
    return WORDS[type(name)][name]
