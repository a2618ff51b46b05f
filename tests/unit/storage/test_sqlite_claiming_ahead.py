"""A device that begins to wait is claimed in the same commit for a judge who has nothing to do."""

import asyncio
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.kit.clock import SystemClock, to_ms
from isocket.storage.port import StoreUnavailableError
from isocket.storage.sqlite import SqliteStore
from isocket.storage.sqlite_waiting import FREE_FOR_S, NOBODY_FOR_S
from isocket.storage.telemetry import Waiting
from isocket.storage.wakeups import Wakeups
from tests.fakes.clock import ManualClock
from tests.fakes.patience import PATIENCE_S

LEASE_S = 30.0


def alarm(device_id: str, clock: ManualClock, seq: int = 1) -> Report:
    at_ms = to_ms(clock.now())
    return Report(device_id, ReportKind.ALARM, 1, seq, at_ms, at_ms, ClockQuality.DEVICE, '{"mains":false}', {})


async def ask(store: SqliteStore, clock: ManualClock, owner: str = "judge", *, ahead: bool = True) -> Waiting | None:
    return await store.telemetry.claim_waiting(owner=owner, now=clock.now(), lease_s=LEASE_S, ahead=ahead)


class SlowDisk:
    """The writer's connection, whose commits wait until the disk is told to go on, or to fail."""

    def __init__(self, store: SqliteStore) -> None:
        writer = store._file._writer
        self._inner = writer._connection
        self._commits = threading.Semaphore(0)  # that may go on
        self._is_asked = threading.Event()
        self._fails = False
        writer._connection = self  # type: ignore[assignment]  # all that the writer does with it

    async def asked(self) -> None:
        """Return when a commit waits: what is asked for from now on is in the next one."""
        assert await asyncio.to_thread(self._is_asked.wait, PATIENCE_S)

    def go_on(self, commits: int = 100, *, failing: bool = False) -> None:
        self._fails = failing
        self._is_asked.clear()
        self._commits.release(commits)

    def execute(self, statement: str, *values: Any) -> object:
        if statement == "COMMIT":
            self._is_asked.set()
            assert self._commits.acquire(timeout=PATIENCE_S)
            if self._fails:
                self._fails = False
                raise sqlite3.OperationalError("disk I/O error")
        return self._inner.execute(statement, *values)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


async def told_of(store: SqliteStore, report: Report) -> "asyncio.Task[list[bool]]":
    """Begin to store a report; return when whoever waits for devices is told."""
    store.telemetry._wakeups = Wakeups()
    bell = store.telemetry._wakeups.bell("telemetry")
    storing = asyncio.create_task(store.telemetry.store([report]))
    await bell.wait(SystemClock(), PATIENCE_S)
    return storing


def note(connection: sqlite3.Connection) -> int:
    connection.execute("CREATE TABLE IF NOT EXISTS notes (note INTEGER)")
    return connection.execute("insert INTO notes VALUES (1)").rowcount


async def test_who_is_free_hears_before_it_is_on_disk_and_what_they_write_comes_after_it(
    store: SqliteStore, clock: ManualClock
) -> None:
    assert await ask(store, clock) is None
    disk = SlowDisk(store)
    storing = await told_of(store, alarm("d1", clock))
    waiting = await ask(store, clock)
    assert waiting is not None
    assert [each.seq for each in waiting.reports] == [1]
    await disk.asked()  # what came before that would share its commit
    writing = asyncio.create_task(store._file.write(note))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not storing.done()
    assert not writing.done()
    disk.go_on(1)
    assert await storing == [True]
    await disk.asked()
    assert not writing.done()
    assert await store.telemetry.reports_waiting() == 1, "it is there already"
    disk.go_on()
    assert await writing == 1
    assert await store.telemetry.settle(waiting, envelope=None, wake_at=None, silent_after_s=None)


async def test_what_rests_on_something_that_was_not_stored_is_not_stored_either(
    store: SqliteStore, clock: ManualClock
) -> None:
    assert await ask(store, clock) is None
    disk = SlowDisk(store)
    storing = await told_of(store, alarm("d1", clock))
    assert await ask(store, clock) is not None
    disk.go_on(failing=True)
    with pytest.raises(StoreUnavailableError, match="disk I/O error"):
        await storing
    with pytest.raises(StoreUnavailableError, match="rests on"):
        await store._file.write(note)
    assert await ask(store, clock) is None  # who asks again rests on nothing any more
    assert await store._file.write(note) == 1
    assert await store.telemetry.store([alarm("d1", clock)]) == [True]


async def told_by_somebody_cancelled(store: SqliteStore, clock: ManualClock) -> tuple[SlowDisk, "asyncio.Task[int]"]:
    """Return somebody who writes on the strength of a report whose asker was cancelled, and the disk it waits for."""
    assert await ask(store, clock) is None
    disk = SlowDisk(store)
    storing = await told_of(store, alarm("d1", clock))
    assert await ask(store, clock) is not None
    storing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await storing
    writing = asyncio.create_task(store._file.write(note))
    await asyncio.sleep(0)
    return disk, writing


async def test_who_was_told_by_somebody_that_was_cancelled_writes_after_what_is_stored_all_the_same(
    store: SqliteStore, clock: ManualClock
) -> None:
    disk, writing = await told_by_somebody_cancelled(store, clock)
    disk.go_on()
    assert await writing == 1
    assert await store.telemetry.reports_waiting() == 1


