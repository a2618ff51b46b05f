"""What authorities ask for, for the staff who decide: a case from its paper to what is handed out, by two of them."""

from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from isocket.domain.accounts import Account
from isocket.domain.authority_cases import (
    CLOSED,
    NEEDS_A_PAPER,
    AuthorityCase,
    CaseState,
    HandedPage,
    may_follow,
    page_id,
)
from isocket.domain.contacts import Contact
from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.handing_out import may_be_handed_out, unknown_fields
from isocket.domain.handling import Basis, Purpose
from isocket.domain.periods import years_later
from isocket.kit.clock import EPOCH
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_, one_of, remove_every
from portal_api.cursor import page_of
from portal_api.models import Body, Page
from portal_api.problem import FieldFault, Problem, fault, faults, not_now
from portal_api.routes import AnyRoute, Call
from portal_api.staff_case_models import (
    Approval,
    CaseFile,
    CaseLine,
    CaseRefusal,
    CasesQuery,
    NewCase,
    Proposal,
    Verification,
    WhichCases,
)
from portal_api.staff_holds import end_of_day
from portal_api.staff_looks import look
from portal_api.staff_routes import begun, came_at, customer, named, privacy_route
from portal_api.staff_words import in_words

log = get_logger(__name__)

LONGEST_SILENCE = timedelta(days=731)
REGISTER_YEARS = 3
_OPEN = tuple(each for each in CaseState if each not in CLOSED)


async def listed(call: Call[None, CasesQuery]) -> Page[CaseLine]:
    """List cases, the oldest first: the register."""
    found, following = await page_of(
        call.records,
        AuthorityCase,
        one_of("state", _OPEN if call.query.show is WhichCases.OPEN else CLOSED),
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="received_at",
    )
    return Page[CaseLine](items=[CaseLine(**_line(each)) for each in found], next=following)


async def show(call: Call[None, None]) -> CaseFile:
    """Show a case."""
    return await _file(call, await named(call, AuthorityCase, "case_id"))


async def type_in(call: Call[NewCase, None]) -> CaseFile | Problem:
    """Type in what an authority asks for. Nothing of it is looked for before it is sure that it is they who ask."""
    given, received_at = call.body, came_at(call, call.body.received_on)
    if isinstance(received_at, Problem):
        return received_at
    if given.kind in NEEDS_A_PAPER and not given.paper:
        return fault("paper", "Nothing is handed out without the court's decision: give the SHA-256 of its file.")
    case = AuthorityCase(
        id=call.new_id("cas"),
        kind=given.kind,
        authority=given.authority,
        reference=given.reference,
        legal_basis=given.legal_basis,
        words=given.words,
        paper=given.paper,
        received_at=received_at,
        typed_in_by=call.account.id,
        lease_until=EPOCH,
    )
    typed_in = await begun(call, case)
    if typed_in is case:
        log.info("case_typed_in", case_id=case.id, kind=case.kind)
    return await _file(call, typed_in)


async def verify(call: Call[Verification, None]) -> CaseFile | Problem:
    """Note how you made sure that it is they who ask: by calling back at a number that they publish."""
    changes = {"verified_by": call.account.id, "verified_how": call.body.how}
    return await _move(call, await named(call, AuthorityCase, "case_id"), CaseState.VERIFIED, **changes)


async def propose(call: Call[Proposal, None]) -> CaseFile | Problem:
    """Propose what is handed out. Proposed anew, what was proposed before is gone and was not approved."""
    given, now, case = call.body, call.clock.now(), await named(call, AuthorityCase, "case_id")
    if not may_follow(case.state, CaseState.PROPOSED):
        return _cannot(case)  # before anybody is looked for
    account = await customer(call, call.body.account_id, call.body.email)
    wrong = _wrong_silence(call, given)
    if account is None:
        wrong.append(FieldFault(field="email", message="There is no such customer."))
    strange = unknown_fields(given.fields)
    if strange:
        known = ", ".join(sorted(may_be_handed_out()))
        message = f"Cannot be handed out: {', '.join(strange)}. Write collection.field, of: {known}."
        wrong.append(FieldFault(field="fields", message=message))
    if given.begins >= given.ends or given.ends > now:
        wrong.append(FieldFault(field="to", message="After `from`, and not later than now."))
    if wrong or account is None:
        return faults(wrong)
    silent = given.silent_until
    return await _move(
        call,
        case,
        CaseState.PROPOSED,
        account_id=account.id,
        fields=tuple(sorted(set(given.fields))),
        begins=given.begins,
        ends=given.ends,
        proposal=given.words,
        silent_until=None if silent is None else end_of_day(call.portal, silent),
        silent_why=given.silent_why,
        proposed_by=call.account.id,
    )


