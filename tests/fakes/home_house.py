"""A real Mosquitto with the part of the bridge that speaks with homes, on stores in memory, and a home to log in."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from broker_bridge import home_topics
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.home import HomeBridge
from broker_bridge.home_accounts import HomeAccounts
from broker_bridge.home_listeners import HomeListeners
from isocket.domain.accounts import Account
from isocket.domain.devices import Device
from isocket.domain.homes import Home
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.secrets import hash_secret
from isocket.kit.clock import SystemClock, to_ms
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import Records, is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.wakeups import Wakeups
from tests.fakes.broker import Peer, RunningBroker, running_broker
from tests.fakes.patience import until

ORIGIN = "https://cloud.example.org"
SECRET = "a secret that is long enough"
MAIJA_ID, PEKKA_ID = "acc_maija", "acc_pekka"
HOME, PEKKAS_HOME = "home_maija", "home_pekka"
SOCKET, PEKKAS_SOCKET = "is0000000001", "is0000000002"


@dataclass(kw_only=True)
class HomeHouse:
    """What runs, and the two customers in it."""

    broker: RunningBroker
    records: Records
    telemetry: MemoryTelemetry
    clock: SystemClock
    bridge: HomeBridge
    seq: int = 0

    async def report(self, device_id: str = SOCKET, **said: Any) -> None:
        """Let a socket say something."""
        self.seq += 1
        at_ms, body = to_ms(self.clock.now()), {"boot": 1, "seq": self.seq, **said}
        made = Report(
            device_id, ReportKind.STATE, 1, self.seq, at_ms, at_ms, ClockQuality.DEVICE, json.dumps(body), body
        )
        await self.telemetry.note_presence(device_id, online=True, at=self.clock.now())
        await self.telemetry.store([made])

    async def device(self, device_id: str = SOCKET) -> Device:
        """Return a socket as it is stored."""
        found = await self.records.get(Device, device_id)
        assert found is not None
        return found

    async def ends_every_credential(self) -> None:
        """Do what a new password does."""
        account = await self.records.get(Account, MAIJA_ID)
        assert account is not None
        await self.records.change_one(
            Account, is_("id", MAIJA_ID), credential_epoch=replace(account).credential_epoch + 1
        )

    @contextlib.asynccontextmanager
    async def home(self, home_id: str = HOME) -> AsyncIterator["HomeAssistant"]:
        """Let a Home Assistant come in."""
        async with Peer(self.broker, home_id, SECRET) as peer:
            assert peer.accepted, peer.answer
            yield HomeAssistant(peer, home_id)


@dataclass(frozen=True)
class HomeAssistant:
    """Does at the broker what Home Assistant does, in its order."""

    peer: Peer
    home_id: str

    async def begin(self) -> None:
        """Say that it is there, and ask for announcements of every kind."""
        await self.peer.publish(home_topics.PRESENCE, b"online", 0)
        for topic in ("tasmota/discovery/#", "homeassistant/switch/+/config", "homeassistant/device/+/config"):
            await self.peer.subscribe(topic, 0)
        await self.peer.subscribe("homeassistant/device/+/+/config", 0)

    async def announced(self, device_id: str = SOCKET) -> dict[str, Any]:
        """Return the announcement of a socket, and ask how it is."""
        heard = await self.peer.next_heard(home_topics.config(self.home_id, device_id))
        said: dict[str, Any] = json.loads(heard.payload)
        await self.peer.subscribe(said["state_topic"], 0)
        return said

    async def state(self, holds: Callable[[dict[str, Any]], object] = bool, device_id: str = SOCKET) -> dict[str, Any]:
        """Return what it hears of a socket as soon as that holds."""
        topic = home_topics.state(self.home_id, device_id)

        def told() -> list[dict[str, Any]]:
            said = [json.loads(each.payload) for each in self.peer.heard if each.topic == topic]
            return [each for each in said if holds(each)]

        await self.peer.until(lambda: bool(told()))
        return told()[-1]

    async def wish(self, part: str, payload: str, device_id: str = SOCKET, **more: Any) -> str:
        """Wish something; return the broker's answer."""
        return await self.peer.publish(
            home_topics.wish(self.home_id, device_id, part), payload.encode(), **{"qos": 1, **more}
        )


@contextlib.asynccontextmanager
async def home_house(folder: Path) -> AsyncIterator[HomeHouse]:
    """Run it all, with a socket of each of two customers."""
    wakeups, clock = Wakeups(), SystemClock()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), MemoryKeyring()), wakeups)
    telemetry = MemoryTelemetry(wakeups=wakeups, clock=clock)
    now = clock.now()
    for account_id, home_id, device_id, name in (
        (MAIJA_ID, HOME, SOCKET, "Cabin"), (PEKKA_ID, PEKKAS_HOME, PEKKAS_SOCKET, "Boat"),
    ):  # fmt: skip
        mine = {"account_id": account_id, "credential_epoch": 1, "created_at": now}
        await records.add_all(
            [
                Account(id=account_id, email=f"{account_id}@example.org", created_at=now),
                Home(id=home_id, name="House", secret_hash=hash_secret(SECRET), **mine),
                Device(
                    id=device_id, model="isocket-4g", secret_hash="$", claim_hash=device_id, provisioned_at=now,
                    owner_id=account_id, claimed_at=now, name=name,
                ),
            ]
        )  # fmt: skip
    async with running_broker(folder / "broker", {SOCKET: "socket"}) as broker:
        listeners, stop = HomeListeners(), asyncio.Event()
        broker.child.home_news = listeners.note
        login = broker.child.homes_login
        bridge = HomeBridge(
            records=records,
            telemetry=telemetry,
            clock=clock,
            wakeups=wakeups,
            address=BrokerAddress(host=broker.host, port=broker.port, tls=False, username=None, password=None),
            login=Login(username=login.name, password=login.secret, client_id=login.name),
            listeners=listeners,
            public_url=ORIGIN,
        )
        accounts = HomeAccounts(records=records, clock=clock, set_homes=broker.child.set_homes)
        await accounts.load()
        running = [asyncio.create_task(each.run(stop)) for each in (accounts, bridge)]
        await until(lambda: bridge.connected)
        yield HomeHouse(broker=broker, records=records, telemetry=telemetry, clock=clock, bridge=bridge)
        stop.set()
        await asyncio.gather(*running)
