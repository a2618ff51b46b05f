"""What is known of one device, in a dictionary's memory: its reports, its latest state, and whether it waits."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from isocket.domain.reports import ClockQuality, DeviceState, Envelope, Order, Report, ReportKind, of_the_device
from isocket.kit.clock import FAR_AHEAD_MS, from_ms
from isocket.storage.set_back import SetBack
from isocket.storage.telemetry import Confirmed
from isocket.storage.windows import Hour


@dataclass(slots=True)
class HeardDevice:
    """Everything that is known of one device."""

    reports: dict[Order, tuple[int, Report]] = field(default_factory=dict)  # with the number of its arrival
    unjudged: dict[Order, Report] = field(default_factory=dict)
    state: Report | None = None  # the newest state report
    fields: dict[str, Any] = field(default_factory=dict)
    heard_ms: int = 0
    offline_ms: int | None = None
    envelope: Envelope | None = None
    waiting_since_ms: int | None = None
    urgent_since_ms: int | None = None  # since when of these an alarm
    woken: bool = False  # since the last claim
    wake_ms: int | None = None
    silent_after_ms: int | None = None
    silence_judged_ms: int | None = None  # the value of `heard_ms` whose silence has been judged
    lease_ms: int = 0
    claimed_ms: int = 0
    fence: int | None = None  # of the claim that is not settled yet
    handed_out: tuple[Order, ...] = ()
    told: Order | None = None  # up to here it knows that we store
    said: int = 0  # the number of its last state report
    came_or_went: int = 0
    hours: dict[int, Hour] = field(default_factory=dict)

    def said_between(self, start_ms: int, end_ms: int) -> list[tuple[int, int, Report]]:
        """Return its state reports of a time, oldest first, with the numbers of their arrival."""
        return sorted(
            (report.at_ms, arrival, report)
            for arrival, report in self.reports.values()
            if report.kind is ReportKind.STATE and start_ms <= report.at_ms < end_ms
        )

    def silent(self, now_ms: int) -> bool:
        """Return whether it has been silent for too long and nobody has judged that."""
        return (
            self.silent_after_ms is not None
            and 0 < self.heard_ms <= now_ms - self.silent_after_ms
            and self.heard_ms != self.silence_judged_ms
        )

    def gone_ms(self) -> int | None:
        """Return when it went or will have gone, None where nobody waits for its silence."""
        if self.silent_after_ms is None or not self.heard_ms:
            return None
        by_silence = self.heard_ms + self.silent_after_ms // 2
        said_gone = self.offline_ms is not None and self.offline_ms >= self.heard_ms
        return min(by_silence, self.offline_ms) if said_gone and self.offline_ms is not None else by_silence

    def is_dark(self) -> bool:
        """Return whether it said last that it has no mains power."""
        return self.fields.get("mains") is False

    def due_since_ms(self, now_ms: int) -> int | None:
        """Return since when somebody should look at it; None if nobody needs to."""
        reasons = [self.waiting_since_ms]
        if self.wake_ms is not None and self.wake_ms <= now_ms:
            reasons.append(self.wake_ms)
        if self.silent_after_ms is not None and self.silent(now_ms):
            reasons.append(self.heard_ms + self.silent_after_ms)
        return min((each for each in reasons if each is not None), default=None)

    def must_judge(self, report: Report) -> bool:
        """Return whether a rule has to see this report."""
        if report.kind is ReportKind.ALARM:
            return True
        if report.kind is not ReportKind.STATE:
            return False
        waits = self.waiting_since_ms is not None
        return waits or self.envelope is None or not self.envelope.holds(report.fields)

    def begin_to_wait(self, since_ms: int) -> None:
        """Note since when it waits to be judged; who waits already goes on waiting."""
        if self.waiting_since_ms is None:
            self.waiting_since_ms = since_ms

    def hurry(self, since_ms: int) -> None:
        """Note since when an alarm waits to be judged."""
        if self.urgent_since_ms is None:
            self.urgent_since_ms = since_ms

    def hear(self, report: Report) -> None:
        """Move the latest state: only forward, field by field; None takes a field away."""
        self.heard_ms = max(self.heard_ms, report.received_ms)
        if report.kind is not ReportKind.STATE or (self.state and report.order <= self.state.order):
            return
        self.state = report
        merged = {**self.fields, **of_the_device(report.fields)}
        self.fields = {name: value for name, value in merged.items() if value is not None}

    def confirmed(self) -> Confirmed:
        """Return how far it was told that we store, and what is stored beyond."""
        beyond = sorted(order for order in self.reports if self.told is None or order > self.told)
        return Confirmed(upto=self.told, beyond=tuple(beyond))

    def latest(self, device_id: str) -> DeviceState | None:
        """Return the latest state, None if it was never heard."""
        if not self.heard_ms:
            return None
        last = self.state
        return DeviceState(
            device_id=device_id,
            boot=last.boot if last else 0,
            seq=last.seq if last else 0,
            at=from_ms(last.at_ms if last else 0),
            received_at=from_ms(self.heard_ms),
            clock=last.clock if last else ClockQuality.SERVER,
            fields=dict(self.fields),
            online=self.offline_ms is None or self.heard_ms > self.offline_ms,
        )


def heed_the_clock(devices: Collection[HeardDevice], set_back: SetBack, now_ms: int) -> None:
    """Where the clock was set back, end claims that would last until then, and let what was heard be heard now."""
    far_ms = now_ms + FAR_AHEAD_MS
    for each in devices:
        if each.lease_ms > far_ms:
            each.lease_ms = 0
    ahead = [each for each in devices if each.heard_ms > far_ms]
    if set_back.is_believed(heard_ahead=bool(ahead)):
        for each in ahead:
            each.heard_ms = now_ms
            each.wake_ms = None if each.wake_ms is None else min(each.wake_ms, now_ms)


def first_urgent(free: Iterable[tuple[str, HeardDevice]]) -> tuple[str, HeardDevice] | None:
    """Return whose alarm has waited longest; of equals, who was heard of first."""
    urgent = [(device.urgent_since_ms, known) for known in free if (device := known[1]).urgent_since_ms is not None]
    return min(urgent, key=lambda each: each[0])[1] if urgent else None


def longest_waiting(free: Iterable[tuple[str, HeardDevice]], now_ms: int) -> tuple[str, HeardDevice] | None:
    """Return who comes first; of equals, who was heard of first."""
    best: tuple[str, HeardDevice] | None = None
    best_ms = 0
    for device_id, device in free:
        due_ms = device.due_since_ms(now_ms)
        if due_ms is not None and (best is None or due_ms < best_ms):
            best, best_ms = (device_id, device), due_ms
    return best
