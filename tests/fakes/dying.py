"""Stores that kill the process before or after any verb, and a helper that tries every one of these deaths."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from isocket.domain.record import Record
from isocket.domain.reports import DeviceState, Envelope, Order, Report
from isocket.storage.port import Asked, Changes, Records, Test, Value
from isocket.storage.table import Table, TableCursor
from isocket.storage.telemetry import Arrival, Confirmed, News, NewsCursor, RollCall, Series, Telemetry, Waiting

R = TypeVar("R", bound=Record)
T = TypeVar("T")
W = TypeVar("W")


class Died(BaseException):
    """The process has gone. Whatever would still run in it finds its stores dead."""


class Fuse:
    """Counts verbs over all stores of one process and ends it at the `at`-th: before it, or after it is stored."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at = at
        self.after = after
        self.verbs = 0
        self.left: list[int] = []  # the verbs that left something in the store
        self.burnt = False

    async def guard(self, verb: Callable[[], Awaitable[T]], *, leaves: Callable[[T], bool] = bool) -> T:
        """Run the verb unless the process is dead or dies of it. `leaves` tells by its answer whether it wrote."""
        if self.burnt:
            raise Died("dead processes ask nothing")
        self.verbs += 1
        if (number := self.verbs) != self.at:
            answer = await verb()
            if leaves(answer):
                self.left.append(number)
            return answer
        if self.after:
            await verb()
        self.burnt = True
        raise Died(str(self))

    def __str__(self) -> str:
        return f"death {'after' if self.after else 'before'} verb {self.at}"


def _always(_: object) -> bool:
    return True


def _never(_: object) -> bool:
    return False


class DyingRecords:
    """The Records port of a process that may die at any verb."""

    def __init__(self, inner: Records, fuse: Fuse | None = None, *, at: int | None = None) -> None:
        self._inner = inner
        self.fuse = fuse or Fuse(at)

    async def add(self, record: Record, *more: Record, synced: bool = True) -> None:
        await self.fuse.guard(lambda: self._inner.add(record, *more, synced=synced), leaves=_always)

    async def add_all(self, records: Sequence[Record]) -> int:
        return await self.fuse.guard(lambda: self._inner.add_all(records))

    async def get(self, kind: type[R], record_id: str) -> R | None:
        return await self.fuse.guard(lambda: self._inner.get(kind, record_id), leaves=_never)

    async def find(
        self,
        kind: type[R],
        *tests: Test,
        order_by: str = "id",
        descending: bool = False,
        limit: int | None = None,
        after: tuple[Value, str] | None = None,
    ) -> list[R]:
        return await self.fuse.guard(
            lambda: self._inner.find(kind, *tests, order_by=order_by, descending=descending, limit=limit, after=after),
            leaves=_never,
        )

    async def find_each(self, *asked: Asked) -> list[list[Any]]:
        return await self.fuse.guard(lambda: self._inner.find_each(*asked), leaves=_never)

    async def change_one(self, kind: type[R], *tests: Test, order_by: str = "id", **changes: Any) -> R | None:
        return await self.fuse.guard(lambda: self._inner.change_one(kind, *tests, order_by=order_by, **changes))

    async def change_all(self, kind: type[R], *tests: Test, **changes: Any) -> int:
        return await self.fuse.guard(lambda: self._inner.change_all(kind, *tests, **changes))

    async def remove_all(self, kind: type[R], *tests: Test, limit: int | None = None) -> int:
        return await self.fuse.guard(lambda: self._inner.remove_all(kind, *tests, limit=limit))

    async def count(self, kind: type[R], *tests: Test) -> int:
        return await self.fuse.guard(lambda: self._inner.count(kind, *tests), leaves=_never)

    async def changes(self, after: int, *, limit: int = 1000) -> Changes:
        return await self.fuse.guard(lambda: self._inner.changes(after, limit=limit))


