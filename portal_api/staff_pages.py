"""The pages of staff: why they look, then the queue of requests, one of them, or a customer.

A page that is only fetched shows nobody's data. Every other is the answer to a form that carries the reason, so that
each look is one somebody gave a reason for, and a reload asks again.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from aiohttp import web

from isocket.domain.accounts import StaffRole
from isocket.domain.requests import RequestChannel, RequestState, Right, may_follow
from portal_api import staff_customers, staff_requests
from portal_api.pages_forms import TYPED, WRITTEN, Form, asking, checked
from portal_api.pages_words import LANGUAGE_NAMES
from portal_api.privacy_fulfilment import COPIES
from portal_api.problem import FieldFault, Problem
from portal_api.rights_pages import KINDS
from portal_api.routes import Access, AnyRoute, Call, PageRoute
from portal_api.staff_customers import CustomerQuery
from portal_api.staff_files import (
    MOST_LINES,
    Act,
    ActForm,
    LookForm,
    RegisterPages,
    ShowForm,
    chosen,
    page_route,
)
from portal_api.staff_request_models import Decision, Extension, Identified, QueueQuery, RequestFile, Shown, TypedIn


class RequestActForm(ActForm):
    """What is done with a request."""

    words: str = WRITTEN
    proof: str = TYPED
    evidence: str = WRITTEN
    email: str = TYPED


class TypedForm(Form):
    """A request that came by letter, telephone or mail."""

    kind: str = TYPED
    channel: str = TYPED
    received_on: str = TYPED
    email: str = TYPED
    name: str = TYPED
    postal: str = TYPED
    words: str = WRITTEN
    language: str = TYPED
    country: str = TYPED


class CustomerForm(Form):
    """Which customer, and which of their lists goes on behind which line; empty: both from the first."""

    email: str = TYPED
    show: str = TYPED
    cursor: str = TYPED


def _identified(call: Call[RequestActForm, None]) -> dict[str, object]:
    typed = call.body
    return {"proof": typed.proof, "evidence": typed.evidence, "email": typed.email or None}


def _letter(call: Call[TypedForm, None]) -> dict[str, object]:
    return {name: value for name, value in call.body.model_dump().items() if value}


def possible(file: RequestFile) -> frozenset[str]:
    """Return what can be done with a request as it is now: the page has no button for what would be refused."""
    nobodys_yet = file.channel is RequestChannel.FORM and file.state is RequestState.IDENTITY_ASKED
    known = file.state in {RequestState.IDENTIFIED, RequestState.IN_WORK}
    carried_out = file.account_id is not None and file.kind in {*COPIES, Right.ERASURE} and not file.fulfilled_by
    acts = {
        "answered": may_follow(file.state, RequestState.ANSWERED),
        "refused": may_follow(file.state, RequestState.REFUSED) and not nobodys_yet,
        "extend": file.decided_at is None and not (nobodys_yet or file.extended_at or file.overdue),
        "identify": may_follow(file.state, RequestState.IDENTIFIED),
        "take": may_follow(file.state, RequestState.IN_WORK),
        "fulfil": known and carried_out,
        "note": file.decided_at is None and not nobodys_yet,
        "ask": file.decided_at is None and bool(file.email) and file.state is not RequestState.IDENTITY_ASKED,
    }
    return frozenset(act for act, can_follow in acts.items() if can_follow)


def command_for(file: RequestFile) -> str:
    """Return the command that follows a request of an account and has no button, as far as it is known; else empty."""
    known = file.state in {RequestState.IDENTIFIED, RequestState.IN_WORK} and file.account_id is not None
    name = COMMANDS.get(file.kind) if known else None
    return f"isocket privacy {name} --account {file.account_id} --request {file.id}" if name else ""


LISTS = ("sockets", "incidents")
COMMANDS: Mapping[Right, str] = MappingProxyType(
    {Right.RESTRICTION: "restrict", Right.OBJECTION: "object", Right.RECTIFICATION: "rectify"}
)
_DECISION = Act(staff_requests.decide, Decision, lambda call: {"outcome": call.body.act, "words": call.body.words})
PAGES = RegisterPages(
    template="staff.html",
    words=lambda call: {
        "roles": call.account.staff_roles,
        "kinds": KINDS,
        "languages": LANGUAGE_NAMES,
        "possible": possible,
        "command_for": command_for,
    },
    every=staff_requests.queue,
    query=lambda form: QueueQuery(show=chosen(form.show, Shown), limit=MOST_LINES, cursor=form.cursor),
    begin_with=Act(staff_requests.type_in, TypedIn, _letter),
    begin_form=TypedForm,
    begins_on="door",
    show=staff_requests.show,
    acts={
        "answered": _DECISION,
        "refused": _DECISION,
        "extend": Act(staff_requests.extend, Extension),
        "identify": Act(staff_requests.identify, Identified, _identified),
        "take": Act(staff_requests.take),
        "fulfil": Act(staff_requests.carry_out),
    },
    act_form=RequestActForm,
    passing=frozenset({"letter", "newsletter", "overdue", "told_of_alarms"}),
)


async def door(call: Call[None, None]) -> web.Response:
    """Ask what staff want to see, and why."""
    return PAGES.page(call, what="door", typed=TypedForm(), sent="")


async def customer(call: Call[CustomerForm, None]) -> web.Response:
    """Show a customer as far as one's work needs."""
    behind = {f"{call.body.show}_cursor": call.body.cursor} if call.body.show in LISTS else {}
    query = checked(CustomerQuery, email=call.body.email, **behind)
    answer = query if isinstance(query, Problem) else await staff_customers.find(asking(call, None, query))
    if isinstance(answer, Problem):
        if answer.kind == "not-found":
            answer = replace(answer, errors=(FieldFault(field="email", message="No customer has this address."),))
        return PAGES.page(call, answer, what="door", typed=TypedForm(email=call.body.email), sent="customer")
    return PAGES.page(call, what="customer", customer=answer, typed=call.body)


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/staff", handler=door, summary="The door of staff", access=Access.STAFF),
    page_route("/staff/requests", PAGES.listed, "Show the queue", ShowForm),
    page_route("/staff/requests/new", PAGES.begin, "Type in a request", TypedForm),
    page_route("/staff/requests/{request_id}", PAGES.look, "Show a request", LookForm),
    page_route("/staff/requests/{request_id}/act", PAGES.act, "Do something with a request", RequestActForm),
    page_route("/staff/customers", customer, "Show a customer", CustomerForm, (StaffRole.SUPPORT, StaffRole.PRIVACY)),
)
