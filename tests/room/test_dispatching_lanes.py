"""Lanes: a provider that hangs holds up nobody else, and a stop loses nothing."""

import asyncio
import random
from datetime import timedelta

from alerts.channels.channel import ChannelKind, Message
from alerts.dispatcher import Dispatcher
from alerts.lanes import Lane
from alerts.outcomes import Outcome, Sent, Unclear
from alerts.providers import Providers
from isocket.domain.deliveries import DeliveryKind, DeliveryState, Urgency, lane_name
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups, queue_bell
from tests.fakes.alert_house import PUBLIC_URL, AlertHouse


class Hanging:
    """A provider that answers only when told to."""

    name = "hanging"
    kind = ChannelKind.SMS

    def __init__(self) -> None:
        self.begun: list[Message] = []
        self.arrived = asyncio.Event()
        self.answer = asyncio.Event()

    async def send(self, message: Message) -> Outcome:
        self.begun.append(message)
        self.arrived.set()
        await self.answer.wait()
        return Sent(provider_id="SM1", receipt_expected=False)

    async def look_up(self, message: Message, sent_after: object) -> Outcome:
        return Unclear(reason="not_found")

    async def close(self) -> None:
        pass


def lane_of(house: AlertHouse, provider: Hanging, *, calls: int) -> Lane:
    dispatcher = Dispatcher(
        records=house.records,
        clock=house.clock,
        providers=Providers({ChannelKind.SMS: provider}, records=house.records, clock=house.clock),
        public_url=PUBLIC_URL,
        chance=random.Random(1),
    )
    return Lane(
        "lane",
        dispatcher=dispatcher,
        lane=lane_name(Urgency.ORDINARY, ChannelKind.SMS),
        calls=calls,
        bell=Wakeups().bell(),
        clock=house.clock,
    )


async def test_a_call_that_hangs_does_not_hold_up_the_next_delivery() -> None:
    house = await AlertHouse().furnish()
    for name in "abc":
        await house.delivery(id=f"dlv_{name}", text=name)
    provider, stop = Hanging(), asyncio.Event()
    running = asyncio.create_task(lane_of(house, provider, calls=2).run(stop))
    await house.pass_by(seconds=1)
    assert [message.text for message in provider.begun] == ["a", "b"]
    provider.answer.set()
    await house.pass_by(seconds=1)
    assert [message.text for message in provider.begun] == ["a", "b", "c"]
    stop.set()
    await house.pass_by(seconds=1)
    await running


async def test_a_lane_that_is_told_to_stop_finishes_its_calls_and_begins_no_others() -> None:
    house = await AlertHouse().furnish()
    for name in "ab":
        await house.delivery(id=f"dlv_{name}", text=name)
    provider, stop = Hanging(), asyncio.Event()
    running = asyncio.create_task(lane_of(house, provider, calls=1).run(stop))
    await house.pass_by(seconds=1)
    stop.set()
    await house.pass_by(seconds=1)
    assert not running.done()
    provider.answer.set()
    await house.pass_by(seconds=1)
    await running
    assert [message.text for message in provider.begun] == ["a"]
    states = {each.id: each.state for each in await house.deliveries(DeliveryKind.CODE)}
    assert states == {"dlv_a": DeliveryState.SENT, "dlv_b": DeliveryState.DUE}


async def test_what_has_ended_wakes_no_lane() -> None:
    wakeups = Wakeups()
    house = await AlertHouse(records=StoredRecords(MemoryDocuments(), wakeups)).furnish()
    bell = wakeups.bell(queue_bell("deliveries", lane_name(Urgency.ORDINARY, ChannelKind.SMS)))
    await house.delivery()
    assert bell._event.is_set()
    bell._event.clear()
    await house.send()
    assert house.sms.accepted
    assert not bell._event.is_set()


async def test_what_was_put_off_gets_its_place_within_a_moment_while_its_lane_is_never_at_rest() -> None:
    house = await AlertHouse().furnish()
    dispatcher, now = house.dispatcher(), house.clock.now()
    await house.delivery(id="dlv_later", text="later", due_at=now + timedelta(seconds=1))
    for number in range(30):
        await house.delivery(id=f"dlv_{number}", text="one of many", due_at=house.clock.now())
        await dispatcher.step()
        await house.clock.advance(0.1)
    assert "later" in [message.text for message in house.sms.accepted]
