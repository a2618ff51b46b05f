"""One line for each request, with nothing in it about who asked: route template, status, time, address family."""

import time
from collections.abc import Awaitable, Callable
from functools import cache

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CollectorRegistry, Counter, Histogram

from isocket.kit.logs import get_logger
from portal_api.client_address import family_of

LEFT = 499  # whoever asked went away, as nginx calls it

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = get_logger(__name__)


class RequestMetrics:
    """Counts and times of requests by route template."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "portal_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram("portal_request_seconds", "Time to answer.", ("route",), registry=registry)
        self._requests_of = cache(self.requests.labels)  # to look them up by name takes longer than to count
        self._seconds_of = cache(self.seconds.labels)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests_of(method, route, status).inc()
        self._seconds_of(route).observe(seconds)


def template_of(request: web.Request) -> str:
    """Return the template of the route that was found (`/api/v1/devices/{device_id}`), never the path itself."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"


def access_log(registry: CollectorRegistry) -> Middleware:
    """Return the outermost middleware. aiohttp's own access log, which shows paths and addresses, must be off."""
    metrics = RequestMetrics(registry)

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun, status = time.perf_counter(), LEFT
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            seconds, route = time.perf_counter() - begun, template_of(request)
            method = request.method if request.method in _METHODS else "OTHER"
            metrics.count(method, route, status, seconds)
            log.info(
                "request",
                method=method,
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
                family=family_of(request),
            )

    return note


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
