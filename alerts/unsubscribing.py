"""The way out of alarm mails: one click in the reader's mail program (RFC 8058), or a button on a page."""

from aiohttp import web

from alerts import pausing
from alerts.links import UNSUBSCRIBE_PATH, delivery_of
from alerts.readers import reader_of
from alerts.wording import stop_page, stopped_page
from isocket.domain.contacts import Contact
from isocket.domain.pauses import UNSUBSCRIBED
from isocket.kit.clock import Clock
from isocket.storage.port import Records

_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def routes(*, records: Records, clock: Clock, public_url: str) -> list[web.RouteDef]:
    """Return the routes. A mail program sends no cookie and follows no redirection, so none is asked for."""
    way_out = _WayOut(records=records, clock=clock, public_url=public_url)
    path = f"{UNSUBSCRIBE_PATH}/{{token}}"
    return [web.get(path, way_out.ask), web.post(path, way_out.stop)]


class _WayOut:
    def __init__(self, *, records: Records, clock: Clock, public_url: str) -> None:
        self._records = records
        self._clock = clock
        self._public_url = public_url

    async def ask(self, request: web.Request) -> web.Response:
        """Show the button. Programs that follow links to look for harm change nothing by it."""
        contact = await self._reader(request)
        return _html(stop_page(contact.language))

    async def stop(self, request: web.Request) -> web.Response:
        """Pause the reader, whatever way they are reached by, and let the owner know."""
        contact = await self._reader(request)
        await pausing.pause(
            self._records,
            contact.id,
            reason=UNSUBSCRIBED,
            clock=self._clock,
            public_url=self._public_url,
        )
        return _html(stopped_page(contact.language))

    async def _reader(self, request: web.Request) -> Contact:
        delivery = await delivery_of(self._records, request.match_info["token"])
        contact = None if delivery is None else await reader_of(self._records, delivery)
        if contact is None:
            raise web.HTTPNotFound
        return contact


def _html(page: str) -> web.Response:
    return web.Response(text=page, content_type="text/html", headers=_SAFE)
