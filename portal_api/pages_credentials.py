"""Another password or another e-mail address, on pages."""

from aiohttp import web

from portal_api import access, my_address, my_password, sessions
from portal_api.my_address import CONFIRM_PATH, UNDO_PATH, NewAddress
from portal_api.my_password import PasswordChange
from portal_api.pages import SIGN_IN_PATH, go_to
from portal_api.pages_forms import TYPED, Form, TokenForm, checked, with_body
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute

SECURITY = "/security"
PASSWORD_PATH, ADDRESS_PATH = f"{SECURITY}/password", f"{SECURITY}/address"


class PasswordForm(Form):
    """The old password and the new one."""

    old_password: str = TYPED
    password: str = TYPED


class AddressForm(Form):
    """The new address."""

    username: str = TYPED


async def password_page(call: Call[None, None]) -> web.Response:
    """Show the form for another password."""
    return shown(call, "password.html")


async def password(call: Call[PasswordForm, None]) -> web.Response:
    """Set it, and give this browser another cookie."""
    given = {name: value for name, value in call.body.model_dump().items() if value or name == "password"}
    wish = checked(PasswordChange, **given)
    answer = wish if isinstance(wish, Problem) else await my_password.change(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "password.html", answer)
    response = go_to(f"{SECURITY}?said=password-set")
    access.set_cookie(call.portal.settings, response, await sessions.change_cookie(call.portal, call.session))
    return response


async def address_page(call: Call[None, None]) -> web.Response:
    """Show the form for another address."""
    return shown(call, "address.html", {"typed": AddressForm()})


async def address(call: Call[AddressForm, None]) -> web.Response:
    """Ask for it."""
    wish = checked(NewAddress, username=call.body.username)
    answer = wish if isinstance(wish, Problem) else await my_address.ask(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "address.html", answer, {"typed": call.body})
    return go_to(f"{SECURITY}?said=mail-sent")


async def confirm_page(call: Call[None, None]) -> web.Response:
    """Show a button: mail programs open links by themselves."""
    return shown(call, "address_link.html", {"token": call.request.query.get("token", ""), "undo": False})


async def confirm(call: Call[TokenForm, None]) -> web.Response:
    """Take the answer of the new mailbox."""
    answer = await my_address.confirm_with(call.portal, call.body.token)
    if isinstance(answer, Problem):
        return shown(call, "link_is_over.html", {"about": "address"}, status=answer.status)
    return go_to(f"{SIGN_IN_PATH}?said=address-changed" if call.caller is None else f"{SECURITY}?said=address-changed")


async def undo_page(call: Call[None, None]) -> web.Response:
    """Show a button here as well."""
    return shown(call, "address_link.html", {"token": call.request.query.get("token", ""), "undo": True})


async def undo(call: Call[TokenForm, None]) -> web.Response:
    """Take the change back, and lead to a new password."""
    answer = await my_address.undo_with(call.portal, call.body.token)
    if isinstance(answer, Problem):
        return shown(call, "link_is_over.html", {"about": "address"}, status=answer.status)
    response = go_to("/forgotten?said=everything-ended")
    access.drop_cookie(call.portal.settings, response)
    return response


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path=PASSWORD_PATH, handler=password_page, summary="Choose a password"),
    PageRoute(method="POST", path=PASSWORD_PATH, handler=password, summary="Choose a password", body=PasswordForm),
    PageRoute(method="GET", path=ADDRESS_PATH, handler=address_page, summary="Another address", step_up=True),
    PageRoute(
        method="POST",
        path=ADDRESS_PATH,
        handler=address,
        summary="Another address",
        body=AddressForm,
        step_up=True,
    ),
    PageRoute(
        method="GET",
        path=CONFIRM_PATH,
        handler=confirm_page,
        summary="Take the new address",
        access=Access.PUBLIC,
        limit=lambda rates: rates.token_address,
    ),
    PageRoute(
        method="POST",
        path=CONFIRM_PATH,
        handler=confirm,
        summary="Take the new address",
        access=Access.PUBLIC,
        body=TokenForm,
        limit=lambda rates: rates.token_address,
    ),
    PageRoute(
        method="GET",
        path=UNDO_PATH,
        handler=undo_page,
        summary="Take a change of address back",
        access=Access.PUBLIC,
        limit=lambda rates: rates.token_address,
    ),
    PageRoute(
        method="POST",
        path=UNDO_PATH,
        handler=undo,
        summary="Take a change of address back",
        access=Access.PUBLIC,
        body=TokenForm,
        limit=lambda rates: rates.token_address,
    ),
)
