"""The shapes of breaches, as staff read and write them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from isocket.domain.breaches import BreachKind, BreachState
from isocket.domain.regulation import Duty, ProductEvent, Risk
from portal_api.models import Body, GivenInstant, Instant, View
from portal_api.privacy_requests import Words

_Language = Literal["en", "fi", "sv", "de", "nb"]
_Name = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_.\-*]*$")]
_EXAMPLE: JsonDict = {
    "what": "The password of our mail server was published by mistake.",
    "kinds": ["confidentiality"],
    "risk": "likely",
    "why_risk": "Addresses and texts of messages could be read.",
    "aware_at": "2026-11-22T11:00:00.000Z",
    "began_at": "2026-11-20T00:00:00.000Z",
    "scope": ["contacts.email"],
}


class BreachWish(Body):
    """A breach as it is known now. What was open is named by fields and collections of the inventory, or `*`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    what: Words
    kinds: list[Annotated[BreachKind, Field(strict=False)]] = Field(min_length=1, max_length=3)
    risk: Annotated[Risk, Field(strict=False)]
    why_risk: Words
    event: Annotated[ProductEvent, Field(strict=False)] = ProductEvent.NONE
    aware_at: GivenInstant
    began_at: GivenInstant
    ended_at: GivenInstant | None = None
    scope: list[_Name] = Field(default=[], max_length=100)
    provider: _Name = Field(default="", description="All that this provider was handed in that time.")
    looked: _Name = Field(default="", description="All that whoever has this id (staff, a token) was shown.")
    accounts: list[_Name] = Field(default=[], max_length=1000, description="Only these, and whom they entered.")


class Wider(Body):
    """What else was open, or for which other time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scope": ["contacts.phone"]}]})

    scope: list[_Name] = Field(default=[], max_length=100)
    began_at: GivenInstant | None = None
    ended_at: GivenInstant | None = None


class Assessment(Body):
    """How it is judged now; the duties follow from that."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"risk": "high", "why": "Alarms of cabins that stand empty could be read."}]}
    )

    risk: Annotated[Risk, Field(strict=False)]
    why: Words
    event: Annotated[ProductEvent | None, Field(strict=False)] = Field(
        default=None, description="As it was, where it is not given."
    )
    fixed_at: GivenInstant | None = None


class AuthorityNote(Body):
    """That an authority was told; or, without `told_at`, why it was not."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"duty": "authority", "told_at": "2026-11-22T11:30:00.000Z", "reference": "2026/4711"}]
        }
    )

    duty: Annotated[Duty, Field(strict=False)]
    told_at: GivenInstant | None = None
    reference: Annotated[str, StringConstraints(max_length=120)] = ""
    reason: Words = ""


class NoticeText(Body):
    """What happened, in one language."""

    happened: Words
    consequences: Words
    measures: Words
    advice: Words = ""


class ReportText(Body):
    """What was done, in one language."""

    done: Words
    advice: Words = ""


class NoticeWish(Body):
    """What everybody who is concerned is told first: in English at least, in each other language where it is there.

    The words stand at `/breaches` for anybody: name nobody in them.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "words": {
                        "en": {
                            "happened": "For two days strangers could read mails that we sent.",
                            "consequences": "Somebody may know your address and when power failed.",
                            "measures": "The password was changed an hour after we knew.",
                            "advice": "Do not answer mails that ask for your password.",
                        }
                    }
                }
            ]
        }
    )

    words: dict[_Language, NoticeText]


class ReportWish(Body):
    """What the same people are told later. It stands at `/breaches` as well."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"words": {"en": {"done": "Nobody can publish such a password any more."}}}]}
    )

    words: dict[_Language, ReportText]


class Closing(Body):
    """What is different now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lesson": "Passwords of servers are not in files any more."}]}
    )

    lesson: Words


class BreachLine(View):
    """One breach in the register."""

    id: str = Field(examples=["bre_mzxw6ytboi"])
    state: BreachState
    risk: Risk
    what: str
    aware_at: Instant
    concerned: int
    closed_at: Instant | None


class ClockView(View):
    """One duty, until when, and what was noted about it."""

    duty: Duty
    law: str
    to: str
    due_at: Instant | None = Field(description="Null while what it counts from has not happened.")
    overdue: bool
    told_at: Instant | None
    reference: str
    reason: str
    noted: bool
    draft: str = Field(description="What they have to read, as far as it is known: read it before it goes out.")


class BreachFile(View):
    """One breach with all that is known of it."""

    id: str
    state: BreachState
    what: str
    kinds: list[BreachKind]
    risk: Risk
    why_risk: str
    event: ProductEvent
    opened_by: str
    opened_at: Instant
    aware_at: Instant
    began_at: Instant
    ended_at: Instant | None
    fixed_at: Instant | None
    scope: list[str]
    provider: str
    looked: str
    only_named: bool
    counted_at: Instant | None = Field(description="Null while it is worked out whom it concerns.")
    concerned: int
    messages: dict[str, int] = Field(description="How many people heard each word, and how that ended.")
    clocks: list[ClockView]
    notice_at: Instant | None
    report_at: Instant | None
    closed_at: Instant | None
    lesson: str
