"""The page on which somebody who is signed in proves once more who they are."""

from typing import Any

from aiohttp import web

from portal_api import access, sessions, step_up
from portal_api.factors import factors_of
from portal_api.pages import PROVE_PATH, go_to, local_path
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.pages_words import note
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.step_up import StepUp


class ProofForm(Form):
    """The password once more, and where to go then."""

    password: str = TYPED
    code: str = TYPED
    next: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show the form."""
    said = note(call.request.query.get("said"))
    return shown(call, "prove.html", {**await _words(call, call.request.query.get("next", "/")), "note": said})


async def prove(call: Call[ProofForm, None]) -> web.Response:
    """Take the proof, give the session another cookie, and go back to what was asked for."""
    typed = call.body
    given = {"code": typed.code} if typed.code and not typed.password else {"password": typed.password}
    wish = checked(StepUp, **given)
    answer = wish if isinstance(wish, Problem) else await step_up.step_up(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "prove.html", answer, await _words(call, typed.next))
    response = go_to(local_path(typed.next))
    access.set_cookie(call.portal.settings, response, await sessions.change_cookie(call.portal, call.session))
    return response


async def _words(call: Call[Any, Any], wanted: str) -> dict[str, object]:
    found = await factors_of(call.records, call.account.id)
    return {"next": local_path(wanted), "by_code": bool(found), "by_passkey": bool(found.passkeys)}


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path=PROVE_PATH, handler=show, summary="Prove who I am"),
    PageRoute(method="POST", path=PROVE_PATH, handler=prove, summary="Prove who I am", body=ProofForm),
)
