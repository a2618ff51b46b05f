"""The broker learns of devices that were made while the cloud runs."""

import pytest

from isocket.app.device_accounts import LOOK_EVERY_S, DeviceAccounts
from isocket.domain.devices import Device
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from tests.fakes.broker_files import BrokerFiles


class Floor(BrokerFiles):
    """A factory, a clock, and a broker that remembers each list of accounts that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts = DeviceAccounts(records=self.records, clock=self.clock, set_accounts=self.set)

    async def make(self, *names: str) -> None:
        now = self.clock.now()
        await self.records.add_all(
            [
                Device(id=name, model="isocket-3g", secret_hash="s", claim_hash=name, provisioned_at=now)
                for name in names
            ]
        )

    async def look(self) -> None:
        await self.look_once(self.accounts.run, LOOK_EVERY_S)


@pytest.fixture
def floor() -> Floor:
    return Floor()


async def test_all_devices_are_given_at_the_start(floor: Floor) -> None:
    await floor.make("a", "b")
    await floor.accounts.load()
    assert floor.given == [{"a", "b"}]


async def test_a_new_device_is_given_within_a_second(floor: Floor) -> None:
    await floor.make("a")
    await floor.accounts.load()
    await floor.clock.advance(3600)
    await floor.make("b")
    await floor.look()
    assert floor.given[1:] == [{"a", "b"}]


async def test_a_device_stored_late_with_an_earlier_moment_is_not_missed(floor: Floor) -> None:
    early = Device(id="a", model="isocket-3g", secret_hash="s", claim_hash="a", provisioned_at=floor.clock.now())
    await floor.clock.advance(3600)
    await floor.make("b")
    await floor.accounts.load()
    await floor.records.add(early)
    await floor.look()
    assert floor.given[-1] == {"a", "b"}


async def test_a_removed_device_is_taken_from_the_broker(floor: Floor) -> None:
    await floor.make("a", "b")
    await floor.accounts.load()
    await floor.records.remove_all(Device, is_("id", "a"))
    await floor.look()
    assert floor.given[-1] == {"b"}


async def test_the_broker_is_left_alone_while_nothing_changes(floor: Floor) -> None:
    await floor.make("a")
    await floor.accounts.load()
    await floor.look()
    assert len(floor.given) == 1


async def test_a_device_that_cannot_be_read_ends_neither_the_start_nor_the_run(floor: Floor) -> None:
    beneath = MemoryDocuments()
    floor.records = StoredRecords(SealedDocuments(beneath, MemoryKeyring()))
    floor.accounts = DeviceAccounts(records=floor.records, clock=floor.clock, set_accounts=floor.set)
    await floor.make("a")
    await floor.records.change_one(Device, is_("id", "a"), owner_id="acc_1", name="Summer house")
    await StoredRecords(beneath).change_one(Device, is_("id", "a"), name="v1.altered")
    await floor.accounts.load()
    await floor.make("b")
    await floor.look()
    await StoredRecords(beneath).change_one(Device, is_("id", "a"), name="")
    await floor.look()
    assert floor.given[-1] == {"a", "b"}


async def test_what_the_broker_could_not_be_told_it_is_told_at_the_next_look(floor: Floor) -> None:
    await floor.make("a")
    await floor.accounts.load()
    floor.deaf = True
    await floor.make("b")
    await floor.look()
    floor.deaf = False
    await floor.look()
    await floor.look()
    assert floor.given == [{"a"}, {"a", "b"}]
