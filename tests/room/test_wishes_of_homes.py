"""What a home wishes: carried out as a command with all its limits, or refused and told to the owner."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from broker_bridge import home_wishes
from broker_bridge.home_wishes import A_MINUTE, HomeWishes, Wish, decoder
from broker_bridge.problem_log import ProblemLog
from isocket.domain.commands import SUPERSEDED, Command, CommandStatus
from isocket.domain.homes import Home
from isocket.domain.problems import Problem
from isocket.kit.clock import to_ms
from isocket.storage.abilities import abilities_of
from isocket.storage.port import is_
from tests.fakes.portal_devices import MAIJA, SOCKET, devices_house, owned, report
from tests.fakes.portal_house import PortalHouse

HOME = "home_1"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def moved_in(house: PortalHouse, **more: Any) -> tuple[str, HomeWishes]:
    """Return Maija's token, and who takes the wishes of her home."""
    token = await owned(house, model=more.pop("model", "isocket-707"))
    maija = await house.account(MAIJA)
    made: dict[str, Any] = {"credential_epoch": maija.credential_epoch, "created_at": house.clock.now(), **more}
    await house.records.add(Home(id=HOME, account_id=maija.id, name="House", secret_hash="$", **made))
    return token, HomeWishes(
        records=house.records, telemetry=house.telemetry, clock=house.clock, problems=ProblemLog(house.records)
    )


def wish(house: PortalHouse, part: str = "relay", payload: str = "ON", **more: Any) -> Wish:
    said: dict[str, Any] = {"home_id": HOME, "device_id": SOCKET, "retained": False, **more}
    return Wish(part=part, payload=payload, received_ms=to_ms(house.clock.now()), **said)


async def problems(house: PortalHouse, token: str) -> list[tuple[str, str]]:
    """Return what the owner is told of refused wishes."""
    told = await (await house.ask("GET", f"/devices/{SOCKET}/problems", token=token)).json()
    return [(each["topic_kind"], each["reason"]) for each in told["items"]]


async def test_the_owner_reads_that_it_was_home_assistant(house: PortalHouse) -> None:
    token, wishes = await moved_in(house)
    assert await wishes.take(wish(house))
    (listed,) = (await (await house.ask("GET", f"/devices/{SOCKET}/commands", token=token)).json())["items"]
    assert (listed["name"], listed["status"], listed["by"], listed["by_email"]) == (
        "on", "queued", "home_assistant", None,
    )  # fmt: skip


async def test_a_later_wish_supersedes_one_that_waits_whoever_asked_for_it(house: PortalHouse) -> None:
    token, wishes = await moved_in(house)
    asked = await (await house.ask("POST", f"/devices/{SOCKET}/commands", {"name": "on"}, token=token)).json()
    await house.clock.advance(1)
    assert await wishes.take(wish(house, payload="OFF"))
    before = await house.records.get(Command, asked["id"])
    assert before is not None
    assert (before.status, before.error) == (CommandStatus.EXPIRED, SUPERSEDED)


@pytest.mark.parametrize(
    ("part", "payload", "more", "said"),
    [
        ("relay", "on", {}, "cannot be wished"),
        ("boiler", "ON", {}, "no such part"),
        ("relay", "ON", {"retained": True}, "retain"),
        ("aux", "ON", {"model": "isocket-3g"}, "no second output"),
        ("relay", "ON", {"control": False}, "only look"),
    ],
)
async def test_what_is_refused_is_told_with_the_reason(
    house: PortalHouse, part: str, payload: str, more: dict[str, Any], said: str
) -> None:
    sent = {key: more.pop(key) for key in ("retained",) if key in more}
    token, wishes = await moved_in(house, **more)
    await report(house, 1, relay=True)
    assert not await wishes.take(wish(house, part, payload, **sent))
    ((kind, reason),) = await problems(house, token)
    assert kind == "home_assistant"
    assert said in reason
    assert await house.records.count(Command) == 0


async def test_a_flood_is_taken_up_to_its_limit_told_once_and_over_with_the_minute(house: PortalHouse) -> None:
    token, wishes = await moved_in(house)
    taken = [await wishes.take(wish(house)) for _ in range(A_MINUTE + 20)]
    assert sum(taken) == A_MINUTE
    ((_, reason),) = await problems(house, token)
    assert "in a minute" in reason
    await house.clock.advance(60)
    assert await wishes.take(wish(house))


@pytest.mark.parametrize("why", ["revoked", "another password", "given away", "not theirs"])
async def test_who_has_nothing_to_say_any_more_moves_nothing_and_leaves_no_trace(house: PortalHouse, why: str) -> None:
    token, wishes = await moved_in(house)
    asked = wish(house)
    if why == "revoked":
        assert (await house.ask("DELETE", f"/home-assistant/{HOME}", token=token)).status == 204
    elif why == "another password":
        await house.records.change_one(Home, is_("id", HOME), credential_epoch=0)
    elif why == "given away":
        assert (await house.ask("DELETE", f"/devices/{SOCKET}", token=token)).status == 204
    else:
        asked = asked._replace(device_id="is0000000009")
    assert not await wishes.take(asked)
    assert await house.records.count(Command) == 0
    assert await house.records.count(Problem) == 0


async def test_any_bytes_are_a_wish_or_none(house: PortalHouse) -> None:
    _, wishes = await moved_in(house)
    decode = decoder(house.clock)
    for payload in (b"", b"\xff\xfe", b"ON" * 5000, b"\0"):
        made = decode(f"isocket/v1/home/{HOME}/{SOCKET}/set/relay", payload, False)
        assert made is not None
        assert not await wishes.take(made)
    assert decode(f"isocket/v1/00/{SOCKET}/state", b"ON", False) is None


async def test_what_a_home_wished_of_a_socket_that_is_away_ends_with_its_login(house: PortalHouse) -> None:
    token, wishes = await moved_in(house)
    await wishes.take(wish(house))
    (home,) = await house.records.find(Home)
    assert (await house.ask("DELETE", f"/home-assistant/{home.id}", token=token)).status == 204
    (command,) = await house.records.find(Command)
    assert (command.status, command.error) == (CommandStatus.EXPIRED, "access_ended")


async def test_what_a_socket_reports_besides_what_it_is_sold_with_is_switched_from_a_home(house: PortalHouse) -> None:
    _, wishes = await moved_in(house, model="isocket-3g")
    await report(house, 1, aux=False, armed=True)
    assert await wishes.take(wish(house, "aux", "ON"))
    assert await wishes.take(wish(house, "armed", "OFF"))


async def test_a_wish_of_a_home_that_ends_in_that_moment_puts_no_order_of_its_owner_aside(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, wishes = await moved_in(house)
    order = {"name": "off", "ttl_s": 3600}
    answer = await house.ask("POST", f"/devices/{SOCKET}/commands", order, token=token)
    assert answer.status == 202, await answer.text()

    async def ending(*asked: Any) -> Any:
        await house.records.remove_all(Home, is_("id", HOME))
        return await abilities_of(*asked)

    monkeypatch.setattr(home_wishes, "abilities_of", ending)
    await wishes.take(wish(house))
    ended = {each.name: each.error for each in await house.records.find(Command)}
    assert ended == {"off": None, "on": "access_ended"}
