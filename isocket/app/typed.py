"""What was typed: numbers in digits, and words for people where the library would speak of its own affairs."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

_DIGITS = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_WORDS: Mapping[str, str] = {
    "int_parsing": "write a whole number, in digits",
    "int_parsing_size": "write a smaller number",
    "int_from_float": "write a whole number, in digits",
    "float_parsing": "write a number, in digits",
    "greater_than_equal": "write {ge} or more",
    "less_than_equal": "write {le} or less",
}


class Commands(TyperGroup):
    """The commands below one word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the one that was typed."""
        with in_words_for_people():
            return super().invoke(ctx)


@contextmanager
def in_words_for_people() -> Iterator[None]:
    """Let what is wrong with a value be said without the library's own words."""
    try:
        yield
    except typer.BadParameter as error:
        if isinstance(error.__cause__, ValidationError):
            fault = error.__cause__.errors()[0]
            words = _WORDS.get(fault["type"], error.message.removeprefix("Value error, "))
            error.message = words.format_map(fault.get("ctx", {})) if fault["type"] in _WORDS else words
        raise


def whole(low: int, high: int) -> Any:
    """Return an option's whole number from `low` to `high`."""
    return _number(int, _DIGITS, f"write a whole number from {low} to {high}, in digits", low, high)


def decimal(low: float, high: float) -> Any:
    """Return an option's number from `low` to `high`."""
    return _number(float, _DECIMAL, f"write a number from {low} to {high}, in digits", low, high)


def _number(kind: Callable[[Any], Any], form: re.Pattern[str], wanted: str, low: float, high: float) -> Any:
    def read(value: Any) -> Any:
        text = str(value).strip()  # a default is a number already
        if not form.fullmatch(text) or not low <= float(text) <= high:
            raise ValueError(wanted)
        return kind(text)

    return {"parser": read, "metavar": f"{low}..{high}"}
