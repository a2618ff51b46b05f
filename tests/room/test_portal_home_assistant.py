"""Logins for a customer's Home Assistant: made with a proof, shown once, listed, and ended."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from isocket.domain.homes import Home, is_home
from portal_api.home_assistant import MADE, MOST_HOMES
from portal_api.portal import HomeBroker
from tests.fakes.device_secrets import verify_secret
from tests.fakes.erasing_house import MAIJA_ID, furnish, in_memory
from tests.fakes.portal_devices import MAIJA, PEKKA, devices_house, fields_of, owned
from tests.fakes.portal_house import PASSWORD, PortalHouse
from tests.room.test_exporting import copied

BROKER = HomeBroker(host="cloud.example.org", port=8883, tls=True)


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house(home_broker=BROKER) as running:
        yield running


async def made(house: PortalHouse, token: str, **wish: Any) -> dict[str, Any]:
    answer = await house.ask("POST", "/home-assistant", {"name": "Summer house", **wish}, token=token)
    assert answer.status == 201, await answer.text()
    done: dict[str, Any] = await answer.json()
    return done


async def listed(house: PortalHouse, token: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await (await house.ask("GET", "/home-assistant", token=token)).json())["items"]
    return found


async def test_a_login_is_shown_with_where_to_type_it_in_and_its_password_once(house: PortalHouse) -> None:
    token = await owned(house)
    done = await made(house, token)
    assert (done["host"], done["port"], done["tls"]) == ("cloud.example.org", 8883, True)
    assert (done["username"], is_home(done["username"])) == (done["id"], True)
    (stored,) = await house.records.find(Home)
    assert verify_secret(done["password"], stored.secret_hash)
    assert done["password"] not in repr(stored)
    assert await listed(house, token) == [{key: value for key, value in done.items() if key != "password"}]


async def test_it_takes_a_fresh_proof_of_who_asks(house: PortalHouse) -> None:
    token = await owned(house)
    await house.clock.advance(601)
    answer = await house.ask("POST", "/home-assistant", {"name": "Thief"}, token=token)
    assert (answer.status, (await answer.json())["type"]) == (403, "urn:isocket:problem:step-up")
    assert (await house.ask("POST", "/me/step-up", {"password": PASSWORD}, token=token)).status == 200
    await made(house, token)


async def test_it_is_ended_by_its_owner_and_nobody_else(house: PortalHouse) -> None:
    token, stranger = await owned(house), await house.customer(PEKKA)
    path = f"/home-assistant/{(await made(house, token))['id']}"
    assert (await house.ask("DELETE", path, token=stranger)).status == 404
    assert await listed(house, stranger) == []
    assert [(await house.ask("DELETE", path, token=token)).status for _ in range(2)] == [204, 404]


async def test_a_new_password_ends_it(house: PortalHouse) -> None:
    await made(house, await owned(house))
    await house.ask("POST", "/password-resets", {"username": MAIJA})
    link = {"token": await house.link_token(MAIJA), "password": "five other words and more"}
    assert (await house.ask("POST", "/password-resets/confirm", link)).status == 204
    again = (await house.sign_in(MAIJA, "five other words and more"))["access_token"]
    assert await listed(house, again) == []


async def test_an_account_has_so_many_and_no_more(house: PortalHouse) -> None:
    token = await owned(house)
    for _ in range(MOST_HOMES):
        await made(house, token)
    answer = await house.ask("POST", "/home-assistant", {"name": "One more"}, token=token)
    assert (answer.status, (await answer.json())["type"]) == (409, "urn:isocket:problem:too-many-homes")


async def test_whoever_asks_for_many_at_once_gets_no_more(house: PortalHouse) -> None:
    token = await owned(house)
    asked = [house.ask("POST", "/home-assistant", {"name": "All at once"}, token=token) for _ in range(2 * MOST_HOMES)]
    statuses = sorted([each.status for each in await asyncio.gather(*asked)])
    assert statuses == [201] * MOST_HOMES + [409] * MOST_HOMES
    assert len(await listed(house, token)) == MOST_HOMES


async def test_a_seat_that_was_given_up_is_taken_again(house: PortalHouse) -> None:
    token = await owned(house)
    first, *_ = [await made(house, token) for _ in range(MOST_HOMES)]
    assert (await house.ask("DELETE", f"/home-assistant/{first['id']}", token=token)).status == 204
    await made(house, token)
    assert len(await listed(house, token)) == MOST_HOMES


async def test_nobody_makes_and_ends_them_without_end(house: PortalHouse) -> None:
    token = await owned(house)
    for _ in range(MADE.tries):
        path = f"/home-assistant/{(await made(house, token))['id']}"
        assert (await house.ask("DELETE", path, token=token)).status == 204
    assert (await house.ask("POST", "/home-assistant", {"name": "Again"}, token=token)).status == 429


async def test_where_the_broker_is_somebody_elses_it_is_said_that_there_are_none() -> None:
    async with devices_house() as house:
        answer = await house.ask("POST", "/home-assistant", {"name": "A"}, token=await owned(house))
        assert (answer.status, (await answer.json())["type"]) == (409, "urn:isocket:problem:not-offered")


@pytest.mark.parametrize("wish", [{"name": ""}, {"name": "a\nb"}, {"name": "x" * 121}, {}])
async def test_a_bad_name_is_said(house: PortalHouse, wish: dict[str, str]) -> None:
    answer = await house.ask("POST", "/home-assistant", wish, token=await owned(house))
    assert (answer.status, fields_of(await answer.json())) == (422, ["name"])


@pytest.mark.clause("C7-04")
@pytest.mark.clause("C7-06")
async def test_the_copy_of_ones_data_has_it_without_its_secret_and_with_the_account_it_goes(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    home = Home(
        id="home_1", account_id=MAIJA_ID, name="Villa of Maija", secret_hash="$6$hash", credential_epoch=1,
        created_at=ground.clock.now(),
    )  # fmt: skip
    await ground.records.add(home)
    copy = json.loads((await copied(ground))["data/homes.json"])
    assert [(each["name"], "secret_hash" in each) for each in copy["items"]] == [("Villa of Maija", False)]
    assert "secret_hash" in copy["withheld"]
    assert await ground.eraser().erase(MAIJA_ID, by="operator") is not None
    assert await ground.records.count(Home) == 0
