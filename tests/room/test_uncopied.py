"""What cannot be copied for a hold stays with its customer: they are told to come again, and not why."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestClient

from isocket.app.failures import EXPECTED
from isocket.domain.devices import Device
from isocket.domain.holds import UncopiedError
from isocket.domain.transfers import Transfer
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.pages_routes import page_routes
from portal_api.routes import Surface
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, owned
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Visitor

WITH_PAGES = (*(each for each in (*ROUTES, *DEVICE_ROUTES) if each.surface is Surface.API), *page_routes(desk=False))
LATER = "Try again in a quarter of an hour."


class Copying:
    """Copies what holds name, or cannot, until it is mended."""

    def __init__(self) -> None:
        self.broken = True

    async def __call__(self, _: str) -> None:
        if self.broken:
            raise UncopiedError("hld_1")


@pytest.fixture
def copying() -> Copying:
    return Copying()


@pytest.fixture
async def house(copying: Copying) -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=WITH_PAGES, copy_held=copying) as running:
        yield running


async def owner_of(house: PortalHouse) -> str | None:
    (device,) = await house.records.find(Device)
    return device.owner_id


@pytest.mark.clause("C2-26")
@pytest.mark.clause("C2-27")
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", LATER), ("fi", "vartin kuluttua"), ("sv", "om en kvart"), ("de", "Viertelstunde"), ("nb", "et kvarter")],
)
async def test_who_gives_a_socket_up_is_told_to_come_again_and_nothing_of_a_hold(
    house: PortalHouse, copying: Copying, language: str, words: str
) -> None:
    maija = await owned(house)
    at, asked = f"/devices/{SOCKET}", {"Accept-Language": language}
    await house.ask("PATCH", at, {"name": "The cabin"}, token=maija)
    before = await house.records.get(Device, SOCKET)
    refused = await house.ask("DELETE", at, token=maija, headers=asked)
    said = await refused.json()
    assert (refused.status, refused.headers["Retry-After"]) == (409, "900")
    assert words in said["detail"]
    where_to_write_to = house.portal.settings.controller.contact.removeprefix("mailto:")
    assert said["detail"].endswith(f" {where_to_write_to}")
    assert "hold" not in str(said)
    assert await house.records.get(Device, SOCKET) == before, "nothing was begun"
    copying.broken = False
    assert (await house.ask("DELETE", at, token=maija)).status == 204


async def test_on_the_page_of_the_socket_it_is_said_above_what_is_still_theirs(
    house: PortalHouse, copying: Copying
) -> None:
    await owned(house)
    maija = Visitor(house.client)
    await maija.sign_in(MAIJA)
    at = f"/devices/{SOCKET}"
    page = await maija.send(await maija.open(at), f"{at}/give-up")
    assert (page.status, LATER in page.words, "hold" in page.words) == (409, True, False)
    copying.broken = False
    assert (await maija.send(page, f"{at}/give-up")).path == "/?said=given-up"


async def test_an_offer_that_cannot_be_taken_now_stays_untaken_and_its_button_works_later(
    house: PortalHouse, copying: Copying
) -> None:
    maija = await owned(house)
    await house.register(PEKKA)
    account = await house.account(MAIJA)
    await house.ask("POST", f"/devices/{SOCKET}/transfer", {"email": PEKKA}, token=maija)
    token = await house.link_token(PEKKA)
    async with ClientSession(house.client.make_url("/"), cookie_jar=CookieJar(unsafe=True)) as session:
        pekka = Visitor(cast("TestClient[Any, Any]", session))
        await pekka.sign_in(PEKKA)
        page = await pekka.send(await pekka.open(f"/transfers/accept?token={token}"), "/transfers/accept")
        assert (page.status, LATER in page.words) == (409, True)
        (offer,) = await house.records.find(Transfer)
        assert (offer.accepted_at, offer.account_id, await owner_of(house)) == (None, None, account.id)
        copying.broken = False
        taken = await pekka.send(page, "/transfers/accept")
    assert (taken.status, taken.path) == (200, f"/devices/{SOCKET}")
    assert await owner_of(house) == (await house.account(PEKKA)).id


def test_the_command_line_says_where_to_look_instead_of_a_traceback() -> None:
    assert UncopiedError in EXPECTED
    assert "isocket privacy hold end hld_1" in str(UncopiedError("hld_1"))
