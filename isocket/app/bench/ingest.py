"""How many reports a second are stored durably and acknowledged, and how many the client library could receive."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from time import process_time, time
from typing import Annotated, Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from typer import Option

from broker_bridge import topics
from broker_bridge.mosquitto.accounts import BRIDGE_TELEMETRY
from isocket.app.bench.children import let_go, publisher
from isocket.app.bench.figures import machine
from isocket.app.bench.stage import HERE, LOAD_DEVICES, Cloud, Folder, cloud, quiet_devices, temporary_folder
from isocket.app.roles import Role
from isocket.app.typed import whole

LOOK_EVERY_S = 0.05
MOST_REPORTS = 150_000  # the broker keeps no more for a session, and drops the rest
PATIENCE_S = 30.0
SUBSCRIBED_S = 0.5  # until the broker knows what we want


def ingest(
    reports: Annotated[int, Option(**whole(1, MOST_REPORTS))] = 120_000,
    rate: Annotated[int, Option(**whole(1, 100_000))] = 10_000,
    seconds: Annotated[int, Option(**whole(1, 3600))] = 20,
    folder: Folder = HERE,
) -> None:
    """Store `reports` of 200 bytes as fast as they go, then `rate` a second for `seconds`. Needs Mosquitto."""
    print(json.dumps(asyncio.run(_ingest(reports, rate, seconds, folder)), indent=2))


async def _ingest(reports: int, rate: int, seconds: int, parent: Path) -> dict[str, Any]:
    """Measure in turn: the library with an empty handler, the bridge, the library again, and the bridge at a rate."""
    figures: dict[str, Any] = {"bench": "ingest", "machine": machine(), "report_bytes": 200, "devices": LOAD_DEVICES}
    async with temporary_folder(parent) as folder:
        async with cloud(folder / "empty", devices=LOAD_DEVICES, wanted=(Role.BROKER,)) as running:
            figures["empty_handler_before"] = await _empty(running, reports, boot=1)
        async with cloud(folder / "stored", devices=LOAD_DEVICES, wanted=(Role.BROKER, Role.BRIDGE)) as running:
            figures["stored"] = await _stored(running, reports, rate=0)
        async with cloud(folder / "again", devices=LOAD_DEVICES, wanted=(Role.BROKER,)) as running:
            figures["empty_handler_after"] = await _empty(running, reports, boot=2)
        async with cloud(folder / "rate", devices=LOAD_DEVICES, wanted=(Role.BROKER, Role.BRIDGE)) as running:
            figures[f"at_{rate}_per_s"] = await _stored(running, rate * seconds, rate=rate)
    empty = (figures["empty_handler_before"]["per_s"] + figures["empty_handler_after"]["per_s"]) / 2
    figures["share_of_empty_handler"] = round(figures["stored"]["per_s"] / empty, 3)
    return figures


async def _stored(running: Cloud, count: int, *, rate: int) -> dict[str, Any]:
    """Publish with the whole way behind it, until every report is on disk."""
    await quiet_devices(running)
    load = await publisher(running.job("state", running.devices, rate=rate, count=count))
    began, busy = time(), process_time()
    publishing = asyncio.create_task(let_go(load))
    await _reached(lambda: _count(running), count, publishing)
    ended, busy = time(), process_time() - busy
    stored, report = _count(running), await publishing
    return {
        "published": report["published"],
        "acknowledged_by_broker": report["acknowledged"],
        "stored": stored,
        "published_in_s": round(report["ended"] - report["began"], 2),
        "last_stored_after_last_published_s": round(ended - report["ended"], 2),
        "per_s": round(stored / (ended - began)),
        "processor_us_per_report": round(busy / stored * 1e6, 1),
    }


async def _reached(counted: Callable[[], int], count: int, publishing: asyncio.Task[Any]) -> None:
    """Return when so many are there, or when no more come long after the last was published."""
    deadline: float | None = None
    while counted() < count and (deadline is None or time() < deadline):
        if deadline is None and publishing.done():
            deadline = time() + PATIENCE_S
        await asyncio.sleep(LOOK_EVERY_S)


def _count(running: Cloud) -> int:
    """Return how many reports are stored; only this counter is read, or the looking would cost what it measures."""
    counter = running.house.registry.restricted_registry(["isocket_reports_stored_total"])
    return sum(
        round(sample.value) for metric in counter.collect() for sample in metric.samples if "total" in sample.name
    )


async def _empty(running: Cloud, count: int, *, boot: int) -> dict[str, Any]:
    """Receive the same stream by the same library with a handler that only acknowledges."""
    seen = 0

    def on_message(client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        nonlocal seen
        seen += 1
        client.ack(message.mid, 1)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=BRIDGE_TELEMETRY, clean_session=False, manual_ack=True)
    _, login, _ = running.roles.broker_logins()
    client.username_pw_set(login.username, login.password)
    client.max_inflight_messages_set(1000)
    client.on_message = on_message
    client.connect(running.settings.mqtt.host, running.settings.mqtt.port)
    client.subscribe(topics.every(topics.UpKind.STATE), 1)
    client.loop_start()
    load = await publisher(running.job("state", running.devices, rate=0, count=count, boot=boot))
    await asyncio.sleep(SUBSCRIBED_S)
    began, busy = time(), process_time()
    publishing = asyncio.create_task(let_go(load))
    await _reached(lambda: seen, count, publishing)
    took, busy = time() - began, process_time() - busy
    await publishing
    client.disconnect()
    await asyncio.to_thread(client.loop_stop)
    return {
        "received": seen,
        "seconds": round(took, 2),
        "per_s": round(seen / took),
        "processor_us_per_report": round(busy / seen * 1e6, 1),
    }
