"""Months and years are those of the calendar, and a financial year may end on any day."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocket.domain.periods import FinancialYear, months_later, years_later

MOMENTS = st.integers(946_684_800, 3_471_292_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.clause("C2-12")
@pytest.mark.parametrize(
    ("begin", "months", "end"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-03-15T23:59:59", 1, "2026-04-15T23:59:59"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -1, "2025-12-15"),
    ],
)
def test_a_month_ends_on_the_same_day_or_on_the_last_there_is(begin: str, months: int, end: str) -> None:
    assert months_later(at(begin), months) == at(end)


@pytest.mark.clause("C6-15")
@pytest.mark.parametrize(
    ("begin", "years", "end"),
    [
        ("2024-02-29", 1, "2025-02-28"),
        ("2024-02-29", 2, "2026-02-28"),
        ("2024-02-29", 4, "2028-02-29"),
        ("2026-02-28", 2, "2028-02-28"),
        ("2026-03-29T01:30", 10, "2036-03-29T01:30"),
    ],
)
def test_years_end_on_the_same_day_and_the_29th_of_february_on_the_28th(begin: str, years: int, end: str) -> None:
    assert years_later(at(begin), years) == at(end)


@given(begin=MOMENTS, months=st.integers(0, 300))
def test_more_months_are_never_sooner(begin: datetime, months: int) -> None:
    assert months_later(begin, months) <= months_later(begin, months + 1)
    assert timedelta(days=28) * months <= months_later(begin, months) - begin <= timedelta(days=31) * months


@pytest.mark.clause("C6-11")
@pytest.mark.parametrize(
    ("year", "moment", "end"),
    [
        (FinancialYear(), "2026-12-31T23:59:59", "2027-01-01"),
        (FinancialYear(), "2027-01-01", "2028-01-01"),
        (FinancialYear(3, 31), "2026-03-31T12:00", "2026-04-01"),
        (FinancialYear(3, 31), "2026-04-01", "2027-04-01"),
        (FinancialYear(2, 29), "2026-02-28T12:00", "2026-03-01"),
        (FinancialYear(2, 29), "2028-02-28T12:00", "2028-03-01"),
        (FinancialYear(6, 30), "2026-07-01", "2027-07-01"),
    ],
)
def test_a_financial_year_ends_after_its_last_day(year: FinancialYear, moment: str, end: str) -> None:
    assert year.end_after(at(moment)) == at(end)


@given(moment=MOMENTS, month=st.integers(1, 12), day=st.integers(1, 28))
def test_a_financial_year_ends_within_a_year(moment: datetime, month: int, day: int) -> None:
    end = FinancialYear(month, day).end_after(moment)
    assert moment < end <= moment + timedelta(days=366)
