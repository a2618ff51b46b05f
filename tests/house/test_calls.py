"""A telephone rings: somebody hears what is wrong, presses a key, and everybody else is left in peace."""

import re
from typing import Any

import pytest

from tests.fakes.customer import Customer
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_people import VOICEMAIL, PlacedCall, presses
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import WholeCloud, eventually

pytestmark = pytest.mark.house

ANNA = "+447700900001"
LANDLINE = "+442079460123"
NAME = "Mökki"


async def heard(twilio: TwilioDouble, phone: str, count: int = 1) -> list[PlacedCall]:
    """Return the calls to a phone once there are so many and all of them are over."""
    await twilio.calls.wait_for_accepted(phone, count)
    await twilio.settled()
    return twilio.calls.accepted[phone]


@pytest.fixture
async def socket(cloud: WholeCloud, owner: Customer) -> Any:
    (made,) = await cloud.provision()
    await owner.claim(made, NAME)
    async with ThinSocket(made, cloud.mqtt_port) as connected:
        await connected.state_that_is_stored(mains=True, battery_pct=97, temp_c=[20.5])
        yield connected


def statuses(incident: dict[str, Any]) -> set[str]:
    """Return what the provider reported of the calls about an incident."""
    return {line["detail"].get("status") for line in incident["timeline"] if line["what"] == "receipt"}


async def ladder(owner: Customer, *contacts: Any) -> None:
    """Have people called one after another."""
    steps = [
        {"contacts": [each["id"]], "channels": ["voice"], "after_s": 3600 * number}
        for number, each in enumerate(contacts)
    ]
    await owner.ask("PUT", "/escalation", {"steps": steps})


async def test_a_key_press_during_the_call_takes_the_alarm(
    owner: Customer, socket: ThinSocket, twilio: TwilioDouble
) -> None:
    anna = await owner.add_contact("Anna", phone=ANNA)
    await ladder(owner, anna)
    twilio.calls.answer_with(ANNA, presses("1", while_it_speaks=True))
    socket.alarm("mains_lost")
    (call,) = await heard(twilio, ANNA)
    taken = await owner.the_incident(
        socket.made, "mains_lost", lambda found: "key_pressed" in statuses(found) and found["state"] == "acknowledged"
    )
    assert NAME in call.heard
    assert (call.pressed, call.faults) == ("1", [])
    assert {"initiated", "ringing", "in-progress"} <= statuses(taken)


async def test_a_voicemail_is_nobody_and_the_same_person_gets_a_text_at_once(
    owner: Customer, socket: ThinSocket, twilio: TwilioDouble
) -> None:
    anna = await owner.add_contact("Anna", phone=ANNA)
    await ladder(owner, anna)
    codes = len(twilio.accepted[ANNA])
    twilio.calls.answer_with(ANNA, VOICEMAIL)
    socket.alarm("mains_lost")
    (call,) = await heard(twilio, ANNA)
    sms = await twilio.wait_for_accepted(ANNA, codes + 1)
    incident = await owner.the_incident(socket.made, "mains_lost", lambda found: "completed" in statuses(found))
    assert NAME in call.heard
    assert incident["short_code"] in sms[codes].body
    assert incident["state"] == "open"


async def test_a_number_is_proved_by_a_code_that_is_spoken(owner: Customer, twilio: TwilioDouble) -> None:
    contact = await owner.ask("POST", "/contacts", {"name": "Anna", "roles": ["alarm"], "phone": LANDLINE}, expect=201)
    path = f"/contacts/{contact['id']}"
    twilio.calls.answer_with(LANDLINE, presses(""))
    await owner.ask("POST", f"{path}/verification", {"channel": "voice"}, expect=(200, 202, 204))
    (call,) = await heard(twilio, LANDLINE)
    code = "".join(re.findall(r"\d", call.said[0].text))
    verified = await owner.ask("POST", f"{path}/verify", {"channel": "voice", "code": code})
    assert (len(call.said), len(code), verified["voice_verified"]) == (4, 6, True)


async def test_a_call_that_rings_is_called_off_when_somebody_else_takes_it(
    owner: Customer, socket: ThinSocket, twilio: TwilioDouble
) -> None:
    anna = await owner.add_contact("Anna", phone=ANNA)
    await ladder(owner, anna)
    socket.alarm("mains_lost")
    (call,) = await twilio.calls.wait_for_accepted(ANNA)
    incident = await owner.the_incident(socket.made, "mains_lost")
    await owner.ask("POST", f"/incidents/{incident['id']}/ack")

    async def status() -> str:
        return call.status

    await eventually(status, lambda found: found == "canceled", "the call is cancelled at the provider")
