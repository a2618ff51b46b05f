"""Puts the portal together: routes, their description, and the layers around every request."""

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

from aiohttp import HttpVersion11, web
from prometheus_client import CollectorRegistry

from isocket.kit.clock import Clock
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records
from isocket.storage.shelf import Shelf
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups
from portal_api import (
    accounts,
    api_tokens,
    breach_pages,
    closings,
    home_assistant,
    my_address,
    my_password,
    my_sessions,
    newsletter,
    passkey_routes,
    privacy_consents,
    privacy_disclosures,
    privacy_erasure,
    privacy_exports,
    privacy_holds,
    privacy_notice,
    privacy_requests,
    privacy_restriction,
    progress_pages,
    recipient_page,
    registration,
    resets,
    second_factor,
    staff_breaches,
    staff_cases,
    staff_customers,
    staff_holds,
    staff_questions,
    staff_requests,
    staff_statistics,
    step_up,
    tokens,
)
from portal_api.access_log import access_log
from portal_api.api_page import docs_route
from portal_api.dispatch import handler_of
from portal_api.errors import problems
from portal_api.events import add_hub
from portal_api.health import PLAIN_ROUTES
from portal_api.limits import Limits
from portal_api.openapi import openapi_route
from portal_api.pace import Pace
from portal_api.pages import RENDERER, STATIC, renderer
from portal_api.passwords import Passwords
from portal_api.portal import PORTAL, CopyHeld, NoteErasure, Portal, PortalSettings
from portal_api.routes import AnyRoute
from portal_api.security_headers import security_headers
from portal_api.strict_json import MAX_BYTES
from portal_api.tickets import Tickets

ROUTES: tuple[AnyRoute, ...] = (
    *registration.ROUTES,
    *tokens.ROUTES,
    *resets.ROUTES,
    *accounts.ROUTES,
    *closings.ROUTES,
    *api_tokens.ROUTES,
    *home_assistant.ROUTES,
    *step_up.ROUTES,
    *second_factor.ROUTES,
    *passkey_routes.ROUTES,
    *my_sessions.ROUTES,
    *my_password.ROUTES,
    *my_address.ROUTES,
    *privacy_notice.ROUTES,
    *privacy_erasure.ROUTES,
    *privacy_exports.ROUTES,
    *privacy_holds.ROUTES,
    *privacy_disclosures.ROUTES,
    *privacy_requests.ROUTES,
    *progress_pages.ROUTES,
    *recipient_page.ROUTES,
    *staff_requests.ROUTES,
    *staff_holds.ROUTES,
    *staff_questions.ROUTES,
    *staff_cases.ROUTES,
    *staff_customers.ROUTES,
    *staff_breaches.ROUTES,
    *staff_statistics.ROUTES,
    *breach_pages.API_ROUTES,
    *privacy_consents.ROUTES,
    *privacy_restriction.ROUTES,
    *newsletter.ROUTES,
)
"""The routes of accounts, privacy and staff. `device_routes` has those of sockets, incidents and people to be told, and
`pages_routes` the pages; whoever runs the portal hands all three to `portal_app`."""


def portal_app(
    *,
    records: Records,
    telemetry: Telemetry,
    clock: Clock,
    wakeups: Wakeups,
    passwords: Passwords,
    limits_key: bytes,
    settings: PortalSettings,
    keyring: Keyring,
    shelf: Shelf,
    note_erasure: NoteErasure,
    copy_held: CopyHeld,
    registry: CollectorRegistry,
    routes: Sequence[AnyRoute],
    extra_routes: Sequence[web.AbstractRouteDef] = (),
    ready: Callable[[], Awaitable[bool]] | None = None,
) -> web.Application:
    """Return the portal. Run it with `access_log=None`; whoever made `passwords` closes it.

    `limits_key` hides what is limited (any secret that stays the same: the pepper will do). `extra_routes` are
    handlers of other rooms, such as provider callbacks; they get the same layers but no part of the API.
    """
    app = web.Application(client_max_size=MAX_BYTES, middlewares=[access_log(registry), problems])
    app.on_response_prepare.append(security_headers(https=settings.https))
    app[PORTAL] = Portal(
        records=records,
        telemetry=telemetry,
        clock=clock,
        wakeups=wakeups,
        passwords=passwords,
        limits=Limits(records, clock, key=limits_key, keyring=keyring),
        pace=Pace(clock),
        tickets=Tickets(limits_key),
        settings=settings,
        registry=registry,
        ready=ready,
        keyring=keyring,
        shelf=shelf,
        note_erasure=note_erasure,
        copy_held=copy_held,
    )
    app[RENDERER] = renderer()
    add_hub(app)
    app.add_routes([_routed(route) for route in (*routes, *_described(tuple(routes)))])
    app.add_routes([*PLAIN_ROUTES, *extra_routes])
    if STATIC.is_dir():
        app.router.add_static("/static", STATIC)
    return app


@lru_cache(maxsize=8)
def _described(routes: tuple[AnyRoute, ...]) -> tuple[AnyRoute, AnyRoute]:
    """Return the routes that describe `routes` to programs and to people; a fifth of a second's work, done once."""
    for_programs, document = openapi_route(routes)
    return for_programs, docs_route(document)


def _routed(route: AnyRoute) -> web.RouteDef:
    if route.method == "GET":
        return web.get(route.pattern, handler_of(route), expect_handler=_expectation)
    return web.route(route.method, route.pattern, handler_of(route), expect_handler=_expectation)


async def _expectation(request: web.Request) -> None:
    """Let a client send its body that waits to be told so; anything else that it expects is left aside (RFC 9110).

    aiohttp would answer that in plain text, past everything that makes problems of refusals.
    """
    if request.version == HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun
