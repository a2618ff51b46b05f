"""Inside its envelope a report is no news to any rule, which is what lets most reports cost nothing more."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.envelopes import envelope_of
from alerts.rules.docket import Case
from alerts.rules.judgement import Heard, judge
from alerts.rules.memory import BEFORE_ALL, Condition, Key, Memory, Phase
from alerts.rules.silence import Hearing
from isocket.domain.collected import TELEMETRY
from isocket.domain.incidents import Cause
from isocket.domain.reports import ENVELOPE_EDITION, ClockQuality, DeviceState, Report, ReportKind
from isocket.domain.settings import (
    CreditSettings,
    DeviceSettings,
    InputSettings,
    ProbeSettings,
    SignalSettings,
    ThermostatSettings,
)
from isocket.kit.clock import to_ms

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOON_MS = to_ms(NOON)
Degrees = st.floats(-60, 125) | st.floats(-20, 20) | st.none()
Probes = st.builds(ProbeSettings, low_c=Degrees, high_c=Degrees, delay_s=st.just(0), hysteresis_c=st.floats(0, 5))
Inputs = st.builds(InputSettings, kind=st.sampled_from(["no", "nc"]), delay_s=st.just(0))
Thermostats = st.builds(
    ThermostatSettings,
    enabled=st.sampled_from([True, True, True, False]),
    mode=st.sampled_from(["heat", "cool"]),
    on_c=st.floats(-60, 125),
    alarm_after_s=st.sampled_from([600, 600, 600, None]),
)
JUDGED_BY: dict[str, st.SearchStrategy[Any]] = {
    "mains_delay_s": st.just(0),
    "restore_delay_s": st.just(0),
    "battery_low_pct": st.lists(st.integers(0, 95), max_size=3).map(tuple),
    "temp": st.lists(Probes, max_size=3).map(tuple),
    "input": st.lists(Inputs, max_size=3).map(tuple),
    "thermostat": Thermostats,
    "signal": st.builds(
        SignalSettings,
        low_pct=st.none() | st.floats(1, 99),
        low_dbm=st.none() | st.floats(-120, -40),
        delay_s=st.just(0),
    ),
    "credit": st.builds(CreditSettings, low=st.none() | st.floats(0, 20)),
}
NOT_OF_A_REPORT = {"heartbeat_s", "offline_after", "flapping", "severities", "repeat_s"}
JUDGED: dict[str, st.SearchStrategy[Any]] = {
    "mains": st.booleans(),
    "battery_pct": st.integers(0, 100),
    "charging": st.booleans(),
    "armed": st.booleans(),
    "temp_c": st.lists(Degrees, max_size=3),
    "input": st.lists(st.booleans(), max_size=4),
    "signal_pct": st.integers(0, 100),
    "signal_dbm": st.integers(-120, -40),
    "credit": st.sampled_from(["3.00 EUR", "12,40", "who knows"]),
    "relay": st.booleans(),
    "relay_cause": st.sampled_from(["thermostat", "schedule"]),
}
NOT_JUDGED = {"boot", "seq", "ts", "aux", "fw", "uptime_s", "cause", "active", "value", "probe"}
ABOUT = {
    "mains_delay_s": ("mains",),
    "battery_low_pct": ("battery_pct", "mains", "charging"),
    "temp": ("temp_c",),
    "input": ("input", "armed"),
    "thermostat": ("temp_c", "relay", "relay_cause"),
    "signal": ("signal_pct", "signal_dbm"),
    "credit": ("credit",),
}
"""What is told of that which one group of settings watches."""

AllSettings = st.builds(DeviceSettings, **JUDGED_BY)
Fields = st.fixed_dictionaries({}, optional=JUDGED)
Proven = st.frozensets(st.integers(0, 3))


def state_of(fields: dict[str, Any]) -> DeviceState:
    return DeviceState(
        device_id="isk-1",
        boot=1,
        seq=1,
        at=NOON,
        received_at=NOON,
        clock=ClockQuality.DEVICE,
        fields=fields,
        online=True,
    )


@given(settings=AllSettings, known=Fields, proven=Proven, fields=Fields)
def test_what_the_envelope_holds_decides_nothing_and_leaves_nothing_to_remember(
    settings: DeviceSettings, known: dict[str, Any], proven: frozenset[int], fields: dict[str, Any]
) -> None:
    demand_that_it_is_no_news(settings, known, proven, fields)


@pytest.mark.parametrize("group", ABOUT)
@given(data=st.data())
def test_nor_does_it_where_one_thing_alone_is_watched_and_told(group: str, data: st.DataObject) -> None:
    """Where all is random, most reports are outside for some other reason, and hide what the envelope forgets."""
    settings = DeviceSettings(**{"battery_low_pct": (), group: data.draw(JUDGED_BY[group])})
    told = {name: JUDGED[name] for name in ABOUT[group]}
    known, proven = data.draw(st.fixed_dictionaries(told)), data.draw(Proven)
    for later in data.draw(st.lists(st.fixed_dictionaries({}, optional=told), min_size=8, max_size=8)):
        demand_that_it_is_no_news(settings, known, proven, later)


def demand_that_it_is_no_news(
    settings: DeviceSettings, known: dict[str, Any], proven: frozenset[int], fields: dict[str, Any]
) -> None:
    """Ask the rules what a report means, where the envelope says: nothing."""
    memory, state = Memory(proven=proven), state_of(known)
    envelope = envelope_of(settings, memory, state)
    assert envelope is not None or (settings.thermostat.is_watched and known.get("relay_cause") == "thermostat")
    if envelope is None or not envelope.holds(fields):
        return
    report = Report("isk-1", ReportKind.STATE, 1, 2, NOON_MS, NOON_MS, ClockQuality.DEVICE, "", fields)
    result = judge(
        Case(device_id="isk-1", account_id="acc-1", settings=settings),
        memory,
        Heard(reports=(report,), judged=BEFORE_ALL, state=state),
        Hearing(heard_ms=NOON_MS, claimed_ms=0, listening_ms=0),
        NOON_MS,
    )
    assert result.decisions == ()
    assert replace(result.memory, patience=None) == memory
    assert result.wake_ms is None


def test_what_a_socket_reports_and_is_judged_by_is_in_the_random_reports_and_settings_or_no_rule_reads_it() -> None:
    assert {*TELEMETRY} == JUDGED.keys() | NOT_JUDGED
    assert {each.name for each in fields(DeviceSettings)} == JUDGED_BY.keys() | NOT_OF_A_REPORT
    assert {name for names in ABOUT.values() for name in names} == JUDGED.keys()
    assert ABOUT.keys() == JUDGED_BY.keys() - {"restore_delay_s"}


@given(settings=AllSettings)
def test_nothing_is_quiet_while_a_delay_runs_or_an_incident_is_open(settings: DeviceSettings) -> None:
    for phase in Phase:
        waits = Condition(
            phase=phase, since_ms=0, turned_ms=0, heard_ms=0, opener="1.1", boot=1, seq=1, incident_id="inc_x"
        )
        memory = Memory(conditions={Key(Cause.MAINS_LOST): waits})
        assert envelope_of(settings, memory, None) is None


def test_an_ordinary_report_of_a_healthy_device_is_quiet() -> None:
    fields = {"mains": True, "battery_pct": 96, "temp_c": [21.5, 4.0], "input": [False, True], "armed": True}
    settings = DeviceSettings(input=(InputSettings(), InputSettings(kind="nc")))
    memory = Memory(proven=frozenset({0, 1}))
    envelope = envelope_of(settings, memory, state_of(fields))
    assert envelope is not None
    assert envelope.holds(fields)


def test_the_first_value_of_a_probe_is_outside_so_that_its_absence_can_be_a_fault_later() -> None:
    state = state_of({"temp_c": [21.5, None]})
    envelope = envelope_of(DeviceSettings(), Memory(proven=frozenset({0})), state)
    assert envelope is not None
    assert not envelope.holds({"temp_c": [21.5, 20.0]})


def test_a_device_that_is_watched_for_nothing_special_is_as_quiet_as_ever() -> None:
    envelope = envelope_of(DeviceSettings(), Memory(), None)
    assert envelope is not None
    assert envelope.watched is None
    assert envelope.holds({"signal_pct": 1, "credit": "0.01 EUR", "relay": True, "relay_cause": "thermostat"})


def test_nothing_is_quiet_where_it_is_watched_how_fast_a_temperature_changes() -> None:
    settings = DeviceSettings(temp=(ProbeSettings(fall_c_per_h=4),))
    assert envelope_of(settings, Memory(), None) is None


def test_below_what_a_watched_thermostat_cools_to_it_is_quiet_and_above_it_is_not() -> None:
    settings = DeviceSettings(thermostat=ThermostatSettings(enabled=True, mode="cool", on_c=-15, off_c=-18))
    resting = envelope_of(settings, Memory(), state_of({"relay": False, "temp_c": [-17.0]}))
    assert resting is not None
    assert resting.holds({"temp_c": [-15.0]})
    assert not resting.holds({"temp_c": [-14.9]})


def test_nothing_is_quiet_while_a_watched_thermostat_has_the_output_on() -> None:
    settings = DeviceSettings(thermostat=ThermostatSettings(enabled=True, on_c=5))
    heating = state_of({"relay": True, "relay_cause": "thermostat", "temp_c": [6.0]})
    proven = Memory(proven=frozenset({0}))
    assert envelope_of(settings, proven, heating) is None
    resting = envelope_of(settings, proven, state_of({"relay": False, "relay_cause": "thermostat", "temp_c": [9.0]}))
    assert resting is not None
    assert resting.holds({"temp_c": [5.0]})
    assert not resting.holds({"temp_c": [4.9]})
    assert not resting.holds({"relay": True, "relay_cause": "thermostat", "temp_c": [6.0]})


def test_with_a_new_cause_it_was_thought_of_whether_stored_envelopes_go() -> None:
    assert (ENVELOPE_EDITION, len(Cause)) == (2, 19), "on by default: raise the edition as well; else the count alone"
