"""Sums up measured times, and says on what they were measured."""

import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage
from tempfile import NamedTemporaryFile
from time import perf_counter
from typing import Any


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return p50, p90, p99 and the slowest, in milliseconds, of times in seconds."""
    ordered = sorted(seconds)
    if not ordered:
        return {}

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 2)

    return {"p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99), "max_ms": round(ordered[-1] * 1000, 2)}


def resident_mib() -> float:
    """Return how much memory this process has now; where the system does not say, how much it had at most."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except FileNotFoundError:
        return getrusage(RUSAGE_SELF).ru_maxrss / 1024
    return pages * getpagesize() / 2**20


class DiskProbe:
    """Bare synchronised writes of 4 KiB, one at a time: what the disk itself takes, in the same run."""

    def __init__(self, folder: Path) -> None:
        self._file = NamedTemporaryFile(dir=folder, prefix="probe-")  # noqa: SIM115 - closed in `close`
        self._block = os.urandom(4096)
        self.seconds: list[float] = []

    def write(self) -> None:
        """Write over the same block, make it durable, and note how long that took."""
        began = perf_counter()
        os.pwrite(self._file.fileno(), self._block, 0)
        os.fdatasync(self._file.fileno())
        self.seconds.append(perf_counter() - began)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "paho": version("paho-mqtt"),
        "load_before": round(os.getloadavg()[0], 2),
    }
