"""The secret that an app with codes shares with us (RFC 6238): made here, shown once as text and as a picture."""

import base64
import secrets
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import segno

ISSUER = "iSocket"
STEP_S = 30
_MARGIN = 4  # light around it, without which cameras do not find it
_SECRET_BYTES = 20  # 160 bits (RFC 4226, section 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A square picture in black: its side, and its dark parts as the path of an SVG."""

    size: int
    path: str


def new_secret() -> str:
    """Return 160 random bits in base32, as apps take them when they are typed."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def decoded(secret: str) -> bytes:
    """Return the bits of `new_secret`."""
    return base64.b32decode(secret)


def address_of(secret: str, username: str) -> str:
    """Return the `otpauth:` address by which an app takes the secret."""
    asked = urlencode({"secret": secret, "issuer": ISSUER, "algorithm": "SHA1", "digits": 6, "period": STEP_S})
    return f"otpauth://totp/{quote(ISSUER)}:{quote(username)}?{asked}"


def picture_of(address: str) -> Picture:
    """Return the address as a QR code."""
    rows = list(segno.make(address, error="m").matrix_iter(border=_MARGIN))
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, bit in enumerate(row) if bit)
    return Picture(size=len(rows), path="".join(dark))
