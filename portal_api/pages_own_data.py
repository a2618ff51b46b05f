"""Pages with which somebody takes a copy of their data, and leaves: for whoever has nothing but a browser."""

from typing import Any

from aiohttp import web

from isocket.domain.exports import BY_REQUEST, DataExport
from isocket.storage.port import is_, one_of
from portal_api import privacy_erasure, privacy_exports
from portal_api.ledger_words import plain
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, Nothing, checked, with_body
from portal_api.privacy_erasure import ErasureView, ErasureWish
from portal_api.privacy_exports import ExportWish
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute

COPY_PATH, LEAVING_PATH = "/privacy/copy", "/privacy/leaving"
_LATEST = 5


class CopyForm(Form):
    """The password once more."""

    password: str = TYPED


class LeavingForm(Form):
    """The password once more, and one's own address typed out."""

    password: str = TYPED
    confirm: str = TYPED


async def copies(call: Call[None, None]) -> web.Response:
    """Show how far a copy has come, and the form for another."""
    return shown(call, "copy.html", await _copies(call), here="privacy")


async def ask_for_copy(call: Call[CopyForm, None]) -> web.Response:
    """Have a copy made."""
    wish = checked(ExportWish, password=call.body.password)
    answer = wish if isinstance(wish, Problem) else await privacy_exports.ask(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "copy.html", answer, await _copies(call), here="privacy")
    return go_to(COPY_PATH)


async def leaving(call: Call[None, None]) -> web.Response:
    """Show what an erasure removes and keeps, and the form for it, or for taking it back."""
    return shown(call, "leaving.html", await _plan(call), here="privacy")


async def leave(call: Call[LeavingForm, None]) -> web.Response:
    """Ask to be erased."""
    wish = checked(ErasureWish, password=call.body.password, confirm=call.body.confirm)
    answer: Problem | ErasureView = wish if isinstance(wish, Problem) else await privacy_erasure.ask(
        with_body(call, wish)
    )  # fmt: skip
    if isinstance(answer, Problem):
        return refused(call, "leaving.html", answer, await _plan(call), here="privacy")
    return go_to(LEAVING_PATH)


async def stay(call: Call[Nothing, None]) -> web.Response:
    """Take the wish back."""
    answer = await privacy_erasure.undo(with_body(call, None))
    if isinstance(answer, Problem):
        return refused(call, "leaving.html", answer, await _plan(call), here="privacy")
    return go_to(LEAVING_PATH)


async def _copies(call: Call[Any, None]) -> dict[str, Any]:
    """Return the copies that this browser may fetch, the newest first."""
    mine = (is_("account_id", call.account.id), one_of("session_id", (call.session.id, BY_REQUEST)))
    found = await call.records.find(DataExport, *mine, order_by="created_at", descending=True, limit=_LATEST)
    return {"copies": found, "now": call.clock.now()}


async def _plan(call: Call[Any, None]) -> dict[str, Any]:
    plan = await privacy_erasure.show(with_body(call, None))
    fates = {what: [each for each in plan.fields if each.what == what] for what in ("deleted", "emptied", "kept")}
    return {"plan": plan, "fates": fates, "email": call.account.email, "plain": plain}


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path=COPY_PATH, handler=copies, summary="A copy of my data"),
    PageRoute(method="POST", path=COPY_PATH, handler=ask_for_copy, summary="Make a copy of my data", body=CopyForm),
    PageRoute(method="GET", path=LEAVING_PATH, handler=leaving, summary="What goes when I leave"),
    PageRoute(method="POST", path=LEAVING_PATH, handler=leave, summary="Erase me", body=LeavingForm),
    PageRoute(method="POST", path=f"{LEAVING_PATH}/undo", handler=stay, summary="Do not erase me", body=Nothing),
)
