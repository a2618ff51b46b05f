"""The page with the logins of one's Home Assistants, without a script."""

from collections.abc import AsyncIterator

import pytest

from isocket.domain.homes import Home
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.pages_routes import page_routes
from portal_api.portal import HomeBroker
from tests.fakes.device_secrets import verify_secret
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Page, Visitor, signed_in

EVERY = (*DEVICE_ROUTES, *page_routes(desk=False), *ROUTES)
PATH = "/home-assistant"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(
        routes=EVERY, home_broker=HomeBroker(host="cloud.example.org", port=8883, tls=True)
    ) as house:
        yield house


async def added(house: PortalHouse, **typed: str) -> tuple[Visitor, Page]:
    """Return Maija's browser, and the page after she let her home in."""
    maija = await signed_in(house, "maija@example.org")
    assert PATH in (await maija.open("/programs")).links
    return maija, await maija.send(await maija.open(PATH), PATH, **{"name": "Summer house", **typed})


async def test_a_home_is_let_in_and_what_to_type_there_is_shown_once(house: PortalHouse) -> None:
    maija, page = await added(house)
    (stored,) = await house.records.find(Home)
    password = page.words.split()[page.words.split().index("password", page.words.split().index("user")) + 1]
    assert verify_secret(password, stored.secret_hash)
    assert all(each in page.words for each in ("cloud.example.org", "8883", stored.id))
    again = await maija.open(PATH)
    assert (password in again.html, "Summer house" in again.words, "Sees and switches" in again.words) == (
        False, True, True,
    )  # fmt: skip


async def test_a_home_is_ended_with_a_button(house: PortalHouse) -> None:
    maija, _ = await added(house)
    (stored,) = await house.records.find(Home)
    page = await maija.send(await maija.open(PATH), f"{PATH}/{stored.id}/end")
    assert "sees and switches nothing any more" in page.words
    assert await house.records.find(Home) == []


async def test_a_home_without_a_name_is_said_at_its_place(house: PortalHouse) -> None:
    _, page = await added(house, name="")
    assert page.status == 422
    assert page.said_at("name")
    assert await house.records.find(Home) == []


async def test_one_is_not_let_in_from_a_session_that_was_proved_long_ago(house: PortalHouse) -> None:
    maija = await signed_in(house, "maija@example.org")
    await house.clock.advance(601)
    page = await maija.send(await maija.open(PATH), PATH, name="Thief")
    assert page.path.startswith("/prove")
    assert await house.records.find(Home) == []
