"""Network addresses are counted under keys that change and are destroyed, so that old counts name nobody."""

import pytest

from isocket.domain.accounts import Bucket
from isocket.kit.clock import EPOCH
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from portal_api.limit_keys import KEPT_WEEKS, LONGEST_S, LimitKeys, week_of
from portal_api.limits import Limits, Rate
from tests.fakes.clock import ManualClock

RATE = Rate(name="trial", tries=5, per_s=50)
CLIENT = "203.0.113.77"
A_WEEK_S = 7 * 86_400


class CountingKeyring(MemoryKeyring):
    """Counts how often it is asked."""

    asked = 0

    async def key_for(self, person: str, *, create: bool = False) -> bytes | None:
        self.asked += 1
        return await super().key_for(person, create=create)


def limits(keyring: MemoryKeyring | None, clock: ManualClock, records: StoredRecords) -> Limits:
    return Limits(records, clock, key=b"secret", keyring=keyring)


@pytest.mark.clause("C1-14")
async def test_an_address_has_another_name_each_week_and_the_key_of_long_ago_is_destroyed() -> None:
    clock, keyring, records = ManualClock(), MemoryKeyring(), StoredRecords(MemoryDocuments())
    counted = limits(keyring, clock, records)
    week = week_of(clock.now())
    await counted.take(RATE, CLIENT)
    await clock.advance(A_WEEK_S)
    await counted.take(RATE, CLIENT)
    buckets = await records.find(Bucket)
    assert len({each.id for each in buckets}) == 2
    assert not any(CLIENT in each.id for each in buckets)
    for _ in range(KEPT_WEEKS):
        await clock.advance(A_WEEK_S)
        await counted.take(RATE, CLIENT)
    assert await keyring.was_destroyed(f"limits of week {week}")
    assert await keyring.key_for(f"limits of week {week}") is None
    assert await keyring.key_for(f"limits of week {week_of(clock.now())}") is not None


@pytest.mark.parametrize("weeks", [18, 26, 400])
async def test_a_portal_that_stood_still_for_long_destroys_the_keys_from_before(weeks: int) -> None:
    clock, keyring = ManualClock(), MemoryKeyring()
    week = week_of(clock.now())
    await LimitKeys(clock, secret=b"secret", keyring=keyring).now()
    await clock.advance(weeks * A_WEEK_S)
    await LimitKeys(clock, secret=b"secret", keyring=keyring).now()
    assert await keyring.was_destroyed(f"limits of week {week}")


async def test_a_note_holds_for_its_whole_time_across_the_weeks_and_for_every_process() -> None:
    clock, keyring, records = ManualClock(), MemoryKeyring(), StoredRecords(MemoryDocuments())
    one, other = limits(keyring, clock, records), limits(keyring, clock, records)
    await one.remember(30 * 86_400, "known", CLIENT)
    await clock.advance(29 * 86_400)
    assert await one.remembers("known", CLIENT)
    assert await other.remembers("known", CLIENT)
    assert not await other.remembers("known", "203.0.113.78")
    await clock.advance(2 * 86_400)
    assert not await one.remembers("known", CLIENT)


async def test_two_processes_count_together_within_a_week() -> None:
    clock, keyring, records = ManualClock(), MemoryKeyring(), StoredRecords(MemoryDocuments())
    one, other = limits(keyring, clock, records), limits(keyring, clock, records)
    for each in (one, other, one, other, one):
        assert await each.take(RATE, CLIENT) == 0
    assert await other.take(RATE, CLIENT) > 0


async def test_the_keys_of_weeks_that_are_over_are_read_once_and_given_up_when_another_begins() -> None:
    clock, keyring = ManualClock(), CountingKeyring()
    keys = LimitKeys(clock, secret=b"secret", keyring=keyring)
    first = await keys.now()
    await clock.advance(A_WEEK_S)
    second = await keys.now()
    assert await keys.lately() == [second, first]
    asked = keyring.asked
    assert await keys.lately() == [second, first]
    assert keyring.asked == asked
    await clock.advance((KEPT_WEEKS - 1) * A_WEEK_S)
    assert first not in await keys.lately()


async def test_a_clock_that_is_set_back_behind_destroyed_keys_still_limits() -> None:
    clock, keyring = ManualClock(), MemoryKeyring()
    await keyring.destroy(f"limits of week {week_of(clock.now())}")
    counted = limits(keyring, clock, StoredRecords(MemoryDocuments()))
    for _ in range(5):
        await counted.take(RATE, CLIENT)
    assert await counted.take(RATE, CLIENT) > 0


async def test_what_may_come_once_does_not_come_again_because_a_week_ends_meanwhile() -> None:
    clock, keyring = ManualClock(), MemoryKeyring()
    counted = limits(keyring, clock, StoredRecords(MemoryDocuments()))
    to_the_end_s = A_WEEK_S - (clock.now() - EPOCH).total_seconds() % A_WEEK_S
    await clock.advance(to_the_end_s - 1)
    assert await counted.once(90, "code", "123456")
    await clock.advance(2)
    assert not await counted.once(90, "code", "123456")
    assert await counted.once(90, "code", "654321")


async def test_nothing_is_noted_for_longer_than_its_key_is_kept() -> None:
    clock, keyring = ManualClock(), MemoryKeyring()
    counted = limits(keyring, clock, StoredRecords(MemoryDocuments()))
    await counted.remember(LONGEST_S, "known", CLIENT)
    await clock.advance(LONGEST_S - 1)
    assert await counted.remembers("known", CLIENT)
    with pytest.raises(ValueError, match="at most"):
        await counted.remember(LONGEST_S + 1, "known", CLIENT)
