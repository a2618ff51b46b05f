"""The bridge dies before and after each verb of its stores; the next one finishes what it had begun."""

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from broker_bridge.answers import Answers
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.confirmations import Confirmations
from broker_bridge.connection import Arrived, Connection
from broker_bridge.counting_anew import CountingAnew
from broker_bridge.intake import Decoder, Intake, Message
from broker_bridge.metrics import BridgeMetrics
from broker_bridge.outgoing import LEASE_S, Outgoing
from broker_bridge.problem_log import ProblemLog
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device, topic_root
from isocket.domain.problems import Problem
from isocket.domain.reports import STARTS_OF_A_COUNT as ANEW
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.records import StoredRecords
from tests.fakes.broker import Peer, running_broker
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.patience import until

WHENEVER = {"start": datetime(2020, 1, 1, tzinfo=UTC), "end": datetime(2100, 1, 1, tzinfo=UTC)}


@dataclass
class World:
    """What outlives a process."""

    clock: ManualClock = field(default_factory=ManualClock)
    records: StoredRecords = field(default_factory=lambda: StoredRecords(MemoryDocuments()))
    telemetry: MemoryTelemetry = field(default_factory=MemoryTelemetry)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[tuple[Connection[Message], Peer]]:
    """A bridge's session at a real broker, and the socket d1 that listens."""
    async with running_broker(tmp_path, {"d1": "secret"}) as broker:
        connection: Connection[Message] = Connection(
            name="alarms",
            address=BrokerAddress(host=broker.host, port=broker.port, tls=False, username=None, password=None),
            login=Login(username=broker.alarms.name, password=broker.alarms.secret, client_id=broker.alarms.name),
            topics=[],
            decode=Decoder(ManualClock()),
        )
        connection.start()
        await until(lambda: connection.connected)
        async with Peer(broker, "d1") as peer:
            await peer.subscribe(f"{topic_root('d1')}/cmd")
            await peer.subscribe(f"{topic_root('d1')}/desired")
            yield connection, peer
        await connection.stop()


async def test_a_command_is_published_and_marked_whatever_dies(line: tuple[Connection[Message], Peer]) -> None:
    connection, peer = line

    async def build() -> World:
        world = World()
        await world.records.prepare()
        await world.records.add(_command(status=CommandStatus.QUEUED))
        return world

    async def run(world: World, fuse: Fuse) -> None:
        outgoing = Outgoing(
            records=DyingRecords(world.records, fuse),
            connection=connection,
            clock=world.clock,
            metrics=BridgeMetrics(CollectorRegistry()),
        )
        await world.clock.advance(LEASE_S + 1)
        while await outgoing.send_command():
            pass

    async def check(world: World) -> None:
        command = await world.records.get(Command, "cmd_1")
        assert command is not None
        assert command.status is CommandStatus.SENT
        await peer.next_heard(f"{topic_root('d1')}/cmd")
        assert all(json.loads(each.payload)["id"] == "cmd_1" for each in peer.heard), "one id, carried out once"

    assert await every_crash_point(build, run, check) >= 4


async def test_wanted_settings_are_published_whatever_dies(line: tuple[Connection[Message], Peer]) -> None:
    connection, peer = line

    async def build() -> World:
        world = World()
        await world.records.prepare()
        await world.records.add(_device(desired={"mains_delay_s": 3}, desired_version=2, desired_pending=True))
        return world

    async def run(world: World, fuse: Fuse) -> None:
        outgoing = Outgoing(
            records=DyingRecords(world.records, fuse),
            connection=connection,
            clock=world.clock,
            metrics=BridgeMetrics(CollectorRegistry()),
        )
        while await outgoing.publish_desired():
            pass

    async def check(world: World) -> None:
        device = await world.records.get(Device, "d1")
        assert device is not None
        assert not device.desired_pending
        heard = await peer.next_heard(f"{topic_root('d1')}/desired")
        assert json.loads(heard.payload) == {"version": 2, "mains_delay_s": 3}

    assert await every_crash_point(build, run, check) >= 4


async def test_expired_commands_end_whatever_dies(line: tuple[Connection[Message], Peer]) -> None:
    connection, _ = line

    async def build() -> World:
        world = World()
        await world.records.prepare()
        await world.records.add_all(
            [_command(status=CommandStatus.QUEUED), _command("cmd_2", status=CommandStatus.SENT)]
        )
        await world.clock.advance(7200)
        return world

    async def run(world: World, fuse: Fuse) -> None:
        outgoing = Outgoing(
            records=DyingRecords(world.records, fuse),
            connection=connection,
            clock=world.clock,
            metrics=BridgeMetrics(CollectorRegistry()),
        )
        await outgoing.expire_commands()

    async def check(world: World) -> None:
        assert {each.status for each in await world.records.find(Command)} == {CommandStatus.EXPIRED}

    assert await every_crash_point(build, run, check) >= 4


