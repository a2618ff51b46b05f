"""A customer with a year of reports takes a copy of everything: how long, in how much memory, what alarms feel."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

from typer import Option

from isocket.app.bench.alarm import cloud_with_people, measure
from isocket.app.bench.children import Child
from isocket.app.bench.figures import machine, resident_mib
from isocket.app.bench.stage import HERE, LOAD_DEVICES, Cloud, Folder, temporary_folder
from isocket.app.erasures import exporter_of
from isocket.app.provision import MadeDevice
from isocket.app.typed import decimal, whole
from isocket.domain.accounts import Account
from isocket.domain.devices import Device
from isocket.domain.exports import DataExport, ExportState
from isocket.storage.port import is_

OWNER = "acc_much"
LOOK_EVERY_S = 0.05


def export(
    days: Annotated[int, Option(**whole(1, 3660))] = 365,
    sockets: Annotated[int, Option(**whole(1, LOAD_DEVICES))] = 5,
    seconds: Annotated[float, Option(**decimal(1, 3600))] = 40.0,
    alarms_per_s: Annotated[float, Option(**decimal(1, 1000))] = 20.0,
    folder: Folder = HERE,
) -> None:
    """Store `days` of reports, one a minute, of `sockets` sockets; then copy while alarms go out for `seconds`."""
    print(json.dumps(asyncio.run(_export(days, sockets, (seconds, alarms_per_s), folder)), indent=2))


async def _export(days: int, sockets: int, alarm: tuple[float, float], parent: Path) -> dict[str, Any]:
    seconds, per_s = alarm
    alarms = round(seconds * per_s)
    figures: dict[str, Any] = {"bench": "export", "machine": machine(), "sockets": sockets, "alarms_per_s": per_s}
    async with temporary_folder(parent) as folder:
        async with cloud_with_people(folder / "alone", alarms) as (running, sink):
            figures["alarm_alone"] = await measure(running, sink, alarms, per_s)
        async with cloud_with_people(folder / "beside", alarms) as (running, sink):
            figures |= await _fill(running, running.devices[alarms : alarms + sockets], days)
            figures["copy_alone"] = await _copy(running, 0)
            async with _copying(running) as copies:
                figures["alarm_beside"] = await measure(running, sink, alarms, per_s)
            figures["copies_beside_alarms"] = copies
    return figures


@asynccontextmanager
async def _copying(running: Cloud) -> AsyncIterator[list[dict[str, Any]]]:
    """Make one copy after the other meanwhile."""
    copies: list[dict[str, Any]] = []
    enough = asyncio.Event()

    async def again() -> None:
        while not enough.is_set():
            copies.append(await _copy(running, len(copies) + 1))

    task = asyncio.create_task(again(), name="copying")
    yield copies
    enough.set()
    await task


async def _copy(running: Cloud, number: int) -> dict[str, Any]:
    """Make one copy, as the privacy service does; return what it took."""
    house = running.house
    wish = DataExport(id=f"exp_{number}", account_id=OWNER, session_id="ses_1", created_at=house.clock.now())
    await house.records.add(wish)
    exporter, most, before_mib = exporter_of(house), [0.0], resident_mib()

    async def watch() -> None:
        while True:
            most[0] = max(most[0], resident_mib())
            await asyncio.sleep(LOOK_EVERY_S)

    watching = asyncio.create_task(watch(), name="memory")
    began = perf_counter()
    await exporter.round()
    took = perf_counter() - began
    watching.cancel()
    made = await house.records.get(DataExport, wish.id)
    if made is None or made.state is not ExportState.READY:
        raise ValueError("no copy was made; the log says why")
    return {
        "seconds": round(took, 1),
        "size_mib": round(made.size / 2**20, 1),
        "memory_before_mib": round(before_mib),
        "memory_at_most_mib": round(most[0]),
    }


async def _fill(running: Cloud, devices: list[MadeDevice], days: int) -> dict[str, Any]:
    """Give somebody these sockets, and let each have said something every minute for so many days."""
    house = running.house
    now = house.clock.now()
    ids = [each.device_id for each in devices]
    await house.records.add(Account(id=OWNER, email="much@example.org", created_at=now))
    for each in ids:
        since = now - timedelta(days=days + 1)
        await house.records.change_one(Device, is_("id", each), owner_id=OWNER, name=each, place=None, claimed_at=since)
    filler = await Child.start("isocket.app.bench.filler")
    filler.tell({"store": str(running.settings.store_file), "devices": ids, "days": days})
    filled: dict[str, Any] = await filler.hear()
    await filler.end()
    return filled
