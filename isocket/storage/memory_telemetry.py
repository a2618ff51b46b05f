"""Telemetry in dictionaries, under the same promises as on disk: for unit tests and for trying things out."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count

from isocket.domain.reports import DeviceState, Envelope, Order, Report, ReportKind, of_the_device
from isocket.kit.clock import Clock, SystemClock, from_ms, to_ms
from isocket.storage.memory_heard import HeardDevice, first_urgent, heed_the_clock, longest_waiting
from isocket.storage.rollup import OF_REPORTS, Cut, cursor_of, place_of, rolled_up
from isocket.storage.set_back import SetBack
from isocket.storage.table import TOLD, Table, TableCursor, line_of
from isocket.storage.telemetry import Arrival, Confirmed, News, NewsCursor, RollCall, Series, Waiting, flat
from isocket.storage.wakeups import HEARD, WAITS, Wakeups
from isocket.storage.windows import Hour, hour_of


class MemoryTelemetry:
    """Reports that go with the process. No verb waits inside, so each is atomic on the event loop."""

    def __init__(self, wakeups: Wakeups | None = None, clock: Clock | None = None) -> None:
        self._wakeups = wakeups
        self._clock = clock or SystemClock()
        self._set_back = SetBack(self._clock)
        self._devices: dict[str, HeardDevice] = {}
        self._arrivals = count(1)
        self._last_arrival = self._comings = self._gathered = self._kept_from_ms = 0
        self._overtook = False  # whoever was claimed last, see `WaitingDevices`
        self._fences = count(1)  # one for all: a device that was forgotten never sees an old fence again

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        """Store a batch; return for each report whether it was new."""
        now_ms = self._clock.now_ms()
        for device_id in sorted({report.device_id for report in reports} - self._devices.keys()):
            self._devices[device_id] = HeardDevice()
        new: list[bool] = []
        fresh: list[Report] = []
        waits = False
        for report in reports:
            device = self._devices[report.device_id]
            new.append(report.order not in device.reports)
            if not new[-1]:
                continue
            self._last_arrival = next(self._arrivals)
            device.reports[report.order] = (self._last_arrival, report)
            if report.kind is ReportKind.STATE:
                device.said = self._last_arrival
            if device.must_judge(report):
                device.unjudged[report.order] = report
                device.begin_to_wait(now_ms)
                if report.kind is ReportKind.ALARM:
                    device.hurry(now_ms)
                waits = True
            fresh.append(report)
        for report in sorted(fresh, key=lambda each: each.order):
            self._devices[report.device_id].hear(report)
        self._ring(waits=waits)
        return new

    async def note_presence(self, device_id: str, *, online: bool, at: datetime) -> None:
        """Note what the broker says of a connection; being online counts as being heard."""
        device = self._devices.setdefault(device_id, HeardDevice())
        self._comings += 1
        device.came_or_went = self._comings
        if not online:
            device.offline_ms = to_ms(at)
            self._ring(waits=False)
            return
        device.offline_ms = None
        device.heard_ms = max(device.heard_ms, to_ms(at))
        waits = device.envelope is None or device.waiting_since_ms is not None
        if waits:
            device.woken = True
            device.begin_to_wait(to_ms(at))
        self._ring(waits=waits)

    async def confirmed(self, device_ids: Sequence[str]) -> dict[str, Confirmed]:
        """Return how far each device's storing was confirmed, and what is stored beyond."""
        return {device_id: self._devices.get(device_id, HeardDevice()).confirmed() for device_id in device_ids}

    async def note_confirmed(self, upto: Mapping[str, Order]) -> None:
        """Note how far devices were told; devices that were never heard of are passed over."""
        for device_id, order in upto.items():
            device = self._devices.get(device_id)
            if device is not None and (device.told is None or device.told < order):
                device.told = order

    async def latest(self, device_ids: Sequence[str]) -> dict[str, DeviceState]:
        """Return the latest state of those devices that ever spoke."""
        asked = {device_id: self._devices[device_id] for device_id in device_ids if device_id in self._devices}
        states = {device_id: device.latest(device_id) for device_id, device in asked.items()}
        return {device_id: state for device_id, state in states.items() if state is not None}

    async def news(self, after: NewsCursor | None, device_ids: Sequence[str]) -> News:
        """Return which of the devices have said something, come or gone after a place."""
        upto = (self._last_arrival, self._comings)
        if after is None:
            return News(upto=upto, device_ids=())
        known = [(each, self._devices.get(each, HeardDevice())) for each in device_ids]
        fresh = tuple(each for each, device in known if device.said > after[0] or device.came_or_went > after[1])
        return News(upto=(max(upto[0], after[0]), max(upto[1], after[1])), device_ids=fresh)

    async def series(
        self,
        device_id: str,
        *,
        start: datetime,
        end: datetime,
        step: str = "raw",
        fields: Sequence[str] | None = None,
        cursor: str | None = None,
        limit: int = 10_000,
        time_zone: str = "UTC",
        spread: bool = False,
    ) -> Series:
        """Return points with start <= time < end, oldest first; only `raw` comes in pages."""
        device = self._devices.get(device_id, HeardDevice())
        start_ms, end_ms = to_ms(start), to_ms(end)
        if step not in OF_REPORTS:
            cut = Cut.of(step, time_zone, start_ms, end_ms)
            points = [
                (at_ms, flat(of_the_device(report.fields)))
                for at_ms, arrival, report in device.said_between(start_ms, end_ms)
                if (at_ms >= self._kept_from_ms if arrival > self._gathered else not cut.start_ms <= at_ms < cut.end_ms)
            ]
            parts = cut.parts(sorted(device.hours.items()))
            return rolled_up(
                points, step=step, fields=fields, time_zone=time_zone, following=None, parts=parts, spread=spread
            )
        seek = place_of(cursor) if cursor else (-1, -1)
        found = [each for each in device.said_between(start_ms, end_ms) if each[:2] > seek]
        following = None
        if step == "raw":
            found = found[:limit]
            following = cursor_of(*found[-1][:2]) if found and len(found) == limit else None
        points = [(at_ms, flat(of_the_device(report.fields))) for at_ms, _, report in found]
        return rolled_up(points, step=step, fields=fields, time_zone=time_zone, following=following, spread=spread)

    async def arrivals(self, device_id: str, *, start: datetime, end: datetime) -> list[Arrival]:
        """Return which messages of a time came, and a neighbour on each side."""
        reports = self._devices.get(device_id, HeardDevice()).reports
        known = sorted(Arrival(*order, each.at_ms, each.received_ms) for order, (_, each) in reports.items())
        places = [place for place, each in enumerate(known) if to_ms(start) <= each.at_ms < to_ms(end)]
        beside = {places[0] - 1, places[-1] + 1} if places else set()
        return [known[place] for place in sorted({*places, *beside}) if 0 <= place < len(known)]

    async def roll_up(self, *, limit: int = 1000) -> int:
        """Gather reports into hours, in the order in which they came."""
        due = sorted(
            (arrival, device_id, report)
            for device_id, device in self._devices.items()
            for arrival, report in device.reports.values()
            if arrival > self._gathered
        )[:limit]
        for arrival, device_id, report in due:
            if report.kind is ReportKind.STATE and report.at_ms >= self._kept_from_ms:
                hour = self._devices[device_id].hours.setdefault(hour_of(report.at_ms), Hour())
                hour.add(report.at_ms, flat(of_the_device(report.fields)))
            self._gathered = arrival
        return len(due)

    async def prune(self, before: datetime, *, limit: int = 500, sparing: Sequence[str] = ()) -> int:
        """Remove old reports that are gathered and judged; return how many."""
        self._kept_from_ms = max(self._kept_from_ms, to_ms(before))
        old = self._old(to_ms(before), sparing)[:limit]
        for device, order in old:
            del device.reports[order]
        return len(old)

    async def prunable(self, before: datetime, *, sparing: Sequence[str] = ()) -> int:
        """Return how many reports `prune` would remove."""
        return len(self._old(to_ms(before), sparing))

    def _old(self, before_ms: int, sparing: Sequence[str]) -> list[tuple[HeardDevice, Order]]:
        return [
            (device, order)
            for name, device in self._devices.items()
            if name not in sparing
            for order, (arrival, report) in device.reports.items()
            if report.at_ms < before_ms and arrival <= self._gathered and order not in device.unjudged
        ]

    async def reports(
        self, device_id: str, *, start: datetime, end: datetime, after: Report | None = None, limit: int = 10_000
    ) -> list[Report]:
        """Return the messages of a device with start <= time < end, ordered by (time, boot, seq)."""
        seek = (-1, -1, -1) if after is None else (after.at_ms, after.boot, after.seq)
        found = [
            each
            for _, each in self._devices.get(device_id, HeardDevice()).reports.values()
            if to_ms(start) <= each.at_ms < to_ms(end) and (each.at_ms, each.boot, each.seq) > seek
        ]
        return sorted(found, key=lambda each: (each.at_ms, each.boot, each.seq))[:limit]

    async def named(self, device_id: str, order: Order) -> Report | None:
        """Return the message that has this name."""
        return self._devices.get(device_id, HeardDevice()).reports.get(order, (0, None))[1]

    async def table(
        self, device_id: str, *, start: datetime, end: datetime, after: TableCursor | None = None, limit: int = 5_000
    ) -> Table:
        """Return lines of a table."""
        found = sorted(
            (each.at_ms, arrival, each)
            for arrival, each in self._devices.get(device_id, HeardDevice()).reports.values()
            if to_ms(start) <= each.at_ms < to_ms(end) and (each.at_ms, arrival) > (after or (-1, -1))
        )
        page = found[:limit]
        lines = [line_of(each) for _, _, each in page if each.kind in TOLD]
        following = page[-1][:2] if len(page) == limit else None
        return Table("".join(lines).encode(), len(lines), following)

    async def take_in(self, reports: Sequence[Report]) -> int:
        """Store reports as the past alone."""
        taken = 0
        for report in reports:
            device = self._devices.setdefault(report.device_id, HeardDevice())
            if report.order not in device.reports:
                self._last_arrival = next(self._arrivals)
                device.reports[report.order] = (self._last_arrival, report)
                taken += 1
        return taken

    async def whole_since(self) -> datetime:
        """Return since when single reports are all there."""
        return from_ms(self._kept_from_ms)

    async def claim_waiting(
        self,
        *,
        owner: str,  # noqa: ARG002 - for stores that write down who holds a claim
        now: datetime,
        lease_s: float,
        ahead: bool = False,  # noqa: ARG002 - a claim costs nothing here
    ) -> Waiting | None:
        """Claim the device that comes first."""
        now_ms = to_ms(now)
        heed_the_clock(self._devices.values(), self._set_back, now_ms)
        free = [(device_id, each) for device_id, each in self._devices.items() if each.lease_ms <= now_ms]
        urgent, longest = first_urgent(free), longest_waiting(free, now_ms)
        chosen = longest if urgent is None or self._overtook else urgent
        if chosen is None:
            return None
        self._overtook = chosen == urgent and chosen != longest
        device_id, device = chosen
        device.lease_ms = to_ms(now + timedelta(seconds=lease_s))
        device.claimed_ms = now_ms
        device.fence = next(self._fences)
        device.handed_out = tuple(sorted(device.unjudged))
        device.woken = False
        device.begin_to_wait(now_ms)
        return Waiting(
            device_id=device_id,
            fence=device.fence,
            reports=tuple(device.unjudged[order] for order in device.handed_out),
            state=device.latest(device_id),
            envelope=device.envelope,
        )

    async def settle(
        self,
        waiting: Waiting,
        *,
        envelope: Envelope | None,
        wake_at: datetime | None,
        silent_after_s: float | None,
    ) -> bool:
        """End a claim; False when it was lost, or settled already."""
        device = self._devices.get(waiting.device_id)
        if device is None or device.fence != waiting.fence:
            return False
        for order in device.handed_out:
            del device.unjudged[order]
        device.handed_out = ()
        device.fence = None
        device.lease_ms = 0
        device.envelope = envelope
        device.wake_ms = None if wake_at is None else to_ms(wake_at)
        device.silent_after_ms = None if silent_after_s is None else round(silent_after_s * 1000)
        if device.silent(device.claimed_ms):
            device.silence_judged_ms = device.heard_ms
        if not device.woken and not device.unjudged:
            device.waiting_since_ms = device.urgent_since_ms = None
        return True

    async def wake(self, device_id: str) -> None:
        """Make a device wait to be judged now; a wake during a judgement is judged after it."""
        device = self._devices.get(device_id)
        if device is None:
            return
        device.woken = True
        device.begin_to_wait(self._clock.now_ms())
        self._ring(waits=True)

    async def roll_call(self, *, now: datetime, within_s: float) -> RollCall:
        """Count who is there and who went lately."""
        now_ms, since_ms = to_ms(now), to_ms(now) - round(within_s * 1000)
        known = [(gone_ms, each) for each in self._devices.values() if (gone_ms := each.gone_ms()) is not None]
        lately = [each.is_dark() for gone_ms, each in known if since_ms < gone_ms <= now_ms]
        waiting = [each.waiting_since_ms for each in self._devices.values() if each.waiting_since_ms is not None]
        return RollCall(
            present=sum(gone_ms > now_ms for gone_ms, _ in known),
            gone=len(lately) - sum(lately),
            dark=sum(lately),
            waiting_since=from_ms(min(waiting)) if waiting else None,
        )

    async def gone(self, *, now: datetime, within_s: float, limit: int, after: str = "") -> list[str]:
        """Name some of those that went lately, but for those without mains power."""
        now_ms, since_ms = to_ms(now), to_ms(now) - round(within_s * 1000)
        known = [(name, each.gone_ms()) for name, each in self._devices.items() if not each.is_dark()]
        return sorted(
            name for name, gone_ms in known if gone_ms is not None and since_ms < gone_ms <= now_ms and name > after
        )[:limit]

    async def start_over(self, device_id: str, *, beyond: Order, below: Order) -> None:
        """Let the latest state follow a device that counts its boots from the beginning again."""
        device = self._devices.get(device_id)
        if device is None:
            return
        again = [
            (arrival, report)
            for order, (arrival, report) in device.reports.items()
            if beyond < order < below and report.kind is ReportKind.STATE
        ]
        if again:
            device.state = None
            device.hear(max(again, key=lambda each: each[0])[1])

    async def forget(self, device_id: str) -> int:
        """Remove everything reported by a device; return how many reports there were."""
        device = self._devices.pop(device_id, HeardDevice())
        return len(device.reports)

    async def reports_waiting(self) -> int:
        """Return how many reports wait to be judged."""
        return sum(len(device.unjudged) for device in self._devices.values())

    def _ring(self, *, waits: bool) -> None:
        if self._wakeups is not None:
            self._wakeups.ring(HEARD)
            if waits:
                self._wakeups.ring(WAITS)
