"""Mailboxes that left the newsletter: known again by a keyed hash, and by nothing else."""

import hashlib
import hmac

from isocket.domain.stops import stopped_address
from isocket.storage.keyring import Keyring


async def suppression_id(keyring: Keyring, email: str) -> str:
    """Return the id under which a mailbox that left is kept."""
    key = await keyring.index_key("newsletter")
    return f"sup_{hmac.new(key, stopped_address(email).encode(), hashlib.sha256).hexdigest()[:40]}"
