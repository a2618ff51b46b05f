"""Periods of the law: months and years by the calendar, and the ends of financial years. Pure.

A period of months or years ends on the day of the same number; where that month has none, on its last day (Regulation
(EEC, Euratom) No 1182/71, Art. 3(2)(c)).
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar

D = TypeVar("D", bound=date)

MONTHS_A_YEAR = 12


def months_later(at: D, months: int) -> D:
    """Return the same day, or moment, so many months later (earlier, where `months` is below 0)."""
    number = at.year * MONTHS_A_YEAR + at.month - 1 + months
    year, month = divmod(number, MONTHS_A_YEAR)
    last = calendar.monthrange(year, month + 1)[1]
    return at.replace(year=year, month=month + 1, day=min(at.day, last))


def years_later(at: datetime, years: int) -> datetime:
    """Return the same moment so many years later; 29 February becomes the 28th where there is none."""
    return months_later(at, years * MONTHS_A_YEAR)


@dataclass(frozen=True, slots=True)
class FinancialYear:
    """When a financial year ends: a month and its day; the 29th of February is the last day of each February."""

    month: int = 12
    day: int = 31

    def end_after(self, at: datetime) -> datetime:
        """Return the first moment after the financial year in which `at` lies."""
        end = self._end_in(at.year, at)
        return end if at < end else self._end_in(at.year + 1, at)

    def _end_in(self, year: int, at: datetime) -> datetime:
        last = calendar.monthrange(year, self.month)[1]
        day = datetime.combine(
            at.date().replace(year=year, month=self.month, day=min(self.day, last)), time(), at.tzinfo
        )
        return day + timedelta(days=1)