async def approve(call: Call[Approval, None]) -> CaseFile | Problem:
    """Approve what another has proposed, as you have seen it. Then it is made, and can be fetched within seconds."""
    case = await named(call, AuthorityCase, "case_id")
    if case.state is CaseState.PROPOSED and case.proposed_by == call.account.id:
        return not_now("Another has to decide about what you proposed.")
    if case.state is CaseState.PROPOSED and case.version != call.body.version:
        return not_now("It was changed since you saw it: look at it again.")
    return await _move(call, case, CaseState.APPROVED, approved_by=call.account.id)


async def refuse(call: Call[CaseRefusal, None]) -> CaseFile | Problem:
    """Refuse, with the reason; what was made already is destroyed."""
    case = await named(call, AuthorityCase, "case_id")
    answer = await _move(
        call,
        case,
        CaseState.REFUSED,
        refused_by=call.account.id,
        refusal=call.body.words,
        expires_at=years_later(call.clock.now(), REGISTER_YEARS),
    )
    if not isinstance(answer, Problem) or case.state is CaseState.REFUSED:  # whoever died here gets by again
        await remove_every(call.records, HandedPage, is_("case_id", case.id))
    return answer


async def fetch(call: Call[None, None]) -> web.StreamResponse | Problem:
    """Fetch what is handed out, as lines of JSON. Before the first byte it is a line of the person's ledger.

    It can be fetched again for 30 days, and each time is a look; its SHA-256 stays on record.
    """
    case, now = await named(call, AuthorityCase, "case_id"), call.clock.now()
    if case.state not in {CaseState.READY, CaseState.HANDED_OUT}:
        return not_now(f"Nothing was made that could be handed out. The case: {in_words(case.state)}.")
    page = await call.records.get(HandedPage, page_id(case.id, 0))
    if page is None or page.expires_at <= now:  # also before it is swept
        return not_now("What was handed out is not kept any more; its digest is.")
    lines = await _lines_of(call.records, case, now)
    await call.records.change_one(
        AuthorityCase,
        is_("id", case.id),
        is_("state", CaseState.READY),
        state=CaseState.HANDED_OUT,
        handed_by=call.account.id,
        handed_at=now,
        expires_at=years_later(now, REGISTER_YEARS),
    )
    if (await named(call, AuthorityCase, "case_id")).state is not CaseState.HANDED_OUT:
        return not_now("It was refused at this moment.")
    if await call.records.get(Account, case.account_id) is not None:
        lines.append(look(call, case.account_id, ("authority_cases",), Purpose.CLAIMS, silent=case.silent_until))
    await call.records.add_all(lines)
    log.info("case_handed_out", case_id=case.id)
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/x-ndjson",
            "Content-Disposition": f'attachment; filename="{case.id}.ndjson"',
        }
    )
    await response.prepare(call.request)
    while page is not None and page.number < case.pages:  # a page at a time: a year of sockets does not fit into memory
        await response.write(page.content.encode())
        page = await call.records.get(HandedPage, page_id(case.id, page.number + 1))
    await response.write_eof()
    return response


async def _lines_of(records: Records, case: AuthorityCase, now: datetime) -> list[Disclosure]:
    """Return a line of the ledger for everybody whose values are handed out: the customer, their people, guests.

    A guest with an account of their own reads it there; whom the customer entered stands in the customer's ledger,
    and in what they read of themselves. Who was erased meanwhile has no ledger any more.
    """
    told: list[tuple[str, str, tuple[str, ...]]] = []
    if await records.get(Account, case.account_id) is not None:
        told.append((case.account_id, case.account_id, case.fields))
    for person, names in case.others.items():
        if await records.get(Contact, person) is not None:
            told.append((case.account_id, person, tuple(names)))
        elif await records.get(Account, person) is not None:
            told.append((person, person, tuple(names)))
    return [
        noted(
            account_id,
            subject_id=subject_id,
            to=DisclosedTo.AUTHORITY,
            recipient_id=case.id,
            what=what,
            purpose=Purpose.CLAIMS,
            basis=Basis.LEGAL_DUTY,
            at=now,
            reason=f"{case.authority}, {case.legal_basis}",
            once=("handed out",),
            silent_until=case.silent_until,
        )
        for account_id, subject_id, what in told
    ]


