"""The page with a contact's browsers and programs, by somebody whose browser runs no script."""

from collections.abc import AsyncIterator

import pytest

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.endpoints import Endpoint
from isocket.storage.port import is_
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.pages_routes import page_routes
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Page, Visitor, signed_in

MAIJA = "maija@example.org"
KEY = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"  # the base point
URL = "https://hooks.example.org/alarm"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=(*DEVICE_ROUTES, *page_routes(desk=False), *ROUTES), push_key=KEY) as house:
        yield house


@pytest.fixture
async def maija(house: PortalHouse) -> Visitor:
    return await signed_in(house, MAIJA)


async def own(house: PortalHouse) -> str:
    """Return the path of the page of Maija's own contact."""
    (contact,) = await house.records.find(Contact)
    return f"/contacts/{contact.id}/endpoints"


async def added(house: PortalHouse, maija: Visitor) -> tuple[str, Page, Endpoint]:
    path = await own(house)
    page = await maija.send(await maija.open(path), path, url=URL, label="Home automation")
    (endpoint,) = await house.records.find(Endpoint)
    return path, page, endpoint


async def test_the_contacts_page_leads_there(house: PortalHouse, maija: Visitor) -> None:
    assert await own(house) in (await maija.open("/contacts")).links


async def test_a_program_is_added_and_its_secret_shown_once(house: PortalHouse, maija: Visitor) -> None:
    path, page, endpoint = await added(house, maija)
    assert (page.status, endpoint.secret in page.words) == (200, True)
    again = await maija.open(path)
    assert (endpoint.secret in again.html, URL in again.words, "No answer yet" in again.words) == (False, True, True)


async def test_an_address_that_cannot_be_used_is_said_at_its_field(house: PortalHouse, maija: Visitor) -> None:
    path = await own(house)
    page = await maija.send(await maija.open(path), path, url="http://10.0.0.1/", label="x")
    assert (page.status, "must begin with https://" in page.said_at("url")) == (422, True)
    assert await house.records.count(Endpoint) == 0


async def test_it_is_tried_by_a_button_and_what_came_of_it_is_shown(house: PortalHouse, maija: Visitor) -> None:
    path, _, endpoint = await added(house, maija)
    await house.records.change_one(Endpoint, is_("id", endpoint.id), verified_at=house.clock.now())
    await house.clock.advance(1)
    page = await maija.send(await maija.open(path), f"{path}/{endpoint.id}/test")
    assert "A test is on its way" in page.words
    await house.records.change_one(
        Delivery, is_("kind", DeliveryKind.NOTICE), state=DeliveryState.FAILED, reason="nothing_sent: TimeoutError"
    )
    assert "it did not get through (the provider could not be reached)" in (await maija.open(path)).words


async def test_the_first_message_is_sent_again_by_a_button(house: PortalHouse, maija: Visitor) -> None:
    path, _, endpoint = await added(house, maija)
    page = await maija.send(await maija.open(path), f"{path}/{endpoint.id}/verification")
    assert "once more" in page.words
    assert await house.records.count(Delivery, is_("kind", DeliveryKind.CODE)) == 2


async def test_a_new_secret_is_shown_once_too(house: PortalHouse, maija: Visitor) -> None:
    path, _, endpoint = await added(house, maija)
    page = await maija.send(await maija.open(path), f"{path}/{endpoint.id}/secret")
    changed = await house.records.get(Endpoint, endpoint.id)
    assert changed is not None
    assert changed.secret in page.words
    assert changed.secret != endpoint.secret


def kept_from(page: Page) -> str | None:
    """Return where a page says that it can be got again."""
    (body,) = [given for name, given in page.tags if name == "body"]
    return body.get("data-live-from")


async def test_a_page_that_answers_a_form_says_where_it_can_be_got_again(house: PortalHouse, maija: Visitor) -> None:
    path, page, endpoint = await added(house, maija)
    new_secret = await maija.send(await maija.open(path), f"{path}/{endpoint.id}/secret")
    too_early = await maija.send(new_secret, f"{path}/{endpoint.id}/verification")
    wrong = await maija.send(await maija.open(path), path, url="http://10.0.0.1/", label="x")
    assert [kept_from(each) for each in (page, new_secret, wrong)] == [path] * 3
    assert "once more" in too_early.words
    again = await maija.open(path)
    assert (again.status, kept_from(again)) == (200, None), "it stands where it can be got"


async def test_it_is_taken_away_by_a_button(house: PortalHouse, maija: Visitor) -> None:
    path, _, endpoint = await added(house, maija)
    page = await maija.send(await maija.open(path), f"{path}/{endpoint.id}/remove")
    assert ("None yet" in page.words, await house.records.count(Endpoint)) == (True, 0)


async def test_the_offer_for_this_device_is_hidden_where_no_script_runs(house: PortalHouse, maija: Visitor) -> None:
    page = await maija.open(await own(house))
    (offer,) = [given for _, given in page.tags if "data-push" in given]
    assert (offer["data-push-key"], "hidden" in offer) == (KEY, True)


async def test_a_browser_that_is_gone_says_so_and_offers_no_test(house: PortalHouse, maija: Visitor) -> None:
    (contact,) = await house.records.find(Contact)
    now = house.clock.now()
    await house.records.add(
        Endpoint(
            id="end_1", account_id=contact.account_id, contact_id=contact.id, kind=ChannelKind.PUSH,
            address='{"endpoint": "https://push.example.org/x"}', created_at=now, verified_at=now, gone_at=now,
        )
    )  # fmt: skip
    page = await maija.open(await own(house))
    assert ("Gone: gets no alarms" in page.words, "push.example.org" in page.words) == (True, True)
    assert not any(form.action.endswith("/test") for form in page.forms)
