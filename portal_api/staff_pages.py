"""The pages of staff: why they look, then the queue of requests, one of them, or a customer.

A page that is only fetched shows nobody's data. Every other is the answer to a form that carries the reason, so that
each look is one somebody gave a reason for, and a reload asks again.
"""

from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel

from isocket.domain.accounts import StaffRole
from portal_api import staff_customers, staff_requests
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.pages_words import LANGUAGE_NAMES
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.rights_pages import KINDS
from portal_api.routes import Access, AnyRoute, Call, Route, Surface
from portal_api.staff_customers import CustomerQuery
from portal_api.staff_request_models import Decision, Extension, Identified, QueueQuery, RequestFile, Shown, TypedIn

Q = TypeVar("Q")
_PRIVACY = (StaffRole.PRIVACY,)


class QueueForm(Form):
    """Which part of the queue."""

    show: str = TYPED


class LookForm(Form):
    """Nothing but the reason, which the frame has taken out."""


class ActForm(Form):
    """What is done with a request."""

    act: str = TYPED
    words: str = TYPED
    proof: str = TYPED
    evidence: str = TYPED
    email: str = TYPED


class TypedForm(Form):
    """A request that came by letter, telephone or mail."""

    kind: str = TYPED
    channel: str = TYPED
    received_on: str = TYPED
    email: str = TYPED
    name: str = TYPED
    postal: str = TYPED
    words: str = TYPED
    language: str = TYPED
    country: str = TYPED


class CustomerForm(Form):
    """Which customer."""

    email: str = TYPED


async def door(call: Call[None, None]) -> web.Response:
    """Ask what staff want to see, and why."""
    return shown(call, "staff.html", {**_words(call), "what": "door"}, here="staff")


async def queue(call: Call[QueueForm, None]) -> web.Response:
    """Show the queue, the first deadline first."""
    part = Shown(call.body.show) if call.body.show in set(Shown) else Shown.OPEN
    told = await staff_requests.queue(with_query(call, QueueQuery(show=part, limit=200)))
    return shown(call, "staff.html", {**_words(call), "what": "queue", "lines": told.items, "part": part}, here="staff")


async def look(call: Call[LookForm, None]) -> web.Response:
    """Show one request."""
    return _file(call, await staff_requests.show(with_body(call, None)))


async def act(call: Call[ActForm, None]) -> web.Response:
    """Do something with a request, and show it as it is then."""
    typed, answer = call.body, None
    wish: BaseModel | Problem | None = None
    match typed.act:
        case "answered" | "refused":
            wish = checked(Decision, outcome=typed.act, words=typed.words)
            answer = wish if isinstance(wish, Problem) else await staff_requests.decide(with_body(call, wish))
        case "extend":
            wish = checked(Extension, words=typed.words)
            answer = wish if isinstance(wish, Problem) else await staff_requests.extend(with_body(call, wish))
        case "identify":
            wish = checked(Identified, proof=typed.proof, evidence=typed.evidence, email=typed.email or None)
            answer = wish if isinstance(wish, Problem) else await staff_requests.identify(with_body(call, wish))
        case "take":
            answer = await staff_requests.take(with_body(call, None))
        case "fulfil":
            answer = await staff_requests.carry_out(with_body(call, None))
        case _:
            answer = await staff_requests.show(with_body(call, None))
    if isinstance(answer, Problem):
        file = await staff_requests.show(with_body(call, None))
        return refused(call, "staff.html", answer, {**_words(call), "what": "file", "file": file}, here="staff")
    return _file(call, answer)


async def type_in(call: Call[TypedForm, None]) -> web.Response:
    """Type in a request, and show it."""
    values = {name: value for name, value in call.body.model_dump().items() if value}
    wish = checked(TypedIn, **values)
    answer = wish if isinstance(wish, Problem) else await staff_requests.type_in(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "staff.html", answer, {**_words(call), "what": "door", "typed": call.body}, here="staff")
    return _file(call, answer)


async def customer(call: Call[CustomerForm, None]) -> web.Response:
    """Show a customer as far as one's work needs."""
    query = checked(CustomerQuery, email=call.body.email)
    answer = query if isinstance(query, Problem) else await staff_customers.find(with_query(call, query))
    if isinstance(answer, Problem):
        return refused(call, "staff.html", answer, {**_words(call), "what": "door"}, here="staff")
    return shown(call, "staff.html", {**_words(call), "what": "customer", "customer": answer}, here="staff")


def with_query(call: Call[Any, None], query: Q) -> Call[None, Q]:
    """Return the same request for a handler of the API, with the query that it takes."""
    return Call(
        portal=call.portal,
        request=call.request,
        body=None,
        query=query,
        path=call.path,
        caller=call.caller,
        reason=call.reason,
    )


def _file(call: Call[Any, None], file: RequestFile) -> web.Response:
    return shown(call, "staff.html", {**_words(call), "what": "file", "file": file}, here="staff")


def _words(call: Call[Any, None]) -> dict[str, object]:
    return {
        "reason": call.reason,
        "roles": call.account.staff_roles,
        "kinds": KINDS,
        "languages": LANGUAGE_NAMES,
        "typed": TypedForm(),
    }


def _route(path: str, handler: Any, summary: str, body: type[Form], staff: tuple[StaffRole, ...]) -> AnyRoute:
    return Route(
        method="POST",
        path=path,
        handler=handler,
        summary=summary,
        access=Access.STAFF,
        surface=Surface.PAGE,
        body=body,
        staff=staff,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/staff",
        handler=door,
        summary="The door of staff",
        access=Access.STAFF,
        surface=Surface.PAGE,
    ),
    _route("/staff/requests", queue, "Show the queue", QueueForm, _PRIVACY),
    _route("/staff/requests/new", type_in, "Type in a request", TypedForm, _PRIVACY),
    _route("/staff/requests/{request_id}", look, "Show a request", LookForm, _PRIVACY),
    _route("/staff/requests/{request_id}/act", act, "Do something with a request", ActForm, _PRIVACY),
    _route("/staff/customers", customer, "Show a customer", CustomerForm, (StaffRole.SUPPORT, StaffRole.PRIVACY)),
)
