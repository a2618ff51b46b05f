"""Counts customers once a week, for figures that may be given away: of nobody in particular, see `domain.statistics`.

Whoever objects, and whose data is only kept, is not counted. A week is counted once, two days after it is over, and
never again: figures that were told stay as they are, so that nobody learns from how they change who has left.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from isocket.domain.accounts import Account, AccountRole
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.device_models import MODELS
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident
from isocket.domain.restrictions import (
    Objection,
    ObjectionTo,
    Restriction,
    is_left_alone,
    objection_id,
    restriction_id,
)
from isocket.domain.statistics import Chance, Release, release_id, table_of
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, above, at_most, every, is_, one_of
from privacy.rounds import survived

log = get_logger(__name__)

LOOK_EVERY_S = 3600.0
WEEK = timedelta(days=7)
SETTLES = timedelta(days=2)  # so long after a week something of it may still come
MOST_CAUSES = 3  # of one customer in a week
MOST_MODELS = 2
_MOMENT = timedelta(milliseconds=1)
_QUARTERS = (1, 4, 7, 10)

ALARMS, TOLD, SOCKETS, REACH = "alarms", "told_within", "sockets", "people_reached"
WITHIN: Mapping[str, float] = MappingProxyType({"10 s": 10, "1 min": 60, "5 min": 300, "longer": float("inf")})
PEOPLE = ("0", "1", "2", "3 or more")
CELLS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        ALARMS: tuple(each.value for each in Cause if each is not Cause.TEST),
        TOLD: tuple(WITHIN),
        SOCKETS: tuple(MODELS),
        REACH: PEOPLE,
    }
)
"""Every table and its cells: fixed beforehand, so that which of them there are tells nothing."""

WHOLE = frozenset({TOLD, REACH})
SELDOM = frozenset({SOCKETS, REACH})
"""What changes little is told once a quarter: the mean of many weeks would take the blur away."""

MOST_CELLS = MappingProxyType({ALARMS: MOST_CAUSES, TOLD: 1, SOCKETS: MOST_MODELS, REACH: 1})
"""In how many cells of a table one customer is counted at most."""


class Statistician:
    """Looks each hour whether a week is over that was not counted yet."""

    def __init__(self, *, records: Records, clock: Clock, chance: Chance | None = None) -> None:
        self._records = records
        self._clock = clock
        self._chance = chance or random.SystemRandom()

    async def run(self, stop: asyncio.Event) -> None:
        """Count until `stop`."""
        while not stop.is_set():
            with survived(log, waits="statistics_wait", broken_off="statistics_broken_off"):
                await self.round()
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def round(self) -> Release | None:
        """Count the last week that is over if it was not; return what is told of it, None where it was told before.

        Two who count at once draw lots twice; the figures of whoever stores first are the only ones.
        """
        now = self._clock.now()
        since = week_of(now - SETTLES - WEEK)
        if await self._records.get(Release, release_id(since)) is not None:
            return None
        counts = await self._count(since)
        tables = {name: table_of(cells, self._chance, whole=name in WHOLE) for name, cells in counts.items()}
        made = Release(id=release_id(since), since=since, until=since + WEEK, made_at=now, tables=tables)
        if not await self._records.add_all([made]):
            return None
        log.info("statistics_made", name=made.id)
        return made

    async def _count(self, since: datetime) -> dict[str, dict[str, int]]:
        names = [name for name in CELLS if name not in SELDOM or is_first_of_a_quarter(since)]
        counts = {name: Counter(dict.fromkeys(CELLS[name], 0)) for name in names}
        async for account in every(self._records, Account, is_("role", AccountRole.CUSTOMER)):
            if not await self._is_left_alone(account.id):
                for name, cells in (await self._cells_of(account.id, since)).items():
                    if name in counts:
                        counts[name].update(cells)
        return {name: dict(cells) for name, cells in counts.items()}

    async def _is_left_alone(self, account_id: str) -> bool:
        objection = await self._records.get(Objection, objection_id(account_id, ObjectionTo.STATISTICS))
        restriction = await self._records.get(Restriction, restriction_id(account_id))
        return is_left_alone(restriction, objection, self._clock.now())

    async def _cells_of(self, account_id: str, since: datetime) -> dict[str, list[str]]:
        """Return in which cells a customer is counted, in each once and in few of them."""
        window = (above("opened_at", since - _MOMENT), at_most("opened_at", since + WEEK - _MOMENT))
        found = await self._records.find(Incident, is_("account_id", account_id), *window, order_by="opened_at")
        incidents = [each for each in found if not each.test]
        waits = [wait for each in incidents if (wait := await self._wait_of(each)) is not None]
        devices = await self._records.find(Device, is_("owner_id", account_id))
        contacts = await self._records.find(Contact, is_("account_id", account_id))
        reached = sum(bool(each.verified_channels()) and each.paused_at is None for each in contacts)
        wanted = {
            ALARMS: (each.cause.value for each in incidents),
            TOLD: (_within(sorted(waits)[len(waits) // 2]),) if waits else (),
            SOCKETS: (each.model for each in devices),
            REACH: (PEOPLE[min(reached, len(PEOPLE) - 1)],),
        }
        return {name: _few(cells, name) for name, cells in wanted.items()}

    async def _wait_of(self, incident: Incident) -> float | None:
        """Return after how many seconds the first alarm of an incident had gone out, None where none did."""
        gone = (DeliveryState.SENT, DeliveryState.DELIVERED)
        sent = await self._records.find(
            Delivery, is_("incident_id", incident.id), is_("kind", DeliveryKind.ALARM), one_of("state", gone)
        )
        ends = [each.ended_at for each in sent if each.ended_at is not None]
        return (min(ends) - incident.detected_at).total_seconds() if ends else None


def week_of(at: datetime) -> datetime:
    """Return the first moment of the week (from Monday, UTC) in which a moment lies."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def is_first_of_a_quarter(since: datetime) -> bool:
    """Return whether a week is the first that ends in its quarter of the year."""
    last = since + WEEK - timedelta(days=1)
    return last.month in _QUARTERS and last.day <= WEEK.days


def as_table(release: Release) -> str:
    """Return the figures of a week for people, in Markdown."""
    lines = [f"## {release.id.removeprefix('sta_')}: {release.since:%Y-%m-%d} to {release.until:%Y-%m-%d}"]
    for name, cells in release.tables.items():
        lines += ["", f"| customers: {name} | |", "|---|---|"]
        lines += [f"| {cell} | {'-' if figure is None else figure} |" for cell, figure in cells.items()]
    return "\n".join(lines)


def as_document(release: Release) -> dict[str, Any]:
    """Return the figures of a week for programs."""
    return {
        "week": release.id.removeprefix("sta_"),
        "since": f"{release.since:%Y-%m-%d}",
        "until": f"{release.until:%Y-%m-%d}",
        "tables": release.tables,
    }


def _within(seconds: float) -> str:
    return next(name for name, limit in WITHIN.items() if seconds <= limit)


def _few(cells: Iterable[str], name: str) -> list[str]:
    """Return the first few different cells; a model or cause that is newer than this program is counted nowhere."""
    known = [each for each in dict.fromkeys(cells) if each in CELLS[name]]
    return known[: MOST_CELLS[name]]
