"""How many small authorised requests a second one process of the portal answers, and what a long list costs."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

from isocket.app.bench.children import Child
from isocket.app.bench.figures import machine
from isocket.app.bench.stage import Cloud, cloud, quiet_devices, temporary_folder
from isocket.app.roles import Role
from isocket.domain.accounts import Account, Session, SessionKind
from isocket.domain.devices import Device
from isocket.kit.ids import new_token, token_hash
from isocket.storage.port import is_

API = "/api/v1"
OWNER = "acc_bench"
WRONG = {"username": "bench@example.org", "password": "not the one that it is"}


def portal(
    seconds: int = 10, connections: int = 8, sockets: int = 1000, sign_ins: int = 50, folder: Path | None = None
) -> None:
    """Ask for small things as fast as they are answered, for a list of `sockets`, and beside `sign_ins` a second."""
    print(json.dumps(asyncio.run(_portal(seconds, connections, sockets, sign_ins, folder)), indent=2))


async def _portal(seconds: int, connections: int, sockets: int, sign_ins: int, parent: Path | None) -> dict[str, Any]:
    figures: dict[str, Any] = {"bench": "portal", "machine": machine(), "sockets": sockets, "connections": connections}
    unlimited = {f"requests_per_hour_{each}": 0 for each in ("address", "account", "token")}
    async with (
        temporary_folder(parent) as folder,
        cloud(folder, devices=sockets, wanted=(Role.PORTAL,), **unlimited) as running,
    ):
        token = await _customer(running)
        one = f"{API}/devices/{running.devices[0].device_id}"
        job = {"token": token, "connections": connections, "seconds": seconds}
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
    records, now, token = running.house.records, running.house.clock.now(), new_token()
    later = now + timedelta(days=1)
    await records.add(Account(id=OWNER, email="bench@example.org", created_at=now))
    await records.add(
        Session(
            id="ses_bench",
            account_id=OWNER,
            kind=SessionKind.BEARER,
            access_hash=token_hash(token),
            access_expires_at=later,
            expires_at=later,
            credential_epoch=1,
            created_at=now,
        )
    )
    for each in running.devices:
        await records.change_one(Device, is_("id", each.device_id), owner_id=OWNER, name="Socket", claimed_at=now)
    await quiet_devices(running)
    return token


async def _asked(running: Cloud, job: dict[str, Any]) -> dict[str, Any]:
    """Let another process ask; return its figures, with what they cost this one."""
    child = await _child(running, job)
    busy = process_time()
    figures: dict[str, Any] = await child.hear()
    busy = process_time() - busy
    await child.end()
    figures["processor_us_per_answer"] = round(busy / max(1, figures["answers"]) * 1e6)
    return figures


async def _child(running: Cloud, job: dict[str, Any]) -> Child:
    child = await Child.start("isocket.app.bench.asker")
    http = running.settings.http
    child.tell({"host": http.host, "port": http.port, **job})
    await child.hear_line()
    child.tell("go")
    return child
