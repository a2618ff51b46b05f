"""Short codes: what a person replies to acknowledge an incident.

Judges of one process give two incidents that begin in the same moment different ones (`CodesInHand`). Those of several
processes may give the same, and so may a test alarm that begins just then: a reply's answer names both (`replies.py`).
"""

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Self

from isocket.domain.incidents import CODE_DIGITS, CODE_LETTERS, Incident
from isocket.storage.port import Records, Test, is_
from isocket.storage.still_open import HOLDS_ITS_KEY

HOW_MANY = len(CODE_LETTERS) * len(CODE_LETTERS) * len(CODE_DIGITS)
MOST_TRIES = 100  # codes that are asked for: each takes some 0.1 ms, and all alarms wait meanwhile


class CodesInHand:
    """The codes of incidents on their way to the store, where nobody who asks for one finds them yet."""

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], str] = {}

    def hand_of(self, incident: Incident) -> "Hand":
        """Return what holds codes for an incident until it is stored."""
        return Hand(self._holders, incident)


class Hand:
    """Holds codes for one incident, in a `with` block: another one of its account does not get them meanwhile."""

    def __init__(self, holders: dict[tuple[str, str], str], incident: Incident) -> None:
        self._holders = holders
        self._incident_id, self._account_id = incident.id, incident.account_id
        self._held: list[tuple[str, str]] = []

    def takes(self, code: str) -> bool:
        """Take a code, and return whether it could be had. Ask the store only then: who let it go has stored it."""
        key = (self._account_id, code)
        if self._holders.setdefault(key, self._incident_id) != self._incident_id:
            return False
        self._held.append(key)
        return True

    def __enter__(self) -> Self:
        """Begin with empty hands."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of all that it holds."""
        for key in self._held:
            if self._holders.get(key) == self._incident_id:
                del self._holders[key]
        self._held.clear()


def short_codes(incident_id: str) -> Iterator[str]:
    """Yield every code once, in an order that follows from the id; the first that is free is taken.

    Two letters and a digit: never a word that pauses messages (STOP, END, QUIT …), never a run of six digits.
    The stride follows from the id too: where many are taken, neighbours would all meet the same ones.
    """
    hashed = hashlib.sha256(incident_id.encode()).digest()
    start, stride = int.from_bytes(hashed[:8]), 6 * int.from_bytes(hashed[8:16]) + 1  # nothing divides it and HOW_MANY
    for step in range(HOW_MANY):
        rest, digit = divmod((start + step * stride) % HOW_MANY, len(CODE_DIGITS))
        first, second = divmod(rest, len(CODE_LETTERS))
        yield CODE_LETTERS[first] + CODE_LETTERS[second] + CODE_DIGITS[digit]


def first_code(incident_id: str) -> str:
    """Return the code that an incident has where no other open one of its account has it."""
    return next(short_codes(incident_id))


def same_code(incident: Incident) -> list[Test]:
    """Return the tests for the open incidents of an account that have an incident's code."""
    return _holders(incident.short_code, incident.account_id)


async def free_code(records: Records, account_id: str, incident_id: str, hand: Hand | None = None) -> str:
    """Return a code that no other open incident of the account has; empty where nearly all are taken.

    With `hand`, it is one that nobody else holds either, and that this hand holds from now on.
    """
    for code in islice(short_codes(incident_id), MOST_TRIES):
        if hand is not None and not hand.takes(code):
            continue
        taken = await records.find(Incident, *_holders(code, account_id), limit=1)
        if not taken or taken[0].id == incident_id:
            return code
    return ""


def _holders(code: str, account_id: str) -> list[Test]:
    return [is_("short_code", code), is_("account_id", account_id), HOLDS_ITS_KEY]
