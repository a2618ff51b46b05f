"""An app that shows codes, after RFC 6238 and nothing of ours."""

import base64
import hmac
import struct
from datetime import datetime


def code_of(secret: str, now: datetime, *, steps: int = 0) -> str:
    """Return what the app shows at `now`, or so many half minutes later."""
    counter = struct.pack(">Q", int(now.timestamp()) // 30 + steps)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    at = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"
