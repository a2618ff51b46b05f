"""Where one is signed in: the list, and ending one or all others."""

from pydantic import Field

from isocket.domain.accounts import Agent, Session, SessionKind
from isocket.kit.logs import get_logger
from isocket.storage.port import Test, above, is_, is_not, remove_every
from portal_api.cursor import page_of
from portal_api.models import Instant, Page, PageQuery, View
from portal_api.problem import Problem, not_found
from portal_api.routes import AnyRoute, Call, Route

log = get_logger(__name__)


class SessionView(View):
    """One browser or program that is signed in."""

    id: str = Field(examples=["ses_abcdefghijklmnopqrstuvwxyz"])
    kind: SessionKind
    agent: Agent = Field(description="The family of browser or program; more is not kept.")
    label: str = Field(description="What it was called when it signed in.")
    since: Instant
    last_seen: Instant | None = Field(description="The hour in which it last asked for anything.")
    second_factor: bool = Field(description="Whether a second factor was shown in it.")
    current: bool = Field(description="Whether it is the one that asks.")


class Ended(View):
    """How many were signed out."""

    ended: int


async def show_all(call: Call[None, PageQuery]) -> Page[SessionView]:
    """List where I am signed in. Where from is not kept, so it is not shown."""
    found, following = await page_of(
        call.records, Session, *_mine(call), cursor=call.query.cursor, limit=call.query.limit, order_by="created_at"
    )
    return Page[SessionView](items=[view(each, call.session.id) for each in found], next=following)


async def end_one(call: Call[None, None]) -> Problem | None:
    """Sign one browser or program out. Its open streams end as well."""
    tests = (is_("id", call.path["session_id"]), is_("account_id", call.account.id))
    if not await call.records.remove_all(Session, *tests):
        return not_found()
    log.info("session_ended", session_id=call.path["session_id"])
    return None


async def end_others(call: Call[None, None]) -> Ended:
    """Sign out everything but the session that asks. Personal API tokens stay: see `DELETE /api-tokens/{token_id}`."""
    mine = is_("account_id", call.account.id)
    ended = await remove_every(call.records, Session, mine, is_not("id", call.session.id))
    log.info("sessions_ended", account_id=call.account.id, number=ended)
    return Ended(ended=ended)


def view(session: Session, current_id: str) -> SessionView:
    """Return what its holder sees of a session."""
    return SessionView(
        id=session.id,
        kind=session.kind,
        agent=session.agent,
        label=session.label,
        since=session.created_at,
        last_seen=session.last_seen_at,
        second_factor=session.second_factor,
        current=session.id == current_id,
    )


def _mine(call: Call[None, PageQuery]) -> tuple[Test, ...]:
    return (
        is_("account_id", call.account.id),
        is_("credential_epoch", call.account.credential_epoch),
        above("expires_at", call.clock.now()),
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/sessions",
        handler=show_all,
        summary="List where I am signed in",
        query=PageQuery,
        answers={200: Page[SessionView]},
    ),
    Route(
        method="DELETE",
        path="/sessions",
        handler=end_others,
        summary="Sign out everywhere else",
        answers={200: Ended},
    ),
    Route(
        method="DELETE",
        path="/sessions/{session_id}",
        handler=end_one,
        summary="Sign out one browser or program",
        answers={204: None},
    ),
)
