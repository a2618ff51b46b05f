"""A time zone that this machine does not know, chosen on one that did: times are UTC, and all else goes on."""

import pytest

from isocket.domain.accounts import Account
from isocket.domain.devices import Device
from isocket.storage.port import is_
from portal_api.pages_routes import page_routes
from portal_api.routes import Surface
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, SOCKET, devices_house, owned, report
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Visitor

WITH_PAGES = (*(each for each in ALL_ROUTES if each.surface is Surface.API), *page_routes(desk=False))
GONE = "Europe/Atlantis"
PAGES = ("/", "/profile", "/away", "/contacts", "/incidents", "/ladder")
OF_A_SOCKET = ("", "/history", "/history?span=year", "/schedule", "/alarms")
ASKED = ("/me", "/contacts", "/readiness", f"/devices/{SOCKET}", f"/devices/{SOCKET}/settings")
OF_A_TIME = (f"/devices/{SOCKET}/history?step=1d", f"/devices/{SOCKET}/completeness")


async def moved(house: PortalHouse) -> str:
    """Return the token of a customer whose time zone, and whose schedule's, this machine does not know."""
    token = await owned(house)
    await report(house, 1, temp_c=[20.5])
    schedule = [{"at": "07:00", "days": "mon", "name": "on", "args": {}}]
    await house.records.change_all(Account, is_("email", MAIJA), time_zone=GONE)
    await house.records.change_all(Device, is_("id", SOCKET), desired={"schedule": schedule, "time_zone": GONE})
    return token


@pytest.mark.parametrize("path", [*ASKED, *OF_A_TIME])
async def test_programs_are_answered(path: str) -> None:
    async with devices_house() as house:
        assert (await house.ask("GET", path, token=await moved(house))).status == 200


async def test_days_are_those_of_utc() -> None:
    async with devices_house() as house:
        answer = await house.ask("GET", f"/devices/{SOCKET}/completeness", token=await moved(house))
        assert (await answer.json())["time_zone"] == "UTC"


async def test_its_owner_signs_in_from_a_new_place_and_reads_every_page() -> None:
    async with portal_house(routes=WITH_PAGES) as house:
        await moved(house)
        visitor = Visitor(house.client)
        assert (await visitor.sign_in(MAIJA)).status == 200
        seen = {path: (await visitor.open(path)).status for path in PAGES}
        seen |= {path: (await visitor.open(f"/devices/{SOCKET}{path}")).status for path in OF_A_SOCKET}
        assert {path: status for path, status in seen.items() if status != 200} == {}


@pytest.mark.parametrize("name", ["localtime", "Factory", GONE])
async def test_a_name_that_is_of_no_place_cannot_be_chosen(name: str) -> None:
    async with devices_house() as house:
        token = await house.customer(MAIJA)
        assert (await house.ask("PATCH", "/me", {"time_zone": name}, token=token)).status == 422
