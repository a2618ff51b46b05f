"""The page behind the link in every mail about signing in: one button that ends everything."""

from aiohttp import web

from portal_api import access, lockdown
from portal_api.notices import NOT_ME_PATH
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form
from portal_api.rendering import shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute


class NotMeForm(Form):
    """The ticket from the mail."""

    ticket: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show the button: mail programs open links by themselves, and nothing may happen by that."""
    ticket = call.request.query.get("ticket", "")
    if await lockdown.told_in(call.portal, ticket) is None:
        return shown(call, "link_is_over.html", {"about": "not-me"}, status=400)
    return shown(call, "not_me.html", {"ticket": ticket})


async def end_everything(call: Call[NotMeForm, None]) -> web.Response:
    """Sign everybody out, lock the password, and lead to a new one."""
    told = await lockdown.told_in(call.portal, call.body.ticket)
    if told is None:
        return shown(call, "link_is_over.html", {"about": "not-me"}, status=400)
    await lockdown.lock(call.portal, told.account, since=told.at)
    response = go_to("/forgotten?said=everything-ended")
    access.drop_cookie(call.portal.settings, response)
    return response


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(
        method="GET",
        path=NOT_ME_PATH,
        handler=show,
        summary="It was not me",
        access=Access.PUBLIC,
        limit=lambda rates: rates.token_address,
    ),
    PageRoute(
        method="POST",
        path=NOT_ME_PATH,
        handler=end_everything,
        summary="End everything",
        access=Access.PUBLIC,
        body=NotMeForm,
        limit=lambda rates: rates.token_address,
    ),
)
