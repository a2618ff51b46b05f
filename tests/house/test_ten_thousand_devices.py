"""A fleet of ten thousand: made within a minute, served within ten seconds of the start."""

import time
from pathlib import Path

import pytest

from tests.fakes.smtp_server import SmtpSink
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import WholeCloud

pytestmark = pytest.mark.house

FLEET = 10_000
MAKING_S, STARTING_S, LETTING_IN_S = 60.0, 10.0, 3.0


@pytest.mark.timeout(180)
async def test_ten_thousand_devices_are_made_in_a_minute_and_served_ten_seconds_after_the_start(
    tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink
) -> None:
    async with WholeCloud(tmp_path, twilio=twilio, mail=mail) as cloud:
        began = time.monotonic()
        fleet = await cloud.provision(FLEET)
        made_s = time.monotonic() - began
        assert len({each.device_id for each in fleet}) == FLEET
        assert made_s < MAKING_S

        began = time.monotonic()
        await cloud.start()
        started_s = time.monotonic() - began
        assert started_s < STARTING_S
        for each in (fleet[0], fleet[-1]):
            async with ThinSocket(each, cloud.mqtt_port) as socket:
                await socket.state_that_is_stored(mains=True)

        (newcomer,) = await cloud.provision()
        began = time.monotonic()
        late = ThinSocket(newcomer, cloud.mqtt_port)
        await late.connect_patiently()
        let_in_s = time.monotonic() - began
        await late.leave()
        assert let_in_s < LETTING_IN_S
        await cloud.stop()
