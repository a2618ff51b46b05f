"""What alarm recipients see and do about themselves, for programs: no account, a visit of half an hour."""

from collections.abc import Collection
from typing import Annotated, Any

from aiohttp import web
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.inventory import Subject
from isocket.domain.processing import RIGHTS, Activity, activities
from isocket.storage.port import is_
from portal_api.models import Body, Instant, OneLine, View
from portal_api.phones import Phone
from portal_api.portal import Portal
from portal_api.privacy_requests import AuthorityView, authority_view
from portal_api.problem import Problem, fault
from portal_api.recipient_acts import come_back, correct, erase, object_to, stop
from portal_api.recipient_visits import (
    OPENINGS_CLIENT,
    VISIT_LIFE,
    VISITS_CLIENT,
    Guest,
    demand_guest,
    invite,
    leave,
    open_by_code,
    open_by_link,
)
from portal_api.routes import Access, AnyRoute, Call, Reply, Route
from portal_api.usernames import Language, TimeZone, Username

MOST_MESSAGES = 500
_MAILBOX: TypeAdapter[str] = TypeAdapter(Username)
_NUMBER: TypeAdapter[str] = TypeAdapter(Phone)
_SHOWN_DIGITS = 2


def _address(text: str) -> str:
    """Return a mailbox or a telephone number as we keep them."""
    try:
        return (_MAILBOX if "@" in text else _NUMBER).validate_python(text)
    except ValidationError:
        raise ValueError("Write an e-mail address, or a telephone number such as +358401234567.") from None


Address = Annotated[str, Field(min_length=3, max_length=320), AfterValidator(_address)]
"""By what somebody is told of alarms."""


class WayIn(Body):
    """The address by which you are told of alarms."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"address": "neighbour@example.org", "language": "en"}]})

    address: Address
    language: Language = "en"


class WayInSent(View):
    """If we hold this address, a link or code is on its way to it."""

    status: str = Field(default="accepted", examples=["accepted"])


class VisitProof(Body):
    """The token from the link, or address and code from the text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"token": "mP3rW0Zk1t8n5c7VYQ2hJxUo4aLsDfGiBe6RqNvTyEw"},
                {"address": "+447700900123", "code": "402117"},
            ]
        }
    )

    token: str | None = Field(default=None, min_length=1, max_length=128)
    address: Address | None = None
    code: Annotated[str | None, Field(max_length=16)] = None


class VisitView(View):
    """A visit is open. Its token goes into `Authorization: Bearer` of `/people/me`."""

    access_token: str
    expires_in: int = Field(description="Seconds.")


class EntryView(View):
    """One entry about you. Who entered you can be asked as well."""

    id: str
    entered_by: str = Field(description="The customer whose sockets you are told of, by the name they gave.")
    entered_at: Instant
    name: str
    phone: str | None = Field(description="Its last digits only, where it was never proved to be yours.")
    email: str | None
    language: str
    time_zone: str
    quiet_hours: dict[str, Any] | None
    told_of: list[str] = Field(examples=[["alarm"]])
    verified: list[str] = Field(description="By which ways you are told.", examples=[["sms", "voice"]])
    paused: bool
    paused_because: str | None = Field(examples=["objected"])


class MessageView(View):
    """One message to you."""

    at: Instant
    channel: str
    kind: str = Field(examples=["alarm"])
    state: str = Field(examples=["delivered"])
    text: str = Field(description="Empty after 30 days, for codes, and for a number not proved yours.")


class UseView(View):
    """What the values are used for."""

    what_for: str
    basis: str
    categories: list[str]
    kept: list[str]
    recipients: list[str]


class AboutMe(View):
    """Everything that we hold about the reader of one number or mailbox, and where it came from (Art. 14 and 15)."""

    controller: str
    contact: str
    source: str
    entries: list[EntryView]
    said: list[str] = Field(description="What you said about being written to: `stop`, `objected`, `erased`.")
    messages: list[MessageView]
    uses: list[UseView]
    rights: list[str]
    authority: AuthorityView
    automated_decisions: str


