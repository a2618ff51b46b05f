"""The overview: what is wrong now, and every socket with its state and its switch."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from isocket.domain.commands import Command
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident, IncidentState
from isocket.domain.shares import Role
from isocket.domain.unheard import UNANSWERED
from isocket.storage.port import above, is_, one_of
from portal_api import claims
from portal_api.claims import Claim
from portal_api.devices import page_of_mine, views_of
from portal_api.incidents import newest_first
from portal_api.owned import Standing, standings_of
from portal_api.pages import go_to
from portal_api.pages_cards import Card, Order, Trouble, card, order_of, trouble
from portal_api.pages_doorway import sign_in_page
from portal_api.pages_forms import TYPED, Form, Nothing, checked, with_body
from portal_api.pages_words import note
from portal_api.problem import Problem
from portal_api.readiness import readiness_of
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute
from portal_api.unheard import see, unheard_incidents

CARDS = 60
MOST_TROUBLES = 50
NOBODY_THERE = "no contact there can be told"
STOPPED = "you chose that your data is only kept, and that nobody is told of alarms meanwhile"
EVERYBODY_SLEEPS = "everybody has quiet hours, for critical alarms too"
COMMAND_SHOWN_S = 15 * 60  # after that the last command is history


class ClaimForm(Form):
    """What is on the label of a socket, and what to call it."""

    device_id: str = TYPED
    claim_code: str = TYPED
    name: str = TYPED


async def overview(call: Call[None, None]) -> web.Response:
    """Show the overview; who is not signed in gets the form to do so."""
    if call.caller is None:
        return await sign_in_page(call)
    words = await _words(call)
    return shown(call, "overview.html", {**words, "note": note(call.request.query.get("said"))}, here="overview")


async def claim(call: Call[ClaimForm, None]) -> web.Response:
    """Make a socket one's own."""
    typed = call.body
    wish = checked(
        Claim, device_id=typed.device_id.strip(), claim_code=typed.claim_code, name=typed.name.strip() or None
    )
    answer = wish if isinstance(wish, Problem) else await claims.claim(with_body(call, wish))
    if not isinstance(answer, Problem):
        return go_to("/?said=claimed")
    if answer.kind == "not-found":
        answer = replace(answer, detail="There is no socket with this id and code. Look at its label again.")
    return refused(call, "overview.html", answer, {**await _words(call), "typed": typed}, here="overview")


async def back(_: Call[None, None]) -> web.Response:
    """Lead to the form: its own address would else be read as that of a socket."""
    return go_to("/")


async def seen(call: Call[Nothing, None]) -> web.Response:
    """Say that one has seen that an alarm reached nobody."""
    await see(with_body(call, None))
    return go_to("/")


async def _words(call: Call[Any, Any]) -> dict[str, object]:
    standings, following = await page_of_mine(call, cursor=call.request.query.get("cursor"), limit=CARDS)
    own = [each.device for each in standings if each.owns]
    troubles, more_troubles = await _troubles(call, IncidentState.OPEN)
    seen_to, more_seen_to = await _troubles(call, IncidentState.ACKNOWLEDGED)
    missed = await unheard_incidents(call.records, call.account.id)
    unheard, cards = await _unheard(call, own), await _cards(call, standings)
    whole = following is None and "cursor" not in call.request.query
    return {
        "live_from": "/",
        "troubles": troubles,
        "seen_to": seen_to,
        "more_troubles": more_troubles or more_seen_to,
        "unheard": unheard,
        "reached_nobody": await as_troubles(call, [incident for incident, _ in missed.values()]),
        "unanswered": [each for each, (_, reason) in missed.items() if reason == UNANSWERED],
        "cards": cards,
        "all_well": whole and not unheard and not missed and all(_is_well(each) for each in cards),
        "following": following,
        "typed": ClaimForm(),
        "only_seen": await only_seen(call),
    }


def _is_well(shown: Card) -> bool:
    """Return whether a socket is in touch and nothing on its card is bad: no alarm is open yet while a delay runs."""
    return shown.view.online and not any(each.tone == "bad" for each in shown.readings)


async def _unheard(call: Call[Any, Any], devices: Sequence[Device]) -> dict[str, list[Device]]:
    """Return the sockets of whose alarms nobody would hear now, by the reason in words."""
    found: dict[str, list[Device]] = defaultdict(list)
    for device, each in zip(devices, await readiness_of(call, devices, with_proofs=False), strict=True):
        if each.unheard:
            found[STOPPED if each.restricted else EVERYBODY_SLEEPS if each.reached else NOBODY_THERE].append(device)
    return dict(found)


async def _troubles(call: Call[Any, Any], state: IncidentState) -> tuple[list[Trouble], bool]:
    """Return the caller's newest incidents in this state, and whether there are more.

    Each state has room of its own: nothing that somebody has taken hides what nobody has.
    """
    found, following = await newest_first(call, [is_("state", state)], cursor=None, limit=MOST_TROUBLES)
    return await as_troubles(call, found), following is not None


async def only_seen(call: Call[Any, Any]) -> frozenset[str]:
    """Return the sockets at which the caller may only look."""
    shared = await standings_of(call.records, call.account, call.clock)
    return frozenset(each.device.id for each in shared if each.role is Role.VIEWER)


async def as_troubles(call: Call[Any, Any], incidents: Sequence[Incident]) -> list[Trouble]:
    """Return incidents that the caller may see, with what their sockets are called; a former owner has no name left."""
    ids = sorted({each.device_id for each in incidents})
    found = await call.records.find(Device, one_of("id", ids)) if ids else []
    devices = {(each.id, each.owner_id): each for each in found}
    reader = call.account.id
    return [trouble(each, devices.get((each.device_id, each.account_id)), reader=reader) for each in incidents]


async def _cards(call: Call[Any, Any], standings: Sequence[Standing]) -> list[Card]:
    views, devices = await views_of(call.portal, standings), [each.device for each in standings]
    orders = await _recent_orders(call, devices)
    reader = call.account.id
    cards = [
        card(device, view, orders.get(device.id), reader=reader) for device, view in zip(devices, views, strict=True)
    ]
    return sorted(cards, key=lambda each: (not each.view.open_incidents, each.name.casefold()))


async def _recent_orders(call: Call[Any, Any], devices: Sequence[Device]) -> dict[str, Order]:
    """Return the caller's last command to each device, where it is fresh."""
    if not devices:
        return {}
    now = call.clock.now()
    found = await call.records.find(
        Command,
        one_of("device_id", [each.id for each in devices]),
        above("created_at", now - timedelta(seconds=COMMAND_SHOWN_S)),
        order_by="created_at",
    )
    return {each.device_id: order_of(each, now) for each in found if each.account_id == call.account.id}


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/", handler=overview, summary="Show the overview", access=Access.PUBLIC),
    PageRoute(method="GET", path="/devices/claim", handler=back, summary="The form by which a socket is made mine"),
    PageRoute(method="POST", path="/devices/claim", handler=claim, summary="Make a socket mine", body=ClaimForm),
    PageRoute(
        method="POST",
        path="/unheard/{incident_id}/seen",
        handler=seen,
        summary="Say that I have seen it",
        body=Nothing,
    ),
)
