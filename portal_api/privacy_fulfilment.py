"""What follows of itself once it is known who asked: copies and erasures go their usual way, the rest goes to people.

Each step may run twice: everything has an id that follows from the request, and the caller changes its state last.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.exports import BY_REQUEST, DataExport
from isocket.domain.letters import Letter
from isocket.domain.request_letters import (
    erasure_is_noted,
    newsletter_no_more,
    page_of_your_own,
    received,
    told_no_more,
)
from isocket.domain.requests import RequestState, Right, RightsRequest, decided
from isocket.domain.restrictions import ObjectionTo
from isocket.kit.ids import derived_id
from portal_api.portal import Portal
from portal_api.privacy_consents import set_objection
from portal_api.privacy_erasure import receipt_link, wish_to_be_erased
from portal_api.recipient_acts import entries_of, erase, object_to, stops_of
from portal_api.recipient_visits import link_for
from portal_api.request_mail import letter_to
from portal_api.subscribing import forget_reader, has_left

COPIES = frozenset({Right.ACCESS, Right.PORTABILITY})
_ENDS_IT = frozenset({Right.ERASURE, Right.OBJECTION})  # also a newsletter, at once: Art. 21(3) leaves no month
_BY_THEMSELF = COPIES | _ENDS_IT


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What the request becomes, and the letter about it, where it is not decided by that: see `requests.decided`."""

    changes: dict[str, Any]
    letter: Letter | None = None


async def fulfil(portal: Portal, request: RightsRequest, account: Account | None, *, now: datetime) -> dict[str, Any]:
    """Do what can be done without people for somebody who proved who they are; return how the request changes."""
    entries = await entries_of(portal.records, ChannelKind.EMAIL, request.email) if request.email else []
    if account is not None and request.kind in COPIES:
        outcome = await _copy(portal, request, account, now)
    elif account is not None and request.kind is Right.ERASURE:
        outcome = await _erasure(portal, request, account, now)
    elif account is None and request.kind in _BY_THEMSELF and await _is_recipient(portal, request, entries):
        outcome = await _of_recipient(portal, request, entries, now)
    elif account is None and request.kind in _ENDS_IT and await _was_reader(portal, request):
        outcome = _decided(newsletter_no_more(request.language), now)
    else:
        if account is not None and request.kind is Right.OBJECTION:  # Art. 21(3); what else is meant, people read
            await set_objection(portal, account, ObjectionTo.NEWSLETTER, on=True)
        outcome = _to_people(portal, request)
    if request.email and outcome.letter is not None:
        await portal.records.add_all([letter_to(request, outcome.letter, key="identified", now=now)])
    return outcome.changes


async def _copy(portal: Portal, request: RightsRequest, account: Account, now: datetime) -> _Outcome:
    """Have a copy made. The answer goes out when it is ready, by the privacy service."""
    made = DataExport(id=derived_id("exp", request.id), account_id=account.id, session_id=BY_REQUEST, created_at=now)
    await portal.records.add_all([made])
    return _Outcome(
        changes={"state": RequestState.IN_WORK, "fulfilled_by": made.id},
        letter=_received(portal, request),
    )


async def _erasure(portal: Portal, request: RightsRequest, account: Account, now: datetime) -> _Outcome:
    """Note the wish as one who is signed in does: with the same time to undo it, and word of it by every way."""
    noted = await wish_to_be_erased(portal, account)
    words = erasure_is_noted(
        request.language, due_at=noted.due_at, office=portal.settings.office, receipt=receipt_link(portal, noted)
    )
    return _decided(words, now, fulfilled_by=noted.id)


async def _of_recipient(portal: Portal, request: RightsRequest, entries: list[Contact], now: datetime) -> _Outcome:
    """Follow the wish of somebody who is told of alarms, or show them the page on which they do."""
    words = told_no_more(request.language)
    if request.kind is Right.ERASURE:
        await erase(portal, request.email, entries)
    elif request.kind is Right.OBJECTION:
        await object_to(portal, request.email, entries)
        await forget_reader(portal, request.email)
    else:
        link = await link_for(portal, request.email, entries, visit_id=derived_id("vis", request.id))
        words = page_of_your_own(request.language, page=link)
    return _decided(words, now)


async def _is_recipient(portal: Portal, request: RightsRequest, entries: list[Contact]) -> bool:
    """Return whether somebody is told of alarms, or was and left no more than word that they do not want to be."""
    return bool(entries) or bool(request.email and await stops_of(portal.records, request.email))


async def _was_reader(portal: Portal, request: RightsRequest) -> bool:
    """Stop a newsletter without an account; return whether there was one, also where that was done before a crash."""
    if not request.email:
        return False
    left = await forget_reader(portal, request.email)
    return left or await has_left(portal, request.email, since=request.received_at)


def _to_people(portal: Portal, request: RightsRequest) -> _Outcome:
    return _Outcome(changes={"state": RequestState.IDENTIFIED}, letter=_received(portal, request))


def _decided(words: str, now: datetime, *, fulfilled_by: str | None = None) -> _Outcome:
    return _Outcome(changes=decided(RequestState.ANSWERED, words, now, fulfilled_by=fulfilled_by))


def _received(portal: Portal, request: RightsRequest) -> Letter:
    return received(
        request.language,
        request.kind,
        due_at=request.due_at,
        office=portal.settings.office,
        status=portal.settings.link(f"/api/v1/privacy/requests?id={request.id}"),
    )
