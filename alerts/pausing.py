"""Contacts who ask us to stop, and those who come back."""

from alerts.notices import notice_that_a_contact_came_back, notice_that_a_contact_stopped
from alerts.readers import reader_of
from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.pauses import OPTED_OUT, STOP_PAGE, STOPPED_BY_PHONE, UNSUBSCRIBED
from isocket.domain.restrictions import OBJECTED
from isocket.domain.stops import Stop, stopped_address
from isocket.kit.clock import Clock
from isocket.kit.ids import new_id
from isocket.kit.logs import get_logger
from isocket.storage.looked_at_again import ladders_looked_at_after, left_looked_at_after
from isocket.storage.port import Records, is_, is_not

log = get_logger(__name__)

_UNDONE_BY_PHONE = STOPPED_BY_PHONE | {STOP_PAGE, OBJECTED}


async def pause(records: Records, contact_id: str, *, reason: str, clock: Clock, public_url: str) -> None:
    """Send this contact nothing any more and tell the owner; nothing more is said if that is so already.

    What they have taken is open again at its next look, which is at once: the others are told. So is what somebody took
    who was paused before, and says stop once more.
    It is remembered of the number or mailbox that said so, whoever enters it again and wherever.
    A telephone's own stop outweighs a mailbox's: a code by mail undoes the one, and never the other.
    """
    contact = await records.get(Contact, contact_id)
    if contact is None:
        return
    address = contact.phone if reason in STOPPED_BY_PHONE else contact.email
    if address:
        await remember_stop(records, address, clock=clock)
    if contact.paused_at is not None:
        await _pause_again(records, contact, reason, clock)
        return
    account = await records.get(Account, contact.account_id)
    if account is not None:
        notice = notice_that_a_contact_stopped(account, contact, public_url=public_url, now=clock.now())
        await records.add_all([notice])
    async with left_looked_at_after(records, contact.account_id, clock):
        await records.change_one(
            Contact, is_("id", contact_id), is_("paused_at", None), paused_at=clock.now(), pause_reason=reason
        )
    log.info("contact_paused", contact_id=contact_id, reason=reason)


async def _pause_again(records: Records, contact: Contact, reason: str, clock: Clock) -> None:
    paused = is_("id", contact.id), is_not("paused_at", None)
    if reason in STOPPED_BY_PHONE:
        await records.change_one(Contact, *paused, is_("pause_reason", UNSUBSCRIBED), pause_reason=reason)
    if reason == OPTED_OUT:  # of a text that was on its way: nobody says anything anew
        return
    async with left_looked_at_after(records, contact.account_id, clock):
        await records.change_one(Contact, *paused, paused_at=clock.now())


async def pause_whom_the_provider_refuses(
    records: Records, message: Delivery, *, clock: Clock, public_url: str
) -> None:
    """Pause who told the provider to refuse us; whoever has another number by now did not."""
    if message.address:
        await remember_stop(records, message.address, clock=clock)
    reader = await reader_of(records, message)
    if reader is not None:
        await pause(records, reader.id, reason=OPTED_OUT, clock=clock, public_url=public_url)


async def remember_stop(records: Records, address: str, *, clock: Clock) -> None:
    """Note that this number or mailbox wants nothing from us: no code goes there any more."""
    stopped = stopped_address(address)
    if not await records.count(Stop, is_("address", stopped)):
        await records.add(Stop(id=new_id("stp"), address=stopped, stopped_at=clock.now()))


async def forget_stop(records: Records, address: str) -> None:
    """Undo `remember_stop`: its reader came back."""
    await records.remove_all(Stop, is_("address", stopped_address(address)))


async def resume(records: Records, contact: Contact, phone: str, *, clock: Clock, public_url: str) -> bool:
    """Undo somebody's own stop at the word of their telephone, and tell the owner; return whether they are back.

    It holds for the number alone: whoever reads the mailbox in the same entry, and said no there, undoes that there. So
    what the mailbox alone said stays, and so does a pause for any other reason.
    """
    if contact.paused_at is None:
        return True
    others = {stopped_address(each) for each in (contact.email, contact.phone) if each} - {stopped_address(phone)}
    said_elsewhere = [await records.count(Stop, is_("address", each)) for each in sorted(others)]
    if contact.pause_reason not in _UNDONE_BY_PHONE or any(said_elsewhere):
        return False
    account = await records.get(Account, contact.account_id)
    if account is not None:
        notice = notice_that_a_contact_came_back(account, contact, public_url=public_url, now=clock.now())
        await records.add_all([notice])
    stopped = is_("id", contact.id), is_("pause_reason", contact.pause_reason)
    async with ladders_looked_at_after(records, contact.account_id, clock):
        resumed = await records.change_one(Contact, *stopped, paused_at=None, pause_reason=None)
    if resumed is not None:
        log.info("contact_resumed", contact_id=contact.id)
    return resumed is not None
