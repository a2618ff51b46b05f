"""The door of alarm recipients: a link by mail or a code by text to an address that we hold, then a short visit.

Whoever asks learns nothing of whether we hold the address: the same answer, and as much work. Nothing is sent to an
address that we do not hold, so that nobody can have us write to strangers.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.letters import Letter
from isocket.domain.people_letters import page_code, page_mail
from isocket.domain.recipient_visits import RecipientVisit, hidden_address, hidden_code
from isocket.domain.stops import Stop
from isocket.kit.ids import derived_id, new_code, new_id, new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, above, is_
from portal_api.codes import CODE_LIFE, CODES_ADDRESS, TRIES, counted_of_many
from portal_api.limits import Rate
from portal_api.outgoing import NOBODY, unsent
from portal_api.phones import is_served, takes_texts
from portal_api.portal import Portal
from portal_api.problem import Problem, ProblemError
from portal_api.recipient_acts import entries_of, stops_of
from portal_api.routes import Call

log = get_logger(__name__)

LINK_LIFE = timedelta(minutes=30)
VISIT_LIFE = timedelta(minutes=30)
VISITS_ADDRESS = Rate(name="visit_address", tries=3, per_s=3600)  # messages to one number or mailbox
VISITS_CLIENT = Rate(name="visit_client", tries=30, per_s=3600)
STRANGE = "_unknown"  # behind the name of a limit: what is asked for addresses that we do not hold counts apart
OPENINGS_CLIENT = Rate(name="visit_openings", tries=60, per_s=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Somebody at their own page: by which address they came, and what is held about it."""

    visit: RecipientVisit
    address: str
    entries: Sequence[Contact]
    stops: Sequence[Stop]

    @property
    def language(self) -> str:
        """Return the language in which they are written to."""
        return self.entries[0].language if self.entries else "en"


async def invite(portal: Portal, address: str, *, client: str, language: str) -> None:
    """Send the way to their own page to whoever has this address, if it is one that we hold."""
    channel = ChannelKind.EMAIL if "@" in address else ChannelKind.SMS
    entries = await entries_of(portal.records, channel, address)
    stops = await stops_of(portal.records, address)
    known = bool(entries or stops) and _may_be_sent(portal, channel, address)
    if await _had_enough(portal, channel, address, client, known=known) or not known:
        await portal.records.add_all([unsent(kind=DeliveryKind.NOTICE, person_id=NOBODY, now=portal.clock.now())])
        return
    tongue = entries[0].language if entries else language
    make = _by_mail if channel is ChannelKind.EMAIL else _by_text
    await make(portal, address, entries, stops, tongue)
    log.info("visit_offered", channel=channel.value)


async def open_by_link(portal: Portal, token: str) -> tuple[str, Guest] | None:
    """Open the visit whose link this is; return the token of the session, None if the link is not good (any more)."""
    found = await portal.records.find(RecipientVisit, is_("token_hash", token_hash(token)), limit=1)
    if not found or found[0].opened_at is not None or found[0].expires_at <= portal.clock.now():
        return None
    return await _open(portal, found[0])


async def open_by_code(portal: Portal, address: str, code: str) -> tuple[str, Guest] | None:
    """Open a visit with the code that came by text. A try is counted before anything is compared."""
    now, entries = portal.clock.now(), await entries_of(portal.records, ChannelKind.SMS, address)
    stops = await stops_of(portal.records, address)
    visit_id = _text_visit_id(entries, stops)
    counted = None
    while counted is None:
        known = await portal.records.get(RecipientVisit, visit_id)
        if known is None or known.tries_left <= 0 or known.expires_at <= now or known.opened_at is not None:
            return None
        counted = await portal.records.change_one(
            RecipientVisit,
            is_("id", visit_id),
            is_("version", known.version),
            above("tries_left", 0),
            tries_left=known.tries_left - 1,
        )
    if not hmac.compare_digest(counted.code_hash, hidden_code(visit_id, address, code)):
        return None
    return await _open(portal, counted)


async def guest_of(portal: Portal, token: str) -> Guest | None:
    """Return who is there with the token of a session, None if it is not good (any more)."""
    found = await portal.records.find(RecipientVisit, is_("token_hash", token_hash(token)), limit=1)
    if not found or found[0].opened_at is None or found[0].expires_at <= portal.clock.now():
        return None
    return await _guest(portal, found[0])


async def demand_guest(call: Call[Any, Any]) -> Guest:
    """Return who asks by the bearer token of a visit.

    Raises:
        ProblemError: 401: there is none, or it is over.
    """
    scheme, _, token = call.request.headers.get("Authorization", "").partition(" ")
    guest = await guest_of(call.portal, token.strip()) if scheme.lower() == "bearer" else None
    if guest is None:
        detail = "Ask for a link or code at /people/codes first; a visit lasts 30 minutes."
        raise ProblemError(Problem(status=401, kind="no-visit", detail=detail, headers={"WWW-Authenticate": "Bearer"}))
    return guest


async def leave(portal: Portal, visit: RecipientVisit) -> None:
    """End a visit."""
    await portal.records.remove_all(RecipientVisit, is_("id", visit.id))


async def link_for(portal: Portal, address: str, entries: Sequence[Contact], *, visit_id: str | None = None) -> str:
    """Return a link that opens the page of whoever reads this mailbox, once."""
    made, link = _by_link(portal, address, entries, (), visit_id or new_id("vis"))
    await portal.records.add_all([made])
    return link


