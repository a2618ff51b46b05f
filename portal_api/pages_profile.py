"""One's own name, language and time zone."""

from aiohttp import web

from portal_api import accounts
from portal_api.accounts import MeChange
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.pages_words import LANGUAGE_NAMES, note
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.zone_names import zones


class ProfileForm(Form):
    """What can be changed of a profile."""

    name: str = TYPED
    language: str = TYPED
    time_zone: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show one's profile."""
    me = call.account
    typed = ProfileForm(name=me.name, language=me.language, time_zone=me.time_zone)
    return shown(call, "profile.html", {**_words(typed), "note": note(call.request.query.get("said"))}, here="profile")


async def change(call: Call[ProfileForm, None]) -> web.Response:
    """Change it."""
    wish = checked(MeChange, **call.body.model_dump())
    answer = wish if isinstance(wish, Problem) else await accounts.change(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "profile.html", answer, _words(call.body), here="profile")
    return go_to("/profile?said=saved")


def _words(typed: ProfileForm) -> dict[str, object]:
    return {"typed": typed, "languages": LANGUAGE_NAMES, "zones": zones()}


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/profile", handler=show, summary="Show my profile"),
    PageRoute(method="POST", path="/profile", handler=change, summary="Change my profile", body=ProfileForm),
)
