"""The people to be told: entering them, changing them, letting them go."""

import asyncio
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.pauses import STOPPED_BY_PHONE, UNSUBSCRIBED
from isocket.kit.ids import new_id
from isocket.kit.logs import get_logger
from isocket.storage.looked_at_again import ladders_looked_at_after, left_looked_at_after
from isocket.storage.port import AlreadyThereError, is_
from portal_api.codes import address_of, call_off_codes, come_back, forget_code, has_stopped, send_code
from portal_api.contact_models import ContactChange, ContactView, NewContact, view
from portal_api.cursor import page_of
from portal_api.models import Page, PageQuery
from portal_api.outgoing import look_again_at_what_sleeps
from portal_api.owned import own_contact
from portal_api.phones import is_served, takes_texts
from portal_api.portal import Portal
from portal_api.problem import FieldFault, Problem, fault, faults
from portal_api.recipient_acts import note_gone, remove_what_hangs_on
from portal_api.routes import AnyRoute, Call, Reply, Route

log = get_logger(__name__)
MOST_CONTACTS = 200  # of one account
ADDRESS_FIELDS: Mapping[str, ChannelKind] = MappingProxyType({"phone": ChannelKind.SMS, "email": ChannelKind.EMAIL})
VERIFIED_FIELDS: Mapping[ChannelKind, str] = MappingProxyType(
    {
        ChannelKind.SMS: "phone_verified_at",
        ChannelKind.VOICE: "voice_verified_at",
        ChannelKind.EMAIL: "email_verified_at",
    }
)
PROVED_BY: Mapping[str, tuple[ChannelKind, ...]] = MappingProxyType(
    {"phone": (ChannelKind.SMS, ChannelKind.VOICE), "email": (ChannelKind.EMAIL,)}
)
NOT_SERVED = "No messages are sent to numbers of this country."
RESUMED: Mapping[str, None] = MappingProxyType({"paused_at": None, "pause_reason": None})


async def show_all(call: Call[None, PageQuery]) -> Page[ContactView]:
    """List my contacts, the oldest first."""
    found, following = await page_of(
        call.records,
        Contact,
        is_("account_id", call.account.id),
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="created_at",
    )
    return Page[ContactView](items=[view(each) for each in found], next=following)


async def show(call: Call[None, None]) -> ContactView:
    """Show a contact."""
    return view(await own_contact(call))


async def enter(call: Call[NewContact, None]) -> ContactView | Problem:
    """Enter somebody to be told. A code goes to each of their addresses, to be typed in at `…/verify`.

    A landline is called only when its code is asked for, so that somebody is there to hear it.
    """
    async with _one_at_a_time(call):
        contact = await _stored(call)
    if isinstance(contact, Problem):
        return contact
    log.info("contact_entered", contact_id=contact.id)
    await _send_codes(call, contact, [each for each in ADDRESS_FIELDS if getattr(contact, each)])
    return view(contact)


async def change(call: Call[ContactChange, None]) -> ContactView | Problem:
    """Change a contact. A new phone or e-mail is not verified until its code was typed in; one is sent at once."""
    while True:
        async with _one_at_a_time(call):
            contact = await own_contact(call)
            call.demand_match(contact.version)
            changes = _changes(call.body)
            renewed = [each for each in ADDRESS_FIELDS if each in changes and changes[each] != getattr(contact, each)]
            given = {each: changes[each] for each in renewed if changes[each]}
            refused = _refused(call.portal, contact, changes, renewed) or await _taken(call, given, besides=contact.id)
            if refused is not None:
                return refused
            unproved = {*renewed, *_said_stop(contact, changes)}
            for each in sorted(unproved):
                changes |= {VERIFIED_FIELDS[channel]: None for channel in PROVED_BY[each]}
            if not changes:
                return view(contact)
            changed = await _written(call, contact, changes, given)
        if changed is None:
            continue  # somebody else changed it: look at it as it is now
        if isinstance(changed, Problem):
            return changed
        await _follow_up(call, contact, changed, changes, unproved)
        await _send_codes(call, changed, [each for each in renewed if getattr(changed, each)])
        return view(changed)


