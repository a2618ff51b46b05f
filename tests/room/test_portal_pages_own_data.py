"""A copy of one's data, and leaving, without any script."""

import html
from collections.abc import AsyncIterator

import pytest

from isocket.domain.erasures import Erasure, ErasureState
from isocket.domain.exports import DataExport, ExportState
from isocket.storage.port import is_
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from tests.fakes.portal_house import PASSWORD, PortalHouse, portal_house
from tests.fakes.visitor import signed_in

MAIJA = "maija@example.org"
COPY, LEAVING = "/privacy/copy", "/privacy/leaving"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=(*ROUTES, *page_routes(desk=False))) as house:
        yield house


async def test_the_page_about_ones_data_leads_to_a_copy_to_leaving_and_to_rights(house: PortalHouse) -> None:
    page = await (await signed_in(house, MAIJA)).open("/privacy")
    assert {COPY, LEAVING, "/rights"} <= set(page.links)


@pytest.mark.clause("C7-01")
async def test_the_notice_is_a_page_for_anybody_that_says_what_programs_are_told(house: PortalHouse) -> None:
    page = await (await signed_in(house, MAIJA)).open("/privacy")
    assert "/privacy/notice" in page.links
    house.client.session.cookie_jar.clear()
    answer = await house.client.get("/privacy/notice")
    said = html.unescape(await answer.text())
    told = await (await house.ask("GET", "/privacy/notice")).json()
    assert answer.status == 200
    activities = [*told["for_customers"], *told["for_alarm_recipients"]]
    assert all(each["what_for"] in said and each["basis"] in said for each in activities)
    assert all(each in said for each in (*told["rights"], *told["measures"], told["automated_decisions"]))


async def test_a_copy_is_asked_for_with_the_password_and_fetched_by_a_link(house: PortalHouse) -> None:
    maija = await signed_in(house, MAIJA)
    asked = await maija.send(await maija.open(COPY), COPY, password=PASSWORD)
    (wish,) = await house.records.find(DataExport)
    assert "being made, 0 %" in asked.words
    ends = house.clock.now().replace(year=house.clock.now().year + 1)
    await house.records.change_one(DataExport, is_("id", wish.id), state=ExportState.READY, ends_at=ends, size=1)
    link = f"/api/v1/privacy/exports/{wish.id}/download"
    assert link in (await maija.open(COPY)).links
    await house.records.change_one(DataExport, is_("id", wish.id), session_id="ses_another")
    assert link not in (await maija.open(COPY)).links, "only where the password was typed"


async def test_a_copy_is_not_begun_without_the_password(house: PortalHouse) -> None:
    maija = await signed_in(house, MAIJA)
    for wrong, status in (("", 422), ("not the password", 403)):
        page = await maija.send(await maija.open(COPY), COPY, password=wrong)
        assert page.status == status, page.words
    assert await house.records.find(DataExport) == []


async def test_an_erasure_is_asked_for_and_taken_back(house: PortalHouse) -> None:
    maija = await signed_in(house, MAIJA)
    plan = await maija.open(LEAVING)
    assert "What goes, field by field" in plan.words
    asked = await maija.send(plan, LEAVING, password=PASSWORD, confirm=MAIJA)
    assert "You asked to be erased." in asked.words
    back = await maija.send(asked, f"{LEAVING}/undo")
    assert "You asked to be erased." not in back.words
    assert [each.state for each in await house.records.find(Erasure)] == [ErasureState.UNDONE]


async def test_an_erasure_does_not_happen_by_a_slip(house: PortalHouse) -> None:
    maija = await signed_in(house, MAIJA)
    for typed in ({"password": PASSWORD, "confirm": ""}, {"password": PASSWORD, "confirm": "pekka@example.org"},
                  {"password": "not the password", "confirm": MAIJA}):  # fmt: skip
        page = await maija.send(await maija.open(LEAVING), LEAVING, **typed)
        assert page.status >= 400, page.words
    assert await house.records.find(Erasure) == []


async def test_taking_back_what_was_not_asked_for_is_said(house: PortalHouse) -> None:
    maija = await signed_in(house, MAIJA)
    page = await maija.open(LEAVING)
    undone = await maija.post(f"{LEAVING}/undo", {"csrf": page.form(LEAVING).values["csrf"]})
    assert undone.status == 409
    assert "There is nothing to undo." in undone.words
