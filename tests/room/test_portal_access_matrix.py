"""Who stands at which door: every route that the portal has, API and pages, by the table of routes itself.

Nobody, strangers, the programs of strangers and of the owner, and staff are here; what the owner, guests, and guests
whose time is over may is in test_portal_roles_matrix.py. A new route is asked as all of them without being listed, and
one that names a thing which is not in this world fails.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse

from isocket.domain.accounts import Session, StaffRole
from isocket.domain.api_tokens import ApiToken, Scope
from isocket.domain.contacts import ChannelKind, Substitution
from isocket.domain.deliveries import Delivery
from isocket.domain.devices import Device
from isocket.domain.endpoints import Endpoint
from isocket.domain.exports import DataExport
from isocket.domain.factors import Passkey
from isocket.domain.homes import Home
from isocket.kit.ids import token_hash
from isocket.storage.port import is_
from portal_api import access, sessions
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.health import PLAIN_ROUTES
from portal_api.pages_routes import page_routes
from portal_api.routes import API, Access, AnyRoute, Surface
from portal_api.token_use import new_api_token
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
STAFF = "staff@example.org"
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

    async def ask(
        self, route: AnyRoute, names: dict[str, str], *, stranger: bool, program: str | None = None
    ) -> ClientResponse:
        """Ask with a body that is good as far as it goes; `program` is the token of one, good at pages as little."""
        headers = {"Origin": PUBLIC_URL} | ({"Authorization": f"Bearer {program}"} if program else {})
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


async def program(
    house: PortalHouse, of: str, name: str, *scopes: Scope, sockets: tuple[str, ...] | None = None
) -> str:
    """Let a program of somebody in; return its token."""
    account, now, token = await house.account(of), house.clock.now(), new_api_token()
    made = ApiToken(
        id=f"tok_{name}",
        account_id=account.id,
        name=name,
        token_hash=token_hash(token),
        scopes=scopes,
        device_ids=sockets,
        credential_epoch=account.credential_epoch,
        created_at=now,
        expires_at=now + timedelta(days=7),
    )
    await house.records.add(made)
    return token


async def home(house: PortalHouse) -> str:
    """Store that Maija has a Home Assistant."""
    maija = await house.account(MAIJA)
    made = Home(
        id="home_1",
        account_id=maija.id,
        name="House",
        secret_hash="$",
        credential_epoch=maija.credential_epoch,
        created_at=house.clock.now(),
    )
    await house.records.add(made)
    return made.id


async def member_of_staff(house: PortalHouse) -> World:
    """Return somebody who is there for everything, with a second factor, and as a browser."""
    return await with_a_second_factor(house, STAFF, await house.staff(STAFF, *StaffRole))


async def with_a_second_factor(house: PortalHouse, username: str, token: str) -> World:
    """Return somebody with this token, and as a browser, who has shown a second factor in both."""
    account = await house.account(username)
    cookie = await sessions.open_cookie(house.portal, account)
    await house.records.change_all(Session, is_("account_id", account.id), second_factor=True)
    return World(house=house, own={}, stranger_token=token, stranger_cookie=cookie)


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
            "home_id": await home(house),
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


@pytest.mark.clause("C5-02")
@pytest.mark.asyncio(loop_scope="module")
async def test_the_program_of_a_stranger_gets_to_nothing_of_anybody_elses(world: World) -> None:
    token = await program(world.house, PEKKA, "pekkas", *Scope)
    nothing = {name: f"{value[:4]}nothing" for name, value in world.own.items()}
    wrong: dict[str, Any] = {}
    for route in EVERY:
        answer = await world.ask(route, world.own, stranger=False, program=token)
        endless = answer.content_type == "text/event-stream"
        said = b"" if endless else await answer.read()
        if route.access is Access.PUBLIC:
            right = answer.status < 500 and answer.status != 401
        elif route.access is Access.RECIPIENT:
            right = answer.status == 401
        elif route.access is Access.STAFF or route.scope is None:
            right = answer.status == 403
        elif route.parameters:
            missing = await world.ask(route, nothing, stranger=False, program=token)
            right = (answer.status, await missing.read()) == (404, said)
        else:
            right = answer.status < 300 and not any(each.encode() in said for each in (MAIJA, SOCKET, "inc_1"))
        answer.close()
        if not right:
            wrong[name_of(route)] = (answer.status, kind_of(said))
    assert wrong == {}


@pytest.mark.clause("C5-02")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("lacking", list(Scope))
async def test_a_program_of_the_owner_without_the_scope_is_refused_and_told_which_one(
    lacking: Scope, world: World
) -> None:
    token = await program(world.house, MAIJA, f"not_{lacking.name}", *(each for each in Scope if each is not lacking))
    wanting = [each for each in EVERY if each.scope is lacking and each.or_scope is None]
    assert wanting
    wrong: dict[str, Any] = {}
    for route in wanting:
        answer = await world.ask(route, world.own, stranger=False, program=token)
        if answer.status != 403 or f'scope="{lacking}"' not in answer.headers.get("WWW-Authenticate", ""):
            wrong[name_of(route)] = answer.status
    assert wrong == {}


@pytest.mark.clause("C5-02")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_program_of_the_owner_for_other_sockets_is_a_stranger_to_this_one(world: World) -> None:
    token = await program(world.house, MAIJA, "elsewhere", *Scope, sockets=("is0000000009",))
    about = [each for each in EVERY if each.scope is not None and {"device_id", "incident_id"} & {*each.parameters}]
    assert len(about) > 10
    wrong: dict[str, Any] = {}
    for route in about:
        answer = await world.ask(route, world.own, stranger=False, program=token)
        if answer.status != 404:
            wrong[name_of(route)] = answer.status
    assert wrong == {}


@pytest.mark.clause("C5-02", "C2-19")
@pytest.mark.asyncio(loop_scope="module")
async def test_staff_without_a_reason_see_nobody_and_are_strangers_to_what_customers_own(world: World) -> None:
    staff = await member_of_staff(world.house)
    wrong: dict[str, Any] = {}
    for route in EVERY:  # the rest is about their own account, which is one as any other
        if route.access is not Access.STAFF and route not in NAMED:
            continue
        answer = await staff.ask(route, world.own, stranger=True)
        said = await answer.read()
        if route.access is not Access.STAFF:
            right = answer.status == 404
        elif route.surface is Surface.API or route.method == "POST":
            right = answer.status == 403 and b"Say why you look" in said
        else:
            right = answer.status in {200, 303} and MAIJA.encode() not in said  # the form that asks why, or to it
        if not right:
            wrong[name_of(route)] = (answer.status, kind_of(said))
    assert wrong == {}


@pytest.mark.clause("C5-02")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_customer_who_showed_a_second_factor_is_no_member_of_staff_for_that(world: World) -> None:
    customer = await with_a_second_factor(
        world.house, "aino@example.org", await world.house.customer("aino@example.org")
    )
    wrong: dict[str, Any] = {}
    for route in EVERY:
        if route.access is Access.STAFF:
            answer = await customer.ask(route, world.own, stranger=True)
            said = await answer.read()
            if answer.status != 403 or b"for our staff only" not in said:
                wrong[name_of(route)] = (answer.status, kind_of(said))
    assert wrong == {}


@pytest.mark.clause("C2-19")
def test_staff_write_into_files_of_their_own_alone_and_set_nothing_up_for_a_customer() -> None:
    files = ("requests", "holds", "cases", "breaches")
    paths = {each.pattern.removeprefix(API) for each in EVERY if each.access is Access.STAFF and each.method != "GET"}
    assert {path.split("/")[2] for path in paths} == {*files, "customers"}
    assert [path for path in sorted(paths) if path.startswith("/staff/customers")] == ["/staff/customers"]  # a look


def kind_of(said: bytes) -> str:
    """Return the kind of a problem, empty for anything else."""
    return said.partition(b"urn:isocket:problem:")[2].partition(b'"')[0].decode()
