"""Ending everything at once, from a link in a mail: for whoever reads there of something that they did not do."""

from datetime import timedelta

from isocket.domain.accounts import Account, PasswordReset
from isocket.domain.factors import Passkey, RecoveryCode, TotpFactor
from isocket.kit.logs import get_logger
from isocket.storage.port import above, is_
from portal_api import sessions
from portal_api.factors import factors_of
from portal_api.portal import Portal
from portal_api.tickets import Ticket

log = get_logger(__name__)
_FRESH = timedelta(hours=24)


async def account_in(portal: Portal, ticket: str) -> Account | None:
    """Return whose mail a link was in, None if it is over: by time, or because everything was ended since."""
    said = portal.tickets.read(Ticket.NOT_ME, ticket, now=portal.clock.now())
    account = await portal.records.get(Account, said[0]) if said else None
    return account if account is not None and said and str(account.credential_epoch) == said[1] else None


async def lock(portal: Portal, account: Account) -> None:
    """Sign everybody out, end every token, and lock the password: the holder chooses another by mail.

    A second factor that was added within a day goes as well, for a stranger may have added it to keep the holder out;
    an older one stays, so that a mailbox alone opens nothing. The credential epoch is moved last: with it the link
    is over.
    """
    mine, fresh = is_("account_id", account.id), portal.clock.now() - _FRESH
    await portal.records.remove_all(TotpFactor, mine, above("created_at", fresh))
    await portal.records.remove_all(Passkey, mine, above("created_at", fresh))
    if not await factors_of(portal.records, account.id):
        await portal.records.remove_all(RecoveryCode, mine)
    await portal.records.remove_all(PasswordReset, mine)
    await portal.records.change_one(
        Account,
        is_("id", account.id),
        is_("credential_epoch", account.credential_epoch),
        password_hash="",
        credential_epoch=account.credential_epoch + 1,
    )
    await sessions.end_all(portal, account.id)
    log.warning("everything_ended", account_id=account.id)
