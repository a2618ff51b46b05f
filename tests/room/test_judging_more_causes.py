"""The causes beyond mains, limits and silence: how fast, in vain, weak, low on credit."""

from typing import Any

import pytest

from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening, IncidentState, Severity, Why
from isocket.storage.port import is_
from tests.fakes.judged_house import DEVICE, JudgedHouse, judged_house

MINUTE = 60.0
HEAT = {"enabled": True, "mode": "heat", "on_c": 5, "off_c": 8, "alarm_after_s": 3600}


async def report_every(house: JudgedHouse, minutes: float, readings: list[float], **fields: object) -> None:
    """Tell one reading after the other of the first thermometer, the clock moving in between."""
    for reading in readings:
        await house.state(temp_c=[reading], **fields)
        await house.let_pass(minutes * MINUTE)


# temp_rate


@pytest.fixture
async def freezer() -> JudgedHouse:
    return await judged_house(temp=[{"rise_c_per_h": 6, "fall_c_per_h": 20, "rate_window_s": 1800, "delay_s": 60}])


async def test_a_temperature_that_rises_too_fast_opens_long_before_any_limit(freezer: JudgedHouse) -> None:
    await report_every(freezer, 5, [-20, -20, -20, -18.8, -17.6, -16.4])
    found = await freezer.only(Cause.TEMP_RATE)
    assert (found.probe, found.severity, found.needs_step) == (0, Severity.MAJOR, True)


async def test_a_slow_rise_and_one_jump_of_a_moment_open_nothing(freezer: JudgedHouse) -> None:
    await report_every(freezer, 5, [-20 + 0.45 * step for step in range(30)])  # 5.4 degrees an hour
    await freezer.state(temp_c=[20.0])
    await freezer.let_pass(30)
    await freezer.state(temp_c=[-6.5])
    await freezer.let_pass(300)
    assert not await freezer.incidents()


async def test_a_rate_is_over_when_it_has_calmed_down_well_below_the_limit(freezer: JudgedHouse) -> None:
    await report_every(freezer, 5, [-20, -20, -20, -18, -16, -14])
    assert await freezer.open(Cause.TEMP_RATE)
    await report_every(freezer, 5, [-14] * 8)
    assert (await freezer.only(Cause.TEMP_RATE)).state is IncidentState.CLOSED


async def test_a_gap_is_no_rate_and_rise_and_fall_have_limits_of_their_own(freezer: JudgedHouse) -> None:
    await report_every(freezer, 5, [-20, -20, -20])
    await freezer.let_pass(40 * MINUTE)
    await freezer.state(temp_c=[10.0])
    await report_every(freezer, 5, [10, 9, 8, 7, 6, 5, 4])  # it falls by 12 degrees an hour
    assert not await freezer.incidents(Cause.TEMP_RATE)


async def test_a_rate_nobody_asks_for_any_more_ends_what_it_opened(freezer: JudgedHouse) -> None:
    await report_every(freezer, 5, [-20, -20, -20, -18, -16, -14])
    await freezer.want(temp=[{}])
    found = await freezer.only(Cause.TEMP_RATE)
    assert (Happening.CLOSED, "settings_changed") in await freezer.timeline(found)


@pytest.mark.parametrize(
    ("degrees", "limits"),
    [
        (2, {"rise_c_per_h": 40, "fall_c_per_h": 20}),
        (2, {"fall_c_per_h": 20}),
        (-4, {"rise_c_per_h": 6, "fall_c_per_h": 90}),
    ],
)
async def test_a_limit_of_a_rate_that_is_raised_beyond_what_it_opened_does_not_make_that_steady_again(
    freezer: JudgedHouse, degrees: float, limits: dict[str, float]
) -> None:
    readings = [-20, -20, -20, *(-20 + degrees * step for step in range(1, 8))]
    await report_every(freezer, 5, readings[:6])
    assert await freezer.open(Cause.TEMP_RATE)
    await freezer.want(temp=[{"rate_window_s": 1800, "delay_s": 60, **limits}])
    await report_every(freezer, 5, readings[6:])
    assert (await freezer.only(Cause.TEMP_RATE)).why_over is Why.LIMIT_CHANGED


