"""Names for records: fresh ones nobody can guess, and derived ones that make a second run harmless."""

import hashlib
import re
import secrets

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [one + other for one in _LETTERS for other in _LETTERS]
_PLACES = range(120, -1, -10)  # of ten bits each among 130
_TOKEN = re.compile(r"""(?<=\?token=|ticket=)[^\s"'<>&]+|(?<=/)[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])""")


def new_id(prefix: str) -> str:
    """Return `prefix_` and 26 characters of 130 random bits: unguessable and unique without asking anybody."""
    return f"{prefix}_{_text(secrets.token_bytes(17))}"


def derived_id(prefix: str, *parts: str | int) -> str:
    """Return the same id for the same `parts`, so that whoever does a step twice finds it already done.

    Never derive from a personal value: anybody could compute it again.
    """
    joined = "\x1f".join(map(str, parts))
    return f"{prefix}_{_text(hashlib.sha256(joined.encode()).digest())}"


def new_token() -> str:
    """Return 256 random bits as 43 characters that are safe in an address."""
    return secrets.token_urlsafe(32)


def without_tokens(text: str) -> str:
    """Return a text in which no link leads anywhere that only its token opens."""
    return _TOKEN.sub("(taken out)", text)


def token_hash(token: str) -> str:
    """Return what is stored of a random token: SHA-256 is enough, since 256 random bits cannot be tried out.

    What a stranger sends instead of one may hold bytes that are no text; it gets a hash as well, which fits nothing.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_code() -> str:
    """Return a decimal code of six digits for a person to type."""
    return f"{secrets.randbelow(10**6):06d}"


def _text(raw: bytes) -> str:
    """Return the first 130 bits as 26 letters of base32 (RFC 4648), small ones.

    A dozen ids are derived for an alarm, and the library's own function takes several times as long.
    """
    number = int.from_bytes(raw[:17]) >> 6
    return "".join([_PAIRS[number >> place & 1023] for place in _PLACES])
