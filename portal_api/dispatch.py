"""The way of a request: who asks, may they, how often, what they sent, the handler, the answer."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from pydantic import BaseModel, ValidationError

from isocket.domain.negotiation import takes
from isocket.kit.loopback import is_loopback
from portal_api import access, token_use
from portal_api.client_address import client_of, host_of
from portal_api.conditions import is_unchanged, tag_of
from portal_api.limits import Rate
from portal_api.line import TooBusyError
from portal_api.models import View
from portal_api.pace import Standing, headers_of
from portal_api.pages import problem_page, prove_first, sign_in_first
from portal_api.portal import PORTAL, Portal
from portal_api.problem import FieldFault, Problem, ProblemError, fault, faults, from_validation, old_page, too_many
from portal_api.routes import Access, Answer, AnyRoute, Call, Caller, Reply, Surface, is_negotiated
from portal_api.strict_json import MAX_BYTES, StrictJsonError, read_object

BODY_TIMEOUT_S = 10.0
MAX_FIELDS = 200


def handler_of(route: AnyRoute) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return what aiohttp calls for `route`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        portal = request.app[PORTAL]
        if (
            route.surface is Surface.PAGE
            and request.method in access.SAFE_METHODS
            and (elsewhere := _home(portal, request))
        ):
            return web.Response(status=307, headers={"Location": elsewhere})
        counted: list[Standing] = []
        try:
            _count_address(portal, counted, request)
            caller = await access.identify(portal, request)
            if caller is not None:
                _count(portal, counted, *_who(portal, caller))
            _check_media(route, request)
            access.authorise(route, caller)
            access.check_staff_role(route.staff, caller)
            if route.step_up:
                access.check_step_up(portal, caller)
            if caller is not None and caller.api_token is not None:
                await token_use.note(portal, route, caller.api_token)
            call, unsaid = await _call(portal, route, request, caller)
            if unsaid is not None and route.ask_why is not None:
                response = _response(route, request, await route.ask_why(call, unsaid))
            else:
                response = _response(route, request, await route.handler(call))
        except TooBusyError as busy:
            response = _refusal(route, request, too_many(busy.retry_after_s))
        except ProblemError as error:
            response = _refusal(route, request, error.problem)
        if not response.prepared:
            response.headers.update(headers_of(counted))
        return response

    return handle


def _count_address(portal: Portal, counted: list[Standing], request: web.Request) -> None:
    """Count a request of an address, before anybody is asked who it is. This machine itself has no limit."""
    client = client_of(request, portal.settings.trusted_proxies)
    if not is_loopback(client):
        _count(portal, counted, portal.settings.rates.requests_address, client)


def _who(portal: Portal, caller: Caller) -> tuple[Rate, str]:
    rates = portal.settings.rates
    if caller.api_token is not None:
        return rates.requests_token, caller.api_token.id
    return rates.requests_account, caller.account.id


def _count(portal: Portal, counted: list[Standing], rate: Rate, what: str) -> None:
    """Count a request.

    Raises:
        ProblemError: 429: there are too many of them.
    """
    standing = portal.pace.take(rate, what)
    if standing is not None:
        counted.append(standing)
        if standing.wait_s > 0:
            raise ProblemError(too_many(standing.wait_s))


def _check_media(route: AnyRoute, request: web.Request) -> None:
    """Refuse a client that could not read the answer (406), as far as it is told what it can."""
    accept = request.headers.get("Accept", "")
    if not accept or not is_negotiated(route):
        return
    media = ("application/json", *route.media)
    if not any(takes(accept, each) for each in media):
        detail = f"This is answered as {' or '.join(media)}: name one of them in Accept."
        raise ProblemError(Problem(status=406, kind="not-acceptable", detail=detail))


def _home(portal: Portal, request: web.Request) -> str | None:
    """Return where a page is at home if this machine was called by another of its names, for there its forms work.

    Only among names of this machine and at the same port, so that nobody is led away by a crafted `Host`.
    """
    ours, (host, port) = urlsplit(portal.settings.origin), host_of(request)
    home = ours.hostname or ""
    if host == home or port != ours.port or not (is_loopback(host) and is_loopback(home)):
        return None
    return f"{portal.settings.origin}{request.path_qs}"


async def _call(
    portal: Portal, route: AnyRoute, request: web.Request, caller: Caller | None
) -> tuple[Call[Any, Any], Problem | None]:
    """Return the request as a handler takes it, and what is wrong with its reason where a page asks for it again."""
    unsafe = request.method not in access.SAFE_METHODS
    if unsafe and (route.surface is Surface.PAGE or (caller is not None and caller.csrf is not None)):
        access.check_origin(portal, request)
    raw = await _read(request) if unsafe else b""
    form = _form(request, raw) if unsafe and route.surface is Surface.PAGE else {}
    given = form.pop(access.CSRF_FIELD, None) or request.headers.get(access.CSRF_HEADER)
    if unsafe and caller is not None:
        access.check_csrf(caller, given)
    reason, unsaid = _reason(route, request, form)
    sent = _sent_as(route, request, form)
    call: Call[Any, Any] = Call(
        portal=portal,
        request=request,
        path=dict(request.match_info),
        caller=caller,
        query=_query(route, request),
        body=_body(route, request, raw, form),
        reason=reason,
        form=sent,
    )
    if route.limit is not None:
        await portal.limits.demand(route.limit(portal.settings.rates), call.client)
    return call, unsaid


def _reason(route: AnyRoute, request: web.Request, form: dict[str, str]) -> tuple[str, Problem | None]:
    """Return why a member of staff looks. A page that is only fetched shows nobody's data, so it asks for none.

    Where the page asks again for a reason that is not good, return that as it was typed, and what is wrong with it.
    """
    if route.access is not Access.STAFF:
        return "", None
    if route.surface is Surface.API:
        given = request.headers.get(access.REASON_HEADER)
        return access.check_reason(given, where=f"the header {access.REASON_HEADER}"), None
    if request.method in access.SAFE_METHODS:
        return "", None
    typed = form.pop(access.REASON_FIELD, "")
    try:
        return access.check_reason(typed), None
    except ProblemError as error:
        if route.ask_why is None:
            raise
        return typed, error.problem


def _sent_as(route: AnyRoute, request: web.Request, form: dict[str, str]) -> str:
    """Return which form this is and what was typed into it, so that sent again it makes nothing a second time."""
    once = form.pop(access.ONCE_FIELD, "") if route.access is Access.STAFF else ""
    return hashlib.sha256(json.dumps([request.path, once, sorted(form.items())]).encode()).hexdigest() if once else ""


def _refusal(route: AnyRoute, request: web.Request, problem: Problem) -> web.Response:
    if route.surface is Surface.API:
        return problem.said_in(request).response()
    if problem.kind == access.STEP_UP:
        return prove_first(request)
    if problem.status == HTTPStatus.UNAUTHORIZED and request.method in access.SAFE_METHODS:
        return sign_in_first(request)
    return problem_page(problem.said_in(request), request)


async def _read(request: web.Request) -> bytes:
    """Return the body; aiohttp refuses what is longer than the application allows."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        raise ProblemError(Problem(status=408, kind="too-slow", detail="The body did not arrive in time.")) from None