async def test_a_rate_that_calms_down_under_a_raised_limit_is_steady_again(freezer: JudgedHouse) -> None:
    await report_every(freezer, 5, [-20, -20, -20, -18, -16, -14])
    await freezer.want(temp=[{"rise_c_per_h": 7, "rate_window_s": 1800, "delay_s": 60}])
    await report_every(freezer, 5, [-14] * 8)
    assert (await freezer.only(Cause.TEMP_RATE)).why_over is Why.OVER


async def test_a_rate_that_turns_round_is_over_whatever_the_limit_was(freezer: JudgedHouse) -> None:
    await report_every(freezer, 5, [-20, -20, -20, -18, -16, -14])
    await report_every(freezer, 5, [-14, -14, -14, -14.5, -15, -15.5, -16, -16.5, -17])
    assert (await freezer.only(Cause.TEMP_RATE)).why_over is Why.OVER


async def test_a_socket_that_ends_the_alarm_of_a_rate_has_its_word_however_warm_it_is(freezer: JudgedHouse) -> None:
    await report_every(freezer, 5, [-20, -20, -20, -18, -16, -14])
    await freezer.alarm("temp_rate", active=False, probe=0, value=10.0)
    assert (await freezer.only(Cause.TEMP_RATE)).why_over is Why.SAID_OVER


# thermostat_ineffective


@pytest.fixture
async def cabin() -> JudgedHouse:
    return await judged_house(thermostat=HEAT)


async def test_heating_that_brings_no_warmth_is_told_after_its_time(cabin: JudgedHouse) -> None:
    await report_every(cabin, 10, [6.0])
    await report_every(cabin, 10, [5.2, 4.8, 4.7, 4.6, 4.5, 4.4], relay=True, relay_cause="thermostat")
    assert not await cabin.incidents()
    await report_every(cabin, 10, [4.3])
    found = await cabin.only(Cause.THERMOSTAT_INEFFECTIVE)
    assert (found.severity, found.needs_step) == (Severity.MAJOR, True)


async def test_heating_that_works_slowly_is_none_however_long_it_takes(cabin: JudgedHouse) -> None:
    readings = [4.0, 3.8, 3.8, 3.9, 4.0, 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8, 4.9, 5.0, 5.1]
    await report_every(cabin, 10, readings, relay=True, relay_cause="thermostat")
    assert not await cabin.incidents()


async def test_it_is_over_when_warmth_comes_or_is_no_longer_demanded(cabin: JudgedHouse) -> None:
    await report_every(cabin, 10, [4, 3.9, 3.8, 3.7, 3.6, 3.5, 3.4, 3.3])
    assert await cabin.open(Cause.THERMOSTAT_INEFFECTIVE)
    await report_every(cabin, 10, [3.4, 3.5, 3.6])
    assert (await cabin.only(Cause.THERMOSTAT_INEFFECTIVE)).state is IncidentState.CLOSED


async def test_a_cold_room_is_demand_enough_though_nobody_says_that_the_output_is_on(cabin: JudgedHouse) -> None:
    await report_every(cabin, 10, [4.5] * 8, relay=False)
    assert await cabin.open(Cause.THERMOSTAT_INEFFECTIVE)


async def test_a_device_that_said_nothing_meanwhile_is_not_accused(cabin: JudgedHouse) -> None:
    await cabin.state(temp_c=[4.0])
    await cabin.let_pass(30 * MINUTE)
    assert not await cabin.open(Cause.THERMOSTAT_INEFFECTIVE)
    await cabin.let_pass(90 * MINUTE)
    assert not await cabin.open(Cause.THERMOSTAT_INEFFECTIVE)
    await cabin.state(temp_c=[6.0])
    assert not await cabin.incidents(Cause.THERMOSTAT_INEFFECTIVE)


async def test_without_mains_no_heater_is_to_blame(cabin: JudgedHouse) -> None:
    await report_every(cabin, 10, [4.0] * 12, mains=False)
    assert not await cabin.incidents(Cause.THERMOSTAT_INEFFECTIVE)
    await report_every(cabin, 10, [3.0] * 6, mains=True)
    assert not await cabin.incidents(Cause.THERMOSTAT_INEFFECTIVE)
    await report_every(cabin, 10, [3.0] * 2, mains=True)
    assert await cabin.open(Cause.THERMOSTAT_INEFFECTIVE)


