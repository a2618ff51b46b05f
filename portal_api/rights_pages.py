"""The pages by which anybody asks for something by right, and says that it was them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web

from isocket.domain.negotiation import best_language
from isocket.domain.request_letters import day_of
from isocket.domain.requests import Right
from portal_api.pages_forms import TYPED, WRITTEN, Form, TokenForm, checked
from portal_api.pages_words import LANGUAGE_NAMES
from portal_api.privacy_requests import REQUESTS_CLIENT, RightsWish, authority_view, confirm_with, wish_for
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute

KINDS: Mapping[str, str] = MappingProxyType(
    {
        Right.ACCESS.value: "A copy of what you hold about me",
        Right.RECTIFICATION.value: "Correct something",
        Right.ERASURE.value: "Erase me",
        Right.RESTRICTION.value: "Only keep my data, and do not use it",
        Right.OBJECTION.value: "I object to a use of my data",
        Right.PORTABILITY.value: "My data to take elsewhere",
    }
)


class RightsForm(Form):
    """What is asked for."""

    kind: str = TYPED
    email: str = TYPED
    name: str = TYPED
    words: str = WRITTEN
    language: str = TYPED
    country: str = TYPED


async def ask_page(call: Call[None, None]) -> web.Response:
    """Show the button of a mail's link, or the form to ask."""
    token = call.request.query.get("token", "")[:128]
    if token:
        return shown(call, "rights.html", {"what": "press", "typed": token})
    language = best_language(call.request.headers.get("Accept-Language", ""))
    return shown(call, "rights.html", _words(call, RightsForm(kind=Right.ACCESS.value, language=language)))


async def ask(call: Call[RightsForm, None]) -> web.Response:
    """Ask; the page after it is the same whether we hold the address or not."""
    typed = call.body
    values = {name: value for name, value in typed.model_dump().items() if value or name in {"kind", "email"}}
    wish = checked(RightsWish, **values)
    if isinstance(wish, Problem):
        return refused(call, "rights.html", wish, _words(call, typed))
    told = await wish_for(call.portal, wish)
    until = day_of(told.due_at, call.portal.settings.office)
    return shown(call, "rights.html", {"what": "sent", "until": until}, status=202)


async def confirm(call: Call[TokenForm, None]) -> web.Response:
    """Take the answer from a mailbox."""
    answer = await confirm_with(call.portal, call.body.token)
    if isinstance(answer, Problem):
        return refused(call, "rights.html", answer, _words(call, RightsForm(kind=Right.ACCESS.value)))
    until = day_of(answer.due_at, call.portal.settings.office)
    done = answer.decided_at is not None or answer.fulfilled_by is not None
    return shown(call, "rights.html", {"what": "confirmed", "until": until, "done": done})


def _words(call: Call[Any, Any], typed: RightsForm) -> dict[str, object]:
    authority = authority_view(call.portal, "")
    return {"what": "ask", "typed": typed, "kinds": KINDS, "languages": LANGUAGE_NAMES, "authority": authority}


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(
        method="GET",
        path="/rights",
        handler=ask_page,
        summary="Ask for something by right",
        access=Access.PUBLIC,
    ),
    PageRoute(
        method="POST",
        path="/rights",
        handler=ask,
        summary="Ask for something by right",
        access=Access.PUBLIC,
        body=RightsForm,
        limit=lambda _: REQUESTS_CLIENT,
    ),
    PageRoute(
        method="POST",
        path="/rights/confirm",
        handler=confirm,
        summary="Say that it was me who asked",
        access=Access.PUBLIC,
        body=TokenForm,
        limit=lambda rates: rates.token_address,
    ),
)
