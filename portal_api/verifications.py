"""Proving that an address is a contact's: asking for a code, and typing it in."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.pauses import STOPPED_BY_PHONE, UNSUBSCRIBED
from isocket.kit.logs import get_logger
from isocket.storage.looked_at_again import ladders_looked_at_after
from isocket.storage.port import is_
from portal_api.codes import (
    CODE_LIFE,
    Proof,
    address_of,
    come_back,
    forget_code,
    has_stopped,
    look_at_code,
    send_code,
    wants_no_question,
)
from portal_api.contact_models import ContactView, view
from portal_api.contacts import NOT_SERVED, RESUMED, VERIFIED_FIELDS
from portal_api.models import Body, Instant, View
from portal_api.owned import own_contact
from portal_api.phones import is_served, takes_calls, takes_texts
from portal_api.portal import Portal
from portal_api.problem import FieldFault, Problem, fault, too_many
from portal_api.routes import AnyRoute, Call, Route

log = get_logger(__name__)
Channel = Literal["sms", "voice", "email"]


def _code(text: str) -> str:
    return "".join(text.split())


class CodeWish(Body):
    """By which channel to send a code."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"channel": "sms"}]})

    channel: Channel


class TypedCode(Body):
    """The code that came by this channel."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"channel": "sms", "code": "402117"}]})

    channel: Channel
    code: Annotated[str, Field(min_length=1, max_length=16), AfterValidator(_code)]


class CodeSent(View):
    """A code is on its way."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"channel": "sms", "expires_at": "2026-11-22T12:10:00.000Z"}]}
    )

    channel: Channel
    expires_at: Instant


async def send(call: Call[CodeWish, None]) -> CodeSent | Problem:
    """Send a code. One at once and then one a minute; each is good for 10 minutes, the last two at once.

    By `voice` it is spoken in a call: for landlines, and whoever would rather hear it. What was proved by a text can
    be called as well.
    """
    contact, channel = await own_contact(call), ChannelKind(call.body.channel)
    refused = _not_possible(call.portal, contact, channel)
    if refused is None and await wants_no_question(call.portal, contact, channel):
        refused = _objected()
    if refused is None and channel is not ChannelKind.EMAIL and await has_stopped(call.portal, contact, channel):
        refused = _stopped()
    if refused is not None:
        return refused
    wait_s = await send_code(call.portal, contact, channel, client=call.client)
    if wait_s > 0:
        return too_many(wait_s)
    return CodeSent(channel=call.body.channel, expires_at=call.clock.now() + CODE_LIFE)


async def verify(call: Call[TypedCode, None]) -> ContactView | Problem:
    """Type in a code. Five tries; then a new one has to be asked for.

    What is verified needs no code: 409 says so, whatever was typed, and nothing is changed.
    """
    channel = ChannelKind(call.body.channel)
    while True:
        contact = await own_contact(call)
        if not address_of(contact, channel):
            return fault("channel", "The contact has no address for this channel.")
        coming_back = may_come_back(contact, channel)
        if channel in contact.verified_channels() and not coming_back:
            return _verified()
        proof = await look_at_code(call.portal, contact, channel, call.body.code)
        if proof is not Proof.RIGHT:
            return _wrong(proof)
        if channel is ChannelKind.EMAIL:
            await come_back(call.portal, contact, channel)
        changes: dict[str, Any] = {VERIFIED_FIELDS[channel]: call.clock.now(), **(RESUMED if coming_back else {})}
        same = is_("id", contact.id), is_("version", contact.version)  # the address is still that of the code
        async with ladders_looked_at_after(call.records, contact.account_id, call.clock):
            verified = await call.records.change_one(Contact, *same, **changes)
        if verified is not None:
            await forget_code(call.records, contact.id, channel)
            log.info("contact_verified", contact_id=contact.id, channel=channel.value)
            return view(verified)


def _not_possible(portal: Portal, contact: Contact, channel: ChannelKind) -> Problem | None:
    if not address_of(contact, channel):
        return fault("channel", "The contact has no address for this channel.")
    if channel is not ChannelKind.EMAIL and contact.phone:
        if not is_served(contact.phone, portal.settings.countries):
            return fault("channel", NOT_SERVED)
        if channel is ChannelKind.SMS and not takes_texts(contact.phone):
            return fault("channel", "This is a landline, where no text arrives: ask for a spoken code, by `voice`.")
        if channel is ChannelKind.VOICE and not takes_calls(contact.phone):
            return fault("channel", "This number is in no list of telephones: ask for a code in a text, by `sms`.")
    if channel not in portal.settings.channels:
        detail = "Nothing can be sent by this channel here: no provider is set up for it."
        return Problem(status=409, kind="channel-not-configured", detail=detail)
    if may_come_back(contact, channel):
        return None
    if contact.paused_at is not None:  # said first: that the number is proved would not tell why nothing goes there
        return _paused(contact)
    return _verified() if channel in contact.verified_channels() else None


def _paused(contact: Contact) -> Problem:
    """Return that somebody said stop, and what they do who want to be told again: it depends on how they said it."""
    if contact.pause_reason == UNSUBSCRIBED:
        way = "with a code from a new mail: ask for one by `email`."
    elif contact.pause_reason in STOPPED_BY_PHONE:
        way = "by replying START."
    else:
        way = "on their own page: /people."
    detail = f"This person asked us to send nothing more. Only they can undo that, {way}"
    return Problem(status=409, kind="paused", detail=detail)


def _verified() -> Problem:
    return Problem(status=409, kind="verified", detail="This address is verified already: no code is needed.")


def _stopped() -> Problem:
    """Return why a telephone that said stop gets no code, whoever enters it.

    A mailbox that did gets one where it is asked for: that has no other way back.
    """
    detail = "Whoever has this number asked us to send nothing more. Only they can undo that, by replying START."
    return Problem(status=409, kind="stopped", detail=detail, errors=(FieldFault(field="channel", message=detail),))


def _objected() -> Problem:
    """Return why somebody who objected to being told, or had themself erased, is not asked again by anybody."""
    detail = (
        "Whoever reads this address wants no messages from us. Only they can undo that, on their own page: /people."
    )
    return Problem(status=409, kind="stopped", detail=detail, errors=(FieldFault(field="channel", message=detail),))


def may_come_back(contact: Contact, channel: ChannelKind) -> bool:
    """Return whether a code by this channel undoes this person's stop.

    Who pressed the button in a mail has no other way back, and a code that they pass on shows that they want it.
    Who wrote STOP has: START. A text would break the rule, and the provider would refuse it.
    """
    unsubscribed = contact.paused_at is not None and contact.pause_reason == UNSUBSCRIBED
    return unsubscribed and channel is ChannelKind.EMAIL


def _wrong(proof: Proof) -> Problem:
    if proof is Proof.SPENT:
        kind, detail = "code-spent", "No code is waiting, or it is too old, or was tried too often. Ask for a new one."
    else:
        kind, detail = "wrong-code", "This is not the code that was sent."
    return Problem(status=422, kind=kind, detail=detail, errors=(FieldFault(field="code", message=detail),))


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/contacts/{contact_id}/verification",
        handler=send,
        summary="Send a verification code",
        body=CodeWish,
        answers={202: CodeSent},
        problems=(409, 429),
    ),
    Route(
        method="POST",
        path="/contacts/{contact_id}/verify",
        handler=verify,
        summary="Type in a verification code",
        body=TypedCode,
        answers={200: ContactView},
        problems=(409,),
    ),
)
