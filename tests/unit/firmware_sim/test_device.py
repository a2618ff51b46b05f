"""How a simulated device behaves, on a clock that the test moves."""

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from firmware_sim.clock import Moment
from firmware_sim.device import Device, Flash
from firmware_sim.models import model_named
from firmware_sim.wire import Command, Desired, Kind, Malformed, Outgoing

START_UTC_MS = 1_795_332_960_000


class Bench:
    """A device, a clock, and everything that was said, decoded."""

    def __init__(self, model: str = "isocket-4g", flash: Flash | None = None) -> None:
        self.up_ms = 0
        self.clock_set = True
        self.device = Device(model=model_named(model), flash=flash or Flash(boot=0))
        self.said: list[tuple[Kind, dict[str, Any]]] = []
        self.hear(self.device.start(self.now))

    @property
    def now(self) -> Moment:
        return Moment(up_ms=self.up_ms, utc_ms=START_UTC_MS + self.up_ms if self.clock_set else None)

    def hear(self, messages: list[Outgoing]) -> None:
        self.said += [(message.kind, json.loads(message.payload)) for message in messages]

    def after(self, seconds: float, *, step_s: float = 0.5) -> None:
        end_ms = self.up_ms + round(seconds * 1000)
        while self.up_ms < end_ms:
            self.up_ms = min(end_ms, self.up_ms + round(step_s * 1000))
            self.hear(self.device.live(self.now))

    def order(self, name: str, command_id: str = "c1", *, ttl_s: float = 60, **args: Any) -> None:
        expires_ms = START_UTC_MS + self.up_ms + round(ttl_s * 1000)
        command = Command(id=command_id, name=name, args=args, expires_ms=expires_ms)
        self.hear(self.device.command(command, self.now))

    def wish(self, version: int = 1, **settings: object) -> None:
        self.hear(self.device.desire(Desired(version=version, settings=settings), self.now))

    def mains(self, *, on: bool) -> None:
        self.hear(self.device.mains_is(self.now, on=on))

    def temperature(self, temp_c: float | None) -> None:
        self.hear(self.device.temperature_is(self.now, 0, temp_c))

    def contact(self, *, closed: bool) -> None:
        self.hear(self.device.contact_is(self.now, 0, closed=closed))

    def of(self, kind: Kind) -> list[dict[str, Any]]:
        return [body for said_kind, body in self.said if said_kind is kind]

    @property
    def alarms(self) -> list[tuple[str, bool]]:
        return [(body["cause"], body["active"]) for body in self.of(Kind.ALARM)]

    @property
    def answers(self) -> list[str]:
        return [body["result"] for body in self.of(Kind.ACK)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_messages_of_whatever_kind_are_counted_in_one_row(bench: Bench) -> None:
    bench.hear(bench.device.introduce(bench.now))
    bench.order("off")
    bench.mains(on=False)
    bench.after(11)
    assert [body["seq"] for _, body in bench.said] == list(range(1, len(bench.said) + 1))
    assert {kind for kind, _ in bench.said} == {Kind.REPORTED, Kind.STATE, Kind.ACK, Kind.ALARM}


def test_the_boot_number_grows_with_each_start(bench: Bench) -> None:
    again = Device(model=bench.device.model, flash=bench.device.flash)
    assert (bench.device.boot, again.boot) == (1, 2)


def test_a_device_whose_flash_is_erased_counts_from_the_beginning_and_has_the_settings_of_the_factory() -> None:
    bench = Bench(flash=Flash(boot=49))
    bench.wish(version=3, heartbeat_s=60)
    bench.hear(bench.device.erase_flash(bench.now))
    bench.hear(bench.device.introduce(bench.now))
    reported, state = bench.said[-2][1], bench.said[-1][1]
    assert [(each["boot"], each["seq"]) for each in (reported, state)] == [(1, 1), (1, 2)]
    assert (reported["version"], reported["heartbeat_s"]) == (0, 900)


def test_a_power_cut_is_told_at_once_and_alarmed_after_its_delay(bench: Bench) -> None:
    bench.mains(on=False)
    assert bench.of(Kind.STATE)[-1]["mains"] is False
    bench.after(9.5)
    assert bench.alarms == []
    bench.after(0.5)
    assert bench.alarms == [("mains_lost", True)]


def test_a_power_cut_shorter_than_its_delay_is_no_alarm(bench: Bench) -> None:
    bench.mains(on=False)
    bench.after(9)
    bench.mains(on=True)
    bench.after(60)
    assert bench.alarms == []


def test_a_delay_of_zero_alarms_in_the_same_moment(bench: Bench) -> None:
    bench.wish(mains_delay_s=0)
    bench.mains(on=False)
    assert bench.alarms == [("mains_lost", True)]


def test_power_back_ends_the_alarm_after_the_delay_of_return(bench: Bench) -> None:
    bench.wish(mains_delay_s=0, restore_delay_s=5)
    bench.mains(on=False)
    bench.mains(on=True)
    bench.after(4.5)
    assert bench.alarms == [("mains_lost", True)]
    bench.after(0.5)
    assert bench.alarms == [("mains_lost", True), ("mains_lost", False)]


def test_the_battery_alarms_once_at_each_step_down(bench: Bench) -> None:
    bench.wish(mains_delay_s=100_000)
    bench.device.battery.level_pct = 51
    bench.device.battery.drain_pct_per_h = 3600  # one percent a second
    bench.mains(on=False)
    bench.after(35)
    assert [(body["cause"], body["value"]) for body in bench.of(Kind.ALARM)] == [
        ("battery_low", 50),
        ("battery_low", 30),
        ("battery_low", 20),
    ]


def test_a_nearly_empty_battery_announces_the_end_and_then_there_is_silence(bench: Bench) -> None:
    bench.wish(mains_delay_s=100_000, battery_low_pct=[])
    bench.device.battery.level_pct = 6
    bench.device.battery.drain_pct_per_h = 3600
    bench.mains(on=False)
    bench.after(7)
    said = len(bench.said)
    bench.after(3600, step_s=60)
    assert bench.alarms == [("shutdown_imminent", True)]
    assert (len(bench.said), bench.device.awake) == (said, False)


def test_a_device_that_went_empty_starts_again_when_the_mains_returns(bench: Bench) -> None:
    bench.device.battery.level_pct = 1
    bench.device.battery.drain_pct_per_h = 3600
    bench.mains(on=False)
    bench.after(3)
    bench.mains(on=True)
    assert (bench.device.awake, bench.device.boot) == (True, 2)


def test_cold_alarms_after_its_delay_and_ends_past_the_margin(bench: Bench) -> None:
    bench.wish(temp=[{"low_c": 5, "delay_s": 20, "hysteresis_c": 2}])
    bench.temperature(4.9)
    bench.after(19.5)
    assert bench.alarms == []
    bench.after(0.5)
    assert bench.alarms == [("temp_low", True)]
    bench.temperature(6.9)
    bench.after(60)
    assert bench.alarms == [("temp_low", True)]
    bench.temperature(7.0)
    bench.after(20)
    assert bench.alarms == [("temp_low", True), ("temp_low", False)]


def test_heat_alarms_above_its_limit(bench: Bench) -> None:
    bench.wish(temp=[{"high_c": 30, "delay_s": 0}])
    bench.temperature(30.5)
    assert bench.of(Kind.ALARM)[-1] | {"seq": 0, "ts": 0} == {
        "boot": 1,
        "seq": 0,
        "ts": 0,
        "cause": "temp_high",
        "active": True,
        "value": 30.5,
        "probe": 0,
    }


def test_a_probe_that_is_lost_is_null_and_a_fault_and_leaves_the_cold_alarm_open(bench: Bench) -> None:
    bench.wish(temp=[{"low_c": 5, "delay_s": 0}])
    bench.temperature(1.0)
    bench.temperature(None)
    bench.after(10)
    assert bench.of(Kind.STATE)[-1]["temp_c"][0] is None
    assert bench.alarms == [("temp_low", True), ("temp_fault", True)]


def test_a_probe_that_was_never_there_is_no_fault() -> None:
    device = Device(model=model_named("isocket-3g"), flash=Flash(boot=0))
    device.temp_c = [None]
    now = Moment(up_ms=0, utc_ms=START_UTC_MS)
    said = device.start(now) + device.live(Moment(up_ms=600_000, utc_ms=START_UTC_MS))
    assert [message for message in said if message.kind is Kind.ALARM] == []


def test_an_input_alarms_only_while_armed(bench: Bench) -> None:
    bench.contact(closed=True)
    bench.after(5)
    assert bench.alarms == []
    bench.order("arm")
    bench.after(1)
    assert bench.alarms == [("input", True)]
    bench.order("disarm", "c2")
    bench.after(1)
    assert bench.alarms == [("input", True), ("input", False)]


def test_a_normally_closed_input_alarms_when_it_opens(bench: Bench) -> None:
    bench.contact(closed=True)
    bench.wish(input=[{"kind": "nc", "delay_s": 0}])
    bench.order("arm")
    assert bench.alarms == []
    bench.contact(closed=False)
    assert bench.alarms == [("input", True)]


def test_an_alarm_that_was_open_at_a_restart_is_ended_after_it(bench: Bench) -> None:
    bench.wish(mains_delay_s=0, restore_delay_s=0)
    bench.mains(on=False)
    after = Bench(flash=bench.device.flash)
    assert after.alarms == [("mains_lost", False)]


def test_a_heartbeat_comes_as_often_as_the_owner_wants(bench: Bench) -> None:
    bench.wish(heartbeat_s=60)
    bench.after(181)
    assert len(bench.of(Kind.STATE)) == 3


def test_a_command_is_carried_out_and_answered(bench: Bench) -> None:
    bench.order("off", "c7")
    assert bench.of(Kind.ACK) == [
        {"id": "c7", "result": "executed", "boot": 1, "seq": 1, "ts": START_UTC_MS},
    ]
    assert bench.of(Kind.STATE)[-1]["relay"] is False
    assert bench.of(Kind.STATE)[-1]["relay_cause"] == "user_cloud"


def test_a_command_after_its_end_is_answered_and_not_carried_out(bench: Bench) -> None:
    bench.order("off", ttl_s=-0.001)
    assert (bench.answers, bench.device.relay.closed) == (["expired"], True)


def test_a_command_in_its_last_millisecond_is_carried_out(bench: Bench) -> None:
    bench.order("off", ttl_s=0)
    assert bench.answers == ["executed"]


def test_the_same_id_is_answered_twice_and_carried_out_once(bench: Bench) -> None:
    bench.order("off")
    bench.hear(bench.device.button(bench.now))
    bench.order("off")
    assert (bench.answers, bench.device.relay.closed) == (["executed", "executed"], True)


def test_the_last_32_ids_are_remembered_over_a_restart(bench: Bench) -> None:
    for number in range(32):
        bench.order("off", f"c{number}")
    after = Bench(flash=bench.device.flash)
    after.hear(after.device.button(after.now))
    after.order("off", "c0")
    assert after.device.relay.closed is True


def test_without_a_date_a_command_is_not_carried_out(bench: Bench) -> None:
    bench.clock_set = False
    bench.order("off")
    assert (bench.answers, bench.device.relay.closed) == (["failed"], True)
    assert "ts" not in bench.of(Kind.ACK)[0]


@pytest.mark.parametrize("seconds", [0, -1, 65_501, True, "60", None])
def test_a_senseless_time_is_rejected_with_the_name_of_the_argument(bench: Bench, seconds: object) -> None:
    bench.order("on_for", seconds=seconds)
    assert bench.answers == ["rejected"]
    assert bench.of(Kind.ACK)[0]["error"].startswith("args.seconds")


def test_a_command_unknown_to_this_device_is_rejected(bench: Bench) -> None:
    bench.order("make_coffee")
    assert bench.answers == ["rejected"]


def test_a_command_that_cannot_be_read_is_rejected_where_it_has_an_id(bench: Bench) -> None:
    bench.hear(bench.device.command(Malformed(reason="args: an object is needed", id="c9"), bench.now))
    bench.hear(bench.device.command(Malformed(reason="not JSON"), bench.now))
    assert bench.answers == ["rejected"]


@pytest.mark.parametrize(
    ("name", "args", "during", "lasts_s"),
    [
        ("on_for", {"seconds": 30}, True, 30),
        ("off_for", {"seconds": 30}, False, 30),
        ("restart", {}, False, 10),
        ("pulse", {}, False, 2),
    ],
)
def test_a_timed_command_turns_back_by_itself(
    bench: Bench, name: str, args: dict[str, Any], during: bool, lasts_s: int
) -> None:
    bench.order(name, "c1", **args)
    bench.after(lasts_s - 0.5)
    assert bench.device.relay.closed is during
    bench.after(0.5)
    assert bench.device.relay.closed is not during
    assert bench.of(Kind.STATE)[-1]["relay_cause"] == "timer"


def test_a_later_command_ends_the_timer(bench: Bench) -> None:
    bench.order("off_for", "c1", seconds=30)
    bench.order("off", "c2")
    bench.after(60)
    assert bench.device.relay.closed is False


def test_the_thermostat_heats_below_and_stops_above_its_band(bench: Bench) -> None:
    bench.wish(thermostat={"enabled": True, "mode": "heat", "on_c": 18, "off_c": 20})
    positions = []
    for temp_c in (17.5, 19.0, 21.0, 19.0, 17.5, None):
        bench.temperature(temp_c)
        positions.append(bench.device.relay.closed)
    assert positions == [True, True, False, False, True, False]
    assert bench.of(Kind.STATE)[-1]["relay_cause"] == "thermostat"


@pytest.mark.parametrize(("power_on", "expected"), [("remember", False), ("on", True), ("off", False)])
def test_the_relay_after_a_power_cut_is_as_the_owner_set(bench: Bench, power_on: str, expected: bool) -> None:
    bench.wish(power_on=power_on)
    bench.order("off")
    bench.mains(on=False)
    bench.mains(on=True)
    assert bench.device.relay.closed is expected


def test_wanted_settings_are_applied_and_reported_with_their_version(bench: Bench) -> None:
    bench.wish(4, mains_delay_s=0, temp=[{"name": "Cellar", "low_c": 3}])
    reported = bench.of(Kind.REPORTED)[-1]
    assert (reported["version"], reported["mains_delay_s"]) == (4, 0)
    assert reported["temp"][0] == {
        "name": "Cellar",
        "low_c": 3,
        "high_c": None,
        "delay_s": 60,
        "hysteresis_c": 1.0,
    }
    assert reported["heartbeat_s"] == 900


def test_a_wish_that_cannot_be_followed_stops_no_other_and_shows_in_the_report(bench: Bench) -> None:
    bench.wish(2, mains_delay_s="soon", heartbeat_s=60, temp=7, colour="blue")
    reported = bench.of(Kind.REPORTED)[-1]
    assert (reported["mains_delay_s"], reported["heartbeat_s"]) == (10, 60)
    assert "colour" not in reported


def test_the_same_version_again_is_reported_and_not_applied(bench: Bench) -> None:
    bench.wish(2, mains_delay_s=3)
    bench.wish(2, mains_delay_s=99)
    assert [body["mains_delay_s"] for body in bench.of(Kind.REPORTED)] == [3, 3]


def test_what_was_set_on_the_spot_gives_way_to_the_cloud(bench: Bench) -> None:
    bench.hear(bench.device.configure(bench.now, {"mains_delay_s": 1}))
    bench.wish(1, mains_delay_s=7)
    bench.hear(bench.device.configure(bench.now, {"mains_delay_s": 1}))
    assert bench.device.settings.mains_delay_s == 7


def test_reboot_is_answered_first_and_then_a_new_boot_begins(bench: Bench) -> None:
    bench.order("reboot")
    assert (bench.answers, bench.device.boot) == (["executed"], 1)
    bench.after(2)
    assert bench.device.boot == 2


@pytest.mark.parametrize(
    ("model", "probes", "inputs"),
    [("isocket-707", 1, 1), ("isocket-3g", 1, 0), ("isocket-environment-pro", 2, 1), ("isocket-4g", 2, 2)],
)
def test_each_model_reports_the_probes_and_inputs_it_has(model: str, probes: int, inputs: int) -> None:
    bench = Bench(model)
    bench.hear(bench.device.introduce(bench.now))
    state = bench.of(Kind.STATE)[-1]
    assert (len(state["temp_c"]), len(state["input"])) == (probes, inputs)


def in_a_minute(bench: Bench, minutes: int = 1) -> tuple[str, str]:
    """The wall's time and day in Helsinki that the clock shows after the next so many full minutes."""
    there = datetime.fromtimestamp((bench.now.utc_ms or 0) / 1000, ZoneInfo("Europe/Helsinki")) + timedelta(
        minutes=minutes
    )
    return f"{there:%H:%M}", f"{there:%a}".lower()


def test_the_schedule_switches_by_the_clock_on_the_wall_and_says_that_it_did(bench: Bench) -> None:
    at, day = in_a_minute(bench)
    bench.wish(schedule=[{"at": at, "days": day, "name": "off"}], time_zone="Europe/Helsinki")
    bench.after(61)
    report = bench.of(Kind.STATE)[-1]
    assert (report["relay"], report["relay_cause"]) == (False, "schedule")
    bench.order("on")
    bench.after(120)
    assert bench.device.relay.closed  # it has run once, not all day


def test_of_two_rules_for_one_time_the_later_has_the_last_word(bench: Bench) -> None:
    at, day = in_a_minute(bench)
    rules = [{"at": at, "days": day, "name": "on"}, {"at": at, "days": day, "name": "off"}]
    bench.wish(schedule=rules, time_zone="Europe/Helsinki")
    bench.after(61)
    assert not bench.device.relay.closed


def test_what_the_schedule_wanted_while_the_power_was_out_is_missed(bench: Bench) -> None:
    at, day = in_a_minute(bench)
    bench.wish(schedule=[{"at": at, "days": day, "name": "off"}], time_zone="Europe/Helsinki")
    bench.mains(on=False)
    bench.after(120)
    bench.mains(on=True)
    bench.after(120)
    assert bench.device.relay.closed


def test_without_a_clock_that_is_set_nothing_runs(bench: Bench) -> None:
    at, day = in_a_minute(bench)
    bench.wish(schedule=[{"at": at, "days": day, "name": "off"}], time_zone="Europe/Helsinki")
    bench.clock_set = False
    bench.after(61)
    assert bench.device.relay.closed


def test_a_rule_that_switches_for_a_time_switches_back(bench: Bench) -> None:
    at, day = in_a_minute(bench)
    rule = {"at": at, "days": day, "name": "off_for", "args": {"seconds": 10}}
    bench.wish(schedule=[rule], time_zone="Europe/Helsinki")
    bench.after(90)
    causes = [report["relay_cause"] for report in bench.of(Kind.STATE)]
    assert causes.index("schedule") < causes.index("timer")
    assert bench.device.relay.closed


@pytest.mark.parametrize("rule", [{"at": "25:00", "name": "on"}, {"at": "07:00", "days": "someday", "name": "on"}, {}])
def test_a_rule_that_makes_no_sense_is_not_taken(bench: Bench, rule: dict[str, Any]) -> None:
    bench.wish(schedule=[rule], mains_delay_s=3)
    assert (bench.of(Kind.REPORTED)[-1]["schedule"], bench.of(Kind.REPORTED)[-1]["mains_delay_s"]) == ([], 3)


def test_a_time_zone_that_there_is_not_is_not_taken(bench: Bench) -> None:
    bench.wish(time_zone="Europe/Atlantis")
    assert "time_zone" not in bench.of(Kind.REPORTED)[-1]