def _query(route: AnyRoute, request: web.Request) -> BaseModel | None:
    names = [name for name, _ in request.query.items()]  # its keys come once each, whatever was sent
    if route.query is None:
        if names and route.surface is Surface.API:
            raise ProblemError(
                faults(FieldFault(field=name[:80], message="There is no such parameter.") for name in set(names))
            )
        return None
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ProblemError(faults(FieldFault(field=name[:80], message="Given twice.") for name in twice))
    try:
        model: BaseModel = route.query.model_validate_strings(dict(request.query))
    except ValidationError as error:
        raise ProblemError(from_validation(error)) from None
    return model


def _body(route: AnyRoute, request: web.Request, raw: bytes, form: dict[str, str]) -> BaseModel | None:
    if route.body is None or (route.body_optional and not raw):
        return None
    try:
        if route.surface is Surface.PAGE:
            made: BaseModel = route.body.model_validate_strings(form)
            return made
        if request.content_type != "application/json":
            raise ProblemError(Problem(status=415, kind="not-json", detail="Send application/json."))
        read_object(raw)
        strict: BaseModel = route.body.model_validate_json(raw)
    except StrictJsonError as error:
        raise ProblemError(
            Problem(
                status=400,
                kind="not-strict-json",
                detail=error.message,
                errors=(FieldFault(field=error.field, message=error.message),),
            )
        ) from None
    except ValidationError as error:
        gone = route.surface is Surface.PAGE and any(each["type"] == "extra_forbidden" for each in error.errors())
        raise ProblemError(old_page() if gone else from_validation(error)) from None
    return strict


def _form(request: web.Request, raw: bytes) -> dict[str, str]:
    if raw and request.content_type != "application/x-www-form-urlencoded":
        raise ProblemError(Problem(status=415, kind="not-a-form", detail="Send a form."))
    if len(raw) > MAX_BYTES:
        raise ProblemError(Problem(status=413, kind="too-long", detail="The form is too long."))
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, strict_parsing=bool(raw), errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise ProblemError(Problem(status=400, kind="not-a-form", detail="This is not a form.")) from None
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise ProblemError(fault(name[:80], "Given twice."))
        form[name] = value
    return form


def _response(route: AnyRoute, request: web.Request, answer: Answer) -> web.StreamResponse:
    match answer:
        case web.StreamResponse():
            return answer
        case Problem():
            said = answer.said_in(request)
            return problem_page(said, request) if route.surface is Surface.PAGE else said.response()
        case Reply():
            status, body, headers = answer.status or route.usual_status, answer.body, dict(answer.headers)
        case _:
            status, body, headers = route.usual_status, answer, {}
    promised = route.answers.get(status)
    if (body is None) != (promised is None) or (promised is not None and not isinstance(body, promised)):
        raise TypeError(f"{route.method} {route.template} answered {status} with something else than declared")
    if body is None:
        return web.Response(status=status, headers=headers)
    return _sent(request, status, body, headers)


def _sent(request: web.Request, status: int, body: BaseModel, headers: dict[str, str]) -> web.Response:
    """Return an answer with a body and its tag, or without them to a client that has them already."""
    raw = body.model_dump_json().encode()
    version = body.version_shown if isinstance(body, View) else None
    is_read = request.method in access.SAFE_METHODS
    if status == HTTPStatus.OK and (is_read or version is not None):
        tag = headers.setdefault("ETag", tag_of(raw, version))
        seen = request.headers.get("If-None-Match")
        if is_read and seen is not None and is_unchanged(seen, tag):
            return web.Response(status=304, headers=headers)
    return web.Response(status=status, headers=headers, body=raw, content_type="application/json")
