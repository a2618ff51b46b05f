"""A heater that does not heat: its owner hears of it long before anything freezes, and when it heats again."""

import pytest

from isocket.kit.clock import SystemClock, to_ms
from tests.fakes.customer import Customer
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import WholeCloud

pytestmark = pytest.mark.house

ANNA = "+447700900001"
THERMOSTAT = {"enabled": True, "mode": "heat", "on_c": 8, "off_c": 10, "alarm_after_s": 600}
ALARM_KEY = "alarm_after_s"


async def test_heating_in_vain_reaches_the_phone_and_so_does_warmth(
    cloud: WholeCloud, owner: Customer, twilio: TwilioDouble
) -> None:
    (made,) = await cloud.provision()
    await owner.claim(made, "Boat house")
    await owner.add_contact("Anna", phone=ANNA)
    codes = len(twilio.accepted[ANNA])
    await owner.set(made, thermostat=THERMOSTAT)
    async with ThinSocket(made, cloud.mqtt_port) as socket:
        await socket.until(lambda: "thermostat" in socket.desired)
        assert socket.desired["thermostat"] == {key: each for key, each in THERMOSTAT.items() if key != ALARM_KEY}
        long_ago_ms = to_ms(SystemClock().now()) - 700_000
        await socket.state_that_is_stored(ts=long_ago_ms, relay=True, relay_cause="thermostat", temp_c=[7.5])
        assert not await owner.incidents(made)
        socket.state(relay=True, relay_cause="thermostat", temp_c=[6.5])
        open_one = await owner.the_incident(made, "thermostat_ineffective", lambda found: found["state"] == "open")
        assert (open_one["severity"], open_one["value"]) == ("major", 6.5)
        alarm = await twilio.wait_for_accepted(ANNA, codes + 1)
        assert "the thermostat has no effect: 6.5 C" in alarm[-1].body
        socket.state(relay=True, relay_cause="thermostat", temp_c=[7.0])
        await owner.the_incident(made, "thermostat_ineffective", lambda found: found["state"] == "closed")
        clear = await twilio.wait_for_accepted(ANNA, codes + 2)
        assert "the thermostat has an effect again" in clear[-1].body
