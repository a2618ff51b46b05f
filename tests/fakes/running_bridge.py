"""A bridge between a real Mosquitto and a real SQLite file, for tests."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from broker_bridge.bridge import Bridge
from broker_bridge.broker_address import BrokerAddress, Login
from isocket.domain.devices import topic_root
from isocket.kit.clock import SystemClock
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.records import StoredRecords
from isocket.storage.sqlite import SqliteStore
from isocket.storage.wakeups import Wakeups
from tests.fakes.broker import Peer, RunningBroker


@dataclass
class RunningBridge:
    """The bridge, and the store behind it."""

    bridge: Bridge
    records: StoredRecords
    store: SqliteStore
    registry: CollectorRegistry
    running: asyncio.Task[None]

    def counted(self, name: str, **labels: str) -> float:
        """Return the value of one of its metrics."""
        return self.registry.get_sample_value(name, labels) or 0.0


@contextlib.asynccontextmanager
async def running_bridge(broker: RunningBroker, path: Path) -> AsyncIterator[RunningBridge]:
    """Run a bridge on the file at `path`."""
    wakeups, clock, registry = Wakeups(), SystemClock(), CollectorRegistry()
    store = await SqliteStore.open(path, wakeups=wakeups)
    records = StoredRecords(store.documents, wakeups)
    await records.prepare()
    telemetry, alarms = broker.telemetry, broker.alarms
    bridge = Bridge(
        records=records,
        telemetry=store.telemetry,
        clock=clock,
        wakeups=wakeups,
        right_of_way=RightOfWay(clock),
        registry=registry,
        address=BrokerAddress(host=broker.host, port=broker.port, tls=False, username=None, password=None),
        telemetry_login=Login(username=telemetry.name, password=telemetry.secret, client_id=telemetry.name),
        alarm_login=Login(username=alarms.name, password=alarms.secret, client_id=alarms.name),
    )
    stop = asyncio.Event()
    running = asyncio.create_task(bridge.run(stop), name="bridge")
    try:
        yield RunningBridge(bridge, records, store, registry, running)
    finally:
        stop.set()
        await running
        await store.close()


async def say(peer: Peer, device_id: str, kind: str, message: dict[str, Any] | list[Any] | bytes) -> str:
    """Publish as a device does; return the broker's answer."""
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return await peer.publish(f"{topic_root(device_id)}/{kind}", payload)
