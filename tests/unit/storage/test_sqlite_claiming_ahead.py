"""A device that begins to wait is claimed in the same commit for a judge who has nothing to do."""

from datetime import timedelta
from pathlib import Path

import pytest

from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.kit.clock import to_ms
from isocket.storage.port import StoreUnavailableError
from isocket.storage.sqlite import SqliteStore
from isocket.storage.sqlite_waiting import FREE_FOR_S
from isocket.storage.telemetry import Waiting
from tests.fakes.clock import ManualClock

LEASE_S = 30.0


def alarm(device_id: str, clock: ManualClock, seq: int = 1) -> Report:
    at_ms = to_ms(clock.now())
    return Report(device_id, ReportKind.ALARM, 1, seq, at_ms, at_ms, ClockQuality.DEVICE, '{"mains":false}', {})


async def ask(store: SqliteStore, clock: ManualClock, owner: str = "judge", *, ahead: bool = True) -> Waiting | None:
    return await store.telemetry.claim_waiting(owner=owner, now=clock.now(), lease_s=LEASE_S, ahead=ahead)


async def test_who_asked_in_vain_has_the_next_device_as_soon_as_it_is_stored(
    store: SqliteStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await ask(store, clock) is None
    await store.telemetry.store([alarm("d1", clock)])
    with monkeypatch.context() as patch:

        async def written(*_: object, **__: object) -> None:
            raise StoreUnavailableError("nothing is written here")

        patch.setattr(store.telemetry._waiting, "_write", written)
        waiting = await ask(store, clock)
    assert waiting is not None
    assert (waiting.device_id, [each.seq for each in waiting.reports]) == ("d1", [1])
    assert await store.telemetry.settle(waiting, envelope=None, wake_at=None, silent_after_s=None)
    assert not await store.telemetry.reports_waiting()


async def test_nobody_else_gets_what_was_claimed_ahead_and_each_gets_one(
    store: SqliteStore, clock: ManualClock
) -> None:
    for owner in ("a", "b"):
        assert await ask(store, clock, owner) is None
    await store.telemetry.store([alarm(f"d{number}", clock) for number in range(4)])
    foreign = [await ask(store, clock, "c", ahead=False) for _ in range(3)]
    ahead = [await ask(store, clock, owner) for owner in ("a", "b")]
    got = [None if each is None else each.device_id for each in (*ahead, *foreign)]
    assert got == ["d0", "d1", "d2", "d3", None]


async def test_who_does_not_ask_any_more_is_not_claimed_for(store: SqliteStore, clock: ManualClock) -> None:
    assert await ask(store, clock) is None
    await clock.advance(FREE_FOR_S + 0.1)
    await store.telemetry.store([alarm("d1", clock)])
    other = await ask(store, clock, "another process", ahead=False)
    assert other is not None


async def test_what_was_claimed_ahead_and_never_fetched_is_claimed_by_anybody_when_its_lease_is_over(
    store: SqliteStore, clock: ManualClock
) -> None:
    assert await ask(store, clock) is None
    await store.telemetry.store([alarm("d1", clock)])
    await clock.advance(LEASE_S * 0.6)
    assert await ask(store, clock) is None
    await clock.advance(LEASE_S * 0.5)
    again = await ask(store, clock)
    assert again is not None
    assert again.device_id == "d1"


async def test_a_device_that_somebody_holds_is_not_claimed_ahead(store: SqliteStore, clock: ManualClock) -> None:
    await store.telemetry.store([alarm("d1", clock)])
    held = await ask(store, clock, "a")
    assert held is not None
    assert await ask(store, clock, "b") is None
    await store.telemetry.store([alarm("d1", clock, seq=2)])
    assert await ask(store, clock, "b") is None
    assert await store.telemetry.settle(
        held, envelope=None, wake_at=clock.now() + timedelta(hours=1), silent_after_s=None
    )
    following = await ask(store, clock, "b")
    assert following is not None
    assert [each.seq for each in following.reports] == [2]


async def test_what_nobody_fetched_until_the_end_waits_for_no_lease_after_the_next_start(
    store: SqliteStore, clock: ManualClock, file: Path
) -> None:
    assert await ask(store, clock) is None
    await store.telemetry.store([alarm("d1", clock)])
    await store.close()
    following = await SqliteStore.open(file, clock=clock)
    try:
        waiting = await ask(following, clock)
    finally:
        await following.close()
    assert waiting is not None
    assert (waiting.device_id, [each.seq for each in waiting.reports]) == ("d1", [1])
