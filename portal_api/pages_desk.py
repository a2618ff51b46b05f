"""The desk: what would have gone out, where no provider is set up. It asks nobody to sign in.

It has to be so: the mail that opens a new user's account is read here. Therefore the desk is mounted only where
the installation asks for it (`desk_routes`), and even then it answers only a browser on the same machine.
"""

from aiohttp import web

from isocket.domain.contacts import ChannelKind
from isocket.domain.desk import DeskMessage
from portal_api.client_address import host_of, is_loopback
from portal_api.problem import Problem, not_found
from portal_api.rendering import DESK_PATH, linked, shown
from portal_api.routes import Access, AnyRoute, Call, Route, Surface

SHOWN = 100
_OF_PROXIES = ("forwarded", "via", "x-real-ip", "x-forwarded-", "x-client-ip", "true-client-ip", "cf-connecting-ip")


async def desk(call: Call[None, None]) -> web.Response | Problem:
    """Show the newest messages of the whole installation."""
    if not from_this_machine(call.request):
        return not_found()
    messages = await call.records.find(DeskMessage, order_by="at", descending=True, limit=SHOWN)
    words = {
        "texts": [each for each in messages if each.channel is ChannelKind.SMS],
        "mails": [each for each in messages if each.channel is ChannelKind.EMAIL],
        "calls": [each for each in messages if each.channel is ChannelKind.VOICE],
        "linked": linked(call.portal.settings.origin),
        "most": SHOWN,
    }
    return shown(call, "desk.html", words, here="desk")


def from_this_machine(request: web.Request) -> bool:
    """Return whether a browser on this machine asks by one of this machine's own names.

    The peer alone is not enough: a proxy is on this machine for people everywhere, and a foreign page can have
    its own name lead here (DNS rebinding), which shows in `Host`. A proxy that says nothing of itself is not seen
    here; whoever mounts the desk looks whether the public address is this machine's own.
    """
    proxied = any(name.lower().startswith(_OF_PROXIES) for name in request.headers)
    return is_loopback(request.remote or "") and is_loopback(host_of(request)[0]) and not proxied


def desk_routes() -> tuple[AnyRoute, ...]:
    """Return the desk's route, for an installation without providers whose portal and public address are loopback."""
    return (
        Route(
            method="GET",
            path=DESK_PATH,
            handler=desk,
            summary="Show what would have gone out",
            access=Access.PUBLIC,
            surface=Surface.PAGE,
        ),
    )
