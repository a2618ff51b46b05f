"""The shapes of people to be told, as they travel over the API."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from isocket.domain.contacts import ChannelKind, Contact
from portal_api.field_words import A_TIME_OF_DAY
from portal_api.models import Body, Instant, OneLine, View
from portal_api.phones import Phone, takes_texts
from portal_api.usernames import Language, TimeZone, Username

_EXAMPLE: dict[str, Any] = {
    "name": "Neighbour",
    "phone": "+447700900123",
    "email": "neighbour@example.org",
    "language": "en",
    "time_zone": "Europe/London",
    "quiet_hours": {"start": "22:00", "end": "07:00", "except_critical": True},
    "roles": ["alarm"],
}


def _each_once(roles: list[str]) -> list[str]:
    return sorted(set(roles))


def _true_or_false(value: object) -> object:
    """Refuse 0, which Python and so the validator takes for false."""
    if not isinstance(value, bool):
        raise PydanticCustomError("bool_type", "True or false is needed.")
    return value


Name = Annotated[OneLine, Field(min_length=1)]
Roles = Annotated[list[Literal["alarm", "service"]], Field(min_length=1, max_length=2), AfterValidator(_each_once)]


class QuietHours(Body):
    """From when to when this person would rather sleep, by their own time zone; over midnight if need be."""

    start: Annotated[str, Field(pattern=A_TIME_OF_DAY, examples=["22:00"])]
    end: Annotated[str, Field(pattern=A_TIME_OF_DAY, examples=["07:00"])]
    except_critical: bool = Field(default=True, description="Critical alarms come all the same.")

    @field_validator("end")
    @classmethod
    def _not_the_start(cls, end: str, info: ValidationInfo) -> str:
        if end == info.data.get("start"):
            raise ValueError("They end when they begin: give another time, or null for no quiet hours.")
        return end


class NewContact(Body):
    """Somebody to be told. A telephone number, an e-mail address, or both."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE, {"name": "Me", "phone": "+447700900456"}]})

    name: Name
    phone: Phone | None = None
    email: Username | None = None
    language: Language | None = Field(default=None, description="The account's if absent.")
    time_zone: TimeZone | None = Field(default=None, description="The account's if absent.")
    quiet_hours: QuietHours | None = None
    roles: Roles = Field(default=["alarm"])

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.phone is None and self.email is None:
            raise ValueError("A phone or an email is needed.")
        return self


class ContactChange(Body):
    """What to change; what is absent stays. Null takes away phone, email or quiet hours.

    `paused: false` is for the account's own contact only, whose holder is signed in. Where its telephone said stop,
    that has to be proved again. While a contact is paused neither phone nor email can be changed.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "+447700900789"}, {"quiet_hours": None}]})

    name: Name = "-"
    phone: Phone | None = None
    email: Username | None = None
    language: Language = "en"
    time_zone: TimeZone = "UTC"
    quiet_hours: QuietHours | None = None
    roles: Roles = Field(default=["alarm"])
    paused: Annotated[Literal[False], BeforeValidator(_true_or_false)] = Field(
        default=False, description="Take up our messages again."
    )


class ContactView(View):
    """Somebody to be told. They get alarms only by what is verified, and none while paused."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h",
                    **_EXAMPLE,
                    "phone_verified": True,
                    "voice_verified": True,
                    "phone_takes_texts": True,
                    "email_verified": False,
                    "paused": False,
                    "is_owner": False,
                    "created_at": "2026-11-22T12:00:00.000Z",
                }
            ]
        }
    )

    id: str
    name: str
    phone: str | None
    email: str | None
    language: str
    time_zone: str
    quiet_hours: dict[str, Any] | None
    roles: list[str]
    phone_verified: bool = Field(description="A text arrived: they get texts, and can be called.")
    voice_verified: bool = Field(description="They can be called.")
    phone_takes_texts: bool | None = Field(description="False for a landline: prove it by `voice`. Null: no phone.")
    email_verified: bool
    paused: bool = Field(
        description="They asked us to stop. Only they can undo it: with a code from a new mail, or START."
    )
    is_owner: bool = Field(description="The account's own address, verified from activation on.")
    created_at: Instant


def view(contact: Contact) -> ContactView:
    """Return what its account sees of a contact."""
    verified = contact.verified_channels()
    return ContactView(
        id=contact.id,
        name=contact.name,
        phone=contact.phone,
        email=contact.email,
        language=contact.language,
        time_zone=contact.time_zone,
        quiet_hours=contact.quiet_hours,
        roles=list(contact.roles),
        phone_verified=ChannelKind.SMS in verified,
        voice_verified=ChannelKind.VOICE in verified,
        phone_takes_texts=takes_texts(contact.phone) if contact.phone else None,
        email_verified=ChannelKind.EMAIL in verified,
        paused=contact.paused_at is not None,
        is_owner=contact.is_owner,
        created_at=contact.created_at,
    ).of_version(contact.version)
