"""Which values of somebody are searched for in every file, since only theirs can be found."""

from collections.abc import Iterable

from isocket.domain.handling import Category, Handling
from isocket.domain.record import Record, personal_fields

LEAST_WORD = 6  # what is shorter is found in any file by chance
LEAST_PHRASE = 12
_FOUND_BY_ITSELF = frozenset({Category.MAIL_ADDRESS, Category.PHONE_NUMBER, Category.MACHINE_ADDRESS})


def searchable(found: Iterable[Record]) -> set[str]:
    """Return the values that can only be this person's, so that finding one in a file means that it was left behind.

    Addresses and numbers are. A name or a word for a socket is where it has two words or more: "Helsinki" alone stands
    in everybody's time zone.
    """
    values: set[str] = set()
    for each in found:
        for name, how in personal_fields(type(each)).items():
            value = getattr(each, name)
            if how.sealed and isinstance(value, str) and _can_be_searched(how, value):
                values.add(value)
    return values


def _can_be_searched(how: Handling, value: str) -> bool:
    if how.category in _FOUND_BY_ITSELF:
        return len(value) >= LEAST_WORD
    return how.category in {Category.NAME, Category.WORDS} and " " in value and len(value) >= LEAST_PHRASE
