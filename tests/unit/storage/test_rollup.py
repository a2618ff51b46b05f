"""Windows: where they begin, what they hold, and what they leave out."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocket.kit.clock import to_ms
from isocket.storage.rollup import MINUTE_MS, STEPS, Point, rolled_up, window_start

ZONES = ("UTC", "Europe/London", "Asia/Kathmandu", "America/Santiago", "Australia/Lord_Howe", "Asia/Beirut")
HOUR_MS = 60 * MINUTE_MS
NOON_MS = to_ms(datetime(2026, 11, 22, 12, tzinfo=ZoneInfo("UTC")))


def local(zone: str, *when: int) -> int:
    return to_ms(datetime(*when, tzinfo=ZoneInfo(zone)))  # type: ignore[misc,arg-type]  # year to minute


def roll(points: list[Point], step: str, zone: str = "UTC") -> Any:
    return rolled_up(points, step=step, fields=None, time_zone=zone, following=None)


def one_window(*values: Any) -> Any:
    points: list[Point] = [(NOON_MS + number, {"x": value}) for number, value in enumerate(values)]
    return roll(points, "1h").fields["x"]


def test_numbers_become_their_mean() -> None:
    assert one_window(1, 2, 6) == [3]
    assert one_window(0.5, 1) == [0.75]


def test_flags_and_texts_become_the_last_one() -> None:
    assert one_window(True, True, False) == [False]
    assert one_window("call", "button") == ["button"]


def test_a_missing_value_is_skipped_not_counted_as_nought() -> None:
    assert one_window(None, 4, None, 8, None) == [6]
    assert one_window(False, None) == [False]


def test_a_window_of_missing_values_has_none() -> None:
    assert one_window(None, None) == [None]


def test_a_field_that_changed_its_kind_keeps_the_last_value() -> None:
    assert one_window(1, "unknown") == ["unknown"]
    assert one_window("unknown", 1) == [1]


def test_raw_points_stay_as_they_are_and_lists_are_as_long_as_the_times() -> None:
    series = roll([(5, {"a": 1}), (5, {"b": True}), (9, {"a": None})], "raw")
    assert series.ts == [5, 5, 9]
    assert series.fields == {"a": [1, None, None], "b": [None, True, None]}


def test_no_points_make_an_empty_series() -> None:
    for step in STEPS:
        series = roll([], step)
        assert (series.ts, series.fields, series.next) == ([], {}, None)


def test_windows_without_a_report_are_absent() -> None:
    series = roll([(NOON_MS, {"x": 1}), (NOON_MS + 3 * HOUR_MS, {"x": 2})], "1h")
    assert series.ts == [NOON_MS, NOON_MS + 3 * HOUR_MS]


def test_a_name_picks_a_place_of_a_list_or_all_of_it() -> None:
    points: list[Point] = [(1, {"temp_c.0": 1, "temp_c.1": 2, "temp_cx": 3})]

    def picked(*fields: str) -> list[str]:
        return list(rolled_up(points, step="raw", fields=fields, time_zone="UTC", following=None).fields)

    assert picked("temp_c.1") == ["temp_c.1"]
    assert picked("temp_c") == ["temp_c.0", "temp_c.1"]
    assert picked() == []


def test_hours_are_whole_by_the_wall_clock() -> None:
    at_ms = local("Asia/Kathmandu", 2026, 3, 1, 14, 40)
    assert window_start(at_ms, "1h", ZoneInfo("Asia/Kathmandu")) == local("Asia/Kathmandu", 2026, 3, 1, 14)
    assert window_start(at_ms, "1h", ZoneInfo("UTC")) != local("Asia/Kathmandu", 2026, 3, 1, 14)


def test_the_day_on_which_clocks_go_back_has_twenty_five_hours() -> None:
    start = local("Europe/London", 2026, 10, 25)
    series = roll([(start + hour * HOUR_MS, {"x": hour}) for hour in range(26)], "1d", "Europe/London")
    assert series.ts == [start, start + 25 * HOUR_MS]
    assert series.fields["x"] == [12, 25]


def test_the_hour_that_comes_twice_makes_two_windows() -> None:
    start = local("Europe/London", 2026, 10, 25)
    series = roll([(start + half * HOUR_MS // 2, {"x": half}) for half in range(8)], "1h", "Europe/London")
    assert series.ts == [start + hour * HOUR_MS for hour in range(4)]


def test_a_day_whose_midnight_is_left_out_begins_when_clocks_were_put_forward() -> None:
    # Beirut put clocks forward at midnight: 2021-03-28 began at 01:00, the instant 2021-03-27T22:00Z.
    at_ms = local("Asia/Beirut", 2021, 3, 28, 9)
    assert window_start(at_ms, "1d", ZoneInfo("Asia/Beirut")) == local("UTC", 2021, 3, 27, 22)


@given(
    at_ms=st.integers(local("UTC", 2015, 1, 1), local("UTC", 2035, 1, 1)),
    step=st.sampled_from(STEPS[1:]),
    zone=st.sampled_from(ZONES),
)
def test_a_point_lies_in_the_window_that_begins_at_or_before_it(at_ms: int, step: str, zone: str) -> None:
    start = window_start(at_ms, step, ZoneInfo(zone))
    widths = {"1m": MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS, "1d": 25 * HOUR_MS}
    assert start <= at_ms < start + widths[step]


@given(
    times=st.lists(st.integers(local("UTC", 2026, 1, 1), local("UTC", 2026, 12, 31)), max_size=30),
    step=st.sampled_from(STEPS),
    zone=st.sampled_from(ZONES),
)
def test_windows_come_oldest_first_and_each_once(times: list[int], step: str, zone: str) -> None:
    series = roll([(at_ms, {"x": 1}) for at_ms in sorted(times)], step, zone)
    assert series.ts == sorted(series.ts)
    assert step == "raw" or len(set(series.ts)) == len(series.ts)
    assert all(len(values) == len(series.ts) for values in series.fields.values())


@pytest.mark.parametrize(
    ("step", "zone"), [("1w", "UTC"), ("1d", "Mars/Olympus"), ("raw", "../etc/passwd"), ("1h", "")]
)
def test_unknown_steps_and_zones_are_refused(step: str, zone: str) -> None:
    with pytest.raises(ValueError, match=r"step|time zone"):
        roll([], step, zone)


@pytest.mark.parametrize(
    ("change", "before"),
    [
        (local("UTC", 2026, 10, 3, 15, 30), local("UTC", 2026, 10, 3, 14, 30)),  # from 02:00 to 02:30
        (local("UTC", 2026, 4, 4, 15), local("UTC", 2026, 4, 4, 14)),  # from 02:00 back to 01:30
    ],
)
def test_the_hour_in_which_the_clock_is_put_by_half_an_hour_begins_then(change: int, before: int) -> None:
    points: list[Point] = [(change - MINUTE_MS, {"x": 1}), (change, {"x": 2}), (change + 29 * MINUTE_MS, {"x": 4})]
    series = roll(points, "1h", "Australia/Lord_Howe")
    assert series.ts[-1] == change
    assert series.fields["x"][-1] == 3
    assert before <= series.ts[0] < change
