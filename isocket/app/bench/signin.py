"""Whether strangers who try passwords by the dozen hold up an alarm, or whoever is signed in."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from isocket.app.bench.alarm import Provider, cloud_with_people, measure
from isocket.app.bench.children import Child
from isocket.app.bench.figures import machine, percentiles
from isocket.app.bench.stage import HERE, Cloud, Folder, signed_in, temporary_folder
from isocket.app.typed import decimal, whole

SIGNED_IN_RATE = 20.0


def signin(
    seconds: Annotated[float, Option(**decimal(1, 3600))] = 20.0,
    rate: Annotated[float, Option(**decimal(1, 1000))] = 50.0,
    alarms_per_s: Annotated[float, Option(**decimal(1, 1000))] = 20.0,
    cost: Annotated[int, Option(**whole(10, 16))] = 12,
    *,
    again: bool = True,
    folder: Folder = HERE,
) -> None:
    """Try `rate` wrong passwords a second while alarms go out and somebody signed in asks. Needs Mosquitto.

    With `again` the quiet part comes once more after the storm, which tells what is the storm's and what the machine's.
    """
    print(json.dumps(asyncio.run(_signin(seconds, rate, alarms_per_s, cost, again=again, parent=folder)), indent=2))


async def _signin(
    seconds: float, rate: float, alarms_per_s: float, cost: int, *, again: bool, parent: Path
) -> dict[str, Any]:
    figures: dict[str, Any] = {"bench": "signin", "machine": machine(), "bcrypt_cost": cost, "tries_per_s": rate}
    alarms = round(seconds * alarms_per_s)
    parts = (("quiet", 0.0), ("storm", rate), ("quiet again", 0.0))
    for name, tries in parts if again else parts[:2]:
        async with temporary_folder(parent) as folder:
            more: dict[str, Any] = {"bcrypt_cost": cost, "trusted_proxies": "127.0.0.1/32"}
            async with cloud_with_people(folder, alarms, portal=True, **more) as (running, sink):
                visits = {"rate": tries, "seconds": seconds, "signed_in_rate": SIGNED_IN_RATE}
                figures[name] = await _measured(running, sink, visits, alarms=alarms, alarms_per_s=alarms_per_s)
    return figures


async def _measured(
    running: Cloud, sink: Provider, visits: dict[str, Any], *, alarms: int, alarms_per_s: float
) -> dict[str, Any]:
    visitors = await Child.start("isocket.app.bench.visitors")
    visitors.tell(
        {**visits, "origin": f"http://{running.settings.http}", "token": await signed_in(running, "acc_signed_in")}
    )
    alarm = await measure(running, sink, alarms, alarms_per_s)
    seen = await visitors.hear()
    await visitors.end()
    return {"alarm": alarm, "signed_in": percentiles(seen.pop("signed_in_s")), "strangers": seen}
