"""What every setting has in common: how a number, a text and a list are written, and what is said where one is not."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

LISTS = frozenset({"prices", "sms_countries", "sms_provider_country", "mail_provider_country", "trusted_proxies"})
"""What may be several; a variable has commas between, a TOML file may have a list."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_LINES = "\t\n\r"  # an address may take several lines


def readable(name: str, field: FieldInfo, value: object) -> object:
    """Return `value`, the text of a list of several; what is no number where one is wanted, and no text, is refused.

    Raises:
        ValueError: it says what is wrong.
    """
    if isinstance(value, list):
        if name not in LISTS:
            raise ValueError("this is a list: write one value")
        value = ",".join(map(str, value))
    if _is_number(field):
        return _number(value)
    if isinstance(value, str):
        _check_text(value, field, may_be_empty=name in LISTS or value == field.default)
    return value


def said(fault: Mapping[str, Any], field: FieldInfo) -> str:
    """Return in a sentence what is wrong with the value of `field`, and what to write; `fault` is the library's."""
    if _is_number(field):
        kind = "whole number" if field.annotation is int else "number"
        return f"this is no {kind} {_bounds(field)}: write one in digits, such as {field.default}"
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    if get_origin(field.annotation) is Literal:
        *words, last = get_args(field.annotation)
        return f"this is no word for it: write {', '.join(words)} or {last}"
    return "this is no text: write it in quotes"


def _number(value: object) -> object:
    """Return a number, or the text of one as people write it: Python would read 1_1 as 11, and true as 1."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError("this is no number")


def _check_text(text: str, field: FieldInfo, *, may_be_empty: bool) -> None:
    if not text.strip() and not may_be_empty:
        raise ValueError("this is empty: leave it out, or give it a value")
    is_path = Path in {field.annotation, *get_args(field.annotation)}
    strange = {"Cc"} if is_path else {"Cc", "Cs"}  # a file may have a name that is no UTF-8
    if any(unicodedata.category(each) in strange and each not in _LINES for each in text):
        raise ValueError("there is a character in it that cannot be shown: take it out, and write it in UTF-8")


def _is_number(field: FieldInfo) -> bool:
    return field.annotation in {int, float}


def _bounds(field: FieldInfo) -> str:
    of = {
        name: each
        for part in field.metadata
        for name in ("ge", "gt", "le")
        if (each := getattr(part, name, None)) is not None
    }
    return f"from {of['ge']} to {of['le']}" if "ge" in of else f"above {of['gt']}, up to {of['le']}"
