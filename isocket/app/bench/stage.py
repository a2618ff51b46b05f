"""A whole cloud in a temporary folder, as `isocket up` builds it, for one benchmark."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from prometheus_client import CollectorRegistry

from broker_bridge.bridge import Bridge
from isocket.app.house import House, open_house
from isocket.app.process import settle_in, tune_process
from isocket.app.provision import MadeDevice, ModelName, provision
from isocket.app.roles import Role, Roles
from isocket.app.settings import Settings
from isocket.app.supervise import Supervisor
from isocket.domain.accounts import Account, Session, SessionKind
from isocket.domain.contacts import Contact
from isocket.domain.devices import Device
from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from isocket.kit.clock import to_ms
from isocket.kit.ids import new_token, token_hash
from isocket.kit.logs import configure_logs
from isocket.storage.port import is_

HERE = Path()
Folder = Annotated[
    Path,
    typer.Option(
        exists=True, file_okay=False, writable=True, resolve_path=True, help="A folder on the disk that counts."
    ),
]
LOAD_DEVICES = 500  # connections of the load generator; each speaks for one device


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """The running cloud and the devices that were made for it."""

    house: House
    settings: Settings
    devices: list[MadeDevice]
    roles: Roles

    def new_bridge(self) -> Bridge:
        """Return a bridge that takes up the sessions at the broker, where none of this cloud's own has them."""
        address, telemetry_login, alarm_login = self.roles.broker_logins()
        return Bridge(
            records=self.house.records,
            telemetry=self.house.telemetry,
            clock=self.house.clock,
            wakeups=self.house.wakeups,
            right_of_way=self.house.right_of_way,
            registry=CollectorRegistry(),
            address=address,
            telemetry_login=telemetry_login,
            alarm_login=alarm_login,
        )

    def job(self, kind: str, devices: list[MadeDevice], *, rate: float, count: int, boot: int = 1) -> dict[str, Any]:
        """Return a publisher's job for some of the devices."""
        return {
            "host": self.settings.mqtt.host,
            "port": self.settings.mqtt.port,
            "kind": kind,
            "devices": [[each.device_id, each.secret, each.topic_root] for each in devices],
            "rate": rate,
            "count": count,
            "boot": boot,
        }


@asynccontextmanager
async def temporary_folder(parent: Path) -> AsyncIterator[Path]:
    """Yield a new folder on the disk to be measured."""
    with TemporaryDirectory(dir=parent, prefix=".bench-") as name:
        yield Path(name)


@asynccontextmanager
async def cloud(folder: Path, *, devices: int, wanted: tuple[Role, ...], **more: Any) -> AsyncIterator[Cloud]:
    """Run a cloud of the wanted roles with so many devices; `more` are further settings."""
    tune_process()
    configure_logs(level="ERROR")
    settings = Settings.model_validate(
        {"data_dir": folder, "mqtt": f"127.0.0.1:{free_port()}", "http": f"127.0.0.1:{free_port()}", **more}
    )
    stop, ready = asyncio.Event(), asyncio.Event()

    def begin() -> None:
        settle_in()
        ready.set()

    async with open_house(settings, may_be_new=True) as house, asyncio.TaskGroup() as tasks:
        made = [each async for each in provision(house.records, house.clock, model=ModelName.ISOCKET_3G, count=devices)]
        roles = Roles(house)
        supervisor = Supervisor(await roles.stages(wanted))
        running = tasks.create_task(supervisor.run(stop, on_ready=begin), name="cloud")
        waiting = tasks.create_task(ready.wait(), name="ready")
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        try:
            if not running.done():
                yield Cloud(house=house, settings=settings, devices=made, roles=roles)
        finally:
            stop.set()


async def quiet_devices(running: Cloud) -> None:
    """Give each device an envelope, as the judge does, so that quiet reports are stored and nothing else."""
    telemetry, now = running.house.telemetry, running.house.clock.now()
    at = to_ms(now)
    body = '{"boot":0,"seq":0}'
    await telemetry.store(
        [
            Report(each.device_id, ReportKind.STATE, 0, 0, at, at, ClockQuality.DEVICE, body, {})
            for each in running.devices
        ]
    )
    quiet = Envelope(battery_low_pct=50, temp_c=((None, None),), inputs=(False,))
    while (waiting := await telemetry.claim_waiting(owner="bench", now=now, lease_s=60)) is not None:
        await telemetry.settle(waiting, envelope=quiet, wake_at=None, silent_after_s=3600)


def phone_of(number: int) -> str:
    """Return the telephone of the customer with this number."""
    return f"+4477009{number:05d}"


async def give_people(running: Cloud, owners: Sequence[int]) -> None:
    """Let the first devices belong to these customers, in that order, each of whom has one contact to be told."""
    records, now = running.house.records, running.house.clock.now()
    await records.add_all(
        [
            Contact(
                id=f"con_bench{number}",
                account_id=f"acc_bench{number}",
                name="bench",
                phone=phone_of(number),
                phone_verified_at=now,
                created_at=now,
            )
            for number in dict.fromkeys(owners)
        ]
    )
    for number, device in zip(owners, running.devices, strict=False):
        await records.change_one(
            Device, is_("id", device.device_id), owner_id=f"acc_bench{number}", name=f"Socket {number}", place=None
        )


async def signed_in(running: Cloud, account_id: str) -> str:
    """Make an account that is signed in; return its access token."""
    records, now, token = running.house.records, running.house.clock.now(), new_token()
    later = now + timedelta(days=1)
    await records.add(
        Account(id=account_id, email="bench@example.org", created_at=now),
        Session(
            id="ses_bench",
            account_id=account_id,
            kind=SessionKind.BEARER,
            access_hash=token_hash(token),
            access_expires_at=later,
            expires_at=later,
            credential_epoch=1,
            created_at=now,
        ),
    )
    return token


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