def _wrong_silence(call: Call[Proposal, None], given: Proposal) -> list[FieldFault]:
    if given.silent_until is None:
        return []
    now, ends = call.clock.now(), end_of_day(call.portal, given.silent_until)
    if not given.silent_why:
        return [FieldFault(field="silent_why", message="By which law may the person not be told before that day?")]
    if not now < ends <= now + LONGEST_SILENCE:
        return [FieldFault(field="silent_until", message="A day from today on and within two years.")]
    return []


async def _move(call: Call[Any, Any], case: AuthorityCase, to: CaseState, **changes: Any) -> CaseFile | Problem:
    """Bring a case into another state, if it may come after the one that it is in."""
    if not may_follow(case.state, to):
        return _cannot(case)
    moved = await call.records.change_one(
        AuthorityCase, is_("id", case.id), is_("version", case.version), state=to, **changes
    )
    if moved is None:
        return not_now("Somebody else was a moment quicker: look at it again.")
    log.info("case_moved", case_id=case.id, state=to)
    return await _file(call, moved)


async def _file(call: Call[Any, Any], case: AuthorityCase) -> CaseFile:
    """Return a case for staff to read; whose data it is about can read that they did, from when they may know."""
    if case.account_id and await call.records.get(Account, case.account_id) is not None:
        line = look(call, case.account_id, ("authority_cases",), Purpose.CLAIMS, silent=case.silent_until)
        await call.records.add_all([line])
    return CaseFile(
        **_line(case),
        version=case.version,
        authority=case.authority,
        reference=case.reference,
        legal_basis=case.legal_basis,
        words=case.words,
        paper=case.paper,
        typed_in_by=case.typed_in_by,
        verified_by=case.verified_by,
        verified_how=case.verified_how,
        account_id=case.account_id,
        fields=list(case.fields),
        begins=case.begins,
        ends=case.ends,
        silent_until=case.silent_until,
        silent_why=case.silent_why,
        proposed_by=case.proposed_by,
        proposal=case.proposal,
        approved_by=case.approved_by,
        digest=case.digest,
        counts=dict(case.counts),
        handed_by=case.handed_by,
        handed_at=case.handed_at,
        refused_by=case.refused_by,
        refusal=case.refusal,
    )


def _line(case: AuthorityCase) -> dict[str, Any]:
    return {"id": case.id, "kind": case.kind, "state": case.state, "received_at": case.received_at}


def _cannot(case: AuthorityCase) -> Problem:
    return not_now(f"This cannot follow now. The case: {in_words(case.state)}.")


def _act(name: str, handler: Any, summary: str, body: type[Body], **more: Any) -> AnyRoute:
    path = f"/staff/cases/{{case_id}}/{name}"
    return privacy_route("POST", path, handler, summary, body=body, answers={200: CaseFile}, problems=(409,), **more)


ROUTES: tuple[AnyRoute, ...] = (
    privacy_route("GET", "/staff/cases", listed, "List cases", query=CasesQuery, answers={200: Page[CaseLine]}),
    privacy_route("POST", "/staff/cases", type_in, "Type in a case", body=NewCase, answers={201: CaseFile}),
    privacy_route("GET", "/staff/cases/{case_id}", show, "Show a case", answers={200: CaseFile}),
    _act("verification", verify, "Note how we know who asks", Verification),
    _act("proposal", propose, "Propose what is handed out", Proposal),
    _act("approval", approve, "Approve what another proposed", Approval, step_up=True),
    _act("refusal", refuse, "Refuse what an authority asks for", CaseRefusal),
    privacy_route(
        "GET",
        "/staff/cases/{case_id}/file",
        fetch,
        "Fetch what is handed out",
        answers={200: None},
        problems=(409,),
        step_up=True,
    ),
)
