"""Many sockets, each with a customer of its own who is told by text messages; judged and climbed on one clock."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from alerts.escalation import Escalator
from alerts.fleet import Thresholds
from alerts.held_back import HeldBack
from alerts.judge import Judge
from alerts.operator import OPERATOR, Operator
from alerts.outages import Outages
from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident, IncidentState, TimelineEntry
from isocket.domain.listening import BRIDGE, Listening
from isocket.domain.outages import Outage
from isocket.domain.record import Record
from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from isocket.kit.clock import to_ms
from isocket.storage.documents import Documents
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import Records, is_, one_of
from isocket.storage.records import StoredRecords
from isocket.storage.sqlite import SqliteStore
from isocket.storage.telemetry import Telemetry, Waiting
from isocket.storage.wakeups import Wakeups
from tests.fakes.alert_house import PUBLIC_URL
from tests.fakes.clock import ManualClock

TOLD = Operator(email="ops@example.org", phone="+447700900999")
HEARTBEAT_S = 900
PATIENCE_S = 3 * HEARTBEAT_S
JUDGES = 16  # at a time: what they write shares its commits
WELL: dict[str, Any] = {"mains": True, "battery_pct": 98}
QUIET = Envelope(battery_low_pct=50)


@dataclass(kw_only=True)
class FleetHouse:
    """The judging and escalating half of the alarm service, with a bridge that says when it listens."""

    clock: ManualClock
    records: Records
    telemetry: Telemetry
    size: int
    limits: Thresholds = field(default_factory=Thresholds)
    listening_since: Any = None

    def __post_init__(self) -> None:
        self.outages = self.fresh_outages()
        self.judges = [
            Judge(
                records=self.records,
                telemetry=self.telemetry,
                clock=self.clock,
                owner=f"judge-{number}",
                outages=self.outages,
            )
            for number in range(JUDGES)
        ]
        self.held_back = HeldBack(records=self.records, clock=self.clock, limits=self.limits)
        self.escalator = Escalator(records=self.records, clock=self.clock, public_url=PUBLIC_URL)
        self._seq = 1

    def fresh_outages(self, records: Records | None = None) -> Outages:
        return Outages(
            records=records or self.records,
            telemetry=self.telemetry,
            clock=self.clock,
            limits=self.limits,
            operator=TOLD,
        )

    @property
    def devices(self) -> list[str]:
        return [f"isk-{number:05}" for number in range(self.size)]

    async def furnish(self) -> None:
        """Give each socket a customer with a verified telephone; all were heard just now, and the bridge listens."""
        for start in range(0, self.size, 1000):
            some = range(start, min(start + 1000, self.size))
            await self.records.add_all([each for number in some for each in self._household(number)])
        await self.listen()
        await self.hear(self.devices)
        await asyncio.gather(*(self._quieten() for _ in range(JUDGES)))

    def _household(self, number: int) -> list[Record]:
        now, account = self.clock.now(), f"acc-{number:05}"
        return [
            Account(id=account, email=f"owner{number}@example.org", created_at=now),
            Contact(
                id=f"con-{number:05}",
                account_id=account,
                name="Owner",
                phone=f"+4477009{number:05}",
                phone_verified_at=now,
                created_at=now,
            ),
            Device(
                id=f"isk-{number:05}",
                model="isocket-4g",
                secret_hash="",
                claim_hash="",
                provisioned_at=now,
                owner_id=account,
                claimed_at=now - timedelta(days=30),
            ),
        ]

    async def _quieten(self) -> None:
        """Settle what waits as a judge does with whom all is well, without asking the rules ten thousand times."""
        while (waiting := await self._claim()) is not None:
            await self.telemetry.settle(waiting, envelope=QUIET, wake_at=None, silent_after_s=PATIENCE_S)

    async def _claim(self) -> Waiting | None:
        return await self.telemetry.claim_waiting(owner="quiet", now=self.clock.now(), lease_s=30)

    async def hear(self, devices: Iterable[str], **fields: Any) -> None:
        """Let these sockets say something now."""
        self._seq += 1
        now_ms, body = to_ms(self.clock.now()), {"boot": 1, "seq": self._seq, **(fields or WELL)}
        text = json.dumps(body)
        told = [
            Report(each, ReportKind.STATE, 1, self._seq, now_ms, now_ms, ClockQuality.DEVICE, text, body)
            for each in devices
        ]
        for start in range(0, len(told), 500):
            await self.telemetry.store(told[start : start + 500])

    async def listen(self) -> None:
        """Leave the bridge's word that it listens: since it first did, until now."""
        now = self.clock.now()
        self.listening_since = self.listening_since or now - timedelta(days=1)
        changes = {"since": self.listening_since, "until": now}
        if await self.records.change_one(Listening, is_("id", BRIDGE), **changes) is None:
            await self.records.add(Listening(id=BRIDGE, **changes))

    async def let_pass(self, seconds: float, *, listening: bool, step_s: float = 60) -> None:
        """Move the clock, with the bridge listening or gone; everybody works."""
        if not listening:
            self.listening_since = None
        elif self.listening_since is None:
            self.listening_since = self.clock.now()
        while seconds > 0:
            await self.clock.advance(min(step_s, seconds))
            seconds -= step_s
            if listening:
                await self.listen()
            await self.work()

    async def work(self) -> None:
        """Look at the fleet, judge, release and climb until nothing is left to do now."""
        await self.outages.look()
        await self.judge_all()
        while await self.held_back.step():
            pass
        await asyncio.gather(*(self._climb() for _ in range(JUDGES)))

    async def judge_all(self) -> None:
        """Judge everybody who waits."""
        await asyncio.gather(*(self._judge(each) for each in self.judges))

    async def _judge(self, judge: Judge) -> None:
        while await judge.step():
            pass

    async def _climb(self) -> None:
        while await self.escalator.step():
            pass

    async def open(self) -> list[Incident]:
        return await self.records.find(Incident, one_of("state", (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)))

    async def paged(self) -> list[Delivery]:
        """Return the alarms to customers."""
        return await self.records.find(Delivery, is_("kind", DeliveryKind.ALARM))

    async def operator_news(self) -> list[Delivery]:
        return await self.records.find(Delivery, is_("account_id", OPERATOR), order_by="created_at")

    async def outages_kept(self) -> list[Outage]:
        return await self.records.find(Outage, order_by="began_at")

    async def reasons(self, incident: Incident) -> list[str]:
        lines = await self.records.find(TimelineEntry, is_("incident_id", incident.id), order_by="at")
        return [each.reason for each in lines if each.reason]


@asynccontextmanager
async def fleet_house(
    size: int, folder: Path | None = None, limits: Thresholds | None = None
) -> AsyncIterator[FleetHouse]:
    """Open a fleet on memory stores, or on one SQLite file in `folder`, all of it heard just now."""
    clock, wakeups = ManualClock(), Wakeups()
    documents: Documents = MemoryDocuments()
    telemetry: Telemetry = MemoryTelemetry(wakeups, clock)
    async with AsyncExitStack() as opened:
        if folder is not None:
            store = await SqliteStore.open(folder / "fleet.sqlite", wakeups=wakeups, clock=clock)
            opened.push_async_callback(store.close)
            documents, telemetry = store.documents, store.telemetry
        records = StoredRecords(documents)
        await records.prepare()
        house = FleetHouse(clock=clock, records=records, telemetry=telemetry, size=size, limits=limits or Thresholds())
        await house.furnish()
        yield house
