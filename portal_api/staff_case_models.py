"""The shapes of what authorities ask for, as staff read and write them."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from isocket.domain.authority_cases import (
    CaseKind,
    CaseState,
)
from portal_api.models import Body, GivenDay, GivenInstant, Instant, OneLine, PageQuery, View
from portal_api.privacy_requests import Words
from portal_api.usernames import Username

MOST_FIELDS = 200


class WhichCases(StrEnum):
    """Which cases."""

    OPEN = "open"
    CLOSED = "closed"


class CasesQuery(PageQuery):
    """Which cases, the oldest first."""

    show: WhichCases = WhichCases.OPEN


class NewCase(Body):
    """What came: who asks, by which law, for what. Of a court's decision its SHA-256 as well."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "police",
                    "authority": "Itä-Suomen poliisilaitos",
                    "reference": "5680/R/1234/26",
                    "legal_basis": "Coercive Measures Act 7:8",
                    "words": "When was the mains of this house lost between 1 and 3 November?",
                    "received_on": "2026-11-20",
                    "paper": "",
                }
            ]
        }
    )

    kind: Annotated[CaseKind, Field(strict=False)]
    authority: Annotated[OneLine, Field(min_length=2)]
    reference: Annotated[OneLine, Field(min_length=1)]
    legal_basis: Annotated[OneLine, Field(min_length=3)]
    words: Annotated[Words, Field(min_length=10)]
    received_on: GivenDay
    paper: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = Field(
        default="", description="SHA-256 of the court's decision, in hexadecimal; courts and rights holders need one."
    )


class Verification(Body):
    """How it was made sure that it is they who ask."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"how": "Called back at the number on the authority's own pages."}]}
    )

    how: Annotated[Words, Field(min_length=10)]


class Proposal(Body):
    """What is to be handed out: of whom, which fields, of which time, and why no more. Another decides about it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "maija@example.org",
                    "fields": ["incidents.opened_at", "incidents.closed_at", "incidents.cause"],
                    "from": "2026-11-01T00:00:00.000Z",
                    "to": "2026-11-04T00:00:00.000Z",
                    "words": "They ask for power cuts only; addresses and texts are not needed for that.",
                    "silent_until": "2027-05-01",
                    "silent_why": "Coercive Measures Act 10:60, the investigation would be harmed.",
                }
            ]
        }
    )

    account_id: Annotated[str | None, Field(max_length=64)] = None
    email: Username | None = None
    fields: Annotated[list[Annotated[str, Field(max_length=80)]], Field(min_length=1, max_length=MOST_FIELDS)] = Field(
        description="`collection.field`, as in the inventory: never secrets."
    )
    begins: GivenInstant = Field(alias="from")
    ends: GivenInstant = Field(alias="to")
    words: Annotated[Words, Field(min_length=10)]
    silent_until: GivenDay | None = None
    silent_why: Annotated[Words, Field(description="The law that forbids to tell the person before.")] = ""


class Approval(Body):
    """That what you have seen is right: `version` is that of the case as you saw it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 3}]})

    version: int = Field(ge=1)


class CaseRefusal(Body):
    """Why nothing is handed out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"words": "No decision of a court was shown, and the law asks for one."}]}
    )

    words: Annotated[Words, Field(min_length=10)]


class CaseLine(View):
    """One case, as much as is needed to choose it."""

    id: str
    kind: CaseKind
    state: CaseState
    received_at: Instant


class CaseFile(CaseLine):
    """One case with everything that is on record."""

    version: int = Field(description="To be named where one approves.")
    authority: str
    reference: str
    legal_basis: str
    words: str
    paper: str
    typed_in_by: str
    verified_by: str
    verified_how: str
    account_id: str
    fields: list[str]
    begins: Instant | None = Field(serialization_alias="from")
    ends: Instant | None = Field(serialization_alias="to")
    silent_until: Instant | None
    silent_why: str
    proposed_by: str
    proposal: str
    approved_by: str
    digest: str = Field(description="SHA-256 of the file that is handed out.")
    counts: dict[str, int] = Field(description="How many records of which collection are in it.")
    handed_by: str
    handed_at: Instant | None
    refused_by: str
    refusal: str

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True, validate_by_name=True)
