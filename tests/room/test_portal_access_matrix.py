"""Nobody and strangers at every route that the portal has, API and pages, by the table of routes itself."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse

from isocket.domain.accounts import Session
from isocket.domain.api_tokens import ApiToken, Scope
from isocket.domain.contacts import ChannelKind, Substitution
from isocket.domain.deliveries import Delivery
from isocket.domain.devices import Device
from isocket.domain.endpoints import Endpoint
from isocket.domain.exports import DataExport
from isocket.domain.factors import Passkey
from portal_api import access, sessions
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.health import PLAIN_ROUTES
from portal_api.pages_routes import page_routes
from portal_api.routes import API, Access, AnyRoute, Surface
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, enter, incident, owned
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house

EVERY: tuple[AnyRoute, ...] = (*ROUTES, *DEVICE_ROUTES, *page_routes(desk=True))
NOBODYS = ("/policy/{policy_version}", "/policy/{old_version}/changes/{policy_version}")
NAMED = [
    route for route in EVERY
    if route.parameters and route.access is not Access.STAFF and route.path not in NOBODYS
]  # fmt: skip
BESIDES = {f"{API}/openapi.json", f"{API}/docs", "/static", *(each.path for each in PLAIN_ROUTES)}
"""What is public and tells nothing of anybody."""
PERIOD = {"from": "2026-11-20T00:00:00.000Z", "to": "2026-11-21T00:00:00.000Z"}
JSON_BODIES: dict[str, Any] = {
    "/me/passkeys/{passkey_id}": {"name": "Mine"},
    "/devices/{device_id}/commands": {"name": "on"},
    "/contacts/{contact_id}/verify": {"channel": "email", "code": "123456"},
    "/contacts/{contact_id}/verification": {"channel": "email"},
    "/devices/{device_id}/escalation": {"steps": []},
    "/devices/{device_id}/replay": PERIOD,
    "/contacts/{contact_id}/endpoints": {"kind": "webhook", "url": "https://hooks.example.org/alarm"},
    "/devices/{device_id}/shares": {"email": "guest@example.org", "role": "viewer"},
    "/devices/{device_id}/transfer": {"email": "next@example.org"},
}
FORMS: dict[str, dict[str, str]] = {
    "/devices/{device_id}/commands": {"name": "on"},
    "/contacts/{contact_id}/verify": {"channel": "email", "code": "123456"},
    "/contacts/{contact_id}/verification": {"channel": "email"},
}


def name_of(route: AnyRoute) -> str:
    return f"{route.method} {route.template}"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Maija's things, and Pekka, who is a stranger to them."""

    house: PortalHouse
    own: dict[str, str]
    stranger_token: str
    stranger_cookie: str

    async def ask(self, route: AnyRoute, names: dict[str, str], *, stranger: bool) -> ClientResponse:
        """Ask with a body that is good as far as it goes."""
        headers = {"Origin": PUBLIC_URL}
        path, more = route.template.format(**names), dict[str, Any]()
        if route.surface is Surface.API:
            if stranger:
                headers["Authorization"] = f"Bearer {self.stranger_token}"
            if route.body is not None:
                more["json"] = JSON_BODIES.get(route.path, {})
        else:
            if stranger:
                headers["Cookie"] = f"sid={self.stranger_cookie}"
            if route.method == "POST":
                more["data"] = {"csrf": access.csrf_token(self.stranger_cookie), **FORMS.get(route.path, {})}
        return await self.house.client.request(route.method, path, headers=headers, allow_redirects=False, **more)


async def endpoint(house: PortalHouse, contact_id: str) -> str:
    """Store a program that Maija's contact is told by."""
    made = Endpoint(
        id="end_1",
        account_id=(await house.account(MAIJA)).id,
        contact_id=contact_id,
        kind=ChannelKind.WEBHOOK,
        address="https://hooks.example.org/alarm",
        created_at=house.clock.now(),
    )
    await house.records.add(made)
    return made.id


async def substitution(house: PortalHouse, contact_id: str) -> str:
    """Store that somebody stands in for Maija's contact."""
    now = house.clock.now()
    made = Substitution(
        id="sub_1",
        account_id=(await house.account(MAIJA)).id,
        contact_id=contact_id,
        stand_in_id=contact_id,
        from_at=now,
        until_at=now + timedelta(days=7),
        created_at=now,
    )
    await house.records.add(made)
    return made.id


