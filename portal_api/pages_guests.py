"""With whom a socket is shared, and to whom it is handed over, as a page; and how a guest gives it back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from isocket.domain.shares import Share
from isocket.storage.port import is_
from portal_api import shares, transfers
from portal_api.owned import Need, own_device, standing_for
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, Nothing, checked, with_body
from portal_api.pages_words import note
from portal_api.problem import Problem, ProblemError, fault
from portal_api.rendering import local_time, refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.share_models import NewShare, state_of
from portal_api.transfers import NewTransfer

ROLES: Mapping[str, str] = {"viewer": "may look", "operator": "may look, switch and acknowledge"}
STATES: Mapping[str, str] = {"invited": "has not accepted yet", "accepted": "", "over": "time is over"}


class InviteForm(Form):
    """Whom to invite. The time is by the account's own clock."""

    email: str = TYPED
    role: str = TYPED
    until: str = TYPED


class HandOverForm(Form):
    """To whom the socket is to go."""

    email: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show with whom a socket is shared, and whether it is offered to somebody."""
    return shown(
        call, "guests.html", {**await _words(call, InviteForm()), "note": note(call.request.query.get("said"))}
    )


async def invite(call: Call[InviteForm, None]) -> web.Response:
    """Share the socket with somebody."""
    wish = _wish(call)
    try:
        answer = wish if isinstance(wish, Problem) else await shares.invite(with_body(call, wish))
    except ProblemError as error:
        await own_device(call)  # a guest is refused whole; anything else stands on the page
        answer = error.problem
    if isinstance(answer, Problem):
        return refused(call, "guests.html", answer, await _words(call, call.body))
    return go_to(f"/devices/{call.path['device_id']}/people?said=invited")


async def end(call: Call[Nothing, None]) -> web.Response:
    """End somebody's share."""
    await own_device(call)
    answer = await shares.end(with_body(call, None))
    if isinstance(answer, Problem):
        raise ProblemError(answer)
    return go_to(f"/devices/{call.path['device_id']}/people?said=share-ended")


async def leave(call: Call[Nothing, None]) -> web.Response:
    """Give back a socket that somebody shares with the caller."""
    standing = await standing_for(call, Need.VIEW)
    if standing.share is None:
        return go_to(f"/devices/{standing.device.id}")
    await shares.end_share(call.portal, standing.share, by_owner=False)
    return go_to("/?said=left")


async def offer(call: Call[HandOverForm, None]) -> web.Response:
    """Offer the socket to another customer."""
    wish = checked(NewTransfer, email=call.body.email)
    try:
        answer = wish if isinstance(wish, Problem) else await transfers.offer(with_body(call, wish))
    except ProblemError as error:
        await own_device(call)
        answer = error.problem
    if isinstance(answer, Problem):
        return refused(call, "guests.html", answer, {**await _words(call, InviteForm()), "next_owner": call.body.email})
    return go_to(f"/devices/{call.path['device_id']}/people?said=offered")


async def take_back(call: Call[Nothing, None]) -> web.Response:
    """Take the offer back."""
    await transfers.take_back(with_body(call, None))
    return go_to(f"/devices/{call.path['device_id']}/people?said=taken-back")


def _wish(call: Call[InviteForm, None]) -> NewShare | Problem:
    typed, until = call.body, call.body.until.strip()
    try:
        at = datetime.fromisoformat(until).replace(tzinfo=local_time(call).zone).astimezone(UTC) if until else None
    except (ValueError, OverflowError):
        return fault("until", "This is not a day and a time.")
    return checked(NewShare, email=typed.email, role=typed.role, until=at)


async def _words(call: Call[Any, Any], typed: InviteForm) -> Mapping[str, object]:
    device, now = await own_device(call), call.clock.now()
    found = await call.records.find(
        Share, is_("device_id", device.id), is_("owner_id", call.account.id), order_by="created_at"
    )
    return {
        "device": device,
        "name": device.called,
        "shares": [(each, STATES[state_of(each, now)]) for each in found],
        "roles": ROLES,
        "typed": typed,
        "offer": await transfers.open_offer(call.portal, device),
        "next_owner": "",
    }


def _page(method: str, path: str, handler: Any, summary: str, body: type[Form] | None = None, **more: Any) -> AnyRoute:
    return PageRoute(
        method=method,
        path=f"/devices/{{device_id}}{path}",
        handler=handler,
        summary=summary,
        body=body,
        **more,
    )


ROUTES: tuple[AnyRoute, ...] = (
    _page("GET", "/people", show, "Show with whom a socket is shared"),
    _page("POST", "/people", invite, "Share a socket", InviteForm, step_up=True),
    _page("POST", "/people/{share_id}/end", end, "End a share", Nothing),
    _page("POST", "/leave", leave, "Give a shared socket back", Nothing),
    _page("POST", "/transfer", offer, "Offer a socket to another customer", HandOverForm, step_up=True),
    _page("POST", "/transfer/take-back", take_back, "Take an offer back", Nothing),
)
