"""How many small authorised requests a second one process of the portal answers, and what a long list costs.

Beside them stands what aiohttp itself takes for an answer of the same length from a handler that does nothing, in the
same process and the same run: less than that no portal on it can take.
"""

import asyncio
import json
import os
from pathlib import Path
from time import process_time
from typing import Annotated, Any

from aiohttp import web
from typer import Option

from isocket.app.bench.children import Child
from isocket.app.bench.figures import machine
from isocket.app.bench.stage import (
    HERE,
    Cloud,
    Folder,
    cloud,
    free_port,
    quiet_devices,
    signed_in,
    temporary_folder,
)
from isocket.app.roles import Role
from isocket.app.typed import whole
from isocket.domain.devices import Device
from isocket.kit.logs import configure_logs
from isocket.storage.port import is_

API = "/api/v1"
OWNER = "acc_bench"
NOTHING = b"{" + b" " * 200 + b"}"  # as long as a profile
ROOMY = 1_000_000_000  # requests an hour: counted, and never too many
WRONG = {"username": "bench@example.org", "password": "not the one that it is"}


def portal(
    seconds: Annotated[int, Option(**whole(1, 3600))] = 10,
    connections: Annotated[int, Option(**whole(1, 500))] = 8,
    sockets: Annotated[int, Option(**whole(1, 100_000))] = 1000,
    sign_ins: Annotated[int, Option(**whole(1, 1000))] = 50,
    folder: Folder = HERE,
) -> None:
    """Ask for small things as fast as they are answered, for a list of `sockets`, and beside `sign_ins` a second."""
    print(json.dumps(asyncio.run(_portal(seconds, connections, sockets, sign_ins, folder)), indent=2))


async def _portal(seconds: int, connections: int, sockets: int, sign_ins: int, parent: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"bench": "portal", "machine": machine(), "sockets": sockets, "connections": connections}
    roomy = {f"requests_per_hour_{each}": ROOMY for each in ("address", "account", "token")}
    async with (
        temporary_folder(parent) as folder,
        cloud(folder, devices=sockets, wanted=(Role.PORTAL,), **roomy) as running,
    ):
        _log_into_nothing()
        token = await _customer(running)
        one = f"{API}/devices/{running.devices[0].device_id}"
        job = {"token": token, "connections": connections, "seconds": seconds}
        figures["empty handler"] = await _bare(running, {**job, "path": "/"})
        figures["GET /me"] = await _asked(running, {**job, "path": f"{API}/me"})
        figures["GET /devices/{id}"] = await _asked(running, {**job, "path": one})
        figures["GET /devices?limit=200"] = await _asked(
            running, {**job, "path": f"{API}/devices?limit=200", "connections": 1}
        )
        guesses = await _child(running, {**job, "path": f"{API}/tokens", "body": WRONG, "per_s": sign_ins})
        beside = await _asked(running, {**job, "path": one, "connections": 1, "per_s": 50})
        figures[f"GET /devices/{{id}} beside {sign_ins} wrong sign-ins a second"] = beside
        figures["those sign-ins"] = await guesses.hear()
        await guesses.end()
    return figures


async def _customer(running: Cloud) -> str:
    """Give every socket to one customer; return an access token of theirs."""
    records, now, token = running.house.records, running.house.clock.now(), await signed_in(running, OWNER)
    for each in running.devices:
        await records.change_one(Device, is_("id", each.device_id), owner_id=OWNER, name="Socket", claimed_at=now)
    await quiet_devices(running)
    return token


async def _bare(running: Cloud, job: dict[str, Any]) -> dict[str, Any]:
    """Let another process ask an application of aiohttp that has one handler and no more."""
    app = web.Application()
    app.router.add_get("/", _nothing)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        return await _asked(running, {**job, "port": port})
    finally:
        await runner.cleanup()


async def _nothing(_: web.Request) -> web.Response:
    return web.Response(body=NOTHING, content_type="application/json")


def _log_into_nothing() -> None:
    """Let a line be made of each request, as in earnest, and be written where it takes no room."""
    nothing = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    configure_logs(level="INFO", stream=nothing)


async def _asked(running: Cloud, job: dict[str, Any]) -> dict[str, Any]:
    """Let another process ask; return its figures, with what they cost this one."""
    child = await _child(running, job)
    busy = process_time()
    figures: dict[str, Any] = await child.hear()
    busy = process_time() - busy
    await child.end()
    figures["processor_us_per_answer"] = round(busy / max(1, figures["answers"]) * 1e6)
    figures["per_s_of_one_core"] = round(figures["answers"] / busy)
    return figures


async def _child(running: Cloud, job: dict[str, Any]) -> Child:
    child = await Child.start("isocket.app.bench.asker")
    http = running.settings.http
    child.tell({"host": http.host, "port": http.port, **job})
    await child.hear_line()
    child.tell("go")
    return child
