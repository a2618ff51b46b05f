"""The people to be told: entering them, changing them, letting them go."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from isocket.domain.contacts import ChannelKind, Contact, Substitution
from isocket.domain.endpoints import Endpoint
from isocket.kit.ids import new_id
from isocket.kit.logs import get_logger
from isocket.storage.port import is_
from portal_api.codes import address_of, call_off_codes, come_back, forget_code, has_stopped, send_code
from portal_api.cursor import page_of
from portal_api.models import Body, Instant, OneLine, Page, PageQuery, View
from portal_api.owned import own_contact
from portal_api.phones import Phone, is_served, takes_texts
from portal_api.portal import Portal
from portal_api.problem import FieldFault, Problem, fault
from portal_api.routes import AnyRoute, Call, Reply, Route
from portal_api.usernames import Language, TimeZone, Username

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
UNSUBSCRIBED = "unsubscribed"  # as the button in an alarm mail notes it
# As stored where the telephone itself said stop: by text, by a key in a call, or to its provider.
STOPPED_BY_PHONE = frozenset({"stop_reply", "stop_key", "opted_out"})

_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_EXAMPLE: dict[str, Any] = {
    "name": "Neighbour",
    "phone": "+447700900123",
    "email": "neighbour@example.org",
    "language": "en",
    "time_zone": "Europe/London",
    "quiet_hours": {"start": "22:00", "end": "07:00", "except_critical": True},
    "roles": ["alarm"],
}


def _each_once(roles: list[str]) -> list[str]:
    return sorted(set(roles))


Name = Annotated[OneLine, Field(min_length=1)]
Roles = Annotated[list[Literal["alarm", "service"]], Field(min_length=1, max_length=2), AfterValidator(_each_once)]


class QuietHours(Body):
    """From when to when this person would rather sleep, by their own time zone; over midnight if need be."""

    start: Annotated[str, Field(pattern=_TIME, examples=["22:00"])]
    end: Annotated[str, Field(pattern=_TIME, examples=["07:00"])]
    except_critical: bool = Field(default=True, description="Critical alarms come all the same.")


class NewContact(Body):
    """Somebody to be told. A telephone number, an e-mail address, or both."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE, {"name": "Me", "phone": "+447700900456"}]})

    name: Name
    phone: Phone | None = None
    email: Username | None = None
    language: Language | None = Field(default=None, description="The account's if absent.")
    time_zone: TimeZone | None = Field(default=None, description="The account's if absent.")
    quiet_hours: QuietHours | None = None
    roles: Roles = Field(default=["alarm"])

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.phone is None and self.email is None:
            raise ValueError("A phone or an email is needed.")
        return self


class ContactChange(Body):
    """What to change; what is absent stays. Null takes away phone, email or quiet hours.

    `paused: false` is for the account's own contact only, whose holder is signed in. Where its telephone said stop,
    that has to be proved again. While a contact is paused neither phone nor email can be changed.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "+447700900789"}, {"quiet_hours": None}]})

    name: Name = "-"
    phone: Phone | None = None
    email: Username | None = None
    language: Language = "en"
    time_zone: TimeZone = "UTC"
    quiet_hours: QuietHours | None = None
    roles: Roles = Field(default=["alarm"])
    paused: Literal[False] = Field(default=False, description="Take up our messages again.")


class ContactView(View):
    """Somebody to be told. They get alarms only by what is verified, and none while paused."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h",
                    **_EXAMPLE,
                    "phone_verified": True,
                    "voice_verified": True,
                    "phone_takes_texts": True,
                    "email_verified": False,
                    "paused": False,
                    "is_owner": False,
                    "created_at": "2026-11-22T12:00:00.000Z",
                }
            ]
        }
    )

    id: str
    name: str
    phone: str | None
    email: str | None
    language: str
    time_zone: str
    quiet_hours: dict[str, Any] | None
    roles: list[str]
    phone_verified: bool = Field(description="A text arrived: they get texts, and can be called.")
    voice_verified: bool = Field(description="They can be called.")
    phone_takes_texts: bool | None = Field(description="False for a landline: prove it by `voice`. Null: no phone.")
    email_verified: bool
    paused: bool = Field(
        description="They asked us to stop. Only they can undo it: with a code from a new mail, or START."
    )
    is_owner: bool = Field(description="The account's own address, verified from activation on.")
    created_at: Instant


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
    )
    await call.records.add(contact)
    log.info("contact_entered", contact_id=contact.id)
    await _send_codes(call, contact, [each for each in ADDRESS_FIELDS if getattr(contact, each)])
    return view(contact)


async def change(call: Call[ContactChange, None]) -> ContactView | Problem:
    """Change a contact. A new phone or e-mail is not verified until its code was typed in; one is sent at once."""
    while True:
        contact = await own_contact(call)
        call.demand_match(contact.version)
        changes = _changes(call.body)
        renewed = [each for each in ADDRESS_FIELDS if each in changes and changes[each] != getattr(contact, each)]
        refused = _refused(call.portal, contact, changes, renewed)
        if refused is not None:
            return refused
        unproved = {*renewed, *_said_stop(contact, changes)}
        for each in sorted(unproved):
            changes |= {VERIFIED_FIELDS[channel]: None for channel in PROVED_BY[each]}
        if not changes:
            return view(contact)
        changed = await call.records.change_one(
            Contact, is_("id", contact.id), is_("version", contact.version), **changes
        )
        if changed is None:
            continue  # somebody else changed it: look at it as it is now
        if "paused_at" in changes and contact.pause_reason == UNSUBSCRIBED:
            await come_back(call.portal, contact, ChannelKind.EMAIL)  # whose mailbox it is, is signed in
        for channel in (channel for each in unproved for channel in PROVED_BY[each]):
            await forget_code(call.records, contact.id, channel)
            await call_off_codes(call.portal, contact.id, channel)
        await _send_codes(call, changed, [each for each in renewed if getattr(changed, each)])
        return view(changed)


async def let_go(call: Call[None, None]) -> Reply | Problem:
    """Remove a contact: nothing more is sent to them. Ladders that name them pass over them."""
    contact = await own_contact(call)
    call.demand_match(contact.version)
    if contact.is_owner:
        return _own_address("The account's own address stays; it goes with the account.")
    for channel in VERIFIED_FIELDS:
        await forget_code(call.records, contact.id, channel)
        await call_off_codes(call.portal, contact.id, channel)
    for role in ("contact_id", "stand_in_id"):
        await call.records.remove_all(Substitution, is_("account_id", call.account.id), is_(role, contact.id))
    await call.records.remove_all(Endpoint, is_("contact_id", contact.id))
    await call.records.remove_all(Contact, is_("id", contact.id))
    log.info("contact_removed", contact_id=contact.id)
    return Reply()


def view(contact: Contact) -> ContactView:
    """Return what its account sees of a contact."""
    verified = contact.verified_channels()
    return ContactView(
        id=contact.id,
        name=contact.name,
        phone=contact.phone,
        email=contact.email,
        language=contact.language,
        time_zone=contact.time_zone,
        quiet_hours=contact.quiet_hours,
        roles=list(contact.roles),
        phone_verified=ChannelKind.SMS in verified,
        voice_verified=ChannelKind.VOICE in verified,
        phone_takes_texts=takes_texts(contact.phone) if contact.phone else None,
        email_verified=ChannelKind.EMAIL in verified,
        paused=contact.paused_at is not None,
        is_owner=contact.is_owner,
        created_at=contact.created_at,
    ).of_version(contact.version)


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
