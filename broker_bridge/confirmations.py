"""What a device may be told: `stored {boot, seq}` says that everything up to there is on disk. Pure.

Messages come in two lanes, so a stored one does not mean that those before it are stored. A device is told no more
than the end of the unbroken run that we hold. A number that never comes (a device that skips, a message so broken
that its number cannot be read) would stop that for ever, so a gap is given up; how carefully, says `Run.give_up`.
All times are seconds on one monotonic clock.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from isocket.domain.reports import STARTS_OF_A_COUNT, Order, count_of, in_count
from isocket.storage.telemetry import Confirmed

GAP_PATIENCE_S = 60.0  # 64 KiB take that long on a poor GPRS link
FIRST_PATIENCE_S = 2.0  # a device of which we never heard
OTHER_LANE_S = 2.0  # what a report has overtaken is in the lane of alarms, for which reports stand aside
EVERY_S = 10.0  # the contract: at most so often without a reason
MOST_STRETCHES = 4096  # beyond that a device is told late, which costs it a repetition
PLAUSIBLE_AHEAD = 1000  # how far beyond what we know the number of a refused message is believed
NONE_YET: Order = (-1, -1)


def start_of_count(count: int) -> Order:
    """Return what lies before all that a device says by a count."""
    return (in_count(0, count), -1)


@dataclass(slots=True)
class Stretch:
    """Numbers `first` to `last` of one boot are stored; the gap before them was last seen to shrink at `since`."""

    boot: int
    first: int
    last: int
    since: float


@dataclass(slots=True)
class Run:
    """One device: everything up to `upto` is stored, and so are the stretches in `ahead`, in order."""

    upto: Order | None = None
    ahead: list[Stretch] = field(default_factory=list)
    told: Order | None = None
    told_at: float = float("-inf")
    asked: Order | None = None  # the newest alarm or batch that was not told: to come to it is urgent
    report: Order = NONE_YET  # the last report that came in order, so all reports before it have come
    heard_at: float = float("-inf")  # when anything came by either lane
    begun: Order = NONE_YET  # the newest report of a later run, in this connection: what was before it, was sent
    alarms_of: int = NONE_YET[0]  # the newest run of which an alarm came, so all alarms of earlier runs have come
    count: int = 0  # how often the device began to count anew; its orders here are as they are stored

    def take(self, order: Order, now: float, *, in_order: bool = False, alarm: bool = False) -> None:
        """Note that a message is done with.

        `in_order`: it came by the lane in which reports follow one another. `alarm`: by that in which alarms do.
        """
        if in_order or alarm:
            self.heard_at = now
        if in_order:
            self.report = order
        if alarm:
            self.alarms_of = max(self.alarms_of, order[0])
        if self.upto is None:
            if in_order or order[1] <= 1:
                self.upto = order
                self._close_up()
            else:
                self._add(order, now)
        elif order <= self.upto:
            self.told = None  # it sends what we have confirmed, so it did not hear us
        elif order[0] == self.upto[0] and order[1] == self.upto[1] + 1:
            self.upto = order
            if self.ahead:
                self.ahead[0].since = self._waits_from(self.ahead[0], now)
                self._close_up()
        else:
            if in_order and order[0] > self.upto[0]:
                self._begin_anew(order, now)
            self._add(order, now)
        self._leave_runs_behind()

    def take_refused(self, order: Order, now: float, *, in_order: bool = False) -> None:
        """Note a message that could not be used; a number that is far from all we know is not believed."""
        if self.upto is None or (order[0] == self.upto[0] and order[1] <= self.upto[1] + PLAUSIBLE_AHEAD):
            self.take(order, now, in_order=in_order)

    def in_touch_anew(self, now: float) -> None:
        """The device (or we) came back: it now sends again what was not confirmed; wait for that.

        It may have missed what we told it, so it is told again, and soon.
        """
        self.begun = NONE_YET
        for each in self.ahead:
            each.since = now
        self.told, self.told_at = None, float("-inf")

    def give_up(self, drained_at: float) -> None:
        """Pass over gaps that nobody fills.

        `drained_at`: of the reports that the broker had accepted by then, we have stored all. A gap goes when the
        device was in touch for a minute after that gap last shrank, and nothing of it is still in the broker's queue of
        reports. As long as no report from behind it has come, the minute begins with whatever came last: a device
        sends its alarms first, and on a poor link these alone may take longer.
        """
        while self.ahead:
            patience = FIRST_PATIENCE_S if self.upto is None else GAP_PATIENCE_S
            first = self.ahead[0]
            on_its_way = self.upto is not None and self.report < (first.boot, first.first)
            since = max(first.since, self.heard_at) if on_its_way else first.since
            if drained_at - since < patience:
                return
            self.upto = (first.boot, first.last)
            self._close_up()

    @property
    def answers(self) -> bool:
        """Tell whether the run has come to an alarm or a batch that the device waits for."""
        return self.asked is not None and self.upto is not None and self.upto >= self.asked

    def due(self, now: float, *, urgent: bool) -> Order | None:
        """Return what to tell the device now, or None."""
        if self.upto is None or self.upto == self.told or (not self.upto[1] and self.ahead):
            return None  # nothing new, or a run that begins with a gap
        if not (urgent or self.answers) and now - self.told_at < EVERY_S:
            return None
        return self.upto

    def tell(self, order: Order, now: float) -> None:
        """Note that the device is told this."""
        self.told, self.told_at = order, now
        if self.answers:
            self.asked = None

    def _begin_anew(self, order: Order, now: float) -> None:
        """Note a report of a later run: after a restart a device first sends what is left of the runs before.

        What it sent before this report, of whatever run, the broker has, but it may still be in the lane of alarms:
        such gaps are given up soon, since nothing of them can still be at the device. Of later ones everything can.
        """
        self.begun = order
        for each in self.ahead:
            each.since = min(each.since, self._waits_from(each, now))

    def _leave_runs_behind(self) -> None:
        """Wait no more for runs that are over by both lanes, of which each has brought something of a later one."""
        boot = min(self.begun[0], self.alarms_of)
        if self.upto is not None and self.upto[0] < boot:
            self.upto = (boot, 0)
            self._close_up()

    def _waits_from(self, stretch: Stretch, now: float) -> float:
        """Return what `since` becomes when the gap before a stretch shrinks."""
        was_sent = (stretch.boot, stretch.first) <= self.begun
        return now - GAP_PATIENCE_S + OTHER_LANE_S if was_sent else now

    def _add(self, order: Order, now: float) -> None:
        boot, seq = order
        place = bisect_right(self.ahead, order, key=lambda each: (each.boot, each.first))
        before = self.ahead[place - 1] if place and self.ahead[place - 1].boot == boot else None
        after = self.ahead[place] if place < len(self.ahead) else None
        if before is not None and seq <= before.last:
            return
        if after is not None:
            after.since = self._waits_from(after, now)
        if before is not None and seq == before.last + 1:
            before.last = seq
            if after is not None and after.boot == boot and after.first == seq + 1:
                before.last = after.last
                del self.ahead[place]
        elif after is not None and after.boot == boot and after.first == seq + 1:
            after.first = seq
        elif len(self.ahead) < MOST_STRETCHES:
            made = Stretch(boot, seq, seq, now)
            made.since = self._waits_from(made, now)
            self.ahead.insert(place, made)

    def _close_up(self) -> None:
        """Join what follows `upto` without a gap, and drop what it has passed."""
        if self.upto is None:
            return
        boot, seq = self.upto
        passed = 0
        for each in self.ahead:
            if (each.boot, each.first) > (boot, seq + 1):
                break
            if each.boot == boot:
                seq = max(seq, each.last)
            passed += 1
        self.upto = (boot, seq)
        del self.ahead[:passed]


class Confirmations:
    """The runs of all devices that spoke since we started."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._to_look_at: set[str] = set()
        self._urgent: set[str] = set()

    def unknown(self, device_ids: Iterable[str]) -> list[str]:
        """Return the devices of which `begin` has not told the past."""
        return [each for each in set(device_ids) if each not in self._runs]

    def newest(self, device_id: str) -> Order | None:
        """Return the greatest order that a device said by its count; before the first, where that count begins."""
        run = self._runs[device_id]
        if run.ahead:
            return (run.ahead[-1].boot, run.ahead[-1].last)
        return run.upto or (start_of_count(run.count) if run.count else None)

    def count(self, device_id: str) -> int:
        """Return by which count a device names its messages now."""
        return self._runs[device_id].count

    def begin(self, device_id: str, past: Confirmed, now: float) -> None:
        """Take up a device where an earlier process left it; the other lane may have done so already."""
        if device_id in self._runs:
            return
        newest = past.beyond[-1] if past.beyond else past.upto
        count = 0 if newest is None else max(0, count_of(newest[0]))
        upto = past.upto if past.upto is not None and past.upto > start_of_count(count) else None
        run = self._runs[device_id] = Run(upto=upto, told=upto, count=count)
        for order in past.beyond:
            if not count or order > start_of_count(count):
                run.take(order, now)

    def begin_anew(self, device_id: str, count: int) -> None:
        """Leave behind all that a device said by an earlier count."""
        if count > self._runs[device_id].count:
            self._runs[device_id] = Run(count=count)

    def stored(self, device_id: str, order: Order, now: float, *, in_order: bool = False, urgent: bool = False) -> None:
        """Note that a message is stored.

        `urgent` ones are answered at once: with the end of the run as it is, and again when the run has come to them.
        """
        run = self._runs[device_id]
        if run.count and count_of(order[0]) < run.count:
            return  # a late one from before the device began to count anew
        run.take(order, now, in_order=in_order, alarm=urgent and not in_order)
        if urgent:
            run.asked = max(order, run.asked or order)
            self._urgent.add(device_id)
        elif run.asked is not None and run.answers:
            self._urgent.add(device_id)
        self._to_look_at.add(device_id)

    def refused(self, device_id: str, order: Order, now: float, *, in_order: bool = False) -> None:
        """Note that a message, of these numbers of the device, could not be used and need not come again.

        A `boot` beyond those of the wire is not believed: it would be taken for one of a later count.
        """
        run = self._runs[device_id]
        if order[0] < STARTS_OF_A_COUNT:
            run.take_refused((in_count(order[0], run.count), order[1]), now, in_order=in_order)
        if run.answers:
            self._urgent.add(device_id)
        self._to_look_at.add(device_id)

    def in_touch_anew(self, now: float, device_id: str | None = None) -> None:
        """One device came back, or (None) we did."""
        for each in self._runs if device_id is None else {device_id} & self._runs.keys():
            self._runs[each].in_touch_anew(now)
            self._to_look_at.add(each)

    @property
    def has_gaps(self) -> bool:
        """Tell whether any device waits for a number."""
        return any(self._runs[each].ahead for each in self._to_look_at)

    def urgent(self, now: float) -> dict[str, Order]:
        """Return what to tell at once, after an alarm or a batch; it counts as told."""
        return self._due_of(list(self._urgent), now, float("-inf")) if self._urgent else {}

    def due(self, now: float, *, drained_at: float = float("-inf")) -> dict[str, Order]:
        """Return what to tell whom now; it counts as told."""
        return self._due_of(list(self._to_look_at), now, drained_at)

    def _due_of(self, device_ids: list[str], now: float, drained_at: float) -> dict[str, Order]:
        told: dict[str, Order] = {}
        for device_id in device_ids:
            run = self._runs[device_id]
            run.give_up(drained_at)
            order = run.due(now, urgent=device_id in self._urgent)
            if order is not None:
                run.tell(order, now)
                told[device_id] = order
            self._urgent.discard(device_id)
            if run.upto == run.told and not run.ahead:
                self._to_look_at.discard(device_id)
        return told
