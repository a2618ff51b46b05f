"""Codes that prove that an address is a contact's: sending one, and looking at what was typed.

A code is bound to contact, channel and address, so that one for an old number proves nothing of a new one.
"""

import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from isocket.domain.contacts import ChannelKind, Contact, Verification
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.letters import Letter, code_mail, code_text, code_voice_text
from isocket.domain.people_letters import first_contact
from isocket.domain.stops import Stop, StopKind, stopped_address
from isocket.kit.ids import derived_id, new_code
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, Test, above, is_, is_not
from portal_api.limits import Rate
from portal_api.portal import Portal

log = get_logger(__name__)

CODE_LIFE = timedelta(minutes=10)
TRIES = 5
# The first goes out by itself when the contact is entered, so that one more may be asked for at once.
RESEND = Rate(name="code_resend", tries=2, per_s=120)  # one contact by one channel
CODES_ADDRESS = Rate(name="code_address", tries=10, per_s=86_400)  # one number or mailbox, whoever entered it
CODES_ACCOUNT = Rate(name="code_account", tries=100, per_s=86_400)
# Texts and calls cost money, and some have them sent to numbers from which they earn ("SMS pumping"): such numbers
# come in rows that differ in their last digits, from as many accounts and addresses as it takes.
TEXTS_NUMBER = Rate(name="code_text_number", tries=3, per_s=86_400)  # one number of one account
CALLS_NUMBER = Rate(name="code_call_number", tries=3, per_s=86_400)
TEXTS_ACCOUNT = Rate(name="code_text_account", tries=40, per_s=86_400)
TEXTS_CLIENT = Rate(name="code_text_client", tries=40, per_s=86_400)  # one network address, whichever account
TEXTS_ROW = Rate(name="code_text_row", tries=60, per_s=3600)  # numbers that differ in the last digits only
TEXTS_ROW_DAY = Rate(name="code_text_row_day", tries=200, per_s=86_400)
TEXTS_ALL = Rate(name="code_text_all", tries=600, per_s=3600)  # the whole installation
TEXTS_ALL_DAY = Rate(name="code_text_all_day", tries=4000, per_s=86_400)
_LAST_DIGITS = 3


class Proof(StrEnum):
    """What came of a typed code."""

    RIGHT = "right"
    WRONG = "wrong"
    SPENT = "spent"  # none is waiting, it is too old, or was tried too often


async def has_stopped(portal: Portal, contact: Contact, channel: ChannelKind) -> bool:
    """Return whether the reader of this address asked us to stop, as whosever contact and however long ago."""
    return await portal.records.count(Stop, _of_reader(contact, channel)) > 0


async def wants_no_question(portal: Portal, contact: Contact, channel: ChannelKind) -> bool:
    """Return whether the reader of this address objected or was erased: then they come back by their own page only."""
    return await portal.records.count(Stop, _of_reader(contact, channel), is_not("said", StopKind.STOP)) > 0


async def come_back(portal: Portal, contact: Contact, channel: ChannelKind) -> None:
    """Let codes go to this address again: its reader wants them."""
    await portal.records.remove_all(Stop, _of_reader(contact, channel))


def _of_reader(contact: Contact, channel: ChannelKind) -> Test:
    return is_("address", stopped_address(address_of(contact, channel) or ""))


async def send_code(portal: Portal, contact: Contact, channel: ChannelKind, *, client: str) -> float:
    """Send a new code; return 0.0, or the seconds to wait if it is too soon.

    The one before is not sent any more where it still waits; where it arrived, it is good for as long as it said.
    `client` is the network address from which it was asked for.
    """
    address = address_of(contact, channel)
    if not address:
        raise ValueError("the contact has no address for this channel: look before you ask for a code")
    for rate, what in _counted(contact, channel, address, client):
        wait_s = await portal.limits.take(rate, *what)
        if wait_s > 0:
            return wait_s
    code = new_code()
    await _remember(portal, contact, channel, code)
    await call_off_codes(portal, contact.id, channel)
    await portal.records.add(_message(portal, contact, channel, address, code))
    log.info("code_due", contact_id=contact.id, channel=channel.value)
    return 0.0


def _counted(contact: Contact, channel: ChannelKind, address: str, client: str) -> list[tuple[Rate, tuple[str, ...]]]:
    """Return what a code counts against, the narrowest first: what that refuses uses up nothing wider."""
    account = contact.account_id
    once = RESEND, (contact.id, channel.value)
    to_address = CODES_ADDRESS, (address.casefold(),)
    if channel is ChannelKind.EMAIL:
        return [once, to_address, (CODES_ACCOUNT, (account,))]
    return [
        once,
        (CALLS_NUMBER if channel is ChannelKind.VOICE else TEXTS_NUMBER, (account, address)),
        to_address,
        (TEXTS_ACCOUNT, (account,)),
        (CODES_ACCOUNT, (account,)),
        *counted_of_many(address, client),
    ]


