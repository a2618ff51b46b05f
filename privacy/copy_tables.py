"""The tables in a copy of somebody's data: what each socket reported, and hours where that is gone."""

import asyncio
import zipfile
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from isocket.domain.devices import Device
from isocket.kit.clock import EPOCH, from_ms, to_text
from isocket.storage.table import HEAD, Table, TableCursor
from isocket.storage.telemetry import Series, Telemetry
from privacy.cells import cell, rows_as_csv

PAGE = 10_000
DAYS = timedelta(days=5)  # what is read at once: 7,200 lines of a socket that reports every minute
AHEAD = 2  # such times, each read by a thread of its own
HOUR = timedelta(hours=1)
MONTH = timedelta(days=28)  # of quarters of an hour, at a time
QUARTERS = ["from", "field", "mean_or_last", "least", "greatest"]

_Days = tuple[datetime, datetime]
Progress = Callable[[float], Awaitable[None]]
"""Is awaited with the share that is done, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Writes tables into a zip. `hands` do what holds up nobody; `give_way` returns when nobody is in a hurry."""

    telemetry: Telemetry
    hands: Executor
    give_way: Callable[[], Awaitable[None]]

    async def write(
        self, archive: zipfile.ZipFile, device: Device, now: datetime, progress: Progress
    ) -> dict[str, int]:
        """Write what a socket reported since it is this customer's; return how many lines each table has."""
        start, end = device.claimed_at or EPOCH, now + timedelta(days=1)
        counts = {f"telemetry/{device.id}.csv": await self._lines(archive, device.id, (start, end), progress)}
        whole_since = await self.telemetry.whole_since()
        if start < whole_since:
            quarters = await self._quarters(archive, device.id, start, min(end, whole_since + HOUR))
            counts[f"telemetry/{device.id}.quarters.csv"] = quarters
        return counts

    async def _lines(
        self, archive: zipfile.ZipFile, device_id: str, span: tuple[datetime, datetime], progress: Progress
    ) -> int:
        """Write single reports. While some days are packed and sealed, the next ones are read, `AHEAD` at a time."""
        start, end = span
        count = 0

        async def read(days: _Days, after: TableCursor | None = None) -> Table:
            await self.give_way()
            return await self.telemetry.table(device_id, start=days[0], end=days[1], after=after, limit=PAGE)

        with archive.open(f"telemetry/{device_id}.csv", "w", force_zip64=True) as member:
            member.write(HEAD)
            coming = _in_days(start, end)
            reading = deque((days, asyncio.create_task(read(days))) for days in islice(coming, AHEAD))
            try:
                while reading:
                    days, page = reading[0][0], await reading[0][1]
                    reading.popleft()
                    reading.extend((each, asyncio.create_task(read(each))) for each in islice(coming, 1))
                    await self._by_hand(member.write, page.lines)
                    count += page.rows
                    while page.next is not None:
                        page = await read(days, page.next)
                        await self._by_hand(member.write, page.lines)
                        count += page.rows
                    await progress((days[1] - start) / (end - start))
            finally:
                for _, task in reading:
                    task.cancel()
                await asyncio.gather(*(task for _, task in reading), return_exceptions=True)
        return count

    async def _quarters(self, archive: zipfile.ZipFile, device_id: str, start: datetime, end: datetime) -> int:
        """Write what is left of reports that were pruned: a line for each quarter of an hour and each field."""
        count = 0
        with archive.open(f"telemetry/{device_id}.quarters.csv", "w", force_zip64=True) as member:
            member.write(rows_as_csv([QUARTERS]))
            first = max(start, await self._first_hour(device_id, start, end))
            while first < end:
                until = min(first + MONTH, end)
                series = await self.telemetry.series(device_id, start=first, end=until, step="15m", spread=True)
                rows = _rows(series)
                await self._by_hand(member.write, rows_as_csv(rows))
                count += len(rows)
                first = until
        return count

    async def _first_hour(self, device_id: str, start: datetime, end: datetime) -> datetime:
        """Return where there is anything: a socket may be its owner's for years before it says a word."""
        days = await self.telemetry.series(device_id, start=start, end=end, step="1d")
        return from_ms(days.ts[0]) if days.ts else end

    async def _by_hand(self, work: Callable[[bytes], Any], content: bytes) -> None:
        await asyncio.get_running_loop().run_in_executor(self.hands, work, content)


def _in_days(start: datetime, end: datetime) -> Iterator[_Days]:
    while start < end:
        until = min(start + DAYS, end)
        yield start, until
        start = until


def _rows(series: Series) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for place, at_ms in enumerate(series.ts):
        at = to_text(from_ms(at_ms))
        for name, values in series.fields.items():
            if values[place] is not None:
                spread = [column[name][place] if name in column else None for column in (series.least, series.greatest)]
                rows.append([at, name, *map(_said, (values[place], *spread))])
    return rows


def _said(value: Any) -> Any:
    """Return a value as the other table says it: true and false as JSON does."""
    return str(value).lower() if isinstance(value, bool) else cell(value)
