"""The one way to know the time and to wait."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant before all others: a lease that ended then was never taken."""

FAR_AHEAD = timedelta(minutes=10)
"""Nothing happens that far ahead: a time beyond it comes from a wrong clock, or from before ours was set back."""
FAR_AHEAD_MS = 600_000

_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """Tells the time and lets it pass; tests have one that moves by hand."""

    def now(self) -> datetime:
        """Return the present instant: aware, UTC, whole milliseconds."""
        ...

    def now_ms(self) -> int:
        """Return `now` as whole milliseconds from 1970-01-01T00:00Z: what is asked for each message."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that only grow, whatever happens to the wall clock; their zero means nothing."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` (not less; 0 or less gives way once)."""
        ...

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Return True when `event` is set, False when `timeout_s` seconds passed first."""
        ...


class SystemClock:
    """The machine's clock."""

    monotonic_s = staticmethod(time.monotonic)

    def now(self) -> datetime:
        """Return the present instant: aware, UTC, whole milliseconds."""
        return EPOCH + timedelta(milliseconds=time.time_ns() // 1_000_000)

    def now_ms(self) -> int:
        """Return `now` as whole milliseconds from 1970-01-01T00:00Z."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(max(0.0, seconds))

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Return True when `event` is set, False when `timeout_s` seconds passed first."""
        if event.is_set():
            return True
        try:
            async with asyncio.timeout(max(0.0, timeout_s)):
                await event.wait()
        except TimeoutError:
            return False
        return True


def from_ms(milliseconds: int) -> datetime:
    """Return the aware UTC instant `milliseconds` after 1970-01-01T00:00Z."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def to_ms(instant: datetime) -> int:
    """Return whole milliseconds from 1970-01-01T00:00Z to the aware `instant`."""
    return (instant - EPOCH) // _MILLISECOND


def to_text(instant: datetime) -> str:
    """Return RFC 3339 text of fixed width in UTC (`2026-11-22T12:00:00.000Z`): its order is the order of time."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return instant.isoformat(timespec="milliseconds")[:23] + "Z"


def from_text(text: str) -> datetime:
    """Return the instant that `to_text` wrote."""
    return datetime.fromisoformat(text)
