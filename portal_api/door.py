"""What comes before any route: bytes that are not HTTP as we read it get a problem, like every other bad request."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web

from isocket.kit.logs import get_logger
from portal_api.client_address import family_of
from portal_api.problem import Problem
from portal_api.security_headers import ALWAYS

log = get_logger(__name__)
_SILENT = logging.getLogger(f"{__name__}.silent")  # aiohttp's own line holds paths and addresses
_SILENT.disabled = True
_UNEXPECTED = Problem(status=417, kind="refused", detail="This was refused.")


class Door(web.RequestHandler):
    """One connection. aiohttp itself would answer in plain text with its own name and log a traceback."""

    def __init__(self, server: web.Server, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server, loop=loop, access_log=_SILENT)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  it repeats what was sent
    ) -> web.StreamResponse:
        """Return the answer to what could not be read, and close the connection: nobody knows where the next begins."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        if isinstance(exc, UnicodeEncodeError) and "Expect" in request.headers:
            # No route has begun: aiohttp repeats in its own refusal what is expected, and these bytes are no text.
            log.info("request_malformed", error=type(exc).__name__, family=family_of(request))
            problem = _UNEXPECTED
        elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request_failed", error=type(exc).__name__)
            problem = Problem(status=status, kind="broken", detail="Something broke on our side.")
        else:
            log.info("request_malformed", error=type(exc).__name__, family=family_of(request))
            problem = Problem(status=status, kind="bad-request", detail="This request cannot be understood.")
        response = problem.said_in(request).response()
        response.headers.update({**ALWAYS, "Cache-Control": "no-store"})
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer. aiohttp itself refuses what is expected of a route that is not ours, before any layer."""
        if isinstance(resp, web.HTTPExpectationFailed):
            resp = _UNEXPECTED.said_in(request).response()
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Note what went wrong on a connection past its answer. A body that was not what its headers said is no fault
        of ours: anybody could fill the log with tracebacks by it.
        """
        error = kw.get("exc_info")
        if isinstance(error, web.RequestPayloadError):
            log.info("request_malformed", error=type(error).__name__)
        else:
            super().log_exception(*args, **kw)
