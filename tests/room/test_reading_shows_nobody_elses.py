"""Whoever has nothing reads nothing of what others have and decide, by any route that takes no id."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio

from isocket.domain.holds import Hold, HoldGround
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.portal import HomeBroker
from portal_api.routes import Surface
from tests.fakes.portal_devices import MAIJA, devices_house
from tests.fakes.portal_house import PASSWORD, PortalHouse
from tests.fakes.twins import furnished

ELSA = "elsa@example.org"
BROKER = HomeBroker(host="cloud.example.org", port=8883, tls=True)
READ = sorted(
    {
        each.path
        for each in (*DEVICE_ROUTES, *ROUTES)
        if each.surface is Surface.API and each.method == "GET" and "{" not in each.path
    }
    - {"/events"}  # which has no end
)


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house(home_broker=BROKER) as running:
        yield running


async def answers(house: PortalHouse, token: str) -> dict[str, str]:
    return {each: await (await house.ask("GET", each, token=token)).text() for each in READ}


async def test_whoever_has_nothing_reads_the_same_whatever_others_have_and_decide(house: PortalHouse) -> None:
    await house.register(ELSA)
    token = (await house.sign_in(ELSA))["access_token"]
    await answers(house, token)
    before = await answers(house, token)
    maija = await furnished(house)
    await house.does(maija, "POST", "/home-assistant", {"name": "Home"})
    await house.does(maija, "PUT", "/privacy/consents", {"newsletter": True})
    await house.does(maija, "PUT", "/privacy/objections", {"alarms": True, "surveys": True, "statistics": True})
    await house.does(maija, "PUT", "/privacy/restriction", {"on": True, "alarms": "stop"})
    await house.does(maija, "POST", "/privacy/exports", {"password": PASSWORD})
    await house.does(maija, "POST", "/privacy/erasure", {"password": PASSWORD, "confirm": MAIJA})
    now = house.clock.now()
    held = Hold(
        id="hld_1", account_id=(await house.account(MAIJA)).id, ground=HoldGround.CLAIM, parts=("devices",),
        reason="A claim.", placed_by="acc_staff", placed_at=now, review_at=now, ends_at=now + timedelta(days=30),
        copy_due_at=now,
    )  # fmt: skip
    await house.records.add(held)
    assert await answers(house, token) == before