def _may_be_sent(portal: Portal, channel: ChannelKind, address: str) -> bool:
    if channel not in portal.settings.channels:
        return False
    return channel is ChannelKind.EMAIL or (is_served(address, portal.settings.countries) and takes_texts(address))


async def _had_enough(portal: Portal, channel: ChannelKind, address: str, client: str, *, known: bool) -> bool:
    """Count one message, by the narrowest first, so that nothing wider is used up; return whether it is too many.

    An address that we do not hold gets nothing, so it counts as much, but apart: else strangers who name invented
    numbers would use up what all codes of this installation have.
    """
    counted: list[tuple[Rate, tuple[str, ...]]] = [
        (VISITS_ADDRESS, (address.casefold(),)),
        (CODES_ADDRESS, (address.casefold(),)),
    ]
    if channel is not ChannelKind.EMAIL:
        counted += counted_of_many(address, client)
    for rate, what in counted:
        own = rate if known else replace(rate, name=f"{rate.name}{STRANGE}")
        if await portal.limits.take(own, *what) > 0:
            log.info("address_has_had_enough", rate=own.name)
            return True
    return False


def _visit(
    portal: Portal,
    channel: ChannelKind,
    address: str,
    entries: Sequence[Contact],
    stops: Sequence[Stop],
    *,
    visit_id: str,
) -> RecipientVisit:
    return RecipientVisit(
        id=visit_id,
        person_id=next((each.id for each in (*entries, *stops)), visit_id),
        contact_ids=tuple(each.id for each in entries),
        stop_ids=tuple(each.id for each in stops),
        channel=channel,
        address_hash=hidden_address(visit_id, address),
        expires_at=portal.clock.now() + CODE_LIFE,
    )


def _by_link(
    portal: Portal, address: str, entries: Sequence[Contact], stops: Sequence[Stop], visit_id: str
) -> tuple[RecipientVisit, str]:
    """Return a visit, and the link that opens it."""
    visit, token = _visit(portal, ChannelKind.EMAIL, address, entries, stops, visit_id=visit_id), new_token()
    visit = replace(visit, token_hash=token_hash(token), expires_at=portal.clock.now() + LINK_LIFE)
    return visit, portal.settings.link(f"/people/open?token={quote(token)}")


async def _by_mail(
    portal: Portal, address: str, entries: Sequence[Contact], stops: Sequence[Stop], language: str
) -> None:
    visit, link = _by_link(portal, address, entries, stops, new_id("vis"))
    to = (entries[0].email if entries else None) or address  # as we know it, not as it was typed
    sent = Delivery.of(
        page_mail(language, link=link),
        person_id=visit.person_id,
        address=to,
        now=portal.clock.now(),
        useful=LINK_LIFE,
    )
    await portal.records.add_all([visit, sent])


async def _by_text(
    portal: Portal, address: str, entries: Sequence[Contact], stops: Sequence[Stop], language: str
) -> None:
    now, code, visit_id = portal.clock.now(), new_code(), _text_visit_id(entries, stops)
    fresh = replace(
        _visit(portal, ChannelKind.SMS, address, entries, stops, visit_id=visit_id),
        code_hash=hidden_code(visit_id, address, code),
        tries_left=TRIES,
    )
    await portal.records.remove_all(RecipientVisit, is_("id", visit_id))  # a new code replaces the one before
    try:
        await portal.records.add(fresh)
    except AlreadyThereError:
        return  # another request was a moment quicker, and its code is on its way
    letter = Delivery.of(
        Letter(subject="", text=page_code(language, code)),
        kind=DeliveryKind.CODE,
        channel=ChannelKind.SMS,
        person_id=fresh.person_id,
        address=address,
        now=now,
        useful=CODE_LIFE,
    )
    await portal.records.add_all([letter])


def _text_visit_id(entries: Sequence[Contact], stops: Sequence[Stop]) -> str:
    """Return the id of the one visit that is offered by text to whoever these are about."""
    return derived_id("vis", "sms", *(sorted(each.id for each in entries) or sorted(each.id for each in stops)))


async def _open(portal: Portal, visit: RecipientVisit) -> tuple[str, Guest] | None:
    now, token = portal.clock.now(), new_token()
    opened = await portal.records.change_one(
        RecipientVisit,
        is_("id", visit.id),
        is_("opened_at", None),
        opened_at=now,
        token_hash=token_hash(token),
        code_hash="",
        tries_left=0,
        expires_at=now + VISIT_LIFE,
    )
    guest = None if opened is None else await _guest(portal, opened)
    return None if guest is None else (token, guest)


async def _guest(portal: Portal, visit: RecipientVisit) -> Guest | None:
    """Return who a visit is by now; entries that were removed or have another address meanwhile are not theirs."""
    address = await _address_of(portal.records, visit)
    if address is None:
        return None
    theirs = frozenset(visit.contact_ids)
    entries = [each for each in await entries_of(portal.records, visit.channel, address) if each.id in theirs]
    return Guest(visit=visit, address=address, entries=entries, stops=await stops_of(portal.records, address))


async def _address_of(records: Records, visit: RecipientVisit) -> str | None:
    """Return by which address a visit was begun, from the first entry or word of a stop that still has it."""
    by_mail = visit.channel is ChannelKind.EMAIL
    for contact_id in visit.contact_ids:
        entry = await records.get(Contact, contact_id)
        found = None if entry is None else entry.email if by_mail else entry.phone
        if found and hidden_address(visit.id, found) == visit.address_hash:
            return found
    for stop_id in visit.stop_ids:
        said = await records.get(Stop, stop_id)
        if said is not None and hidden_address(visit.id, said.address) == visit.address_hash:
            return said.address
    return None
