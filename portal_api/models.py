"""The base of what goes in and out over HTTP, and the few types that all routes share."""

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from isocket.kit.clock import EPOCH, from_ms, to_ms, to_text

T = TypeVar("T")
_ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and a sign that are drawn as nothing


class Body(BaseModel):
    """What a caller sends: no unknown field, no conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LinkToken(Body):
    """The token from the link of a mail."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "mP3rW0Zk1t8n5c7VYQ2hJxUo4aLsDfGiBe6RqNvTyEw"}]}
    )

    token: str = Field(min_length=1, max_length=128)


class Query(BaseModel):
    """What a caller asks for after the question mark: no unknown name, none twice."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    _version: int | None = PrivateAttr(default=None)

    def of_version(self, version: int) -> Self:
        """Return this view, of a thing at that version: it stands in the entity tag, see `conditions`."""
        self._version = version
        return self

    @property
    def version_shown(self) -> int | None:
        """Return the version of the thing that is shown, None where it has none."""
        return self._version


def _to_milliseconds(instant: datetime) -> datetime:
    try:
        return from_ms(to_ms(instant.astimezone(UTC)))
    except OverflowError:
        raise ValueError("There is no such time.") from None


Instant = Annotated[
    AwareDatetime,
    AfterValidator(_to_milliseconds),
    PlainSerializer(to_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T12:00:00.000Z"]}),
]
"""A time: RFC 3339, UTC, milliseconds."""


_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_WRITTEN_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _written_instant(instant: object) -> object:
    """Refuse a number: what reads times takes 0 for 1970, and any other for seconds or milliseconds by its size."""
    if isinstance(instant, datetime) or (isinstance(instant, str) and _WRITTEN_DAY.match(instant)):
        return instant
    raise PydanticCustomError("datetime_parsing", "A time is needed.")


def _written_day(day: object) -> object:
    """Refuse a number, and a time: what reads days would take the one for seconds, and midnight for its day."""
    if isinstance(day, date) or (isinstance(day, str) and _WRITTEN_DAY.fullmatch(day)):
        return day
    raise PydanticCustomError("date_parsing", "A day is needed.")


def _usual(instant: datetime) -> datetime:
    if not EPOCH <= instant < _LATEST:
        raise ValueError("A time from 1970 until 2199 is needed.")
    return instant


CountedInstant = Annotated[Instant, AfterValidator(_usual)]
"""A time that a caller names, written or in UTC milliseconds: where series, which count so, are asked for."""

GivenInstant = Annotated[CountedInstant, Field(strict=False), BeforeValidator(_written_instant)]
"""A time that a caller names and writes: near enough that days can be added to it and taken from it."""


def _usual_day(day: date) -> date:
    if not EPOCH.date() <= day < _LATEST.date():
        raise ValueError("A day from 1970 until 2199 is needed.")
    return day


GivenDay = Annotated[date, Field(strict=False), BeforeValidator(_written_day), AfterValidator(_usual_day)]
"""A day that a caller names, as near as that."""


def _plain_characters(text: str) -> str:
    """Refuse what is not seen but acts: controls, new lines, marks that turn the order of letters, half characters.

    Two joiners stay, without which some scripts cannot be written (Unicode Standard Annex 31, section 2.3). A text of
    nothing but what is not seen is refused too: an alarm would name no socket, and a list have a line without a name.
    """
    if any(unicodedata.category(each) in _ACTING and each not in _JOINERS for each in text):
        raise ValueError("Use plain characters on one line.")
    if text and not can_be_seen(text):
        raise ValueError("Use characters that can be seen.")
    return text


def can_be_seen(text: str) -> bool:
    """Return whether anything of it is drawn by itself: a mark needs a letter before it, a joiner one each side."""
    return any(unicodedata.category(each)[0] not in "MZ" and each not in _JOINERS + _BLANKS for each in text)


OneLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(_plain_characters)]
"""A name or a note on one line: no control character, so that it can stand in a mail's subject."""


class PageQuery(Query):
    """How much of a list to give, and from where."""

    cursor: str | None = Field(default=None, max_length=2048, description="`next` of the page before.")
    limit: int = Field(default=50, ge=1, le=200, description="At most so many items.")


class Page(View, Generic[T]):
    """A part of a list. `next` is null on the last page."""

    items: list[T]
    next: str | None = None
