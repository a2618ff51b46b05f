"""Taking an invitation to somebody's socket, or the socket itself, as pages: opening a link alone accepts nothing."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from isocket.domain.transfers import Transfer
from portal_api import shares, transfers
from portal_api.owned import standing_of
from portal_api.pages import go_to
from portal_api.pages_forms import TokenForm, with_body
from portal_api.problem import Problem, ProblemError
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.share_models import Acceptance
from portal_api.transfers import TransferAcceptance

INVITATION, OFFER = "An invitation", "An offer"


async def ask(call: Call[None, None]) -> web.Response:
    """Show what an invitation offers."""
    token = call.request.query.get("token", "")
    try:
        share = await shares.invited(call.portal, call.account, token)
    except ProblemError as error:
        return _not_good(call, error.problem, INVITATION)
    return shown(call, "invitation.html", {"title": INVITATION, "share": share, "offer": None, "token": token})


async def accept(call: Call[TokenForm, None]) -> web.Response:
    """Accept it."""
    try:
        answer = await shares.accept(with_body(call, Acceptance(token=call.body.token or "-")))
    except ProblemError as error:
        return _not_good(call, error.problem, INVITATION)
    if isinstance(answer, Problem):
        return _not_good(call, answer, INVITATION)
    seen = await standing_of(call.records, call.account, answer.device_id, call.clock)
    return go_to(f"/devices/{answer.device_id}" if seen is not None else "/")


async def ask_to_take(call: Call[None, None]) -> web.Response:
    """Show what an offer of a socket means."""
    token = call.request.query.get("token", "")
    try:
        offer = await transfers.offered_by(call.portal, call.account, token)
    except ProblemError as error:
        return _not_good(call, error.problem, OFFER)
    return shown(call, "invitation.html", _offer(offer, token))


async def take(call: Call[TokenForm, None]) -> web.Response:
    """Take the socket over. Where that cannot be done just now, the button stays."""
    token = call.body.token
    try:
        answer = await transfers.accept(with_body(call, TransferAcceptance(token=token or "-")))
    except ProblemError as error:
        if error.problem.status != HTTPStatus.CONFLICT:
            return _not_good(call, error.problem, OFFER)
        offer = await transfers.offered_by(call.portal, call.account, token)
        return refused(call, "invitation.html", error.problem, _offer(offer, token))
    return _not_good(call, answer, OFFER) if isinstance(answer, Problem) else go_to(f"/devices/{answer.id}")


def _offer(offer: Transfer, token: str) -> Mapping[str, object]:
    return {"title": OFFER, "share": None, "offer": offer, "token": token}


def _not_good(call: Call[None, None] | Call[TokenForm, None], problem: Problem, title: str) -> web.Response:
    return refused(call, "invitation.html", problem, {"title": title, "share": None, "offer": None, "token": ""})


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/shares/accept", handler=ask, summary="Show an invitation"),
    PageRoute(
        method="POST",
        path="/shares/accept",
        handler=accept,
        summary="Accept an invitation to a socket",
        body=TokenForm,
    ),
    PageRoute(method="GET", path="/transfers/accept", handler=ask_to_take, summary="Show an offer"),
    PageRoute(method="POST", path="/transfers/accept", handler=take, summary="Take a socket over", body=TokenForm),
)
