"""How long from a socket's alarm to the request at the SMS provider, with everything durable in between."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import aiohttp
from typer import Option

from isocket.app.bench.children import Child, let_go, publish, publisher, pulse
from isocket.app.bench.figures import DiskProbe, machine, percentiles
from isocket.app.bench.stage import (
    HERE,
    LOAD_DEVICES,
    Cloud,
    Folder,
    cloud,
    give_people,
    phone_of,
    quiet_devices,
    temporary_folder,
)
from isocket.app.roles import Role
from isocket.app.typed import decimal, whole

PROBE_EVERY_S = 0.25  # seldom: a synchronised write beside an alarm holds that alarm up
PROBES_AFTER = 200  # and often, as soon as the last alarm is there
PROBE_AFTER_EVERY_S = 0.02
SETTLE_S = 1.0


def alarm(
    alarms: Annotated[int, Option(**whole(1, 99_999))] = 2000,
    rate: Annotated[float, Option(**decimal(0.1, 1000))] = 50.0,
    reports_per_s: Annotated[int, Option(**whole(1, 100_000))] = 2000,
    backlog: Annotated[int, Option(**whole(0, 150_000))] = 50_000,
    folder: Folder = HERE,
) -> None:
    """Send `alarms` at `rate` a second: alone, beside `reports_per_s` reports, and behind a `backlog` of reports."""
    print(json.dumps(asyncio.run(_alarm(alarms, rate, reports_per_s, backlog, folder)), indent=2))


async def _alarm(alarms: int, rate: float, reports_per_s: int, backlog: int, parent: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"bench": "alarm", "machine": machine(), "alarms": alarms, "alarms_per_s": rate}
    async with temporary_folder(parent) as folder:
        async with cloud_with_people(folder / "idle", alarms) as (running, sink):
            figures["idle"] = await measure(running, sink, alarms, rate)
        async with cloud_with_people(folder / "busy", alarms) as (running, sink):
            seconds = alarms / rate + 2
            beside = running.job(
                "state", running.devices[alarms:], rate=reports_per_s, count=round(reports_per_s * seconds)
            )
            load = await publisher(beside)
            load.tell("go")
            await asyncio.sleep(1.0)
            figures[f"beside_{reports_per_s}_reports_per_s"] = await measure(running, sink, alarms, rate)
            await load.hear()
            await load.end()
        async with cloud_with_people(folder / "backlog", alarms, bridge=False) as (running, sink):
            figures["behind_a_backlog"] = await _behind_a_backlog(running, sink, alarms, rate, backlog)
    return figures


async def measure(running: Cloud, sink: "Provider", alarms: int, rate: float) -> dict[str, Any]:
    """Publish one alarm for each of the first devices; return the times until the provider had it."""
    load = await publisher(running.job("alarm", running.devices[:alarms], rate=rate, count=alarms))
    computing = await pulse()
    probe = DiskProbe(running.settings.data_dir)
    probing = asyncio.create_task(_probe(probe), name="disk-probe")
    report = await let_go(load)
    arrived = await sink.wait_for(alarms)
    probing.cancel()
    computing.tell("enough")
    computed = await computing.hear()
    await computing.end()
    for _ in range(PROBES_AFTER):
        await asyncio.to_thread(probe.write)
        await asyncio.sleep(PROBE_AFTER_EVERY_S)
    probe.close()
    phones = map(phone_of, range(alarms))
    took = [arrived[to][0] - at for to, at in zip(phones, report["at"], strict=True) if to in arrived]
    return {
        "arrived": len(took),
        "twice": sum(1 for each in arrived.values() if len(each) > 1),
        **percentiles(took),
        "bare_synchronised_write": {"writes": len(probe.seconds), **percentiles(probe.seconds)},
        "bare_computing": {"times": len(computed), **percentiles(computed)},
    }


async def _behind_a_backlog(running: Cloud, sink: "Provider", alarms: int, rate: float, backlog: int) -> dict[str, Any]:
    """Let the broker collect reports while no bridge is there; then bridge and alarms begin together."""
    await _once(running)
    queued = await publish(running.job("state", running.devices[alarms:], rate=0, count=backlog))
    stop = asyncio.Event()
    bridge = running.new_bridge()
    serving = asyncio.create_task(bridge.run(stop), name="bridge")
    while not bridge.connected:
        await asyncio.sleep(0.001)
    first = min(alarms, round(rate * 10))
    figures = await measure(running, sink, first, rate)
    stop.set()
    await serving
    return {"backlog": queued["acknowledged"], "alarms": first, **figures}


async def _once(running: Cloud) -> None:
    """Let a bridge subscribe and go: the broker keeps for its sessions what comes afterwards."""
    stop = asyncio.Event()
    bridge = running.new_bridge()
    serving = asyncio.create_task(bridge.run(stop), name="first-bridge")
    while not bridge.connected:
        await asyncio.sleep(0.01)
    await asyncio.sleep(SETTLE_S)
    stop.set()
    await serving


async def _probe(probe: DiskProbe) -> None:
    while True:
        await asyncio.to_thread(probe.write)
        await asyncio.sleep(PROBE_EVERY_S)


class Provider:
    """The provider's process, as the bench sees it."""

    def __init__(self, child: Child, url: str) -> None:
        self._child = child
        self.url = url

    async def wait_for(self, messages: int) -> dict[str, list[float]]:
        """Return arrival times by recipient, when so many recipients were reached, or after a minute."""
        arrived: dict[str, list[float]] = {}
        async with aiohttp.ClientSession() as http:
            for _ in range(600):
                async with http.get(f"{self.url}/times") as answer:
                    arrived = await answer.json()
                if len(arrived) >= messages:
                    break
                await asyncio.sleep(0.1)
        return arrived

    async def end(self) -> None:
        """Stop it."""
        await self._child.end()


@asynccontextmanager
async def cloud_with_people(
    folder: Path, alarms: int, *, bridge: bool = True, portal: bool = False, **more: Any
) -> AsyncIterator[tuple[Cloud, Provider]]:
    """Run a cloud in which each of the first `alarms` devices has an owner with one contact to call."""
    child = await Child.start("isocket.app.bench.sink")
    sink = Provider(child, (await child.hear())["url"])
    wanted = (Role.BROKER, Role.BRIDGE, Role.ALERTS) if bridge else (Role.BROKER, Role.ALERTS)
    twilio = {
        "twilio_account_sid": "AC" + "0" * 32,
        "twilio_auth_token": "bench",
        "twilio_from": "+15005550006",
        "twilio_base_url": sink.url,
        "sms_per_s": 1000,  # what is measured here is us, not a sender
        "receipt_wait_s": 3600,  # nobody here sends receipts, and no other way is to be tried for want of them
    }
    if portal:
        wanted = (*wanted, Role.PORTAL)
    async with cloud(folder, devices=alarms + LOAD_DEVICES, wanted=wanted, **twilio, **more) as running:
        await give_people(running, range(alarms))
        await quiet_devices(running)
        yield running, sink
    await sink.end()