async def test_who_was_told_by_somebody_that_was_cancelled_writes_nothing_when_that_was_not_stored(
    store: SqliteStore, clock: ManualClock
) -> None:
    disk, writing = await told_by_somebody_cancelled(store, clock)
    disk.go_on(failing=True)
    with pytest.raises(StoreUnavailableError, match="rests on"):
        await writing


async def test_for_what_is_written_after_its_asker_was_cancelled_nobody_claims_ahead(
    store: SqliteStore, clock: ManualClock
) -> None:
    assert await ask(store, clock) is None
    disk = SlowDisk(store)
    first = asyncio.create_task(store._file.write(note))
    await disk.asked()
    storing = asyncio.create_task(store.telemetry.store([alarm("d1", clock)]))
    await asyncio.sleep(0)
    storing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await storing
    disk.go_on()
    assert await first == 1
    assert await store._file.write(note) == 1  # and all that was asked for before
    waiting = await ask(store, clock, "another process", ahead=False)
    assert waiting is not None
    assert waiting.device_id == "d1"


async def test_claims_of_a_group_that_had_to_be_written_once_more_are_the_second_ones(
    store: SqliteStore, clock: ManualClock
) -> None:
    def fail(_: sqlite3.Connection) -> None:
        raise ValueError("as it happens")

    assert await ask(store, clock) is None
    disk = SlowDisk(store)
    first = asyncio.create_task(store._file.write(note))  # those behind it are one group
    await disk.asked()
    storing = asyncio.create_task(store.telemetry.store([alarm("d1", clock)]))
    failing = asyncio.create_task(store._file.write(fail))
    await asyncio.sleep(0)
    disk.go_on()
    assert await first == 1
    assert await storing == [True]
    with pytest.raises(ValueError, match="as it happens"):
        await failing
    waiting = await ask(store, clock)
    assert waiting is not None
    assert await store._file.write(note) == 1
    assert await store.telemetry.settle(waiting, envelope=None, wake_at=None, silent_after_s=None)


async def test_whoever_took_the_first_claim_of_such_a_group_writes_nothing_and_has_the_second_when_they_ask_again(
    store: SqliteStore, clock: ManualClock
) -> None:
    def fail(_: sqlite3.Connection) -> None:
        raise ValueError("as it happens")

    assert await ask(store, clock) is None
    disk = SlowDisk(store)
    first = asyncio.create_task(store._file.write(note))
    await disk.asked()
    storing = asyncio.create_task(store.telemetry.store([alarm("d1", clock)]))
    failing = asyncio.create_task(store._file.write(fail))
    await asyncio.sleep(0)
    disk.go_on(1)
    await disk.asked()  # for the second time of storing, by itself: both claims are handed over
    assert await first == 1
    rolled_back = await ask(store, clock)
    assert rolled_back is not None
    writing = asyncio.create_task(store._file.write(note))
    disk.go_on()
    assert await storing == [True]
    with pytest.raises(ValueError, match="as it happens"):
        await failing
    with pytest.raises(StoreUnavailableError, match="rests on"):
        await writing
    waiting = await ask(store, clock)
    assert waiting is not None
    assert [each.seq for each in waiting.reports] == [1]
    assert await store._file.write(note) == 1
    assert await store.telemetry.settle(waiting, envelope=None, wake_at=None, silent_after_s=None)


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


async def test_of_what_comes_together_alarms_are_claimed_ahead(store: SqliteStore, clock: ManualClock) -> None:
    assert await ask(store, clock) is None
    state = alarm("d1", clock)._replace(kind=ReportKind.STATE)
    await store.telemetry.store([state, alarm("d2", clock)])
    waiting = await ask(store, clock)
    assert waiting is not None
    assert waiting.device_id == "d2"


async def test_of_several_who_wait_one_is_woken_for_one_device(store: SqliteStore, clock: ManualClock) -> None:
    store.telemetry._wakeups = wakeups = Wakeups()
    bells = [wakeups.bell("telemetry") for _ in range(3)]
    waiting = [asyncio.create_task(each.wait(SystemClock(), PATIENCE_S)) for each in bells]
    assert await ask(store, clock) is None
    await store.telemetry.store([alarm("d1", clock)])
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert sum(each.done() for each in waiting) == 1
    wakeups.ring("telemetry")
    await asyncio.gather(*waiting)


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


async def test_what_another_process_stored_is_found_a_moment_after_a_look_in_vain(
    store: SqliteStore, clock: ManualClock, file: Path
) -> None:
    assert await ask(store, clock) is None
    other = await SqliteStore.open(file, clock=clock)
    try:
        await other.telemetry.store([alarm("d1", clock)])
    finally:
        await other.close()
    assert await ask(store, clock) is None
    await clock.advance(NOBODY_FOR_S)
    assert await ask(store, clock) is not None


async def test_what_begins_to_wait_here_is_found_at_once(store: SqliteStore, clock: ManualClock) -> None:
    assert await ask(store, clock) is None
    await clock.advance(FREE_FOR_S + 0.1)  # nobody is claimed for any more
    assert await ask(store, clock, "look", ahead=False) is None
    await store.telemetry.store([alarm("d1", clock)])
    first = await ask(store, clock)
    assert first is not None
    assert await store.telemetry.settle(first, envelope=None, wake_at=None, silent_after_s=None)
    assert await ask(store, clock) is None
    await store.telemetry.wake("d1")
    assert await ask(store, clock) is not None


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
