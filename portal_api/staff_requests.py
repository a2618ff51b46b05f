"""The queue of requests by right, for the staff who answer them: by deadline, with every look recorded.

Whose request is known to be an account's can read who looked and why. The list shows no more than is needed to choose.
"""

from dataclasses import replace
from typing import Any

from isocket.domain.accounts import Account
from isocket.domain.deadlines import EXTENDED_MONTHS, FIRST_MONTHS, end_of_months
from isocket.domain.request_notes import RequestNote
from isocket.domain.requests import (
    EXTENSION,
    OPEN,
    TO_BE_DECIDED,
    Proof,
    RequestChannel,
    RequestState,
    Right,
    RightsRequest,
    decided,
    may_follow,
)
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, is_, one_of
from portal_api.cursor import page_of
from portal_api.models import Body, Page
from portal_api.privacy_fulfilment import COPIES, fulfil
from portal_api.privacy_requests import asked_after_all, note_and_ask
from portal_api.problem import Problem, fault, not_now
from portal_api.registration import account_of
from portal_api.routes import AnyRoute, Call
from portal_api.staff_request_files import file_of, line_of, looks_at
from portal_api.staff_request_models import (
    Decision,
    Extension,
    Identified,
    QueueLine,
    QueueQuery,
    RequestFile,
    Shown,
    TypedIn,
)
from portal_api.staff_routes import came_at, first_of, named, privacy_route
from portal_api.staff_words import in_words

log = get_logger(__name__)

_NOBODYS_YET = (
    "Nothing is answered before it is known who asks, and nobody has said yet that this is theirs: its mailbox is not "
    "written to again. It ends by itself; see `identity` where you know who asks."
)
_DECIDED = (RequestState.ANSWERED, RequestState.REFUSED)
_STATES = {
    Shown.OPEN: TO_BE_DECIDED,
    Shown.UNPROVED: (RequestState.IDENTITY_ASKED,),
    Shown.DECIDED: _DECIDED,
}


async def queue(call: Call[None, QueueQuery]) -> Page[QueueLine]:
    """List requests, the first deadline first. Of each it is noted, once a day, that its mailbox was seen, masked."""
    found, following = await page_of(
        call.records,
        RightsRequest,
        one_of("state", _STATES[call.query.show]),
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="due_at",
    )
    now = call.clock.now()
    await call.records.add_all(looks_at(call, found, once=("queue", f"{now:%Y-%m-%d}", call.reason)))
    return Page[QueueLine](items=[line_of(each, now) for each in found], next=following)


async def show(call: Call[None, None]) -> RequestFile:
    """Show a request. Whoever asked and has an account can read that you looked, and why."""
    return await file_of(call, await named(call, RightsRequest, "request_id"))


async def type_in(call: Call[TypedIn, None]) -> RequestFile | Problem:
    """Type in a request that came by letter, telephone or mail; `X-Reason` says how it came to you."""
    portal, given, received_at = call.portal, call.body, came_at(call, call.body.received_on)
    if isinstance(received_at, Problem):
        return received_at
    if given.channel is RequestChannel.FORM:
        return fault("channel", "What comes by the form is not typed in: `letter`, `telephone` or `mail`.")
    if not given.email and not given.postal:
        return fault("email", "Where does the answer go? Give a mailbox, or a postal address as `postal`.")
    request = RightsRequest(
        id=call.new_id("rrq"),
        kind=given.kind,
        channel=given.channel,
        email=given.email or "",
        name=given.name,
        postal=given.postal,
        words=given.words,
        language=given.language,
        country=given.country,
        state=RequestState.RECEIVED,
        received_at=received_at,
        due_at=end_of_months(received_at, FIRST_MONTHS, portal.settings.office),
        typed_in_by=call.account.id,
        typed_in_why=call.reason,
    )
    async with portal.turns.of(f"request {request.id}"):  # a second press finds what the first has made, and its mail
        try:
            if given.email and given.ask_mailbox:
                request = await note_and_ask(portal, replace(request, state=RequestState.IDENTITY_ASKED))
            else:
                await call.records.add(request)
        except AlreadyThereError:
            there = await first_of(call, RightsRequest, request.id)
            return await file_of(call, await asked_after_all(portal, there))
    log.info("request_typed_in", request_id=request.id, kind=request.kind)
    return await file_of(call, request)


async def identify(call: Call[Identified, None]) -> RequestFile | Problem:
    """Note how you know who asks. What you note of a document goes with the decision."""
    request, given = await named(call, RightsRequest, "request_id"), call.body
    if given.proof is Proof.LINK:
        return fault("proof", "A link is pressed by whoever asked, not by staff.")
    if given.proof is Proof.DOCUMENT and not given.evidence:
        return fault("evidence", "Say what you saw, and why nothing less would do.")
    account = await account_of(call.portal, given.email) if given.email else None
    if given.email and account is None:
        return fault("email", "There is no account with this mailbox.")
    if account is not None and may_follow(request.state, RequestState.IDENTIFIED):
        await call.records.change_all(RequestNote, is_("request_id", request.id), account_id=account.id)
    return await _move(
        call,
        request,
        RequestState.IDENTIFIED,
        proof=given.proof,
        evidence=given.evidence,
        identified_at=call.clock.now(),
        account_id=account.id if account else None,
        proof_hash=None,
    )


