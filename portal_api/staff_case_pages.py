"""The pages of staff about what authorities ask for: the register, a new case, and what can be done about one."""

from isocket.domain.authority_cases import CaseKind
from isocket.domain.handing_out import may_be_handed_out
from portal_api import staff_cases
from portal_api.pages_forms import TYPED, WRITTEN, Form
from portal_api.routes import AnyRoute, Call
from portal_api.staff_case_models import (
    Approval,
    CaseRefusal,
    CasesQuery,
    NewCase,
    Proposal,
    Verification,
    WhichCases,
)
from portal_api.staff_files import (
    MOST_LINES,
    Act,
    ActForm,
    LookForm,
    RegisterPages,
    ShowForm,
    chosen,
    page_route,
    with_commas,
)

KINDS = {
    CaseKind.POLICE.value: "Police",
    CaseKind.COURT.value: "A court",
    CaseKind.TAX.value: "Tax authority",
    CaseKind.ENFORCEMENT.value: "Enforcement authority",
    CaseKind.SUPERVISORY.value: "Supervisory authority",
    CaseKind.RIGHTS_HOLDER.value: "A rights holder with a court's decision",
}


class CaseForm(Form):
    """A new case."""

    kind: str = TYPED
    authority: str = TYPED
    reference: str = TYPED
    legal_basis: str = TYPED
    words: str = WRITTEN
    received_on: str = TYPED
    paper: str = TYPED


class CaseActForm(ActForm):
    """What is done about a case. `fields` are names with commas between them."""

    words: str = WRITTEN
    email: str = TYPED
    fields_asked: str = TYPED
    begins: str = TYPED
    ends: str = TYPED
    silent_until: str = TYPED
    silent_why: str = TYPED
    version: str = TYPED


def _proposal(call: Call[CaseActForm, None]) -> dict[str, object]:
    typed = call.body
    return {
        "email": typed.email or None,
        "fields": with_commas(typed.fields_asked),
        "from": f"{typed.begins}T00:00:00Z",
        "to": f"{typed.ends}T00:00:00Z",
        "words": typed.words,
        "silent_until": typed.silent_until or None,
        "silent_why": typed.silent_why,
    }


def _seen(call: Call[CaseActForm, None]) -> dict[str, object]:
    version = call.body.version
    return {"version": int(version) if version.isdecimal() else 0}


PAGES = RegisterPages(
    template="staff_cases.html",
    words=lambda _: {"kinds": KINDS, "names": sorted(may_be_handed_out())},
    every=staff_cases.listed,
    query=lambda form: CasesQuery(show=chosen(form.show, WhichCases), limit=MOST_LINES, cursor=form.cursor),
    begin_with=Act(staff_cases.type_in, NewCase),
    begin_form=CaseForm,
    show=staff_cases.show,
    acts={
        "verify": Act(staff_cases.verify, Verification, lambda call: {"how": call.body.words}),
        "propose": Act(staff_cases.propose, Proposal, _proposal),
        "approve": Act(staff_cases.approve, Approval, _seen, step_up=True),
        "refuse": Act(staff_cases.refuse, CaseRefusal),
        "fetch": Act(staff_cases.fetch, step_up=True),
    },
    act_form=CaseActForm,
    names={"fields": "fields_asked", "from": "begins", "to": "ends", "how": "words"},
    passing=frozenset({"version"}),
)
ROUTES: tuple[AnyRoute, ...] = (
    page_route("/staff/cases", PAGES.listed, "List cases", ShowForm),
    page_route("/staff/cases/new", PAGES.begin, "Type in a case", CaseForm),
    page_route("/staff/cases/{case_id}", PAGES.look, "Show a case", LookForm),
    page_route("/staff/cases/{case_id}/act", PAGES.act, "Bring a case further", CaseActForm),
)