class DyingTelemetry:
    """The Telemetry port of a process that may die at any verb."""

    def __init__(self, inner: Telemetry, fuse: Fuse | None = None, *, at: int | None = None) -> None:
        self._inner = inner
        self.fuse = fuse or Fuse(at)

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        return await self.fuse.guard(lambda: self._inner.store(reports))

    async def note_presence(self, device_id: str, *, online: bool, at: datetime) -> None:
        await self.fuse.guard(lambda: self._inner.note_presence(device_id, online=online, at=at), leaves=_always)

    async def confirmed(self, device_ids: Sequence[str]) -> dict[str, Confirmed]:
        return await self.fuse.guard(lambda: self._inner.confirmed(device_ids), leaves=_never)

    async def note_confirmed(self, upto: Mapping[str, Order]) -> None:
        await self.fuse.guard(lambda: self._inner.note_confirmed(upto), leaves=_always)

    async def latest(self, device_ids: Sequence[str]) -> dict[str, DeviceState]:
        return await self.fuse.guard(lambda: self._inner.latest(device_ids), leaves=_never)

    async def arrivals(self, device_id: str, *, start: datetime, end: datetime) -> list[Arrival]:
        return await self.fuse.guard(lambda: self._inner.arrivals(device_id, start=start, end=end))

    async def roll_up(self, *, limit: int = 1000) -> int:
        return await self.fuse.guard(lambda: self._inner.roll_up(limit=limit))

    async def prunable(self, before: datetime, *, sparing: Sequence[str] = ()) -> int:
        return await self.fuse.guard(lambda: self._inner.prunable(before, sparing=sparing))

    async def prune(self, before: datetime, *, limit: int = 500, sparing: Sequence[str] = ()) -> int:
        return await self.fuse.guard(lambda: self._inner.prune(before, limit=limit, sparing=sparing))

    async def news(self, after: NewsCursor | None, device_ids: Sequence[str]) -> News:
        return await self.fuse.guard(lambda: self._inner.news(after, device_ids))

    async def series(
        self,
        device_id: str,
        *,
        start: datetime,
        end: datetime,
        step: str = "raw",
        fields: Sequence[str] | None = None,
        cursor: str | None = None,
        limit: int = 10_000,
        time_zone: str = "UTC",
        spread: bool = False,
    ) -> Series:
        return await self.fuse.guard(
            lambda: self._inner.series(
                device_id,
                start=start,
                end=end,
                step=step,
                fields=fields,
                cursor=cursor,
                limit=limit,
                time_zone=time_zone,
                spread=spread,
            ),
            leaves=_never,
        )

    async def reports(
        self, device_id: str, *, start: datetime, end: datetime, after: Report | None = None, limit: int = 10_000
    ) -> list[Report]:
        return await self.fuse.guard(
            lambda: self._inner.reports(device_id, start=start, end=end, after=after, limit=limit),
            leaves=_never,
        )

    async def table(
        self, device_id: str, *, start: datetime, end: datetime, after: TableCursor | None = None, limit: int = 5_000
    ) -> Table:
        return await self.fuse.guard(
            lambda: self._inner.table(device_id, start=start, end=end, after=after, limit=limit), leaves=_never
        )

    async def take_in(self, reports: Sequence[Report]) -> int:
        return await self.fuse.guard(lambda: self._inner.take_in(reports))

    async def named(self, device_id: str, order: Order) -> Report | None:
        return await self.fuse.guard(lambda: self._inner.named(device_id, order), leaves=_never)

    async def whole_since(self) -> datetime:
        return await self.fuse.guard(self._inner.whole_since, leaves=_never)

    async def claim_waiting(self, *, owner: str, now: datetime, lease_s: float, ahead: bool = False) -> Waiting | None:
        return await self.fuse.guard(
            lambda: self._inner.claim_waiting(owner=owner, now=now, lease_s=lease_s, ahead=ahead)
        )

    async def settle(
        self,
        waiting: Waiting,
        *,
        envelope: Envelope | None,
        wake_at: datetime | None,
        silent_after_s: float | None,
    ) -> bool:
        return await self.fuse.guard(
            lambda: self._inner.settle(waiting, envelope=envelope, wake_at=wake_at, silent_after_s=silent_after_s)
        )

    async def wake(self, device_id: str) -> None:
        await self.fuse.guard(lambda: self._inner.wake(device_id), leaves=_always)

    async def roll_call(self, *, now: datetime, within_s: float) -> RollCall:
        return await self.fuse.guard(lambda: self._inner.roll_call(now=now, within_s=within_s), leaves=_never)

    async def gone(self, *, now: datetime, within_s: float, limit: int, after: str = "") -> list[str]:
        return await self.fuse.guard(
            lambda: self._inner.gone(now=now, within_s=within_s, limit=limit, after=after), leaves=_never
        )

    async def start_over(self, device_id: str, *, beyond: Order, below: Order) -> None:
        await self.fuse.guard(lambda: self._inner.start_over(device_id, beyond=beyond, below=below), leaves=_always)

    async def forget(self, device_id: str) -> int:
        return await self.fuse.guard(lambda: self._inner.forget(device_id))

    async def reports_waiting(self) -> int:
        return await self.fuse.guard(self._inner.reports_waiting, leaves=_never)


async def every_crash_point(
    build: Callable[[], Awaitable[W]],
    run: Callable[[W, Fuse], Awaitable[None]],
    check: Callable[[W], Awaitable[None]],
    *,
    worth: Callable[[int], bool] = bool,
) -> int:
    """Kill the work before and after each verb that left something, let a fresh worker finish, and check what is there.

    A verb that only looked, or found nothing to change, needs no death of its own: who dies there leaves what who
    dies right after the last write leaves, or, where a provider was called since, right before the next one.

    `build` makes a fresh world: real stores with the work to do in them. `run` starts fresh workers whose stores
    are `DyingRecords(world.records, fuse)` and `DyingTelemetry(world.telemetry, fuse)`, and returns when nothing is
    left to do; it lets leases run out by itself (moving the clock). `check` asserts what must be true of the world.

    `worth` picks among those verbs, counted from 1, where a run repeats itself. Returns how many deaths that covers:
    two for each verb up to and with each that was tried. An assertion that fails names the death.
    """
    world = await build()
    whole = Fuse()
    await run(world, whole)
    await check(world)
    if not whole.left:
        raise AssertionError("the run left nothing in a dying store, so nothing could be tried")
    covered, before = 0, 0
    for nth, at in enumerate(whole.left, start=1):
        if worth(nth):
            covered += 2 * (at - before)
            for after in (False, True):
                await _named(_die_and_go_on(build, run, check, fuse := Fuse(at, after=after)), fuse, whole)
        before = at
    return covered + (2 * (whole.verbs - before) if worth(len(whole.left)) else 0)


async def _named(death: Awaitable[None], fuse: Fuse, whole: Fuse) -> None:
    try:
        await death
    except BaseException as error:
        error.add_note(f"{fuse} of {whole.verbs}")
        raise


async def _die_and_go_on(
    build: Callable[[], Awaitable[W]],
    run: Callable[[W, Fuse], Awaitable[None]],
    check: Callable[[W], Awaitable[None]],
    fuse: Fuse,
) -> None:
    world = await build()
    try:
        await run(world, fuse)
    except* Died:
        pass
    if not fuse.burnt:
        raise AssertionError("the death did not happen: the run does not repeat itself verb by verb")
    await run(world, Fuse())
    await check(world)
