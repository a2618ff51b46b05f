"""Device secrets and claim codes: made once at the factory, kept only as hashes."""

import base64
import hashlib
import hmac
import re
import secrets

SECRET_BYTES = 32
_SALT_BYTES = 12  # Mosquitto 2.0 refuses every other length
_CLAIM_BYTES = 10  # 80 bits, 16 letters
_CLAIM_GROUP = 4
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O, U: see D. Crockford, "Base 32"
_TO_CROCKFORD = str.maketrans(_BASE32, _CROCKFORD)
_READ_AS = str.maketrans("OIL", "011", "- ")
_HASH_SHAPE = re.compile(r"\$6\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==")


def new_secret() -> str:
    """Return a new device secret: 256 random bits as 43 characters of base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()


def hash_secret(secret: str) -> str:
    """Return `$6$salt$digest`, the salted SHA-512 that Mosquitto 2.x reads from its password file.

    One round, because a secret has 256 random bits: nobody guesses it, and ten thousand devices that come
    back at once must not wait for a slow hash. Never use it for a password that a person chose.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.sha512(secret.encode() + salt).digest()
    return f"$6${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def is_secret_hash(text: str) -> bool:
    """Return whether `text` has the form that `hash_secret` writes."""
    return _HASH_SHAPE.fullmatch(text) is not None


def new_claim_code() -> str:
    """Return a new claim code: 80 random bits as four groups of four letters, to be typed from a label."""
    letters = base64.b32encode(secrets.token_bytes(_CLAIM_BYTES)).decode().translate(_TO_CROCKFORD)
    return "-".join(letters[at : at + _CLAIM_GROUP] for at in range(0, len(letters), _CLAIM_GROUP))


def normalise_claim_code(typed: str) -> str:
    """Return the code without hyphens and spaces, in capitals, and with the letters that are read for others."""
    return typed.strip().upper().translate(_READ_AS)


def claim_hash(code: str) -> str:
    """Return what is stored of a claim code: SHA-256 of its normal form, enough for 80 random bits."""
    return hashlib.sha256(normalise_claim_code(code).encode()).hexdigest()


def claim_fits(code: str, hashed: str) -> bool:
    """Return whether `hashed` was made from `code`, in constant time."""
    return hmac.compare_digest(claim_hash(code), hashed)
