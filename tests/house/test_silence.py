"""A socket that says nothing: told once, not while the mains failure explains it, and over when it speaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.fakes.customer import Customer
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import Made, WholeCloud, eventually

pytestmark = pytest.mark.house

ANNA = "+447700900001"
HEARTBEAT_S, OFFLINE_AFTER = 3, 2  # who speaks five times in a heartbeat is not silent on a slow machine either


@pytest.fixture
async def devices(cloud: WholeCloud, owner: Customer) -> list[Made]:
    """Two sockets of Anna's that count as silent after two heartbeats."""
    made = await cloud.provision(2)
    for each, name in zip(made, ("Cellar", "Attic"), strict=True):
        await owner.claim(each, name)
        await owner.set(each, heartbeat_s=HEARTBEAT_S, offline_after=OFFLINE_AFTER, mains_delay_s=0, restore_delay_s=0)
    await owner.add_contact("Anna", phone=ANNA)
    return made


def told(twilio: TwilioDouble, name: str) -> list[str]:
    return [each.body for each in twilio.accepted[ANNA] if each.body.startswith(name)]


@contextlib.asynccontextmanager
async def speaking(socket: ThinSocket) -> AsyncIterator[None]:
    """Let the socket keep its heartbeat while the block runs."""

    async def beat() -> None:
        while True:
            socket.state(mains=True)
            await asyncio.sleep(HEARTBEAT_S / 5)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


async def test_a_socket_gone_silent_is_told_once_and_again_only_after_it_spoke(
    cloud: WholeCloud, owner: Customer, devices: list[Made], twilio: TwilioDouble
) -> None:
    async with ThinSocket(devices[0], cloud.mqtt_port) as cellar, ThinSocket(devices[1], cloud.mqtt_port) as attic:
        async with speaking(attic):
            await cellar.state_that_is_stored(mains=True)
            await owner.the_incident(cellar.made, "offline", lambda found: found["state"] == "open")
        # The attic falls silent now: when that is told, the cellar's silence has lasted twice as long.
        await owner.the_incident(attic.made, "offline", lambda found: found["state"] == "open")
        await _told_times(twilio, "Attic", 1)
        assert len(told(twilio, "Cellar")) == 1

        async with speaking(cellar):
            await owner.the_incident(cellar.made, "offline", lambda found: found["state"] == "closed")
            await _told_times(twilio, "Cellar", 2)

        async def causes() -> list[tuple[str, str]]:
            return sorted((each["cause"], each["state"]) for each in await owner.incidents(cellar.made))

        both = [("offline", "closed"), ("offline", "open")]
        await eventually(causes, lambda found: found == both, "a new silence")


async def test_a_silence_that_a_power_cut_explains_is_no_second_page(
    cloud: WholeCloud, owner: Customer, devices: list[Made], twilio: TwilioDouble
) -> None:
    async with ThinSocket(devices[0], cloud.mqtt_port) as cellar, ThinSocket(devices[1], cloud.mqtt_port) as attic:
        async with speaking(attic):
            await cellar.state_that_is_stored(mains=True)
            cellar.state(mains=False)
            failure = await owner.the_incident(cellar.made, "mains_lost")
            silence = await owner.the_incident(cellar.made, "offline")
            assert silence["explained_by"] == failure["id"]
        await owner.the_incident(attic.made, "offline")
        await _told_times(twilio, "Attic", 1)
        assert len(told(twilio, "Cellar")) == 1, "the power cut was told, the silence that follows from it was not"


async def _told_times(twilio: TwilioDouble, name: str, times: int) -> None:
    async def look() -> list[str]:
        return told(twilio, name)

    await eventually(look, lambda texts: len(texts) >= times, f"{times} texts about {name}")
    assert len(told(twilio, name)) == times
