"""Turns whatever ends a request early into a problem document, and lets nothing of the inside out."""

import errno
import traceback
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from pathlib import Path

from aiohttp import ClientConnectionResetError, web
from yarl import URL

from isocket.kit.ids import new_id
from isocket.kit.logs import get_logger
from isocket.storage.port import StoreUnavailableError
from portal_api.access_log import LEFT, template_of
from portal_api.pages import go_to, problem_page
from portal_api.problem import Problem, ProblemError
from portal_api.routes import API

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = get_logger(__name__)

_WORDS = {
    400: ("bad-request", "This request cannot be understood."),
    404: ("not-found", "There is nothing here for you."),
    405: ("method", "This cannot be done here."),
    413: ("too-long", "The body is too long."),
}


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure with a problem: as a document for programs, as a page for people."""
    try:
        return await handler(request)
    except ProblemError as error:
        found = error.problem
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            return error
        if isinstance(error, web.HTTPMethodNotAllowed) and request.method == "OPTIONS":
            return _what_can_be_done(request, error)
        if isinstance(error, web.HTTPMethodNotAllowed) and request.method in {"GET", "HEAD"} and _for_people(request):
            return go_to(await _page_above(request))
        found = _from_http(request, error)
    except web.RequestPayloadError:  # such as gzip that is none
        found = Problem(status=400, kind="bad-request", detail="The body is not what its headers say.")
    except StoreUnavailableError:
        log.warning("store_unavailable", route=template_of(request))
        found = Problem(
            status=503,
            kind="store-unavailable",
            detail="We cannot reach our own store. Try again in a moment.",
            headers={"Retry-After": "2"},
        )
    except Exception as error:  # noqa: BLE001  the last net: whatever it is, its text must not get out
        if isinstance(error, ClientConnectionResetError) and _has_left(request):
            return web.Response(status=LEFT)
        found = _from_http(request, web.HTTPNotFound()) if _is_no_file(request, error) else _unexpected(request, error)
    said = found.said_in(request)
    return problem_page(said, request) if _for_people(request) else said.response()


def _has_left(request: web.Request) -> bool:
    """Return whether whoever asked is gone, as from a page that is closed while it listens, or a copy half fetched."""
    return request.transport is None or request.transport.is_closing()


def _what_can_be_done(request: web.Request, error: web.HTTPMethodNotAllowed) -> web.Response:
    """Return the answer to OPTIONS. It lets no other site's page in: there is no header of CORS in it."""
    return web.Response(status=204, headers={"Allow": ", ".join(sorted({*_methods(request, error), "OPTIONS"}))})


def _methods(request: web.Request, error: web.HTTPMethodNotAllowed) -> AbstractSet[str]:
    """Return what can be done at this path. aiohttp names more where it could be an id in another route as well."""
    resources = request.app.router.resources()
    return {route.method for each in resources if each.canonical == request.path for route in each} or (
        error.allowed_methods
    )


async def _page_above(request: web.Request) -> str:
    """Return where the form stands that was sent to this address: of what a form is sent to nothing can be got.

    A person comes here by the address bar, where a browser shows a form's own address after it was refused.
    """
    path = request.path
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        found = await request.app.router.resolve(request.clone(rel_url=URL.build(path=path)))
        if found.http_exception is None:
            return path
    return path


def _for_people(request: web.Request) -> bool:
    """Return whether a browser that shows pages asks, outside the API."""
    return "text/html" in request.headers.get("Accept", "") and not f"{request.path}/".startswith(f"{API}/")


def _from_http(request: web.Request, error: web.HTTPException) -> Problem:
    kind, detail = _WORDS.get(error.status, ("refused", "This was refused."))
    headers = {}
    if isinstance(error, web.HTTPMethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(_methods(request, error)))
    return Problem(status=error.status, kind=kind, detail=detail, headers=headers)


def _is_no_file(request: web.Request, error: Exception) -> bool:
    """Return whether a path below `/static` was longer than any file's can be: nothing of the sort is there."""
    below = request.path.startswith("/static/")
    return below and isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG


def _unexpected(request: web.Request, error: Exception) -> Problem:
    """Log where it happened, not what the exception says: its text may hold somebody's values."""
    error_id = new_id("err")
    places = [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    log.error(
        "request_failed",
        error_id=error_id,
        route=template_of(request),
        error=type(error).__name__,
        places=places[-12:],
    )
    return Problem(
        status=500,
        kind="our-fault",
        detail=f"Something broke on our side. Tell us this number: {error_id}.",
        about=error_id,
    )
