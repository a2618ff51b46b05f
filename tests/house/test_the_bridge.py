"""What sockets are promised by the bridge, on a real broker and a real file."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device, topic_root
from isocket.domain.listening import BRIDGE, Listening
from isocket.domain.problems import Problem
from isocket.domain.reports import Report
from isocket.kit.clock import SystemClock
from isocket.storage.port import StoreUnavailableError, is_
from tests.fakes.broker import Peer, RunningBroker, running_broker
from tests.fakes.patience import PATIENCE_S
from tests.fakes.running_bridge import RunningBridge, running_bridge, say

pytestmark = pytest.mark.house
SECRETS = {"d1": "first-secret", "d2": "second-secret"}


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[RunningBroker]:
    async with running_broker(tmp_path / "broker", SECRETS) as running:
        yield running


@pytest.fixture
async def bridge(broker: RunningBroker, tmp_path: Path) -> AsyncIterator[RunningBridge]:
    async with running_bridge(broker, tmp_path / "store.db") as running:
        await eventually(lambda: _true_when(running.bridge.connected))
        yield running


@pytest.fixture
async def d1(broker: RunningBroker, bridge: RunningBridge) -> AsyncIterator[Peer]:
    async with Peer(broker, "d1") as peer:
        await peer.subscribe(f"{topic_root('d1')}/stored")
        await peer.subscribe(f"{topic_root('d1')}/cmd")
        await peer.subscribe(f"{topic_root('d1')}/desired")
        yield peer


async def _true_when(value: bool) -> bool:
    return value


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once `condition` holds: what is waited for happens in other processes, in real time."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - it happens elsewhere
            await asyncio.sleep(0.02)


def confirmations(peer: Peer, device_id: str = "d1") -> list[tuple[int, int]]:
    told = [json.loads(each.payload) for each in peer.heard if each.topic == f"{topic_root(device_id)}/stored"]
    return [(each["boot"], each["seq"]) for each in told]


async def history(bridge: RunningBridge, device_id: str = "d1") -> list[int]:
    series = await bridge.store.telemetry.series(
        device_id, start=datetime(2020, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC), fields=["uptime_s"]
    )
    return series.fields.get("uptime_s", [])


async def test_an_alarm_is_confirmed_at_once(d1: Peer) -> None:
    await say(d1, "d1", "alarm", {"boot": 1, "seq": 1, "cause": "mains_lost", "active": True})
    await d1.until(lambda: confirmations(d1) == [(1, 1)])


async def test_a_batch_is_confirmed_at_once_and_stored_whole(d1: Peer, bridge: RunningBridge) -> None:
    await say(d1, "d1", "state", [{"boot": 1, "seq": n, "uptime_s": n} for n in range(1, 501)])
    await d1.until(lambda: (1, 500) in confirmations(d1))
    assert sorted(await history(bridge)) == list(range(1, 501))


async def test_a_report_that_comes_twice_is_stored_once(d1: Peer, bridge: RunningBridge) -> None:
    for _ in range(3):
        await say(d1, "d1", "state", {"boot": 1, "seq": 1, "uptime_s": 7})
    await say(d1, "d1", "state", [{"boot": 1, "seq": 2, "uptime_s": 8}])
    await d1.until(lambda: (1, 2) in confirmations(d1))
    assert await history(bridge) == [7, 8]
    assert bridge.counted("isocket_reports_repeated_total") == 2


async def test_a_device_is_not_told_that_a_message_is_stored_which_never_came(d1: Peer) -> None:
    await say(d1, "d1", "state", [{"boot": 1, "seq": 1}])
    await d1.until(lambda: confirmations(d1) == [(1, 1)])
    await say(d1, "d1", "alarm", {"boot": 1, "seq": 4, "cause": "test", "active": True})
    await say(d1, "d1", "state", [{"boot": 1, "seq": 2}])
    await d1.until(lambda: (1, 2) in confirmations(d1))
    assert max(confirmations(d1)) == (1, 2)
    await say(d1, "d1", "state", [{"boot": 1, "seq": 3}])
    await d1.until(lambda: (1, 4) in confirmations(d1))


async def test_a_bad_message_is_shown_with_its_field_and_the_next_good_one_is_stored(
    d1: Peer, bridge: RunningBridge
) -> None:
    await say(d1, "d1", "state", b'{"boot":1,"seq":1,"temp_c":[NaN]}')
    await say(d1, "d1", "state", b'{"boot":1,"seq":2,"fw":"' + b"9" * 16 * 1024 + b'"}')
    await say(d1, "d1", "state", b"\xff\xfe")
    await say(d1, "d1", "state", [{"boot": 1, "seq": 3, "uptime_s": 3}])
    await d1.until(lambda: (1, 3) in confirmations(d1))
    problems = await bridge.records.find(Problem, is_("device_id", "d1"), order_by="at")
    assert {problem.field for problem in problems} == {"temp_c.0", None}
    assert len(problems) == 3
    assert await history(bridge) == [3]
    assert bridge.counted("isocket_messages_refused_total", kind="state") == 3


@pytest.mark.parametrize(
    ("kind", "poison"),
    [
        ("reported", b'{"boot":1,"seq":1,"thermostat":{"on_c":1e999}}'),
        ("state", b'{"\\ud800":1,"\\ud800":2}'),
        ("alarm", b'{"\\ud800":1,"\\ud800":2}'),
        ("ack", b'{"id":"a\\u0000b","result":"executed","boot":1,"seq":1}'),
        ("status", b"[[[[[[[["),
    ],
)
async def test_no_message_can_end_the_bridge(d1: Peer, bridge: RunningBridge, kind: str, poison: bytes) -> None:
    await say(d1, "d1", kind, poison)
    await say(d1, "d1", "state", [{"boot": 1, "seq": 2, "uptime_s": 2}])
    await d1.until(lambda: (1, 2) in confirmations(d1))
    assert await history(bridge) == [2]
    assert len(await bridge.records.find(Problem, is_("device_id", "d1"))) == 1


async def test_a_device_that_speaks_under_another_shard_is_refused_and_counted(d1: Peer, bridge: RunningBridge) -> None:
    shard = topic_root("d1").split("/")[2]
    other = f"{(int(shard, 16) + 1) % 64:02x}"
    await d1.publish(f"isocket/v1/{other}/d1/state", b'{"boot":1,"seq":1,"uptime_s":1}')
    await say(d1, "d1", "state", [{"boot": 1, "seq": 2, "uptime_s": 2}])
    await d1.until(lambda: (1, 2) in confirmations(d1))
    assert await history(bridge) == [2]
    assert bridge.counted("isocket_messages_refused_total", kind="foreign_topic") == 1
    problem = (await bridge.records.find(Problem, is_("device_id", "d1")))[0]
    assert shard in problem.reason


async def refused_as_foreign(bridge: RunningBridge, times: int = 1) -> None:
    """Wait until so many were refused; what comes while we subscribe may come twice."""

    async def so_often() -> bool:
        return bridge.counted("isocket_messages_refused_total", kind="foreign_topic") >= times

    await eventually(so_often)


async def heard_what_it_cleared(bridge: RunningBridge) -> None:
    """Wait until the broker has done what the bridge said: a stop may keep it from saying all."""
    await eventually(lambda: _true_when(not any(each._cleared for each in bridge.bridge._intakes)))


async def what_stays(broker: RunningBroker) -> list[str]:
    """Return the topics of everything that is retained for the bridge, which has gone."""
    login, last = broker.telemetry, "isocket/v1/last/look/status"
    async with Peer(broker, login.name, login.secret) as look:
        for kind in ("state", "alarm", "ack", "reported", "status"):
            await look.subscribe(f"isocket/v1/+/+/{kind}")
        await look.publish(last, b"")
        await look.next_heard(last)
        return [each.topic for each in look.heard if each.retained]


async def test_nothing_stays_at_the_broker_below_another_shard(broker: RunningBroker, tmp_path: Path) -> None:
    will = ("isocket/v1/a will/d2/status", b'{"online":false}', 1, True)
    async with running_bridge(broker, tmp_path / "store.db") as bridge:
        async with Peer(broker, "d2", will=will) as d2:
            d2.vanish()
            await refused_as_foreign(bridge)
        async with Peer(broker, "d2") as d2:
            await d2.subscribe(f"{topic_root('d2')}/stored")
            for number in range(300):
                kind = ("state", "alarm", "ack", "reported", "status")[number % 5]
                await d2.publish(f"isocket/v1/{number}/d2/{kind}", b"x" * 1000, retain=True)
            await say(d2, "d2", "state", [{"boot": 1, "seq": 1}])  # each lane keeps its order: what came before is done
            await say(d2, "d2", "alarm", {"boot": 1, "seq": 2, "cause": "test", "active": True})
            await d2.until(lambda: (1, 2) in confirmations(d2, "d2"))
        await refused_as_foreign(bridge, 301)
        await heard_what_it_cleared(bridge)
    assert await what_stays(broker) == []


async def test_what_was_left_below_another_shard_while_nobody_listened_is_cleared(
    broker: RunningBroker, tmp_path: Path
) -> None:
    own = f"{topic_root('d2')}/status"
    async with Peer(broker, "d2") as d2:
        await d2.publish("isocket/v1/99/d2/alarm", b"x", qos=0, retain=True)  # which no session keeps
        await d2.publish(own, b'{"online":true}', retain=True)
    async with running_bridge(broker, tmp_path / "store.db") as bridge:
        await refused_as_foreign(bridge)
        async with Peer(broker, "d2") as d2:
            await d2.publish("isocket/v1/98/d2/alarm", b"")  # says nothing, and is not ours all the same
            await d2.publish("isocket/v1/99/d2/alarm", b"anew")
        await refused_as_foreign(bridge, 3)
        await heard_what_it_cleared(bridge)
        assert bridge.counted("isocket_messages_refused_total", kind="foreign_topic") == 3  # our own silence is none
    assert await what_stays(broker) == [own]


@pytest.mark.clause("C7-06")
async def test_a_report_that_was_left_at_the_broker_to_stay_does_not_outlive_what_its_owner_had_erased(
    broker: RunningBroker, tmp_path: Path
) -> None:
    async with running_bridge(broker, tmp_path / "store.db") as bridge, Peer(broker, "d1") as d1:
        await d1.subscribe(f"{topic_root('d1')}/stored")
        await say(d1, "d1", "state", [{"boot": 1, "seq": 1, "uptime_s": 6}])
        await d1.until(lambda: (1, 1) in confirmations(d1))  # now we have subscribed
        kept = json.dumps([{"boot": 1, "seq": 2, "uptime_s": 7}]).encode()
        await d1.publish(f"{topic_root('d1')}/state", kept, retain=True)
        await d1.until(lambda: (1, 2) in confirmations(d1))
        assert await history(bridge) == [6, 7]
        await bridge.store.telemetry.forget("d1")
    async with running_bridge(broker, tmp_path / "store.db") as bridge:

        async def refused() -> bool:
            return bridge.counted("isocket_messages_refused_total", kind="state") == 1

        await eventually(refused)
        async with Peer(broker, "d1") as d1:
            await d1.subscribe(f"{topic_root('d1')}/stored")
            await say(d1, "d1", "state", [{"boot": 1, "seq": 3, "uptime_s": 8}])
            await d1.until(lambda: (1, 3) in confirmations(d1))
        await heard_what_it_cleared(bridge)
        assert await history(bridge) == [8]
        (problem,) = await bridge.records.find(Problem, is_("device_id", "d1"))
        assert "retain" in problem.reason
    assert await what_stays(broker) == []


async def test_a_command_reaches_its_socket_and_its_answer_comes_back(d1: Peer, bridge: RunningBridge) -> None:
    await bridge.records.add(_command("cmd_1", expires_in_s=60))
    heard = await d1.next_heard(f"{topic_root('d1')}/cmd")
    assert not heard.retained
    assert json.loads(heard.payload)["name"] == "on"
    await say(d1, "d1", "ack", {"id": "cmd_1", "result": "executed", "boot": 1, "seq": 1})
    await eventually(lambda: _has_status(bridge, "cmd_1", CommandStatus.EXECUTED))


async def test_an_expired_command_is_never_sent(d1: Peer, bridge: RunningBridge) -> None:
    await bridge.records.add(_command("cmd_1", expires_in_s=-1))
    await eventually(lambda: _has_status(bridge, "cmd_1", CommandStatus.EXPIRED))
    assert not [each for each in d1.heard if each.topic.endswith("/cmd")]


async def test_nobody_else_can_answer_a_command(broker: RunningBroker, bridge: RunningBridge, d1: Peer) -> None:
    await bridge.records.add(_command("cmd_1", expires_in_s=60))
    await d1.next_heard(f"{topic_root('d1')}/cmd")
    async with Peer(broker, "d2") as d2:
        await d2.subscribe(f"{topic_root('d2')}/stored")
        await say(d2, "d2", "ack", {"id": "cmd_1", "result": "executed", "boot": 1, "seq": 1})
        await say(d2, "d2", "state", [{"boot": 1, "seq": 2}])
        await d2.until(lambda: (1, 2) in confirmations(d2, "d2"))
    assert await _has_status(bridge, "cmd_1", CommandStatus.SENT)


async def test_wanted_settings_are_published_retained(d1: Peer, bridge: RunningBridge) -> None:
    await bridge.records.add(_device(desired={"mains_delay_s": 3}, desired_version=2, desired_pending=True))
    heard = await d1.next_heard(f"{topic_root('d1')}/desired")
    assert json.loads(heard.payload) == {"version": 2, "mains_delay_s": 3}
    await say(d1, "d1", "reported", {"boot": 1, "seq": 5, "version": 2, "mains_delay_s": 3})
    await eventually(lambda: _reported(bridge, {"version": 2, "mains_delay_s": 3}))
    await say(d1, "d1", "reported", {"boot": 1, "seq": 4, "version": 1, "mains_delay_s": 9})
    await say(d1, "d1", "state", [{"boot": 1, "seq": 6}])
    await d1.until(lambda: (1, 6) in confirmations(d1))
    assert await _reported(bridge, {"version": 2, "mains_delay_s": 3})


async def test_wanted_settings_outlive_the_broker(broker: RunningBroker, bridge: RunningBridge) -> None:
    await bridge.records.add(_device(desired={"mains_delay_s": 3}, desired_version=2, desired_pending=True))
    await eventually(lambda: _nothing_pending(bridge))
    broker.kill()
    await eventually(lambda: _true_when(not bridge.bridge.connected))
    await eventually(lambda: _true_when(bridge.bridge.connected))
    await eventually(lambda: _connects(broker))
    async with Peer(broker, "d1") as peer:
        await peer.subscribe(f"{topic_root('d1')}/desired")
        heard = await peer.next_heard(f"{topic_root('d1')}/desired")
        assert json.loads(heard.payload)["version"] == 2


async def test_a_last_will_shows_a_device_offline_and_traffic_shows_it_online(
    broker: RunningBroker, bridge: RunningBridge
) -> None:
    will = (f"{topic_root('d2')}/status", b'{"online": false}', 1, True)
    async with Peer(broker, "d2", will=will) as d2:
        await d2.publish(f"{topic_root('d2')}/status", b'{"online": true}', retain=True)
        await eventually(lambda: _online(bridge, online=True))
        d2.vanish()
        await eventually(lambda: _online(bridge, online=False))
    async with Peer(broker, "d2") as d2:
        await say(d2, "d2", "state", {"boot": 1, "seq": 1})
        await eventually(lambda: _online(bridge, online=True))


async def test_a_broker_that_goes_away_and_returns_costs_nothing(broker: RunningBroker, bridge: RunningBridge) -> None:
    """A device repeats what was not confirmed; in between the broker is killed again and again."""
    confirmed: set[int] = set()
    for round_number in range(3):
        async with Peer(broker, "d1") as peer:
            await peer.subscribe(f"{topic_root('d1')}/stored")
            upto = max(confirmed, default=0)
            wanted = range(upto + 1, 40 * (round_number + 1) + 1)
            for n in wanted:
                await say(peer, "d1", "state", [{"boot": 1, "seq": n, "uptime_s": n}])
            await eventually(lambda: _true_when(bool(confirmations(peer))))  # we come back with jitter
            confirmed.update(seq for _, seq in confirmations(peer))
            if round_number < 2:
                broker.kill()
                await eventually(lambda: _true_when(peer.lost.is_set()))
        await eventually(lambda: _connects(broker))
    async with Peer(broker, "d1") as peer:
        await peer.subscribe(f"{topic_root('d1')}/stored")
        last = 121
        await say(peer, "d1", "state", [{"boot": 1, "seq": n, "uptime_s": n} for n in range(1, last + 1)])
        await eventually(lambda: _true_when((1, last) in confirmations(peer)))
    stored = await history(bridge)
    assert sorted(stored) == list(range(1, last + 1)), "each is stored exactly once"


async def _connects(broker: RunningBroker) -> bool:
    """Tell whether devices are let in: a broker that comes back first takes up the bridge's sessions."""
    with contextlib.suppress(OSError, TimeoutError):
        async with Peer(broker, "d1") as peer:
            return peer.accepted
    return False


