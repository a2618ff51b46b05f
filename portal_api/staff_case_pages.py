"""The pages of staff about what authorities ask for: the register, a new case, and what can be done about one."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel

from isocket.domain.accounts import StaffRole
from isocket.domain.authority_cases import CaseKind
from isocket.domain.handing_out import may_be_handed_out
from portal_api import staff_cases
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.problem import FieldFault, Problem, faults
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, Route, Surface
from portal_api.staff_case_models import (
    Approval,
    CaseFile,
    CaseRefusal,
    CasesQuery,
    NewCase,
    Proposal,
    Verification,
    WhichCases,
)
from portal_api.staff_pages import LookForm, with_query

_PAGE = "staff_cases.html"
KINDS = {
    CaseKind.POLICE.value: "Police",
    CaseKind.COURT.value: "A court",
    CaseKind.TAX.value: "Tax authority",
    CaseKind.ENFORCEMENT.value: "Enforcement authority",
    CaseKind.SUPERVISORY.value: "Supervisory authority",
    CaseKind.RIGHTS_HOLDER.value: "A rights holder with a court's decision",
}


class CasesForm(Form):
    """Which cases."""

    show: str = TYPED


class CaseForm(Form):
    """A new case."""

    kind: str = TYPED
    authority: str = TYPED
    reference: str = TYPED
    legal_basis: str = TYPED
    words: str = TYPED
    received_on: str = TYPED
    paper: str = TYPED


class CaseActForm(Form):
    """What is done about a case. `fields` are names with commas between them."""

    act: str = TYPED
    words: str = TYPED
    email: str = TYPED
    fields_asked: str = TYPED
    begins: str = TYPED
    ends: str = TYPED
    silent_until: str = TYPED
    silent_why: str = TYPED
    version: str = TYPED


async def listed(call: Call[CasesForm, None]) -> web.Response:
    """List cases."""
    part = WhichCases(call.body.show) if call.body.show in set(WhichCases) else WhichCases.OPEN
    told = await staff_cases.listed(with_query(call, CasesQuery(show=part, limit=200)))
    return shown(call, _PAGE, {**_words(call), "what": "list", "lines": told.items}, here="staff")


async def look(call: Call[LookForm, None]) -> web.Response:
    """Show one case."""
    return _file(call, await staff_cases.show(with_body(call, None)))


async def type_in(call: Call[CaseForm, None]) -> web.Response:
    """Type in a case, and show it."""
    wish = checked(NewCase, **call.body.model_dump())
    answer = wish if isinstance(wish, Problem) else await staff_cases.type_in(with_body(call, wish))
    if isinstance(answer, Problem):
        words = {**_words(call), "what": "list", "lines": [], "typed": call.body}
        return refused(call, _PAGE, answer, words, here="staff")
    return _file(call, answer)


async def act(call: Call[CaseActForm, None]) -> web.StreamResponse:
    """Bring a case further, and show it as it is then."""
    typed, answer = call.body, None
    wish: BaseModel | Problem | None = None
    match typed.act:
        case "verify":
            wish = checked(Verification, how=typed.words)
            answer = wish if isinstance(wish, Problem) else await staff_cases.verify(with_body(call, wish))
        case "propose":
            wish = _proposal(typed)
            answer = wish if isinstance(wish, Problem) else await staff_cases.propose(with_body(call, wish))
        case "approve":
            wish = checked(Approval, version=int(typed.version) if typed.version.isdecimal() else 0)
            answer = wish if isinstance(wish, Problem) else await staff_cases.approve(with_body(call, wish))
        case "refuse":
            wish = checked(CaseRefusal, words=typed.words)
            answer = wish if isinstance(wish, Problem) else await staff_cases.refuse(with_body(call, wish))
        case "fetch":
            given = await staff_cases.fetch(with_body(call, None))
            if not isinstance(given, Problem):
                return given
            answer = given
        case _:
            answer = await staff_cases.show(with_body(call, None))
    if isinstance(answer, Problem):
        file = await staff_cases.show(with_body(call, None))
        words = {**_words(call), "what": "file", "file": file, "proposed": typed}
        return refused(call, _PAGE, _as_typed(answer), words, here="staff")
    return _file(call, answer)


def _proposal(typed: CaseActForm) -> Proposal | Problem:
    values: dict[str, object] = {
        "email": typed.email or None,
        "fields": [each.strip() for each in typed.fields_asked.split(",") if each.strip()],
        "from": f"{typed.begins}T00:00:00Z",
        "to": f"{typed.ends}T00:00:00Z",
        "words": typed.words,
        "silent_until": typed.silent_until or None,
        "silent_why": typed.silent_why,
    }
    return checked(Proposal, **values)


def _as_typed(problem: Problem) -> Problem:
    """Return a problem that names the fields of the form."""
    if not problem.errors:
        return problem
    names = {"fields": "fields_asked", "from": "begins", "to": "ends", "how": "words"}
    return faults(
        FieldFault(field=names.get(name, name), message=each.message)
        for each in problem.errors
        for name in [each.field.partition(".")[0]]
    )


def _file(call: Call[Any, None], file: CaseFile) -> web.Response:
    return shown(call, _PAGE, {**_words(call), "what": "file", "file": file, "proposed": CaseActForm()}, here="staff")


def _words(call: Call[Any, None]) -> dict[str, object]:
    return {"reason": call.reason, "kinds": KINDS, "names": sorted(may_be_handed_out()), "typed": CaseForm()}


def _route(path: str, handler: Any, summary: str, body: type[Form]) -> AnyRoute:
    return Route(
        method="POST",
        path=path,
        handler=handler,
        summary=summary,
        access=Access.STAFF,
        surface=Surface.PAGE,
        body=body,
        staff=(StaffRole.PRIVACY,),
    )


ROUTES: tuple[AnyRoute, ...] = (
    _route("/staff/cases", listed, "List cases", CasesForm),
    _route("/staff/cases/new", type_in, "Type in a case", CaseForm),
    _route("/staff/cases/{case_id}", look, "Show a case", LookForm),
    _route("/staff/cases/{case_id}/act", act, "Bring a case further", CaseActForm),
)
