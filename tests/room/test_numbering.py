"""Sockets of one owner bear numbers, by which those without a name are told apart."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio

from isocket.domain.devices import Device
from isocket.storage.port import is_
from portal_api.numbering import Numbering, give
from tests.fakes.portal_devices import MAIJA, PEKKA, claim, devices_house, make_device
from tests.fakes.portal_house import PortalHouse

THREE = ("is0000000001", "is0000000002", "is0000000003")


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        for each in THREE:
            await make_device(running, each)
        yield running


async def numbers(house: PortalHouse) -> list[int | None]:
    return [each.number for each in await house.records.find(Device)]


async def ask(house: PortalHouse, token: str, method: str, path: str, body: Any = None) -> Any:
    answer = await house.ask(method, path, body, token=token)
    assert answer.status < 300, await answer.text()
    return await answer.json() if answer.status != 204 else None


async def test_each_socket_that_is_claimed_has_the_next_number_and_its_name_stays_none(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    claimed = [await claim(house, token, each) for each in THREE]
    assert [(each["number"], each["name"]) for each in claimed] == [(1, None), (2, None), (3, None)]
    ready = await ask(house, token, "GET", "/readiness")
    assert [(each["number"], each["name"]) for each in ready["items"]] == [(1, None), (2, None), (3, None)]


async def test_sockets_that_one_customer_claims_at_once_have_numbers_of_their_own(house: PortalHouse) -> None:
    await house.customer(MAIJA)
    maija, now = (await house.account(MAIJA)).id, house.clock.now()
    await asyncio.gather(*(give(house.records, each, to=maija, name=None, now=now) for each in THREE))
    assert sorted(await numbers(house), key=str) == [1, 2, 3]


async def test_a_number_is_its_owners_and_goes_when_the_socket_is_given_up(house: PortalHouse) -> None:
    maija, pekka = await house.customer(MAIJA), await house.customer(PEKKA)
    for each in THREE[:2]:
        await claim(house, maija, each)
    assert (await claim(house, pekka, THREE[2]))["number"] == 1
    assert (await house.ask("DELETE", f"/devices/{THREE[0]}", token=maija)).status == 204
    assert await numbers(house) == [None, 2, 1]
    assert (await claim(house, pekka, THREE[0]))["number"] == 2


async def test_a_socket_that_is_handed_over_bears_the_next_number_of_whoever_takes_it(house: PortalHouse) -> None:
    maija, pekka = await house.customer(MAIJA), await house.customer(PEKKA)
    for owner, each in zip((maija, pekka, pekka), THREE, strict=True):
        await claim(house, owner, each)
    await ask(house, maija, "POST", f"/devices/{THREE[0]}/transfer", {"email": PEKKA})
    await ask(house, pekka, "POST", "/transfers/accept", {"token": await house.link_token(PEKKA)})
    assert await numbers(house) == [3, 1, 2]


async def test_whoever_a_socket_is_shared_with_reads_the_number_that_it_has_for_its_owner(house: PortalHouse) -> None:
    maija, pekka = await house.customer(MAIJA), await house.customer(PEKKA)
    for owner, each in zip((maija, maija, pekka), THREE, strict=True):
        await claim(house, owner, each)
    await ask(house, maija, "POST", f"/devices/{THREE[1]}/shares", {"email": PEKKA, "role": "viewer"})
    await ask(house, pekka, "POST", "/shares/accept", {"token": await house.link_token(PEKKA)})
    seen = await ask(house, pekka, "GET", "/devices")
    assert [(each["id"], each["number"]) for each in seen["items"]] == [(THREE[1], 2), (THREE[2], 1)]


async def test_sockets_of_before_there_were_numbers_are_numbered_in_the_order_of_their_claims(
    house: PortalHouse,
) -> None:
    token = await house.customer(MAIJA)
    maija, now = (await house.account(MAIJA)).id, house.clock.now()
    for days, each in enumerate(reversed(THREE[:2])):
        await house.records.change_one(Device, is_("id", each), owner_id=maija, claimed_at=now + timedelta(days=days))
    assert (await claim(house, token, THREE[2]))["number"] == 1
    numbering = Numbering(house.records)
    assert [await numbering.step(), await numbering.step()] == [True, False]
    assert await numbers(house) == [3, 2, 1]
