"""A disk that is full while sockets speak: nothing is confirmed that is not stored, nobody is told that all is well."""

import aiohttp
import pytest

from tests.fakes.customer import Customer
from tests.fakes.full_disk import give_room_to, take_room_from
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import WholeCloud, eventually

pytestmark = pytest.mark.house

ANNA = "+447700900001"
REPORTS = 300


async def test_what_sockets_say_while_the_disk_is_full_is_stored_and_told_once_when_there_is_room(
    cloud: WholeCloud, owner: Customer, twilio: TwilioDouble
) -> None:
    (made,) = await cloud.provision()
    await owner.claim(made)
    await owner.add_contact("Anna", phone=ANNA)
    before = len(twilio.accepted[ANNA])

    async def texts() -> list[str]:
        return [each.body for each in twilio.accepted[ANNA][before:]]

    async with ThinSocket(made, cloud.mqtt_port) as socket:
        socket.state(uptime_s=1)
        await socket.until(lambda: not socket.backlog)
        take_room_from(cloud.pid)
        await eventually(lambda: readiness(cloud), lambda said: said == (503, "out of reach", "ok"), "it is not ready")
        for _ in range(REPORTS):
            socket.state(uptime_s=socket.seq + 1)
        socket.alarm("input", probe=1)
        cloud.kill_broker()  # which cannot be started again while its files cannot be written
        await eventually(lambda: readiness(cloud), lambda said: said == (503, *["out of reach"] * 2), "it is missing")
        assert socket.backlog, "nothing is confirmed"
        give_room_to(cloud.pid)
        await eventually(lambda: readiness(cloud), lambda said: said == (200, "ok", "ok"), "it is ready")
        await socket.connect_patiently()
        await socket.until(lambda: not socket.backlog)
    stored = await owner.history(made, "uptime_s")
    assert sorted(stored) == list(range(1, REPORTS + 2))
    await owner.the_incident(made, "input")
    await eventually(texts, bool, "the alarm reaches Anna")
    assert len(await texts()) == 1


async def readiness(cloud: WholeCloud) -> tuple[int, str, str]:
    """Return what the cloud says of itself: whether it is ready, and what of store and broker."""
    async with aiohttp.ClientSession() as http, http.get(f"{cloud.origin}/readyz") as answer:
        said = await answer.json()
        return answer.status, said["store"], said["broker"]
