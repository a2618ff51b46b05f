"""Many sockets come back at once: until when all are connected, stored and confirmed, and what that costs."""

import asyncio
import json
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Any

from isocket.app.bench.children import publisher
from isocket.app.bench.figures import machine
from isocket.app.bench.stage import cloud, temporary_folder
from isocket.app.roles import Role


def storm(devices: int = 2000, reports_each: int = 10, folder: Path | None = None) -> None:
    """Connect `devices` at once; each sends `reports_each` reports. Needs Mosquitto."""
    print(json.dumps(asyncio.run(_storm(devices, reports_each, folder)), indent=2))


async def _storm(devices: int, reports_each: int, parent: Path | None) -> dict[str, Any]:
    figures: dict[str, Any] = {"bench": "storm", "machine": machine(), "devices": devices}
    async with temporary_folder(parent) as folder:
        began = perf_counter()
        wanted = (Role.BROKER, Role.BRIDGE, Role.ALERTS)
        async with cloud(folder, devices=devices, wanted=wanted) as running:
            figures["provisioned_and_up_s"] = round(perf_counter() - began, 2)
            count = devices * reports_each
            began = perf_counter()
            load = await publisher(running.job("state", running.devices, rate=0, count=count))
            figures["all_connected_s"] = round(perf_counter() - began, 2)
            began = perf_counter()
            load.tell("go")
            await load.hear()
            await load.end()
            stored = 0.0
            while stored < count and perf_counter() - began < 120:  # noqa: PLR2004 - then something is wrong
                await asyncio.sleep(0.02)
                stored = running.house.registry.get_sample_value("isocket_reports_stored_total") or 0.0
            figures["reports"] = count
            figures["stored"] = round(stored)
            figures["all_stored_s"] = round(perf_counter() - began, 2)
            while await running.house.telemetry.reports_waiting() and perf_counter() - began < 120:  # noqa: PLR2004
                await asyncio.sleep(0.05)
            figures["all_judged_s"] = round(perf_counter() - began, 2)
            figures["memory_mib"] = round(getrusage(RUSAGE_SELF).ru_maxrss / 1024)
    return figures
