"""Ending what was given to somebody by their address alone: with the record goes the key that it was sealed under."""

from typing import Protocol

from isocket.domain.shares import Share
from isocket.domain.transfers import Transfer
from isocket.kit.clock import Clock
from isocket.storage.keyring import Keyring
from isocket.storage.orders import call_off
from isocket.storage.port import Records, is_
from portal_api.outgoing import call_off_mails_to


class Parts(Protocol):
    """What forgetting needs: of a portal, or of whoever erases a customer or a recipient."""

    @property
    def records(self) -> Records:
        """The stored records."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock."""
        ...

    @property
    def keyring(self) -> Keyring:
        """The keys."""
        ...


async def forget(parts: Parts, given: Share | Transfer) -> bool:
    """Remove a share, or an offer that is done with; return whether it was there.

    The key goes before the record: whoever dies in between finds the record, and gets here again. What a guest asked of
    the socket and it has not done goes as well; once more afterwards, for they may have asked in between.
    """
    await call_off_mails_to(parts.records, given.id, parts.clock.now())
    await _call_off_orders(parts, given)
    await parts.keyring.destroy(given.id)
    removed = bool(await parts.records.remove_all(type(given), is_("id", given.id)))
    await _call_off_orders(parts, given)
    return removed


async def _call_off_orders(parts: Parts, given: Share | Transfer) -> None:
    if isinstance(given, Share) and given.account_id is not None:
        await call_off(parts.records, given.account_id, parts.clock.now(), is_("device_id", given.device_id))


async def forget_offer(parts: Parts, offer: Transfer) -> bool:
    """Remove an offer that nobody has taken; return whether it was there. One that is being taken stays.

    First it is closed, so that nobody takes it any more while its key goes; what a crash leaves is swept at its end.
    """
    now = parts.clock.now()
    closed = await parts.records.change_one(
        Transfer, is_("id", offer.id), is_("accepted_at", None), token_hash="", expires_at=now
    )
    return closed is not None and await forget(parts, closed)
