"""The browsers and programs of a contact, as a page. Adding this browser needs a script, all else is plain forms."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from portal_api import endpoints
from portal_api.code_words import codes_in
from portal_api.endpoint_models import EndpointMade, NewEndpoint, SecretView
from portal_api.endpoints import path_of_page
from portal_api.owned import own_contact
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, Nothing, checked, with_body
from portal_api.pages_words import REASONS, note, word_for
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute, Reply


class WebhookForm(Form):
    """A program to be told."""

    url: str = TYPED
    label: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show where this contact is told besides telephone and mailbox."""
    return shown(
        call,
        "endpoints.html",
        {**await _words(call), "note": note(call.request.query.get("said"))},
        here="contacts",
    )


async def add(call: Call[WebhookForm, None]) -> web.Response:
    """Add a program, and show its secret, which is never shown again."""
    typed = call.body
    wish = checked(NewEndpoint, kind="webhook", url=typed.url.strip(), label=typed.label.strip())
    answer = wish if isinstance(wish, Problem) else await endpoints.add(with_body(call, wish))
    if isinstance(answer, Problem):
        return await _again(call, answer, {"typed": typed})
    return await _with_secret(call, answer)


async def take_away(call: Call[Nothing, None]) -> web.Response:
    """Take one away."""
    await endpoints.take_away(with_body(call, None))
    return _back(call, "endpoint-removed")


async def prove(call: Call[Nothing, None]) -> web.Response:
    """Send the first message once more."""
    answer = await endpoints.prove(with_body(call, None))
    return await _again(call, answer) if isinstance(answer, Problem) else _back(call, "endpoint-asked")


async def test(call: Call[Nothing, None]) -> web.Response:
    """Send a test."""
    answer = await endpoints.test(with_body(call, None))
    return await _again(call, answer) if isinstance(answer, Problem) else _back(call, "endpoint-tried")


async def change_secret(call: Call[Nothing, None]) -> web.Response:
    """Change a program's secret, and show the new one."""
    answer = await endpoints.change_secret(with_body(call, None))
    return await (_again(call, answer) if isinstance(answer, Problem) else _with_secret(call, answer))


def _back(call: Call[Any, Any], said: str) -> web.Response:
    return go_to(f"{path_of_page(call.path['contact_id'])}?said={said}")


async def _with_secret(call: Call[Any, Any], answer: Reply | SecretView) -> web.Response:
    """Show the page with a secret that stands nowhere else: there is no address that shows it again."""
    made = answer.body if isinstance(answer, Reply) else answer
    secret = made.secret if isinstance(made, EndpointMade | SecretView) else None
    return shown(call, "endpoints.html", {**await _words(call), "secret": secret}, here="contacts")


async def _again(call: Call[Any, Any], problem: Problem, more: Mapping[str, object] | None = None) -> web.Response:
    return refused(call, "endpoints.html", problem, {**await _words(call), **(more or {})}, here="contacts")


async def _words(call: Call[Any, Any]) -> dict[str, object]:
    contact = await own_contact(call)
    page = await endpoints.show_all(replace(call, query=None, body=None))
    return {
        "contact": contact,
        "live_from": path_of_page(contact.id),
        "endpoints": page.items,
        "push_key": call.portal.settings.push_key,
        "why": _why,
        "codes": codes_in("en"),
        "typed": WebhookForm(),
        "secret": None,
    }


def _why(reason: str) -> str:
    """Return a reason in words; what follows a colon is for those who run the cloud."""
    return word_for(REASONS, reason.partition(":")[0])


_ALL = "/contacts/{contact_id}/endpoints"
_ONE = f"{_ALL}/{{endpoint_id}}"

ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path=_ALL, handler=show, summary="Show a contact's browsers and programs"),
    PageRoute(method="POST", path=_ALL, handler=add, summary="Add a program to a contact", body=WebhookForm),
    *(
        PageRoute(method="POST", path=f"{_ONE}/{way}", handler=handler, summary=summary, body=Nothing)
        for way, handler, summary in (
            ("remove", take_away, "Take away a browser or a program"),
            ("verification", prove, "Send the first message once more"),
            ("test", test, "Send a test message"),
            ("secret", change_secret, "Change a program's secret"),
        )
    ),
)
