"""The secret that an app with codes shares with us (RFC 6238): made here, shown once as text and as a picture."""

import base64
import secrets
from urllib.parse import quote, urlencode

import segno

ISSUER = "iSocket"
STEP_S = 30
_SECRET_BYTES = 20  # 160 bits (RFC 4226, section 4)


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


def picture_of(address: str) -> str:
    """Return the address as a QR code, an SVG that stands in a page by itself."""
    return str(segno.make(address, error="m").svg_inline(border=4, light="#fff", dark="#000", scale=4, omitsize=True))
