"""Why a message was refused, in words for who owns the socket and who makes it; the same alone and in a batch.

The validator says it in its own. Who adds a field with another constraint to `wire.py` adds its words here: a test
looks for them.
"""

from collections.abc import Callable, Mapping
from json import JSONDecodeError
from types import MappingProxyType
from typing import Any

from pydantic_core import ErrorDetails

UNKNOWN = "not a value that can be used"

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "missing": "missing",
        "int_type": "not a whole number",
        "int_parsing_size": "not a whole number that can be held",
        "float_type": "not a number",
        "finite_number": "not a number",
        "bool_type": "neither true nor false",
        "string_type": "not a text",
        "string_unicode": "not a text",
        "string_pattern_mismatch": "a text with a character that cannot stand in it",
        "list_type": "not a list",
        "dict_type": "not an object",
    }
)
_MEASURED: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "greater_than_equal": lambda limits: f"less than {limits['ge']:.16g}",
        "less_than_equal": lambda limits: f"more than {limits['le']:.16g}",
        "string_too_short": lambda _: "empty",  # no text of ours has to be longer than that
        "string_too_long": lambda limits: f"longer than {limits['max_length']} characters",
        "too_long": lambda limits: f"more than {limits['max_length']} entries",
        "literal_error": lambda limits: f"none of {limits['expected']}",
        "json_invalid": lambda limits: f"not JSON: {limits['error']}",
    }
)


def refusal_words(error: ErrorDetails) -> str:
    """Return what is wrong, without the value."""
    kind = error["type"]
    if kind in _WORDS:
        return _WORDS[kind]
    return _MEASURED[kind](error["ctx"]) if kind in _MEASURED else UNKNOWN


def unreadable_words(error: Exception) -> str:
    """Return why a batch could not be read at all."""
    if isinstance(error, UnicodeDecodeError):
        return "not JSON: it is no UTF-8"
    if isinstance(error, JSONDecodeError):
        return f"not JSON: {error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno} column {error.colno}"
    return str(error)