async def take(call: Call[None, None]) -> RequestFile | Problem:
    """Take a request into work."""
    return await _move(
        call, await named(call, RightsRequest, "request_id"), RequestState.IN_WORK, taken_by=call.account.id
    )


async def carry_out(call: Call[None, None]) -> RequestFile | Problem:
    """Have the copy made, or the erasure noted, of an account whose holder is identified: told as always."""
    request = await named(call, RightsRequest, "request_id")
    account = await call.records.get(Account, request.account_id) if request.account_id else None
    if account is None or request.kind not in {*COPIES, Right.ERASURE}:
        return not_now(
            "Only a copy or an erasure of an account is carried out so. For a restriction, an objection or a "
            "correction there are `isocket privacy restrict`, `object` and `rectify`; answer all else in words."
        )
    if request.state not in {RequestState.IDENTIFIED, RequestState.IN_WORK} or request.fulfilled_by:
        under_way = "; it is under way already" if request.fulfilled_by else ""
        return not_now(f"This cannot follow now. The request: {in_words(request.state)}{under_way}.")
    same = is_("id", request.id)
    held = await call.records.change_one(RightsRequest, same, is_("version", request.version), taken_by=call.account.id)
    if held is None:
        return _too_late()
    changes = await fulfil(call.portal, held, account, now=call.clock.now())
    changed = await call.records.change_one(
        RightsRequest, same, is_("version", held.version), decided_by=call.account.id, **changes
    )
    return _too_late() if changed is None else await file_of(call, changed)


async def decide(call: Call[Decision, None]) -> RequestFile | Problem:
    """Answer or refuse. The words go out by mail with the way to complain; what was noted as proof is deleted.

    Of two who decide at the same moment the second gets 409, and only the first is told to whoever asked.
    """
    request, given, now = await named(call, RightsRequest, "request_id"), call.body, call.clock.now()
    if given.outcome not in _DECIDED:
        return fault("outcome", "`answered` or `refused`.")
    if request.waits_for_its_mailbox:
        return not_now(_NOBODYS_YET)
    if not may_follow(request.state, given.outcome):
        return not_now(_why_not(request, given.outcome))
    return await _move(
        call, request, given.outcome, **decided(given.outcome, given.words, now, decided_by=call.account.id)
    )


async def extend(call: Call[Extension, None]) -> RequestFile | Problem:
    """Take up to two months more. Only once, and only while the first month lasts: whoever asked is told at once."""
    request, now = await named(call, RightsRequest, "request_id"), call.clock.now()
    if request.state not in OPEN:
        return not_now("It is decided.")
    if request.waits_for_its_mailbox:
        return not_now(_NOBODYS_YET)
    if request.extended_at is not None or now > request.due_at:
        return not_now("It was extended already." if request.extended_at else "The first month is over.")
    changed = await call.records.change_one(
        RightsRequest,
        is_("id", request.id),
        is_("version", request.version),
        extended_at=now,
        extension_words=call.body.words,
        due_at=end_of_months(request.received_at, EXTENDED_MONTHS, call.portal.settings.office),
        letter_due=EXTENSION,
    )
    if changed is None:
        return _too_late()
    log.info("request_extended", request_id=request.id)
    return await file_of(call, changed)


async def _move(
    call: Call[Any, Any], request: RightsRequest, to: RequestState, **changes: Any
) -> RequestFile | Problem:
    """Bring a request into another state, if it may come after the one that it is in."""
    if not may_follow(request.state, to):
        return not_now(_why_not(request, to))
    moved = await call.records.change_one(
        RightsRequest, is_("id", request.id), is_("version", request.version), **{"state": to, **changes}
    )
    if moved is None:
        return _too_late()
    log.info("request_moved", request_id=request.id, state=to)
    return await file_of(call, moved)


def _why_not(request: RightsRequest, to: RequestState) -> str:
    if to is RequestState.ANSWERED and request.state in {RequestState.RECEIVED, RequestState.IDENTITY_ASKED}:
        return "Nothing is answered before it is known who asks: see `identity`."
    return f"This cannot follow now. The request: {in_words(request.state)}."


def _too_late() -> Problem:
    return not_now("Somebody else was a moment quicker: look at it again.")


def _act(name: str, handler: Any, summary: str, body: type[Body] | None = None) -> AnyRoute:
    path = f"/staff/requests/{{request_id}}/{name}"
    return privacy_route("POST", path, handler, summary, body=body, answers={200: RequestFile}, problems=(409,))


ROUTES: tuple[AnyRoute, ...] = (
    privacy_route(
        "GET", "/staff/requests", queue, "List requests by right", query=QueueQuery, answers={200: Page[QueueLine]}
    ),
    privacy_route("POST", "/staff/requests", type_in, "Type in a request", body=TypedIn, answers={201: RequestFile}),
    privacy_route("GET", "/staff/requests/{request_id}", show, "Show a request by right", answers={200: RequestFile}),
    _act("identity", identify, "Note how we know who asks", Identified),
    _act("take", take, "Take a request"),
    _act("fulfilment", carry_out, "Have a copy or an erasure carried out"),
    _act("decision", decide, "Answer or refuse a request", Decision),
    _act("extension", extend, "Take longer for a request", Extension),
)
