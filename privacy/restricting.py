"""Ends a restriction at our own word: announced first, and some days later in force by itself (Art. 18(3))."""

from datetime import datetime, timedelta

from isocket.domain.accounts import Account
from isocket.domain.deliveries import Delivery
from isocket.domain.restriction_letters import lifting_mail
from isocket.domain.restrictions import Restriction, restriction_id
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_

log = get_logger(__name__)


async def announce_end(records: Records, account_id: str, *, clock: Clock, days: int, page: str) -> datetime | None:
    """Tell the holder that the restriction ends in so many days, and let it; return when, None where there is none.

    One that was announced already ends when it was announced.
    """
    now = clock.now()
    account = await records.get(Account, account_id)
    held = await records.get(Restriction, restriction_id(account_id))
    if account is None or held is None or not held.is_in_force(now):
        return None
    if held.lifts_at is not None:
        return held.lifts_at
    ends = now + timedelta(days=days)
    letter = lifting_mail(account.language, ends, page)
    once = ("restriction ends", account_id, ends.isoformat())
    word = Delivery.of(letter, person_id=account_id, address=account.email, once=once, now=now, useful=ends - now)
    await records.add_all([word])
    moved = await records.change_one(
        Restriction, is_("id", held.id), is_("version", held.version), lifts_at=ends, lifted_by="operator"
    )
    log.info("restriction_ends", account_id=account_id)
    return ends if moved is not None else None
