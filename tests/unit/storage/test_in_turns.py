"""Many things that were asked for at once: others have their turn while they are made ready."""

import asyncio

import pytest

from isocket.domain.devices import Device
from isocket.storage.in_turns import SOME
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from tests.fakes.clock import ManualClock

STAGES = 2  # what is found is opened, and made a record of


@pytest.mark.parametrize("times", [2, 5])
async def test_who_asks_for_very_many_lets_others_have_their_turn(times: int) -> None:
    records = StoredRecords(SealedDocuments(MemoryDocuments(), MemoryKeyring()))
    await records.prepare([Device])
    now = ManualClock().now()
    await records.add_all(
        [
            Device(
                id=f"isk{number:05}", model="isocket-4g", secret_hash="", claim_hash="", provisioned_at=now,
                owner_id="acc_1", name="Cabin",
            )
            for number in range(times * SOME)
        ]
    )  # fmt: skip
    turns, asking = 0, asyncio.create_task(records.find(Device, is_("owner_id", "acc_1")))
    while not asking.done():
        turns += 1
        await asyncio.sleep(0)
    found = await asking
    assert [each.id for each in found] == [f"isk{number:05}" for number in range(times * SOME)]
    assert {each.name for each in found} == {"Cabin"}
    assert turns >= STAGES * times
