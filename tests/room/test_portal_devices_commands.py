"""Telling a socket to do something, over the API."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.commands import COMMAND_NAMES, Command, CommandStatus
from isocket.domain.shares import Share, ShareRole
from isocket.storage.port import is_
from tests.fakes.portal_devices import SOCKET, devices_house, fields_of, owned, report
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
    token = await owned(house, model=model)
    await report(house, 1, relay=False)
    answer = await house.ask("POST", PATH, body, token=token)
    assert answer.status == 422
    assert fields_of(await answer.json()) == [field]
    assert await house.records.count(Command) == 0


@pytest.mark.parametrize(
    ("name", "said"), [("arm", {"armed": False}), ("arm", {"input": [True]}), ("aux_on", {"aux": False})]
)
async def test_what_a_socket_reports_to_have_it_can_be_told_whatever_its_model(
    house: PortalHouse, name: str, said: dict[str, Any]
) -> None:
    token = await owned(house, model="isocket-3g")
    await report(house, 1, **said)
    assert (await house.ask("POST", PATH, {"name": name}, token=token)).status == 202


@pytest.mark.parametrize("name", ["arm", "aux_on"])
async def test_a_socket_that_has_said_nothing_yet_can_be_told_what_any_can(house: PortalHouse, name: str) -> None:
    token = await owned(house, model="isocket-3g")
    assert (await house.ask("POST", PATH, {"name": name}, token=token)).status == 202


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


async def order(house: PortalHouse, token: str, name: str, **more: Any) -> dict[str, Any]:
    answer = await house.ask("POST", PATH, {"name": name, **more}, token=token)
    assert answer.status == 202, await answer.text()
    made: dict[str, Any] = await answer.json()
    return made


async def stands(house: PortalHouse, made: dict[str, Any]) -> tuple[str, str | None]:
    command = await house.records.get(Command, made["id"])
    assert command is not None
    return command.status.value, command.error


async def test_of_repeated_switching_only_the_last_is_sent(house: PortalHouse) -> None:
    token = await owned(house)
    first = [await order(house, token, name) for name in ("on", "off")]
    timed = await order(house, token, "on_for", args={"seconds": 60})
    last = await order(house, token, "off")
    assert [await stands(house, each) for each in (*first, timed)] == [("expired", "superseded")] * 3
    assert await stands(house, last) == ("queued", None)
    looked_at = await house.records.find(Command, is_("failure_seen", True))
    assert len(looked_at) == 3  # none of them is an alarm


async def test_what_sets_something_else_or_is_on_its_way_is_not_superseded(house: PortalHouse) -> None:
    token = await owned(house)
    kept = [await order(house, token, name) for name in ("restart", "aux_on", "arm", "status")]
    taken = await order(house, token, "on")
    soon = house.clock.now() + timedelta(seconds=10)
    await house.records.change_one(Command, is_("id", taken["id"]), lease_until=soon)  # the bridge is at it
    await order(house, token, "off")
    assert {await stands(house, each) for each in (*kept, taken)} == {("queued", None)}
    await order(house, token, "disarm")
    assert await stands(house, kept[2]) == ("expired", "superseded")


async def test_a_repeated_key_supersedes_nothing(house: PortalHouse) -> None:
    token = await owned(house)
    first = await order(house, token, "on")
    again = [
        await (await house.ask("POST", PATH, {"name": "off"}, token=token, headers={"Idempotency-Key": "k"})).json()
        for _ in range(2)
    ]
    assert again[0]["id"] == again[1]["id"]
    assert await stands(house, again[0]) == ("queued", None)
    assert await stands(house, first) == ("expired", "superseded")


async def test_commands_are_listed_the_newest_first_with_who_asked(house: PortalHouse) -> None:
    token = await owned(house)
    await house.customer("pekka@example.org")
    pekka, maija = await house.account("pekka@example.org"), await house.account("maija@example.org")
    now = house.clock.now()
    await house.records.add(
        Share(
            id="shr_1", device_id=SOCKET, owner_id=maija.id, account_id=pekka.id, email=pekka.email,
            role=ShareRole.OPERATOR, created_at=now, accepted_at=now,
        )
    )  # fmt: skip
    guest = (await house.sign_in("pekka@example.org"))["access_token"]
    await order(house, token, "status")
    await order(house, guest, "on")
    seen = {}
    for who, each in (("owner", token), ("guest", guest)):
        items = (await (await house.ask("GET", PATH, token=each)).json())["items"]
        seen[who] = [(item["name"], item["by"], item["by_email"]) for item in items]
    assert seen["owner"] == [("on", "guest", "pekka@example.org"), ("status", "you", None)]
    assert seen["guest"] == [("on", "you", None), ("status", "owner", None)]
    page = await (await house.ask("GET", f"{PATH}?limit=1", token=token)).json()
    rest = await (await house.ask("GET", f"{PATH}?limit=1&cursor={page['next']}", token=token)).json()
    assert ([each["name"] for each in (*page["items"], *rest["items"])], rest["next"]) == (["on", "status"], None)


@pytest.mark.parametrize(("name", "after_s", "is_it"), [("on", 60, True), ("on", 61, False), ("off", 1, False)])
async def test_a_command_is_named_for_a_move_that_it_can_have_made_about_then(
    house: PortalHouse, name: str, after_s: float, *, is_it: bool
) -> None:
    token = await owned(house)
    await report(house, 1, relay=False, relay_cause="unknown")
    made = await order(house, token, name)
    done: dict[str, Any] = {"status": CommandStatus.EXECUTED, "ended_at": house.clock.now()}
    await house.records.change_one(Command, is_("id", made["id"]), **done)
    await house.clock.advance(after_s)
    await report(house, 2, relay=True, relay_cause="user_cloud")
    await house.clock.advance(1)
    found = await (await house.ask("GET", f"/devices/{SOCKET}/switchings", token=token)).json()
    assert [each["command_id"] for each in found["items"]] == [made["id"] if is_it else None]


async def test_every_move_of_the_relay_says_who_or_what_it_was(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, relay=False, relay_cause="unknown")
    made = await order(house, token, "on")
    await house.clock.advance(1)
    await house.records.change_one(
        Command, is_("id", made["id"]), status=CommandStatus.EXECUTED, ended_at=house.clock.now()
    )
    await report(house, 2, relay=True, relay_cause="user_cloud")
    await house.clock.advance(3600)
    await report(house, 3, relay=True, relay_cause="user_cloud")
    await report(house, 4, temp_c=[20.0])
    for seq, relay, cause in ((5, False, "schedule"), (6, True, "button"), (7, False, "user_cloud")):
        await house.clock.advance(60)
        await report(house, seq, relay=relay, relay_cause=cause)
    await house.clock.advance(1)
    token = (await house.sign_in("maija@example.org"))["access_token"]
    found = await (await house.ask("GET", f"/devices/{SOCKET}/switchings", token=token)).json()
    assert [(each["relay"], each["cause"], each["command_id"], each["by"]) for each in found["items"]] == [
        (False, "user_cloud", None, None),
        (True, "button", None, None),
        (False, "schedule", None, None),
        (True, "user_cloud", made["id"], "you"),
    ]
    late = f"/devices/{SOCKET}/switchings?from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z"
    assert fields_of(await (await house.ask("GET", late, token=token)).json()) == ["from"]