def _command(command_id: str, *, expires_in_s: float) -> Command:
    now = datetime.fromtimestamp(round(datetime.now(UTC).timestamp()), UTC)  # noqa: TID251 - a real broker, real time
    return Command(
        id=command_id,
        device_id="d1",
        account_id="acc_1",
        name="on",
        created_at=now,
        expires_at=now + timedelta(seconds=expires_in_s),
    )


def _device(**more: Any) -> Device:
    made_at = datetime(2026, 1, 1, tzinfo=UTC)
    return Device(id="d1", model="isocket-3g", secret_hash="", claim_hash="", provisioned_at=made_at, **more)


async def _nothing_pending(bridge: RunningBridge) -> bool:
    device = await bridge.records.get(Device, "d1")
    return device is not None and not device.desired_pending


async def _has_status(bridge: RunningBridge, command_id: str, status: CommandStatus) -> bool:
    command = await bridge.records.get(Command, command_id)
    return command is not None and command.status is status


async def _reported(bridge: RunningBridge, settings: dict[str, object]) -> bool:
    device = await bridge.records.get(Device, "d1")
    return device is not None and device.reported == settings


async def _online(bridge: RunningBridge, *, online: bool) -> bool:
    state = (await bridge.store.telemetry.latest(["d2"])).get("d2")
    return state is not None and state.online is online