def counted_of_many(number: str, client: str) -> list[tuple[Rate, tuple[str, ...]]]:
    """Return what a message to a telephone counts against beside many others, whoever has it sent: it costs money."""
    row = (number[:-_LAST_DIGITS],)
    return [
        (TEXTS_CLIENT, (client,)),
        (TEXTS_ROW, row),
        (TEXTS_ROW_DAY, row),
        (TEXTS_ALL, ()),
        (TEXTS_ALL_DAY, ()),
    ]


async def look_at_code(portal: Portal, contact: Contact, channel: ChannelKind, typed: str) -> Proof:
    """Compare a typed code with the last two that were sent. A try is counted before anything is compared."""
    verification_id = _verification_id(contact.id, channel)
    counted: Verification | None = None
    while counted is None:
        known = await portal.records.get(Verification, verification_id)
        if known is None or known.tries_left <= 0 or known.expires_at <= portal.clock.now():
            return Proof.SPENT
        counted = await portal.records.change_one(
            Verification,
            is_("id", verification_id),
            is_("version", known.version),
            above("tries_left", 0),
            tries_left=known.tries_left - 1,
        )
    said = _hash(contact, channel, typed)
    right, until = hmac.compare_digest(counted.code_hash, said), counted.before_expires_at
    before = hmac.compare_digest(counted.hash_before, said) and until is not None and portal.clock.now() < until
    return Proof.RIGHT if right or before else Proof.WRONG


async def forget_code(records: Records, contact_id: str, channel: ChannelKind) -> None:
    """Let no code of this contact and channel be good any more."""
    await records.remove_all(Verification, is_("id", _verification_id(contact_id, channel)))


async def call_off_codes(portal: Portal, contact_id: str, channel: ChannelKind) -> None:
    """Keep codes that have not gone out yet from doing so; their text goes too."""
    await portal.records.change_all(
        Delivery,
        is_("contact_id", contact_id),
        is_("channel", channel),
        is_("kind", DeliveryKind.CODE),
        is_("state", DeliveryState.DUE),
        state=DeliveryState.CALLED_OFF,
        reason="replaced",
        text="",
        ended_at=portal.clock.now(),
    )


def address_of(contact: Contact, channel: ChannelKind) -> str | None:
    """Return the address by which a channel reaches a contact."""
    return contact.email if channel is ChannelKind.EMAIL else contact.phone


async def _remember(portal: Portal, contact: Contact, channel: ChannelKind, code: str) -> None:
    now = portal.clock.now()
    fresh = Verification(
        id=_verification_id(contact.id, channel),
        account_id=contact.account_id,
        contact_id=contact.id,
        channel=channel,
        code_hash=_hash(contact, channel, code),
        sent_at=now,
        expires_at=now + CODE_LIFE,
        tries_left=TRIES,
    )
    while True:
        known = await portal.records.get(Verification, fresh.id)
        if known is None:
            try:
                await portal.records.add(fresh)
            except AlreadyThereError:
                continue  # another request was quicker: its code is the one before
            return
        replaced = await portal.records.change_one(
            Verification,
            is_("id", fresh.id),
            is_("version", known.version),
            code_hash=fresh.code_hash,
            sent_at=fresh.sent_at,
            expires_at=fresh.expires_at,
            tries_left=fresh.tries_left,
            hash_before=known.code_hash if known.tries_left > 0 else "",
            before_expires_at=known.expires_at,
        )
        if replaced is not None:
            return


def _message(portal: Portal, contact: Contact, channel: ChannelKind, address: str, code: str) -> Delivery:
    now = portal.clock.now()
    letter = _letter(contact.language, channel, code)
    if channel is ChannelKind.EMAIL and not contact.is_owner:  # Art. 14(3)(b): with the first that they hear of us
        said = first_contact(contact.language, page=portal.settings.link("/people"))
        letter = Letter(subject=letter.subject, text=f"{letter.text}\n{said}\n")
    message = Delivery.of(
        letter,
        kind=DeliveryKind.CODE,
        person_id=contact.id,
        account_id=contact.account_id,
        channel=channel,
        address=address,
        now=now,
        useful=CODE_LIFE,
    )
    return replace(message, contact_id=contact.id)


def _letter(language: str, channel: ChannelKind, code: str) -> Letter:
    match channel:
        case ChannelKind.EMAIL:
            return code_mail(language, code)
        case ChannelKind.VOICE:
            return Letter(subject="", text=code_voice_text(language, code))
        case _:
            return Letter(subject="", text=code_text(language, code))


def _verification_id(contact_id: str, channel: ChannelKind) -> str:
    return derived_id("ver", contact_id, channel)


def _hash(contact: Contact, channel: ChannelKind, code: str) -> str:
    key = f"{contact.id}\x1f{channel.value}".encode()
    said = f"{address_of(contact, channel)}\x1f{code}".encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()
