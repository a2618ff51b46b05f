"""What happens at one's sockets, as it happens: server-sent events that go on where a listener was cut off."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType

from aiohttp import web

from isocket.domain.api_tokens import Scope
from isocket.domain.devices import Device
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import every, is_
from portal_api import access
from portal_api.devices import owner_of
from portal_api.event_hub import EventHub
from portal_api.event_stream import Audience, Ending, Event, Kind, Position, Stream, beat, on_the_wire
from portal_api.owned import standings_of
from portal_api.portal import PORTAL, Portal
from portal_api.problem import Problem, fault, too_many
from portal_api.routes import AnyRoute, Call, Caller, Route

log = get_logger(__name__)
HUB = web.AppKey("event_hub", EventHub)
BEAT_S = 15.0
STALLED_S = 60.0  # so long a listener may take nothing of what is written to it
TRY_AGAIN_S = 10
RETRY_MS = 2000
_KINDS: Mapping[Scope, frozenset[Kind]] = MappingProxyType(
    {
        Scope.READ_TELEMETRY: frozenset({Kind.STATE}),
        Scope.CONTROL: frozenset({Kind.COMMAND}),
        Scope.ALARMS: frozenset({Kind.INCIDENT}),
    }
)
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # proxies hand on each event at once
}


async def listen(call: Call[None, None]) -> web.StreamResponse | Problem:
    """Tell of changes as they happen (`text/event-stream`): `state`, `incident`, `command`, `device`.

    Each says how the thing is now, so that of several changes in a row the last may be told alone, and a thing that
    did not change again. `device` tells of a socket that the caller sees from now on, or no more (`role` is `none`).
    An event's id is a place to go on from: send it as `Last-Event-ID`, and nothing is missed, whatever restarted
    meanwhile; where too much was missed the first event is `reset`. A personal API token hears what its scopes and
    sockets are. A comment comes every 15 s. Before the stream ends by our doing, `end` says why.
    """
    hub, request = call.request.app[HUB], call.request
    given = request.headers.get("Last-Event-ID")
    after = Position.parse(given) if given else None
    if given and after is None:
        return fault("Last-Event-ID", "This is none of our ids: leave it out to begin with what happens from now on.")
    if request.method == "HEAD":
        return web.Response(headers=_HEADERS)
    if hub.listeners_of(call.account.id) >= call.portal.settings.streams_per_account:
        return too_many(TRY_AGAIN_S)
    if hub.listeners >= call.portal.settings.streams:
        return Problem(
            status=503,
            kind="too-many-streams",
            detail="Too many listen here already. Try again in a moment.",
            headers={"Retry-After": str(TRY_AGAIN_S)},
        )
    nothing = Audience(account_id=call.account.id, credentials=frozenset(), kinds=frozenset(), whole=False, sights={})
    stream = Stream(nothing, gone=lambda: request.transport is None or request.transport.is_closing())
    async with hub.joined(stream, after, lambda: _audience(call.portal, _caller(call))):
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        await _serve(call.portal, hub, stream, request, response)
    return response


async def _serve(
    portal: Portal, hub: EventHub, stream: Stream, request: web.Request, response: web.StreamResponse
) -> None:
    """Write what waits, and at least a beat every 15 s, until one of us ends it.

    As often it is asked again who this is, for a session and a guest's time end by the clock, of which no change tells.
    """
    asked_s = portal.clock.monotonic_s()
    text = f"retry: {RETRY_MS}\n".encode() + beat(hub.position if not stream.woken.is_set() else None)
    while await _written(portal.clock, request, response, text) and not stream.ending:
        rang = await portal.clock.wait(stream.woken, BEAT_S)
        long_ago = portal.clock.monotonic_s() - asked_s >= BEAT_S
        if (stream.doubted or not rang or long_ago) and not stream.ending:
            asked_s = portal.clock.monotonic_s()
            await _ask_again(portal, hub, stream, request)
        if stream.ending is Ending.ACCESS:
            break
        text = stream.take(hub.position) or beat(hub.position)
    if stream.ending is not None:
        last = Event(kind=Kind.END, key="", data=f'{{"reason":"{stream.ending}"}}'.encode())
        await _written(portal.clock, request, response, on_the_wire(last, None))
        log.info("stream_ended", reason=stream.ending.value)


async def _ask_again(portal: Portal, hub: EventHub, stream: Stream, request: web.Request) -> None:
    """Ask as each request does who this is and what they may see, so that nothing ends later for a stream."""
    caller = await access.identify(portal, request, in_use=False)
    if caller is None:
        stream.end(Ending.ACCESS)
        return
    known = None if stream.doubted else stream.audience  # a change of what is one's own would have raised a doubt
    hub.move(stream, await _audience(portal, caller, known))


async def _audience(portal: Portal, caller: Caller, known: Audience | None = None) -> Audience:
    """Return what somebody may see now; `known` holds what is their own."""
    token, account = caller.api_token, caller.account
    if known is not None:
        seen = [each for each in known.sights.values() if each.owns]
    else:
        seen = [owner_of(device) async for device in every(portal.records, Device, is_("owner_id", account.id))]
    if token is None:  # such a token reaches its holder's own sockets only, see `owned.shared_with`
        seen += await standings_of(portal.records, account, portal.clock)
    came_by = caller.session or caller.api_token
    return Audience(
        account_id=account.id,
        credentials=frozenset({account.id, *([came_by.id] if came_by else [])}),
        kinds=frozenset(Kind) if token is None else frozenset().union(*(_KINDS[each] for each in token.scopes)),
        whole=token is None or token.device_ids is None,
        sights={each.device.id: each for each in seen if token is None or token.reaches(each.device.id)},
    )


def _caller(call: Call[None, None]) -> Caller:
    if call.caller is None:
        raise RuntimeError("this route is not for everybody")
    return call.caller


async def _written(clock: Clock, request: web.Request, response: web.StreamResponse, text: bytes) -> bool:
    """Return whether the listener took it; what they do not read for a minute is not waited for."""
    writing = asyncio.ensure_future(response.write(text))
    await asyncio.sleep(0)
    if not writing.done():
        stalled = asyncio.ensure_future(clock.sleep(STALLED_S))
        try:
            await asyncio.wait((writing, stalled), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stalled.cancel()
    if not writing.done():
        writing.cancel()
        if request.transport is not None:
            request.transport.abort()
        log.info("stream_ended", reason=Ending.SLOW.value)
        return False
    error = writing.exception()
    if error is not None and not isinstance(error, ConnectionError):
        raise error
    return error is None


async def following(app: web.Application) -> AsyncIterator[None]:
    """Follow the store while the application runs."""
    reading = asyncio.create_task(app[HUB].run(), name="event-reader")
    yield
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def let_go(app: web.Application) -> None:
    """End all streams: the application is about to stop."""
    app[HUB].close()


def add_hub(app: web.Application) -> None:
    """Give the application its reader of events."""
    app[HUB] = EventHub(app[PORTAL])
    app.cleanup_ctx.append(following)
    app.on_shutdown.append(let_go)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/events",
        handler=listen,
        summary="Hear what happens at my sockets",
        scope=Scope.READ_TELEMETRY,
        or_scope=Scope.ALARMS,
        media=("text/event-stream",),
        problems=(403, 429),
    ),
)