async def test_a_group_of_messages_is_stored_once_whatever_dies(line: tuple[Connection[Message], Peer]) -> None:
    connection, _ = line
    said = [
        ("state", b'{"boot":1,"seq":1,"uptime_s":1}'),
        ("state", b'{"boot":1,"seq":2,"uptime_s":2,"news":1}'),
        ("state", b'{"boot":1,"seq":3,"mains":7}'),
        ("ack", b'{"id":"cmd_1","result":"executed","boot":1,"seq":4}'),
        ("reported", b'{"version":2,"mains_delay_s":3,"boot":1,"seq":5}'),
        ("status", b'{"online":true}'),
        ("state", b'{"boot":1,"seq":1,"uptime_s":1}'),
    ]

    async def build() -> World:
        world = World()
        await world.records.prepare()
        await world.records.add_all([_command(status=CommandStatus.SENT), _device()])
        return world

    async def run(world: World, fuse: Fuse) -> None:
        await _intake(connection, world, fuse).handle(_arrived(world, said))

    async def check(world: World) -> None:
        series = await world.telemetry.series("d1", **WHENEVER, fields=["uptime_s"])
        assert series.fields["uptime_s"] == [1, 2]
        command = await world.records.get(Command, "cmd_1")
        assert command is not None
        assert command.status is CommandStatus.EXECUTED
        device = await world.records.get(Device, "d1")
        assert device is not None
        assert device.reported == {"version": 2, "mains_delay_s": 3}
        assert [each.field for each in await world.records.find(Problem)] == ["mains"]
        assert (await world.telemetry.latest(["d1"]))["d1"].online

    assert await every_crash_point(build, run, check) >= 10


async def test_a_socket_that_counts_anew_is_heard_once_whatever_dies(line: tuple[Connection[Message], Peer]) -> None:
    connection, _ = line

    async def build() -> World:
        world = World()
        await world.records.prepare()
        await _intake(connection, world).handle(_arrived(world, [("state", _said(world, 50, 7))]))
        await world.telemetry.note_confirmed({"d1": (50, 7)})
        await world.clock.advance(120)
        return world

    async def run(world: World, fuse: Fuse) -> None:
        said = [("alarm", _said(world, 1, 2, cause="mains_lost", active=True)), ("state", _said(world, 1, 3))]
        await _intake(connection, world, fuse).handle(_arrived(world, said))

    async def check(world: World) -> None:
        stored = await world.telemetry.arrivals("d1", **WHENEVER)
        assert [each[:2] for each in stored] == [(50, 7), (ANEW + 1, 2), (ANEW + 1, 3)]
        assert [each.field for each in await world.records.find(Problem)] == ["boot"]

    assert await every_crash_point(build, run, check) >= 10


def _intake(connection: Connection[Message], world: World, fuse: Fuse | None = None) -> Intake:
    fuse = fuse or Fuse()
    records, telemetry = DyingRecords(world.records, fuse), DyingTelemetry(world.telemetry, fuse)
    problems, confirmations = ProblemLog(records), Confirmations()
    return Intake(
        connection=connection,
        telemetry=telemetry,
        clock=world.clock,
        answers=Answers(records, world.clock),
        problems=problems,
        confirmations=confirmations,
        counting_anew=CountingAnew(telemetry, confirmations, problems),
        confirm=lambda: None,
        drained=lambda _: None,
        in_order=True,
        metrics=BridgeMetrics(CollectorRegistry()),
        right_of_way=RightOfWay(world.clock),
    )


def _said(world: World, boot: int, seq: int, **fields: Any) -> bytes:
    return json.dumps({"boot": boot, "seq": seq, "ts": world.clock.now_ms(), **fields}).encode()


def _arrived(world: World, said: Iterable[tuple[str, bytes]]) -> list[Arrived[Message]]:
    decode = Decoder(world.clock)
    return [
        Arrived(1, number + 1, decode(f"{topic_root('d1')}/{kind}", payload, False))
        for number, (kind, payload) in enumerate(said)
    ]


def _command(command_id: str = "cmd_1", *, status: CommandStatus) -> Command:
    return Command(
        id=command_id,
        device_id="d1",
        account_id="acc_1",
        name="on",
        status=status,
        created_at=NOON,
        expires_at=NOON + timedelta(hours=1),
    )


def _device(**more: Any) -> Device:
    base = Device(id="d1", model="isocket-3g", secret_hash="", claim_hash="", provisioned_at=NOON)
    return replace(base, **more)
