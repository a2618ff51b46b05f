"""What a browser's own script tells us of a notification: that it was shown, that its reader takes the matter on.

The token stands in the notification's ciphertext, so that only the browser it went to can know it. Nothing is done
by opening an address: each of these is a POST.
"""

import json

from aiohttp import web

from alerts.acknowledging import acknowledge
from alerts.endpoints import Endpoints
from alerts.links import delivery_of
from alerts.readers import reader_of
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Attempt, Delivery, Receipt
from isocket.domain.endpoint_letters import PUSH_HOOK
from isocket.domain.endpoints import Endpoint
from isocket.kit.clock import Clock
from isocket.storage.port import Records, is_

SHOWN = "delivered"  # what a push service never says: that somebody's screen has it
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def routes(*, records: Records, clock: Clock, public_url: str) -> list[web.RouteDef]:
    """Return the routes. The token is the whole permission, so no cookie and no origin is asked for."""
    hooks = _PushHooks(records=records, clock=clock, public_url=public_url)
    return [
        web.post(f"{PUSH_HOOK}/{{token}}/shown", hooks.shown),
        web.post(f"{PUSH_HOOK}/{{token}}/take", hooks.take),
    ]


class _PushHooks:
    def __init__(self, *, records: Records, clock: Clock, public_url: str) -> None:
        self._records = records
        self._clock = clock
        self._endpoints = Endpoints(records=records, clock=clock, public_url=public_url)

    async def shown(self, request: web.Request) -> web.Response:
        """Store that a notification was shown, as the receipt that its push service does not give.

        The first one proves the browser. 204, 404 no such notification.
        """
        delivery = await self._notification(request)
        endpoint = await self._records.get(Endpoint, delivery.address)
        if endpoint is not None and endpoint.gone_at is None and endpoint.kind is ChannelKind.PUSH:
            await self._endpoints.prove(endpoint)
        attempt = await self._last_attempt(delivery)
        if attempt is not None:
            shown = Receipt.of(attempt, SHOWN, provider_id=attempt.provider_id or "", at=self._clock.now())
            await self._records.add_all([shown])
        return web.Response(status=204, headers=_HEADERS)

    async def take(self, request: web.Request) -> web.Response:
        """Acknowledge as the reader of the notification. Answers `{"taken": ...}`; false where it was over or taken."""
        delivery = await self._notification(request)
        contact = await reader_of(self._records, delivery)
        if contact is None or delivery.incident_id is None:  # who was removed is not asked any more
            raise web.HTTPNotFound
        by = f"{contact.id} {delivery.channel}"
        taken = await acknowledge(self._records, delivery.incident_id, by=by, clock=self._clock)
        text = json.dumps({"taken": taken})
        return web.Response(text=text, content_type="application/json", headers=_HEADERS)

    async def _notification(self, request: web.Request) -> Delivery:
        delivery = await delivery_of(self._records, request.match_info["token"])
        if delivery is None or delivery.channel is not ChannelKind.PUSH:
            raise web.HTTPNotFound
        return delivery

    async def _last_attempt(self, delivery: Delivery) -> Attempt | None:
        found = await self._records.find(
            Attempt, is_("delivery_id", delivery.id), order_by="started_at", descending=True, limit=1
        )
        return found[0] if found else None
