"""Mailboxes that left the newsletter: known again by a keyed hash, and by nothing else."""

import hashlib
import hmac
from datetime import datetime
from typing import Any

from isocket.domain.consents import Consent, Subscription, Suppression
from isocket.domain.stops import stopped_address
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, is_


async def suppress(records: Records, keyring: Keyring, left: Subscription, given: Consent | None, at: datetime) -> None:
    """Remember that a mailbox left, and what it had agreed to; once more only changes when."""
    suppressed = await suppression_id(keyring, left.email)
    agreed: dict[str, Any] = {"agreed_at": given.at, "wording_hash": given.wording_hash} if given else {}
    if not await records.add_all([Suppression(id=suppressed, left_at=at, **agreed)]):
        await records.change_one(Suppression, is_("id", suppressed), left_at=at, **agreed)


async def suppression_id(keyring: Keyring, email: str) -> str:
    """Return the id under which a mailbox that left is kept."""
    key = await keyring.index_key("newsletter")
    return f"sup_{hmac.new(key, stopped_address(email).encode(), hashlib.sha256).hexdigest()[:40]}"
