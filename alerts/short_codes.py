"""Short codes: what a person replies to acknowledge an incident."""

import hashlib
from collections.abc import Iterator

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # without I and O, which look like 1 and 0
DIGITS = "23456789"


def short_codes(incident_id: str) -> Iterator[str]:
    """Yield every code once, from one that follows from the id; the first that is free is taken.

    Two letters and a digit: never a word that pauses messages (STOP, END, QUIT …), never a run of six digits.
    """
    every = len(LETTERS) * len(LETTERS) * len(DIGITS)
    start = int.from_bytes(hashlib.sha256(incident_id.encode()).digest()[:8])
    for step in range(every):
        rest, digit = divmod((start + step) % every, len(DIGITS))
        first, second = divmod(rest, len(LETTERS))
        yield LETTERS[first] + LETTERS[second] + DIGITS[digit]
