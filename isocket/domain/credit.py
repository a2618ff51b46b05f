"""What a prepaid card says of its credit, read as an amount; what cannot be read is unknown, never fine."""

import re
from enum import StrEnum

_AMOUNT = re.compile(r"[-+]?\d+(?:[.,' \u00a0\u202f]\d+)*")
_GROUP = 3  # digits between two marks for thousands


class CreditState(StrEnum):
    """How the credit stands against its limit."""

    FINE = "fine"
    LOW = "low"
    UNKNOWN = "unknown"  # never told, not readable, or without a limit to hold it against


def amount_of(text: str | None) -> float | None:
    """Return the amount in a text such as `12.40 EUR`, `kr 1 234,50` or `Saldo: -3,20 €`.

    None where there is none, or where it could be read in two ways: several numbers, or `1.234`, which is one amount
    here and a thousand times that there.
    """
    found = _AMOUNT.findall(text or "")
    if len(found) != 1:
        return None
    sign = -1 if found[0].startswith("-") else 1
    plain = _without_groups(found[0].lstrip("+-"))
    return None if plain is None else sign * float(plain)


def credit_state(text: str | None, low: float | None) -> CreditState:
    """Return how a told credit stands against its limit."""
    amount = amount_of(text)
    if amount is None or low is None:
        return CreditState.UNKNOWN
    return CreditState.LOW if amount < low else CreditState.FINE


def _without_groups(digits: str) -> str | None:
    """Return a number with at most one decimal point; None where its marks make no sense or two."""
    marks = re.sub(r"\d", "", digits)
    if not marks:
        return digits
    decimal = marks[-1] if marks[-1] in ".," and marks.count(marks[-1]) == 1 else ""
    whole, _, fraction = digits.rpartition(decimal) if decimal else (digits, "", "")
    groups = re.split(r"\D", whole)
    if len(set(re.sub(r"\d", "", whole))) > 1 or any(len(each) != _GROUP for each in groups[1:]):
        return None
    if decimal and len(marks) == 1 and len(fraction) == _GROUP:
        return None
    return f"{''.join(groups)}.{fraction}" if decimal else "".join(groups)
