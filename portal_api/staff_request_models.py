"""The shapes of requests by right as staff read and write them."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from isocket.domain.requests import (
    Proof,
    RequestChannel,
    RequestState,
    Right,
)
from portal_api.models import Body, Instant, OneLine, PageQuery, View
from portal_api.privacy_requests import AuthorityView, Country, Words
from portal_api.usernames import Language, Username


class Shown(StrEnum):
    """Which part of the queue."""

    OPEN = "open"  # waits for us
    UNPROVED = "unproved"  # waits for whoever asked
    DECIDED = "decided"


class QueueQuery(PageQuery):
    """Which part of the queue, the first deadline first."""

    show: Shown = Shown.OPEN


class QueueLine(View):
    """One request, as much as is needed to choose it."""

    id: str
    kind: Right
    channel: RequestChannel
    state: RequestState
    who: str | None = Field(description="Beginning and domain of the mailbox.", examples=["n…@example.org"])
    received_at: Instant
    due_at: Instant
    overdue: bool
    extended: bool
    taken_by: str | None


class RequestFile(View):
    """One request with all that is needed to answer it."""

    id: str
    kind: Right
    channel: RequestChannel
    state: RequestState
    email: str
    name: str
    postal: str
    words: str
    language: str
    country: str
    authority: AuthorityView
    account_id: str | None
    told_of_alarms: int = Field(description="How many entries by customers there are with this mailbox.")
    newsletter: bool = Field(description="This mailbox asked for the newsletter, whether it has said yes yet or not.")
    received_at: Instant
    due_at: Instant
    overdue: bool
    extended_at: Instant | None
    extension_words: str
    proof: Proof | None = Field(description="By what we know who asks.")
    identified_at: Instant | None
    evidence: str = Field(description="What was noted of it; gone with the decision.")
    typed_in_by: str | None
    typed_in_why: str
    taken_by: str | None
    fulfilled_by: str | None
    decided_at: Instant | None
    decided_by: str | None
    answer: str
    letter: str = Field(
        description="To be printed where there is no mailbox: the answer, or that it takes longer or is late."
    )


class TypedIn(Body):
    """A request that came otherwise than by the form. Its time counts from the day on which it came."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "access",
                    "channel": "letter",
                    "received_on": "2026-11-20",
                    "name": "Niina Naapuri",
                    "postal": "PL 1, 00001 Helsinki",
                    "words": "What do you know of me?",
                    "country": "FI",
                    "language": "fi",
                }
            ]
        }
    )

    kind: Annotated[Right, Field(strict=False)]
    channel: Annotated[RequestChannel, Field(strict=False)]
    received_on: Annotated[date, Field(strict=False)]
    email: Username | None = None
    name: OneLine = ""
    postal: OneLine = ""
    words: Words = ""
    language: Language = "en"
    country: Country = ""
    ask_mailbox: bool = Field(default=True, description="Ask the mailbox who it is. Without one, staff have to.")


class Identified(Body):
    """How staff know who asks. A document only with the reason why nothing less would do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"proof": "known_channel", "evidence": "Called back on the number of the account.", "email": None}
            ]
        }
    )

    proof: Annotated[Proof, Field(strict=False)]
    evidence: Words = ""
    email: Username | None = Field(default=None, description="The mailbox of their account, if they have one.")


class Decision(Body):
    """What we do, in words for whoever asked. They go out by mail."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"outcome": "answered", "words": "We hold nothing about you under this address."}]
        }
    )

    outcome: Annotated[RequestState, Field(strict=False, description="`answered` or `refused`.")]
    words: Annotated[Words, Field(min_length=10)]


class Extension(Body):
    """Why it takes longer; whoever asked is told, before the first month is over."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"words": "What you ask for concerns many years of records."}]}
    )

    words: Annotated[Words, Field(min_length=10)]
