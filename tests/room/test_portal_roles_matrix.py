"""What each role may at every route that names a socket or an incident; a route without an entry here fails.

The owner comes last and with everything that ends something at the very end, so that each route finds its thing.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.shares import Need, Role, Share, ShareRole, may
from portal_api import sessions
from portal_api.routes import Access, AnyRoute
from tests.fakes.portal_devices import MAIJA, SOCKET, incident, owned
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.room import test_portal_access_matrix as matrix
from tests.room.test_portal_access_matrix import EVERY, World, name_of

DEVICE, INCIDENT = "/devices/{device_id}", "/incidents/{incident_id}"
API = "/api/v1"
NEEDS: dict[Need, tuple[str, ...]] = {
    Need.VIEW: (
        f"GET {API}{DEVICE}",
        f"GET {API}{DEVICE}/history",
        f"GET {API}{DEVICE}/completeness",
        f"GET {API}{DEVICE}/problems",
        f"GET {API}{DEVICE}/settings",
        f"GET {API}{DEVICE}/switchings",
        f"GET {API}{DEVICE}/commands",
        f"GET {API}{DEVICE}/commands/{{command_id}}",
        f"GET {API}{DEVICE}/shares",
        f"GET {API}{INCIDENT}",
        f"GET {DEVICE}",
        f"GET {DEVICE}/history",
        f"GET {DEVICE}/history.csv",
        f"GET {INCIDENT}",
        f"POST {DEVICE}/leave",
    ),
    Need.OPERATE: (
        f"POST {API}{DEVICE}/commands",
        f"POST {API}{INCIDENT}/ack",
        f"POST {DEVICE}/commands",
        f"POST {INCIDENT}/ack",
    ),
    Need.OWN: (
        f"PATCH {API}{DEVICE}",
        f"DELETE {API}{DEVICE}",
        f"PATCH {API}{DEVICE}/settings",
        f"POST {API}{DEVICE}/shares",
        f"GET {API}{DEVICE}/transfer",
        f"POST {API}{DEVICE}/transfer",
        f"DELETE {API}{DEVICE}/transfer",
        f"POST {API}{DEVICE}/test-alarm",
        f"POST {API}{DEVICE}/replay",
        f"GET {API}{DEVICE}/replay/{{replay_id}}",
        f"GET {API}{DEVICE}/escalation",
        f"PUT {API}{DEVICE}/escalation",
        f"POST {API}/unheard/{{incident_id}}/seen",
        f"POST {DEVICE}/name",
        f"POST {DEVICE}/settings",
        f"POST {DEVICE}/test-alarm",
        f"POST {DEVICE}/give-up",
        f"GET {DEVICE}/people",
        f"POST {DEVICE}/people",
        f"POST {DEVICE}/people/{{share_id}}/end",
        f"POST {DEVICE}/transfer",
        f"POST {DEVICE}/transfer/take-back",
        f"GET {DEVICE}/schedule",
        f"POST {DEVICE}/schedule",
        f"GET {DEVICE}/alarms",
        f"POST {DEVICE}/alarms",
        f"GET {DEVICE}/replay/{{replay_id}}",
        f"GET {DEVICE}/ladder",
        f"POST {DEVICE}/ladder",
        "POST /unheard/{incident_id}/seen",
    ),
}
OF_ANOTHER_GUEST = f"DELETE {API}{DEVICE}/shares/{{share_id}}"
"""A guest ends their own share only: another's is as one that does not exist."""
NEED_OF = {name: need for need, names in NEEDS.items() for name in names}
SHARED = [each for each in EVERY if {"device_id", "incident_id"} & {*each.parameters} and each.access is Access.ACCOUNT]
ASKED_OF_GUESTS = [each for each in SHARED if name_of(each) != f"POST {DEVICE}/leave"]
"""Giving it back would end the share of those who ask next: test_portal_shares_pages.py has it."""
GUESTS = {"operator@example.org": Role.OPERATOR, "viewer@example.org": Role.VIEWER}
EXPIRED = "expired@example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guests:
    """Maija's socket, and those with whom she shares it, each as a stranger would ask."""

    world: World
    by_role: dict[str, World]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guests() -> AsyncIterator[Guests]:
    async with portal_house(routes=EVERY) as house:
        token = await owned(house)
        maija = (await house.account(MAIJA)).id
        await incident(house, "inc_1", maija)
        at = f"/devices/{SOCKET}"
        order = await house.ask("POST", f"{at}/commands", {"name": "status"}, token=token)
        replay = await house.ask("POST", f"{at}/replay", matrix.PERIOD, token=token)
        other = await house.ask("POST", f"{at}/shares", {"email": "x@example.org", "role": "viewer"}, token=token)
        await house.ask("POST", f"{at}/transfer", {"email": "next@example.org"}, token=token)
        own = {
            "device_id": SOCKET,
            "incident_id": "inc_1",
            "command_id": (await order.json())["id"],
            "replay_id": (await replay.json())["id"],
            "share_id": (await other.json())["id"],
        }
        maija_asks = await asking(house, MAIJA, own, token)
        by_role = {"owner": maija_asks}
        for address, role in {**GUESTS, EXPIRED: Role.OPERATOR}.items():
            by_role["expired" if address == EXPIRED else role.value] = await guest(house, maija_asks, address, role)
        yield Guests(world=maija_asks, by_role=by_role)


