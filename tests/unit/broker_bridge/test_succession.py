"""A bridge that stands by begins where the one that works stands still, and nowhere else."""

from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from broker_bridge.our_presence import OurPresence
from broker_bridge.succession import AFTER_WE_WROTE, BEFORE_WE_KNOCK, LOOKS, Succession
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records, StoreUnavailableError
from isocket.storage.records import StoredRecords
from tests.fakes.clock import ManualClock
from tests.fakes.full_disk import FullDisk


@dataclass
class Two:
    """A bridge that works and one that stands by; a second passes at each look of the latter."""

    clock: ManualClock = field(default_factory=ManualClock)
    records: Records = field(default_factory=lambda: StoredRecords(MemoryDocuments()))
    broker_is_there: bool = True
    knocks: int = 0

    def __post_init__(self) -> None:
        self.works = OurPresence(self.records, self.clock)
        self.next = Succession(self.records, self.broker_answers)

    async def broker_answers(self) -> bool:
        self.knocks += 1
        return self.broker_is_there

    async def looks(self, times: int, *, heard: bool | None = None) -> list[int]:
        """Let the one look so often, and the other hear or not, None: it stands still; return which looks said go."""
        said: list[int] = []
        for number in range(times):
            await self.clock.advance(1)
            if heard is not None:
                await self.works.note(heard=heard)
            if await self.next.is_open():
                said.append(number)
        return said


@pytest.fixture
async def two() -> Two:
    two = Two()
    await two.works.note(heard=True)
    await two.next.is_open()
    return two


async def test_who_hears_is_left_alone_and_the_broker_as_well(two: Two) -> None:
    assert await two.looks(3 * LOOKS, heard=True) == []
    assert two.knocks == 0


@pytest.mark.parametrize("heard", [None, False])
async def test_who_stands_still_or_is_refused_is_followed_once_it_is_sure(two: Two, heard: bool | None) -> None:
    looks = LOOKS + AFTER_WE_WROTE
    assert await two.looks(looks, heard=heard) == [looks - 1]


async def test_while_there_is_no_broker_nobody_is_followed_nor_before_the_other_had_time_to_come_back(two: Two) -> None:
    two.broker_is_there = False
    assert await two.looks(3 * LOOKS, heard=False) == []
    two.broker_is_there = True
    assert await two.looks(LOOKS - BEFORE_WE_KNOCK - 1, heard=False) == []
    assert await two.looks(LOOKS, heard=True) == []


async def test_a_clock_that_jumps_says_nothing_of_who_works(two: Two) -> None:
    await two.looks(LOOKS // 2)
    await two.clock.advance(3600)
    assert await two.looks(1) == []
    assert await two.looks(LOOKS, heard=True) == []


async def test_who_cannot_write_follows_nobody() -> None:
    disk = FullDisk()
    two = Two(records=disk)
    await two.works.note(heard=True)
    await two.next.is_open()
    disk.is_full = True
    assert await two.looks(2 * LOOKS) == []
    disk.is_full = False
    assert await two.looks(LOOKS, heard=True) == []


async def test_who_could_not_write_while_we_could_not_either_is_not_followed_once_both_can() -> None:
    disk = FullDisk()
    two = Two(records=disk)
    await two.works.note(heard=True)
    await two.next.is_open()
    disk.is_full = True
    for look in range(2 * LOOKS):
        await two.clock.advance(1)
        disk.is_full = look < LOOKS - 1  # there is room at the very moment at which we are the first to write
        assert not await two.next.is_open()
        with suppress(StoreUnavailableError):
            await two.works.note(heard=True)
    assert not two.works.superseded.is_set()


@pytest.mark.parametrize("heard", [True, False])
async def test_who_was_followed_hears_of_it_with_its_next_look_and_the_next_does_not(two: Two, heard: bool) -> None:
    await two.looks(LOOKS + AFTER_WE_WROTE)
    follower = OurPresence(two.records, two.clock)
    await two.works.note(heard=heard)
    assert two.works.superseded.is_set()
    for _ in range(LOOKS):
        await two.clock.advance(1)
        await follower.note(heard=True)
    assert not follower.superseded.is_set()


async def test_who_followed_first_is_not_undone_by_one_that_wakes_up_later(two: Two) -> None:
    await two.looks(LOOKS + AFTER_WE_WROTE)
    follower = OurPresence(two.records, two.clock)
    await follower.note(heard=True)
    await two.clock.advance(60)
    await two.works.note(heard=True)
    await two.clock.advance(1)
    await follower.note(heard=True)
    assert (two.works.superseded.is_set(), follower.superseded.is_set()) == (True, False)