async def api_token(house: PortalHouse) -> str:
    """Store that Maija lets a program in."""
    maija, now = await house.account(MAIJA), house.clock.now()
    made = ApiToken(
        id="tok_1",
        account_id=maija.id,
        name="Program",
        token_hash="0" * 64,
        scopes=(Scope.CONTROL,),
        credential_epoch=maija.credential_epoch,
        created_at=now,
        expires_at=now + timedelta(days=7),
    )
    await house.records.add(made)
    return made.id


async def export(house: PortalHouse) -> str:
    """Store that Maija asked for a copy of everything about her."""
    maija = (await house.account(MAIJA)).id
    made = DataExport(id="exp_1", account_id=maija, session_id="ses_1", created_at=house.clock.now())
    await house.records.add(made)
    return made.id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    async with portal_house(routes=EVERY) as house:
        token = await owned(house)
        await incident(house, "inc_1", (await house.account(MAIJA)).id)
        contact = await enter(house, token, email="neighbour@example.org")
        order = await house.ask("POST", f"/devices/{SOCKET}/commands", {"name": "on"}, token=token)
        share = await house.ask(
            "POST", f"/devices/{SOCKET}/shares", JSON_BODIES["/devices/{device_id}/shares"], token=token
        )
        replay = await house.ask("POST", f"/devices/{SOCKET}/replay", PERIOD, token=token)
        own = {
            "device_id": SOCKET,
            "old_version": "1",
            "policy_version": "1",
            "incident_id": "inc_1",
            "contact_id": contact["id"],
            "endpoint_id": await endpoint(house, contact["id"]),
            "command_id": (await order.json())["id"],
            "share_id": (await share.json())["id"],
            "replay_id": (await replay.json())["id"],
            "export_id": await export(house),
            "request_id": "rrq_1",  # of staff only, who are at another door: tests/room/test_staff.py
            "breach_id": "bre_1",  # of staff only, as well
            "hold_id": "hld_1",
            "case_id": "cas_1",
            "token_id": await api_token(house),
            "substitution_id": await substitution(house, contact["id"]),
        }
        (own_session,) = await house.records.find(Session)
        own["session_id"] = own_session.id
        passkey = Passkey(
            id="pky_1",
            account_id=(await house.account(MAIJA)).id,
            credential_id="a",
            public_key="b",
            created_at=house.clock.now(),
        )
        await house.records.add(passkey)
        own["passkey_id"] = passkey.id
        stranger_token = await house.customer(PEKKA)
        cookie = await sessions.open_cookie(house.portal, await house.account(PEKKA))
        yield World(house=house, own=own, stranger_token=stranger_token, stranger_cookie=cookie)


@pytest.mark.asyncio(loop_scope="module")
async def test_no_route_is_beside_the_table(world: World) -> None:
    served = {
        (route.method, route.resource.canonical)
        for route in world.house.client.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    declared = {(route.method, route.template) for route in EVERY}
    assert {path for method, path in served if (method, path) not in declared} == BESIDES
    assert declared <= served


@pytest.mark.clause("C5-10")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", EVERY, ids=name_of)
async def test_nobody_gets_no_further_than_the_door(route: AnyRoute, world: World) -> None:
    answer = await world.ask(route, world.own, stranger=False)
    if route.access is Access.PUBLIC:
        assert answer.status in {200, 202, 303, 400, 422}
    elif route.surface is Surface.PAGE and route.method == "GET":
        assert (answer.status, answer.headers["Location"].startswith("/login?")) == (303, True)
    else:
        assert answer.status == 401


@pytest.mark.clause("C5-02")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", NAMED, ids=name_of)
async def test_a_strangers_thing_is_as_one_that_does_not_exist(route: AnyRoute, world: World) -> None:
    nothing = {name: f"{value[:4]}nothing" for name, value in world.own.items()}
    before = [await world.house.records.find(kind) for kind in (Device, Delivery, Substitution)]
    foreign = await world.ask(route, world.own, stranger=True)
    missing = await world.ask(route, nothing, stranger=True)
    assert (foreign.status, await foreign.read()) == (404, await missing.read())
    assert [await world.house.records.find(kind) for kind in (Device, Delivery, Substitution)] == before
