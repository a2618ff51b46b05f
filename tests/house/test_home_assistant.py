"""What a customer's Home Assistant sees and does at the real broker, and what it cannot."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from broker_bridge import home_topics
from broker_bridge.mosquitto.denials import RefusalKind
from isocket.domain.commands import Command, CommandCause
from isocket.domain.devices import Device, topic_root
from isocket.domain.disclosures import DisclosedTo, Disclosure
from isocket.domain.homes import Home
from isocket.domain.problems import Problem
from isocket.storage.port import is_
from tests.fakes.broker import Peer, RunningBroker
from tests.fakes.home_house import (
    HOME,
    MAIJA_ID,
    PEKKAS_HOME,
    PEKKAS_SOCKET,
    SECRET,
    SOCKET,
    HomeHouse,
    home_house,
)
from tests.fakes.patience import PATIENCE_S, until

pytestmark = pytest.mark.house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[HomeHouse]:
    async with home_house(tmp_path) as running:
        yield running


async def eventually(look: Callable[[], Awaitable[object]]) -> None:
    """Return as soon as something is so: it happens in another process."""
    async with asyncio.timeout(PATIENCE_S):
        while not await look():  # noqa: ASYNC110 - it happens elsewhere
            await asyncio.sleep(0.02)


async def test_sockets_appear_by_themselves_with_how_they_are_and_how_they_become(house: HomeHouse) -> None:
    await house.report(relay=True, mains=True, temp_c=[21.5, None], input=[False], battery_pct=96)
    async with house.home() as home:
        await home.begin()
        said = await home.announced()
        assert said["device"]["name"] == "Cabin"
        seen = await home.state()
        assert (seen["relay"], seen["mains"], seen["temp"], seen["online"]) == ("ON", "ON", [21.5, None], True)
        await house.report(relay=False, mains=False)
        assert (await home.state(lambda each: each["relay"] == "OFF"))["mains"] == "OFF"
        await house.telemetry.note_presence(SOCKET, online=False, at=house.clock.now())
        await home.state(lambda each: not each["online"])


async def test_a_wish_becomes_a_command_and_says_where_it_came_from(house: HomeHouse) -> None:
    async with house.home() as home:
        assert await home.wish("relay", "ON") == "Success"
        await eventually(lambda: house.records.count(Command))
        (command,) = await house.records.find(Command)
    assert (command.device_id, command.name, command.account_id) == (SOCKET, "on", MAIJA_ID)
    assert command.cause is CommandCause.HOME_ASSISTANT
    assert (command.expires_at - command.created_at).total_seconds() == pytest.approx(30, abs=1)


async def test_a_wish_that_is_meant_to_stay_at_the_broker_does_not(house: HomeHouse) -> None:
    async with house.home() as home:
        await home.wish("relay", "ON", retain=True)
        await home.wish("anything", "ON", "is0000000009", retain=True)  # of no socket of theirs, and no part
        await eventually(lambda: house.records.count(Command))
    await eventually(lambda: _nothing_is_kept(house))
    assert await house.records.count(Command) == 1


async def test_what_a_home_says_of_itself_to_stay_goes_with_it(house: HomeHouse, tmp_path: Path) -> None:
    saved, said = tmp_path / "broker" / "mosquitto.db", b"in grandmother's house"

    async def is_kept() -> bool:
        house.broker.save_now()
        return saved.exists() and said in saved.read_bytes()

    async with house.home() as home:
        await home.peer.publish(home_topics.PRESENCE, said, retain=True)
        await eventually(is_kept)

    async def is_gone() -> bool:
        return not await is_kept()

    await eventually(is_gone)


async def _nothing_is_kept(house: HomeHouse) -> bool:
    """Look in the place of the bridge, which comes back afterwards."""
    login = house.broker.child.homes_login
    async with Peer(house.broker, login.name, login.secret) as look:
        await look.subscribe(home_topics.wishes_of("+"))
        last = home_topics.wish(HOME, "last", "relay")
        await look.publish(last, b"last")
        await look.until(lambda: look.lost.is_set() or any(each.topic == last for each in look.heard))
        return not look.lost.is_set() and not [each for each in look.heard if each.retained]


async def test_nothing_of_another_customer_is_heard_or_moved(house: HomeHouse) -> None:
    await house.report(PEKKAS_SOCKET, relay=True)
    async with house.home(PEKKAS_HOME) as pekkas, house.home() as home:
        for topic in ("#", "homeassistant/#", f"{topic_root(PEKKAS_SOCKET)}/#", home_topics.state(PEKKAS_HOME, "+")):
            await home.peer.subscribe(topic, 0)
        await pekkas.begin()
        await pekkas.announced(PEKKAS_SOCKET)
        await pekkas.state(device_id=PEKKAS_SOCKET)
        await home.begin()
        await home.announced()
        await home.state()
        assert {each.topic.split("/")[2 if each.topic.startswith("h") else 3] for each in home.peer.heard} == {HOME}
        assert house.broker.child.refusals.of_device(HOME)[RefusalKind.SUBSCRIBE] == 3
        await home.wish("relay", "ON", PEKKAS_SOCKET)  # on its own branch, about a socket that is not its own
        await home.wish("relay", "OFF")
        await eventually(lambda: house.records.count(Command, is_("device_id", SOCKET)))
        assert await house.records.count(Command, is_("device_id", PEKKAS_SOCKET)) == 0
        assert await house.records.count(Problem, is_("device_id", PEKKAS_SOCKET)) == 0


@pytest.mark.parametrize(
    "topic",
    [
        home_topics.wish(PEKKAS_HOME, PEKKAS_SOCKET, "relay"),
        home_topics.config(HOME, SOCKET),
        home_topics.state(HOME, SOCKET),
        f"{topic_root(SOCKET)}/cmd",
        f"{topic_root(SOCKET)}/state",
        "homeassistant/switch/x/config",
        f"{topic_root(HOME)}/state",
        f"{topic_root(HOME)}/alarm",
        f"{topic_root(HOME)}/cmd",
    ],
)
async def test_what_a_home_says_elsewhere_reaches_nobody_and_is_counted(house: HomeHouse, topic: str) -> None:
    login = house.broker.telemetry
    async with Peer(house.broker, login.name, login.secret) as bridge, house.home() as home:
        for each in (f"{topic_root(SOCKET)}/state", home_topics.wishes_of("+")):
            await bridge.subscribe(each)
        await home.peer.publish(topic, b"ON")
        await until(lambda: house.broker.child.refusals.of_device(HOME) == {RefusalKind.PUBLISH: 1})
        assert bridge.heard == []
    assert await house.records.count(Command) == 0


async def test_a_device_neither_hears_homes_nor_speaks_for_them(house: HomeHouse) -> None:
    async with Peer(house.broker, SOCKET, "socket") as device, house.home() as home:
        await device.subscribe("#")
        await home.begin()
        await home.announced()
        assert device.heard == []
        await device.publish(home_topics.PRESENCE, b"online")
        await until(lambda: house.broker.child.refusals.of_device(SOCKET).get(RefusalKind.PUBLISH) == 1)


async def test_a_login_ends_with_every_other_credential(house: HomeHouse) -> None:
    async with house.home() as home:
        await home.begin()
        await home.announced()
        await house.ends_every_credential()
        await home.peer.until(home.peer.lost.is_set)
    async with Peer(house.broker, HOME, SECRET) as again:
        assert not again.accepted
    await eventually(lambda: _none(house, Home, "account_id", MAIJA_ID))
    async with house.home(PEKKAS_HOME) as other:
        assert other.peer.accepted


async def _none(house: HomeHouse, kind: type, field: str, value: str) -> bool:
    return await house.records.count(kind, is_(field, value)) == 0


async def test_a_socket_that_is_given_away_disappears_and_appears_at_its_new_owners(house: HomeHouse) -> None:
    async with house.home() as home, house.home(PEKKAS_HOME) as pekkas:
        await home.begin()
        await home.announced()
        await pekkas.begin()
        await pekkas.announced(PEKKAS_SOCKET)
        await house.records.change_one(Device, is_("id", SOCKET), owner_id=None, name=None)
        taken = home_topics.config(HOME, SOCKET)
        await home.peer.until(lambda: any(each.topic == taken and not each.payload for each in home.peer.heard))
        await house.records.change_one(Device, is_("id", SOCKET), owner_id="acc_pekka", name="Bought")
        assert (await pekkas.announced(SOCKET))["device"]["name"] == "Bought"


async def test_nothing_stays_at_the_broker_and_the_owner_reads_what_was_given(house: HomeHouse, tmp_path: Path) -> None:
    await house.report(relay=True)
    async with house.home() as home:
        await home.begin()
        await home.announced()
        await home.state()
        assert not [each for each in home.peer.heard if each.retained]
    house.broker.save_now()
    saved = tmp_path / "broker" / "mosquitto.db"
    await until(saved.exists)
    assert b"Cabin" not in saved.read_bytes()
    (line,) = await house.records.find(Disclosure)
    assert (line.to, line.recipient_id, line.account_id) == (DisclosedTo.PROGRAM, HOME, MAIJA_ID)


async def test_whoever_does_not_come_back_to_a_broker_that_was_killed_is_told_nothing_more(house: HomeHouse) -> None:
    async with house.home() as home, house.home(PEKKAS_HOME) as pekkas:
        for each in (home, pekkas):
            await each.begin()
        await home.announced()
        await pekkas.announced(PEKKAS_SOCKET)
        house.broker.kill()
        await home.peer.until(home.peer.lost.is_set)
        await pekkas.peer.until(pekkas.peer.lost.is_set)
    await until(lambda: house.broker.child.restarts == 1 and house.bridge.connected)
    await eventually(lambda: _connects(house.broker))
    async with house.home() as home:
        await home.begin()
        await home.announced()
        assert list(house.bridge._homes) == [HOME]


async def _connects(broker: RunningBroker) -> bool:
    try:
        async with Peer(broker, HOME, SECRET) as peer:
            return peer.accepted
    except OSError:
        return False
