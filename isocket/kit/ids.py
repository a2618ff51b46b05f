"""Names for records: fresh ones nobody can guess, and derived ones that make a second run harmless."""

import base64
import hashlib
import secrets


def new_id(prefix: str) -> str:
    """Return `prefix_` and 26 characters of 130 random bits: unguessable and unique without asking anybody."""
    return f"{prefix}_{_text(secrets.token_bytes(17))[:26]}"


def derived_id(prefix: str, *parts: str | int) -> str:
    """Return the same id for the same `parts`, so that whoever does a step twice finds it already done.

    Never derive from a personal value: anybody could compute it again.
    """
    joined = "\x1f".join(str(part) for part in parts)
    return f"{prefix}_{_text(hashlib.sha256(joined.encode()).digest()[:20])[:26]}"


def new_token() -> str:
    """Return 256 random bits as 43 characters that are safe in an address."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what is stored of a random token: SHA-256 is enough, since 256 random bits cannot be tried out.

    What a stranger sends instead of one may hold bytes that are no text; it gets a hash as well, which fits nothing.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_code(digits: int = 6) -> str:
    """Return a decimal code of `digits` digits for a person to type."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def _text(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
