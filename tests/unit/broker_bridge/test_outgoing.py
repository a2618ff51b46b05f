"""However many commands and settings wait, they are written a page at a time: alarms wait for the same writer."""

import json
from datetime import timedelta
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from broker_bridge.bridge import Bridge
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.metrics import BridgeMetrics
from broker_bridge.outgoing import Outgoing
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.kit.clock import to_ms
from isocket.kit.right_of_way import RightOfWay
from isocket.storage import port
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import StoreUnavailableError, is_
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.clock import ManualClock

PAGE, MANY = 3, 10


class Floor:
    """A store that counts how much is changed at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock()
        self.records = StoredRecords(MemoryDocuments())
        self.outgoing = Outgoing(
            records=self.records,
            connection=cast(Any, None),
            clock=self.clock,
            metrics=BridgeMetrics(CollectorRegistry()),
        )
        self.at_once: list[int] = []
        change_all = self.records.change_all

        async def counted(*asked: Any, **changes: Any) -> int:
            self.at_once.append(await change_all(*asked, **changes))
            return self.at_once[-1]

        monkeypatch.setattr(self.records, "change_all", counted)
        monkeypatch.setattr(port, "PAGE", PAGE)

    async def commands(self, status: CommandStatus) -> None:
        now = self.clock.now()
        await self.records.add_all(
            [
                Command(
                    id=f"{status}{number}", device_id=f"is{number}", account_id="acc_1", name="on", status=status,
                    created_at=now, expires_at=now + timedelta(seconds=60),
                )
                for number in range(MANY)
            ]
        )  # fmt: skip


@pytest.fixture
def floor(monkeypatch: pytest.MonkeyPatch) -> Floor:
    return Floor(monkeypatch)


async def test_commands_that_nobody_answered_end_a_page_at_a_time(floor: Floor) -> None:
    await floor.commands(CommandStatus.QUEUED)
    await floor.commands(CommandStatus.SENT)
    await floor.clock.advance(60)
    await floor.outgoing.expire_commands()
    assert {each.status for each in await floor.records.find(Command)} == {CommandStatus.EXPIRED}
    assert max(floor.at_once) == PAGE


async def test_what_stands_is_published_again_a_page_at_a_time(floor: Floor) -> None:
    await floor.commands(CommandStatus.SENT)
    now = floor.clock.now()
    await floor.records.add_all(
        [
            Device(
                id=f"is{number}", model="isocket-4g", secret_hash="", claim_hash="", provisioned_at=now,
                desired_version=number, desired_pending=False,
            )
            for number in range(MANY)
        ]
    )  # fmt: skip
    await floor.outgoing.publish_all_again()
    assert {each.status for each in await floor.records.find(Command)} == {CommandStatus.QUEUED}
    assert [each.id for each in await floor.records.find(Device) if not each.desired_pending] == ["is0"]
    assert max(floor.at_once) == PAGE


async def test_what_was_sent_first_waits_first_while_it_is_queued_again_a_page_at_a_time(floor: Floor) -> None:
    begin = floor.clock.now()
    await floor.records.add_all(
        [
            Command(
                id=f"cmd{MANY - number}", device_id="is1", account_id="acc_1", name="on" if number % 2 else "off",
                status=CommandStatus.SENT, created_at=begin + timedelta(seconds=number),
                expires_at=begin + timedelta(seconds=60),
            )
            for number in range(MANY)
        ]
    )  # fmt: skip
    change_all, waiting = floor.records.change_all, list[str]()

    async def seen(*asked: Any, **changes: Any) -> int:
        changed = await change_all(*asked, **changes)
        queued = await floor.records.find(Command, is_("status", CommandStatus.QUEUED), order_by="created_at")
        waiting[:] = [*waiting, *(each.id for each in queued if each.id not in waiting)]
        return changed

    floor.records.change_all = seen  # type: ignore[method-assign]
    await floor.outgoing.publish_all_again()
    assert waiting == [each.id for each in await floor.records.find(Command, order_by="created_at")]


class Broker:
    """A connection that keeps what is published."""

    def __init__(self, *, connected: bool = True) -> None:
        self.connected = connected
        self.said: list[tuple[str, dict[str, Any], bool]] = []

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        assert qos == 1
        self.said.append((topic.rsplit("/", 1)[1], json.loads(payload), retain))


async def test_commands_go_out_in_the_order_in_which_they_were_asked_for_and_once(floor: Floor) -> None:
    begin = floor.clock.now()
    for number in range(3):
        asked = begin + timedelta(seconds=number)
        await floor.records.add(
            Command(
                id=f"cmd{9 - number}", device_id="is1", account_id="acc_1", name="on_for", args={"seconds": number},
                created_at=asked, expires_at=asked + timedelta(seconds=30),
            )
        )  # fmt: skip
    broker = floor.outgoing._connection = cast(Any, Broker())
    while await floor.outgoing.send_command():
        pass
    until = [to_ms(begin) + 30_000 + number * 1000 for number in range(3)]
    assert broker.said == [
        (
            "cmd",
            {"id": f"cmd{9 - number}", "name": "on_for", "args": {"seconds": number}, "expires": until[number]},
            False,
        )
        for number in range(3)
    ]
    assert {each.status for each in await floor.records.find(Command)} == {CommandStatus.SENT}


async def test_a_command_whose_time_is_over_is_never_sent_nor_any_while_there_is_no_connection(floor: Floor) -> None:
    await floor.commands(CommandStatus.QUEUED)
    floor.outgoing._connection = cast(Any, Broker(connected=False))
    assert not await floor.outgoing.send_command()
    broker = floor.outgoing._connection = cast(Any, Broker())
    await floor.clock.advance(59)
    assert await floor.outgoing.send_command()
    assert len(broker.said) == 1
    await floor.clock.advance(1)
    for _ in range(MANY - 1):
        assert await floor.outgoing.send_command(), "there was one, and there may be more"
    assert not await floor.outgoing.send_command()
    assert len(broker.said) == 1
    expired = [each for each in await floor.records.find(Command) if each.status is CommandStatus.EXPIRED]
    assert [each.ended_at for each in expired] == [floor.clock.now()] * (MANY - 1)


async def test_settings_that_were_changed_while_the_ones_before_went_out_go_out_as_well(floor: Floor) -> None:
    now = floor.clock.now()
    device = Device(
        id="is1", model="isocket-4g", secret_hash="", claim_hash="", provisioned_at=now, desired_version=1,
        desired={"mains_delay_s": 10, "credit": {"low": 5}}, desired_pending=True,
    )  # fmt: skip
    await floor.records.add(device)
    find = floor.records.find

    async def found_and_then_changed(*asked: Any, **how: Any) -> list[Any]:
        found = await find(*asked, **how)
        floor.records.find = find  # type: ignore[method-assign]
        wanted = {"mains_delay_s": 20}
        await floor.records.change_one(
            Device, is_("id", "is1"), desired=wanted, desired_version=2, desired_pending=True
        )
        return found

    floor.records.find = found_and_then_changed  # type: ignore[assignment, method-assign]
    broker = floor.outgoing._connection = cast(Any, Broker())
    assert await floor.outgoing.publish_desired()
    assert await floor.outgoing.publish_desired()
    assert not await floor.outgoing.publish_desired()
    assert [payload for _, payload, _ in broker.said] == [
        {"version": 1, "mains_delay_s": 10},
        {"version": 2, "mains_delay_s": 20},
    ]
    assert all(retained for _, _, retained in broker.said)


@pytest.mark.parametrize("how", ["came anew meanwhile", "the store was away"])
async def test_what_stands_is_published_once_more(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, wakeups = ManualClock(), Wakeups()
    login = Login(username="u", password="p", client_id="u")
    bridge = Bridge(
        records=StoredRecords(MemoryDocuments(), wakeups),
        telemetry=MemoryTelemetry(wakeups=wakeups, clock=clock),
        clock=clock,
        wakeups=wakeups,
        right_of_way=RightOfWay(clock),
        registry=CollectorRegistry(),
        address=BrokerAddress(host="127.0.0.1", port=1, tls=False, username=None, password=None),
        telemetry_login=login,
        alarm_login=login,
    )
    times = 0

    async def again() -> None:
        nonlocal times
        times += 1
        if times == 1 and how == "the store was away":
            raise StoreUnavailableError("not now")
        if times == 1:
            bridge._connected()

    bridge._connected()
    monkeypatch.setattr(bridge._outgoing, "publish_all_again", again)
    for _ in range(3):
        try:
            await bridge._every_second()
        except StoreUnavailableError:
            assert how == "the store was away"
    assert times == 2
