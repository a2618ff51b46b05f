"""What is wrong with a field is said in our own words, whatever a shape demands."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from portal_api.contact_models import ContactChange, NewContact
from portal_api.endpoint_models import NewEndpoint
from portal_api.field_words import UNKNOWN
from portal_api.problem import from_validation
from portal_api.routes import Surface
from portal_api.settings_models import SettingsChange
from tests.fakes.portal_devices import ALL_ROUTES

NOT_OUR_WORDS = ("Input should", "String should", "Value should", "List should", "Extra inputs", "Field required")
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 10**9, 1.5, float("inf"), "", "x", "x" * 5000, "\x00", "2026-01-01", "25:00", [], {}, [None],
    ["x"] * 300, [{}], {"x": 1}, [[]], "true", "1e400", "2026-01-01T00:00:00", "9999-12-31T23:59:59+01:00",
)  # fmt: skip
SHAPES = sorted(
    {shape for each in ALL_ROUTES if each.surface is Surface.API for shape in (each.body, each.query) if shape},
    key=lambda shape: shape.__name__,
)


def faults_of(shape: type[BaseModel], value: object) -> Iterator[str]:
    """Yield what is said of each field of a shape in which each field in turn holds this value."""
    for name in (each.alias or field for field, each in shape.model_fields.items()):
        for given in ({name: value}, {name: value, "surplus": 1}):
            try:
                shape.model_validate(given)
            except ValidationError as error:
                yield from (each.message for each in from_validation(error).errors)
    try:
        shape.model_validate_strings({name: str(value)})
    except ValidationError as error:
        yield from (each.message for each in from_validation(error).errors)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_nothing_is_refused_in_the_words_of_the_validator(shape: type[BaseModel]) -> None:
    said = {message for value in ODD for message in faults_of(shape, value)}
    assert not {each for each in said if each == UNKNOWN or each.startswith(NOT_OUR_WORDS)}
    assert all(each.endswith((".", "!", "?")) for each in said), said
    assert said, "a shape with which nothing is wrong proves nothing"


def test_what_has_no_words_of_ours_yet_is_not_said_in_others() -> None:
    class Odd(BaseModel):
        at: Callable[[], None]

    with pytest.raises(ValidationError) as refused:
        Odd.model_validate({"at": 1})
    assert [each.message for each in from_validation(refused.value).errors] == [UNKNOWN]


def test_limits_are_said_as_people_and_json_write_them() -> None:
    def said_of(shape: type[BaseModel], **given: Any) -> str:
        with pytest.raises(ValidationError) as refused:
            shape.model_validate(given)
        return from_validation(refused.value).errors[0].message

    assert said_of(NewContact, name="", email="x@example.org") == "Please fill this in."
    assert said_of(NewEndpoint, kind="webhook", label="x" * 61) == "At most 60 characters are taken."
    assert said_of(NewContact, name="x", email="x@example.org", roles=[]) == "At least one is needed."
    assert said_of(ContactChange, paused=True) == "Write false."
    assert said_of(SettingsChange, heartbeat_s=0) == "It must be 1 or more."