async def _written(
    call: Call[Any, Any], contact: Contact, changes: Mapping[str, Any], given: Mapping[str, str]
) -> Contact | Problem | None:
    """Return a contact as it is changed, with addresses that are `given` it; None: it is not as we saw it any more."""
    as_seen = is_("id", contact.id), is_("version", contact.version)
    written = {**changes, "sole": True} if given else changes
    try:
        async with ladders_looked_at_after(call.records, contact.account_id, call.clock):
            return await call.records.change_one(Contact, *as_seen, **written)
    except AlreadyThereError:  # at another portal, a moment ago
        return await _taken(call, _addresses(contact) | dict(given), besides=contact.id)


async def _follow_up(
    call: Call[Any, Any], before: Contact, changed: Contact, changes: Mapping[str, Any], unproved: Collection[str]
) -> None:
    if "paused_at" in changes and before.pause_reason == UNSUBSCRIBED:
        await come_back(call.portal, before, ChannelKind.EMAIL)  # whose mailbox it is, is signed in
    for channel in (channel for each in unproved for channel in PROVED_BY[each]):
        await forget_code(call.records, before.id, channel)
        await call_off_codes(call.portal, before.id, channel)
    if {"quiet_hours", "time_zone"} & changes.keys():
        await look_again_at_what_sleeps(call.records, changed.id, call.clock.now())


async def let_go(call: Call[None, None]) -> Reply | Problem:
    """Remove a contact: nothing more is sent to them, and what was theirs cannot be read any more.

    Ladders that name them pass over them. What was sent stays in the incidents, without their number and their words.
    A backup from before that is restored does not bring them back.
    """
    contact = await own_contact(call)
    call.demand_match(contact.version)
    if contact.is_owner:
        return _own_address("The account's own address stays; it goes with the account.")
    await remove_what_hangs_on(call.records, contact.id, is_("account_id", call.account.id))
    for channel in VERIFIED_FIELDS:
        await call_off_codes(call.portal, contact.id, channel)
    await call.portal.keyring.destroy(contact.id)  # before the contact goes: whoever asks again gets here again
    await note_gone(call.records, contact.id, call.clock.now(), note=call.portal.note_erasure, by="owner")
    async with left_looked_at_after(call.records, contact.account_id, call.clock):
        await call.records.remove_all(Contact, is_("id", contact.id))
    log.info("contact_removed", contact_id=contact.id)
    return Reply()


async def _stored(call: Call[NewContact, None]) -> Contact | Problem:
    if await call.records.count(Contact, is_("account_id", call.account.id)) >= MOST_CONTACTS:
        return Problem(status=409, kind="too-many-contacts", detail=f"An account has up to {MOST_CONTACTS} contacts.")
    wish = call.body
    if wish.phone and not is_served(wish.phone, call.portal.settings.countries):
        return fault("phone", NOT_SERVED)
    contact = Contact(
        id=new_id("con"),
        account_id=call.account.id,
        name=wish.name,
        phone=wish.phone,
        email=wish.email,
        language=wish.language or call.account.language,
        time_zone=wish.time_zone or call.account.time_zone,
        quiet_hours=wish.quiet_hours.model_dump() if wish.quiet_hours else None,
        roles=tuple(wish.roles),
        created_at=call.clock.now(),
        sole=True,
    )
    while (taken := await _taken(call, _addresses(contact))) is None:
        try:
            await call.records.add(contact)
        except AlreadyThereError:
            continue  # entered at another portal a moment ago: look who it is
        return contact
    return taken


def _addresses(contact: Contact) -> dict[str, str]:
    return {name: address for name in ADDRESS_FIELDS if (address := getattr(contact, name))}


def _one_at_a_time(call: Call[Any, Any]) -> asyncio.Lock:
    """Return what has the contacts of an account looked at and changed by one request of this portal after the other.

    So no more are entered than an account may have. That nobody is there twice, the store sees to for all portals.
    """
    return call.portal.turns.of(f"contacts {call.account.id}")


