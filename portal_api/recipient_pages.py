"""The pages of alarm recipients: ask for the way in, press a button, see and decide. No cookie, no account.

The token of a visit stands in the forms of the page and in no address, so it lies in no history and no log.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import hdrs, web

from isocket.domain.negotiation import best_language
from portal_api.code_words import codes_in, handed_in, named_in
from portal_api.pages_forms import TYPED, Form, checked
from portal_api.problem import Problem
from portal_api.processing_words import processing_in, recipient_in
from portal_api.recipient_acts import come_back, correct, erase, object_to, stop
from portal_api.recipient_file import GONE_OWNER, about, as_file
from portal_api.recipient_models import Correction, WayIn
from portal_api.recipient_visits import (
    OPENINGS_CLIENT,
    VISITS_CLIENT,
    Guest,
    guest_of,
    invite,
    leave,
    open_by_code,
    open_by_link,
)
from portal_api.recipient_words import words_in
from portal_api.rendering import shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute


class WayInForm(Form):
    """By which address somebody is told of alarms."""

    address: str = TYPED


class OpenForm(Form):
    """What a link or a text brought."""

    token: str = TYPED
    address: str = TYPED
    code: str = TYPED


class ActForm(Form):
    """What somebody wants done, with the token of their visit."""

    token: str = TYPED
    act: str = TYPED
    name: str = TYPED


async def ask_page(call: Call[None, None]) -> web.Response:
    """Show the form that asks for an address."""
    return _door(call, "ask")


async def ask(call: Call[WayInForm, None]) -> web.Response:
    """Send the way in. The page after it is the same whether we hold the address or not."""
    language = _language(call)
    wish = checked(WayIn, address=call.body.address, language=language)
    if isinstance(wish, Problem):
        return _door(call, "ask", status=wish.status, typed=call.body.address, fault="no_address")
    await invite(call.portal, wish.address, client=call.client, language=language)
    return _door(call, "sent", status=202, typed=wish.address)


async def open_page(call: Call[None, None]) -> web.Response:
    """Show a button: mail programs open links by themselves, and that must not use this one up."""
    return _door(call, "press", typed=call.request.query.get("token", "")[:128])


async def open_visit(call: Call[OpenForm, None]) -> web.Response:
    """Open a visit and show the page."""
    typed = call.body
    if typed.token:
        opened = await open_by_link(call.portal, typed.token)
    else:
        wish = checked(WayIn, address=typed.address)
        code = "".join(typed.code.split())
        opened = None if isinstance(wish, Problem) else await open_by_code(call.portal, wish.address, code)
    if opened is None and typed.address and not typed.token:
        return _door(call, "sent", status=400, typed=typed.address, fault="wrong_code")
    if opened is None:
        return _door(call, "over", status=400)
    token, guest = opened
    return await _page(call, guest, token)


async def act(call: Call[ActForm, None]) -> web.Response:
    """Do what somebody wants, and show the page as it is then."""
    typed = call.body
    guest = await guest_of(call.portal, typed.token)
    if guest is None:
        return _door(call, "over", status=400)
    if typed.act == "erase":  # one press too many must not end it for good: it is asked for once more
        return _door(call, "sure", typed=typed.token, language=guest.language)
    if typed.act == "sure":
        await erase(call.portal, guest.address, guest.entries)
        await leave(call.portal, guest.visit)
        return _door(call, "erased", language=guest.language)
    if typed.act == "name":
        wish = checked(Correction, name=typed.name)
        if isinstance(wish, Problem):
            return await _page(call, guest, typed.token, fault="no_name", status=wish.status)
        await correct(call.portal, guest.entries, {"name": wish.name})
    elif typed.act in _ACTS:
        await _ACTS[typed.act](call.portal, guest.address, guest.entries)
    again = await guest_of(call.portal, typed.token) or guest
    return await _page(call, again, typed.token, said=_SAID.get(typed.act))


async def fetch(call: Call[ActForm, None]) -> web.Response:
    """Give everything as a file."""
    guest = await guest_of(call.portal, call.body.token)
    if guest is None:
        return _door(call, "over", status=400)
    return as_file(await about(call.portal, guest))


_ACTS: Mapping[str, Callable[..., Awaitable[None]]] = MappingProxyType(
    {"stop": stop, "object": object_to, "return": come_back}
)
_SAID: Mapping[str, str] = MappingProxyType(
    {"stop": "stopped", "object": "objected", "return": "returned", "name": "saved"}
)


def _door(
    call: Call[Any, Any],
    what: str,
    *,
    status: int = 200,
    typed: str = "",
    fault: str = "",
    language: str | None = None,
) -> web.Response:
    tongue = language or _language(call)
    words = {"words": words_in(tongue), "tongue": tongue, "what": what, "typed": typed, "fault": fault}
    return shown(call, "people_door.html", words, status=status)


async def _page(
    call: Call[Any, Any],
    guest: Guest,
    token: str,
    *,
    said: str | None = None,
    fault: str = "",
    status: int = 200,
) -> web.Response:
    tongue = guest.language
    told = await about(call.portal, guest)
    words = {"words": words_in(tongue), "tongue": tongue, "told": told, "visit": token, "said": said, "fault": fault}
    words["gone_owner"] = GONE_OWNER
    codes = {
        "codes": codes_in(tongue),
        "named": named_in,
        "handed": handed_in,
        "of_use": processing_in,
        "of_recipient": recipient_in,
    }
    return shown(call, "people.html", {**words, **codes}, status=status)


def _language(call: Call[Any, Any]) -> str:
    return best_language(call.request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(
        method="GET",
        path="/people",
        handler=ask_page,
        summary="Ask for the way to one's own page",
        access=Access.PUBLIC,
    ),
    PageRoute(
        method="POST",
        path="/people",
        handler=ask,
        summary="Ask for the way to one's own page",
        access=Access.PUBLIC,
        body=WayInForm,
        limit=lambda _: VISITS_CLIENT,
    ),
    PageRoute(
        method="GET",
        path="/people/open",
        handler=open_page,
        summary="The button that opens one's own page",
        access=Access.PUBLIC,
    ),
    PageRoute(
        method="POST",
        path="/people/open",
        handler=open_visit,
        summary="Open one's own page",
        access=Access.PUBLIC,
        body=OpenForm,
        limit=lambda _: OPENINGS_CLIENT,
    ),
    PageRoute(
        method="POST",
        path="/people/act",
        handler=act,
        summary="Decide about what is held about oneself",
        access=Access.PUBLIC,
        body=ActForm,
    ),
    PageRoute(
        method="POST",
        path="/people/file",
        handler=fetch,
        summary="Fetch what is held about oneself as a file",
        access=Access.PUBLIC,
        body=ActForm,
    ),
)
