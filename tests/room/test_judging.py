"""From stored reports to incidents: what opens, what closes, and of what nobody is told."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.audit_forgotten import Forgotten
from alerts.judge import STARTED_OVER
from alerts.rules.docket import JUDGED_MS
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity, TimelineEntry, Why, open_key
from isocket.domain.problems import Problem
from isocket.domain.reports import ClockQuality, ReportKind
from isocket.kit.ids import new_id
from isocket.storage.port import is_
from portal_api.settings_models import factory_settings
from tests.fakes.judged_house import DEVICE, OWNER, JudgedHouse, judged_house

CAME_LATE = (Happening.NOT_SENT, "came_late")
EXPLAINED = (Happening.NOT_SENT, "explained_by_mains_lost")


@pytest.fixture
async def house() -> JudgedHouse:
    return await judged_house()


async def test_a_mains_failure_that_lasts_its_delay_opens_one_incident(house: JudgedHouse) -> None:
    await house.state(mains=True)
    began = house.clock.now()
    await house.state(mains=False)
    await house.let_pass(9)
    assert not await house.open()
    await house.let_pass(1)
    found = await house.only(Cause.MAINS_LOST)
    assert (found.state, found.severity, found.needs_step) == (IncidentState.OPEN, Severity.CRITICAL, True)
    assert (found.opened_at, found.detected_at) == (began, began + timedelta(seconds=10))


async def test_mains_that_flicker_within_the_delay_open_nothing(house: JudgedHouse) -> None:
    for _ in range(20):
        await house.state(mains=False)
        await house.let_pass(5)
        await house.state(mains=True)
        await house.let_pass(1)
    assert not await house.incidents()


async def test_power_back_for_the_restore_delay_closes_and_hands_the_clear_to_the_ladder(
    house: JudgedHouse,
) -> None:
    await house.state(mains=False)
    await house.let_pass(60)
    await house.climb()
    await house.state(mains=True)
    back = house.clock.now()
    await house.let_pass(9)
    assert await house.open()
    await house.let_pass(1)
    found = await house.only(Cause.MAINS_LOST)
    assert (found.state, found.closed_at, found.needs_step) == (IncidentState.CLOSED, back, True)
    assert found.open_key is None
    assert await house.timeline(found) == [(Happening.CLOSED, "over"), (Happening.OPENED, "")]


async def test_power_that_comes_and_goes_within_the_restore_delay_stays_one_incident(
    house: JudgedHouse,
) -> None:
    await house.state(mains=False)
    await house.let_pass(15)
    for _ in range(10):
        await house.state(mains=True)
        await house.let_pass(5)
        await house.state(mains=False)
        await house.let_pass(20)
    assert (await house.only(Cause.MAINS_LOST)).state is IncidentState.OPEN


async def test_with_zero_delays_one_report_opens_and_the_next_closes() -> None:
    house = await judged_house(mains_delay_s=0, restore_delay_s=0)
    await house.state(mains=False)
    assert await house.open(Cause.MAINS_LOST)
    await house.state(mains=True)
    assert not await house.open()


async def test_an_alarm_opens_at_once_and_the_state_beside_it_opens_no_second(house: JudgedHouse) -> None:
    await house.alarm("mains_lost")
    await house.state(mains=False)
    await house.let_pass(60)
    assert (await house.only(Cause.MAINS_LOST)).state is IncidentState.OPEN


async def test_an_alarm_while_the_delay_runs_opens_with_the_time_at_which_it_began(house: JudgedHouse) -> None:
    began = house.clock.now()
    await house.state(mains=False)
    await house.let_pass(4)
    await house.alarm("mains_lost")
    assert (await house.only(Cause.MAINS_LOST)).opened_at == began


async def test_the_device_says_that_it_is_over(house: JudgedHouse) -> None:
    await house.alarm("temp_rate", probe=1, value=3.5)
    await house.alarm("temp_rate", probe=1, active=False)
    found = await house.only(Cause.TEMP_RATE)
    assert (found.state, found.probe, found.value) == (IncidentState.CLOSED, 1, 3.5)


async def test_a_repeated_alarm_hands_nothing_to_the_ladder(house: JudgedHouse) -> None:
    report = house.report(ReportKind.ALARM, {"cause": "mains_lost", "active": True})
    await house.tell(report)
    await house.climb()
    await house.tell(report)
    await house.alarm("mains_lost")
    assert not await house.told()
    assert len(await house.incidents()) == 1


async def test_states_that_arrive_behind_a_newer_alarm_close_nothing(house: JudgedHouse) -> None:
    await house.alarm("mains_lost", seq=50)
    for seq in range(40, 50):
        await house.state(seq=seq, mains=True)
    await house.let_pass(60)
    assert await house.open(Cause.MAINS_LOST)
    await house.state(seq=51, mains=True)
    await house.let_pass(10)
    assert not await house.open()


async def test_a_state_that_an_alarm_overtook_is_judged_for_what_the_alarm_does_not_speak_of() -> None:
    house = await judged_house(temp=[{"high_c": -15.0}])
    await house.alarm("mains_lost", seq=50)
    await house.state(seq=49, mains=True, temp_c=[-10.0])
    await house.let_pass(60)
    assert await house.open(Cause.TEMP_HIGH)
    assert await house.open(Cause.MAINS_LOST)


async def test_the_end_of_an_alarm_outweighs_the_states_that_it_overtook(house: JudgedHouse) -> None:
    await house.alarm("mains_lost", seq=50)
    await house.alarm("mains_lost", seq=52, active=False)
    await house.alarm("credit_low", seq=53)
    await house.state(seq=51, mains=False)
    await house.let_pass(60)
    assert not await house.open(Cause.MAINS_LOST)


async def test_a_state_that_a_newer_state_and_an_alarm_overtook_is_history() -> None:
    house = await judged_house(temp=[{"high_c": -15.0}])
    await house.state(seq=51, temp_c=[-20.0])
    await house.alarm("credit_low", seq=52)
    await house.state(seq=50, temp_c=[-10.0])
    await house.state(seq=49, ago_s=120, temp_c=[-10.0])
    await house.let_pass(120)
    assert not await house.open(Cause.TEMP_HIGH)


async def test_an_old_state_behind_an_alarm_opens_nothing() -> None:
    house = await judged_house(temp=[{"high_c": -15.0}])
    await house.alarm("credit_low", seq=50)
    await house.state(seq=49, ago_s=120, temp_c=[-10.0])
    await house.let_pass(120)
    assert not await house.open(Cause.TEMP_HIGH)


async def test_an_input_that_alarms_behind_a_state_that_disarms_stays_open(house: JudgedHouse) -> None:
    await house.alarm("input", seq=50, probe=0)
    await house.state(seq=49, armed=False)
    assert await house.open(Cause.INPUT)


async def test_a_late_report_of_trouble_opens_nothing(house: JudgedHouse) -> None:
    await house.state(seq=50, mains=True)
    await house.state(seq=45, mains=False, ago_s=600)
    await house.alarm("mains_lost", seq=46, ago_s=600)
    await house.let_pass(60)
    assert not await house.incidents()


async def test_trouble_that_is_older_than_an_unjudged_quiet_report_is_late(house: JudgedHouse) -> None:
    await house.state(seq=10, mains=True)
    await house.telemetry.store([house.report(ReportKind.STATE, {"mains": True}, seq=60)])
    assert await house.telemetry.reports_waiting() == 0
    await house.state(seq=55, mains=False, ago_s=600)
    await house.let_pass(60)
    assert not await house.incidents()


async def test_an_alarm_that_only_alarms_can_tell_is_news_though_a_state_overtook_it(house: JudgedHouse) -> None:
    await house.state(seq=60, mains=True)
    await house.alarm("shutdown_imminent", seq=59)
    assert await house.open(Cause.SHUTDOWN_IMMINENT)


async def test_an_overtaken_alarm_that_the_newer_state_denies_is_late(house: JudgedHouse) -> None:
    await house.state(seq=60, mains=True)
    await house.alarm("mains_lost", seq=59)
    assert not await house.incidents()


async def test_an_overtaken_alarm_without_a_good_clock_is_late(house: JudgedHouse) -> None:
    await house.state(seq=60, mains=True)
    await house.alarm("credit_low", seq=59, clock=ClockQuality.SERVER)
    assert not await house.incidents()


async def test_a_devices_own_alarm_that_is_over_before_we_look_is_told_all_the_same(house: JudgedHouse) -> None:
    await house.tell(
        house.report(ReportKind.ALARM, {"cause": "temp_rate", "active": True, "probe": 0}),
        house.report(ReportKind.ALARM, {"cause": "temp_rate", "active": False, "probe": 0}),
    )
    found = await house.only(Cause.TEMP_RATE)
    assert (found.state, found.needs_step, found.told_though_over) == (IncidentState.CLOSED, True, True)
    assert CAME_LATE not in await house.timeline(found)


async def test_a_short_pulse_at_an_input_that_wakes_people_is_told_all_the_same() -> None:
    house = await judged_house(input=[{"delay_s": 0}, {"delay_s": 0, "severity": "minor"}])
    await house.tell(
        house.report(ReportKind.STATE, {"input": [True, True]}, ago_s=2),
        house.report(ReportKind.STATE, {"input": [False, False]}),
    )
    critical, minor = sorted(await house.incidents(), key=lambda each: each.probe or 0)
    assert (critical.told_though_over, critical.needs_step) == (True, True)
    assert (minor.told_though_over, minor.needs_step) == (False, False)


async def test_a_backlog_without_a_clock_is_of_the_past() -> None:
    house = await judged_house(input=[{"delay_s": 0}])
    await house.tell(
        house.report(ReportKind.STATE, {"input": [True]}, clock=ClockQuality.SERVER),
        house.report(ReportKind.STATE, {"input": [False]}, clock=ClockQuality.SERVER),
    )
    assert CAME_LATE in await house.timeline(await house.only(Cause.INPUT))


async def test_an_alarm_that_was_told_late_by_its_own_clock_and_is_over_tells_nobody(house: JudgedHouse) -> None:
    await house.tell(
        house.report(ReportKind.ALARM, {"cause": "mains_lost", "active": True}, ago_s=600),
        house.report(ReportKind.ALARM, {"cause": "mains_lost", "active": False}, ago_s=300),
    )
    assert not await house.told()


async def test_a_new_owner_is_not_told_though_over_of_what_was_before(house: JudgedHouse) -> None:
    await house.alarm("mains_lost")
    await house.records.change_one(Device, is_("id", DEVICE), owner_id="acc-2", claimed_at=house.clock.now())
    await house.telemetry.wake(DEVICE)
    await house.settle()
    assert not (await house.only(Cause.MAINS_LOST)).told_though_over


async def test_the_end_is_told_though_its_severity_was_lowered_meanwhile(house: JudgedHouse) -> None:
    await house.alarm("input", probe=0)
    await house.climb()
    await house.want(input=[{"severity": "info"}])
    await house.alarm("input", probe=0, active=False)
    assert (await house.only(Cause.INPUT)).needs_step


async def after_one_absurd_boot(house: JudgedHouse) -> None:
    await house.state(mains=True)
    boot, house.boot = house.boot, 2**40
    await house.state(mains=True)
    house.boot = boot


async def test_a_device_whose_boot_number_went_back_is_judged_again_after_three_fresh_reports(
    house: JudgedHouse,
) -> None:
    await after_one_absurd_boot(house)
    for _ in range(2):
        await house.state(mains=False)
        await house.let_pass(30)
    assert not await house.incidents()
    await house.state(mains=False)
    await house.let_pass(10)
    assert (await house.only(Cause.MAINS_LOST)).state is IncidentState.OPEN
    await house.alarm("shutdown_imminent")
    assert await house.open(Cause.SHUTDOWN_IMMINENT)
    await house.state(mains=True)
    await house.let_pass(10)
    assert (await house.only(Cause.MAINS_LOST)).state is IncidentState.CLOSED
    (problem,) = await house.records.find(Problem)
    assert (problem.device_id, problem.topic_kind, problem.reason) == (DEVICE, "state", STARTED_OVER)


async def test_the_latest_state_follows_a_device_that_started_over(house: JudgedHouse) -> None:
    await after_one_absurd_boot(house)
    for _ in range(3):
        await house.state(mains=False)
        await house.let_pass(30)
    assert (await house.telemetry.latest([DEVICE]))[DEVICE].fields["mains"] is False
    await house.state(mains=True)
    await house.let_pass(30)
    state = (await house.telemetry.latest([DEVICE]))[DEVICE]
    assert (state.boot, state.fields["mains"]) == (house.boot, True)
    assert not await house.open()


async def test_what_was_open_when_the_boot_number_went_back_still_ends(house: JudgedHouse) -> None:
    house.boot = 900
    await house.alarm("temp_rate", probe=0)
    house.boot, house.seq = 1, 0
    for _ in range(3):
        await house.state(mains=True)
        await house.let_pass(5)
    await house.alarm("temp_rate", probe=0, active=False)
    assert not await house.open()


async def test_a_backlog_of_an_earlier_boot_is_no_start_over(house: JudgedHouse) -> None:
    await after_one_absurd_boot(house)
    await house.tell(*(house.report(ReportKind.STATE, {"mains": False}, ago_s=each) for each in (30, 20, 10)))
    for _ in range(5):
        await house.state(mains=False, ago_s=600)
    await house.let_pass(60)
    assert not await house.incidents()
    assert not await house.records.find(Problem)


async def test_stragglers_between_reports_of_the_new_boot_are_no_start_over(house: JudgedHouse) -> None:
    await house.state(mains=False)
    before = house.boot
    for number in range(5):
        house.boot = before + 1
        await house.state(mains=True)
        house.boot = before
        await house.state(mains=False, seq=500 + number)
    await house.let_pass(60)
    assert not await house.records.find(Problem)
    assert not await house.open()


async def test_another_ownership_begins_with_whatever_boot_the_device_has(house: JudgedHouse) -> None:
    house.boot = 900
    await house.state(mains=True)
    await house.telemetry.forget(DEVICE)
    await house.records.change_one(Device, is_("id", DEVICE), owner_id="acc-2", claimed_at=house.clock.now())
    house.boot, house.seq = 1, 0
    await house.alarm("mains_lost")
    assert [each.account_id for each in await house.told()] == ["acc-2"]


async def test_a_backlog_of_past_trouble_is_stored_and_nobody_is_told(house: JudgedHouse) -> None:
    await house.state(mains=True)
    await house.tell(
        house.report(ReportKind.STATE, {"mains": False}, ago_s=7200),
        house.report(ReportKind.STATE, {"mains": False}, ago_s=7100),
        house.report(ReportKind.STATE, {"mains": True}, ago_s=3600),
        house.report(ReportKind.STATE, {"mains": True}),
    )
    found = await house.only(Cause.MAINS_LOST)
    assert (found.state, found.needs_step) == (IncidentState.CLOSED, False)
    assert found.closed_at == house.clock.now() - timedelta(seconds=3600)
    assert CAME_LATE in await house.timeline(found)


async def test_a_backlog_whose_trouble_lasts_is_told(house: JudgedHouse) -> None:
    await house.state(mains=True)
    await house.tell(
        house.report(ReportKind.STATE, {"mains": False}, ago_s=7200),
        house.report(ReportKind.STATE, {"mains": False}, ago_s=60),
    )
    assert [each.cause for each in await house.told()] == [Cause.MAINS_LOST]


async def test_a_backlog_in_which_power_has_just_come_back_is_held_until_that_is_sure(house: JudgedHouse) -> None:
    await house.state(mains=True)
    await house.tell(
        house.report(ReportKind.STATE, {"mains": False}, ago_s=600),
        house.report(ReportKind.STATE, {"mains": True}, ago_s=3),
    )
    found = await house.only(Cause.MAINS_LOST)
    assert found.step_due_at == house.clock.now() + timedelta(seconds=10, milliseconds=JUDGED_MS)
    await house.let_pass(10)
    assert not await house.open()


async def test_silence_raises_offline_once_and_any_message_ends_it() -> None:
    house = await judged_house(heartbeat_s=60, offline_after=3)
    await house.state(mains=True)
    heard = house.clock.now()
    await house.let_pass(179)
    assert not await house.incidents()
    await house.let_pass(1)
    assert (await house.only(Cause.OFFLINE)).opened_at == heard
    await house.let_pass(3600)
    assert len(await house.incidents()) == 1
    await house.state(mains=True)
    found = await house.only(Cause.OFFLINE)
    assert (found.state, found.closed_at) == (IncidentState.CLOSED, house.clock.now())


async def test_a_start_of_ours_gives_devices_time_to_be_heard() -> None:
    house = await judged_house()
    await house.state(mains=True)
    await house.clock.advance(7200)
    fresh = type(house.judge)(
        records=house.records,
        telemetry=house.telemetry,
        clock=house.clock,
        owner="fresh",
    )
    house.judge = fresh
    await house.settle()
    assert not await house.incidents()
    await house.let_pass(300)
    assert await house.open(Cause.OFFLINE)


async def test_nobody_is_offline_while_the_bridge_does_not_listen_and_silence_counts_from_when_it_does_again() -> None:
    house = await judged_house(heartbeat_s=60, offline_after=3)
    began = house.clock.now()
    await house.listen(began, began)
    await house.state(mains=True)
    await house.let_pass(3600)
    assert not await house.incidents()
    resumed = house.clock.now()
    for _ in range(35):
        await house.listen(resumed, house.clock.now())
        await house.let_pass(5)
    assert not await house.incidents()
    for _ in range(3):
        await house.listen(resumed, house.clock.now())
        await house.let_pass(5)
    assert await house.open(Cause.OFFLINE)


async def test_a_pause_of_ours_shorter_than_the_belief_in_the_bridge_is_no_silence_either() -> None:
    house = await judged_house(heartbeat_s=2, offline_after=3)
    began = house.clock.now() - timedelta(hours=1)
    await house.state(mains=True)
    await house.listen(began, house.clock.now())
    await house.let_pass(15)
    assert not await house.incidents()


async def test_silence_from_before_the_bridge_went_is_judged_only_when_it_listens_again() -> None:
    house = await judged_house(heartbeat_s=60, offline_after=3)
    await house.state(mains=True)
    began = house.clock.now() - timedelta(hours=1)
    await house.clock.advance(185)
    await house.listen(began, house.clock.now())
    await house.clock.advance(21)
    await house.settle()
    assert not await house.incidents()
    for _ in range(12):
        await house.listen(began, house.clock.now())
        await house.let_pass(5)
    assert await house.open(Cause.OFFLINE)


async def test_a_judge_that_starts_while_the_bridge_listens_need_not_wait() -> None:
    house = await judged_house(heartbeat_s=60, offline_after=3)
    await house.state(mains=True)
    began = house.clock.now() - timedelta(hours=1)
    await house.clock.advance(170)
    house.judge = type(house.judge)(records=house.records, telemetry=house.telemetry, clock=house.clock, owner="fresh")
    await house.clock.advance(10)
    await house.listen(began, house.clock.now())
    await house.settle()
    assert await house.open(Cause.OFFLINE)


async def test_a_lowered_patience_counts_only_once_the_device_can_have_heard_of_it(house: JudgedHouse) -> None:
    await house.state(mains=True)
    heard = house.clock.now()
    await house.let_pass(600)
    await house.want(heartbeat_s=60)
    await house.want(heartbeat_s=30)
    await house.let_pass(2700 - 601)
    assert not await house.incidents()
    await house.let_pass(1)
    assert (await house.only(Cause.OFFLINE)).opened_at == heard
    await house.state(mains=True)
    await house.let_pass(89)
    assert not await house.open()
    await house.let_pass(1)
    assert await house.open(Cause.OFFLINE)


async def test_a_patience_that_begins_counts_from_its_beginning() -> None:
    house = await judged_house(offline_after=0)
    await house.state(mains=True)
    await house.let_pass(7200)
    await house.want(offline_after=1)
    await house.let_pass(899)
    assert not await house.incidents()
    await house.let_pass(60)
    assert await house.open(Cause.OFFLINE)


async def test_a_mains_failure_explains_the_later_silence() -> None:
    house = await judged_house(heartbeat_s=60)
    await house.alarm("mains_lost")
    await house.climb()
    await house.let_pass(600)
    mains, offline = await house.only(Cause.MAINS_LOST), await house.only(Cause.OFFLINE)
    assert (offline.explained_by, offline.needs_step) == (mains.id, False)
    assert EXPLAINED in await house.timeline(offline)
    assert (Happening.NOTE, "silent_as_well") in await house.timeline(mains)
    assert not await house.told()


async def test_whoever_is_not_told_of_it_finds_the_incident_that_explains_it(house: JudgedHouse) -> None:
    await house.alarm("mains_lost")
    await house.state(mains=False, battery_pct=40)
    mains, battery = await house.only(Cause.MAINS_LOST), await house.only(Cause.BATTERY_LOW)
    lines = await house.records.find(TimelineEntry, is_("incident_id", battery.id), is_("reason", EXPLAINED[1]))
    assert [each.detail for each in lines] == [{"incident_id": mains.id}]


async def test_a_battery_that_the_next_mains_failure_finds_half_full_is_explained_by_that_too(
    house: JudgedHouse,
) -> None:
    await house.state(mains=True, battery_pct=98, charging=True)
    for begins, sinks_to in ((98, 45), (48, 46)):
        await house.state(mains=False, battery_pct=begins)
        await house.let_pass(60)
        await house.state(mains=False, battery_pct=sinks_to)
        assert [each.cause for each in await house.open() if each.explained_by is None] == [Cause.MAINS_LOST]
        await house.state(mains=True, battery_pct=sinks_to, charging=True)
        await house.let_pass(1800)
    await house.state(mains=True, battery_pct=48, charging=False)  # power is there, and it is not fed
    (released,) = await house.open()
    assert (released.cause, released.explained_by) == (Cause.BATTERY_LOW, None)


async def test_a_battery_that_the_report_of_the_cut_finds_at_its_limit_is_not_told_before_the_cut(
    house: JudgedHouse,
) -> None:
    await house.state(mains=True, battery_pct=50, charging=True)
    await house.state(mains=False, battery_pct=48)
    await house.let_pass(4)
    await house.state(mains=False, battery_pct=47)
    await house.let_pass(5)
    assert not await house.open()
    await house.let_pass(1)
    mains, battery = await house.only(Cause.MAINS_LOST), await house.only(Cause.BATTERY_LOW)
    assert (battery.explained_by, battery.value) == (mains.id, 48)
    assert [each.cause for each in await house.told()] == [Cause.MAINS_LOST]


async def test_a_battery_is_not_told_where_the_cut_was_none_after_all(house: JudgedHouse) -> None:
    await house.state(mains=True, battery_pct=50, charging=True)
    await house.state(mains=False, battery_pct=48)
    await house.let_pass(5)
    await house.state(mains=True, battery_pct=48, charging=True)
    await house.let_pass(900)
    assert not await house.open()


@pytest.mark.parametrize(
    "settings", [{"mains_delay_s": 3600}, {"severities": {"mains_lost": "minor"}}], ids=["long", "minor"]
)
async def test_a_battery_waits_for_no_cut_that_would_not_explain_it_soon(settings: dict[str, Any]) -> None:
    house = await judged_house(**settings)
    await house.state(mains=True, battery_pct=98, charging=True)
    await house.state(mains=False, battery_pct=48)
    battery = await house.only(Cause.BATTERY_LOW)
    assert (battery.explained_by, battery.needs_step) == (None, True)


async def test_a_probe_that_failed_before_the_cut_does_not_wait_for_it() -> None:
    house = await judged_house(mains_delay_s=200)
    await house.state(mains=True, temp_c=[20.0])
    await house.state(mains=True, temp_c=[None])
    await house.let_pass(30)
    await house.state(mains=False, temp_c=[None])
    await house.let_pass(30)
    assert [each.cause for each in await house.told()] == [Cause.TEMP_FAULT]


async def a_second_cut(house: JudgedHouse, **severities: str) -> None:
    """Let power be out, come back for half an hour, and be out again with the battery half full.

    `severities`: what its owner says between the two.
    """
    await house.state(mains=True, battery_pct=98, charging=True)
    await house.state(mains=False, battery_pct=98)
    await house.let_pass(60)
    await house.state(mains=False, battery_pct=45)
    await house.state(mains=True, battery_pct=45, charging=True)
    await house.let_pass(1800)
    if severities:
        await house.want(severities=severities)
    await house.state(mains=False, battery_pct=48)
    await house.let_pass(60)


async def test_a_battery_that_a_second_cut_finds_half_full_is_not_forgotten_while_power_is_out(
    house: JudgedHouse,
) -> None:
    await a_second_cut(house)
    for _ in range(10):
        await house.state(mains=False, battery_pct=44)
        await house.let_pass(60)
        assert await Forgotten(house.records).give_back(house.clock.now()) == 0
    assert (await house.only(Cause.BATTERY_LOW)).explained_by is not None


async def test_a_battery_that_a_second_cut_finds_half_full_is_told_where_nobody_is_told_of_the_cut_any_more(
    house: JudgedHouse,
) -> None:
    await a_second_cut(house, mains_lost="info")
    await house.state(mains=False, battery_pct=44)
    low = await house.only(Cause.BATTERY_LOW)
    assert (low.explained_by, low.needs_step) == (None, True)


async def test_a_battery_that_a_second_cut_finds_half_full_is_told_where_the_cut_is_none_for_an_hour() -> None:
    house = await judged_house(mains_delay_s=3600)
    await house.state(mains=True, battery_pct=98, charging=True)
    await house.state(mains=False, battery_pct=98)
    await house.let_pass(3600)
    await house.state(mains=False, battery_pct=45)
    await house.state(mains=True, battery_pct=45, charging=True)
    await house.let_pass(1800)
    assert (await house.only(Cause.BATTERY_LOW)).explained_by is not None
    await house.state(mains=False, battery_pct=44)
    low = await house.only(Cause.BATTERY_LOW)
    assert (low.explained_by, low.needs_step) == (None, True)


@pytest.mark.parametrize(
    ("severities", "is_explained"),
    [
        ({"mains_lost": "info"}, False),
        ({"mains_lost": "minor"}, False),
        ({"mains_lost": "major"}, True),
        ({"mains_lost": "info", "battery_low": "info"}, True),
        ({"battery_low": "critical"}, True),
        ({"mains_lost": "major", "battery_low": "critical"}, False),
    ],
)
async def test_a_mains_failure_that_matters_less_explains_nothing(
    severities: dict[str, str], is_explained: bool
) -> None:
    house = await judged_house(severities=severities)
    await house.state(mains=True, battery_pct=98, charging=True)
    await house.state(mains=False, battery_pct=98)
    await house.let_pass(60)
    await house.state(mains=False, battery_pct=20)
    low = await house.only(Cause.BATTERY_LOW)
    assert (low.explained_by is not None) is is_explained
    assert low.needs_step is not is_explained


async def test_a_mains_failure_explains_battery_and_probe(house: JudgedHouse) -> None:
    await house.state(mains=True, temp_c=[20.0])
    await house.state(mains=False, battery_pct=90, temp_c=[None])
    await house.let_pass(70)
    await house.state(mains=False, battery_pct=48)
    mains = await house.only(Cause.MAINS_LOST)
    assert {each.cause for each in await house.open() if each.explained_by == mains.id} == {
        Cause.BATTERY_LOW,
        Cause.TEMP_FAULT,
    }
    assert [each.cause for each in await house.told()] == [Cause.MAINS_LOST]


async def test_what_outlasts_its_explanation_becomes_news(house: JudgedHouse) -> None:
    await house.state(mains=True, temp_c=[20.0])
    await house.state(mains=False, temp_c=[None])
    await house.let_pass(70)
    await house.state(mains=True, temp_c=[None])
    await house.let_pass(20)
    await house.climb()
    await house.let_pass(279)
    assert not await house.told()
    await house.let_pass(1)
    (released,) = await house.told()
    assert (released.cause, released.explained_by) == (Cause.TEMP_FAULT, None)
    assert released.told_from == house.clock.now()
    assert (Happening.NOTE, "no_longer_explained") in await house.timeline(released)


async def test_a_battery_that_charges_again_is_never_news(house: JudgedHouse) -> None:
    await house.alarm("mains_lost")
    await house.state(mains=False, battery_pct=40)
    await house.state(mains=True, battery_pct=40, charging=True)
    await house.let_pass(20)
    await house.climb()
    await house.let_pass(900)
    assert not await house.told()
    await house.state(mains=True, battery_pct=55, charging=True)
    found = await house.only(Cause.BATTERY_LOW)
    assert (found.state, found.needs_step) == (IncidentState.CLOSED, False)


async def test_a_battery_that_falls_further_deepens_its_incident(house: JudgedHouse) -> None:
    await house.state(mains=True, charging=False, battery_pct=50)
    for pct in (45, 30, 29, 20, 19):
        await house.state(mains=True, charging=False, battery_pct=pct)
    found = await house.only(Cause.BATTERY_LOW)
    assert found.value == 20
    assert (await house.timeline(found)).count((Happening.NOTE, "deeper")) == 2


async def test_a_battery_is_well_again_only_when_it_charges_above_the_margin(house: JudgedHouse) -> None:
    await house.state(mains=True, charging=False, battery_pct=50)
    await house.state(mains=True, charging=True, battery_pct=54)
    assert await house.open(Cause.BATTERY_LOW)
    await house.state(mains=True, charging=True, battery_pct=55)
    assert not await house.open()


@pytest.mark.parametrize(
    ("said", "is_well"),
    [
        ({}, False),
        ({"charging": True}, True),
        ({"mains": True}, True),
        ({"mains": False, "charging": True}, False),
    ],
    ids=["nothing else", "it charges", "it has mains", "it has no mains"],
)
async def test_a_battery_is_well_again_only_where_something_feeds_it(
    house: JudgedHouse, said: dict[str, bool], is_well: bool
) -> None:
    await house.state(charging=False, battery_pct=50)
    await house.state(battery_pct=90, **said)
    assert (not await house.open(Cause.BATTERY_LOW)) is is_well


async def test_temperature_opens_beyond_the_limit_and_closes_inside_the_hysteresis() -> None:
    house = await judged_house(temp=[{"high_c": 30.0, "delay_s": 60, "hysteresis_c": 1.0}])
    await house.state(temp_c=[30.0])
    await house.let_pass(61)
    assert not await house.incidents()
    await house.state(temp_c=[30.1])
    await house.let_pass(60)
    assert (await house.only(Cause.TEMP_HIGH)).value == 30.1
    await house.state(temp_c=[29.1])
    assert await house.open(Cause.TEMP_HIGH)
    await house.state(temp_c=[29.0])
    assert not await house.open()


async def test_frost_that_is_gone_before_its_delay_opens_nothing() -> None:
    house = await judged_house(temp=[{"low_c": 5.0, "delay_s": 60}])
    await house.state(temp_c=[4.0])
    await house.let_pass(59)
    await house.state(temp_c=[5.5])
    await house.let_pass(120)
    assert not await house.incidents()


async def test_probes_are_judged_each_by_itself() -> None:
    house = await judged_house(temp=[{"low_c": 5.0, "delay_s": 0}, {"low_c": 15.0, "delay_s": 0}])
    await house.state(temp_c=[10.0, 10.0])
    assert [each.probe for each in await house.open(Cause.TEMP_LOW)] == [1]
    await house.state(temp_c=[4.0, 10.0])
    assert {each.probe for each in await house.open(Cause.TEMP_LOW)} == {0, 1}


async def test_a_limit_taken_away_closes_what_it_opened() -> None:
    house = await judged_house(temp=[{"low_c": 5.0, "delay_s": 0}])
    await house.state(temp_c=[4.0])
    await house.want(temp=[{}])
    found = await house.only(Cause.TEMP_LOW)
    assert (Happening.CLOSED, "settings_changed") in await house.timeline(found)
    assert found.why_over is Why.SETTINGS


async def test_a_limit_taken_away_closes_what_the_socket_itself_raised_by_it() -> None:
    house = await judged_house(temp=[{"high_c": -12.0}])
    await house.alarm("temp_high", probe=0, value=-5.0)
    await house.climb()
    await house.want(temp=[{"high_c": None}])
    assert (await house.only(Cause.TEMP_HIGH)).why_over is Why.SETTINGS
    await house.alarm("temp_high", probe=0, active=False, value=-5.0)  # it was told of the setting as well
    found = await house.only(Cause.TEMP_HIGH)
    assert (found.state, found.why_over, found.needs_step) == (IncidentState.CLOSED, Why.SETTINGS, True)


async def test_what_a_socket_raised_by_no_limit_of_ours_lasts_until_it_says_otherwise() -> None:
    house = await judged_house()
    await house.alarm("temp_high", probe=0, value=-5.0)
    await house.let_pass(600)
    assert await house.open(Cause.TEMP_HIGH)
    await house.alarm("temp_high", probe=0, active=False)
    assert not await house.open()


async def test_what_is_over_by_itself_ended_by_no_setting() -> None:
    house = await judged_house(temp=[{"low_c": 5.0, "delay_s": 0}])
    await house.state(temp_c=[4.0])
    await house.state(temp_c=[9.0])
    await house.let_pass(61)
    found = await house.only(Cause.TEMP_LOW)
    assert (found.state, found.why_over) == (IncidentState.CLOSED, Why.OVER)


@pytest.mark.parametrize("by_device", [False, True])
async def test_a_limit_that_is_raised_beyond_what_it_opened_does_not_make_that_well_again(*, by_device: bool) -> None:
    house = await judged_house(temp=[{"high_c": -12.0, "delay_s": 0}])
    await (house.alarm("temp_high", probe=0, value=-5.0) if by_device else house.state(temp_c=[-5.0]))
    await house.want(temp=[{"high_c": 0.0, "delay_s": 0}])
    await house.state(temp_c=[-5.0])
    assert (await house.only(Cause.TEMP_HIGH)).why_over is Why.LIMIT_CHANGED


async def test_a_socket_that_ends_its_alarm_by_a_raised_limit_does_not_make_that_well_again() -> None:
    house = await judged_house(temp=[{"low_c": 5.0}])
    await house.alarm("temp_low", probe=0, value=3.0)
    await house.want(temp=[{"low_c": 1.0}])
    await house.alarm("temp_low", active=False, probe=0, value=3.0)
    found = await house.only(Cause.TEMP_LOW)
    assert (Happening.CLOSED, "limit_changed") in await house.timeline(found)


@pytest.mark.parametrize("limit", [-12.0, -11.0])
async def test_a_socket_that_ends_its_alarm_with_a_value_beyond_its_limit_has_its_word(limit: float) -> None:
    """Such as the worst value of all that time: that is no change of the limit."""
    house = await judged_house(temp=[{"high_c": -12.0, "delay_s": 0}])
    await house.alarm("temp_high", probe=0, value=-5.0)
    await house.want(temp=[{"high_c": limit, "delay_s": 0}])
    await house.alarm("temp_high", active=False, probe=0, value=-5.0)
    assert (await house.only(Cause.TEMP_HIGH)).why_over is Why.SAID_OVER


async def test_what_is_well_by_the_limit_before_too_ended_by_no_change_of_that() -> None:
    house = await judged_house(temp=[{"high_c": -12.0, "delay_s": 0}])
    await house.state(temp_c=[-5.0])
    await house.want(temp=[{"high_c": 0.0, "delay_s": 0}])
    await house.state(temp_c=[-13.0])
    assert (await house.only(Cause.TEMP_HIGH)).why_over is Why.OVER


async def test_what_was_too_warm_by_the_raised_limit_as_well_and_then_is_not_is_well_again() -> None:
    house = await judged_house(temp=[{"high_c": -12.0, "delay_s": 0, "hysteresis_c": 0.5}])
    await house.state(temp_c=[-5.0])
    await house.want(temp=[{"high_c": -8.0, "delay_s": 0, "hysteresis_c": 0.5}])
    await house.state(temp_c=[-5.0])
    await house.state(temp_c=[-9.0])
    assert (await house.only(Cause.TEMP_HIGH)).why_over is Why.OVER


async def test_a_battery_that_is_full_on_the_mains_is_well_though_it_does_not_charge(house: JudgedHouse) -> None:
    await house.state(mains=True, battery_pct=15, charging=False)
    assert await house.open(Cause.BATTERY_LOW)
    await house.state(mains=True, battery_pct=100, charging=False)
    assert not await house.open()


async def test_a_probe_that_lost_its_value_for_a_minute_is_a_fault(house: JudgedHouse) -> None:
    await house.state(temp_c=[21.0])
    await house.state(temp_c=[None])
    await house.let_pass(59)
    assert not await house.incidents()
    await house.let_pass(1)
    assert await house.open(Cause.TEMP_FAULT)
    await house.state(temp_c=[20.0])
    await house.let_pass(59)
    assert await house.open(Cause.TEMP_FAULT)
    await house.let_pass(1)
    assert not await house.open()


@pytest.mark.parametrize(("delay_s", "after_s"), [(0, 0), (5, 5), (3600, 60)])
async def test_a_probe_whose_limits_are_judged_sooner_is_a_fault_sooner_and_never_later(
    delay_s: int, after_s: int
) -> None:
    house = await judged_house(temp=[{}, {"low_c": 5, "delay_s": delay_s}])
    await house.state(temp_c=[20.0, 21.0])
    await house.state(temp_c=[20.0, None])
    await house.let_pass(after_s)
    assert (await house.only(Cause.TEMP_FAULT)).probe == 1
    await house.state(temp_c=[20.0, 21.0])
    await house.let_pass(after_s)
    assert not await house.open()


async def test_a_probe_that_was_never_plugged_in_is_no_fault(house: JudgedHouse) -> None:
    await house.state(temp_c=[21.0, None])
    await house.let_pass(600)
    assert not await house.incidents()


async def test_a_second_probe_that_was_never_plugged_in_is_no_fault_where_only_the_first_has_limits() -> None:
    first, second = factory_settings("isocket-4g")["temp"]  # settings are stored for as many as a model is sold with
    house = await judged_house(temp=[{**first, "low_c": 5}, second])
    await house.state(temp_c=[21.0, None])
    await house.let_pass(600)
    assert not await house.incidents()
    await house.state(temp_c=[21.0, 20.0])
    await house.state(temp_c=[21.0, None])
    await house.let_pass(60)
    assert (await house.only(Cause.TEMP_FAULT)).probe == 1


@pytest.mark.parametrize("settings", [{"temp": [{"low_c": 5}]}, {"thermostat": {"enabled": True}}])
async def test_a_probe_that_is_needed_and_was_never_plugged_in_is_a_fault(settings: dict[str, Any]) -> None:
    house = await judged_house(**settings)
    await house.state(temp_c=[None])
    await house.let_pass(60)
    assert (await house.only(Cause.TEMP_FAULT)).probe == 0


async def test_an_input_opens_only_when_armed_and_disarming_closes_it() -> None:
    house = await judged_house(input=[{"severity": "minor"}, {"kind": "nc"}])
    await house.state(armed=False, input=[True, True])
    await house.let_pass(60)
    assert not await house.incidents()
    await house.state(armed=True, input=[True, True])
    await house.let_pass(1)
    found = await house.only(Cause.INPUT)
    assert (found.probe, found.severity) == (0, Severity.MINOR)
    await house.state(armed=False)
    assert not await house.open()
    assert (await house.only(Cause.INPUT)).why_over is Why.DISARMED  # whoever was told must not hear that all is well


async def test_an_input_that_ended_by_itself_was_not_disarmed(house: JudgedHouse) -> None:
    await house.state(armed=True, input=[True])
    await house.let_pass(1)
    await house.state(input=[False])
    await house.let_pass(60)
    found = await house.only(Cause.INPUT)
    assert (found.state, found.why_over) == (IncidentState.CLOSED, Why.OVER)


async def test_an_input_at_rest_again_closes(house: JudgedHouse) -> None:
    await house.state(armed=True, input=[True])
    await house.let_pass(2)
    await house.state(input=[False])
    assert (await house.only(Cause.INPUT)).state is IncidentState.CLOSED


async def test_a_device_that_went_down_and_starts_again_closes_its_last_gasp(house: JudgedHouse) -> None:
    await house.alarm("shutdown_imminent", value=4)
    await house.state(mains=True)
    assert await house.open(Cause.SHUTDOWN_IMMINENT)
    house.boot, house.seq = house.boot + 1, 0
    await house.state(mains=True)
    assert not await house.open()


async def test_a_test_alarm_is_told_though_it_was_let_go_at_once_and_ends_by_itself(house: JudgedHouse) -> None:
    await house.tell(
        house.report(ReportKind.ALARM, {"cause": "test", "active": True}),
        house.report(ReportKind.ALARM, {"cause": "test", "active": False}),
    )
    found = await house.only(Cause.TEST)
    assert (found.test, found.needs_step, found.state) == (True, True, IncidentState.OPEN)
    await house.let_pass(900)
    assert not await house.open()


async def test_a_restart_is_for_the_record_only(house: JudgedHouse) -> None:
    await house.alarm("restarted")
    found = await house.only(Cause.RESTARTED)
    assert (found.severity, found.needs_step) == (Severity.INFO, False)
    assert (Happening.NOT_SENT, "information_only") in await house.timeline(found)


async def test_the_end_of_what_is_for_the_record_only_is_told_to_nobody(house: JudgedHouse) -> None:
    await house.alarm("restarted")
    await house.let_pass(900)
    found = await house.only(Cause.RESTARTED)
    assert (found.state, found.needs_step) == (IncidentState.CLOSED, False)


async def test_a_test_that_a_person_started_ends_by_itself(house: JudgedHouse) -> None:
    await house.state(mains=True)
    now = house.clock.now()
    await house.records.add(
        Incident(
            id=new_id("inc"),
            account_id=OWNER,
            device_id=DEVICE,
            cause=Cause.TEST,
            severity=Severity.MAJOR,
            test=True,
            opened_at=now,
            detected_at=now,
            open_key=open_key(DEVICE, Cause.TEST, None),
        )
    )
    await house.telemetry.wake(DEVICE)
    await house.let_pass(899)
    assert await house.open(Cause.TEST)
    await house.let_pass(1)
    assert not await house.open()


async def test_a_device_without_an_owner_opens_nothing(house: JudgedHouse) -> None:
    await house.records.change_one(Device, is_("id", DEVICE), owner_id=None)
    await house.alarm("mains_lost")
    await house.let_pass(7200)
    assert not await house.incidents()


async def test_an_acknowledged_incident_still_closes(house: JudgedHouse) -> None:
    await house.alarm("mains_lost")
    await house.records.change_all(Incident, state=IncidentState.ACKNOWLEDGED)
    await house.alarm("mains_lost", active=False)
    assert (await house.only(Cause.MAINS_LOST)).state is IncidentState.CLOSED


async def test_another_owner_ends_what_was_open_and_is_told_what_lasts(house: JudgedHouse) -> None:
    await house.alarm("mains_lost")
    await house.climb()
    await house.let_pass(60)
    await house.records.change_one(Device, is_("id", DEVICE), owner_id="acc-2", claimed_at=house.clock.now())
    await house.telemetry.wake(DEVICE)
    await house.settle()
    assert not await house.open()
    assert not await house.told()
    await house.state(mains=False)
    await house.let_pass(10)
    assert [each.account_id for each in await house.told()] == ["acc-2"]


async def test_a_silence_that_is_over_before_anybody_was_told_is_no_news() -> None:
    house = await judged_house(heartbeat_s=60, offline_after=3)
    await house.state(mains=True)
    began = house.clock.now() - timedelta(hours=1)
    for _ in range(40):
        await house.listen(began, house.clock.now())
        await house.let_pass(5)
    found = await house.only(Cause.OFFLINE)
    assert (found.state, found.told_though_over) == (IncidentState.OPEN, False)


async def test_a_socket_that_was_silent_before_it_was_claimed_is_given_its_time_from_then_on() -> None:
    house = await judged_house(heartbeat_s=1200, offline_after=3)
    await house.state(mains=True)
    await house.let_pass(3300)
    await house.records.change_one(Device, is_("id", DEVICE), owner_id="acc-2", claimed_at=house.clock.now())
    await house.telemetry.wake(DEVICE)
    await house.let_pass(3599)
    assert not await house.incidents()
    await house.let_pass(1)
    assert [each.account_id for each in await house.open(Cause.OFFLINE)] == ["acc-2"]


async def test_open_incidents_of_an_account_have_different_short_codes(house: JudgedHouse) -> None:
    causes = ("mains_lost", "credit_low", "unauthorised", "test", "shutdown_imminent")
    for cause in causes:
        await house.alarm(cause)
    for probe in range(16):
        await house.alarm("input", probe=probe)
    codes = [each.short_code for each in await house.open()]
    assert len(set(codes)) == len(codes) == 21


async def test_a_quiet_device_is_not_judged(house: JudgedHouse) -> None:
    await house.state(mains=True, battery_pct=96, temp_c=[21.5], input=[False], armed=True)
    await house.telemetry.store([house.report(ReportKind.STATE, {"mains": True, "temp_c": [21.0]})])
    assert await house.telemetry.reports_waiting() == 0
