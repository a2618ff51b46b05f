"""The shapes of what alarm recipients see and do about themselves."""

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from portal_api.models import Body, Instant, OneLine, View
from portal_api.phones import Phone
from portal_api.privacy_requests import AuthorityView
from portal_api.usernames import Language, TimeZone, Username

_MAILBOX: TypeAdapter[str] = TypeAdapter(Username)
_NUMBER: TypeAdapter[str] = TypeAdapter(Phone)


def _address(text: str) -> str:
    """Return a mailbox or a telephone number as we keep them."""
    try:
        return (_MAILBOX if "@" in text else _NUMBER).validate_python(text)
    except ValidationError:
        raise ValueError("Write an e-mail address, or a telephone number such as +358401234567.") from None


Address = Annotated[str, Field(min_length=1, max_length=320), AfterValidator(_address)]
"""By what somebody is told of alarms."""


class WayIn(Body):
    """The address by which you are told of alarms."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"address": "neighbour@example.org", "language": "en"}]})

    address: Address
    language: Language = "en"


class WayInSent(View):
    """If we hold this address, a link or code is on its way to it."""

    status: str = Field(default="accepted", examples=["accepted"])


class VisitProof(Body):
    """The token from the link, or address and code from the text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"token": "mP3rW0Zk1t8n5c7VYQ2hJxUo4aLsDfGiBe6RqNvTyEw"},
                {"address": "+447700900123", "code": "402117"},
            ]
        }
    )

    token: str | None = Field(default=None, min_length=1, max_length=128)
    address: Address | None = None
    code: Annotated[str | None, Field(max_length=16)] = None


class VisitView(View):
    """A visit is open. Its token goes into `Authorization: Bearer` of `/people/me`."""

    access_token: str
    expires_in: int = Field(description="Seconds.")


class EntryView(View):
    """One entry about you. Who entered you can be asked as well."""

    id: str
    entered_by: str = Field(description="The customer whose sockets you are told of, by the name they gave.")
    entered_at: Instant
    name: str
    phone: str | None = Field(description="Its last digits only, where it was never proved to be yours.")
    email: str | None
    language: str
    time_zone: str
    quiet_hours: dict[str, Any] | None
    told_of: list[str] = Field(examples=[["alarm"]])
    verified: list[str] = Field(description="By which ways you are told.", examples=[["sms", "voice"]])
    paused: bool
    paused_because: str | None = Field(examples=["objected"])


class MessageView(View):
    """One message to you."""

    at: Instant
    channel: str
    kind: str = Field(examples=["alarm"])
    state: str = Field(examples=["delivered"])
    text: str = Field(description="Empty after 30 days, for codes, and for a number not proved yours.")


class HandedView(View):
    """That an authority was handed something that tells about you."""

    at: Instant
    what: list[str] = Field(examples=[["contacts.name", "contacts.phone"]])
    reason: str = Field(description="Which authority, and by which law it asked.")


class UseView(View):
    """What the values are used for."""

    what_for: str
    basis: str
    categories: list[str]
    kept: list[str]
    recipients: list[str]


class AboutMe(View):
    """Everything that we hold about the reader of one number or mailbox, and where it came from (Art. 14 and 15)."""

    controller: str
    contact: str
    source: str
    entries: list[EntryView]
    said: list[str] = Field(description="What you said about being written to: `stop`, `objected`, `erased`.")
    newsletter: bool = Field(description="This mailbox asked for the newsletter; it goes with an erasure.")
    messages: list[MessageView]
    handed: list[HandedView] = Field(description="What authorities were handed, once the law lets you know.")
    uses: list[UseView]
    rights: list[str]
    authority: AuthorityView
    automated_decisions: str


class Correction(Body):
    """What is not as it should be. What is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Niina Naapuri"}]})

    name: Annotated[OneLine, Field(min_length=1)] = "-"
    language: Language = "en"
    time_zone: TimeZone = "UTC"


class Done(View):
    """It is done."""

    status: str = Field(default="done", examples=["done"])
