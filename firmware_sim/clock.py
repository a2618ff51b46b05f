"""Moments of simulated time: the only module of the simulator that looks at a clock."""

import time
from dataclasses import dataclass

YEAR_2026_MS = 1_767_225_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a device knows about time: a counter that never goes back, and perhaps the date."""

    up_ms: int
    utc_ms: int | None
    """UTC in milliseconds; None while the device's clock is not set."""


class SimulatedClock:
    """Runs `time_scale` times as fast as the wall; the date stays that of the wall.

    Delays of devices are measured on the fast counter, while `ts` and `expires` are dates the cloud
    compares with its own, so those are never stretched.
    """

    def __init__(self, *, time_scale: float = 1.0) -> None:
        if time_scale <= 0:
            raise ValueError(f"time_scale must be above 0, not {time_scale}")
        self.time_scale = time_scale
        self._started_ns = time.monotonic_ns()

    def now(self) -> Moment:
        elapsed_ms = (time.monotonic_ns() - self._started_ns) / 1e6
        return Moment(up_ms=round(elapsed_ms * self.time_scale), utc_ms=time.time_ns() // 1_000_000)

    def real_ms(self) -> int:
        """Milliseconds on the wall since the start: for what the network does, which no scale hurries."""
        return (time.monotonic_ns() - self._started_ns) // 1_000_000

    def real_s(self, simulated_s: float) -> float:
        """Seconds on the wall for that many simulated seconds."""
        return simulated_s / self.time_scale


def first_boot(utc_ms: int) -> int:
    """A boot number for a device that remembers none: seconds since 2026, so later runs are always higher."""
    return max(1, (utc_ms - YEAR_2026_MS) // 1000)
