"""Limits let through as many as they say, in all processes together."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocket.domain.accounts import Bucket
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from portal_api.limits import Limits, Rate
from portal_api.problem import ProblemError
from tests.fakes.clock import ManualClock

RATE = Rate(name="trial", tries=5, per_s=50)


def limits(
    records: StoredRecords | None = None, clock: ManualClock | None = None, keyring: MemoryKeyring | None = None
) -> Limits:
    records = records or StoredRecords(MemoryDocuments())
    return Limits(records, clock or ManualClock(), key=b"key", keyring=keyring or MemoryKeyring())


async def test_as_many_as_allowed_pass_and_the_next_waits() -> None:
    counted = limits()
    waits = [await counted.take(RATE, "x") for _ in range(6)]
    assert waits == [0, 0, 0, 0, 0, 10]


async def test_after_the_wait_one_more_passes() -> None:
    clock = ManualClock()
    counted = limits(clock=clock)
    for _ in range(5):
        await counted.take(RATE, "x")
    await clock.advance(10)
    assert [await counted.take(RATE, "x") for _ in range(2)] == [0, 10]


async def test_what_has_another_name_is_counted_apart() -> None:
    counted = limits()
    for _ in range(5):
        await counted.take(RATE, "x")
    assert await counted.take(RATE, "y") == 0
    assert await counted.take(Rate(name="other", tries=5, per_s=50), "x") == 0


async def test_a_try_given_back_was_none() -> None:
    counted = limits()
    for _ in range(20):
        assert await counted.take(RATE, "x") == 0
        await counted.give_back(RATE, "x")


async def test_of_several_limits_none_is_used_up_by_what_another_refuses() -> None:
    counted = limits()
    wide = Rate(name="wide", tries=50, per_s=50)
    for _ in range(10):
        await counted.take_each([(wide, ("everybody",)), (RATE, ("x",))])
    assert await counted.take_each([(wide, ("everybody",)), (RATE, ("x",))]) == 10
    for _ in range(45):
        assert await counted.take(wide, "everybody") == 0
    assert await counted.take_each([(wide, ("everybody",)), (RATE, ("y",))]) == 1
    assert await counted.take(RATE, "y") == 0


async def test_what_is_refused_writes_nothing() -> None:
    records = StoredRecords(MemoryDocuments())
    counted = limits(records)
    for number in range(6):
        await counted.take_each([(RATE, ("everybody",)), (RATE, (f"one {number}",))])
    assert len(await records.find(Bucket)) == 6


async def test_a_refused_try_costs_nothing() -> None:
    clock = ManualClock()
    counted = limits(clock=clock)
    for _ in range(100):
        await counted.take(RATE, "x")
    await clock.advance(10)
    assert await counted.take(RATE, "x") == 0


async def test_many_at_once_in_two_processes_are_counted_exactly() -> None:
    records, clock, keyring = StoredRecords(MemoryDocuments()), ManualClock(), MemoryKeyring()
    processes = [limits(records, clock, keyring) for _ in range(2)]
    waits = await asyncio.gather(*(processes[n % 2].take(RATE, "x") for n in range(40)))
    assert sum(wait_s == 0 for wait_s in waits) == 5


async def test_a_refusal_says_how_long_to_wait() -> None:
    counted = limits()
    for _ in range(5):
        await counted.demand(RATE, "x")
    with pytest.raises(ProblemError) as refused:
        await counted.demand(RATE, "x")
    assert refused.value.problem.headers == {"Retry-After": "10"}


async def test_the_store_does_not_show_what_was_limited() -> None:
    records = StoredRecords(MemoryDocuments())
    await limits(records).take(RATE, "maija@example.org", "192.0.2.7")
    text = repr(await records.find(Bucket))
    assert "maija" not in text
    assert "192.0" not in text


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 30), min_size=1, max_size=40))
async def test_never_more_than_the_rate_passes(pauses: list[float]) -> None:
    clock = ManualClock()
    counted = limits(clock=clock)
    passed, total_s = 0, 0.0
    for pause_s in pauses:
        await clock.advance(pause_s)
        total_s += pause_s
        passed += await counted.take(RATE, "x") == 0
    assert passed <= RATE.tries + total_s * RATE.tries / RATE.per_s + 0.01
