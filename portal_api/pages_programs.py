"""Programs and services that one lets at one's sockets, as a page: who, at what, until when, and taking it back."""

from dataclasses import replace
from typing import Any

from aiohttp import web

from isocket.domain.api_tokens import Scope
from portal_api import api_tokens
from portal_api.api_tokens import NewApiToken
from portal_api.devices import page_of_mine
from portal_api.models import PageQuery
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, Nothing, asking, checked, with_body
from portal_api.pages_words import note
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute

PATH = "/programs"
SCOPES = {
    Scope.READ_TELEMETRY: "see my sockets and what they report",
    Scope.CONTROL: "switch them and change their settings",
    Scope.ALARMS: "see alarms, with the names of who was told, and acknowledge them",
}
EVERY_SOCKET = "all"
MOST_SOCKETS = 200  # to choose from; a token for one of more is made by the API


class ProgramForm(Form):
    """A program, and what it may do."""

    name: str = TYPED
    purpose: str = TYPED
    read: str = TYPED
    control: str = TYPED
    alarms: str = TYPED
    device_id: str = TYPED
    days: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show whom I let at what."""
    words = {**await _words(call), "note": note(call.request.query.get("said"))}
    return shown(call, "programs.html", words, here="profile")


async def add(call: Call[ProgramForm, None]) -> web.Response:
    """Let one more in, and show its token, which is never shown again."""
    typed = call.body
    ticked = {Scope.READ_TELEMETRY: typed.read, Scope.CONTROL: typed.control, Scope.ALARMS: typed.alarms}
    wish = checked(
        NewApiToken,
        name=typed.name.strip(),
        purpose=typed.purpose.strip(),
        scopes=[scope.value for scope, on in ticked.items() if on],
        device_ids=None if typed.device_id in {"", EVERY_SOCKET} else [typed.device_id],
        days=int(typed.days) if typed.days.isascii() and typed.days.isdigit() else typed.days or api_tokens.USUAL_DAYS,
    )
    answer = wish if isinstance(wish, Problem) else await api_tokens.make(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "programs.html", _of_the_form(answer), await _words(call, typed), here="profile")
    made = {**await _words(call), "token_made": answer.token, "live_from": PATH}
    return shown(call, "programs.html", made, here="profile")


async def take_back(call: Call[Nothing, None]) -> web.Response:
    """End a token."""
    answer = await api_tokens.revoke(with_body(call, None))
    if isinstance(answer, Problem):
        return refused(call, "programs.html", answer, await _words(call), here="profile")
    return go_to(f"{PATH}?said=program-ended")


def _of_the_form(problem: Problem) -> Problem:
    """Return a refusal that names the field of the page, where one socket or all are chosen."""
    at_the_choice = {"field": "device_id"}
    return replace(
        problem,
        errors=tuple(
            each.model_copy(update=at_the_choice) if each.field.startswith("device_ids") else each
            for each in problem.errors
        ),
    )


async def _words(call: Call[Any, Any], typed: ProgramForm | None = None) -> dict[str, object]:
    page = await api_tokens.show_all(asking(call, None, PageQuery(limit=api_tokens.MOST_TOKENS)))
    sockets, following = await page_of_mine(call, cursor=None, limit=MOST_SOCKETS)
    mine = {each.device.id: each.device.called for each in sockets if each.owns}
    chosen = EVERY_SOCKET if typed is None else typed.device_id or EVERY_SOCKET
    # It stays chosen: were it all of them that the form offers anew, whoever presses again would let more in.
    gone = {} if chosen in {EVERY_SOCKET, *mine} else {chosen: "Not a socket of yours any more"}
    return {
        "token_made": None,
        "programs": page.items,
        "scopes": SCOPES,
        "sockets": {**gone, EVERY_SOCKET: "All of mine, also those to come", **mine},
        "listed_all": following is None,
        "names": mine,
        "typed": typed or ProgramForm(read="on", device_id=EVERY_SOCKET, days=str(api_tokens.USUAL_DAYS)),
        "lives": {"30": "30 days", "90": "90 days", "365": "a year", "730": "two years"},
    }


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path=PATH, handler=show, summary="Show programs I let in"),
    PageRoute(method="POST", path=PATH, handler=add, summary="Let a program in", body=ProgramForm, step_up=True),
    PageRoute(
        method="POST",
        path=f"{PATH}/{{token_id}}/end",
        handler=take_back,
        summary="End a program's token",
        body=Nothing,
    ),
)
