"""What a past period would have looked like with these settings: the same rules, the same order, nothing written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from alerts.causes import is_told, severity_of
from alerts.envelopes import envelope_of
from alerts.rules.decisions import Close, Decision, Deepen, Open, Release, Wait, is_told_though_over
from alerts.rules.docket import Case
from alerts.rules.judgement import Heard, Judgement, judge
from alerts.rules.memory import BEFORE_ALL, Key, Memory
from alerts.rules.silence import Hearing
from alerts.timeline import CAME_LATE, INFORMATION_ONLY
from isocket.domain.incidents import Cause, Severity
from isocket.domain.reports import DeviceState, Envelope, Order, Report, ReportKind, of_the_device
from isocket.kit.clock import from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An incident that would have been. `told_ms`: when it would have been handed to the ladder, None for never.

    `reason` says why not, with the words of the timeline. `ended_ms` None: it would have been open at the end.
    """

    key: Key
    severity: Severity
    began_ms: int
    noticed_ms: int
    ended_ms: int | None = None
    value: float | None = None
    told_ms: int | None = None
    reason: str = ""


def replay(case: Case, reports: Sequence[Report], *, start_ms: int, end_ms: int) -> list[Episode]:
    """Return what the rules would have made of these reports, in the order of the beginnings.

    The period stands by itself: what went before is not known, so a device that says nothing from its beginning on
    is not yet silent. That we listened all the time is assumed.
    """
    course = _Course(case, start_ms)
    for received_ms, group in groupby(sorted(reports, key=_arrival), key=lambda report: report.received_ms):
        if received_ms > end_ms:
            break
        course.pass_until(received_ms)
        course.hear(tuple(group), received_ms)
    course.pass_until(end_ms)
    return sorted(course.episodes.values(), key=lambda each: each.began_ms)


def _arrival(report: Report) -> tuple[int, int, int]:
    return (report.received_ms, *report.order)


