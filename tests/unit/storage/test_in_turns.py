"""Many things that were asked for at once: others have their turn while they are made ready."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest

from isocket.domain.devices import Device
from isocket.storage.in_turns import MANY_LOOKS, SOME
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.sqlite import SqliteStore
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


async def turns_while(awaited: Awaitable[object]) -> int:
    turns, asking = 0, asyncio.ensure_future(awaited)
    while not asking.done():
        turns += 1
        await asyncio.sleep(0)
    await asking
    return turns


@pytest.mark.parametrize("verb", ["get", "find", "find_each", "change_one", "changes", "latest", "confirmed"])
async def test_who_asks_for_one_thing_after_another_lets_others_have_their_turn(verb: str, tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    try:
        records = StoredRecords(store.documents)
        await records.prepare([Device])
        owned = is_("owner_id", "acc_1")

        async def ask_once() -> None:
            match verb:
                case "get":
                    await records.get(Device, "isk1")
                case "find":
                    await records.find(Device, owned)
                case "find_each":
                    await records.find_each((Device, [owned]))
                case "change_one":
                    await records.change_one(Device, owned, name="Cabin")
                case "changes":
                    await records.changes(0, limit=1)
                case "latest":
                    await store.telemetry.latest(["isk1"])
                case _:
                    await store.telemetry.confirmed(["isk1"])

        async def ask(times: int) -> None:
            for _ in range(times):
                await ask_once()

        assert await turns_while(ask(5 * MANY_LOOKS)) > 5
        await asyncio.sleep(0)
        assert await turns_while(ask(MANY_LOOKS // 2)) == 1  # an alarm asks a dozen things, and goes on at once
    finally:
        await store.close()
