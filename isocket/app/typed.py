"""What was typed: numbers in digits, and words for people where the library would speak of its own affairs."""

import re
import sys
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

FILE: Mapping[str, Any] = {"exists": True, "dir_okay": False, "readable": True}
"""What is asked of the path of a file that a command only reads, before it begins."""


class Commands(TyperGroup):
    """The commands below one word, and below the words in it."""

    def __init__(self, **given: Any) -> None:
        """Take what the library makes of the commands."""
        super().__init__(**given)
        unwrapped(self)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take words apart that are text; no other could be stored, sent or looked for."""
        if not all(is_text(each) for each in args):
            raise typer.BadParameter("one of the words is no text in UTF-8")  # it may be somebody's: it is not shown
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the one that was typed."""
        with in_words_for_people():
            return super().invoke(ctx)


def unwrapped(command: Any) -> Any:
    """Return the command with the lines of its help joined, and of those below it: each terminal has its own width."""
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    for each in getattr(command, "commands", {}).values():
        unwrapped(each)
    return command


def is_text(word: str) -> bool:
    """Return whether a word came as UTF-8; the bytes of another are kept in it as half surrogate pairs."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def line_of(word: str, option: str) -> str:
    """Return what an option says: itself, or where it is `-` the first line of standard input.

    Raises:
        BadParameter: that line is no text, or there is no standard input.
    """
    if word != "-":
        return word
    if sys.stdin is None:  # as where a shell closed it, by `<&-`
        raise typer.BadParameter("standard input is closed", param_hint=option)
    try:
        line = typer.get_text_stream("stdin").readline()
        line.encode()  # some terminals keep bytes of another kind in it
    except UnicodeError:
        raise typer.BadParameter("the line is no text in UTF-8", param_hint=option) from None
    return line.rstrip("\n")


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
