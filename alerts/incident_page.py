"""The page behind an alarm mail's link: what is wrong, and a button that acknowledges it without an account."""

from aiohttp import web

from alerts.acknowledging import acknowledge
from alerts.links import INCIDENT_PATH, delivery_of
from alerts.stories import story_of
from alerts.wording import Reader, incident_page
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.incidents import Incident
from isocket.kit.clock import Clock
from isocket.storage.port import Records

# The address holds the secret: it is told to nobody, neither to another page nor to a search engine nor to a cache.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


def routes(*, records: Records, clock: Clock) -> list[web.RouteDef]:
    """Return the routes. The token is the whole permission, so no cookie and no origin is asked for."""
    page = _IncidentPage(records=records, clock=clock)
    path = f"{INCIDENT_PATH}/{{token}}"
    return [web.get(path, page.show), web.post(path, page.acknowledge)]


class _IncidentPage:
    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def show(self, request: web.Request) -> web.Response:
        """Show the incident. Programs that follow links to look for harm acknowledge nothing by it."""
        _, contact, incident = await self._told(request)
        return await self._page(contact, incident)

    async def acknowledge(self, request: web.Request) -> web.Response:
        """Acknowledge as the reader of the message, or say that they still are on it, and show how it stands then."""
        message, contact, incident = await self._told(request)
        by = f"{contact.id} {message.channel}"
        await acknowledge(self._records, incident.id, by=by, clock=self._clock)
        return await self._page(contact, await self._records.get(Incident, incident.id) or incident)

    async def _told(self, request: web.Request) -> tuple[Delivery, Contact, Incident]:
        delivery = await delivery_of(self._records, request.match_info["token"])
        if delivery is None or delivery.incident_id is None or delivery.contact_id is None:
            raise web.HTTPNotFound
        incident = await self._records.get(Incident, delivery.incident_id)
        contact = await self._records.get(Contact, delivery.contact_id)
        if incident is None or contact is None:  # who was removed is not asked any more
            raise web.HTTPNotFound
        return delivery, contact, incident

    async def _page(self, contact: Contact, incident: Incident) -> web.Response:
        reader = Reader(language=contact.language, time_zone=contact.time_zone)
        page = incident_page(await story_of(self._records, incident), reader)
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)
