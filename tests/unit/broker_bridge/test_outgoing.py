"""However many commands and settings wait, they are written a page at a time: alarms wait for the same writer."""

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
