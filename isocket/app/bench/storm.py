"""Many sockets come back at once, and many lose power at once: until when all is stored and every customer told."""

import asyncio
import json
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Annotated, Any

from typer import Option

from isocket.app.bench.children import let_go, publisher
from isocket.app.bench.figures import machine
from isocket.app.bench.fleet import dark_fleet
from isocket.app.bench.stage import HERE, Folder, cloud, temporary_folder
from isocket.app.roles import Role
from isocket.app.typed import decimal, whole


def storm(
    devices: Annotated[int, Option(**whole(0, 100_000))] = 2000,
    reports_each: Annotated[int, Option(**whole(1, 1000))] = 10,
    dark: Annotated[int, Option(**whole(0, 99_999))] = 10_000,
    sms_per_s: Annotated[float, Option(**decimal(0.1, 1000))] = 100.0,
    folder: Folder = HERE,
) -> None:
    """Connect `devices` at once, `reports_each` reports each; then `dark` others lose power. Needs Mosquitto."""
    print(json.dumps(asyncio.run(_both(devices, reports_each, dark, sms_per_s, folder)), indent=2))


async def _both(devices: int, reports_each: int, dark: int, sms_per_s: float, parent: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"bench": "storm", "machine": machine()}
    if devices:
        figures |= await _storm(devices, reports_each, parent)
    if dark:
        async with temporary_folder(parent) as folder:
            figures["dark_fleet"] = await dark_fleet(folder, dark, sms_per_s)
    return figures


async def _storm(devices: int, reports_each: int, parent: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"devices": devices}
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
            await let_go(load)
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
