"""Words on one line, with nothing in them that acts without being seen."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import pytest
from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError

import portal_api.app  # noqa: F401  with it every shape is there
from portal_api.field_words import field_words
from portal_api.models import Body, GivenDay, GivenInstant, OneLine, Query

LINE: TypeAdapter[str] = TypeAdapter(OneLine)


@pytest.mark.parametrize(
    "text",
    ["Summer house", "Mökki 2, näkymä", "نمی‌خواهم", "क्‍ष", "👩‍👧 home", ""],
)
def test_the_words_of_people_stay_as_they_are(text: str) -> None:
    assert LINE.validate_python(text) == text


@pytest.mark.parametrize(
    "mark",
    [*"\x00\n\x1b\x7f\x85\u00ad\u200b\u200e\u202e\u2028\u2066\ufeff\U000e0041\ud800"],
    ids=lambda mark: f"U+{ord(mark):04X}",
)
def test_what_acts_without_being_seen_is_refused(mark: str) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(f"Summer{mark}house")


@pytest.mark.parametrize(
    "text",
    ["\u200d", "\u200c\u200d", "\u3164", "\u2800 \u115f", "\uffa0", "\ufe0f", "\u034f\u034f", "\u17b4", "\u0301"],
    ids=lambda text: " ".join(f"U+{ord(each):04X}" for each in text),
)
def test_a_text_of_which_nothing_can_be_seen_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="can be seen"):
        LINE.validate_python(text)


WHEN: TypeAdapter[datetime] = TypeAdapter(GivenInstant)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        "9999-12-31T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "2200-01-01T00:00:00Z",
    ],
)
def test_a_time_that_nothing_can_be_counted_from_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        WHEN.validate_python(text)


@pytest.mark.parametrize("text", ["1970-01-01T00:00:00Z", "2026-11-22T12:00:00+02:00", "2199-12-31T23:59:59.999Z"])
def test_a_time_of_these_centuries_is_taken(text: str) -> None:
    assert WHEN.validate_python(text) == datetime.fromisoformat(text)


class Moments(Body):
    at: GivenInstant | None = None


@pytest.mark.parametrize("other", ["0", "1700000000", "1795332960123", "17.5", "true", '"0"', '"1795332960123"', '""'])
def test_a_number_is_no_time_and_the_field_is_named(other: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Moments.model_validate_json(f'{{"at": {other}}}')
    (error,) = refused.value.errors()
    assert (error["loc"], field_words(error)) == (("at",), "A time such as `2026-11-22T12:00:00Z` is needed.")


def test_a_day_without_its_time_is_asked_for_the_zone() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Moments.model_validate_json('{"at": "2026-11-22"}')


def _shapes(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in kind.__subclasses__():
        yield each
        yield from _shapes(each)


def test_every_time_that_a_caller_gives_is_written_but_where_a_series_is_asked_for() -> None:
    taken = {
        f"{shape.__name__}.{name}"
        for base in (Body, Query)
        for shape in _shapes(base)
        if shape.__module__.startswith("portal_api.")
        for name, field in shape.model_fields.items()
        if _takes_a_number(field.rebuild_annotation())
    }
    assert taken == {"HistoryQuery.start", "HistoryQuery.end"}


def _takes_a_number(annotation: Any) -> bool:
    """Return whether a field for times takes one; whatever else takes the number is no time."""
    with suppress(ValidationError, PydanticUserError):
        return isinstance(TypeAdapter(annotation).validate_strings("1795332960123"), date)
    return False


class Given(Body):
    day: GivenDay


@pytest.mark.parametrize("other", ["0", "1700000000", "true", '"0"', '"1700000000"', '"2026-11-22T00:00:00Z"'])
def test_neither_a_number_nor_a_time_is_a_day(other: str) -> None:
    with pytest.raises(ValidationError):
        Given.model_validate_json(f'{{"day": {other}}}')


def test_a_day_is_taken_as_it_is_written() -> None:
    assert Given.model_validate_json('{"day": "2026-11-22"}').day == date(2026, 11, 22)
