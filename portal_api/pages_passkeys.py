"""Passkeys on pages: a script asks the browser, and what it answers comes back in an ordinary form."""

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from portal_api import access, passkey_routes, passkeys, sessions, step_up
from portal_api.pages import PROVE_PATH, SIGN_IN_PATH, go_to, local_path
from portal_api.pages_forms import TYPED, Form, Nothing, checked, with_body
from portal_api.passkey_models import NewKey, NewPasskey, PasskeyProof, UsedKey
from portal_api.problem import Problem, fault
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute
from portal_api.signing_in import came_in, time_is_over
from portal_api.step_up import StepUp

M = TypeVar("M", bound=BaseModel)
SECURITY = "/security"
_CREDENTIAL = Field(default="", max_length=20_000)


class PasskeyForm(Form):
    """What the browser answered, as the script put it there, and where to go then."""

    ticket: str = TYPED
    credential: str = _CREDENTIAL
    name: str = TYPED
    next: str = TYPED


async def sign_in(call: Call[PasskeyForm, None]) -> web.Response:
    """Open a session in this browser for whose passkey has signed."""
    typed = call.body
    used = _read(UsedKey, typed.credential)
    account = await passkeys.signed_in(call.portal, typed.ticket, used) if used else None
    words = {"typed": {"username": ""}, "next": local_path(typed.next)}
    if account is None:
        problem = passkey_routes.wrong_passkey() if used else fault("credential", "This is not from a passkey.")
        return refused(call, "sign_in.html", problem, words)
    over = time_is_over(account, call.clock.now())
    if over is not None:
        return refused(call, "sign_in.html", over, words)
    how = await came_in(call, account, second_factor=True)
    response = go_to(local_path(typed.next))
    access.set_cookie(call.portal.settings, response, await sessions.open_cookie(call.portal, account, how))
    return response


async def prove(call: Call[PasskeyForm, None]) -> web.Response:
    """Take a passkey as the proof of who one is, and go back to what was asked for."""
    typed = call.body
    used = _read(UsedKey, typed.credential)
    wish = checked(PasskeyProof, ticket=typed.ticket, credential=used) if used else passkey_routes.wrong_passkey()
    answer = wish if isinstance(wish, Problem) else await step_up.step_up(with_body(call, StepUp(passkey=wish)))
    if isinstance(answer, Problem):
        return go_to(f"{PROVE_PATH}?said=wrong-passkey")
    response = go_to(local_path(typed.next))
    access.set_cookie(call.portal.settings, response, await sessions.change_cookie(call.portal, call.session))
    return response


async def add(call: Call[PasskeyForm, None]) -> web.Response:
    """Add the passkey that the browser made, and show recovery codes where it is the first second factor."""
    typed = call.body
    made = _read(NewKey, typed.credential)
    wish = checked(NewPasskey, ticket=typed.ticket, credential=made, name=typed.name) if made else None
    if wish is None or isinstance(wish, Problem):
        return go_to(f"{SECURITY}?said=wrong-passkey")
    answer = await passkey_routes.add(with_body(call, wish))
    if isinstance(answer, Problem):
        return go_to(f"{SECURITY}?said=wrong-passkey")
    return shown(call, "recovery_codes.html", {"codes": answer.recovery_codes})


async def remove(call: Call[Nothing, None]) -> web.Response | Problem:
    """Remove a passkey."""
    problem = await passkey_routes.remove(with_body(call, None))
    return problem or go_to(f"{SECURITY}?said=factor-removed")


def _read(model: type[M], text: str) -> M | None:
    try:
        return model.model_validate_json(text)
    except ValidationError:
        return None


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(
        method="POST",
        path=f"{SIGN_IN_PATH}/passkey",
        handler=sign_in,
        summary="Sign in by a passkey",
        access=Access.PUBLIC,
        body=PasskeyForm,
        limit=lambda rates: rates.passkey_address,
    ),
    PageRoute(
        method="POST",
        path=f"{PROVE_PATH}/passkey",
        handler=prove,
        summary="Prove by a passkey who I am",
        body=PasskeyForm,
    ),
    PageRoute(
        method="POST",
        path=f"{SECURITY}/passkeys",
        handler=add,
        summary="Add a passkey",
        body=PasskeyForm,
        step_up=True,
    ),
    PageRoute(
        method="POST",
        path=f"{SECURITY}/passkeys/{{passkey_id}}/remove",
        handler=remove,
        summary="Remove a passkey",
        body=Nothing,
        step_up=True,
    ),
)
