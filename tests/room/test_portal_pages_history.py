"""The page of a socket's past, as somebody without scripts meets it."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from isocket.domain.devices import Device
from isocket.kit.clock import to_ms
from isocket.storage.port import is_
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.pages_routes import page_routes
from tests.fakes.portal_devices import MAIJA, SOCKET, make_device, report
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Visitor, signed_in

EVERY = (*ROUTES, *(each for each in DEVICE_ROUTES if each not in ROUTES), *page_routes(desk=False))
MORNING = datetime(2026, 11, 22, 8, tzinfo=ZoneInfo("Europe/Helsinki"))


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=EVERY) as running:
        yield running


async def owner(house: PortalHouse) -> Visitor:
    """Return Maija's browser; her socket reported from eight to ten this morning, in Helsinki."""
    visitor = await signed_in(house, MAIJA, time_zone="Europe/Helsinki")
    await make_device(house)
    account = await house.account(MAIJA)
    await house.records.change_one(Device, is_("id", SOCKET), name="Hut <b>", owner_id=account.id)
    for number in range(9):
        at_ms = to_ms(MORNING + timedelta(minutes=15 * number))
        warmth = 20.0 + number if number < 5 else None
        await report(house, number + 1, at_ms=at_ms, temp_c=[warmth], mains=number != 3, battery_pct=90)
    return visitor


async def test_a_day_is_drawn_told_as_a_table_and_given_for_a_spreadsheet(house: PortalHouse) -> None:
    visitor = await owner(house)
    page = await visitor.open(f"/devices/{SOCKET}")
    assert f"/devices/{SOCKET}/history" in page.links
    page = await visitor.open(f"/devices/{SOCKET}/history")
    assert page.status == 200
    assert [said["class"] for tag, said in page.tags if tag == "path" and "line-0" in said["class"]] == [
        "area line-0", "line line-0", "area line-0", "line line-0",
    ]  # fmt: skip
    assert sum(tag == "rect" for tag, _ in page.tags) == 2, "one window without mains, in each picture"
    assert "Sun 22 Nov 08:00 20.0 on 90.0" in page.words
    assert "Sun 22 Nov 08:45 23.0 out 90.0" in page.words
    assert "Sun 22 Nov 09:15 \N{EN DASH} on 90.0" in page.words
    assert "<b>" not in page.html
    (link,) = [each for each in page.links if "history.csv" in each]
    answer = await house.client.get(link)
    rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert (answer.content_type, len(rows), rows[1]["temp_c.0"]) == ("text/csv", 9, "21.0")


@pytest.mark.parametrize(
    ("span", "said"), [("week", "08:00"), ("month", "08:00"), ("year", "Sun 22 Nov 22.0 20.0 to 24.0")]
)
async def test_longer_spans_are_drawn_too(house: PortalHouse, span: str, said: str) -> None:
    visitor = await owner(house)
    page = await visitor.open(f"/devices/{SOCKET}/history?span={span}")
    assert (page.status, said in page.words) == (200, True), page.words


async def test_one_goes_back_in_time_and_forth_again(house: PortalHouse) -> None:
    visitor = await owner(house)
    page = await visitor.open(f"/devices/{SOCKET}/history")
    earlier = f"/devices/{SOCKET}/history?span=day&to=2026-11-21"
    assert earlier in page.links
    page = await visitor.open(earlier)
    assert "Nothing was reported in this time" in page.words
    assert f"/devices/{SOCKET}/history?span=day&to=2026-11-22" in page.links


@pytest.mark.parametrize("query", ["span=century", "to=yesterday", "to=0001-01-01", "to=9999-12-31"])
async def test_a_bad_question_is_refused(house: PortalHouse, query: str) -> None:
    visitor = await owner(house)
    assert (await visitor.open(f"/devices/{SOCKET}/history?{query}")).status == 422
