"""A lane leaves what comes in its socket for a moment, so that much is read at once; nothing else waits for that."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from prometheus_client import CollectorRegistry

from broker_bridge.bridge import GATHER_S, READ_AT_ONCE, Bridge
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.connection import BURST, HIGH_WATER, Connection
from broker_bridge.rests import Rests
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.clock import ManualClock
from tests.fakes.patience import PATIENCE_S
from tests.unit.broker_bridge.test_buffered_client import publish

CONNACK = bytes([0x20, 2, 0, 0])
FOR_EVER_S = 3600.0


@asynccontextmanager
async def lane(
    gather_s: float, weigh: Callable[[bytes], int] = lambda _: 1
) -> AsyncIterator[tuple[Connection[bytes], asyncio.StreamReader, asyncio.StreamWriter]]:
    """Yield a lane that is connected, and the broker's end of its connection."""
    ends: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_server(lambda *end: ends.put_nowait(end), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    connection = Connection[bytes](
        name="reports",
        address=BrokerAddress.parse(f"mqtt://{host}:{port}"),
        login=Login(client_id="bridge", username="", password=""),
        topics=(),
        decode=lambda _topic, payload, _retained: payload,
        rests=Rests(gather_s),
        weigh=weigh,
    )
    connection.start()
    async with server, asyncio.timeout(PATIENCE_S):
        reader, writer = await ends.get()
        head = await reader.readexactly(2)
        await reader.readexactly(head[1])
        writer.write(CONNACK)
        try:
            yield connection, reader, writer
        finally:
            await connection.stop()
            writer.close()


async def test_a_message_after_silence_is_read_at_once_and_those_behind_it_are_left_for_company() -> None:
    async with lane(FOR_EVER_S) as (connection, reader, broker):
        broker.write(publish("t", b"first", 1))
        group = await connection.take(10)
        assert [each.message for each in group] == [b"first"]
        broker.write(publish("t", b"second", 2))
        await broker.drain()
        connection.acknowledge(group)
        assert await reader.readexactly(4) == bytes([0x40, 2, 0, 1]), "an acknowledgement waits for nobody"
        assert connection._came_in == 1, "the second was in the socket when we spoke, and is there still"


async def test_what_was_left_for_company_is_read_together_when_the_moment_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with lane(FOR_EVER_S) as (connection, reader, broker):
        broker.write(publish("t", b"first", 1))
        connection.acknowledge(await connection.take(10))
        await reader.readexactly(4)  # said behind the reading: it rests now
        broker.write(publish("t", b"second", 2))
        broker.write(publish("t", b"third", 3))
        await broker.drain()
        together = asyncio.create_task(connection.take(10))
        await asyncio.sleep(0)
        later_s = monotonic() + 2 * FOR_EVER_S
        monkeypatch.setattr("broker_bridge.rests.monotonic", lambda: later_s)
        connection.publish("t", b"", qos=0)  # which wakes the lane
        assert [each.message for each in await together] == [b"second", b"third"]


async def test_what_a_broker_says_besides_messages_begins_no_rest() -> None:
    async with lane(FOR_EVER_S) as (connection, reader, broker):
        connection.publish("t", b"", qos=1)
        said = await reader.read(64)
        broker.write(bytes([0x40, 2]) + said[-2:])
        await broker.drain()
        broker.write(publish("t", b"first", 1))
        assert [each.message for each in await connection.take(10)] == [b"first"]


async def test_no_more_is_read_than_may_wait_however_much_a_message_holds() -> None:
    async with lane(0.0, weigh=lambda _: HIGH_WATER // 2) as (connection, _, broker):
        broker.write(b"".join(publish("t", b"%d" % number, number) for number in range(1, 6)))
        seen: list[bytes] = []
        while len(seen) < 5:
            assert connection._came_in - connection._went_out <= HIGH_WATER
            seen += [each.message for each in await connection.take(HIGH_WATER // 2)]
        assert seen == [b"1", b"2", b"3", b"4", b"5"]


async def test_many_are_told_at_once_and_in_their_order() -> None:
    messages = [(f"devices/{number}/stored", b"x" * number) for number in range(0, 300, 7)]
    async with lane(0.0) as (connection, reader, _):
        nudges: list[None] = []
        nudge = connection._nudge
        connection._nudge = lambda: (nudges.append(None), nudge())[1]  # type: ignore[method-assign]
        connection.tell(messages)
        sent = b"".join([publish(*each) for each in messages])
        assert await reader.readexactly(len(sent)) == sent
        assert len(nudges) == 1


async def test_who_is_told_something_comes_behind_what_waits_before(monkeypatch: pytest.MonkeyPatch) -> None:
    async with lane(0.0) as (connection, reader, _):
        monkeypatch.setattr(connection, "_wrote", lambda *_: False)  # something of paho's waits
        connection.tell([("a", b"1"), ("b", b"2")])
        sent = publish("a", b"1") + publish("b", b"2")
        assert await reader.readexactly(len(sent)) == sent


async def test_a_broker_that_does_not_read_is_heard_all_the_same_and_gets_everything_in_its_order() -> None:
    messages = [(f"devices/{number}/stored", b"x" * 1000) for number in range(5000)]  # more than the network holds
    async with lane(0.0) as (connection, reader, broker):
        connection.tell(messages)
        connection.publish("last", b"", qos=0)
        broker.write(publish("t", b"alarm", 1))
        assert [each.message for each in await connection.take(1)] == [b"alarm"]
        sent = b"".join([publish(*each) for each in [*messages, ("last", b"")]])
        assert await reader.readexactly(len(sent)) == sent


async def test_a_lane_stops_though_the_broker_does_not_read() -> None:
    async with lane(0.0) as (connection, _, broker):
        connection.tell([("devices/d/stored", b"x" * 1000)] * 5000)
        broker.write(publish("t", b"alarm", 1))
        await connection.take(1)
        await connection.stop()
        assert not connection._thread.is_alive()


def test_reports_are_left_for_company_and_alarms_are_not() -> None:
    clock, records = ManualClock(), StoredRecords(MemoryDocuments())
    way = RightOfWay(clock)
    login = Login(client_id="bridge", username="", password="")
    bridge = Bridge(
        records=records,
        telemetry=MemoryTelemetry(clock=clock),
        clock=clock,
        wakeups=Wakeups(),
        right_of_way=way,
        registry=CollectorRegistry(),
        address=BrokerAddress.parse("mqtt://127.0.0.1:1"),
        telemetry_login=login,
        alarm_login=login,
    )
    lanes = bridge._telemetry_lane, bridge._alarm_lane
    assert [each._rests.gather_s for each in lanes] == [GATHER_S, 0.0]
    with way:
        assert [each._rests.holds() for each in lanes] == [True, False], "an alarm waits for no other"
    assert [each._burst for each in lanes] == [READ_AT_ONCE, BURST]
