"""A process that stores a past for some sockets, so that the memory of the measured process is its own."""

import asyncio
import json
import math
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.kit.clock import SystemClock, to_ms
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.roller import Roller
from isocket.storage.sqlite import SqliteStore

BATCH = 2_000
MINUTE_MS = 60_000


async def _fill(job: dict[str, Any]) -> dict[str, Any]:
    """Let each socket have said something every minute for so many days, gathered as it would be."""
    began, clock, ids = perf_counter(), SystemClock(), job["devices"]
    store = await SqliteStore.open(Path(job["store"]), clock=clock)
    try:
        rounds = job["days"] * 1440
        first_ms, batch = to_ms(clock.now()) - rounds * MINUTE_MS, list[Report]()
        for number in range(rounds):
            batch += [_report(each, number, first_ms + number * MINUTE_MS + place) for place, each in enumerate(ids)]
            if len(batch) >= BATCH or number == rounds - 1:
                await store.telemetry.store(batch)
                batch = []
        roller = Roller(telemetry=store.telemetry, clock=clock, right_of_way=RightOfWay(clock))
        await roller.catch_up(asyncio.Event())
    finally:
        await store.close()
    return {"reports": rounds * len(ids), "stored_s": round(perf_counter() - began, 1)}


def _report(device_id: str, number: int, at_ms: int) -> Report:
    warmth = 20 + 3 * math.sin(at_ms / 86_400_000 * 2 * math.pi)
    fields = {
        "relay": number % 500 < 250,  # noqa: PLR2004 - on for half of the time
        "relay_cause": "schedule",
        "mains": True,
        "battery_pct": 96,
        "charging": True,
        "temp_c": [round(warmth, 1)],
        "input": [False],
        "signal_dbm": -71 - number % 9,
        "signal_pct": 64,
    }
    body = json.dumps({"boot": 1, "seq": number + 1, "ts": at_ms, **fields}, separators=(",", ":"))
    return Report(device_id, ReportKind.STATE, 1, number + 1, at_ms, at_ms + 400, ClockQuality.DEVICE, body, fields)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_fill(json.loads(sys.stdin.readline())))), flush=True)
