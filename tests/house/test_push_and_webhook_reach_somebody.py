"""The promise to who wants alarms on a screen or in a program: it is proved, told, answered, and told the end."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.customer import Customer
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.web_receiver import Program, PushService, WebReceiver
from tests.fakes.whole_cloud import WholeCloud, eventually

pytestmark = pytest.mark.house

HERE = "here"


@pytest.fixture
async def cloud(tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink) -> AsyncIterator[WholeCloud]:
    """A cloud that may call the servers of this test, which are on loopback."""
    async with WholeCloud(tmp_path, twilio=twilio, mail=mail) as running:
        running.settings["ISOCKET_WEBHOOK_TARGETS"] = "loopback"
        await running.start()
        yield running
        await running.stop()


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    program = Program()
    await program.start()
    yield program
    await program.stop()


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    service = PushService()
    await service.start()
    yield service
    await service.stop()


async def heard(receiver: WebReceiver, count: int) -> dict[str, Any]:
    """Return the message number `count` that came, counted from 1."""
    said: dict[str, Any] = json.loads((await receiver.wait_for(HERE, count))[count - 1].text)
    return said


async def tell(cloud: WholeCloud, path: str) -> Any:
    """Say what a browser's own script says."""
    async with aiohttp.ClientSession() as http, http.post(f"{cloud.origin}{path}") as answer:
        return await answer.json(content_type=None) if answer.status == 200 else answer.status


async def test_screen_and_program_hear_of_a_power_cut_and_a_press_on_the_screen_takes_it(
    cloud: WholeCloud, owner: Customer, service: PushService, program: Program
) -> None:
    (contact,) = (await owner.ask("GET", "/contacts"))["items"]
    path = f"/contacts/{contact['id']}/endpoints"
    made = await owner.ask("POST", path, {"kind": "webhook", "url": f"{program.base_url}/{HERE}"}, expect=201)
    program.secret = made["secret"]
    await owner.ask("POST", path, {"kind": "push", "subscription": service.subscribe(HERE)}, expect=201)
    hello = await heard(service, 1)
    assert await tell(cloud, f"{hello['hook']}/shown") == 204

    async def proved() -> list[bool]:
        return [each["verified"] for each in (await owner.ask("GET", path))["items"]]

    await eventually(proved, lambda found: found == [True, True], "both have answered")

    (socket,) = await cloud.provision()
    await owner.claim(socket, "Mökki")
    came = len(program.accepted[HERE])
    async with ThinSocket(socket, cloud.mqtt_port) as connected:
        await connected.state_that_is_stored(mains=True)
        connected.alarm("mains_lost")
        shown, posted = await heard(service, 2), await heard(program, came + 1)
        assert shown["title"].startswith("Mökki: ")
        assert (posted["type"], posted["device"]) == ("incident.alarm", {"name": "Mökki"})
        assert await tell(cloud, f"{shown['hook']}/take") == {"taken": True}
        incident = await owner.the_incident(socket, "mains_lost", lambda found: found["state"] == "acknowledged")
        assert incident["id"] == shown["tag"] == posted["incident"]["id"]
        connected.alarm("mains_lost", active=False)
        await owner.the_incident(socket, "mains_lost", lambda found: found["state"] == "closed")

    async def ends() -> list[str]:
        return [json.loads(each.text)["type"] for each in program.accepted[HERE]]

    await eventually(ends, lambda found: found[-1] == "incident.clear", "the program hears the end")
