"""Life signs, metrics and where to report a hole: what machines ask for outside the API."""

import asyncio
from datetime import timedelta

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from isocket.kit.clock import to_text
from isocket.kit.logs import get_logger
from isocket.storage.proof import prove_writing
from portal_api.devices import hears_sockets
from portal_api.portal import PORTAL, Portal

log = get_logger(__name__)
READY_TIMEOUT_S = 3.0
ALIVE = {"status": "alive"}


async def healthz(_: web.Request) -> web.Response:
    """Say that the process lives."""
    return web.json_response(ALIVE)


async def readyz(request: web.Request) -> web.Response:
    """Say whether the store takes records and keys, and the broker is connected: 200 or 503, and which it is.

    A portal whose bridge is another process stays ready while that hears nothing: people still take alarms there.
    """
    portal = request.app[PORTAL]
    store, broker = await asyncio.gather(_store_answers(portal), _broker_is_heard(portal))
    parts = {"store": "ok" if store else "out of reach", "broker": "ok" if broker else "out of reach"}
    ready = store and (broker or portal.ready is None)
    return web.json_response({"status": "ready" if ready else "not ready", **parts}, status=200 if ready else 503)


async def metrics(request: web.Request) -> web.Response:
    """Give the figures in the text format of Prometheus; none of them names a person or a device."""
    text = generate_latest(request.app[PORTAL].registry)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def security_txt(request: web.Request) -> web.Response:
    """Say where to report a security hole (RFC 9116)."""
    portal = request.app[PORTAL]
    expires = portal.clock.now() + timedelta(days=180)
    return web.Response(
        text=f"Contact: {portal.settings.security_contact}\n"
        f"Expires: {to_text(expires)}\n"
        "Preferred-Languages: en\n"
        f"Canonical: {portal.settings.link('/.well-known/security.txt')}\n"
    )


async def _store_answers(portal: Portal) -> bool:
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await prove_writing(portal.records, portal.clock, portal.keyring)
    except Exception as error:  # noqa: BLE001  whatever is wrong with the store, the answer is "not ready"
        log.warning("not_ready", part="store", error=type(error).__name__)
        return False
    return True


async def _broker_is_heard(portal: Portal) -> bool:
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            return await (portal.ready() if portal.ready else hears_sockets(portal, if_none_ever_did=False))
    except Exception as error:  # noqa: BLE001  the same for the broker
        log.warning("not_ready", part="broker", error=type(error).__name__)
        return False


PLAIN_ROUTES = (
    web.get("/healthz", healthz),
    web.get("/readyz", readyz),
    web.get("/metrics", metrics),
    web.get("/.well-known/security.txt", security_txt),
)
