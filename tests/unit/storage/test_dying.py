"""The helper that kills workers finds the worker that cannot stand it, and lets the sound one pass."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from isocket.domain.commands import Command
from isocket.domain.watches import Watch
from isocket.kit.ids import derived_id
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import AlreadyThereError, is_
from isocket.storage.records import StoredRecords
from isocket.storage.worker import claim, settle
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.dying import Died, DyingRecords, DyingTelemetry, Fuse, every_crash_point

QUEUED = Command(id="c1", device_id="d1", account_id="a", name="on", created_at=NOON, expires_at=NOON)


@dataclass
class World:
    clock: ManualClock = field(default_factory=ManualClock)
    records: StoredRecords = field(default_factory=lambda: StoredRecords(MemoryDocuments()))
    telemetry: MemoryTelemetry = field(default_factory=MemoryTelemetry)


async def build() -> World:
    world = World()
    await world.records.add_all([QUEUED, replace(QUEUED, id="c2")])
    return world


async def sound(world: World, fuse: Fuse) -> None:
    """Note each command by a derived id, and mark it done last."""
    records = DyingRecords(world.records, fuse)
    await world.clock.advance(60)
    while held := await claim(records, Command, is_("error", None), clock=world.clock, lease_s=30):
        await records.add_all([Watch(id=derived_id("w", held.id))])
        await settle(records, held, error="done")


async def forgetful(world: World, fuse: Fuse) -> None:
    """Mark it done first: a death in between loses the note."""
    records = DyingRecords(world.records, fuse)
    await world.clock.advance(60)
    while held := await claim(records, Command, is_("error", None), clock=world.clock, lease_s=30):
        await settle(records, held, error="done")
        await records.add_all([Watch(id=derived_id("w", held.id))])


async def repeating(world: World, fuse: Fuse) -> None:
    """Refuse to find its own note: the second run stumbles over the first."""
    records = DyingRecords(world.records, fuse)
    await world.clock.advance(60)
    while held := await claim(records, Command, is_("error", None), clock=world.clock, lease_s=30):
        await records.add(Watch(id=derived_id("w", held.id)))
        await settle(records, held, error="done")


async def check(world: World) -> None:
    assert await world.records.count(Watch) == 2
    assert await world.records.count(Command, is_("error", "done")) == 2


async def test_a_sound_worker_stands_every_death() -> None:
    assert await every_crash_point(build, sound, check) == 2 * (3 + 3 + 1)


async def test_a_worker_that_forgets_is_found_and_the_death_is_named() -> None:
    with pytest.raises(AssertionError) as found:
        await every_crash_point(build, forgetful, check)
    assert found.value.__notes__ == ["death after verb 2 of 7"]


async def test_a_worker_that_stumbles_over_itself_is_found() -> None:
    with pytest.raises(AlreadyThereError):
        await every_crash_point(build, repeating, check)


async def test_a_check_that_already_fails_without_any_death_fails() -> None:
    async def impossible(world: World) -> None:
        assert await world.records.count(Watch) == 3

    with pytest.raises(AssertionError):
        await every_crash_point(build, sound, impossible)


async def test_a_run_that_uses_no_dying_store_proves_nothing_and_is_refused() -> None:
    async def elsewhere(world: World, fuse: Fuse) -> None:
        await world.records.add_all([Watch(id="w1"), Watch(id="w2")])

    async def anything(world: World) -> None:
        pass

    with pytest.raises(AssertionError, match="left nothing"):
        await every_crash_point(build, elsewhere, anything)


async def test_deaths_inside_task_groups_are_seen_too() -> None:
    async def grouped(world: World, fuse: Fuse) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sound(world, fuse))

    assert await every_crash_point(build, grouped, check) == 14


async def test_before_means_that_nothing_is_stored_and_after_that_it_is() -> None:
    for after in (False, True):
        world = World()
        with pytest.raises(Died):
            await DyingRecords(world.records, Fuse(1, after=after)).add(QUEUED)
        assert await world.records.count(Command) == after


async def test_both_stores_of_a_process_share_one_fuse_and_stay_dead() -> None:
    world, fuse = World(), Fuse(2)
    records, telemetry = DyingRecords(world.records, fuse), DyingTelemetry(world.telemetry, fuse)
    await records.count(Command)
    with pytest.raises(Died):
        await telemetry.latest(["d1"])
    with pytest.raises(Died):
        await records.count(Command)
    assert fuse.verbs == 2


async def test_no_exception_handler_of_a_worker_catches_a_death() -> None:
    async def careless() -> None:
        try:
            await DyingRecords(World().records, at=1).count(Command)
        except Exception:  # noqa: BLE001 - as workers do
            pytest.fail("a death was taken for an error")

    with pytest.raises(Died):
        await careless()
