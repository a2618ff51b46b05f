"""The pages of staff about holds: which there are, placing one, and one of them with what can be done about it."""

from dataclasses import replace
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from isocket.domain.accounts import StaffRole
from isocket.domain.holds import HoldGround, Part
from portal_api import staff_holds
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.problem import FieldFault, Problem
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, Route, Surface
from portal_api.staff_holds import Ending, HoldFile, HoldsQuery, NewHold, Review, WhichHolds
from portal_api.staff_pages import LookForm, with_query

_PAGE = "staff_holds.html"
GROUNDS = {
    HoldGround.CLAIM.value: "A claim",
    HoldGround.COMPLAINT.value: "A complaint",
    HoldGround.WARRANTY.value: "A dispute about the warranty",
    HoldGround.ORDER.value: "An order of a court or an authority",
}


class WhichForm(Form):
    """Which holds."""

    show: str = TYPED


class HoldForm(Form):
    """A new hold. `parts` are names with commas between them."""

    email: str = TYPED
    ground: str = TYPED
    parts: str = TYPED
    words: str = TYPED
    reference: str = TYPED
    review_on: str = TYPED
    ends_on: str = TYPED
    silent_until: str = TYPED


class HoldActForm(Form):
    """What is done about a hold."""

    act: str = TYPED
    words: str = TYPED
    review_on: str = TYPED
    ends_on: str = TYPED


async def listed(call: Call[WhichForm, None]) -> web.Response:
    """List holds."""
    part = WhichHolds(call.body.show) if call.body.show in set(WhichHolds) else WhichHolds.IN_FORCE
    told = await staff_holds.listed(with_query(call, HoldsQuery(show=part, limit=200)))
    return shown(call, _PAGE, {**_words(call), "what": "list", "lines": told.items, "part": part}, here="staff")


async def look(call: Call[LookForm, None]) -> web.Response:
    """Show one hold."""
    return _file(call, await staff_holds.show(with_body(call, None)))


async def place(call: Call[HoldForm, None]) -> web.Response:
    """Place a hold, and show it."""
    typed = call.body
    wish = checked(
        NewHold,
        email=typed.email or None,
        ground=typed.ground,
        parts=[each.strip() for each in typed.parts.split(",") if each.strip()],
        reason=typed.words,
        reference=typed.reference,
        review_on=typed.review_on,
        ends_on=typed.ends_on,
        silent_until=typed.silent_until or None,
    )
    answer = wish if isinstance(wish, Problem) else await staff_holds.place(with_body(call, wish))
    if isinstance(answer, Problem):
        words = {**_words(call), "what": "list", "lines": [], "typed": typed}
        return refused(call, _PAGE, _as_typed(answer), words, here="staff")
    return _file(call, answer)


async def act(call: Call[HoldActForm, None]) -> web.Response:
    """Review or end a hold, and show it as it is then."""
    typed, answer = call.body, None
    wish: BaseModel | Problem | None = None
    match typed.act:
        case "review":
            wish = checked(Review, words=typed.words, review_on=typed.review_on, ends_on=typed.ends_on)
            answer = wish if isinstance(wish, Problem) else await staff_holds.review(with_body(call, wish))
        case "end":
            wish = checked(Ending, words=typed.words)
            answer = wish if isinstance(wish, Problem) else await staff_holds.end(with_body(call, wish))
        case _:
            answer = await staff_holds.show(with_body(call, None))
    if isinstance(answer, Problem):
        file = await staff_holds.show(with_body(call, None))
        return refused(call, _PAGE, answer, {**_words(call), "what": "file", "file": file}, here="staff")
    return _file(call, answer)


def _as_typed(problem: Problem) -> Problem:
    """Return a problem that names the fields of the form: a list is one of it, and the reason is in words."""
    names = {"reason": "words"}
    errors = [
        FieldFault(field=names.get(each.field, each.field.partition(".")[0]), message=each.message)
        for each in problem.errors
    ]
    return replace(problem, errors=tuple(errors))


def _file(call: Call[Any, None], file: HoldFile) -> web.Response:
    return shown(call, _PAGE, {**_words(call), "what": "file", "file": file}, here="staff")


def _words(call: Call[Any, None]) -> dict[str, object]:
    return {"reason": call.reason, "grounds": GROUNDS, "names": [each.value for each in Part], "typed": HoldForm()}


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
    _route("/staff/holds", listed, "List holds", WhichForm),
    _route("/staff/holds/new", place, "Place a hold", HoldForm),
    _route("/staff/holds/{hold_id}", look, "Show a hold", LookForm),
    _route("/staff/holds/{hold_id}/act", act, "Do something about a hold", HoldActForm),
)
