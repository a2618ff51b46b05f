"""The pages before one is signed in: sign in and out, register, activate, forgotten and new passwords."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

from isocket.domain.accounts import Account, Registration
from isocket.kit.ids import token_hash
from portal_api import access, registration, resets, sessions, tokens
from portal_api.pages import SIGN_IN_PATH, go_to, local_path
from portal_api.pages_forms import TYPED, Form, Nothing, checked, with_body
from portal_api.pages_words import LANGUAGE_NAMES, note
from portal_api.problem import Problem, fault
from portal_api.registration import Activation, NewAccount
from portal_api.rendering import refused, shown
from portal_api.resets import NewPassword, ResetWish
from portal_api.routes import Access, AnyRoute, Call, PageRoute
from portal_api.sessions import SignedIn
from portal_api.signing_in import FACTOR_NEEDED, account_of_ticket, second_step, ticket_for
from portal_api.tokens import SignIn
from portal_api.zone_names import zones


class SignInForm(Form):
    """Address and password, and where to go then."""

    username: str = TYPED
    password: str = TYPED
    next: str = TYPED


class CodeForm(Form):
    """The second factor, with the proof that the password was right."""

    ticket: str = TYPED
    code: str = TYPED
    next: str = TYPED


class RegisterForm(Form):
    """A wish for an account."""

    username: str = TYPED
    password: str = TYPED
    name: str = TYPED
    language: str = TYPED
    time_zone: str = TYPED


class ForgottenForm(Form):
    """Whose password is forgotten."""

    username: str = TYPED


class PasswordForm(Form):
    """The token from the mail, and the password to use from now on."""

    token: str = TYPED
    password: str = TYPED


async def sign_in_page(call: Call[None, None]) -> web.Response:
    """Show the form to sign in; who is signed in already goes on."""
    if call.caller is not None:
        return go_to(local_path(call.request.query.get("next", "/")))
    return _sign_in_form(call)


async def sign_in(call: Call[SignInForm, None]) -> web.Response:
    """Open a session in this browser."""
    typed = call.body
    wish = checked(SignIn, username=typed.username, password=typed.password)
    found = (
        wish
        if isinstance(wish, Problem)
        else await tokens.prove(call.portal, wish.username, wish.password, client=call.client)
    )
    if isinstance(found, Problem):
        return refused(call, "sign_in.html", found, {"typed": typed, "next": typed.next})
    how = await second_step(call, found, None)
    if isinstance(how, Problem) and how.kind != FACTOR_NEEDED:
        return refused(call, "sign_in.html", how, {"typed": typed, "next": typed.next})
    if isinstance(how, Problem):
        words = {"ticket": ticket_for(call.portal, found), "next": local_path(typed.next)}
        return shown(call, "sign_in_code.html", words)
    return await _let_in(call, found, how, typed.next)


async def sign_in_code(call: Call[CodeForm, None]) -> web.Response:
    """Take the second factor after a right password, and open a session in this browser."""
    typed = call.body
    account = await account_of_ticket(call.portal, typed.ticket)
    if account is None:
        return go_to(f"{SIGN_IN_PATH}?said=too-late")
    how = await second_step(call, account, typed.code) if typed.code else fault("code", "Please fill this in.")
    if isinstance(how, Problem):
        return refused(call, "sign_in_code.html", how, {"ticket": typed.ticket, "next": local_path(typed.next)})
    return await _let_in(call, account, how, typed.next)


async def _let_in(call: Call[Any, Any], account: Account, how: SignedIn, wanted: str) -> web.Response:
    response = go_to(local_path(wanted or "/"))
    access.set_cookie(call.portal.settings, response, await sessions.open_cookie(call.portal, account, how))
    return response


async def sign_out(call: Call[Nothing, None]) -> web.Response:
    """End the session of this browser."""
    await sessions.end(call.portal, call.session.id)
    response = go_to(f"{SIGN_IN_PATH}?said=signed-out")
    access.drop_cookie(call.portal.settings, response)
    return response


async def register_page(call: Call[None, None]) -> web.Response:
    """Show the form to ask for an account."""
    return shown(call, "register.html", _register_words(RegisterForm(language="en", time_zone="UTC")))


async def register(call: Call[RegisterForm, None]) -> web.Response:
    """Ask for an account; the page after it is the same whether the address has one or not."""
    typed = call.body
    values = {name: value for name, value in typed.model_dump().items() if value or name in {"username", "password"}}
    wish = checked(NewAccount, **values)
    answer = wish if isinstance(wish, Problem) else await registration.register(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "register.html", answer, _register_words(typed))
    return shown(call, "look_in_the_mail.html", {"about": "activate"}, status=202)


async def activate_page(call: Call[None, None]) -> web.Response:
    """Show a button: mail programs open links by themselves, and an account must not open by that."""
    token = call.request.query.get("token", "")
    asked = await call.records.get(Registration, token_hash(token)) if token else None
    if asked is None or asked.expires_at <= call.clock.now():
        return shown(call, "link_is_over.html", {"about": "activate"}, status=400)
    return shown(call, "activate.html", {"token": token, "typed_before": bool(asked.password_hash)})


async def activate(call: Call[PasswordForm, None]) -> web.Response:
    """Open the account with a password chosen here.

    The one typed when the account was asked for may be a stranger's, who used another's address: whoever reads the
    mail and presses the button must not open the account for them.
    """
    typed = call.body
    words = {"token": typed.token, "typed_before": False, "live_from": _link("/activate", typed.token)}
    if not typed.password:
        empty = fault("password", "Please choose a password; if you chose one before, it may be that one.")
        return refused(call, "activate.html", empty, words)
    wish = checked(Activation, token=typed.token, password=typed.password)
    answer = wish if isinstance(wish, Problem) else await registration.activate(with_body(call, wish))
    if not isinstance(answer, Problem):
        return go_to(f"{SIGN_IN_PATH}?said=activated")
    if any(each.field == "password" for each in answer.errors):
        return refused(call, "activate.html", answer, words)
    return shown(call, "link_is_over.html", {"about": "activate"}, status=answer.status)


async def forgotten_page(call: Call[None, None]) -> web.Response:
    """Show the form to ask for a link to a new password."""
    return shown(call, "forgotten.html", {"typed": ForgottenForm(), "note": note(call.request.query.get("said"))})


async def forgotten(call: Call[ForgottenForm, None]) -> web.Response:
    """Ask for that link; the page after it is the same for every address."""
    wish = checked(ResetWish, username=call.body.username)
    if isinstance(wish, Problem):
        return refused(call, "forgotten.html", wish, {"typed": call.body})
    await resets.ask(with_body(call, wish))
    return shown(call, "look_in_the_mail.html", {"about": "reset"}, status=202)


async def reset_page(call: Call[None, None]) -> web.Response:
    """Show the form for a new password, the way to one without a token, and where its time is over.

    Nobody thinks of a password first and reads then that the link is not good.
    """
    token = call.request.query.get("token", "")
    if not token:
        return go_to("/forgotten")
    if not await resets.is_good(call.portal, token):
        return shown(call, "link_is_over.html", {"about": "reset"}, status=400)
    return shown(call, "reset.html", {"token": token})


async def reset(call: Call[PasswordForm, None]) -> web.Response:
    """Set the new password."""
    typed = call.body
    wish = checked(NewPassword, token=typed.token, password=typed.password)
    answer = wish if isinstance(wish, Problem) else await resets.confirm(with_body(call, wish))
    if not isinstance(answer, Problem):
        response = go_to(f"{SIGN_IN_PATH}?said=password-changed")
        access.drop_cookie(call.portal.settings, response)
        return response
    if any(each.field == "password" for each in answer.errors):
        return refused(call, "reset.html", answer, {"token": typed.token, "live_from": _link("/reset", typed.token)})
    return shown(call, "link_is_over.html", {"about": "reset"}, status=answer.status)


def _link(path: str, token: str) -> str:
    """Return the link again that brought somebody to a form: without its token a page says that it is not good."""
    return f"{path}?token={quote(token, safe='')}"


def _sign_in_form(call: Call[None, None]) -> web.Response:
    wanted = call.request.query.get("next", "/")
    words = {"typed": SignInForm(), "next": local_path(wanted), "note": note(call.request.query.get("said"))}
    return shown(call, "sign_in.html", words)


def _register_words(typed: RegisterForm) -> Mapping[str, object]:
    return {"typed": typed, "languages": LANGUAGE_NAMES, "zones": zones()}


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path=SIGN_IN_PATH, handler=sign_in_page, summary="Sign in", access=Access.PUBLIC),
    PageRoute(
        method="POST",
        path=SIGN_IN_PATH,
        handler=sign_in,
        summary="Sign in",
        access=Access.PUBLIC,
        body=SignInForm,
    ),
    PageRoute(
        method="POST",
        path=f"{SIGN_IN_PATH}/code",
        handler=sign_in_code,
        summary="Show the second factor",
        access=Access.PUBLIC,
        body=CodeForm,
    ),
    PageRoute(method="POST", path="/sign-out", handler=sign_out, summary="Sign out", body=Nothing),
    PageRoute(
        method="GET",
        path="/register",
        handler=register_page,
        summary="Ask for an account",
        access=Access.PUBLIC,
    ),
    PageRoute(
        method="POST",
        path="/register",
        handler=register,
        summary="Ask for an account",
        access=Access.PUBLIC,
        body=RegisterForm,
    ),
    PageRoute(
        method="GET",
        path="/activate",
        handler=activate_page,
        summary="Open the account",
        access=Access.PUBLIC,
        limit=lambda rates: rates.token_address,
    ),
    PageRoute(
        method="POST",
        path="/activate",
        handler=activate,
        summary="Open the account",
        access=Access.PUBLIC,
        body=PasswordForm,
        limit=lambda rates: rates.token_address,
    ),
    PageRoute(
        method="GET",
        path="/forgotten",
        handler=forgotten_page,
        summary="Ask for a new password",
        access=Access.PUBLIC,
    ),
    PageRoute(
        method="POST",
        path="/forgotten",
        handler=forgotten,
        summary="Ask for a new password",
        access=Access.PUBLIC,
        body=ForgottenForm,
    ),
    PageRoute(
        method="GET",
        path="/reset",
        handler=reset_page,
        summary="Choose a new password",
        access=Access.PUBLIC,
        limit=lambda rates: rates.token_address,
    ),
    PageRoute(
        method="POST",
        path="/reset",
        handler=reset,
        summary="Choose a new password",
        access=Access.PUBLIC,
        body=PasswordForm,
        limit=lambda rates: rates.token_address,
    ),
)
