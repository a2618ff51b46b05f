"""Signed statements of ours that travel through a browser or a mail and come back: nothing of them is stored."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from isocket.kit.clock import to_ms

MAX_LENGTH = 1024


class Ticket(StrEnum):
    """What a ticket is good for. One is never taken for another."""

    SECOND_FACTOR = "second_factor"  # the password was right, the second factor is still to come
    NOT_ME = "not_me"  # from a mail: end everything
    PASSKEY_NEW = "passkey_new"
    PASSKEY_SIGN_IN = "passkey_sign_in"
    PASSKEY_STEP_UP = "passkey_step_up"


class Tickets:
    """Issues and reads tickets. Without a key given they are good in this process only."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = hmac.new(key or secrets.token_bytes(32), b"tickets", hashlib.sha256).digest()

    def issue(self, kind: Ticket, *what: str | int, now: datetime, lasts_s: float) -> str:
        """Return a ticket that says `what` until `lasts_s` seconds from now."""
        until = to_ms(now + timedelta(seconds=lasts_s))
        said = json.dumps([kind, until, *map(str, what)], separators=(",", ":")).encode()
        return f"{_text(said)}.{_text(self._sign(said))}"

    def read(self, kind: Ticket, ticket: str, *, now: datetime) -> tuple[str, ...] | None:
        """Return what `ticket` says, or None if it is not ours, is for something else, or is over."""
        said, _, signature = ticket.partition(".")
        try:
            raw, given = _bytes(said), _bytes(signature)
        except (ValueError, binascii.Error):
            return None
        if len(ticket) > MAX_LENGTH or not hmac.compare_digest(self._sign(raw), given):
            return None
        made_for, until, *what = json.loads(raw)
        return tuple(what) if made_for == kind and to_ms(now) < until else None

    def _sign(self, said: bytes) -> bytes:
        return hmac.new(self._key, said, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
