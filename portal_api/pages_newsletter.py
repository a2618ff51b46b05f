"""The newsletter's pages: asking for it with a box that nobody ticked for you, saying yes, and leaving."""

from aiohttp import web

from isocket.domain.consents import ConsentBy, wording_of
from isocket.domain.newsletter_letters import CONFIRM_PATH, LEAVE_PATH
from portal_api import newsletter, subscribing
from portal_api.newsletter import NewsletterWish
from portal_api.pages_forms import TYPED, Form, TokenForm, checked, with_body
from portal_api.pages_words import LANGUAGE_NAMES
from portal_api.problem import Problem, fault
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute


class WishForm(Form):
    """A mailbox, and a box that has to be ticked by hand."""

    email: str = TYPED
    language: str = TYPED
    agree: str = TYPED


async def ask_page(call: Call[None, None]) -> web.Response:
    """Show the form."""
    return shown(call, "newsletter.html", _words(WishForm(language="en")))


async def ask(call: Call[WishForm, None]) -> web.Response:
    """Ask for the newsletter; the page after it is the same for every mailbox."""
    typed = call.body
    wish = checked(NewsletterWish, email=typed.email, language=typed.language or "en")
    if not isinstance(wish, Problem) and not typed.agree:
        wish = fault("agree", "Please tick the box if you want it.")
    if isinstance(wish, Problem):
        return refused(call, "newsletter.html", wish, _words(typed))
    await newsletter.ask(with_body(call, wish))
    return shown(call, "newsletter_said.html", {"about": "asked"}, status=202)


async def confirm_page(call: Call[None, None]) -> web.Response:
    """Show the button that says yes."""
    return shown(call, "newsletter_button.html", {"about": "confirm", "token": call.request.query.get("token", "")})


async def confirm(call: Call[TokenForm, None]) -> web.Response:
    """Say yes."""
    found = await subscribing.confirm(call.portal, call.body.token) if call.body.token else None
    if found is None:
        return shown(call, "newsletter_said.html", {"about": "over"}, status=400)
    return shown(call, "newsletter_said.html", {"about": "confirmed"})


async def leave_page(call: Call[None, None]) -> web.Response:
    """Show the button that stops it."""
    return shown(call, "newsletter_button.html", {"about": "leave", "token": call.request.query.get("token", "")})


async def leave(call: Call[TokenForm, None]) -> web.Response:
    """Stop it; the page is the same for a token that is not good."""
    if call.body.token:
        await subscribing.leave_by(call.portal, call.body.token, ConsentBy.LINK)
    return shown(call, "newsletter_said.html", {"about": "left"})


def _words(typed: WishForm) -> dict[str, object]:
    wording = wording_of(typed.language)
    return {"typed": typed, "languages": LANGUAGE_NAMES, "wording": wording.text}


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(
        method="GET",
        path="/newsletter",
        handler=ask_page,
        summary="Ask for the newsletter",
        access=Access.PUBLIC,
    ),
    PageRoute(
        method="POST",
        path="/newsletter",
        handler=ask,
        summary="Ask for the newsletter",
        access=Access.PUBLIC,
        body=WishForm,
    ),
    PageRoute(
        method="GET",
        path=CONFIRM_PATH,
        handler=confirm_page,
        summary="Say yes to the newsletter",
        access=Access.PUBLIC,
    ),
    PageRoute(
        method="POST",
        path=CONFIRM_PATH,
        handler=confirm,
        summary="Say yes to the newsletter",
        access=Access.PUBLIC,
        body=TokenForm,
        limit=lambda rates: rates.token_address,
    ),
    PageRoute(method="GET", path=LEAVE_PATH, handler=leave_page, summary="Leave the newsletter", access=Access.PUBLIC),
    PageRoute(
        method="POST",
        path=LEAVE_PATH,
        handler=leave,
        summary="Leave the newsletter",
        access=Access.PUBLIC,
        body=TokenForm,
        limit=lambda rates: rates.token_address,
    ),
)
