"""The logins of one's Home Assistants, as a page: making one, what to type in there, and ending it."""

from typing import Any

from aiohttp import web

from portal_api import home_assistant
from portal_api.home_assistant import NewHome
from portal_api.models import PageQuery
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, Nothing, asking, checked, with_body
from portal_api.pages_words import note
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute

PATH = "/home-assistant"
PAGE = "home_assistant.html"


class HomeForm(Form):
    """A home, and whether it switches."""

    name: str = TYPED
    control: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show which homes I let in."""
    return shown(call, PAGE, {**await _words(call), "note": note(call.request.query.get("said"))}, here="profile")


async def add(call: Call[HomeForm, None]) -> web.Response:
    """Let one more in, and show its password, which is never shown again."""
    typed = call.body
    wish = checked(NewHome, name=typed.name.strip(), control=bool(typed.control))
    answer = wish if isinstance(wish, Problem) else await home_assistant.make(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, PAGE, answer, await _words(call, typed), here="profile")
    return shown(call, PAGE, {**await _words(call), "made": answer, "live_from": PATH}, here="profile")


async def end(call: Call[Nothing, None]) -> web.Response:
    """End a login."""
    answer = await home_assistant.revoke(with_body(call, None))
    if isinstance(answer, Problem):
        return refused(call, PAGE, answer, await _words(call), here="profile")
    return go_to(f"{PATH}?said=home-ended")


async def _words(call: Call[Any, Any], typed: HomeForm | None = None) -> dict[str, object]:
    query = PageQuery(limit=home_assistant.MOST_HOMES)
    return {
        "made": None,
        "homes": (await home_assistant.show_all(asking(call, None, query))).items,
        "offered": call.portal.settings.home_broker is not None,
        "typed": typed or HomeForm(control="on"),
    }


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path=PATH, handler=show, summary="Show my Home Assistants"),
    PageRoute(method="POST", path=PATH, handler=add, summary="Let a Home Assistant in", body=HomeForm, step_up=True),
    PageRoute(
        method="POST",
        path=f"{PATH}/{{home_id}}/end",
        handler=end,
        summary="End the login of a Home Assistant",
        body=Nothing,
    ),
)
