"""Short codes: what a person replies to acknowledge an incident.

Two incidents that begin in the same moment may get the same one; the answer to a reply names both (`replies.py`).
"""

import hashlib
from collections.abc import Iterator

from isocket.domain.incidents import Incident, IncidentState
from isocket.storage.port import Records, Test, is_
from isocket.storage.still_open import HOLDS_ITS_KEY

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # without I and O, which look like 1 and 0
DIGITS = "23456789"
STILL_OPEN = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


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


def first_code(incident_id: str) -> str:
    """Return the code that an incident has where no other open one of its account has it."""
    return next(short_codes(incident_id))


def same_code(incident: Incident) -> list[Test]:
    """Return the tests for the open incidents of an account that have an incident's code."""
    return _holders(incident.short_code, incident.account_id)


async def free_code(records: Records, account_id: str, incident_id: str) -> str:
    """Return a code that no other open incident of the account has; empty where all are taken."""
    for code in short_codes(incident_id):
        taken = await records.find(Incident, *_holders(code, account_id), limit=1)
        if not taken or taken[0].id == incident_id:
            return code
    return ""


def _holders(code: str, account_id: str) -> list[Test]:
    return [is_("short_code", code), is_("account_id", account_id), HOLDS_ITS_KEY]
