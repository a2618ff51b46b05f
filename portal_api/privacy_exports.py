"""A copy of everything about oneself (Art. 15 and 20): asked for with the password, made by the privacy service."""

import asyncio
from datetime import datetime

from aiohttp import web
from pydantic import ConfigDict, Field

from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.exports import BY_REQUEST, DataExport, ExportState
from isocket.domain.handling import Basis, Purpose
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Test, is_, one_of
from portal_api import sessions
from portal_api.limits import Rate
from portal_api.models import Body, Instant, View
from portal_api.problem import Problem, ProblemError, not_found
from portal_api.routes import AnyRoute, Call, Route
from portal_api.tokens import why_not_them

log = get_logger(__name__)

EXPORTS = Rate(name="export_account", tries=5, per_s=86_400)
_UNDER_WAY = (ExportState.WAITING, ExportState.WORKING)


class ExportWish(Body):
    """The password once more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "four words in a row"}]})

    password: str = Field(min_length=1, max_length=1024)


class ExportView(View):
    """One copy and how far it has come."""

    id: str = Field(examples=["exp_mzxw6ytboi"])
    state: ExportState
    progress: int = Field(description="Percent.")
    asked_at: Instant
    ready_at: Instant | None
    expires_at: Instant | None = Field(description="It can be fetched until then.")
    size: int | None = Field(description="Bytes, once it is ready.")


async def ask(call: Call[ExportWish, None]) -> ExportView | Problem:
    """Ask for a copy of everything about yourself. One at a time: a copy that is being made is shown instead."""
    wrong = await why_not_them(call.portal, call.account, call.body.password, client=call.client)
    if wrong is not None:
        return wrong
    async with call.portal.turns.of(f"export {call.session.id}"):
        copy = await _newest(call, one_of("state", _UNDER_WAY)) or await _noted(call)
    return _view(copy)


async def show(call: Call[None, None]) -> ExportView:
    """Show how far a copy has come."""
    return _view(await _own(call))


async def download(call: Call[None, None]) -> Problem | web.StreamResponse:
    """Give the zip, to the session in which the password was typed."""
    wish = await _own(call)
    by_request = wish.session_id == BY_REQUEST and sessions.proved_lately(call.portal, call.session)
    if wish.session_id != call.session.id and not by_request:
        return Problem(status=403, kind="ask-again", detail="Ask for a copy here, with your password.")
    if wish.state is not ExportState.READY or wish.ends_at is None or wish.ends_at <= call.clock.now():
        return Problem(status=409, kind="not-ready", detail="It is not ready, or not there any more.")
    key = await call.portal.keyring.key_for(call.account.id)
    if key is None:
        return not_found()
    pieces = call.portal.shelf.read(wish.id, key)
    try:
        piece = await asyncio.to_thread(next, pieces, None)
    except FileNotFoundError:
        return Problem(status=409, kind="not-ready", detail="It is not there any more. Ask for another.")
    await call.records.add_all([_handed_out(wish, call.clock.now())])
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/zip",
            "Content-Length": str(wish.size),
            "Content-Disposition": 'attachment; filename="isocket-data.zip"',
        }
    )
    await response.prepare(call.request)
    while piece is not None:
        await response.write(piece)
        piece = await asyncio.to_thread(next, pieces, None)
    await response.write_eof()
    log.info("export_fetched", export_id=wish.id, account_id=call.account.id)
    return response


async def _newest(call: Call[ExportWish, None], *tests: Test) -> DataExport | None:
    """Return the last copy that was asked for in this session."""
    mine = (is_("account_id", call.account.id), is_("session_id", call.session.id), *tests)
    found = await call.records.find(DataExport, *mine, order_by="created_at", descending=True, limit=1)
    return found[0] if found else None


async def _noted(call: Call[ExportWish, None]) -> DataExport:
    """Store the wish for another copy; return it, or the one that another portal stored in this moment.

    Its id follows from the copy before, so that of two who find the same one before only the first stores it. Where
    none is left it follows from the day: under an id of last month it is told already that the copy was fetched.
    """
    await call.portal.limits.demand(EXPORTS, call.account.id)
    now, newest = call.clock.now(), await _newest(call)
    before = newest.id if newest else now.date().isoformat()
    while True:
        made = DataExport(
            id=derived_id("exp", call.session.id, before),
            account_id=call.account.id,
            session_id=call.session.id,
            created_at=now,
        )
        try:
            await call.records.add(made)
        except AlreadyThereError:
            there = await call.records.get(DataExport, made.id)
            if there is not None and there.state in _UNDER_WAY:
                return there
            before = made.id  # its time is from before the clock was set back
        else:
            log.info("export_asked", export_id=made.id, account_id=call.account.id)
            return made


async def _own(call: Call[None, None]) -> DataExport:
    found = await call.records.get(DataExport, call.path["export_id"])
    if found is None or found.account_id != call.account.id:
        raise ProblemError(not_found())
    return found


def _handed_out(wish: DataExport, now: datetime) -> Disclosure:
    """Return the line of the ledger that a copy was fetched: one, however often."""
    return noted(
        wish.account_id,
        to=DisclosedTo.SELF,
        what=("everything",),
        purpose=Purpose.RIGHTS,
        basis=Basis.LEGAL_DUTY,
        at=now,
        once=(wish.id,),
    )


def _view(wish: DataExport) -> ExportView:
    ready = wish.state is ExportState.READY
    return ExportView(
        id=wish.id,
        state=wish.state,
        progress=wish.progress,
        asked_at=wish.created_at,
        ready_at=wish.ready_at,
        expires_at=wish.ends_at,
        size=wish.size if ready else None,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/privacy/exports",
        handler=ask,
        summary="Ask for a copy of everything about me",
        body=ExportWish,
        answers={202: ExportView},
        problems=(403, 429),
    ),
    Route(
        method="GET",
        path="/privacy/exports/{export_id}",
        handler=show,
        summary="How far a copy has come",
        answers={200: ExportView},
    ),
    Route(
        method="GET",
        path="/privacy/exports/{export_id}/download",
        handler=download,
        summary="Fetch a copy",
        answers={200: None},
        problems=(403, 409),
    ),
)
