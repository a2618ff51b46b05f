"""Reads JSON without mercy: what two readers could understand differently is refused.

The standard reader takes the last of two equal keys, NaN, infinity by way of 1e999, half surrogate pairs, and
dies of deep nesting; each has been a way past somebody's checks.
"""

import json
import math
import re
from typing import Any

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 19  # what fits into 64 bits; a longer whole number is nothing we could mean

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


class StrictJsonError(ValueError):
    """The bytes are not JSON as we read it. `field` names the key where one is to blame."""

    def __init__(self, message: str, field: str = "(body)") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the one JSON object in `raw` (UTF-8, at most `MAX_BYTES` bytes and `MAX_DEPTH` levels).

    Raises:
        StrictJsonError: it is something else; says what and, where it can, in which field.
    """
    if len(raw) > MAX_BYTES:
        raise StrictJsonError(f"The body is longer than {MAX_BYTES} bytes.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise StrictJsonError("The body is not UTF-8.") from None
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"The body is not JSON: line {error.lineno}, column {error.colno}.") from None
    if not isinstance(value, dict):
        raise StrictJsonError("The body must be a JSON object.")
    _check_values(value, "")
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for mark in _STRING.sub("", text):
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise StrictJsonError(f"The body is nested deeper than {MAX_DEPTH} levels.")
        elif mark in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise StrictJsonError("The key appears twice.", field=_printable(key))
        made[key] = value
    return made


def _constant(word: str) -> float:
    raise StrictJsonError(f"{word} is not a JSON number.")


def _int(digits: str) -> int | float:
    """Return a whole number; one that is too long as infinity, as the reader does of fractions: its field is told."""
    return math.inf if len(digits.lstrip("-")) > MAX_DIGITS else int(digits)


def _check_values(value: object, path: str) -> None:
    """Refuse numbers that are too large, and half surrogate pairs, which JSON can spell and UTF-8 cannot."""
    if isinstance(value, float) and math.isinf(value):
        raise StrictJsonError("The number is too large.", field=path or "(body)")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise StrictJsonError("The text holds half a surrogate pair.", field=path or "(body)") from None
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_values(key, path)
            _check_values(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check_values(item, f"{path}.{number}" if path else str(number))


def _printable(key: str) -> str:
    return key.encode("ascii", "backslashreplace").decode()[:80]
