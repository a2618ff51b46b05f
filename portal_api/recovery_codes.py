"""Codes that stand in for a lost second factor: random enough that a plain hash of one cannot be searched."""

import secrets

CODES = 10
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # read aloud and typed without doubt: no I, L, O, U
_GROUPS, _GROUP = 6, 4  # 24 letters, 120 bits (OWASP ASVS 5.0, 6.5.2 asks for 112)


def new_recovery_code() -> str:
    """Return six groups of four letters."""
    letters = [secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP)]
    return "-".join("".join(letters[at : at + _GROUP]) for at in range(0, len(letters), _GROUP))
