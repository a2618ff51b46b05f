"""The rules as pure functions: the same in, the same out, and never two incidents of one cause at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules.decisions import Close, Open
from alerts.rules.docket import Case
from alerts.rules.judgement import Heard, Judgement, judge
from alerts.rules.memory import BEFORE_ALL, Condition, Key, Memory, Phase, PowerBack, from_watch, to_watch
from alerts.rules.silence import Hearing
from isocket.domain.incidents import Cause
from isocket.domain.reports import ClockQuality, DeviceState, Order, Report, ReportKind
from isocket.domain.settings import (
    CreditSettings,
    DeviceSettings,
    FlappingSettings,
    ProbeSettings,
    SignalSettings,
    ThermostatSettings,
)
from isocket.kit.clock import to_ms

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOON_MS = to_ms(NOON)
SETTINGS = DeviceSettings(
    temp=(ProbeSettings(low_c=5, high_c=30, delay_s=60, rise_c_per_h=100, fall_c_per_h=50, rate_window_s=300),),
    thermostat=ThermostatSettings(enabled=True, on_c=5.5, alarm_after_s=600),
    signal=SignalSettings(low_pct=20, delay_s=60),
    credit=CreditSettings(low=5),
    flapping=FlappingSettings(count=3, window_s=1800, quiet_s=900),
)
CASE = Case(device_id="isk-1", account_id="acc-1", settings=SETTINGS)

States = st.fixed_dictionaries(
    {},
    optional={
        "mains": st.booleans(),
        "battery_pct": st.integers(0, 100),
        "charging": st.booleans(),
        "temp_c": st.lists(st.none() | st.sampled_from([4.0, 5.0, 5.5, 6.0, 20.0, 29.5, 31.0]), max_size=2),
        "input": st.lists(st.booleans(), max_size=2),
        "armed": st.booleans(),
        "signal_pct": st.sampled_from([10, 22, 60]),
        "credit": st.sampled_from(["3.00 EUR", "12,40 EUR", "who knows"]),
        "relay": st.booleans(),
        "relay_cause": st.sampled_from(["thermostat", "schedule"]),
    },
)
Alarms = st.fixed_dictionaries(
    {"cause": st.sampled_from([str(each) for each in Cause if each is not Cause.OFFLINE]), "active": st.booleans()},
    optional={"value": st.floats(-20, 100), "probe": st.integers(0, 1)},
)
Messages = st.lists(
    st.tuples(st.integers(0, 200), st.one_of(States, Alarms)), min_size=1, max_size=30
)  # seconds since the one before, and what it says


def report(seq: int, at_s: float, fields: Mapping[str, Any], *, received_s: float | None = None) -> Report:
    kind = ReportKind.ALARM if "cause" in fields else ReportKind.STATE
    at_ms = NOON_MS + round(at_s * 1000)
    received_ms = at_ms if received_s is None else NOON_MS + round(received_s * 1000)
    return Report("isk-1", kind, 1, seq, at_ms, received_ms, ClockQuality.DEVICE, "", fields)


def run(
    memory: Memory, reports: Sequence[Report], now_s: float, *, judged: Order = BEFORE_ALL, heard_s: float | None = None
) -> Judgement:
    heard = now_s if heard_s is None else heard_s
    hearing = Hearing(heard_ms=NOON_MS + round(heard * 1000), claimed_ms=0, listening_ms=0)
    state = DeviceState(
        device_id="isk-1",
        boot=1,
        seq=max((each.seq for each in reports), default=judged[1]),
        at=NOON,
        received_at=NOON + timedelta(seconds=heard),
        clock=ClockQuality.DEVICE,
        fields={},
        online=True,
    )
    return judge(
        CASE,
        memory,
        Heard(reports=tuple(reports), judged=judged, state=state),
        hearing,
        NOON_MS + round(now_s * 1000),
    )


def timed(messages: Sequence[tuple[int, Mapping[str, Any]]]) -> list[Report]:
    made, at_s = [], 0
    for seq, (after_s, fields) in enumerate(messages, start=1):
        at_s += after_s
        made.append(report(seq, at_s, fields))
    return made


@given(messages=Messages)
def test_opening_and_closing_take_turns_for_each_cause_and_probe(
    messages: list[tuple[int, dict[str, Any]]],
) -> None:
    memory, judged, open_ids = Memory(), BEFORE_ALL, {}
    for each in timed(messages):
        result = run(memory, [each], (each.received_ms - NOON_MS) / 1000, judged=judged)
        memory, judged = result.memory, result.judged
        for decision in result.decisions:
            if isinstance(decision, Open):
                assert decision.key not in open_ids
                open_ids[decision.key] = decision.incident_id
            elif isinstance(decision, Close):
                (key,) = [key for key, incident_id in open_ids.items() if incident_id == decision.incident_id]
                del open_ids[key]
    assert {key: each.incident_id for key, each in memory.conditions.items() if each.is_open} == open_ids


@given(messages=Messages)
def test_judging_a_batch_again_with_the_memory_it_left_decides_nothing(
    messages: list[tuple[int, dict[str, Any]]],
) -> None:
    reports = timed(messages)
    now_s = (reports[-1].received_ms - NOON_MS) / 1000
    first = run(Memory(), reports, now_s)
    again = run(first.memory, reports, now_s, judged=first.judged)
    assert again.decisions == ()
    assert again.memory == first.memory


@given(messages=Messages)
def test_a_memory_survives_being_stored(messages: list[tuple[int, dict[str, Any]]]) -> None:
    reports = timed(messages)
    memory = run(Memory(), reports, 10_000).memory
    assert from_watch(to_watch(memory)) == memory


@given(messages=Messages)
def test_the_next_look_is_never_in_the_past(messages: list[tuple[int, dict[str, Any]]]) -> None:
    reports = timed(messages)
    now_s = (reports[-1].received_ms - NOON_MS) / 1000
    wake_ms = run(Memory(), reports, now_s).wake_ms
    assert wake_ms is None or wake_ms > NOON_MS + round(now_s * 1000)


@pytest.mark.parametrize(("lasted_s", "opens"), [(9, 0), (10, 0), (11, 1)])
def test_a_backlog_is_judged_by_the_moments_of_its_reports(lasted_s: int, opens: int) -> None:
    backlog = [
        report(1, 0, {"mains": False}, received_s=500),
        report(2, lasted_s, {"mains": True}, received_s=500),
        report(3, 400, {"mains": True}, received_s=500),
    ]
    decisions = run(Memory(), backlog, 500).decisions
    assert [type(each) for each in decisions] == [Open, Close] * opens


def test_a_report_that_was_long_on_its_way_still_waits_its_delay_by_our_clock() -> None:
    cut = report(1, 0, {"mains": False}, received_s=500)
    first = run(Memory(), [cut], 501)
    assert first.decisions == ()
    assert first.wake_ms == NOON_MS + 510_000
    (opening,) = run(first.memory, [], 510, judged=first.judged).decisions
    assert isinstance(opening, Open)
    assert opening.began_ms == NOON_MS


def test_a_clock_ahead_of_ours_moves_nothing_into_the_future() -> None:
    cut = report(1, 900, {"mains": False}, received_s=0)
    first = run(Memory(), [cut], 0)
    (opening,) = run(first.memory, [], 10, judged=first.judged, heard_s=0).decisions
    assert isinstance(opening, Open)
    assert opening.began_ms == NOON_MS


def test_the_memory_keeps_what_ended_last_and_who_gave_a_value() -> None:
    memory = Memory(
        conditions={
            Key(Cause.TEMP_HIGH, 1): Condition(
                phase=Phase.CLEARING, since_ms=1, turned_ms=2, heard_ms=3, opener="1.2", boot=1, seq=2, value=31.5
            )
        },
        proven=frozenset({0, 2}),
        power_back=PowerBack(incident_id="inc_x", began_ms=1, at_ms=2, heard_ms=3),
        alarms=(4, 5),
    )
    assert from_watch(to_watch(memory)) == memory


def test_what_only_a_newer_program_remembers_is_left_out_and_the_rest_is_judged() -> None:
    memory = run(Memory(), [report(1, 0, {"mains": False})], 11).memory
    memory = replace(memory, power_back=PowerBack(incident_id="inc_x", began_ms=1, at_ms=2, heard_ms=3))
    newer = to_watch(memory)
    newer["mains_lost"]["dampness"] = newer["power_back"]["dampness"] = 80
    newer |= {"damp.0": newer["mains_lost"], "dampness_said": {"damp": [1, 2]}, "alarms_said": {"damp": [1, 2]}}
    assert from_watch(newer) == memory


Stragglers = st.lists(
    st.tuples(st.integers(0, 29), st.integers(0, 29), st.integers(61, 100_000), st.one_of(States, Alarms)), max_size=12
)  # behind which message it belongs, behind which it comes, how old it is by then, and what it says


def arrivals(
    messages: Sequence[tuple[int, Mapping[str, Any]]], stragglers: Sequence[tuple[int, int, int, Mapping[str, Any]]]
) -> list[list[Report]]:
    """Return what is judged together: each message, with whatever came late along with it."""
    live = [each._replace(seq=each.seq * 100) for each in timed(messages)]
    groups = [[each] for each in live]
    for number, (belongs, comes, age_s, fields) in enumerate(stragglers, start=1):
        at = comes % len(live)
        seq = live[belongs % (at + 1)].seq - number  # before one that was judged by then, or comes with it
        received_ms = live[at].received_ms
        kind = ReportKind.ALARM if "cause" in fields else ReportKind.STATE
        late = Report("isk-1", kind, 1, seq, received_ms - age_s * 1000, received_ms, ClockQuality.DEVICE, "", fields)
        groups[at].append(late)
    return groups


def decided(groups: Sequence[Sequence[Report]], orders: set[Order]) -> list[object]:
    """Return everything that is decided when only reports of these orders are looked at in the end."""
    memory, judged, found = Memory(), BEFORE_ALL, list[object]()
    for group in groups:
        now_s = (max(each.received_ms for each in group) - NOON_MS) / 1000
        made = run(memory, [each for each in group if each.order in orders], now_s, judged=judged)
        memory, judged = made.memory, made.judged
        found += made.decisions
    return found


@given(messages=Messages, stragglers=Stragglers, again=st.lists(st.integers(0, 29), max_size=10))
def test_what_is_older_than_the_newest_judged_report_changes_nothing_whenever_it_comes(
    messages: list[tuple[int, dict[str, Any]]],
    stragglers: list[tuple[int, int, int, dict[str, Any]]],
    again: list[int],
) -> None:
    """Late, in any order, and repeated: no alarm more, none less."""
    fits = [each for each in stragglers if each[0] % (each[1] % len(messages) + 1) != each[1] % len(messages)]
    groups = arrivals(messages, fits)
    live = {group[0].order for group in groups}
    for place in again:  # the store keeps repeats from the rules; they withstand them all the same
        at = place % len(groups)
        groups[at] = [*groups[at], *(each for group in groups[:at] for each in group[:1])]
    everything = {each.order for group in groups for each in group}
    alone = [[each for each in group if each.order == group[0].order][:1] for group in groups]
    assert decided(groups, everything) == decided(alone, live)
