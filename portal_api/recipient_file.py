"""Everything that is held about an alarm recipient, put together for them: entries, messages, uses, rights."""

from collections.abc import Collection, Iterator, Sequence

from aiohttp import web

from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.disclosures import DisclosedTo, Disclosure, may_be_told
from isocket.domain.inventory import Subject
from isocket.domain.processing import DECISIONS, RIGHTS, Activity, activities
from isocket.storage.in_turns import SOME, in_turns
from isocket.storage.port import Records, one_of
from portal_api.masking import last_digits, masked
from portal_api.portal import Portal
from portal_api.privacy_requests import authority_view
from portal_api.recipient_models import (
    AboutMe,
    EntryView,
    HandedView,
    MessageView,
    UseView,
)
from portal_api.recipient_visits import (
    Guest,
)
from portal_api.subscribing import without_account

MOST_MESSAGES = 500
GONE_OWNER = "a customer whose account is gone"


async def about(portal: Portal, guest: Guest) -> AboutMe:
    """Return everything that is held about a guest."""
    controller = portal.settings.controller
    owners = await _owners(portal.records, guest.entries)
    return AboutMe(
        controller=controller.name,
        contact=controller.contact,
        source="The customer who wants you to be told of alarms entered your name and addresses.",
        entries=await in_turns(lambda each: _entry(each, guest, owners.get(each.account_id)), guest.entries),
        said=sorted({each.said.value for each in guest.stops}),
        newsletter=bool(await without_account(portal, guest.address)),
        messages=await _messages(portal, guest),
        handed=await _handed(portal, guest),
        uses=[_use(each) for each in activities(controller, subject=Subject.RECIPIENT)],
        rights=list(RIGHTS),
        authority=authority_view(portal, ""),
        automated_decisions=DECISIONS,
    )


def as_file(told: AboutMe) -> web.Response:
    """Return it as a file to keep or to take elsewhere (Art. 20)."""
    return web.Response(
        body=told.model_dump_json(indent=2).encode(),
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="isocket-about-me.json"'},
    )


async def _owners(records: Records, entries: Sequence[Contact]) -> dict[str, Account]:
    """Return by their ids the customers who made entries."""
    ids = sorted({each.account_id for each in entries})
    return {each.id: each for some in _some(ids) for each in await records.find(Account, one_of("id", some))}


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield ids, some at a time: asked for one by one, those of thousands would keep everybody else waiting."""
    return (ids[begin : begin + SOME] for begin in range(0, len(ids), SOME))


def _entry(entry: Contact, guest: Guest, owner: Account | None) -> EntryView:
    by_mail = guest.visit.channel is ChannelKind.EMAIL
    phone_is_theirs = not by_mail or entry.phone_verified_at or entry.voice_verified_at
    email_is_theirs = by_mail or entry.email_verified_at
    return EntryView(
        id=entry.id,
        entered_by=_name_of(owner),
        entered_at=entry.created_at,
        name=entry.name,
        phone=entry.phone if phone_is_theirs else last_digits(entry.phone),
        email=entry.email if email_is_theirs else masked(entry.email),
        language=entry.language,
        time_zone=entry.time_zone,
        quiet_hours=entry.quiet_hours,
        told_of=list(entry.roles),
        verified=[each.value for each in entry.verified_channels()],
        paused=entry.paused_at is not None,
        paused_because=entry.pause_reason,
    )


async def _messages(portal: Portal, guest: Guest) -> list[MessageView]:
    """Return what was sent. Whoever reads a mailbox need not be who has the number in the same entry.

    So no code is shown: somebody could else have a number entered beside a mailbox of their own, and prove it.
    """
    found: list[Delivery] = []
    for some in _some([entry.id for entry in guest.entries]):
        found += await portal.records.find(
            Delivery, one_of("contact_id", some), order_by="created_at", descending=True, limit=MOST_MESSAGES
        )
    found.sort(key=lambda each: each.created_at, reverse=True)
    proved = {(entry.id, channel) for entry in guest.entries for channel in entry.verified_channels()}
    return [
        MessageView(
            at=each.created_at,
            channel=each.channel.value,
            kind=each.kind.value,
            state=each.state.value,
            text=each.text if _may_read(each, guest, proved) else "",
        )
        for each in found[:MOST_MESSAGES]
    ]


async def _handed(portal: Portal, guest: Guest) -> list[HandedView]:
    """Return what authorities were handed about them, unless a law forbids to tell yet."""
    now = portal.clock.now()
    lines = [
        line
        for some in _some([entry.id for entry in guest.entries])
        for line in await portal.records.find(Disclosure, one_of("subject_id", some), order_by="at")
        if line.to is DisclosedTo.AUTHORITY and may_be_told(line, now)
    ]
    return [HandedView(at=each.at, what=list(each.what), reason=each.reason) for each in lines]


def _may_read(message: Delivery, guest: Guest, proved: Collection[tuple[str, ChannelKind]]) -> bool:
    if message.kind is DeliveryKind.CODE:
        return False
    return message.address == guest.address or (message.contact_id or "", message.channel) in proved


def _use(activity: Activity) -> UseView:
    return UseView(
        what_for=activity.what_for,
        basis=activity.basis,
        categories=list(activity.categories),
        kept=list(activity.kept),
        recipients=[each.told for each in activity.recipients],
    )


def _name_of(owner: Account | None) -> str:
    """Return who entered somebody, as they call themselves; else as much of their mailbox as tells them from others."""
    if owner is None:
        return GONE_OWNER
    return owner.name or masked(owner.email) or ""
