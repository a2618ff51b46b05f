"""Which reports come in time to be judged: arrival is no order, (boot, seq) is."""

from collections.abc import Mapping
from typing import Any

from alerts.rules.alarms import key_of
from alerts.rules.memory import Key
from alerts.rules.signs import Look, Sign, Standing, signs
from isocket.domain.incidents import Cause
from isocket.domain.reports import ClockQuality, DeviceState, Order, Report, ReportKind
from isocket.domain.settings import DeviceSettings
from isocket.kit.clock import EPOCH

OVERTAKEN_MS = 60_000
"""Alarms travel on a lane of their own, so a state sent just after one may be judged just before it, and one sent just
before it just after it. What is younger than this, by a good clock, was overtaken; what is older is history."""


def batches(reports: tuple[Report, ...]) -> frozenset[int]:
    """Return the moments of receipt at which several state reports came at once: those were kept for a while."""
    once: set[int] = set()
    again: set[int] = set()
    for each in reports:
        if each.kind is ReportKind.STATE:
            (again if each.received_ms in once else once).add(each.received_ms)
    return frozenset(again)


def came_late(report: Report, backlogs: frozenset[int]) -> bool:
    """Return whether a report tells of the past: by a good clock, else by having come in a backlog."""
    if report.clock is ClockQuality.DEVICE:
        return report.received_ms - report.at_ms > OVERTAKEN_MS
    return report.kind is ReportKind.STATE and report.received_ms in backlogs


def newest_known(judged: Order, state: DeviceState | None, reports: tuple[Report, ...]) -> Order:
    """Return the order up to which reports are late.

    The latest state counts where it is not among the reports at hand: it was quiet, so no rule needed it, but it
    is newer than what comes after it.
    """
    if state is None or state.at == EPOCH:  # no state report has come yet
        return judged
    return judged if any(each.order == state.order for each in reports) else max(judged, state.order)


def is_overtaken_alarm(
    report: Report,
    *,
    newest: Order,
    alarms: Order,
    state: DeviceState | None,
    settings: DeviceSettings,
    standing: Standing,
) -> bool:
    """Return whether this late report is an alarm that is news all the same, since no newer word denies it."""
    if report.kind is not ReportKind.ALARM or report.order <= alarms or not _is_of_now(report, newest):
        return False
    if state is None or state.order < report.order:
        return True
    said = _said_of(key_of(report.fields), state.fields, settings, standing)
    if report.fields["active"]:
        return said is None or said.look is Look.BAD
    return said is None  # what states speak of they also end


def is_overtaken_state(report: Report, *, newest: Order, state: DeviceState | None) -> bool:
    """Return whether only alarms overtook this late state: no newer state is known, so it is the present."""
    if report.kind is not ReportKind.STATE or not _is_of_now(report, newest):
        return False
    return state is None or state.order <= report.order


def _is_of_now(report: Report, newest: Order) -> bool:
    """Whether a report is of the device's latest start, and young by a good clock."""
    is_young = report.clock is ClockQuality.DEVICE and report.received_ms - report.at_ms <= OVERTAKEN_MS
    return is_young and report.boot == newest[0]


def _said_of(key: Key | None, fields: Mapping[str, Any], settings: DeviceSettings, standing: Standing) -> Sign | None:
    if key is None or key.cause is Cause.TEST:
        return None
    return next((each for each in signs(fields, settings, standing) if each.key == key), None)
