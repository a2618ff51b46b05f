"""Quiet hours on walls whose clocks jump."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isocket.domain.contacts import Contact
from isocket.domain.incidents import Severity
from isocket.domain.quiet_hours import held_until, quiet_until

NIGHT = {"start": "22:00", "end": "07:00"}
ZONES = ("Europe/Helsinki", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
times_of_day = st.times().map(lambda each: f"{each.hour:02}:{each.minute:02}")
# Half a year around both changes of the clocks, in the north and in the south.
SPRING, DAYS = datetime(2026, 3, 1, tzinfo=UTC), 274
instants = st.integers(0, DAYS * 86_400).map(lambda seconds: SPRING + timedelta(seconds=seconds))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def contact(**changes: object) -> Contact:
    return Contact(  # type: ignore[arg-type]  # values by name
        **{
            "id": "con_1",
            "account_id": "acc_1",
            "name": "Anna",
            "time_zone": "Europe/Helsinki",
            "quiet_hours": {**NIGHT, "except_critical": True},
            "created_at": at("2026-01-01T00:00"),
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-01-15T19:59", None),  # 21:59 in Helsinki
        ("2026-01-15T20:00", "2026-01-16T05:00"),
        ("2026-01-15T23:30", "2026-01-16T05:00"),
        ("2026-01-16T04:59", "2026-01-16T05:00"),
        ("2026-01-16T05:00", None),
    ],
)
def test_a_night_lasts_from_its_start_to_its_end_by_the_persons_own_clock(now: str, until: str | None) -> None:
    assert quiet_until(NIGHT, "Europe/Helsinki", at(now)) == (at(until) if until else None)


def test_hours_within_one_day_do_not_reach_over_midnight() -> None:
    siesta = {"start": "13:00", "end": "15:00"}
    assert quiet_until(siesta, "UTC", at("2026-01-15T14:00")) == at("2026-01-15T15:00")
    assert quiet_until(siesta, "UTC", at("2026-01-15T23:00")) is None


def test_the_night_in_which_an_hour_is_skipped_is_an_hour_shorter() -> None:
    """Helsinki, 29 March 2026: 03:00 becomes 04:00."""
    assert quiet_until(NIGHT, "Europe/Helsinki", at("2026-03-28T20:00")) == at("2026-03-29T04:00")


def test_the_night_in_which_an_hour_comes_twice_is_an_hour_longer() -> None:
    """Helsinki, 25 October 2026: 04:00 becomes 03:00."""
    assert quiet_until(NIGHT, "Europe/Helsinki", at("2026-10-24T19:00")) == at("2026-10-25T05:00")


def test_an_end_that_the_clock_skips_is_the_moment_of_the_skip() -> None:
    hours = {"start": "22:00", "end": "03:30"}
    assert quiet_until(hours, "Europe/Helsinki", at("2026-03-29T00:30")) == at("2026-03-29T01:00")
    assert quiet_until(hours, "Europe/Helsinki", at("2026-03-29T01:00")) is None


def test_a_start_that_the_clock_skips_is_the_moment_of_the_skip() -> None:
    hours = {"start": "03:30", "end": "07:00"}
    assert quiet_until(hours, "Europe/Helsinki", at("2026-03-29T00:59")) is None
    assert quiet_until(hours, "Europe/Helsinki", at("2026-03-29T01:00")) == at("2026-03-29T04:00")


def test_an_end_that_comes_twice_is_the_second_one() -> None:
    hours = {"start": "22:00", "end": "03:30"}
    for now in ("2026-10-25T00:15", "2026-10-25T00:45", "2026-10-25T01:15"):  # 03:15, 03:45, 03:15 again
        assert quiet_until(hours, "Europe/Helsinki", at(now)) == at("2026-10-25T01:30")
    assert quiet_until(hours, "Europe/Helsinki", at("2026-10-25T01:30")) is None


def test_an_end_that_comes_after_the_next_start_ends_nothing() -> None:
    hours = {"start": "03:45", "end": "03:30"}  # 03:45 comes first at 00:45, and 03:30 last at 01:30
    assert quiet_until(hours, "Europe/Helsinki", at("2026-10-24T12:00")) == at("2026-10-26T01:30")


def test_a_day_that_the_clocks_leave_again_had_begun() -> None:
    """St John's, 7 November 2010: 00:01 became 23:01 of the day before."""
    hours = {"start": "00:00", "end": "06:00"}
    for now in ("2010-11-07T02:30", "2010-11-07T03:00"):  # 00:00, and 23:30 once more
        assert quiet_until(hours, "America/St_Johns", at(now)) == at("2010-11-07T09:30")
    assert quiet_until(hours, "America/St_Johns", at("2010-11-07T02:29")) is None


@given(now=instants, start=times_of_day, hours=st.integers(1, 20), zone=st.sampled_from(ZONES))
def test_whoever_is_held_is_free_at_the_end_which_is_at_most_an_hour_later_than_the_wall_says(
    now: datetime, start: str, hours: int, zone: str
) -> None:
    ends = datetime.combine(now, time.fromisoformat(start)) + timedelta(hours=hours)
    window = {"start": start, "end": ends.strftime("%H:%M")}
    until = quiet_until(window, zone, now)
    assume(until is not None)
    assert until is not None
    assert now < until <= now + timedelta(hours=hours + 1)
    assert quiet_until(window, zone, until) is None
    assert quiet_until(window, zone, until - timedelta(seconds=1)) == until


@given(now=instants, start=times_of_day, end=times_of_day, zone=st.sampled_from(ZONES))
def test_whatever_the_clock_shows_between_start_and_end_is_quiet(
    now: datetime, start: str, end: str, zone: str
) -> None:
    assume(start != end)
    shown = now.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    within = start <= shown < end if start < end else shown >= start or shown < end
    if within:
        assert quiet_until({"start": start, "end": end}, zone, now) is not None


@pytest.mark.parametrize("hours", [{}, {"start": "22:00"}, {"start": "25:00", "end": "07:00"}, {"start": 22, "end": 7}])
def test_hours_that_cannot_be_read_hold_nobody(hours: dict[str, object]) -> None:
    assert quiet_until(hours, "UTC", at("2026-01-15T23:00")) is None


def test_the_same_time_twice_means_no_quiet_hours() -> None:
    assert quiet_until({"start": "22:00", "end": "22:00"}, "UTC", at("2026-01-15T23:00")) is None


def test_a_zone_that_is_unknown_counts_as_utc() -> None:
    assert quiet_until(NIGHT, "Nowhere/Atlantis", at("2026-01-15T22:00")) == at("2026-01-16T07:00")


def test_critical_alarms_come_all_the_same_unless_the_person_chose_otherwise() -> None:
    night = at("2026-01-15T23:30")
    assert held_until(contact(), Severity.CRITICAL, night) is None
    assert held_until(contact(), Severity.MAJOR, night) == at("2026-01-16T05:00")
    chosen = contact(quiet_hours={**NIGHT, "except_critical": False})
    assert held_until(chosen, Severity.CRITICAL, night) == at("2026-01-16T05:00")
    assert held_until(contact(quiet_hours=dict(NIGHT)), Severity.CRITICAL, night) is None
    assert held_until(contact(quiet_hours=None), Severity.MINOR, night) is None