async def _taken(call: Call[Any, Any], given: Mapping[str, str], besides: str = "") -> Problem | None:
    """Refuse an address that another contact of the account has: one person would be told of everything twice."""
    found: list[FieldFault] = []
    for name, address in given.items():
        same = await call.records.find(Contact, is_(name, address), is_("account_id", call.account.id))
        other = next((each for each in same if each.id != besides), None)
        if other is not None:
            whose = "Your own contact has" if other.is_owner else f"Your contact {other.name} has"
            message = f"{whose} this address already, and would be told twice: change that one, or give another."
            found.append(FieldFault(field=name, message=message))
    return faults(found) if found else None


def _changes(body: ContactChange) -> dict[str, Any]:
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if body.quiet_hours is not None:
        changes["quiet_hours"] = body.quiet_hours.model_dump()
    if "roles" in changes:
        changes["roles"] = tuple(body.roles)
    if "paused" in changes:
        del changes["paused"]
        changes |= RESUMED
    return changes


def _said_stop(contact: Contact, changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the addresses that said stop themselves, where the pause is lifted by somebody signed in.

    The account's own contact may carry another person's telephone.
    """
    resumed = "paused_at" in changes and contact.paused_at is not None
    return ("phone",) if resumed and contact.pause_reason in STOPPED_BY_PHONE else ()


def _refused(portal: Portal, contact: Contact, changes: Mapping[str, Any], renewed: list[str]) -> Problem | None:
    if "paused_at" in changes and contact.paused_at is not None and not contact.is_owner:
        detail = "This person asked us to send nothing more. Only they can undo that."
        return Problem(status=409, kind="paused", detail=detail)
    if renewed and contact.paused_at is not None:
        detail = "This person asked us to send nothing more: until they come back, their addresses stay as they are."
        faults = tuple(FieldFault(field=each, message=detail) for each in renewed)
        return Problem(status=409, kind="paused", detail=detail, errors=faults)
    if contact.is_owner and "email" in renewed:
        return _own_address("The account's own address is changed with the account, not here.")
    if all(changes.get(each, getattr(contact, each)) is None for each in ADDRESS_FIELDS):
        return fault(renewed[0] if renewed else "phone", "A phone or an email is needed.")
    if "phone" in renewed and changes["phone"] and not is_served(changes["phone"], portal.settings.countries):
        return fault("phone", NOT_SERVED)
    return None


async def _send_codes(call: Call[Any, Any], contact: Contact, names: list[str]) -> None:
    """Send a code to each of these addresses; where that is too soon, the owner asks again later.

    Nothing goes by itself to whoever asked us to stop; asking for a code says so.
    """
    if contact.paused_at is not None:
        return
    for name in names:
        channel = ADDRESS_FIELDS[name]
        address = address_of(contact, channel)
        landline = channel is ChannelKind.SMS and address is not None and not takes_texts(address)
        possible = address and not landline and channel in call.portal.settings.channels
        if possible and not await has_stopped(call.portal, contact, channel):
            await send_code(call.portal, contact, channel, client=call.client)


def _own_address(detail: str) -> Problem:
    return Problem(status=409, kind="own-address", detail=detail)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/contacts",
        handler=show_all,
        summary="List my contacts",
        query=PageQuery,
        answers={200: Page[ContactView]},
    ),
    Route(
        method="POST",
        path="/contacts",
        handler=enter,
        summary="Enter a contact",
        body=NewContact,
        answers={201: ContactView},
        problems=(409,),
    ),
    Route(
        method="GET",
        path="/contacts/{contact_id}",
        handler=show,
        summary="Show a contact",
        answers={200: ContactView},
    ),
    Route(
        method="PATCH",
        path="/contacts/{contact_id}",
        handler=change,
        summary="Change a contact",
        body=ContactChange,
        answers={200: ContactView},
        problems=(409,),
        conditional=True,
    ),
    Route(
        method="DELETE",
        path="/contacts/{contact_id}",
        handler=let_go,
        summary="Remove a contact",
        answers={204: None},
        problems=(409,),
        conditional=True,
    ),
)
