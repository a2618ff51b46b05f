"""The page about signing in: second factors, and where one is signed in."""

from typing import Any

from aiohttp import web

from isocket.domain.factors import TotpFactor
from isocket.storage.port import is_
from portal_api import my_sessions, passkey_routes, second_factor
from portal_api.factors import factors_of
from portal_api.models import PageQuery
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, Nothing, asking, checked, with_body
from portal_api.pages_words import note
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.second_factor import FactorCode, RecoveryCodes
from portal_api.signing_in import AGENT_NAMES
from portal_api.totp_secrets import address_of, picture_of

HOME = "/security"
_MOST_SHOWN = 200


class CodeForm(Form):
    """The first code of an app."""

    code: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show what signing in asks for, and where one is signed in."""
    return shown(call, "security.html", {**await _words(call), "note": note(call.request.query.get("said"))})


async def begin(call: Call[Nothing, None]) -> web.Response:
    """Show the picture that an app takes, and ask for its first code."""
    made = await second_factor.begin(with_body(call, None))
    if isinstance(made, Problem):
        return refused(call, "security.html", made, await _words(call))
    return shown(call, "totp.html", _picture(made.secret, made.uri))


async def confirm(call: Call[CodeForm, None]) -> web.Response:
    """Take the first code, and show the recovery codes this once."""
    wish = checked(FactorCode, code=call.body.code)
    answer = wish if isinstance(wish, Problem) else await second_factor.confirm(with_body(call, wish))
    if isinstance(answer, RecoveryCodes):
        return shown(call, "recovery_codes.html", {"codes": answer.recovery_codes})
    pending = await call.records.find(TotpFactor, is_("account_id", call.account.id), is_("confirmed_at", None))
    if not pending:
        return go_to(HOME)
    secret = pending[0].secret
    return refused(call, "totp.html", answer, _picture(secret, address_of(secret, call.account.email)))


async def remove(call: Call[Nothing, None]) -> web.Response:
    """Remove the app."""
    await second_factor.remove(with_body(call, None))
    return go_to(f"{HOME}?said=factor-removed")


async def renew_codes(call: Call[Nothing, None]) -> web.Response:
    """Show new recovery codes this once."""
    made = await second_factor.renew_codes(with_body(call, None))
    if isinstance(made, Problem):
        return refused(call, "security.html", made, await _words(call))
    return shown(call, "recovery_codes.html", {"codes": made.recovery_codes})


async def end_one(call: Call[Nothing, None]) -> web.Response | Problem:
    """Sign one browser or program out."""
    problem = await my_sessions.end_one(with_body(call, None))
    return problem or go_to(f"{HOME}?said=session-ended")


async def end_others(call: Call[Nothing, None]) -> web.Response:
    """Sign out everything but this browser."""
    await my_sessions.end_others(with_body(call, None))
    return go_to(f"{HOME}?said=all-ended")


async def _words(call: Call[Any, Any]) -> dict[str, object]:
    listing = asking(call, None, PageQuery(limit=_MOST_SHOWN))
    return {
        "factors": await second_factor.show(with_body(call, None)),
        "sessions": (await my_sessions.show_all(listing)).items,
        "passkeys": [passkey_routes.view(each) for each in (await factors_of(call.records, call.account.id)).passkeys],
        "agents": AGENT_NAMES,
    }


def _picture(secret: str, address: str) -> dict[str, object]:
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return {"secret": grouped, "picture": picture_of(address)}


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path=HOME, handler=show, summary="Signing in"),
    PageRoute(
        method="POST",
        path=f"{HOME}/totp",
        handler=begin,
        summary="Add an app that shows codes",
        body=Nothing,
        step_up=True,
    ),
    PageRoute(
        method="POST",
        path=f"{HOME}/totp/confirm",
        handler=confirm,
        summary="Take the first code of the app",
        body=CodeForm,
        step_up=True,
    ),
    PageRoute(
        method="POST",
        path=f"{HOME}/totp/remove",
        handler=remove,
        summary="Remove the app",
        body=Nothing,
        step_up=True,
    ),
    PageRoute(
        method="POST",
        path=f"{HOME}/recovery-codes",
        handler=renew_codes,
        summary="Make new recovery codes",
        body=Nothing,
        step_up=True,
    ),
    PageRoute(
        method="POST",
        path=f"{HOME}/sessions/end-others",
        handler=end_others,
        summary="Sign out everywhere else",
        body=Nothing,
    ),
    PageRoute(
        method="POST",
        path=f"{HOME}/sessions/{{session_id}}/end",
        handler=end_one,
        summary="Sign out one browser or program",
        body=Nothing,
    ),
)
