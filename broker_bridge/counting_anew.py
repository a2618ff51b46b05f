"""Devices that count anew: the numbers of a message are from before what we hold, its time is from after that.

By its numbers such a message is history, and no alarm of it would be raised. So the device is given a new count, in
which all that it says is later than what it said before (`isocket.domain.reports.in_count`), as soon as we are sure.
Why so, and when we are: docs/decisions/0013-a-socket-that-counts-anew.md.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from broker_bridge.confirmations import Confirmations, start_of_count
from broker_bridge.problem_log import ProblemLog
from isocket.domain.reports import ClockQuality, DeviceState, Order, Report, as_the_device_says, count_of, in_count
from isocket.kit.clock import EPOCH, from_ms, to_ms
from isocket.kit.logs import get_logger
from isocket.storage.port import StoreUnavailableError
from isocket.storage.telemetry import Telemetry

log = get_logger(__name__)

CLOCK_PUT_RIGHT_MS = 60_000
"""So far a device may set its own clock back, and so far from ours is the time of what it says just now."""

ENOUGH, LONG_ENOUGH_MS = 3, 600_000
"""Messages without a good time that show it as well as one that has it, and how long they take at least."""

OVERTAKEN_MS = 60_000  # what comes so soon after one of a greater number was sent before it: there are two lanes

LEFT_OVER_MS, COMES_SOON_MS = 86_400_000, 3_600_000
"""So much older than the newest state of the count before may be what is left of it, and so late it may come."""

LOOKED_BACK = 3  # counts in which a message is sought: nothing that is repeated is older


class Trail(NamedTuple):
    """Messages of one start that look old and come one after another, at the pace at which they are said.

    What a device kept comes in a burst instead, or it says something newer in between.
    """

    boot: int
    first: int  # seq, the least
    last: int
    number: int
    since_ms: int  # when the first came
    last_ms: int  # when the last came
    lag_ms: int  # so much behind ours its clock is
    newest: tuple[Order, Order | None]  # of the device, as it was known all the time

    @classmethod
    def of(cls, report: Report, newest: tuple[Order, Order | None]) -> "Trail":
        """Begin with a message."""
        lag_ms = report.received_ms - report.at_ms
        return cls(report.boot, report.seq, report.seq, 1, report.received_ms, report.received_ms, lag_ms, newest)

    def followed_by(self, report: Report, newest: tuple[Order, Order | None]) -> "Trail":
        """Go on with a message, or begin anew with one that does not fit."""
        lag_ms = report.received_ms - report.at_ms
        if (report.boot, newest) != (self.boot, self.newest) or abs(lag_ms - self.lag_ms) > CLOCK_PUT_RIGHT_MS:
            return self.of(report, newest)
        if report.seq <= self.last:
            was_overtaken = report.received_ms - self.last_ms <= OVERTAKEN_MS
            is_of_it = was_overtaken or report.seq == self.last
            return self._replace(first=min(self.first, report.seq)) if is_of_it else self.of(report, newest)
        return self._replace(last=report.seq, number=self.number + 1, last_ms=report.received_ms)

    def shows_it_by(self, report: Report) -> bool:
        """Whether this last one of it makes us sure, if it is no repeat."""
        took_ms = report.received_ms - self.since_ms
        return report.seq == self.last and self.number >= ENOUGH and took_ms >= LONG_ENOUGH_MS


class Turn(NamedTuple):
    """Where a device began to count anew, in its own numbers."""

    before: Order  # the newest state by the count before
    before_ms: int  # when that was said
    since: Order  # the first of what came by the new numbers and was stored by the count before
    first: Order  # that by which we were sure
    at_ms: int  # when that was said
    came_ms: int  # when it came

    def is_before(self, report: Report) -> bool:
        """Whether a message belongs to the count before. Such come soon: a clock that falls back makes nobody deaf."""
        if report.clock is not ClockQuality.DEVICE:
            return self.since <= report.order < self.first
        is_of_then = self.before_ms - LEFT_OVER_MS <= report.at_ms < self.at_ms
        if not is_of_then or report.received_ms > self.came_ms + COMES_SOON_MS:
            return False
        return report.boot >= self.before[0] > self.first[0] or report.order > self.before


class CountingAnew:
    """Gives messages their places among all that a device ever said. One for both lanes.

    The usual message is not looked at any closer: its numbers come after all that came of its device.
    """

    def __init__(self, telemetry: Telemetry, confirmations: Confirmations, problems: ProblemLog) -> None:
        self._telemetry = telemetry
        self._confirmations = confirmations
        self._problems = problems
        self._deciding = asyncio.Lock()  # both lanes may bring what decides
        self._noted: dict[str, int] = {}  # the boot of which it was noted that it counts as older
        self._trails: dict[str, Trail] = {}
        self._turns: dict[str, Turn] = {}  # as far as this process saw them

    async def place(self, reports: Sequence[Report]) -> Sequence[Report]:
        """Return the reports as they are to be stored, in the same order. May run twice.

        A device that turns out to count anew has a new count when this returns, on disk too.
        """
        newest = self._confirmations.newest
        suspects: dict[str, list[int]] = {}
        for each in reports:
            known = newest(each.device_id)
            if known is not None and each.order <= known:
                suspects[each.device_id] = []
        if not suspects:
            return reports
        for place, each in enumerate(reports):
            if each.device_id in suspects:
                suspects[each.device_id].append(place)
        placed = list(reports)
        await self._look({device_id: [reports[place] for place in places] for device_id, places in suspects.items()})
        for device_id, places in suspects.items():
            for place in places if self._confirmations.count(device_id) else ():
                placed[place] = await self._placed(reports[place])
        return placed

    async def _look(self, said: dict[str, list[Report]]) -> None:
        """Find out who counts anew; no alarm waits for ever because that breaks."""
        try:
            below = [device_id for device_id, reports in said.items() if any(map(self._is_below, reports))]
            newest = await self._telemetry.latest(below) if below else {}
            for device_id, known in newest.items():
                state = known if known.at != EPOCH else await self._by_its_alarms(known)
                for report in said[device_id]:
                    if self._seems_anew(report, state):
                        await self._decide(report, state)
        except StoreUnavailableError:
            raise
        except Exception:
            log.exception("counting_anew_unknown")

    async def _by_its_alarms(self, state: DeviceState) -> DeviceState:
        """Return what stands for the newest state of a device that never reported one."""
        order = self._confirmations.newest(state.device_id)
        known = None if order is None else await self._telemetry.named(state.device_id, order)
        return state if known is None else replace(state, boot=known.boot, seq=known.seq, at=from_ms(known.at_ms))

    def _is_below(self, report: Report) -> bool:
        """Whether a message is older, by its numbers, than one that came."""
        newest = self._confirmations.newest(report.device_id)
        return newest is not None and self._in_its_count(report).order <= newest

    def _in_its_count(self, report: Report) -> Report:
        count = self._confirmations.count(report.device_id)
        return report._replace(boot=in_count(report.boot, count)) if count else report

    def _seems_anew(self, report: Report, state: DeviceState) -> bool:
        """Whether it is worth a closer look; of the thousands that come again when a broker does, it is not."""
        device_id = report.device_id
        if count_of(state.boot) > self._confirmations.count(device_id):  # another process knows it already
            self._confirmations.begin_anew(device_id, count_of(state.boot))
        newest = state.order
        if self._in_its_count(report).order > newest or state.at == EPOCH:
            return False
        trail = self._trail_with(report, newest)
        by_its_time = report.clock is ClockQuality.DEVICE and report.at_ms > to_ms(state.at) + CLOCK_PUT_RIGHT_MS
        return by_its_time or trail.shows_it_by(report)

    async def _decide(self, report: Report, state: DeviceState) -> None:
        device_id, newest = report.device_id, state.order
        async with self._deciding:
            if not self._seems_anew(report, state) or await self._stored_boot(report) is not None:
                return  # decided by what the other lane brought meanwhile, or a repeat
            trail = self._trails[device_id]
            is_after = _was_said_just_now(report) and await self._is_after(report, state)
            if trail.shows_it_by(report) or is_after:
                await self._begin(report, state, trail)
            elif self._noted.get(device_id) != report.boot:
                await self._note(report, newest, "it counts as older, and raises no alarm")
                self._noted[device_id] = report.boot

    def _trail_with(self, report: Report, newest: Order) -> Trail:
        heard = (newest, self._confirmations.newest(report.device_id))
        known = self._trails.get(report.device_id)
        trail = Trail.of(report, heard) if known is None else known.followed_by(report, heard)
        self._trails[report.device_id] = trail
        return trail

    async def _is_after(self, report: Report, state: DeviceState) -> bool:
        """Whether a message was said well after the newest state came; once its report is pruned, it is."""
        known = await self._telemetry.named(state.device_id, state.order)
        return known is None or report.at_ms > known.received_ms + CLOCK_PUT_RIGHT_MS

    async def _begin(self, report: Report, state: DeviceState, trail: Trail) -> None:
        """Let a device have a new count from this message on."""
        newest, since = state.order, (trail.boot, trail.first)
        device_id, count = report.device_id, self._confirmations.count(report.device_id) + 1
        await self._note(report, newest, "it counts anew, and is heard from here on")
        await self._telemetry.note_confirmed({device_id: start_of_count(count)})
        self._confirmations.begin_anew(device_id, count)
        self._turns[device_id] = Turn(
            as_the_device_says(newest), to_ms(state.at), since, report.order, report.at_ms, report.received_ms
        )
        log.warning("device_counts_anew", device_id=device_id)

    async def _note(self, report: Report, newest: Order, so: str) -> None:
        boot, seq = as_the_device_says(newest)
        field = "boot" if report.boot < boot else "seq"
        reason = f"boot {report.boot}, seq {report.seq} came after boot {boot}, seq {seq}: {so}"
        await self._problems.add(report.device_id, report.kind.value, reason, field, report.received_ms)

    async def _placed(self, report: Report) -> Report:
        """Return a message in the count that its device has now, or in an earlier one where it is of that."""
        count = self._confirmations.count(report.device_id)
        turn = self._turns.get(report.device_id)
        if report.clock is ClockQuality.DEVICE and self._may_have_come(report, turn):
            stored = await self._stored_boot(report)
            if stored is not None:
                return report._replace(boot=stored)
        if turn is not None and turn.is_before(report):
            count -= 1
        return report._replace(boot=in_count(report.boot, count))

    def _may_have_come(self, report: Report, turn: Turn | None) -> bool:
        """Whether a message may be stored already; one that is said just now and is the newest of its count is not."""
        begins = start_of_count(self._confirmations.count(report.device_id))
        says_nothing_yet = self._confirmations.newest(report.device_id) == begins
        if says_nothing_yet or self._is_below(report) or not _was_said_just_now(report):
            return True
        return turn is not None and report.at_ms <= turn.at_ms

    async def _stored_boot(self, report: Report) -> int | None:
        """Return the boot under which this very message is stored, by one of the latest counts."""
        newest = self._confirmations.count(report.device_id)
        for count in range(newest, max(-1, newest - LOOKED_BACK), -1):
            boot = in_count(report.boot, count)
            known = await self._telemetry.named(report.device_id, (boot, report.seq))
            if known is not None and _is_same(known, report):
                return boot
        return None


def _is_same(known: Report, report: Report) -> bool:
    """Whether a message is a stored one, word by word; of one without a time, as far as that can be told."""
    has_other_time = report.clock is ClockQuality.DEVICE and known.at_ms != report.at_ms
    return known.kind is report.kind and _words(known) == _words(report) and not has_other_time


def _words(report: Report) -> dict[str, Any]:
    """Return what a message says, whether it came by itself or in a batch."""
    said: dict[str, Any] = json.loads(report.body)
    return {name: value for name, value in said.items() if name not in ("boot", "seq", "ts")}


def _was_said_just_now(report: Report) -> bool:
    return abs(report.received_ms - report.at_ms) <= CLOCK_PUT_RIGHT_MS
