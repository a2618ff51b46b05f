"""Telling a socket to do something, over the API."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from isocket.domain.commands import COMMAND_NAMES, Command, CommandStatus
from isocket.storage.port import is_
from tests.fakes.portal_devices import SOCKET, devices_house, fields_of, owned
from tests.fakes.portal_house import PortalHouse

PATH = f"/devices/{SOCKET}/commands"
NEEDED: dict[str, Any] = {"on_for": {"seconds": 60}, "off_for": {"seconds": 60}}


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def test_an_order_waits_to_be_sent_and_can_be_looked_at(house: PortalHouse) -> None:
    token = await owned(house)
    answer = await house.ask("POST", PATH, {"name": "on_for", "args": {"seconds": 3600}}, token=token)
    made = await answer.json()
    assert (answer.status, made["status"], made["args"]) == (202, "queued", {"seconds": 3600})
    command = await house.records.get(Command, made["id"])
    assert command is not None
    assert (command.device_id, command.account_id) == (SOCKET, (await house.account("maija@example.org")).id)
    assert await (await house.ask("GET", f"{PATH}/{made['id']}", token=token)).json() == made


async def test_it_shows_what_the_socket_answered(house: PortalHouse) -> None:
    token = await owned(house)
    made = await (await house.ask("POST", PATH, {"name": "on"}, token=token)).json()
    now = house.clock.now()
    await house.records.change_one(
        Command, is_("id", made["id"]), status=CommandStatus.FAILED, error="no mains", ended_at=now
    )
    shown = await (await house.ask("GET", f"{PATH}/{made['id']}", token=token)).json()
    assert (shown["status"], shown["error"]) == ("failed", "no mains")


@pytest.mark.parametrize("name", COMMAND_NAMES)
async def test_every_command_of_the_contract_is_taken(house: PortalHouse, name: str) -> None:
    body = {"name": name, "args": NEEDED.get(name, {})}
    assert (await house.ask("POST", PATH, body, token=await owned(house))).status == 202


@pytest.mark.parametrize(("name", "ttl_s"), [("on", 30), ("reboot", 30), ("status", 300)])
async def test_what_moves_something_must_not_come_late(house: PortalHouse, name: str, ttl_s: int) -> None:
    made = await (await house.ask("POST", PATH, {"name": name}, token=await owned(house))).json()
    command = await house.records.get(Command, made["id"])
    assert command is not None
    assert (command.expires_at - command.created_at).total_seconds() == ttl_s


async def test_an_order_that_nobody_sent_in_time_is_expired(house: PortalHouse) -> None:
    token = await owned(house)
    made = await (await house.ask("POST", PATH, {"name": "on", "ttl_s": 2}, token=token)).json()
    await house.clock.advance(2)
    shown = await (await house.ask("GET", f"{PATH}/{made['id']}", token=token)).json()
    assert (shown["status"], shown["ended_at"]) == ("expired", shown["expires_at"])


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        ("isocket-707", {"name": "explode"}, "name"),
        ("isocket-707", {"name": ""}, "name"),
        ("isocket-707", {"name": "on", "args": {"seconds": 5}}, "args.seconds"),
        ("isocket-707", {"name": "on_for"}, "args.seconds"),
        ("isocket-707", {"name": "on_for", "args": {"seconds": 0}}, "args.seconds"),
        ("isocket-707", {"name": "on_for", "args": {"seconds": 43_201}}, "args.seconds"),
        ("isocket-3g", {"name": "on_for", "args": {"seconds": 65_501}}, "args.seconds"),
        ("isocket-707", {"name": "on_for", "args": {"seconds": 1.5}}, "args.seconds"),
        ("isocket-707", {"name": "on_for", "args": {"seconds": True}}, "args.seconds"),
        ("isocket-707", {"name": "on_for", "args": {"seconds": "60"}}, "args.seconds"),
        ("isocket-707", {"name": "restart", "args": {"seconds": 601}}, "args.seconds"),
        ("isocket-3g", {"name": "aux_on"}, "name"),
        ("isocket-3g", {"name": "arm"}, "name"),
        ("isocket-707", {"name": "on", "ttl_s": 0}, "ttl_s"),
        ("isocket-707", {"name": "on", "ttl_s": 86_401}, "ttl_s"),
        ("isocket-707", {"name": "on", "when": "now"}, "when"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_naming_the_field(
    house: PortalHouse, model: str, body: dict[str, Any], field: str
) -> None:
    answer = await house.ask("POST", PATH, body, token=await owned(house, model=model))
    assert answer.status == 422
    assert fields_of(await answer.json()) == [field]
    assert await house.records.count(Command) == 0


async def test_a_limit_depends_on_the_model(house: PortalHouse) -> None:
    token = await owned(house, model="isocket-3g")
    body = {"name": "on_for", "args": {"seconds": 65_500}}
    assert (await house.ask("POST", PATH, body, token=token)).status == 202


async def test_the_same_key_gives_the_same_command_however_often_and_at_once(house: PortalHouse) -> None:
    token = await owned(house)
    answers = await asyncio.gather(
        *(house.ask("POST", PATH, {"name": "on"}, token=token, headers={"Idempotency-Key": "tap-1"}) for _ in range(10))
    )
    assert {each.status for each in answers} == {202}
    assert len({(await each.json())["id"] for each in answers}) == 1
    assert await house.records.count(Command) == 1


async def test_another_key_and_no_key_give_other_commands(house: PortalHouse) -> None:
    token = await owned(house)
    for headers in ({"Idempotency-Key": "a"}, {"Idempotency-Key": "b"}, {}, {}):
        await house.ask("POST", PATH, {"name": "on"}, token=token, headers=headers)
    assert await house.records.count(Command) == 4


@pytest.mark.parametrize("other", [{"name": "off"}, {"name": "on", "ttl_s": 60}])
async def test_a_key_used_for_another_command_is_refused(house: PortalHouse, other: dict[str, Any]) -> None:
    token = await owned(house)
    headers = {"Idempotency-Key": "tap-1"}
    await house.ask("POST", PATH, {"name": "on"}, token=token, headers=headers)
    answer = await house.ask("POST", PATH, other, token=token, headers=headers)
    assert (answer.status, fields_of(await answer.json())) == (422, ["Idempotency-Key"])


async def test_a_key_that_is_too_long_is_refused(house: PortalHouse) -> None:
    headers = {"Idempotency-Key": "k" * 256}
    answer = await house.ask("POST", PATH, {"name": "on"}, token=await owned(house), headers=headers)
    assert answer.status == 422
