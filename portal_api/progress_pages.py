"""How far a request by right or an erasure has come: JSON for programs, a page for whoever opens the link of a mail."""

from typing import Any

from aiohttp import hdrs, web

from isocket.domain.erasures import HOLD_UNCOPIED
from isocket.domain.negotiation import best_language, weights
from isocket.domain.request_letters import day_of
from isocket.domain.request_words import KINDS
from portal_api import privacy_erasure, privacy_requests
from portal_api.code_words import codes_in, named_in
from portal_api.ledger_words import plain
from portal_api.pages import problem_page
from portal_api.privacy_erasure import ReceiptQuery, ReceiptView
from portal_api.privacy_requests import RequestQuery, RequestView
from portal_api.problem import Problem
from portal_api.progress_words import words_in
from portal_api.rendering import shown
from portal_api.routes import Access, AnyRoute, Call, Route

_HTML, _JSON = "text/html", "application/json"
_VARIES = {"Vary": "Accept, Accept-Language"}


async def request(call: Call[None, RequestQuery]) -> RequestView | Problem | web.Response:
    """Show how far a request has come, to whoever holds its id; a browser that opens the address gets a page."""
    told = await privacy_requests.show(call)
    if not _wants_page(call):
        return told
    if isinstance(told, Problem):
        return problem_page(told.said_in(call.request), call.request)
    tongue = _tongue(call)
    facts = {"kind": KINDS[tongue][told.kind], "due": day_of(told.due_at, call.portal.settings.office)}
    return _page(call, tongue, "title", {"told": told, **facts})


async def receipt(call: Call[None, ReceiptQuery]) -> ReceiptView | Problem | web.Response:
    """Show how far an erasure has come, or that it was done, to whoever holds its id; to a browser as a page."""
    told = await privacy_erasure.receipt(call)
    if not _wants_page(call):
        return told
    if isinstance(told, Problem):
        return problem_page(told.said_in(call.request), call.request)
    keys = told.removed.get("keys", 0)
    counts = {"records": sum(told.removed.values()) - keys, "keys": keys}
    kept: dict[tuple[str, str], list[str]] = {}
    for each in told.kept:
        kept.setdefault((each.why, each.until), []).append(plain(f"{each.collection}.{each.field}"))
    why = "held_up_copy" if told.held_up == HOLD_UNCOPIED else "held_up"
    return _page(call, _tongue(call), "receipt", {"told": told, "kept": kept, "counts": counts, "why": why})


def _page(call: Call[Any, Any], tongue: str, title: str, words: dict[str, object]) -> web.Response:
    texts = words_in(tongue)
    frame = {"words": {**texts, "title": texts[title]}, "tongue": tongue, "what": title}
    codes = {"codes": codes_in(tongue), "named": named_in}
    return shown(call, "progress.html", {**frame, **codes, **words}, headers=_VARIES)


def _wants_page(call: Call[Any, Any]) -> bool:
    """Return whether a client likes a page better than JSON, as browsers say; who says nothing gets JSON."""
    liked = weights(call.request.headers.get(hdrs.ACCEPT, ""))
    return liked.get(_HTML, 0.0) > liked.get(_JSON, 0.0)


def _tongue(call: Call[Any, Any]) -> str:
    return best_language(call.request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/privacy/requests",
        handler=request,
        summary="How far a request has come",
        access=Access.PUBLIC,
        query=RequestQuery,
        answers={200: RequestView},
        problems=(404,),
        media=(_HTML,),
    ),
    Route(
        method="GET",
        path="/privacy/receipts",
        handler=receipt,
        summary="The receipt of an erasure",
        access=Access.PUBLIC,
        query=ReceiptQuery,
        answers={200: ReceiptView},
        problems=(404,),
        media=(_HTML,),
    ),
)
