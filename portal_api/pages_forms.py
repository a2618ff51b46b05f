"""Forms as browsers send them: every field may be empty, and what is wrong is said on the page they came from."""

from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from portal_api.models import Body
from portal_api.problem import Problem, from_validation
from portal_api.routes import Call

B = TypeVar("B")
Q = TypeVar("Q")
M = TypeVar("M", bound=BaseModel)
TYPED = Field(default="", max_length=2000)
"""A field as typed: the model of the API decides what is good, `checked` says what is not."""
WRITTEN = Field(default="", max_length=20_000)
"""The same of a text of many lines: longer than any model allows, so that what is too long is said beside its field."""

_MOST_DIGITS = 9  # no number in a form has more


class Form(Body):
    """What a browser sends with a form. Give each field the default `TYPED`."""


class Nothing(Form):
    """A form that is only a button."""


class TokenForm(Form):
    """A button under the link of a mail, with its token."""

    token: str = TYPED


def checked(model: type[M], **values: object) -> M | Problem:
    """Return the API's model made from typed values, else the problem that names each bad field."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        return from_validation(error)


def whole(text: str) -> int | str | None:
    """Return the whole number that was typed, None where nothing was; the text itself if it is no such number."""
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= _MOST_DIGITS else (plain or None)


def with_body(call: Call[Any, Any], body: B) -> Call[B, None]:
    """Return the same request for a handler of the API, with the body that it takes."""
    return asking(call, body, None)


def asking(call: Call[Any, Any], body: B, query: Q) -> Call[B, Q]:
    """Return the same request for a handler of the API, with the body and the query that it takes."""
    return Call(
        portal=call.portal,
        request=call.request,
        body=body,
        query=query,
        path=call.path,
        caller=call.caller,
        reason=call.reason,
        form=call.form,
    )