class _Course:
    """One device going through the period, judged whenever the judge would have."""

    def __init__(self, case: Case, start_ms: int) -> None:
        self.episodes: dict[str, Episode] = {}
        self._case = case
        self._start_ms = start_ms
        self._memory = Memory()
        self._judged: Order = BEFORE_ALL
        self._state: DeviceState | None = None
        self._envelope: Envelope | None = None
        self._wake_ms: int | None = None
        self._silent_after_ms: int | None = None
        self._heard_ms: int | None = None
        self._held: dict[str, int] = {}  # told not before, and only if they last

    def hear(self, reports: tuple[Report, ...], now_ms: int) -> None:
        """Take what came at one moment; what the envelope holds is not judged, as it would not have been."""
        self._heard_ms = now_ms
        for report in reports:
            if report.kind is ReportKind.STATE:
                self._move_state(report)
        if self._envelope is None or any(not _is_quiet(each, self._envelope) for each in reports):
            self._judge(reports, now_ms)

    def pass_until(self, now_ms: int) -> None:
        """Judge whenever a delay or the patience with a silence ends, up to this moment."""
        for due_ms in iter(self._next_due, None):
            if due_ms > now_ms:
                return
            self._judge((), due_ms)

    def _next_due(self) -> int | None:
        silence_ms = None
        if self._silent_after_ms is not None and self._heard_ms is not None:
            silence_ms = self._heard_ms + self._silent_after_ms
        return min((each for each in (self._wake_ms, silence_ms) if each is not None), default=None)

    def _judge(self, reports: tuple[Report, ...], now_ms: int) -> None:
        heard = Heard(reports=reports, judged=self._judged, state=self._state)
        hearing = Hearing(heard_ms=self._heard_ms, claimed_ms=0, listening_ms=self._start_ms)
        made = judge(self._case, self._memory, heard, hearing, now_ms)
        self._memory, self._judged = made.memory, made.judged
        self._envelope = envelope_of(self._case.settings, made.memory, self._state)
        self._wake_ms = None if made.wake_ms is None else max(made.wake_ms, now_ms + 1)
        self._silent_after_ms = _silence_after(made, self._heard_ms, now_ms)
        self._take(made.decisions, now_ms)

    def _move_state(self, report: Report) -> None:
        known = self._state
        if known is not None and report.order <= known.order:
            return
        fields = {} if known is None else known.fields
        self._state = DeviceState(
            device_id=report.device_id,
            boot=report.boot,
            seq=report.seq,
            at=from_ms(report.at_ms),
            received_at=from_ms(report.received_ms),
            clock=report.clock,
            fields={**fields, **of_the_device(report.fields)},
            online=True,
        )

    def _take(self, decisions: Sequence[Decision], now_ms: int) -> None:
        ends = {each.incident_id for each in decisions if isinstance(each, Close)}
        for decision in decisions:
            match decision:
                case Open():
                    self._open(decision, now_ms, passed=decision.incident_id in ends)
                case Close():
                    self._close(decision, now_ms)
                case Deepen():
                    self._change(decision.incident_id, value=decision.value)
                case Release():
                    self._change(decision.incident_id, told_ms=now_ms, reason="")
                case Wait() if now_ms < self._held.get(decision.incident_id, now_ms):
                    self._held[decision.incident_id] = decision.until_ms
                    self._change(decision.incident_id, told_ms=decision.until_ms)

    def _open(self, opening: Open, now_ms: int, *, passed: bool) -> None:
        key = opening.key
        severity = severity_of(key.cause, key.probe, self._case.settings, key.about)
        though_over = is_told_though_over(opening, severity)
        reason = ""
        if not is_told(severity):
            reason = INFORMATION_ONLY
        elif opening.explained_by is not None:
            reason = f"explained_by_{Cause.FLAPPING if opening.comes_and_goes else Cause.MAINS_LOST}"
        elif passed and not though_over:
            reason = CAME_LATE
        elif opening.hold_until_ms is not None and not though_over:
            self._held[opening.incident_id] = opening.hold_until_ms
        self.episodes[opening.incident_id] = Episode(
            key=key,
            severity=severity,
            began_ms=opening.began_ms,
            noticed_ms=now_ms,
            value=opening.value,
            told_ms=None if reason else max(now_ms, self._held.get(opening.incident_id, now_ms)),
            reason=reason,
        )

    def _close(self, close: Close, now_ms: int) -> None:
        self._change(close.incident_id, ended_ms=close.at_ms)
        if close.value is not None:
            self._change(close.incident_id, value=close.value)
        if now_ms <= self._held.get(close.incident_id, now_ms - 1):  # it was over before anybody was told
            self._change(close.incident_id, told_ms=None, reason=CAME_LATE)

    def _change(self, incident_id: str, **changes: object) -> None:
        if incident_id in self.episodes:
            self.episodes[incident_id] = replace(self.episodes[incident_id], **changes)  # type: ignore[arg-type]  # by name


def _is_quiet(report: Report, envelope: Envelope) -> bool:
    return report.kind in _SILENT_KINDS or (report.kind is ReportKind.STATE and envelope.holds(report.fields))


def _silence_after(made: Judgement, heard_ms: int | None, now_ms: int) -> int | None:
    """Return how long after the last word the silence is judged; not what has passed already, or it never would."""
    if made.silent_after_s is None or heard_ms is None:
        return None
    after_ms = round(made.silent_after_s * 1000)
    return after_ms if heard_ms + after_ms > now_ms else None


_SILENT_KINDS = frozenset({ReportKind.ACK, ReportKind.REPORTED})


def as_told(episodes: Sequence[Episode]) -> Iterator[dict[str, object]]:
    """Yield episodes as they are stored for whoever asked."""
    for each in episodes:
        yield {
            "cause": each.key.cause.value,
            "about": None if each.key.about is None else each.key.about.value,
            "probe": each.key.probe,
            "severity": each.severity.value,
            "began_ms": each.began_ms,
            "noticed_ms": each.noticed_ms,
            "ended_ms": each.ended_ms,
            "told_ms": each.told_ms,
            "reason": each.reason,
            "value": each.value,
        }
