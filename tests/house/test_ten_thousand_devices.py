"""A fleet of ten thousand: made within a minute, served within ten seconds of the start.

The seconds are those that a processor works for it: what else the machine does meanwhile is no matter of ours. How
often is looked for new devices is a matter of the clock, and of `test_device_accounts`.
"""

import resource
from pathlib import Path

import pytest

from tests.fakes.smtp_server import SmtpSink
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import WholeCloud

pytestmark = pytest.mark.house

FLEET = 10_000
MAKING_S, STARTING_S, LETTING_IN_S = 60.0, 10.0, 3.0


async def test_ten_thousand_devices_are_made_in_a_minute_and_served_ten_seconds_after_the_start(
    tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink
) -> None:
    async with WholeCloud(tmp_path, twilio=twilio, mail=mail) as cloud:
        before_s = ended_children_s()
        fleet = await cloud.provision(FLEET)
        made_s = ended_children_s() - before_s
        assert len({each.device_id for each in fleet}) == FLEET
        assert made_s < MAKING_S

        await cloud.start()
        assert cloud.worked_s() < STARTING_S
        for each in (fleet[0], fleet[-1]):
            async with ThinSocket(each, cloud.mqtt_port) as socket:
                await socket.state_that_is_stored(mains=True)

        (newcomer,) = await cloud.provision()
        before_s = cloud.worked_s()
        late = ThinSocket(newcomer, cloud.mqtt_port)
        await late.connect_patiently()
        let_in_s = cloud.worked_s() - before_s
        await late.leave()
        assert let_in_s < LETTING_IN_S
        await cloud.stop()


def ended_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
