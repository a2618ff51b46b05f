"""The notice of what is done with personal data, as a page: what programs read at `/api/v1/privacy/notice`."""

from aiohttp import web

from portal_api import privacy_notice
from portal_api.rendering import shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute


async def show(call: Call[None, None]) -> web.Response:
    """Show it to anybody."""
    return shown(call, "notice.html", {"notice": await privacy_notice.notice(call)}, here="privacy")


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(
        method="GET",
        path="/privacy/notice",
        handler=show,
        summary="What is done with personal data",
        access=Access.PUBLIC,
    ),
)