async def test_the_last_word_on_the_output_holds_where_later_reports_do_not_speak_of_it(cabin: JudgedHouse) -> None:
    await report_every(cabin, 10, [5.2], relay=True, relay_cause="thermostat")
    await report_every(cabin, 10, [5.2] * 7)
    assert await cabin.open(Cause.THERMOSTAT_INEFFECTIVE)
    await cabin.state(relay=False, relay_cause="user_cloud")
    await cabin.state(temp_c=[5.2])
    assert not await cabin.open()
    assert (await cabin.only(Cause.THERMOSTAT_INEFFECTIVE)).why_over is Why.NOT_ASKED


async def test_a_thermostat_that_is_set_lower_is_not_said_to_have_an_effect_again(cabin: JudgedHouse) -> None:
    await report_every(cabin, 10, [4.0] * 8)
    await cabin.want(thermostat={**HEAT, "on_c": 2, "off_c": 4})
    await cabin.state(temp_c=[4.0])
    assert (await cabin.only(Cause.THERMOSTAT_INEFFECTIVE)).why_over is Why.NOT_ASKED


async def test_warmth_that_came_until_no_more_is_asked_for_is_an_effect(cabin: JudgedHouse) -> None:
    await report_every(cabin, 10, [4.0] * 8)
    await cabin.state(temp_c=[6.0])
    assert (await cabin.only(Cause.THERMOSTAT_INEFFECTIVE)).why_over is Why.OVER


async def test_a_cooler_is_judged_the_other_way_round() -> None:
    house = await judged_house(thermostat={**HEAT, "mode": "cool", "on_c": 8, "off_c": 5})
    await report_every(house, 10, [9, 9.1, 9.2, 9.3, 9.4, 9.5, 9.6, 9.7])
    assert await house.open(Cause.THERMOSTAT_INEFFECTIVE)
    await report_every(house, 10, [9.0])
    assert not await house.open()


@pytest.mark.parametrize("thermostat", [{**HEAT, "enabled": False}, {**HEAT, "alarm_after_s": None}])
async def test_a_thermostat_that_is_off_or_not_watched_is_not_judged(thermostat: dict[str, object]) -> None:
    house = await judged_house(thermostat=thermostat)
    await report_every(house, 10, [4.0] * 10)
    assert not await house.incidents()


# signal_low


async def test_a_weak_signal_that_lasts_is_told_and_ends_only_with_a_margin_that_lasts() -> None:
    house = await judged_house(signal={"low_pct": 20, "delay_s": 600, "hysteresis": 5})
    await house.state(signal_pct=15)
    await house.let_pass(700)
    assert not await house.open(), "of a device that says nothing more it is not known"
    await house.state(signal_pct=15)
    found = await house.only(Cause.SIGNAL_LOW)
    assert (found.severity, found.value) == (Severity.MINOR, 15)
    for level in (22, 22, 26):
        await house.state(signal_pct=level)
        await house.let_pass(700)
    assert await house.open(Cause.SIGNAL_LOW)
    await house.state(signal_pct=26)
    assert not await house.open()


@pytest.mark.parametrize(("level", "why"), [(15, Why.LIMIT_CHANGED), (40, Why.OVER)])
async def test_a_signal_whose_limit_is_lowered_is_not_said_to_be_good_again_unless_it_is(level: int, why: Why) -> None:
    house = await judged_house(signal={"low_pct": 20, "delay_s": 0})
    await house.state(signal_pct=15)
    await house.want(signal={"low_pct": 5, "delay_s": 0})
    await house.state(signal_pct=level)
    assert (await house.only(Cause.SIGNAL_LOW)).why_over is why


async def test_a_signal_in_dbm_is_not_measured_by_the_limit_in_per_cent() -> None:
    house = await judged_house(signal={"low_pct": 20, "low_dbm": -100, "delay_s": 0})
    for level in (-110, -80):
        await house.state(signal_dbm=level)
    assert (await house.only(Cause.SIGNAL_LOW)).why_over is Why.OVER