async def asking(house: PortalHouse, address: str, own: dict[str, str], token: str) -> World:
    cookie = await sessions.open_cookie(house.portal, await house.account(address))
    return World(house=house, own=own, stranger_token=token, stranger_cookie=cookie)


async def guest(house: PortalHouse, of: World, address: str, role: Role) -> World:
    """Return somebody with whom the socket is shared, or was."""
    token = await house.customer(address)
    now = house.clock.now()
    await house.records.add(
        Share(
            id=f"shr_{address[:4]}", device_id=SOCKET, owner_id=(await house.account(MAIJA)).id,
            account_id=(await house.account(address)).id, email=address, role=ShareRole(role.value), created_at=now,
            accepted_at=now - timedelta(days=2), until=now - timedelta(days=1) if address == EXPIRED else None,
        )
    )  # fmt: skip
    return await asking(house, address, of.own, token)


async def status_of(asker: World, route: AnyRoute) -> tuple[int, bytes]:
    answer = await asker.ask(route, asker.own, stranger=True)
    return answer.status, await answer.read()


def test_every_route_about_a_socket_says_what_it_needs() -> None:
    assert {name_of(each) for each in SHARED} == {*NEED_OF, OF_ANOTHER_GUEST}, "each stands in `NEEDS`, here"


@pytest.mark.clause("C5-02")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("route", ASKED_OF_GUESTS, ids=name_of)
async def test_a_guest_may_what_their_role_may(route: AnyRoute, role: str, guests: Guests) -> None:
    name = name_of(route)
    status, _ = await status_of(guests.by_role[role], route)
    if name == OF_ANOTHER_GUEST:
        assert status == 404
    elif may(Role(role), NEED_OF[name]):
        assert status not in {401, 403, 404}
    else:
        assert status == 403


@pytest.mark.clause("C5-02")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", SHARED, ids=name_of)
async def test_a_guest_whose_time_is_over_is_a_stranger(route: AnyRoute, guests: Guests) -> None:
    asker = guests.by_role["expired"]
    nothing = replace(asker, own={name: f"{value[:4]}nothing" for name, value in asker.own.items()})
    over, missing = await status_of(asker, route), await status_of(nothing, route)
    assert (over[0], over[1]) == (404, missing[1])


@pytest.mark.clause("C5-02")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_what_is_not_about_a_socket_is_not_shared(role: str, guests: Guests) -> None:
    house, asker = guests.world.house, guests.by_role[role]
    for path in ("/contacts", "/readiness", "/unheard"):
        answer = await house.ask("GET", path, token=asker.stranger_token)
        found: Any = await answer.json()
        assert MAIJA not in str(found)
        assert SOCKET not in str(found)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_owner_may_everything(guests: Guests) -> None:
    asker = guests.by_role["owner"]
    ending = (f"DELETE {API}{DEVICE}/shares", f"DELETE {API}{DEVICE}/transfer", f"POST {DEVICE}/transfer/take-back")
    last = [f"POST {DEVICE}/give-up", f"DELETE {API}{DEVICE}"]

    def order(route: AnyRoute) -> int:
        name = name_of(route)
        return 2 if name in last else 1 if name.startswith(ending) or name.endswith("/end") else 0

    refused = {}
    for route in sorted(SHARED, key=order):
        if name_of(route) in {last[0], f"POST {DEVICE}/people/{{share_id}}/end", f"POST {DEVICE}/transfer/take-back"}:
            continue  # each is the page of a route of the API that is asked here, and its thing is gone after one
        answer = await status_of(asker, route)
        if answer[0] in {401, 403, 404}:
            refused[name_of(route)] = answer
    assert refused == {}
