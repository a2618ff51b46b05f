"""A year of reports of one socket, a minute apart: how long its owner waits for a chart."""

import asyncio
import json
import math
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, Any

from typer import Option

from isocket.app.bench.figures import machine, percentiles
from isocket.app.bench.stage import HERE, Folder, temporary_folder
from isocket.app.typed import whole
from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from isocket.kit.clock import SystemClock, from_ms, to_ms
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.roller import Roller
from isocket.storage.sqlite import SqliteStore
from isocket.storage.telemetry import Telemetry
from portal_api.history import History

DEVICE = "is0000000001"
BATCH = 2000
TIME_ZONE = "Europe/Helsinki"
QUESTIONS = {
    "day_at_1m": ("1m", timedelta(days=1)),
    "week_at_15m": ("15m", timedelta(days=7)),
    "month_at_1h": ("1h", timedelta(days=31)),
    "year_at_1h": ("1h", timedelta(days=365)),
    "year_at_1d": ("1d", timedelta(days=365)),
}


def history(
    days: Annotated[int, Option(**whole(1, 3660))] = 365,
    every_s: Annotated[int, Option(**whole(1, 86_400))] = 60,
    asked: Annotated[int, Option(**whole(1, 1000))] = 10,
    folder: Folder = HERE,
) -> None:
    """Store `days` of reports `every_s` apart, gather them, and ask for each kind of chart `asked` times."""
    print(json.dumps(asyncio.run(_measure(days, every_s, asked, folder)), indent=2))


async def _measure(days: int, every_s: int, asked: int, parent: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"bench": "history", "machine": machine()}
    clock = SystemClock()
    async with temporary_folder(parent) as folder:
        store = await SqliteStore.open(folder / "isocket.sqlite", clock=clock)
        try:
            now = clock.now()
            figures |= await _fill(store.telemetry, now, days, every_s)
            late = await _ask(store.telemetry, now, "day_at_1m", 1)
            figures["day_at_1m_before_gathering"] = late
            began = perf_counter()
            roller = Roller(telemetry=store.telemetry, clock=clock, right_of_way=RightOfWay(clock))
            figures["gathered"] = await roller.catch_up(asyncio.Event())
            figures["gathered_s"] = round(perf_counter() - began, 1)
            figures["answered"] = {name: await _ask(store.telemetry, now, name, asked) for name in QUESTIONS}
        finally:
            await store.close()
        figures["file_mib"] = round((folder / "isocket.sqlite").stat().st_size / 2**20)
    return figures


async def _fill(telemetry: Telemetry, now: datetime, days: int, every_s: int) -> dict[str, Any]:
    began = perf_counter()
    count = days * 86_400 // every_s
    first_ms = to_ms(now) - count * every_s * 1000
    for start in range(0, count, BATCH):
        batch = [_report(seq, first_ms + seq * every_s * 1000) for seq in range(start, min(count, start + BATCH))]
        await telemetry.store(batch)
        if start == 0:  # judged once, then quiet: else half a million would wait
            waiting = await telemetry.claim_waiting(owner="bench", now=now, lease_s=60)
            if waiting is not None:
                await telemetry.settle(waiting, envelope=Envelope(anything=True), wake_at=None, silent_after_s=None)
    return {"reports": count, "stored_s": round(perf_counter() - began, 1)}


def _report(seq: int, at_ms: int) -> Report:
    warmth = 20 + 3 * math.sin(at_ms / 86_400_000 * 2 * math.pi)
    fields = {
        "relay": seq % 500 < 250,  # noqa: PLR2004 - on for half of the time
        "mains": True,
        "battery_pct": 96,
        "temp_c": [round(warmth, 1), round(warmth - 15, 1)],
        "signal_dbm": -71 - seq % 9,
    }
    body = json.dumps({"boot": 1, "seq": seq + 1, "ts": at_ms, **fields}, separators=(",", ":"))
    return Report(DEVICE, ReportKind.STATE, 1, seq + 1, at_ms, at_ms, ClockQuality.DEVICE, body, fields)


async def _ask(telemetry: Telemetry, now: datetime, name: str, times: int) -> dict[str, Any]:
    """Return how long the answer takes, from the question to its text, and how much of that the processor."""
    step, span = QUESTIONS[name]
    seconds: list[float] = []
    points, busy = 0, process_time()
    for number in range(times):
        end = from_ms(to_ms(now) - number * 60_000)
        began = perf_counter()
        series = await telemetry.series(DEVICE, start=end - span, end=end, step=step, time_zone=TIME_ZONE)
        History(step=series.step, ts=series.ts, fields=series.fields, next=series.next).model_dump_json()
        seconds.append(perf_counter() - began)
        points = len(series.ts)
    return {"points": points, "processor_ms": round((process_time() - busy) / times * 1000, 1), **percentiles(seconds)}
