"""The page behind an alarm mail's link: what is wrong, and a button that acknowledges it without an account."""

from aiohttp import web

from alerts.acknowledging import acknowledge
from alerts.links import INCIDENT_PATH, delivery_of
from alerts.push_subscribing import may_subscribe, subscription_path
from alerts.readers import reader_of
from alerts.stories import story_of
from alerts.wording import Reader, incident_page, link_over_page
from alerts.wording.endpoint_texts import push_offer
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.incidents import Incident
from isocket.domain.negotiation import best_language
from isocket.kit.clock import Clock
from isocket.storage.port import Records

# The address holds the secret: it is told to nobody, neither to another page nor to a search engine nor to a cache.
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_POLICY_WITH_OFFER = f"{_POLICY}; script-src 'self'; connect-src 'self'; worker-src 'self'"
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


def routes(*, records: Records, clock: Clock, push_key: str = "") -> list[web.RouteDef]:
    """Return the routes. The token is the whole permission, so no cookie and no origin is asked for.

    With `push_key` the page offers to show alarms on the device that it is opened on.
    """
    page = _IncidentPage(records=records, clock=clock, push_key=push_key)
    path = f"{INCIDENT_PATH}/{{token}}"
    return [web.get(path, page.show), web.post(path, page.acknowledge)]


class _IncidentPage:
    def __init__(self, *, records: Records, clock: Clock, push_key: str) -> None:
        self._records = records
        self._clock = clock
        self._push_key = push_key

    async def show(self, request: web.Request) -> web.Response:
        """Show the incident. Programs that follow links to look for harm acknowledge nothing by it."""
        told = await self._told(request)
        if told is None:
            return _over(request)
        message, contact, incident = told
        return await self._page(contact, incident, self._offer(request, message, contact))

    async def acknowledge(self, request: web.Request) -> web.Response:
        """Acknowledge as the reader of the message, or say that they still are on it, and show how it stands then."""
        told = await self._told(request)
        if told is None:
            return _over(request)
        message, contact, incident = told
        by = f"{contact.id} {message.channel}"
        await acknowledge(self._records, incident.id, by=by, clock=self._clock)
        now = await self._records.get(Incident, incident.id) or incident
        return await self._page(contact, now, self._offer(request, message, contact))

    async def _told(self, request: web.Request) -> tuple[Delivery, Contact, Incident] | None:
        delivery = await delivery_of(self._records, request.match_info["token"])
        if delivery is None or delivery.incident_id is None:
            return None
        incident = await self._records.get(Incident, delivery.incident_id)
        contact = await reader_of(self._records, delivery)
        if incident is None or contact is None:  # who was removed is not asked any more
            return None
        return delivery, contact, incident

    def _offer(self, request: web.Request, message: Delivery, contact: Contact) -> str:
        """Return the offer to show alarms on this device, "" where it would not be kept."""
        if not self._push_key or not may_subscribe(message, contact, self._clock.now()):
            return ""
        posts_to = subscription_path(request.match_info["token"])
        return push_offer(Reader.of(contact), posts_to=posts_to, key=self._push_key)

    async def _page(self, contact: Contact, incident: Incident, offer: str) -> web.Response:
        page = incident_page(await story_of(self._records, incident), Reader.of(contact), offer=offer)
        headers = {**_HEADERS, "Content-Security-Policy": _POLICY_WITH_OFFER if offer else _POLICY}
        return web.Response(text=page, content_type="text/html", headers=headers)


def _over(request: web.Request) -> web.Response:
    """Return the page of a link that leads nowhere any more. Who reads it is not known: their browser says how."""
    language = best_language(request.headers.get("Accept-Language", ""))
    headers = {**_HEADERS, "Content-Security-Policy": _POLICY}
    return web.Response(status=404, text=link_over_page(language), content_type="text/html", headers=headers)
