"""A clock that stands still until a test moves it."""

import asyncio
import heapq
import math
from datetime import UTC, datetime, timedelta
from itertools import count

from isocket.kit.clock import from_ms, to_ms

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSES = 25  # how often the loop may go round until what was woken has come to rest


class ManualClock:
    """The `Clock` of tests: whoever sleeps wakes up when `advance` passes by, in the order of their times."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = self._start = from_ms(to_ms(start))
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._turn = count()

    def now(self) -> datetime:
        """Return the instant to which the test has moved the clock."""
        return self._now

    def now_ms(self) -> int:
        """Return `now` as whole milliseconds from 1970-01-01T00:00Z."""
        return to_ms(self._now)

    def monotonic_s(self) -> float:
        """Return how far the test has moved the clock."""
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Return when the clock was moved by `seconds`; 0 or less gives way once."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        await self._alarm(seconds)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Return True when `event` is set, False when the clock was moved by `timeout_s` first."""
        if event.is_set() or timeout_s <= 0:
            await asyncio.sleep(0)
            return event.is_set()
        alarm = self._alarm(timeout_s)
        ringing = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((alarm, ringing), return_when=asyncio.FIRST_COMPLETED)
            return ringing.done()
        finally:
            alarm.cancel()
            ringing.cancel()

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass: wake each sleeper at its own time and let the loop run after each."""
        await _let_run()  # so that what was just started has begun to sleep
        end = self._now + timedelta(milliseconds=round(seconds * 1000))
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, alarm = heapq.heappop(self._sleepers)
            if alarm.done():
                continue
            self._now = max(self._now, at)
            alarm.set_result(None)
            await _let_run()
        self._now = max(self._now, end)
        await _let_run()

    def set_back(self, seconds: float) -> None:
        """Set the wall clock back: whoever sleeps, and `monotonic_s`, do not notice."""
        back = timedelta(seconds=seconds)
        self._now, self._start = self._now - back, self._start - back
        self._sleepers = [(at - back, turn, alarm) for at, turn, alarm in self._sleepers]

    @property
    def sleepers(self) -> int:
        """Return how many wait for time to pass."""
        return sum(not alarm.done() for _, _, alarm in self._sleepers)

    def _alarm(self, seconds: float) -> asyncio.Future[None]:
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Up to the next millisecond, which is what the clock can show; 0.07 * 1000 is a hair more than 70.
        at = self._now + timedelta(milliseconds=math.ceil(round(seconds * 1000, 6)))
        heapq.heappush(self._sleepers, (at, next(self._turn), alarm))
        return alarm


async def _let_run() -> None:
    for _ in range(PASSES):
        await asyncio.sleep(0)