async def test_of_two_limits_for_the_signal_the_worse_counts() -> None:
    house = await judged_house(signal={"low_pct": 20, "low_dbm": -100, "delay_s": 0})
    await house.state(signal_pct=60, signal_dbm=-110)
    assert (await house.only(Cause.SIGNAL_LOW)).value == -110


async def test_signals_are_not_judged_unless_somebody_asked() -> None:
    house = await judged_house()
    await house.state(signal_pct=1, signal_dbm=-120)
    await house.let_pass(7200)
    assert not await house.incidents(Cause.SIGNAL_LOW)


# credit_low


async def test_credit_below_the_limit_opens_and_a_top_up_closes() -> None:
    house = await judged_house(credit={"low": 5})
    await house.state(credit="4.99 EUR")
    assert (await house.only(Cause.CREDIT_LOW)).value == 4.99
    await house.state(credit="14,99 EUR")
    assert not await house.open()


async def test_credit_that_cannot_be_read_neither_opens_nor_closes() -> None:
    house = await judged_house(credit={"low": 5})
    await house.state(credit="no answer")
    assert not await house.incidents()
    await house.state(credit="1.00 EUR")
    await house.state(credit="no answer")
    assert await house.open(Cause.CREDIT_LOW)


async def test_the_devices_own_word_on_its_credit_needs_no_limit() -> None:
    house = await judged_house()
    await house.alarm("credit_low", value=1.5)
    await house.state(credit="1.50 EUR")
    assert await house.open(Cause.CREDIT_LOW)
    await house.alarm("credit_low", active=False)
    assert not await house.open()


async def test_what_the_device_raised_by_limits_of_its_own_only_its_own_word_ends() -> None:
    house = await judged_house(credit={"low": 1}, temp=[{"fall_c_per_h": 100, "rate_window_s": 300}])
    await house.alarm("credit_low", value=4.0)
    await house.alarm("temp_rate", probe=0)
    await report_every(house, 5, [10.0, 10.0, 10.0], credit="4.00 EUR")
    assert {each.cause for each in await house.open()} == {Cause.CREDIT_LOW, Cause.TEMP_RATE}
    await house.alarm("credit_low", active=False)
    await house.alarm("temp_rate", active=False, probe=0)
    assert not await house.open()


# what nobody asks for any more


@pytest.mark.parametrize(
    ("cause", "asked", "said"),
    [
        (Cause.CREDIT_LOW, {"credit": {"low": 5}}, {"credit": "4.00 EUR"}),
        (Cause.SIGNAL_LOW, {"signal": {"low_pct": 20, "delay_s": 0}}, {"signal_pct": 10}),
        (Cause.THERMOSTAT_INEFFECTIVE, {"thermostat": {**HEAT, "alarm_after_s": 0}}, {"temp_c": [4.0]}),
        (Cause.BATTERY_LOW, {"battery_low_pct": [50]}, {"battery_pct": 40, "charging": False}),
    ],
)
async def test_what_the_settings_ask_for_no_more_ends_without_a_word_of_the_socket(
    cause: Cause, asked: dict[str, Any], said: dict[str, Any]
) -> None:
    house = await judged_house(**asked)
    await house.state(**said)
    assert await house.open(cause)
    await house.want(battery_low_pct=[], **{key: {} for key in asked.keys() - {"battery_low_pct"}})
    found = await house.only(cause)
    assert (found.state, found.why_over) == (IncidentState.CLOSED, Why.SETTINGS)


async def test_heating_that_may_go_on_in_vain_for_ever_is_no_incident_for_a_moment_either(cabin: JudgedHouse) -> None:
    await cabin.state(temp_c=[4.0])
    await cabin.records.change_one(Device, is_("id", DEVICE), desired={"thermostat": {**HEAT, "alarm_after_s": None}})
    await report_every(cabin, 10, [4.0] * 8)  # the first is judged together with the setting
    assert not await cabin.incidents()


# severities


async def test_the_owner_says_how_much_a_cause_matters() -> None:
    house = await judged_house(severities={"restarted": "major", "mains_lost": "info"}, mains_delay_s=0)
    await house.alarm("restarted")
    await house.state(mains=False)
    assert [each.cause for each in await house.told()] == [Cause.RESTARTED]
    assert (await house.only(Cause.MAINS_LOST)).severity is Severity.INFO
