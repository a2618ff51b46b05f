"""A boot number that goes back: a device that was reset, or one absurd number, must not be late for ever."""

from dataclasses import replace

from alerts.rules.lateness import came_late
from alerts.rules.memory import BEFORE_ALL, Descent, Memory
from isocket.domain.reports import DeviceState, Order, Report, ReportKind

ENOUGH = 3
"""So many state reports in a row that were made just now, from a boot below the judged one, are no stragglers."""


def follow(
    memory: Memory,
    reports: tuple[Report, ...],
    newest: Order,
    state: DeviceState | None,
    backlogs: frozenset[int],
) -> tuple[Memory, Order | None]:
    """Return the memory after these reports and, if the device started over, the order from which it is judged now.

    What the memory holds by the old numbers is put before the first of the new ones.
    """
    below: list[Report] = []
    fresh = memory.descent.fresh
    for each in sorted(reports, key=lambda report: (report.received_ms, report.order)):
        if each.boot >= newest[0]:
            fresh, below = 0, []
        elif each.kind is ReportKind.STATE and each.received_ms not in backlogs and not came_late(each, backlogs):
            fresh, below = fresh + 1, [*below, each]
    if fresh == memory.descent.fresh:
        return memory, None
    if fresh < ENOUGH or not below:
        return replace(memory, descent=replace(memory.descent, fresh=fresh)), None
    first = min(each.order for each in below)
    start = (first[0], first[1] - 1)
    return _from(memory, start, BEFORE_ALL if state is None else state.order), start


def _from(memory: Memory, start: Order, disbelieved: Order) -> Memory:
    boot, seq = start
    conditions = {key: replace(each, boot=boot, seq=seq) for key, each in memory.conditions.items()}
    return replace(memory, conditions=conditions, alarms=start, descent=Descent(disbelieved=disbelieved))


def believed(state: DeviceState | None, descent: Descent) -> DeviceState | None:
    """Return the latest state unless it is of the numbers that the device has left behind."""
    if state is None or state.order <= descent.disbelieved:
        return None
    return state
