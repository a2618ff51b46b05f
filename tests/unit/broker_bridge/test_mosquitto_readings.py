"""What Mosquitto survives: accounts read anew, again and again, while sessions wait for their devices."""

from asyncio.subprocess import Process
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from broker_bridge.mosquitto.waiting import devices_in
from isocket.domain.devices import topic_root
from tests.fakes.broker import Peer, RunningBroker, running_broker

DEVICES = {f"dev-{number}": f"secret {number}" for number in range(10)}


@pytest.fixture(autouse=True)
def _what_is_freed_is_spoilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a broker that goes on with freed memory die of it every time, and not by chance."""
    monkeypatch.setenv("MALLOC_PERTURB_", "165")  # read by the C library


async def test_the_broker_outlives_changes_of_accounts_while_sessions_from_its_file_wait(tmp_path: Path) -> None:
    async with running_broker(tmp_path, DEVICES) as broker:
        await _come_and_go(broker, DEVICES)
    async with running_broker(tmp_path, DEVICES) as broker:  # which has read them once to let them in
        process = _process_of(broker)
        for number in range(2):
            await broker.set_devices({**DEVICES, f"new-{number}": "secret"})
        assert await _come_and_go(broker, DEVICES) == set(DEVICES), "a session is lost: the broker was started again"
    assert process.returncode == 0


async def test_the_broker_outlives_new_secrets_of_devices_that_are_away(tmp_path: Path) -> None:
    renewed = {name: f"new {secret}" for name, secret in DEVICES.items()}
    async with running_broker(tmp_path, DEVICES) as broker:
        process = _process_of(broker)
        await _come_and_go(broker, DEVICES)
        await broker.set_devices(renewed)
        assert await _come_and_go(broker, renewed) == set(DEVICES), "a session is lost: the broker was started again"
    assert process.returncode == 0


async def _come_and_go(broker: RunningBroker, devices: Mapping[str, str]) -> set[str]:
    """Let each device in for a moment; return those that found their session again."""
    found = set()
    for name, secret in devices.items():
        async with Peer(broker, name, secret, clean=False) as device:
            assert device.accepted
            await device.subscribe(f"{topic_root(name)}/cmd")
            if device.session_present:
                found.add(name)
    return found


def _process_of(broker: RunningBroker) -> Process:
    assert broker.child._life is not None
    return broker.child._life.process


async def test_what_waits_for_a_device_that_is_awaited_no_longer_ends_with_the_next_start(tmp_path: Path) -> None:
    asked: list[set[str]] = []

    async def awaited(names: Collection[str]) -> Collection[str]:
        asked.append(set(names))
        return {"dev-1"}

    devices = {name: DEVICES[name] for name in ("dev-1", "dev-2", "dev-3")}
    async with running_broker(tmp_path, devices) as broker:
        await _come_and_go(broker, devices)
        async with Peer(broker, broker.telemetry.name, broker.telemetry.secret, clean=False) as bridge:
            for name in devices:
                await bridge.publish(f"{topic_root(name)}/cmd", b"on")
    left = {name: devices[name] for name in ("dev-1", "dev-2")}  # the third is removed while nothing runs
    async with running_broker(tmp_path, left, awaited=awaited) as broker:
        assert asked == [set(devices)]
        assert await _come_and_go(broker, left) == {"dev-1"}
        async with Peer(broker, "dev-3", devices["dev-3"]) as removed:
            assert not removed.accepted
    assert devices_in(tmp_path / "mosquitto.db") == set(left)


async def test_a_broker_without_a_file_has_no_session(tmp_path: Path) -> None:
    assert devices_in(tmp_path / "mosquitto.db") == set()
    (tmp_path / "mosquitto.db").touch()
    assert devices_in(tmp_path / "mosquitto.db") == set()
