"""JSON as the protocol takes it: stricter than readers are, and what is wrong is said with the field it is in."""

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

DEPTH_LIMIT = 32
TOO_DEEP = f"nested deeper than {DEPTH_LIMIT} levels"

# A text, with the colon that makes it a key; or what opens, closes or parts. A text that has no end goes to the end, so
# that each byte is looked at once, whatever a device sends.
_MARKS = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"\s*(:)?)?|[\[{\]},]', re.DOTALL)
_PLACE = re.compile(r" at line (\d+) column (\d+)$")
_SPACE = re.compile(r"[ \t\n\r]*")
_read = json.JSONDecoder(parse_int=str).raw_decode  # of what is read here only its end counts: no number is too long


class StrictnessError(ValueError):
    """Lawful for a lenient reader, not for us. `field`: where; `twice`: since that key came twice."""

    def __init__(self, message: str, field: str | None = None, *, twice: bool = False) -> None:
        super().__init__(message)
        self.field = field
        self.twice = twice


def strict_json(payload: bytes) -> Any:
    """Return the value; refuse what JSON readers let through: a key twice, NaN, 1e999, more than 32 levels."""
    field, depth = _outermost(payload, len(payload))
    if depth > DEPTH_LIMIT:
        raise StrictnessError(TOO_DEEP, field)
    return json.loads(payload, object_pairs_hook=_object, parse_constant=_NoNumber, parse_float=_finite)


def entries(payload: bytes) -> Iterator[bytes]:
    """Yield the text of each entry of an array.

    Raises:
        ValueError: it is no UTF-8, or no array in JSON; or an entry is nested so deep that its end is not found.
    """
    text = payload.decode()
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        raise json.JSONDecodeError("Expecting '['", text, at)
    at = _after_space(text, at + 1)
    if text[at : at + 1] == "]":
        return _nothing_after(text, at + 1)
    number = 0
    while True:
        try:
            _, end = _read(text, at)
        except RecursionError:
            raise StrictnessError(TOO_DEEP, str(number)) from None
        yield text[at:end].encode()
        number += 1
        at = _after_space(text, end)
        if text[at : at + 1] == "]":
            return _nothing_after(text, at + 1)
        if text[at : at + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _after_space(text, at + 1)


def field_at(words: str, payload: bytes) -> str | None:
    """Return the field in which a text stops being JSON, by the place with which a reader's words end."""
    if (place := _PLACE.search(words)) is None:
        return None
    line, column = map(int, place.groups())
    lines = payload.split(b"\n", line)
    return _outermost(payload, sum(len(each) + 1 for each in lines[: line - 1]) + column)[0]


def shown(key: str) -> str:
    """Return a key as it may be stored and shown, whatever a device puts into it."""
    return ascii(key)[1:-1][:40]


def _outermost(payload: bytes, end: int) -> tuple[str | None, int]:
    """Return the key of the outermost object whose value `end` is in, and how deep; or where it gets too deep."""
    field, level = None, 0
    for mark in _MARKS.finditer(payload, 0, end):
        sign = mark[0][:1]
        if sign in b"[{":
            level += 1
            if level > DEPTH_LIMIT:
                break
        elif sign in b"]}":
            level -= 1
        elif level == 1:  # a comma ends the field, a key begins one
            field = shown(mark[1].decode(errors="replace")) if mark[2] else None if sign == b"," else field
    return (field if level > 0 else None), level


class _NoNumber(str):
    """What stands where a number should, such as NaN: refused as soon as the field is known that it is in."""

    __slots__ = ()


def _finite(text: str) -> float | _NoNumber:
    return number if isfinite(number := float(text)) else _NoNumber(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise StrictnessError(f"the key {shown(key)!r} comes twice", shown(key), twice=True)
        if isinstance(value, _NoNumber | list) and (wrong := _no_number_in(value)) is not None:
            what = "is not JSON" if wrong[-1].isalpha() else "is beyond what a number can hold"
            raise StrictnessError(f"{wrong[:20]} {what}", shown(key))
        found[key] = value
    return found


def _no_number_in(value: Any) -> str | None:
    if isinstance(value, list):
        return next((wrong for each in value if (wrong := _no_number_in(each)) is not None), None)
    return str(value) if isinstance(value, _NoNumber) else None


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _nothing_after(text: str, at: int) -> None:
    if (end := _after_space(text, at)) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
