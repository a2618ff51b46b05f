"""The whole described API, asked with what its description allows and what it forbids: each answer is described too."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from requests import Session
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from isocket.app.addresses import HostPort
from isocket.app.http_server import HttpServer
from isocket.domain.accounts import Account, AccountRole, StaffRole
from isocket.storage.port import is_
from portal_api import sessions
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.limits import Rate, Rates
from portal_api.openapi import openapi_document
from portal_api.portal import HomeBroker
from portal_api.routes import API, Access
from tests.fakes.patience import PATIENCE_S
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, devices_house, enter, incident, make_device, owned, report
from tests.fakes.portal_house import PEPPER, PortalHouse
from tests.fakes.quick_passwords import QuickPasswords

T = TypeVar("T")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EVERY = (*ROUTES, *DEVICE_ROUTES)
DOCUMENT = schemathesis.openapi.from_dict(openapi_document(EVERY))
ENDLESS = {each.path for each in EVERY if "text/event-stream" in each.media}  # has tests of its own
ENDING = ("DELETE /tokens", "DELETE /devices/{device_id}", "POST /privacy/erasure", "POST /me/closing")
"""What ends the things that all others are asked about comes last, in this order."""
FEW = 3  # of each kind for each operation; `isocket`'s own tests look deeper at each
STAFF = {f"{each.method} {each.path}" for each in EVERY if each.access is Access.STAFF}


def _order(operation: Any) -> tuple[int, int]:
    label = f"{operation.method.upper()} {operation.path}"
    return (operation.method.upper() == "DELETE" or label in ENDING, ENDING.index(label) if label in ENDING else -1)


OPERATIONS = sorted(
    (found.ok() for found in DOCUMENT.get_all_operations() if found.ok().path not in ENDLESS), key=_order
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A portal that runs in a thread of its own, with Maija's things in it."""

    url: str
    loop: asyncio.AbstractEventLoop
    house: PortalHouse
    own: dict[str, str]

    def do(self, work: Awaitable[T]) -> T:
        """Do something in the portal's thread."""

        async def done() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(PATIENCE_S)

    def token(self, operation: Any) -> str:
        """Return a token of a new session, of a member of staff where only they get in.

        It is opened without a password, since some of what is asked changes that or closes the account.
        """
        label = f"{operation.method.upper()} {operation.path}"
        who = self.own["staff_id"] if label in STAFF else self.own["account_id"]
        return self.do(self._session(who))

    async def _session(self, account_id: str) -> str:
        account = await self.house.records.get(Account, account_id)
        assert account is not None
        return (await sessions.open_bearer(self.house.portal, account)).access


def unlimited() -> Rates:
    """Return limits that nobody reaches here."""
    rates = Rates()
    each = {name: getattr(rates, name) for name in Rates.__dataclass_fields__}
    return replace(rates, **{k: replace(v, tries=10**6) for k, v in each.items() if isinstance(v, Rate)})


@asynccontextmanager
async def running() -> AsyncIterator[tuple[PortalHouse, str, dict[str, str]]]:
    async with devices_house(
        rates=unlimited(),
        passwords=QuickPasswords(pepper=PEPPER),
        home_broker=HomeBroker(host="cloud.example.org", port=8883, tls=True),
    ) as house:
        token = await owned(house)
        await make_device(house, "is0000000002")
        maija = (await house.account(MAIJA)).id
        for seq in range(1, 4):
            await report(house, seq, temp_c=[20.5 + seq, None], mains=True)
        await incident(house, "inc_1", maija)
        contact = await enter(house, token, email="neighbour@example.org")
        order = await house.ask("POST", f"/devices/{SOCKET}/commands", {"name": "on"}, token=token)
        await house.register(PEKKA)
        await house.records.change_one(
            Account, is_("email", PEKKA), role=AccountRole.STAFF, staff_roles=tuple(StaffRole)
        )
        server = HttpServer(house.client.app, address=HostPort(host="127.0.0.1", port=0), close=lambda: None)
        await server.start()
        stop = asyncio.Event()
        serving = asyncio.create_task(server.run(stop))
        yield (
            house,
            f"http://127.0.0.1:{server.port}{API}",
            {
                "device_id": SOCKET,
                "incident_id": "inc_1",
                "contact_id": contact["id"],
                "command_id": (await order.json())["id"],
                "account_id": maija,
                "staff_id": (await house.account(PEKKA)).id,
            },
        )
        stop.set()
        await serving


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    made: list[World] = []

    async def live() -> None:
        async with running() as (house, url, own):
            made.append(World(url=url, loop=loop, house=house, own=own))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),))
    thread.start()
    assert ready.wait(PATIENCE_S)
    yield made[0]
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.close()


def cases(strategy: SearchStrategy[Any], most: int) -> list[Any]:
    """Return a few cases, the same ones each time."""
    found: list[Any] = []

    @settings(
        max_examples=most,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    return found


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method.upper()} {each.path}")
def test_each_answer_is_as_described_whatever_is_asked(operation: Any, world: World) -> None:
    asked = [case for strategy in operation.get_strategies_from_examples() for case in cases(strategy, 1)]
    asked += cases(operation.as_strategy(), FEW)
    if operation.body or operation.query or operation.path_parameters:
        asked += cases(operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE), FEW)
    headers = {"Authorization": f"Bearer {world.token(operation)}"} if operation.security else {}
    with Session() as session:
        for number, case in enumerate(asked):
            if number % 2 == 0 and case.path_parameters:  # half of them are about what is there
                case.path_parameters.update({k: v for k, v in world.own.items() if k in case.path_parameters})
            answer = case.call(base_url=world.url, session=session, headers=headers, timeout=PATIENCE_S)
            case.validate_response(answer, checks=CHECKS)
