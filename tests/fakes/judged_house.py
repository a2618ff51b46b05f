"""A socket with an owner on memory stores, its reports by hand, and a judge that looks when told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.judge import Judge
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, IncidentState, TimelineEntry
from isocket.domain.listening import BRIDGE, Listening
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.kit.clock import EPOCH, to_ms
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import Records, is_
from isocket.storage.records import StoredRecords
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups
from tests.fakes.clock import ManualClock

DEVICE = "isk-1"
OWNER = "acc-1"
BOOT = 7
LOOK_S = 1.0


@dataclass(kw_only=True)
class JudgedHouse:
    """One socket, watched. `tell` stores a report that has just come, `let_pass` moves the clock and judges."""

    clock: ManualClock
    records: Records
    telemetry: Telemetry
    wakeups: Wakeups
    judge: Judge
    boot: int = BOOT
    seq: int = 100
    started: datetime = EPOCH  # of the trouble that a test tells of

    def report(
        self,
        kind: ReportKind,
        fields: Mapping[str, Any],
        *,
        seq: int | None = None,
        ago_s: float = 0,
        clock: ClockQuality = ClockQuality.DEVICE,
    ) -> Report:
        """Return a report received now that was made `ago_s` seconds before."""
        if seq is None:
            self.seq += 1
        number = self.seq if seq is None else seq
        now_ms = to_ms(self.clock.now())
        body = {"boot": self.boot, "seq": number, **fields}
        return Report(
            DEVICE,
            kind,
            self.boot,
            number,
            now_ms - round(ago_s * 1000),
            now_ms,
            clock,
            json.dumps(body),
            body,
        )

    async def state(self, *, seq: int | None = None, ago_s: float = 0, **fields: Any) -> None:
        """Store a state report and judge."""
        await self.tell(self.report(ReportKind.STATE, fields, seq=seq, ago_s=ago_s))

    async def alarm(
        self,
        cause: str,
        *,
        active: bool = True,
        seq: int | None = None,
        ago_s: float = 0,
        clock: ClockQuality = ClockQuality.DEVICE,
        **fields: Any,
    ) -> None:
        """Store an alarm report and judge."""
        body = {"cause": cause, "active": active, **fields}
        await self.tell(self.report(ReportKind.ALARM, body, seq=seq, ago_s=ago_s, clock=clock))

    async def tell(self, *reports: Report) -> None:
        """Store reports in one batch and judge."""
        await self.telemetry.store(reports)
        await self.settle()

    async def settle(self) -> None:
        """Judge until nobody waits."""
        while await self.judge.step():
            pass

    async def let_pass(self, seconds: float) -> None:
        """Move the clock in steps, judging as a worker would."""
        while seconds > 0:
            step = min(LOOK_S if seconds <= 300 * LOOK_S else 60.0, seconds)
            await self.clock.advance(step)
            await self.settle()
            seconds -= step

    async def listen(self, since: datetime, until: datetime) -> None:
        """Leave the bridge's word of when it was listening."""
        known = await self.records.change_one(Listening, is_("id", BRIDGE), since=since, until=until)
        if known is None:
            await self.records.add(Listening(id=BRIDGE, since=since, until=until))

    async def incidents(self, cause: Cause | None = None) -> list[Incident]:
        """Return all incidents, or those of one cause, in the order of their beginnings."""
        found = await self.records.find(Incident, order_by="opened_at")
        return [each for each in found if cause is None or each.cause is cause]

    async def open(self, cause: Cause | None = None) -> list[Incident]:
        """Return those that are not closed."""
        return [each for each in await self.incidents(cause) if each.state is not IncidentState.CLOSED]

    async def only(self, cause: Cause) -> Incident:
        """Return the one incident of this cause there ever was."""
        (one,) = await self.incidents(cause)
        return one

    async def told(self) -> list[Incident]:
        """Return the incidents that the ladder was handed and has not taken yet."""
        return [each for each in await self.incidents() if each.needs_step]

    async def timeline(self, incident: Incident) -> list[tuple[str, str]]:
        """Return what happened and why, sorted."""
        lines = await self.records.find(TimelineEntry, is_("incident_id", incident.id))
        return sorted((str(each.what), each.reason) for each in lines)

    async def climb(self) -> None:
        """Take every step that is due, as the ladder would."""
        await self.records.change_all(Incident, is_("needs_step", True), needs_step=False)

    async def want(self, **settings: Any) -> None:
        """Change the settings, as the portal does."""
        device = await self.records.get(Device, DEVICE)
        assert device is not None
        await self.records.change_one(Device, is_("id", DEVICE), desired={**device.desired, **settings})
        await self.telemetry.wake(DEVICE)
        await self.settle()


Stores = tuple[Records, Telemetry]


async def judged_house(
    *, clock: ManualClock | None = None, stores: Stores | None = None, **settings: Any
) -> JudgedHouse:
    """Return a claimed socket that has said nothing yet; on memory, where no stores are given."""
    clock, wakeups = clock or ManualClock(), Wakeups()
    records, telemetry = stores or await _in_memory(clock, wakeups)
    await records.add(
        Device(
            id=DEVICE,
            model="isocket-4g",
            secret_hash="",
            claim_hash="",
            provisioned_at=clock.now() - timedelta(days=400),
            owner_id=OWNER,
            claimed_at=clock.now() - timedelta(days=30),
            desired=settings,
        )
    )
    judge = Judge(records=records, telemetry=telemetry, clock=clock, owner="judge")
    return JudgedHouse(clock=clock, records=records, telemetry=telemetry, wakeups=wakeups, judge=judge)


async def _in_memory(clock: ManualClock, wakeups: Wakeups) -> Stores:
    records = StoredRecords(MemoryDocuments(), wakeups)
    await records.prepare()
    return records, MemoryTelemetry(wakeups, clock)
