"""A request by right as staff read it: as a line of the queue, or whole; each look is noted for whose it is."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from isocket.domain.authorities import authority_of
from isocket.domain.contacts import ChannelKind
from isocket.domain.disclosures import Disclosure
from isocket.domain.handling import Purpose
from isocket.domain.letters import Letter
from isocket.domain.request_letters import answered, extended, late, refused
from isocket.domain.requests import OPEN, RequestState, RightsRequest
from portal_api.masking import masked
from portal_api.portal import Portal
from portal_api.privacy_requests import authority_view
from portal_api.recipient_acts import entries_of
from portal_api.routes import Call
from portal_api.staff_looks import look
from portal_api.staff_request_models import QueueLine, RequestFile
from portal_api.subscribing import reader_at


async def file_of(call: Call[Any, Any], request: RightsRequest) -> RequestFile:
    """Return a request for staff to read; first it is noted that they do, for whose it is."""
    await call.records.add_all(looks_at(call, [request]))
    entries = await entries_of(call.records, ChannelKind.EMAIL, request.email) if request.email else []
    letter = None if request.email else _letter(call.portal, request, call.clock.now())
    return RequestFile(
        id=request.id,
        kind=request.kind,
        channel=request.channel,
        state=request.state,
        email=request.email,
        name=request.name,
        postal=request.postal,
        words=request.words,
        language=request.language,
        country=request.country,
        authority=authority_view(call.portal, request.country),
        account_id=request.account_id,
        told_of_alarms=len(entries),
        newsletter=bool(request.email) and await reader_at(call.portal, request.email) is not None,
        received_at=request.received_at,
        due_at=request.due_at,
        overdue=_is_overdue(request, call.clock.now()),
        extended_at=request.extended_at,
        extension_words=request.extension_words,
        proof=request.proof,
        identified_at=request.identified_at,
        evidence=request.evidence,
        typed_in_by=request.typed_in_by,
        typed_in_why=request.typed_in_why,
        taken_by=request.taken_by,
        fulfilled_by=request.fulfilled_by,
        decided_at=request.decided_at,
        decided_by=request.decided_by,
        answer=request.answer,
        letter=f"{letter.subject}\n\n{letter.text}" if letter else "",
    )


def looks_at(
    call: Call[Any, Any],
    requests: Iterable[RightsRequest],
    what: str = RightsRequest.collection,
    *,
    once: tuple[str, ...] = (),
) -> list[Disclosure]:
    """Return the lines that requests were looked at: in the ledger of their account, or of their own without one.

    Of what is nobody's any more there is nothing to see, and nobody to be told.
    """
    return [
        look(call, each.account_id or each.id, (what,), Purpose.RIGHTS, once=once)
        for each in requests
        if not each.is_nobodys
    ]


def line_of(request: RightsRequest, now: datetime) -> QueueLine:
    """Return a request as a line of the queue: no more than is needed to choose it."""
    return QueueLine(
        id=request.id,
        kind=request.kind,
        channel=request.channel,
        state=request.state,
        who=masked(request.email),
        received_at=request.received_at,
        due_at=request.due_at,
        overdue=_is_overdue(request, now),
        extended=request.extended_at is not None,
        taken_by=request.taken_by,
    )


def _is_overdue(request: RightsRequest, now: datetime) -> bool:
    return request.state in OPEN and now > request.due_at


def _letter(portal: Portal, request: RightsRequest, now: datetime) -> Letter | None:
    """Return what is to be printed and sent to a postal address: the answer, or that it is late or takes longer."""
    language, kind, office = request.language, request.kind, portal.settings.office
    authority = authority_of(request.country, at_home=office.country)
    if request.answer:
        write = answered if request.state is RequestState.ANSWERED else refused
        return write(language, kind, words=request.answer, authority=authority)
    if _is_overdue(request, now):
        return late(language, kind, due_at=request.due_at, office=office, authority=authority)
    if request.extended_at is not None:
        words = request.extension_words
        return extended(language, kind, due_at=request.due_at, office=office, words=words, authority=authority)
    return None