async def test_while_the_store_does_not_take_reports_the_bridge_does_not_count_as_listening(
    bridge: RunningBridge, d1: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[datetime] = []

    async def no_room(_: Sequence[Report]) -> list[bool]:
        refused.append(SystemClock().now())
        raise StoreUnavailableError("no room")

    async def since() -> datetime:
        known = await bridge.records.get(Listening, BRIDGE)
        return datetime.min.replace(tzinfo=UTC) if known is None else known.since

    with monkeypatch.context() as patch:
        patch.setattr(bridge.store.telemetry, "store", no_room)
        await say(d1, "d1", "state", {"boot": 1, "seq": 1})
        await eventually(lambda: _true_when(len(refused) > 3))
    await eventually(lambda: _true_when((1, 1) in confirmations(d1)))
    await eventually(lambda: _is_later(since, refused[-1]))


async def test_a_bridge_that_was_taken_for_one_that_stands_still_leaves_the_sessions_to_the_next(
    bridge: RunningBridge,
) -> None:
    async def another_says_that_it_hears() -> bool:
        now = SystemClock().now()
        return await bridge.records.change_one(Listening, is_("id", BRIDGE), since=now, until=now) is not None

    await eventually(another_says_that_it_hears)
    async with asyncio.timeout(PATIENCE_S):
        await bridge.running
    assert not bridge.bridge.connected


async def _is_later(ask: Callable[[], Awaitable[datetime]], than: datetime) -> bool:
    return await ask() > than
