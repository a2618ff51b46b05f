"""What a socket reported over time, over the API."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from isocket.domain.shares import Share, ShareRole
from isocket.kit.clock import from_ms, to_ms, to_text
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, devices_house, fields_of, owned, report
from tests.fakes.portal_house import PortalHouse

PATH = f"/devices/{SOCKET}/history"
CSV = {"Accept": "text/csv"}


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def told(house: PortalHouse, count: int = 3) -> tuple[str, int]:
    """Return a token and the time of the first of some reports, a minute apart, the last a while ago."""
    token = await owned(house)
    first_ms = to_ms(house.clock.now()) // 60_000 * 60_000 - 3_600_000
    for number in range(count):
        await report(
            house,
            number + 1,
            at_ms=first_ms + number * 60_000,
            temp_c=[20.0 + number, None],
            mains=number % 2 == 0,
            credit="=1+1",
        )
    return token, first_ms


async def history(house: PortalHouse, token: str, **query: Any) -> dict[str, Any]:
    answer = await house.ask(
        "GET", PATH, params={key.strip("_"): str(each) for key, each in query.items()}, token=token
    )
    assert answer.status == 200, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


async def test_the_last_day_is_given_report_by_report(house: PortalHouse) -> None:
    token, first_ms = await told(house)
    found = await history(house, token)
    assert found["ts"] == [first_ms, first_ms + 60_000, first_ms + 120_000]
    assert found["fields"]["temp_c.0"] == [20.0, 21.0, 22.0]
    assert found["fields"]["temp_c.1"] == [None, None, None]
    assert found["fields"]["mains"] == [True, False, True]
    assert (found["step"], found["next"]) == ("raw", None)


async def test_a_part_is_asked_for_by_time_and_field(house: PortalHouse) -> None:
    token, first_ms = await told(house)
    by_text = await history(
        house,
        token,
        from_=to_text(from_ms(first_ms + 60_000)),
        to=to_text(from_ms(first_ms + 120_000)),
        fields="temp_c",
    )
    by_number = await history(house, token, from_=first_ms + 60_000, to=first_ms + 120_000, fields="temp_c")
    assert by_text == by_number
    assert (by_text["ts"], set(by_text["fields"])) == ([first_ms + 60_000], {"temp_c.0", "temp_c.1"})


async def test_windows_give_means_and_leave_gaps(house: PortalHouse) -> None:
    token, first_ms = await told(house)
    await report(house, 9, at_ms=first_ms + 3_000_000, temp_c=[10.0])
    found = await history(house, token, step="15m", fields="temp_c.0")
    assert found["fields"] == {"temp_c.0": [21.0, 10.0]}


async def test_the_spread_of_a_window_is_told_when_asked_for(house: PortalHouse) -> None:
    token, first_ms = await told(house)
    plain = await history(house, token, step="1h", fields="temp_c")
    assert (plain["least"], plain["greatest"]) == (None, None)
    found = await history(house, token, step="1h", fields="temp_c", spread="true")
    assert found["fields"]["temp_c.0"] == [21.0]
    assert (found["least"], found["greatest"]) == ({"temp_c.0": [20.0]}, {"temp_c.0": [22.0]})
    table = await house.ask("GET", f"{PATH}?step=1h&fields=temp_c&spread=true", token=token, headers=CSV)
    (row,) = csv.DictReader(io.StringIO(await table.text()))
    assert (row["ts"], row["temp_c.0"], row["temp_c.0.least"], row["temp_c.0.greatest"]) == (
        str(first_ms // 3_600_000 * 3_600_000),
        "21.0",
        "20.0",
        "22.0",
    )


async def test_a_guest_gets_the_days_of_the_owner(house: PortalHouse) -> None:
    token = await owned(house)
    await house.ask("PATCH", "/me", {"time_zone": "Europe/Helsinki"}, token=token)
    guest = await house.customer(PEKKA)
    now = house.clock.now()
    share = Share(
        id="shr_1",
        device_id=SOCKET,
        owner_id=(await house.account(MAIJA)).id,
        account_id=(await house.account(PEKKA)).id,
        email=PEKKA,
        role=ShareRole.VIEWER,
        created_at=now,
        accepted_at=now,
    )
    await house.records.add(share)
    await report(house, 1, at_ms=1_795_298_400_000 + 1000, temp_c=[3.0])
    assert (await history(house, guest, step="1d"))["ts"] == [1_795_298_400_000]


async def test_raw_points_come_in_pages_without_gaps_or_repeats(house: PortalHouse) -> None:
    token, first_ms = await told(house, count=5)
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while query:
        page = await history(house, token, **query)
        seen += page["ts"]
        query = {"limit": 2, "cursor": page["next"]} if page["next"] else {}
    assert seen == [first_ms + number * 60_000 for number in range(5)]


@pytest.mark.parametrize("cursor", [f"{10**19}.1", f"1.{10**19}", f"{'9' * 100}.1", "-1.1", "٣.٣", "1."])
@pytest.mark.parametrize("step", ["raw", "1m"])
async def test_a_cursor_that_is_none_of_ours_is_refused(house: PortalHouse, cursor: str, step: str) -> None:
    token, _ = await told(house, count=1)
    answer = await house.ask("GET", PATH, params={"cursor": cursor, "step": step}, token=token)
    assert (answer.status, fields_of(await answer.json())) == (422, ["cursor"])


async def test_a_spreadsheet_gets_a_table_in_which_nothing_is_a_formula(house: PortalHouse) -> None:
    token, first_ms = await told(house, count=2)
    answer = await house.ask("GET", PATH, token=token, headers=CSV)
    assert (answer.status, answer.content_type, answer.headers["Vary"]) == (200, "text/csv", "Accept")
    rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert [row["ts"] for row in rows] == [str(first_ms), str(first_ms + 60_000)]
    assert rows[1] == {
        "ts": str(first_ms + 60_000),
        "time": to_text(from_ms(first_ms + 60_000)),
        "temp_c.0": "21.0",
        "temp_c.1": "",
        "mains": "false",
        "credit": "'=1+1",
    }


async def test_a_table_links_to_its_next_page(house: PortalHouse) -> None:
    token, first_ms = await told(house, count=3)
    first = await house.ask("GET", f"{PATH}?limit=2", token=token, headers=CSV)
    address = first.headers["Link"].partition(">")[0].removeprefix("<").removeprefix("/api/v1")
    second = await house.ask("GET", address, token=token, headers=CSV)
    assert [row["ts"] for row in csv.DictReader(io.StringIO(await second.text()))] == [str(first_ms + 120_000)]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/json, text/csv", "application/json"),
        ("text/csv;q=0.9, application/json;q=0.1", "text/csv"),
        ("text/csv;q=0, */*;q=0.1", "application/json"),
        ("TEXT/CSV", "text/csv"),
    ],
)
async def test_what_is_liked_better_is_given(house: PortalHouse, accept: str, kind: str) -> None:
    token, _ = await told(house, count=1)
    assert (await house.ask("GET", PATH, token=token, headers={"Accept": accept})).content_type == kind


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("step=2m", "step"),
        ("from=yesterday", "from"),
        ("from=2026-11-22T12:00:00", "from"),
        ("from=2026-11-22T12:00:00Z&to=2026-11-21T12:00:00Z", "from"),
        ("step=1m&from=2026-01-01T00:00:00Z&to=2026-11-21T12:00:00Z", "from"),
        ("cursor=nonsense", "cursor"),
        ("fields=temp_c,;drop", "fields"),
        ("fields=temp_c,mian", "fields"),
        ("limit=10001", "limit"),
        ("colour=red", "colour"),
    ],
)
async def test_a_bad_question_is_refused_naming_the_parameter(house: PortalHouse, query: str, field: str) -> None:
    answer = await house.ask("GET", f"{PATH}?{query}", token=await owned(house))
    assert (answer.status, fields_of(await answer.json())) == (422, [field])


async def test_days_are_those_of_the_account(house: PortalHouse) -> None:
    token = await owned(house)
    await house.ask("PATCH", "/me", {"time_zone": "Europe/Helsinki"}, token=token)
    midnight_ms = 1_795_298_400_000  # 2026-11-22T00:00 in Helsinki
    await report(house, 1, at_ms=midnight_ms - 1000, temp_c=[1.0])
    await report(house, 2, at_ms=midnight_ms + 1000, temp_c=[3.0])
    found = await history(house, token, step="1d")
    assert found["ts"] == [midnight_ms - 86_400_000, midnight_ms]
