"""Ending everything at once, from a link in a mail: for whoever reads there of something that they did not do."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from isocket.domain.accounts import Account, PasswordReset
from isocket.domain.endpoints import Endpoint
from isocket.domain.factors import Passkey, RecoveryCode, TotpFactor
from isocket.domain.shares import Share
from isocket.domain.transfers import Transfer
from isocket.kit.clock import from_ms
from isocket.kit.logs import get_logger
from isocket.storage.orders import call_off
from isocket.storage.port import above, is_
from portal_api import sessions
from portal_api.factors import factors_of
from portal_api.forgetting import forget, forget_offer
from portal_api.portal import Portal
from portal_api.tickets import Ticket

log = get_logger(__name__)
_FRESH = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Whom a mail told of something that they may not have done, and when."""

    account: Account
    at: datetime


async def told_in(portal: Portal, ticket: str) -> Warned | None:
    """Return whom a link was sent to, None if it is over: by time, or because everything was ended since."""
    said = portal.tickets.read(Ticket.NOT_ME, ticket, now=portal.clock.now())
    account = await portal.records.get(Account, said[0]) if said else None
    if account is None or said is None or account.locked_epoch > int(said[1]):
        return None
    return Warned(account=account, at=from_ms(int(said[2])))


async def lock(portal: Portal, account: Account, *, since: datetime) -> None:
    """Sign everybody out, end every token, and lock the password: the holder chooses another by mail.

    A second factor or recovery code goes as well that was added from a day before `since` on, when the holder was told
    of what they did not do: a stranger may have added it, to come back by it or to keep the holder out. An older one
    stays, so that a mailbox alone opens nothing. So do shares of sockets, offers to hand one over that nobody has
    taken, and browsers and programs that are told of alarms and may take them: of each what is as new goes. An account
    that was closed meanwhile is open again, for its holder is there. The credential epoch is moved after all that: with
    it the link is over, and whoever dies before gets here again. Nobody can ask for anything more then: what a stranger
    added while this ran goes by a second round, and what was asked of sockets that are away ends as well.
    """
    await _remove_fresh(portal, account, since - _FRESH)
    await _move_epoch(portal, account)
    await sessions.end_all(portal, account.id)
    await sessions.end_programs(portal, account)
    await _remove_fresh(portal, account, since - _FRESH)
    await call_off(portal.records, account.id, portal.clock.now())
    log.warning("everything_ended", account_id=account.id)


async def _remove_fresh(portal: Portal, account: Account, fresh: datetime) -> None:
    """Remove what a stranger may have added to come back by it, or to be told of alarms."""
    mine = is_("account_id", account.id)
    await portal.records.remove_all(TotpFactor, mine, above("created_at", fresh))
    await portal.records.remove_all(Passkey, mine, above("created_at", fresh))
    await portal.records.remove_all(RecoveryCode, mine, above("created_at", fresh))
    await portal.records.remove_all(Endpoint, mine, above("created_at", fresh))
    await _take_back(portal, account, fresh)
    if not await factors_of(portal.records, account.id):
        await portal.records.remove_all(RecoveryCode, mine)
    await portal.records.remove_all(PasswordReset, mine)


async def _take_back(portal: Portal, account: Account, fresh: datetime) -> None:
    """End what was given to others from the account's sockets: a stranger may have given it to themself."""
    records, theirs = portal.records, (is_("owner_id", account.id), above("created_at", fresh))
    for share in await records.find(Share, *theirs):
        await forget(portal, share)
    for offer in await records.find(Transfer, *theirs, is_("accepted_at", None)):
        await forget_offer(portal, offer)


async def _move_epoch(portal: Portal, account: Account) -> None:
    """Lock the password, also where somebody chooses another at this moment."""
    found: Account | None = account
    while found is not None:
        epoch = found.credential_epoch + 1
        locked = await portal.records.change_one(
            Account,
            is_("id", found.id),
            is_("credential_epoch", found.credential_epoch),
            password_hash="",
            credential_epoch=epoch,
            locked_epoch=epoch,
            ended_at=None,
        )
        if locked is not None:
            return
        found = await portal.records.get(Account, account.id)
