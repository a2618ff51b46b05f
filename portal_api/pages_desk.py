"""The desk: what would have gone out, where no provider is set up. It asks nobody to sign in.

It has to be so: the mail that opens a new user's account is read here. Therefore the desk is mounted only where
the installation asks for it (`desk_routes`), and even then it answers only a browser on the same machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from isocket.domain.acknowledgement import taking
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import KEY_PRESSED, Attempt, Receipt
from isocket.domain.desk import DeskMessage
from isocket.domain.incidents import Incident, IncidentState
from isocket.kit.loopback import is_loopback
from isocket.storage.port import Records, is_, one_of
from portal_api.client_address import host_of
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form
from portal_api.pages_words import note
from portal_api.problem import Problem, not_found
from portal_api.rendering import DESK_PATH, linked, shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute

SHOWN = 100
_OF_PROXIES = ("forwarded", "via", "x-real-ip", "x-forwarded-", "x-client-ip", "true-client-ip", "cf-connecting-ip")


class KeyForm(Form):
    """The key 1, pressed in a call that lies on the desk."""

    call: str = TYPED


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCall:
    """A call as the desk shows it. `takes_keys`: its alarm is open, and nobody has taken it."""

    message: DeskMessage
    takes_keys: bool


async def desk(call: Call[None, None]) -> web.Response | Problem:
    """Show the newest messages of the whole installation."""
    if not from_this_machine(call.request):
        return not_found()
    messages = await call.records.find(DeskMessage, order_by="at", descending=True, limit=SHOWN)
    words = {
        "texts": [each for each in messages if each.channel is ChannelKind.SMS],
        "mails": [each for each in messages if each.channel is ChannelKind.EMAIL],
        "calls": await _calls(call.records, [each for each in messages if each.channel is ChannelKind.VOICE]),
        "linked": linked(call.portal.settings.origin),
        "most": SHOWN,
        "note": note(call.request.query.get("said")),
    }
    return shown(call, "desk.html", words, here="desk")


async def press(call: Call[KeyForm, None]) -> web.Response | Problem:
    """Press the key 1 in a call as the one who was called; nothing happens where there is nothing to take."""
    if not from_this_machine(call.request):
        return not_found()
    message = await call.records.get(DeskMessage, call.body.call)
    attempt = None if message is None else await call.records.get(Attempt, message.id)
    if message is None or attempt is None or message.channel is not ChannelKind.VOICE or attempt.incident_id is None:
        return go_to(f"{DESK_PATH}?said=not-open")
    now = call.clock.now()
    taken = await call.records.change_one(
        Incident,
        is_("id", attempt.incident_id),
        is_("state", IncidentState.OPEN),
        **taking(f"{attempt.person_id} {ChannelKind.VOICE}", now),
    )
    await call.records.add_all([Receipt.of(attempt, KEY_PRESSED, provider_id=message.id, at=now)])
    return go_to(f"{DESK_PATH}?said={'not-open' if taken is None else 'acknowledged'}")


async def _calls(records: Records, messages: Sequence[DeskMessage]) -> list[DeskCall]:
    attempts = await records.find(Attempt, one_of("id", [each.id for each in messages])) if messages else []
    about = {each.id: each.incident_id for each in attempts if each.incident_id is not None}
    open_ones = {
        each.id
        for each in await records.find(
            Incident, one_of("id", sorted(set(about.values()))), is_("state", IncidentState.OPEN)
        )
    }
    return [DeskCall(message=each, takes_keys=about.get(each.id) in open_ones) for each in messages]


def from_this_machine(request: web.Request) -> bool:
    """Return whether a browser on this machine asks by one of this machine's own names.

    The peer alone is not enough: a proxy is on this machine for people everywhere, and a foreign page can have
    its own name lead here (DNS rebinding), which shows in `Host`. A proxy that says nothing of itself is not seen
    here; whoever mounts the desk looks whether the public address is this machine's own.
    """
    proxied = any(name.lower().startswith(_OF_PROXIES) for name in request.headers)
    return is_loopback(request.remote or "") and is_loopback(host_of(request)[0]) and not proxied


def desk_routes() -> tuple[AnyRoute, ...]:
    """Return the desk's routes, for an installation without providers whose portal and public address are loopback."""
    return (
        PageRoute(
            method="GET",
            path=DESK_PATH,
            handler=desk,
            summary="Show what would have gone out",
            access=Access.PUBLIC,
        ),
        PageRoute(
            method="POST",
            path=f"{DESK_PATH}/keys",
            handler=press,
            summary="Press 1 in a call",
            access=Access.PUBLIC,
            body=KeyForm,
        ),
    )
