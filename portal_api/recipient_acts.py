"""What alarm recipients do with what is held about them: stop, object, come back, be corrected, be erased.

It holds for every entry with their address, whoever made it. Each act may run twice: what is found by is removed last.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact, Substitution, Verification
from isocket.domain.deliveries import Attempt, Delivery, DeliveryState, Receipt
from isocket.domain.desk import DeskMessage
from isocket.domain.endpoints import Endpoint
from isocket.domain.erasures import Erasure, ErasureState, tombstone
from isocket.domain.letters import Letter
from isocket.domain.pauses import STOP_PAGE, STOPPED_BY_PHONE, UNSUBSCRIBED
from isocket.domain.people_letters import gap_left, gap_objected
from isocket.domain.restrictions import OBJECTED
from isocket.domain.stops import Stop, StopKind, stopped_address
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id, new_id
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring
from isocket.storage.looked_at_again import ladders_looked_at_after, left_looked_at_after
from isocket.storage.port import Records, Test, is_, is_not
from isocket.storage.provider_wishes import ask_providers
from portal_api.following import Following
from portal_api.outgoing import look_again_at_what_sleeps, notice_to
from portal_api.portal import NoteErasure, Portal
from portal_api.subscribing import forget_reader

log = get_logger(__name__)

_THEIR_OWN = frozenset({OBJECTED, UNSUBSCRIBED, STOP_PAGE, *STOPPED_BY_PHONE})


class Acting(Following, Protocol):
    """Who erases a recipient: a portal, or a command for somebody who asked by letter."""

    @property
    def note_erasure(self) -> NoteErasure:
        """What notes it in the ledger."""
        ...


def by_address(channel: ChannelKind, address: str) -> Test:
    """Return how entries with an address are found."""
    return is_("email" if channel is ChannelKind.EMAIL else "phone", address)


async def entries_of(records: Records, channel: ChannelKind, address: str) -> list[Contact]:
    """Return every entry of somebody by another person; the holder of an account sees their own when signed in."""
    return await records.find(Contact, by_address(channel, address), is_("is_owner", False))


async def stops_of(records: Records, address: str) -> list[Stop]:
    """Return what the reader of an address said about being written to."""
    return await records.find(Stop, is_("address", stopped_address(address)))


async def stop(portal: Portal, address: str, entries: Sequence[Contact]) -> None:
    """Send them nothing more; their owners are told."""
    await _remember(portal, address, StopKind.STOP)
    for entry in entries:
        await _tell_owner(portal, entry, "stopped", gap_objected)
        await _pause(portal, entry, STOP_PAGE)


async def object_to(portal: Portal, address: str, entries: Sequence[Contact]) -> None:
    """Send them nothing more, and ask them nothing more either, whoever enters them (Art. 21)."""
    for each in _theirs(address, entries):
        await _remember(portal, each, StopKind.OBJECTED)
    for entry in entries:
        await _tell_owner(portal, entry, "objected", gap_objected)
        await _pause(portal, entry, OBJECTED)


async def come_back(portal: Portal, address: str, entries: Sequence[Contact]) -> None:
    """Let the reader of an address be told again: they want it themself.

    It holds for that address alone: a customer may have entered a mailbox of their own beside somebody's telephone. An
    entry of which another address said no stays paused until its reader comes back by that as well.
    """
    for entry in entries:
        if entry.pause_reason in _THEIR_OWN and not await _said_no_elsewhere(portal, address, entry):
            paused = is_("id", entry.id), is_("pause_reason", entry.pause_reason)
            async with ladders_looked_at_after(portal.records, entry.account_id, portal.clock):
                await portal.records.change_one(Contact, *paused, paused_at=None, pause_reason=None)
            log.info("contact_resumed", contact_id=entry.id)
    for each in await stops_of(portal.records, address):
        await portal.records.remove_all(Delivery, is_("account_id", each.id))  # the ways to their page while it stood
        await portal.records.remove_all(Stop, is_("id", each.id))
        await portal.keyring.destroy(each.id)


async def _said_no_elsewhere(portal: Portal, address: str, entry: Contact) -> bool:
    """Return whether another address of an entry wants no messages."""
    if entry.pause_reason in STOPPED_BY_PHONE and "@" in address:
        return True
    others = {stopped_address(each) for each in (entry.email, entry.phone) if each} - {stopped_address(address)}
    return any([await stops_of(portal.records, each) for each in sorted(others)])


async def correct(portal: Portal, entries: Sequence[Contact], changes: dict[str, Any]) -> None:
    """Write their name, language or time zone as they say (Art. 16); nothing else of an entry is theirs to change."""
    for entry in entries:
        if any(getattr(entry, name) != value for name, value in changes.items()):
            await portal.records.change_one(Contact, is_("id", entry.id), **changes)
            if "time_zone" in changes:
                await look_again_at_what_sleeps(portal.records, entry.id, portal.clock.now())
            log.info("contact_corrected", contact_id=entry.id)


async def erase(portal: Acting, address: str, entries: Sequence[Contact]) -> None:
    """Remove them (Art. 17). Their owners are told of the gap; who enters them again reaches nobody.

    A newsletter that they get without an account goes with them.
    """
    for each in _theirs(address, entries):
        await _remember(portal, each, StopKind.ERASED)
        await forget_reader(portal, each)
    for entry in entries:
        await _tell_owner(portal, entry, "erased", gap_left)
        async with left_looked_at_after(portal.records, entry.account_id, portal.clock):
            await erase_entry(portal.records, portal.clock, entry.id, keyring=portal.keyring, note=portal.note_erasure)


async def erase_entry(records: Records, clock: Clock, contact_id: str, *, keyring: Keyring, note: NoteErasure) -> None:
    """Remove one entry and all that hangs on it; destroy the key that could read older copies, and note that it went.

    What is noted brings the same about again where a backup is restored (see `privacy.replaying`).
    """
    now = clock.now()
    await ask_providers(records, _receipt_id(contact_id), is_("person_id", contact_id), now=now)
    await records.change_all(
        Delivery,
        is_("person_id", contact_id),
        is_("state", DeliveryState.DUE),
        state=DeliveryState.CALLED_OFF,
        reason="removed",
        ended_at=now,
    )
    for kind in (Receipt, Attempt, DeskMessage, Delivery):  # what was sent about their own page, and became of it
        await records.remove_all(kind, is_("account_id", contact_id))
    await remove_what_hangs_on(records, contact_id)
    await keyring.destroy(contact_id)  # texts that were sent, and every backup, are unreadable from here on
    await note_gone(records, contact_id, now, note=note, by="recipient")
    await records.remove_all(Contact, is_("id", contact_id))
    log.info("contact_erased", contact_id=contact_id)


async def remove_what_hangs_on(records: Records, contact_id: str, *whose: Test) -> None:
    """Remove codes on their way to an entry, its browsers and programs, and who stands in for whom there.

    Where it is known whose entry it is, `whose` finds all that without looking at everybody's.
    """
    await records.remove_all(Verification, is_("contact_id", contact_id))
    await records.remove_all(Endpoint, is_("contact_id", contact_id))
    for role in ("contact_id", "stand_in_id"):
        await records.remove_all(Substitution, *whose, is_(role, contact_id))


async def note_gone(records: Records, contact_id: str, now: datetime, *, note: NoteErasure, by: str) -> None:
    """Note that an entry goes: in the ledger, so that no restored backup brings it back, and that this store knows."""
    receipt_id = _receipt_id(contact_id)
    await note(receipt_id, tombstone(contact_id), now)
    receipt = Erasure(
        id=receipt_id, account_id="", asked_at=now, due_at=now, by=by, state=ErasureState.DONE, done_at=now
    )
    await records.add_all([receipt])


def _receipt_id(contact_id: str) -> str:
    """Return the id of what is left: that somebody was erased, and when. It names nobody."""
    return derived_id("era", "recipient", contact_id)


def _theirs(address: str, entries: Sequence[Contact]) -> list[str]:
    """Return the address by which they came, and those that the same person has proved to be theirs as well."""
    found = [address]
    for entry in entries:
        if entry.email and entry.email_verified_at:
            found.append(entry.email)
        if entry.phone and (entry.phone_verified_at or entry.voice_verified_at):
            found.append(entry.phone)
    return list(dict.fromkeys(map(stopped_address, found)))


async def _remember(portal: Acting, address: str, said: StopKind) -> None:
    """Note what the reader of an address said; the weightiest holds."""
    there = await stops_of(portal.records, address)
    if not there:
        made = Stop(id=new_id("stp"), address=stopped_address(address), stopped_at=portal.clock.now(), said=said)
        await portal.records.add(made)
        return
    for each in there:
        if said.outweighs(each.said):
            await portal.records.change_one(Stop, is_("id", each.id), is_("said", each.said), said=said)


async def _pause(portal: Portal, entry: Contact, reason: str) -> None:
    """Pause an entry, as of now. An objection outweighs whatever paused it before: a code by mail must not undo it."""
    now = portal.clock.now()
    async with left_looked_at_after(portal.records, entry.account_id, portal.clock):
        paused = await portal.records.change_one(
            Contact, is_("id", entry.id), is_("paused_at", None), paused_at=now, pause_reason=reason
        )
        if paused is None:  # they may have taken an alarm since
            await portal.records.change_one(Contact, is_("id", entry.id), is_not("paused_at", None), paused_at=now)
    if paused is None and reason == OBJECTED:
        await portal.records.change_one(
            Contact,
            is_("id", entry.id),
            is_not("paused_at", None),
            is_not("pause_reason", OBJECTED),
            pause_reason=reason,
        )
    log.info("contact_paused", contact_id=entry.id, reason=reason)


async def _tell_owner(portal: Acting, entry: Contact, what: str, words: Callable[..., Letter]) -> None:
    """Tell whoever entered them, once; nothing is said of one who is paused already and only stops again."""
    if (what == "stopped" and entry.paused_at is not None) or (what, entry.pause_reason) == ("objected", OBJECTED):
        return
    account = await portal.records.get(Account, entry.account_id)
    if account is None:
        return
    letter = words(account.language, link=portal.settings.link("/contacts"))
    once = (entry.id, what, entry.version)
    await portal.records.add_all([notice_to(account, letter, portal.clock.now(), once=once)])
