"""The workers together, as the composition root starts them."""

import asyncio

from alerts.channels.channel import ChannelKind
from alerts.service import workers
from isocket.domain.deliveries import DeliveryKind, DeliveryState
from isocket.domain.incidents import IncidentState
from isocket.kit.clock import SystemClock
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.alert_house import PUBLIC_URL, AlertHouse


async def test_an_incident_reaches_people_and_its_end_too_and_all_workers_stop_when_told() -> None:
    wakeups = Wakeups()
    house = AlertHouse(records=StoredRecords(MemoryDocuments(), wakeups))
    house.on_the_desk = True
    await house.furnish()
    together = workers(
        records=house.records,
        telemetry=MemoryTelemetry(wakeups=wakeups, clock=house.clock),
        clock=house.clock,
        wakeups=wakeups,
        right_of_way=RightOfWay(house.clock),
        channels=house.channels(house.records),
        public_url=PUBLIC_URL,
        owner="test",
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as running:
        for worker in together:
            running.create_task(worker.run(stop), name=worker.name)
        await house.incident()
        await house.pass_by(seconds=1)
        await house.close()
        await house.pass_by(seconds=5)
        stop.set()
        await house.pass_by(seconds=2)
    for kind in (DeliveryKind.ALARM, DeliveryKind.CLEAR):
        sent = {each.channel: each.state for each in await house.deliveries(kind)}
        assert sent == {ChannelKind.SMS: DeliveryState.SENT, ChannelKind.EMAIL: DeliveryState.SENT}
    assert (await house.the_incident()).state is IncidentState.CLOSED


def test_workers_have_names_of_their_own() -> None:
    wakeups, clock = Wakeups(), SystemClock()
    names = [
        worker.name
        for worker in workers(
            records=StoredRecords(MemoryDocuments(), wakeups),
            telemetry=MemoryTelemetry(wakeups=wakeups, clock=clock),
            clock=clock,
            wakeups=wakeups,
            right_of_way=RightOfWay(clock),
            channels={},
            public_url=PUBLIC_URL,
            owner="test",
        )
    ]
    assert len(set(names)) == len(names)
    assert sum(name.startswith("unclear") for name in names) == 4  # a look-up that hangs holds up one of them
    assert sum(name.startswith("receipts") for name in names) == 4  # one would fall behind in a storm
