"""Devices that count anew: the numbers of a message are from before what we hold, its time is from after that.

By its numbers such a message is history, and no alarm of it would be raised. So the device is given a new count, in
which all that it says is later than what it said before (`isocket.domain.reports.in_count`), as soon as we are sure.
Why so, and when we are: docs/decisions/0013-a-socket-that-counts-anew.md.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

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


class Turn(NamedTuple):
    """Where a device began to count anew."""

    before: Order  # the newest state by the count before, in the device's numbers
    first: Order  # that by which we were sure, in the device's numbers
    at_ms: int  # when that was said

    def is_before(self, report: Report) -> bool:
        """Whether a message, by the device's numbers, is a late one of the count before."""
        if report.clock is not ClockQuality.DEVICE or report.at_ms >= self.at_ms:
            return False
        return report.boot >= self.before[0] > self.first[0] or report.order > self.before


class CountingAnew:
    """Gives messages their places among all that a device ever said. One for both lanes.

    The usual message is not looked at any closer: its numbers come after those that its device was told.
    """

    def __init__(self, telemetry: Telemetry, confirmations: Confirmations, problems: ProblemLog) -> None:
        self._telemetry = telemetry
        self._confirmations = confirmations
        self._problems = problems
        self._deciding = asyncio.Lock()  # both lanes may bring what decides
        self._noted: dict[str, int] = {}  # the boot of which it was noted that it counts as older
        self._turns: dict[str, Turn] = {}  # as far as this process saw them

    async def place(self, reports: Sequence[Report]) -> Sequence[Report]:
        """Return the reports as they are to be stored, in the same order. May run twice.

        A device that turns out to count anew has a new count when this returns, on disk too.
        """
        upto = self._confirmations.upto
        suspects: dict[str, list[int]] = {}
        for each in reports:
            known = upto(each.device_id)
            if known is not None and each.order <= known:
                suspects[each.device_id] = []
        if not suspects:
            return reports
        for place, each in enumerate(reports):
            if each.device_id in suspects:
                suspects[each.device_id].append(place)
        placed = list(reports)
        await self._look({device_id: [reports[place] for place in places] for device_id, places in suspects.items()})
        for places in suspects.values():
            for place in places:
                placed[place] = await self._placed(reports[place])
        return placed

    async def _look(self, said: dict[str, list[Report]]) -> None:
        """Find out who counts anew; no alarm waits for ever because that breaks."""
        try:
            below = [device_id for device_id, reports in said.items() if any(map(self._is_below, reports))]
            newest = await self._telemetry.latest(below) if below else {}
            for device_id, state in newest.items():
                for report in said[device_id]:
                    async with self._deciding:
                        await self._decide(report, state)
        except StoreUnavailableError:
            raise
        except Exception:
            log.exception("counting_anew_unknown")

    def _is_below(self, report: Report) -> bool:
        """Whether a message is older, by its numbers, than what its device was told."""
        upto = self._confirmations.upto(report.device_id)
        return upto is not None and self._in_its_count(report).order <= upto

    def _in_its_count(self, report: Report) -> Report:
        count = self._confirmations.count(report.device_id)
        return report._replace(boot=in_count(report.boot, count)) if count else report

    async def _decide(self, report: Report, state: DeviceState) -> None:
        device_id, count = report.device_id, self._confirmations.count(report.device_id)
        if count_of(state.boot) > count:  # another process knows it already
            self._confirmations.begin_anew(device_id, count_of(state.boot))
            return
        newest = (state.boot, state.seq)
        if state.at == EPOCH or report.clock is not ClockQuality.DEVICE or self._in_its_count(report).order > newest:
            return
        if report.at_ms <= to_ms(state.at) + CLOCK_PUT_RIGHT_MS or await self._stored_boot(report) is not None:
            return
        if not _was_said_just_now(report) or report.at_ms <= await self._received_ms(state) + CLOCK_PUT_RIGHT_MS:
            if self._noted.get(device_id) != report.boot:
                await self._note(report, newest, "it counts as older, and raises no alarm")
                self._noted[device_id] = report.boot
            return
        await self._note(report, newest, "it counts anew, and what it says from here on is the newest")
        await self._telemetry.note_confirmed({device_id: start_of_count(count + 1)})
        self._confirmations.begin_anew(device_id, count + 1)
        self._turns[device_id] = Turn(as_the_device_says(newest), report.order, report.at_ms)
        log.warning("device_counts_anew", device_id=device_id)

    async def _note(self, report: Report, newest: Order, so: str) -> None:
        boot, seq = as_the_device_says(newest)
        field = "boot" if report.boot < boot else "seq"
        reason = f"boot {report.boot}, seq {report.seq} came after boot {boot}, seq {seq}: {so}"
        await self._problems.add(report.device_id, report.kind.value, reason, field, report.received_ms)

    async def _placed(self, report: Report) -> Report:
        """Return a message in the count that its device has now, or in an earlier one where it is of that."""
        count = self._confirmations.count(report.device_id)
        if not count:
            return report
        turn = self._turns.get(report.device_id)
        if not _was_said_just_now(report) or (turn is not None and report.at_ms <= turn.at_ms):
            stored = await self._stored_boot(report)
            if stored is not None:
                return report._replace(boot=stored)
            if turn is not None and turn.is_before(report):
                count -= 1
        return report._replace(boot=in_count(report.boot, count))

    async def _stored_boot(self, report: Report) -> int | None:
        """Return the boot under which this very message is stored, by whatever count."""
        for each in await self._said_at(report.device_id, report.at_ms):
            if (each.kind, *as_the_device_says(each.order), each.body) == (report.kind, *report.order, report.body):
                return each.boot
        return None

    async def _received_ms(self, state: DeviceState) -> int:
        """Return when the newest state was received; once its report is pruned, its own time has to do."""
        at_ms = to_ms(state.at)
        said = await self._said_at(state.device_id, at_ms)
        return next((each.received_ms for each in said if each.order == (state.boot, state.seq)), at_ms)

    async def _said_at(self, device_id: str, at_ms: int) -> list[Report]:
        start = from_ms(at_ms)
        return await self._telemetry.reports(device_id, start=start, end=start + timedelta(milliseconds=1))


def _was_said_just_now(report: Report) -> bool:
    return abs(report.received_ms - report.at_ms) <= CLOCK_PUT_RIGHT_MS
