"""The people to be told, as a page: entering them, proving their addresses with a code, letting them go."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from isocket.domain.contacts import Verification
from isocket.storage.port import is_
from portal_api import contacts, verifications
from portal_api.contact_models import ContactChange, NewContact
from portal_api.models import PageQuery
from portal_api.pages import go_to
from portal_api.pages_away import standing_in
from portal_api.pages_forms import TYPED, Form, Nothing, checked, with_body
from portal_api.pages_words import TOLD_ABOUT, note
from portal_api.problem import Problem, ProblemError
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.verifications import CodeWish, TypedCode


class ContactForm(Form):
    """Somebody to be told."""

    name: str = TYPED
    phone: str = TYPED
    email: str = TYPED


class ChannelForm(Form):
    """By which channel to send a code."""

    channel: str = TYPED


class CodeForm(Form):
    """The code that came."""

    channel: str = TYPED
    code: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show all contacts with what is verified."""
    words = {**await _words(call), "note": note(call.request.query.get("said"))}
    return shown(call, "contacts.html", words, here="contacts")


async def enter(call: Call[ContactForm, None]) -> web.Response:
    """Enter somebody; a code goes to each of their addresses at once."""
    typed = call.body
    wish = checked(NewContact, name=typed.name, phone=typed.phone.strip() or None, email=typed.email.strip() or None)
    answer = wish if isinstance(wish, Problem) else await contacts.enter(with_body(call, wish))
    if isinstance(answer, Problem):
        return await _again(call, answer, {"typed": typed})
    a_code_went = await call.records.count(Verification, is_("contact_id", answer.id))
    return go_to(f"/contacts?said={'contact-added' if a_code_went else 'contact-entered'}")


async def send_code(call: Call[ChannelForm, None]) -> web.Response:
    """Send a code once more."""
    wish = checked(CodeWish, channel=call.body.channel)
    answer = wish if isinstance(wish, Problem) else await verifications.send(with_body(call, wish))
    if isinstance(answer, Problem):
        return await _again(call, _whole(answer))
    return go_to("/contacts?said=code-sent")


async def verify(call: Call[CodeForm, None]) -> web.Response:
    """Take the code that somebody typed."""
    wish = checked(TypedCode, channel=call.body.channel, code=call.body.code)
    answer = wish if isinstance(wish, Problem) else await verifications.verify(with_body(call, wish))
    if isinstance(answer, Problem):
        return await _again(call, _whole(answer))
    return go_to("/contacts?said=verified")


async def resume(call: Call[Nothing, None]) -> web.Response:
    """Take up messages to the account's own contact again."""
    answer = await contacts.change(with_body(call, ContactChange(paused=False)))
    if isinstance(answer, Problem):
        return await _again(call, answer)
    return go_to("/contacts?said=resumed")


async def let_go(call: Call[Nothing, None]) -> web.Response:
    """Remove a contact."""
    answer = await contacts.let_go(with_body(call, None))
    if isinstance(answer, Problem):
        return await _again(call, answer)
    return go_to("/contacts?said=contact-removed")


async def _again(call: Call[Any, Any], problem: Problem, more: Mapping[str, object] | None = None) -> web.Response:
    return refused(call, "contacts.html", problem, {**await _words(call), **(more or {})}, here="contacts")


async def _words(call: Call[Any, Any]) -> dict[str, object]:
    query = checked(PageQuery, cursor=call.request.query.get("cursor"), limit=contacts.MOST_CONTACTS)
    if isinstance(query, Problem):
        raise ProblemError(query)
    page = await contacts.show_all(replace(call, query=query))
    return {
        "people": page.items,
        "following": page.next,
        "typed": ContactForm(),
        "told_about": TOLD_ABOUT,
        "standing_in": await standing_in(call),
    }


def _whole(problem: Problem) -> Problem:
    """Return a problem of one field as one of the page: the field stands once for each contact there."""
    if not problem.errors:
        return problem
    return replace(problem, detail=problem.errors[0].message.removeprefix("Value error, "), errors=())


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/contacts", handler=show, summary="Show my contacts"),
    PageRoute(method="POST", path="/contacts", handler=enter, summary="Enter a contact", body=ContactForm),
    PageRoute(
        method="POST",
        path="/contacts/{contact_id}/verification",
        handler=send_code,
        summary="Send a verification code",
        body=ChannelForm,
    ),
    PageRoute(
        method="POST",
        path="/contacts/{contact_id}/verify",
        handler=verify,
        summary="Type in a verification code",
        body=CodeForm,
    ),
    PageRoute(
        method="POST",
        path="/contacts/{contact_id}/resume",
        handler=resume,
        summary="Take up messages to myself again",
        body=Nothing,
    ),
    PageRoute(
        method="POST",
        path="/contacts/{contact_id}/remove",
        handler=let_go,
        summary="Remove a contact",
        body=Nothing,
    ),
)
