"""Giving up a socket and raising a test alarm survive a death at any verb."""

import contextlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from prometheus_client import CollectorRegistry

from isocket.domain.accounts import Account, Session, SessionKind
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity, TimelineEntry
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.secrets import claim_hash
from isocket.kit.clock import to_ms
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import Records, is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.wakeups import Wakeups
from portal_api import claims, devices, releases, test_alarms
from portal_api.limits import Limits
from portal_api.pace import Pace
from portal_api.passwords import Passwords
from portal_api.portal import Portal, PortalSettings
from portal_api.problem import Problem, ProblemError
from portal_api.routes import Call, Caller
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.portal_devices import CODE, SOCKET
from tests.fakes.portal_house import PEPPER, PUBLIC_URL
from tests.fakes.quick_passwords import QuickPasswords
from tests.fakes.stand_ins import stand_ins


def sealed_records() -> StoredRecords:
    return StoredRecords(SealedDocuments(MemoryDocuments(), MemoryKeyring()))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Stores that outlive the process."""

    clock: ManualClock = field(default_factory=ManualClock)
    records: StoredRecords = field(default_factory=sealed_records)
    telemetry: MemoryTelemetry = field(default_factory=lambda: MemoryTelemetry(clock=ManualClock()))
    passwords: Passwords = field(default_factory=lambda: QuickPasswords(pepper=PEPPER))

    def call(self, fuse: Fuse, account_id: str, body: Any = None) -> Call[Any, None]:
        """Return a request of this account to a process that may die."""
        records = DyingRecords(self.records, fuse)
        portal = Portal(
            records=records,
            telemetry=DyingTelemetry(self.telemetry, fuse),
            clock=self.clock,
            wakeups=Wakeups(),
            passwords=self.passwords,
            limits=Limits(self.records, self.clock, key=PEPPER, keyring=MemoryKeyring()),
            pace=Pace(self.clock),
            settings=PortalSettings(public_url=PUBLIC_URL),
            registry=CollectorRegistry(),
            ready=None,
            **stand_ins(),
        )
        session = Session(
            id="ses_1",
            account_id=account_id,
            kind=SessionKind.BEARER,
            access_hash="",
            access_expires_at=NOON,
            expires_at=NOON,
            credential_epoch=1,
            created_at=NOON,
        )
        account = Account(id=account_id, email=f"{account_id}@example.org", created_at=NOON)
        return Call(
            portal=portal,
            request=make_mocked_request("POST", "/"),
            body=body,
            query=None,
            path={"device_id": SOCKET},
            caller=Caller(account=account, session=session),
        )


async def build() -> World:
    """Return a socket of Maija's with a name, a report, an order and an incident."""
    world = World()
    device = Device(
        id=SOCKET,
        model="isocket-707",
        secret_hash="$",
        claim_hash=claim_hash(CODE),
        provisioned_at=NOON,
        owner_id="acc_maija",
        claimed_at=NOON,
        name="Cabin",
        place="Hall",
        desired={"temp": [{"low_c": 5}]},
        part_names='{"temp": ["Cellar"]}',
    )
    incident = Incident(
        id="inc_1",
        account_id="acc_maija",
        device_id=SOCKET,
        cause=Cause.MAINS_LOST,
        severity=Severity.CRITICAL,
        opened_at=NOON,
        detected_at=NOON,
        open_key="k",
    )
    order = Command(
        id="cmd_1",
        device_id=SOCKET,
        account_id="acc_maija",
        name="on",
        created_at=NOON,
        expires_at=NOON.replace(hour=23),
    )
    await world.records.add_all([device, incident, order])
    now_ms = to_ms(NOON)
    report = Report(SOCKET, ReportKind.STATE, 1, 1, now_ms, now_ms, ClockQuality.DEVICE, "{}", {"mains": True})
    await world.telemetry.store([report])
    return world


async def test_a_socket_that_is_somebody_elses_by_the_time_it_is_given_up_stays_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await build()

    async def meanwhile(records: Records, _: Device) -> None:
        await records.change_one(
            Device, is_("id", SOCKET), owner_id="acc_pekka", name="Shed", place=None, part_names=None
        )

    monkeypatch.setattr(releases, "_take_out_of_tokens", meanwhile)
    await devices.release(world.call(Fuse(), "acc_maija"))
    device = await world.records.get(Device, SOCKET)
    assert device is not None
    assert (device.owner_id, device.name) == ("acc_pekka", "Shed")
    world.passwords.close()


async def test_nothing_of_an_owner_reaches_the_next_however_the_release_died() -> None:
    async def run(world: World, fuse: Fuse) -> None:
        with contextlib.suppress(ProblemError):  # it is given up already: that is all one wanted
            await devices.release(world.call(fuse, "acc_maija"))
        await claims.claim(world.call(fuse, "acc_pekka", claims.Claim(device_id=SOCKET, claim_code=CODE)))

    async def check(world: World) -> None:
        device = await world.records.get(Device, SOCKET)
        assert device is not None
        assert (device.owner_id, device.name, device.place) == ("acc_pekka", None, None)
        assert device.part_names is None
        assert device.desired["temp"][0]["low_c"] is None
        assert await world.telemetry.latest([SOCKET]) == {}
        incident = await world.records.get(Incident, "inc_1")
        order = await world.records.get(Command, "cmd_1")
        assert incident is not None
        assert order is not None
        assert (incident.state, order.status) == (IncidentState.CLOSED, CommandStatus.EXPIRED)
        assert await world.records.count(TimelineEntry) == 1
        world.passwords.close()

    assert await every_crash_point(build, run, check) >= 20


async def test_a_test_alarm_is_raised_once_and_judged_however_it_died() -> None:
    async def run(world: World, fuse: Fuse) -> None:
        answer = await test_alarms.begin(world.call(fuse, "acc_maija"))
        assert not isinstance(answer, Problem) or answer.status == 409

    async def check(world: World) -> None:
        (made,) = await world.records.find(Incident, is_("test", True))
        assert await world.records.count(TimelineEntry, is_("incident_id", made.id)) == 1
        await settle_all(world)
        world.passwords.close()

    async def settle_all(world: World) -> None:
        waiting = await world.telemetry.claim_waiting(owner="t", now=NOON, lease_s=1)
        assert waiting is not None
        assert waiting.device_id == SOCKET

    async def judged() -> World:
        """Return a world in which nothing waits to be judged."""
        world = await build()
        waiting = await world.telemetry.claim_waiting(owner="t", now=NOON, lease_s=1)
        assert waiting is not None
        await world.telemetry.settle(waiting, envelope=None, wake_at=None, silent_after_s=None)
        return world

    assert await every_crash_point(judged, run, check) >= 10
