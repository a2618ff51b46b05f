"""How much of what a socket said has reached us, over the API."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from isocket.domain.reports import STARTS_OF_A_COUNT
from isocket.kit.clock import to_ms, to_text
from isocket.storage.telemetry import Arrival
from portal_api.completeness import completeness_of
from tests.fakes.portal_devices import SOCKET, devices_house, fields_of, owned, report
from tests.fakes.portal_house import PortalHouse

PATH = f"/devices/{SOCKET}/completeness"
HELSINKI = ZoneInfo("Europe/Helsinki")


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


def arrival(seq: int, day: int, hour: float, *, boot: int = 1, late_s: int = 0) -> Arrival:
    at_ms = to_ms(datetime(2026, 11, day, tzinfo=HELSINKI)) + round(hour * 3_600_000)
    return Arrival(boot, seq, at_ms, at_ms + late_s * 1000)


def counted(*arrivals: Arrival) -> dict[int, tuple[int, int, int, int, int]]:
    return {
        day.day: (each.received, each.missing, each.late, each.restarts, each.uncertain)
        for day, each in completeness_of(arrivals, HELSINKI).items()
    }


def test_what_came_and_what_is_missing_is_counted_by_the_day() -> None:
    assert counted(arrival(1, 20, 1), arrival(2, 20, 23.9), arrival(3, 21, 0.1), arrival(6, 21, 5)) == {
        20: (2, 0, 0, 0, 0),
        21: (2, 2, 0, 0, 0),
    }


def test_what_is_missing_over_midnight_lies_evenly_between_its_neighbours() -> None:
    assert counted(arrival(1, 20, 18), arrival(13, 21, 6)) == {20: (1, 5, 0, 0, 0), 21: (1, 6, 0, 0, 0)}
    whole = counted(arrival(1, 19, 12), arrival(50, 22, 11))
    assert sum(each[1] for each in whole.values()) == 48
    assert set(whole) == {19, 20, 21, 22}


def test_what_came_late_is_counted_on_the_day_on_which_it_was_said() -> None:
    assert counted(arrival(1, 20, 23, late_s=86_400), arrival(2, 20, 23.5, late_s=60))[20] == (2, 0, 1, 0, 0)


def test_a_restart_leaves_open_what_was_said_before_it_unless_the_numbers_go_on() -> None:
    assert counted(arrival(9, 20, 1), arrival(1, 20, 2, boot=2))[20] == (2, 0, 0, 1, 1)
    assert counted(arrival(9, 20, 1), arrival(10, 20, 2, boot=2))[20] == (2, 0, 0, 1, 0)
    assert counted(arrival(9, 20, 1), arrival(1, 20, 2, boot=4))[20] == (2, 0, 0, 3, 3)


def test_a_socket_that_counts_anew_has_started_once_and_what_it_said_before_is_left_open() -> None:
    anew = STARTS_OF_A_COUNT + 1
    assert counted(arrival(9, 20, 1, boot=50), arrival(10, 20, 2, boot=anew))[20] == (2, 0, 0, 1, 1)
    assert counted(arrival(9, 20, 1, boot=anew), arrival(1, 20, 2, boot=anew + 2))[20] == (2, 0, 0, 2, 2)


def test_a_clock_that_was_put_back_loses_nothing_of_the_count() -> None:
    assert counted(arrival(1, 21, 9), arrival(5, 20, 9)) == {21: (1, 0, 0, 0, 0), 20: (1, 3, 0, 0, 0)}


async def asked(house: PortalHouse, token: str, **query: Any) -> dict[str, Any]:
    answer = await house.ask(
        "GET", PATH, params={key.strip("_"): str(each) for key, each in query.items()}, token=token
    )
    assert answer.status == 200, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


async def test_the_days_of_a_week_are_those_of_the_account(house: PortalHouse) -> None:
    token = await owned(house)
    await house.ask("PATCH", "/me", {"time_zone": "Europe/Helsinki"}, token=token)
    await house.clock.advance(86_400)
    evening = to_ms(datetime(2026, 11, 22, 21, 30, tzinfo=UTC))
    for seq, minutes in ((1, 0), (2, 40), (5, 50)):
        await report(house, seq, at_ms=evening + minutes * 60_000, mains=True)
    token = str((await house.sign_in("maija@example.org"))["access_token"])
    found = await asked(house, token)
    assert found["time_zone"] == "Europe/Helsinki"
    by_day = {each["day"]: each for each in found["items"]}
    assert (len(by_day), min(by_day), max(by_day)) == (8, "2026-11-16", "2026-11-23")
    assert (by_day["2026-11-22"]["received"], by_day["2026-11-22"]["share"]) == (1, 1.0)
    assert by_day["2026-11-23"] == {
        "day": "2026-11-23", "received": 2, "missing": 2, "late": 2, "restarts": 0, "uncertain": 0, "share": 0.5,
    }  # fmt: skip


async def test_of_a_day_without_any_message_nothing_is_said(house: PortalHouse) -> None:
    token = await owned(house)
    *_, today = (await asked(house, token))["items"]
    assert (today["day"], today["received"], today["share"]) == (str(date(2026, 11, 22)), 0, None)


async def test_bad_questions_are_refused_naming_the_parameter(house: PortalHouse) -> None:
    token = await owned(house)
    now = house.clock.now()
    for query in (
        {"from": "yesterday"},
        {"from": to_text(now), "to": "2026-11-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z"},
    ):
        answer = await house.ask("GET", PATH, params=query, token=token)
        assert (answer.status, fields_of(await answer.json())) == (422, ["from"])
