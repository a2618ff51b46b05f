"""Opening an account and setting a new password survive a death at any verb."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import pytest
from aiohttp.test_utils import make_mocked_request
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from isocket.domain.accounts import Account, AccountRole, PasswordReset, Registration, Session
from isocket.domain.contacts import Contact
from isocket.kit.ids import token_hash
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import Records
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from portal_api import registration, resets, sessions
from portal_api.limits import Limits
from portal_api.pace import Pace
from portal_api.passwords import Passwords
from portal_api.portal import Portal, PortalSettings
from portal_api.routes import Call
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PEPPER, PUBLIC_URL
from tests.fakes.quick_passwords import QuickPasswords
from tests.fakes.stand_ins import stand_ins

B = TypeVar("B", bound=BaseModel)
TOKEN = "token-from-the-mail"


@dataclass(frozen=True, slots=True)
class World:
    """Stores that outlive the process."""

    records: Records
    passwords: Passwords

    def portal(self, fuse: Fuse | None = None) -> Portal:
        clock = ManualClock()
        records = DyingRecords(self.records, fuse or Fuse())
        return Portal(
            records=records,
            telemetry=MemoryTelemetry(),
            clock=clock,
            wakeups=Wakeups(),
            passwords=self.passwords,
            limits=Limits(records, clock, key=PEPPER, keyring=MemoryKeyring()),
            pace=Pace(clock),
            settings=PortalSettings(public_url=PUBLIC_URL),
            registry=CollectorRegistry(),
            ready=None,
            **stand_ins(),
        )


@pytest.fixture(scope="module")
def passwords() -> Iterator[Passwords]:
    made = QuickPasswords(pepper=PEPPER)
    yield made
    made.close()


def call(portal: Portal, body: B) -> Call[B, None]:
    return Call(portal=portal, request=make_mocked_request("POST", "/"), body=body, query=None, path={}, caller=None)


async def test_opening_an_account_survives_a_death_at_any_verb(passwords: Passwords) -> None:
    hashed = await passwords.hash(PASSWORD)

    async def build() -> World:
        world = World(StoredRecords(MemoryDocuments()), passwords)
        await world.records.add(
            Registration(
                id=token_hash(TOKEN),
                account_id="acc_1",
                email="maija@example.org",
                role=AccountRole.CUSTOMER,
                password_hash=hashed,
                expires_at=NOON + timedelta(hours=1),
            )
        )
        return world

    async def run(world: World, fuse: Fuse) -> None:
        await registration.activate(call(world.portal(fuse), registration.Activation(token=TOKEN)))

    async def check(world: World) -> None:
        assert [each.id for each in await world.records.find(Account)] == ["acc_1"]
        assert await world.records.count(Contact) == 1
        assert await world.records.count(Registration) == 0

    assert await every_crash_point(build, run, check) >= 10


async def test_setting_a_new_password_survives_a_death_at_any_verb(passwords: Passwords) -> None:
    hashed = await passwords.hash(PASSWORD)

    async def build() -> World:
        world = World(StoredRecords(MemoryDocuments()), passwords)
        account = Account(id="acc_1", email="maija@example.org", password_hash=hashed, created_at=NOON)
        await world.records.add(account)
        await sessions.open_bearer(world.portal(), account)
        await world.records.add(
            PasswordReset(
                id=token_hash(TOKEN), account_id="acc_1", credential_epoch=1, expires_at=NOON + timedelta(minutes=30)
            )
        )
        return world

    async def run(world: World, fuse: Fuse) -> None:
        wanted = resets.NewPassword(token=TOKEN, password=OTHER_PASSWORD)
        await resets.confirm(call(world.portal(fuse), wanted))

    async def check(world: World) -> None:
        (account,) = await world.records.find(Account)
        assert account.credential_epoch == 2
        assert (await passwords.verify(OTHER_PASSWORD, account.password_hash)).right
        assert not [each for each in await world.records.find(Session) if sessions.alive(each, account, NOON)]

    assert await every_crash_point(build, run, check) >= 10
