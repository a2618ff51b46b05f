"""Every route about sockets, incidents and contacts keeps strangers out, by the table of routes itself."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.contacts import Contact
from isocket.kit.clock import to_text
from isocket.storage.port import is_
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.routes import AnyRoute
from tests.fakes.portal_devices import CODE, PEKKA, SOCKET, devices_house, enter, incident, owned
from tests.fakes.portal_house import PortalHouse

BODIES: dict[str, Any] = {
    "/devices/claim": {"device_id": SOCKET, "claim_code": CODE},
    "/devices/{device_id}/commands": {"name": "on"},
    "/contacts/{contact_id}/verify": {"channel": "email", "code": "123456"},
    "/contacts/{contact_id}/verification": {"channel": "email"},
    "/devices/{device_id}/escalation": {"steps": []},
    "/escalation": {"steps": []},
    "/contacts": {"name": "N", "email": "n@example.org"},
    "/contacts/{contact_id}/endpoints": {"kind": "webhook", "url": "https://hooks.example.org/alarm"},
    "/devices/{device_id}/shares": {"email": "guest@example.org", "role": "viewer"},
    "/devices/{device_id}/transfer": {"email": "next@example.org"},
    "/devices/{device_id}/replay": {"from": "2026-11-20T00:00:00.000Z", "to": "2026-11-21T00:00:00.000Z"},
}
NAMED = [route for route in DEVICE_ROUTES if route.parameters]


def name_of(route: AnyRoute) -> str:
    return f"{route.method} {route.path}"


def body_of(route: AnyRoute) -> Any:
    return None if route.body is None else BODIES.get(route.path, {})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[tuple[PortalHouse, str, dict[str, str], str]]:
    async with devices_house() as house:
        token = await owned(house)
        account = await house.account("maija@example.org")
        await incident(house, "inc_1", account.id)
        contact = await enter(house, token, email="neighbour@example.org")
        order = await house.ask("POST", f"/devices/{SOCKET}/commands", {"name": "on"}, token=token)
        command = (await order.json())["id"]
        own = {"device_id": SOCKET, "incident_id": "inc_1", "contact_id": contact["id"], "command_id": command}
        own["endpoint_id"] = await made(
            house, token, "/contacts/{contact_id}/endpoints".format(**own), BODIES["/contacts/{contact_id}/endpoints"]
        )
        own["replay_id"] = await made(
            house, token, "/devices/{device_id}/replay".format(**own), BODIES["/devices/{device_id}/replay"]
        )
        own["share_id"] = await made(
            house, token, "/devices/{device_id}/shares".format(**own), BODIES["/devices/{device_id}/shares"]
        )
        await made(house, token, "/devices/{device_id}/transfer".format(**own), BODIES["/devices/{device_id}/transfer"])
        own["substitution_id"] = await made(house, token, "/substitutions", await a_stand_in(house, contact["id"]))
        yield house, token, own, await house.customer(PEKKA)


async def made(house: PortalHouse, token: str, path: str, body: Any) -> str:
    """Return the id of what was made at a path."""
    answer = await house.ask("POST", path, body, token=token)
    assert answer.status in {201, 202}, await answer.text()
    return str((await answer.json())["id"])


async def a_stand_in(house: PortalHouse, contact_id: str) -> dict[str, Any]:
    """Return the wish that the account's own contact is told in place of another."""
    (own,) = await house.records.find(Contact, is_("is_owner", True))
    until = to_text(house.clock.now() + timedelta(days=1))
    return {"contact_id": contact_id, "stand_in_id": own.id, "until": until}


@pytest.mark.clause("C5-10")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", DEVICE_ROUTES, ids=name_of)
async def test_who_is_not_signed_in_gets_401(route: AnyRoute, world: Any) -> None:
    house, _, own, _ = world
    answer = await house.ask(route.method, route.path.format(**own), body_of(route))
    assert answer.status == 401


@pytest.mark.clause("C5-02")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", NAMED, ids=name_of)
async def test_another_customers_object_answers_as_one_that_does_not_exist(route: AnyRoute, world: Any) -> None:
    house, _, own, stranger = world
    nothing = {name: f"{value[:4]}nothing" for name, value in own.items()}
    foreign = await house.ask(route.method, route.path.format(**own), body_of(route), token=stranger)
    missing = await house.ask(route.method, route.path.format(**nothing), body_of(route), token=stranger)
    assert (foreign.status, await foreign.read()) == (404, await missing.read())


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", [each for each in NAMED if each.method == "GET"], ids=name_of)
async def test_the_owner_sees_what_strangers_do_not(route: AnyRoute, world: Any) -> None:
    house, token, own, _ = world
    assert (await house.ask("GET", route.path.format(**own), token=token)).status == 200


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", ["/devices", "/incidents", "/readiness"])
async def test_lists_hold_nothing_of_others(path: str, world: Any) -> None:
    house, token, _, stranger = world
    mine, theirs = [await (await house.ask("GET", path, token=each)).json() for each in (token, stranger)]
    assert (len(mine["items"]), theirs) == (1, {"items": [], "next": None})


@pytest.mark.asyncio(loop_scope="module")
async def test_a_command_is_found_only_at_its_own_socket(world: Any) -> None:
    house, token, own, _ = world
    path = f"/devices/{SOCKET}x/commands/{own['command_id']}"
    assert (await house.ask("GET", path, token=token)).status == 404