class Correction(Body):
    """What is not as it should be. What is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Niina Naapuri"}]})

    name: Annotated[OneLine, Field(min_length=1)] = "-"
    language: Language = "en"
    time_zone: TimeZone = "UTC"


class Done(View):
    """It is done."""

    status: str = Field(default="done", examples=["done"])


async def send(call: Call[WayIn, None]) -> WayInSent:
    """Ask for the way to your own page. The answer is the same whether we hold the address or not."""
    await invite(call.portal, call.body.address, client=call.client, language=call.body.language)
    return WayInSent()


async def enter(call: Call[VisitProof, None]) -> VisitView | Problem:
    """Open a visit with the token from the link, or with address and code. Both work once; a code has five tries."""
    proof = call.body
    if proof.token is not None:
        opened = await open_by_link(call.portal, proof.token)
    elif proof.address is not None and proof.code is not None:
        opened = await open_by_code(call.portal, proof.address, "".join(proof.code.split()))
    else:
        return fault("token", "Give the token from the link, or address and code from the text.")
    if opened is None:
        return bad_proof()
    return VisitView(access_token=opened[0], expires_in=int(VISIT_LIFE.total_seconds()))


async def show(call: Call[None, None]) -> AboutMe:
    """Show everything that we hold about you: who entered you, what for, and what was sent when."""
    return await about(call.portal, await demand_guest(call))


async def download(call: Call[None, None]) -> web.Response:
    """Give the same as a file to keep or to take elsewhere."""
    return as_file(await about(call.portal, await demand_guest(call)))


async def change(call: Call[Correction, None]) -> Done:
    """Correct your name, language or time zone in every entry (Art. 16)."""
    guest = await demand_guest(call)
    await correct(call.portal, guest.entries, {name: getattr(call.body, name) for name in call.body.model_fields_set})
    return Done()


async def stop_all(call: Call[None, None]) -> Done:
    """Stop all messages to you. Whoever entered you is told that you are not told any more."""
    guest = await demand_guest(call)
    await stop(call.portal, guest.address, guest.entries)
    return Done()


async def object_all(call: Call[None, None]) -> Done:
    """Object to being told (Art. 21): nothing is sent, and nobody can have you asked again."""
    guest = await demand_guest(call)
    await object_to(call.portal, guest.address, guest.entries)
    return Done()


async def take_up(call: Call[None, None]) -> Done:
    """Take our messages up again: only you can, for the address by which you came. Where another of yours said no,
    what has both stays paused until you come by that as well.
    """
    guest = await demand_guest(call)
    await come_back(call.portal, guest.address, guest.entries)
    return Done()


async def go(call: Call[None, None]) -> Reply:
    """Be erased (Art. 17), in every entry. Whoever entered you is told of the gap; entering you again reaches nobody.

    The visit ends with it.
    """
    guest = await demand_guest(call)
    await erase(call.portal, guest.address, guest.entries)
    await leave(call.portal, guest.visit)
    return Reply()


async def about(portal: Portal, guest: Guest) -> AboutMe:
    """Return everything that is held about a guest."""
    controller = portal.settings.controller
    return AboutMe(
        controller=controller.name,
        contact=controller.contact,
        source="The customer who wants you to be told of alarms entered your name and addresses.",
        entries=[await _entry(portal, each, guest) for each in guest.entries],
        said=sorted({each.said.value for each in guest.stops}),
        messages=await _messages(portal, guest),
        uses=[_use(each) for each in activities(controller, subject=Subject.RECIPIENT)],
        rights=list(RIGHTS),
        authority=authority_view(portal, ""),
        automated_decisions="None is made about people; alarms are worked out from what a socket reports.",
    )


def as_file(told: AboutMe) -> web.Response:
    """Return it as a file to keep or to take elsewhere (Art. 20)."""
    return web.Response(
        body=told.model_dump_json(indent=2).encode(),
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="isocket-about-me.json"'},
    )


def bad_proof() -> Problem:
    """Return the one answer to a link or code that is not good."""
    detail = "This link or code is not good, not any more, or was used already. Ask for a new one."
    return Problem(status=400, kind="bad-token", detail=detail)


async def _entry(portal: Portal, entry: Contact, guest: Guest) -> EntryView:
    owner = await portal.records.get(Account, entry.account_id)
    by_mail = guest.visit.channel is ChannelKind.EMAIL
    phone_is_theirs = not by_mail or entry.phone_verified_at or entry.voice_verified_at
    email_is_theirs = by_mail or entry.email_verified_at
    return EntryView(
        id=entry.id,
        entered_by=_name_of(owner),
        entered_at=entry.created_at,
        name=entry.name,
        phone=entry.phone if phone_is_theirs else _end_of(entry.phone),
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
    for entry in guest.entries:
        found += await portal.records.find(
            Delivery, is_("contact_id", entry.id), order_by="created_at", descending=True, limit=MOST_MESSAGES
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
        recipients=[f"{each.who} ({each.country})" for each in activity.recipients],
    )


def _name_of(owner: Account | None) -> str:
    """Return who entered somebody, as they call themselves; else as much of their mailbox as tells them from others."""
    if owner is None:
        return "a customer whose account is gone"
    return owner.name or masked(owner.email) or ""


def masked(email: str | None) -> str | None:
    """Return a mailbox of which only the beginning and the domain can be read."""
    if not email:
        return None
    local, _, domain = email.partition("@")
    return f"{local[:1]}…@{domain}"


def _end_of(phone: str | None) -> str | None:
    return f"…{phone[-_SHOWN_DIGITS:]}" if phone else None


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/people/codes",
        handler=send,
        summary="Ask for the way to my own page",
        access=Access.PUBLIC,
        body=WayIn,
        answers={202: WayInSent},
        limit=lambda _: VISITS_CLIENT,
    ),
    Route(
        method="POST",
        path="/people/sessions",
        handler=enter,
        summary="Open my own page",
        access=Access.PUBLIC,
        body=VisitProof,
        answers={200: VisitView},
        problems=(400,),
        limit=lambda _: OPENINGS_CLIENT,
    ),
    Route(
        method="GET",
        path="/people/me",
        handler=show,
        summary="Show what is held about me",
        access=Access.RECIPIENT,
        answers={200: AboutMe},
    ),
    Route(
        method="GET",
        path="/people/me/data",
        handler=download,
        summary="Fetch what is held about me",
        access=Access.RECIPIENT,
        answers={200: None},
    ),
    Route(
        method="PATCH",
        path="/people/me",
        handler=change,
        summary="Correct what is held about me",
        access=Access.RECIPIENT,
        body=Correction,
        answers={200: Done},
    ),
    Route(
        method="POST",
        path="/people/me/stop",
        handler=stop_all,
        summary="Stop all messages to me",
        access=Access.RECIPIENT,
        answers={200: Done},
    ),
    Route(
        method="POST",
        path="/people/me/objection",
        handler=object_all,
        summary="Object to being told",
        access=Access.RECIPIENT,
        answers={200: Done},
    ),
    Route(
        method="POST",
        path="/people/me/return",
        handler=take_up,
        summary="Take messages up again",
        access=Access.RECIPIENT,
        answers={200: Done},
    ),
    Route(
        method="DELETE",
        path="/people/me",
        handler=go,
        summary="Be erased",
        access=Access.RECIPIENT,
        answers={204: None},
    ),
)
