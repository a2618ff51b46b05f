"""What is wrong with one field, in our own words: what to do, without the value, the same for programs and pages.

The validator says it in the words of a programmer; of each of its findings that our shapes can cause there is a
sentence here. Who adds a shape with another constraint adds its sentence: a test looks for it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import ErrorDetails

A_TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
UNKNOWN = "This is not a value that can be used here; the API's description says which can."

_NUMBER, _WHOLE = "A number is needed.", "A whole number is needed."
_TEXT, _MOMENT = "A text is needed.", "A time such as `2026-11-22T12:00:00Z` is needed."
_DATE = "A date such as `2026-11-22` is needed."
_TRUE_OR_FALSE = "Write true or false."
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "extra_forbidden": "There is no such field.",
        "missing": "This field is needed.",
        "string_type": _TEXT,
        "string_unicode": _TEXT,
        "int_type": _WHOLE,
        "int_parsing": _WHOLE,
        "int_parsing_size": _WHOLE,
        "int_from_float": _WHOLE,
        "float_type": _NUMBER,
        "float_parsing": _NUMBER,
        "finite_number": _NUMBER,
        "bool_type": _TRUE_OR_FALSE,
        "bool_parsing": _TRUE_OR_FALSE,
        "list_type": "A list is needed.",
        "tuple_type": "A list is needed.",
        "dict_type": "An object is needed.",
        "model_type": "An object is needed.",
        "model_attributes_type": "An object is needed.",
        "none_required": "Only null can be given here.",
        "datetime_type": _MOMENT,
        "datetime_parsing": _MOMENT,
        "datetime_from_date_parsing": _MOMENT,
        "datetime_object_invalid": _MOMENT,
        "date_type": _DATE,
        "date_parsing": _DATE,
        "date_from_datetime_parsing": _DATE,
        "date_from_datetime_inexact": _DATE,
        "timezone_aware": "Say the time zone as well: `Z` for UTC, or an offset such as `+02:00`.",
        "json_invalid": "The body is not JSON.",
    }
)
_FORMS: Mapping[str, str] = MappingProxyType({A_TIME_OF_DAY: "Write a time such as `22:00`."})


def field_words(error: ErrorDetails) -> str:
    """Return what is wrong with a field and what to do."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind in {"value_error", "assertion_error"}:
        return error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind in _WORDS:
        return _WORDS[kind]
    return _MEASURED[kind](limits) if kind in _MEASURED else UNKNOWN


def _least(limits: Mapping[str, Any]) -> str:
    least = limits["min_length"]
    return "Please fill this in." if least == 1 else f"At least {least} characters are needed."


def _fewest(limits: Mapping[str, Any]) -> str:
    if _is_text(limits):
        return _least(limits)
    return "At least one is needed." if limits["min_length"] == 1 else f"At least {limits['min_length']} are needed."


def _most(limits: Mapping[str, Any]) -> str:
    return f"At most {limits['max_length']} {'characters ' if _is_text(limits) else ''}are taken."


def _is_text(limits: Mapping[str, Any]) -> bool:
    """Return whether what was measured is a text: the validator knows only of lists, once a check has run before."""
    return limits.get("field_type") == "Value"


def _plain(limit: object) -> str:
    """Return a limit as people and JSON write it."""
    if isinstance(limit, float):
        return f"{limit:g}"
    return str(limit)


def _form(limits: Mapping[str, Any]) -> str:
    return _FORMS.get(limits["pattern"], "It holds characters that cannot stand here.")


def _one_of(limits: Mapping[str, Any]) -> str:
    expected = limits["expected"]
    return f"Write {expected.lower()}." if expected in {"True", "False"} else f"Write one of these: {expected}."


_MEASURED: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "string_too_short": _least,
        "string_too_long": lambda limits: f"At most {limits['max_length']} characters are taken.",
        "string_pattern_mismatch": _form,
        "too_short": _fewest,
        "too_long": _most,
        "greater_than_equal": lambda limits: f"It must be {_plain(limits['ge'])} or more.",
        "greater_than": lambda limits: f"It must be more than {_plain(limits['gt'])}.",
        "less_than_equal": lambda limits: f"It must be {_plain(limits['le'])} or less.",
        "less_than": lambda limits: f"It must be less than {_plain(limits['lt'])}.",
        "literal_error": _one_of,
        "enum": _one_of,
    }
)
