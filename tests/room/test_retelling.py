"""An alarm that waited tells what is so by now, and never fails to go for that."""

from typing import TypeVar

import pytest

from alerts.channels.channel import ChannelKind
from alerts.outcomes import RefusalScope, Refused, TryLater
from alerts.rules.memory import Condition, Key, Memory, Phase, to_watch
from isocket.domain.endpoints import ENDPOINT_KINDS
from isocket.domain.incidents import Cause
from isocket.domain.record import Record
from isocket.domain.watches import Watch
from isocket.storage.port import Records
from tests.fakes.alert_house import ANNA, DEVICE, AlertHouse, RecordingChannel
from tests.fakes.dying import DyingRecords

R = TypeVar("R", bound=Record)

REFUSES_US = Refused(reason="unauthorised", scope=RefusalScope.ACCOUNT)
AWAY = TryLater(reason="provider_unavailable")


class BrokenWatches(DyingRecords):
    """A store whose watches this program cannot read; it counts how often one is asked for."""

    def __init__(self, inner: Records) -> None:
        super().__init__(inner)
        self.asked = 0

    async def get(self, kind: type[R], record_id: str) -> R | None:
        if kind is Watch:
            self.asked += 1
            raise ValueError("not a phase")
        return await super().get(kind, record_id)


async def a_house_that_is_too_warm(channel: ChannelKind = ChannelKind.SMS) -> AlertHouse:
    """Return one with an alarm due that tells of 9 degrees, where it is 12 by now."""
    house = await AlertHouse(second_sms=RecordingChannel(ChannelKind.SMS, "second")).furnish()
    if channel in ENDPOINT_KINDS:
        await house.endpoint(channel)
    await house.ladder({"contact_ids": [ANNA], "channels": [channel], "after_s": 0})
    await house.incident(cause=Cause.TEMP_HIGH, probe=0, value=9.0)
    await house.escalate()
    by_now = Condition(
        phase=Phase.OPEN,
        since_ms=0,
        turned_ms=0,
        heard_ms=0,
        opener="1.1",
        boot=1,
        seq=1,
        incident_id="inc_1",
        value=12.0,
    )
    memory = Memory(conditions={Key(Cause.TEMP_HIGH, 0): by_now})
    await house.records.add(Watch(id=DEVICE, conditions=to_watch(memory)))
    return house


async def test_an_alarm_whose_new_words_cannot_be_written_goes_in_its_old_ones() -> None:
    house = await a_house_that_is_too_warm()
    house.sms.script.append(AWAY)
    assert house.second_sms is not None
    house.second_sms.script.append(AWAY)
    await house.send()
    await house.pass_by(minutes=5)
    records = BrokenWatches(house.records)
    assert await house.dispatcher(records).step()
    assert records.asked
    (text,) = [message.text for message in house.accepted]
    assert "9 C" in text


async def test_an_alarm_that_the_next_provider_takes_at_once_waits_for_no_new_words() -> None:
    house = await a_house_that_is_too_warm()
    house.sms.script.append(REFUSES_US)
    records = BrokenWatches(house.records)
    while await house.dispatcher(records).step():
        pass
    assert house.second_sms is not None
    assert len(house.second_sms.accepted) == 1
    assert not records.asked


async def test_an_alarm_that_waited_tells_how_warm_it_is_by_now() -> None:
    house = await a_house_that_is_too_warm()
    house.sms.script.append(AWAY)
    assert house.second_sms is not None
    house.second_sms.script.append(AWAY)
    await house.send()
    await house.pass_by(minutes=5)
    await house.send()
    (text,) = [message.text for message in house.accepted]
    assert "12 C" in text


@pytest.mark.parametrize("channel", sorted(ENDPOINT_KINDS))
async def test_what_a_browser_or_a_program_may_have_already_is_sent_again_as_it_was(channel: ChannelKind) -> None:
    house = await a_house_that_is_too_warm(channel)
    way = house.push if channel is ChannelKind.PUSH else house.webhook
    way.script.append(TryLater(reason="answer_lost"))
    await house.send()
    await house.pass_by(minutes=5)
    await house.send()
    first, again = [message.text for message in way.asked]
    assert first == again
