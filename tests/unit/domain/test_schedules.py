"""When a weekly schedule runs, daylight saving included; and the simulated socket, which reckons otherwise, agrees."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.schedule import due_rules
from isocket.domain.schedules import DAYS, days_of, moment_of, next_run, next_time

HELSINKI = ZoneInfo("Europe/Helsinki")
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC", "Europe/Helsinki", "Europe/London", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
        "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo", "Africa/Casablanca",
    )
]  # fmt: skip
TIMES = st.builds(lambda hour, minute: f"{hour:02d}:{minute:02d}", st.integers(0, 23), st.integers(0, 59))
MOMENTS = st.integers(1_073_000_000, 2_051_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))  # 2004 on
SOME_DAYS = st.sets(st.sampled_from(DAYS), min_size=1).map(lambda days: ",".join(d for d in DAYS if d in days))
EVERY_DAY = frozenset(range(7))
MINUTE = timedelta(minutes=1)


def utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_a_time_that_the_clocks_jump_over_runs_at_the_jump() -> None:
    for minute in range(60):
        assert next_time(f"03:{minute:02}", EVERY_DAY, HELSINKI, utc(2027, 3, 27, 12)) == utc(2027, 3, 28, 1)
    assert next_time("03:30", EVERY_DAY, HELSINKI, utc(2027, 3, 28, 1)) == utc(2027, 3, 29, 0, 30)


def test_a_time_that_comes_twice_runs_the_first_time() -> None:
    first = next_time("03:30", EVERY_DAY, HELSINKI, utc(2027, 10, 30, 12))
    assert first == utc(2027, 10, 31, 0, 30)
    assert next_time("03:30", EVERY_DAY, HELSINKI, utc(2027, 10, 31, 0, 30)) == utc(2027, 11, 1, 1, 30)


def test_seven_in_the_morning_stays_seven_in_the_morning() -> None:
    winter = next_time("07:00", EVERY_DAY, HELSINKI, utc(2027, 3, 27, 0))
    summer = next_time("07:00", EVERY_DAY, HELSINKI, utc(2027, 3, 28, 0))
    assert (winter, summer) == (utc(2027, 3, 27, 5), utc(2027, 3, 28, 4))


def test_days_are_those_of_the_socket_and_not_of_greenwich() -> None:
    monday = next_time("00:30", days_of("mon"), HELSINKI, utc(2027, 6, 1, 0))
    assert monday == utc(2027, 6, 6, 21, 30)


def test_a_run_says_what_its_rule_does() -> None:
    schedule = [{"at": "07:00", "name": "pulse", "args": {"seconds": 5}}, {"at": "08:00", "name": "on", "args": None}]
    first = next_run(schedule, HELSINKI, utc(2027, 6, 4, 0))
    assert first is not None
    assert (first.at, first.name, first.args) == (utc(2027, 6, 4, 4), "pulse", {"seconds": 5})
    then = next_run(schedule, HELSINKI, first.at)
    assert then is not None
    assert (then.name, then.args) == ("on", {})


def test_of_two_rules_for_one_time_the_later_wins() -> None:
    schedule = [{"at": "07:00", "name": "on"}, {"at": "07:00", "days": "sat,sun", "name": "off"}]
    weekend = next_run(schedule, HELSINKI, utc(2027, 6, 4, 12))
    weekday = next_run(schedule, HELSINKI, utc(2027, 6, 6, 12))
    assert weekend is not None
    assert weekday is not None
    assert ((weekend.name, weekend.number), (weekday.name, weekday.number)) == (("off", 1), ("on", 0))
    assert next_run([], HELSINKI, utc(2027, 6, 4, 0)) is None


@pytest.mark.parametrize("zone", ZONES, ids=str)
@settings(max_examples=30, deadline=None)
@given(at=TIMES, days=SOME_DAYS, after=MOMENTS)
def test_no_minute_before_the_next_run_was_one(zone: ZoneInfo, at: str, days: str, after: datetime) -> None:
    found = next_time(at, days_of(days), zone, after)
    assert found is not None
    assert found > after
    local = found.astimezone(zone)
    if f"{local:%H:%M}" != at:  # there is no such time on that day: it is the jump
        assert local.utcoffset() != (found - timedelta(seconds=1)).astimezone(zone).utcoffset()
    minute = after.replace(second=0) + MINUTE
    while minute < found:
        there = minute.astimezone(zone)
        assert not (f"{there:%H:%M}" == at and DAYS[there.weekday()] in days and there.fold == 0)
        minute += MINUTE


@pytest.mark.parametrize("zone", ZONES, ids=str)
@settings(max_examples=30, deadline=None)
@given(at=TIMES, day=st.dates(date(2004, 1, 1), date(2034, 1, 1)))
def test_a_rule_for_every_day_runs_once_a_day_and_in_order(zone: ZoneInfo, at: str, day: date) -> None:
    days = [day + timedelta(days=number) for number in range(4)]
    moments = [moment_of(each, time.fromisoformat(at), zone) for each in days]
    assert moments == sorted(moments)
    assert all(later - earlier <= timedelta(hours=49) for earlier, later in pairwise(moments))


@pytest.mark.parametrize("zone", ZONES, ids=str)
@settings(max_examples=25, deadline=None)
@given(at=TIMES, days=SOME_DAYS, after=MOMENTS)
def test_the_simulated_socket_runs_when_the_cloud_says_it_will(
    zone: ZoneInfo, at: str, days: str, after: datetime
) -> None:
    rule = {"at": at, "days": days, "name": "on"}
    found = next_time(at, days_of(days), zone, after)
    assert found is not None
    ms = round(found.timestamp() * 1000)
    assert due_rules([rule], str(zone), ms - 1000, ms) == [rule]
    assert due_rules([rule], str(zone), ms, ms + 1000) == []
