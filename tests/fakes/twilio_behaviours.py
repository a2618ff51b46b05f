"""How the double of Twilio answers a create request: well, badly, late, or not at all."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web


class Trick(StrEnum):
    """What the double does with a create request."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    RATE_LIMIT = "rate_limit"
    HTTP_500_BEFORE = "http_500_before"
    HTTP_500_AFTER_ACCEPT = "http_500_after_accept"
    DROP_BEFORE = "drop_before"
    DROP_AFTER_ACCEPT = "drop_after_accept"
    HANG = "hang"
    HANG_AFTER_ACCEPT = "hang_after_accept"
    HTML_503 = "html_503"
    EMPTY_201 = "empty_201"
    HTML_201 = "html_201"
    ODD_201 = "odd_201"


class Stopping(asyncio.Event):
    """Set when a double stops, which lets hanging requests go; `hanging` is set when one begins to hang."""

    def __init__(self) -> None:
        super().__init__()
        self.hanging = asyncio.Event()


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What happens to one create request."""

    trick: Trick
    code: int = 0
    http: int = 400
    retry_after: str | None = None
    problem_json: bool = False
    said: str = ""
    content_type: str = "application/json"


ACCEPT = Behaviour(trick=Trick.ACCEPT)
HTTP_500_BEFORE = Behaviour(trick=Trick.HTTP_500_BEFORE)
HTTP_500_AFTER_ACCEPT = Behaviour(trick=Trick.HTTP_500_AFTER_ACCEPT)
DROP_BEFORE = Behaviour(trick=Trick.DROP_BEFORE)
DROP_AFTER_ACCEPT = Behaviour(trick=Trick.DROP_AFTER_ACCEPT)
HANG = Behaviour(trick=Trick.HANG)
HANG_AFTER_ACCEPT = Behaviour(trick=Trick.HANG_AFTER_ACCEPT)
HTML_503 = Behaviour(trick=Trick.HTML_503)
EMPTY_201 = Behaviour(trick=Trick.EMPTY_201)
HTML_201 = Behaviour(trick=Trick.HTML_201)


def refuse(code: int, http: int = 400, *, problem_json: bool = False) -> Behaviour:
    """Return a refusal with Twilio's `code`; with `problem_json` in the newer shape of RFC 9457."""
    return Behaviour(trick=Trick.REFUSE, code=code, http=http, problem_json=problem_json)


def odd_201(said: str, content_type: str = "application/json") -> Behaviour:
    """Return the acceptance whose answer is not what it should be."""
    return Behaviour(trick=Trick.ODD_201, said=said, content_type=content_type)


def rate_limit(retry_after: str | float | None = None) -> Behaviour:
    """Return "too many requests", with the header Retry-After where given."""
    value = None if retry_after is None else f"{retry_after:g}" if isinstance(retry_after, float) else str(retry_after)
    return Behaviour(trick=Trick.RATE_LIMIT, code=20429, http=429, retry_after=value)


def daily_cap() -> Behaviour:
    """Return the other 429: the account's messages for this day are used up."""
    return refuse(63038, 429)


async def behave(
    how: Behaviour, request: web.Request, accept: Callable[[], Mapping[str, object]], stopping: Stopping
) -> web.StreamResponse:
    """Answer a good create request so; `accept` takes it in and describes what came of it."""
    if how.trick is Trick.REFUSE or how.trick is Trick.RATE_LIMIT:
        return _refusal(how)
    if how.trick is Trick.HTTP_500_BEFORE:
        return error(20500, 500, "Internal server error")
    if how.trick is Trick.HTML_503:
        return web.Response(status=503, text="<html>down</html>", content_type="text/html")
    if how.trick in {Trick.DROP_BEFORE, Trick.HANG}:
        return await _go_silent(how.trick is Trick.HANG, request, stopping)
    described = accept()
    if how.trick in {Trick.DROP_AFTER_ACCEPT, Trick.HANG_AFTER_ACCEPT}:
        return await _go_silent(how.trick is Trick.HANG_AFTER_ACCEPT, request, stopping)
    if how.trick is Trick.HTTP_500_AFTER_ACCEPT:
        return error(20500, 500, "Internal server error")
    if how.trick is Trick.HTML_201:
        return web.Response(status=201, text="<html>fine</html>", content_type="text/html")
    if how.trick is Trick.ODD_201:
        return web.Response(status=201, body=how.said.encode(), headers={"Content-Type": how.content_type})
    return web.json_response({} if how.trick is Trick.EMPTY_201 else described, status=201)


def error(code: int, http: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an error in Twilio's own shape."""
    body = {"code": code, "message": text, "more_info": _more_info(code), "status": http}
    return web.json_response(body, status=http, headers=headers)


async def _go_silent(hang: bool, request: web.Request, stopping: Stopping) -> web.StreamResponse:
    if hang:
        stopping.hanging.set()
        await stopping.wait()
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _refusal(how: Behaviour) -> web.Response:
    headers = {} if how.retry_after is None else {"Retry-After": how.retry_after}
    if not how.problem_json:
        return error(how.code, how.http, "refused", headers)
    problem = {"type": _more_info(how.code), "title": "refused", "status": how.http, "code": how.code}
    return web.json_response(problem, status=how.http, headers=headers, content_type="application/problem+json")


def _more_info(code: int) -> str:
    return f"https://www.twilio.com/docs/errors/{code}"
