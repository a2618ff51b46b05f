"""Until when something has to be answered: calendar months as Regulation (EEC, Euratom) 1182/71 counts them.

The day on which it came is not counted. A period of a month ends with the last hour of the day that has the same
number in the month where it ends, or of that month's last day where there is none; on a Saturday, Sunday or public
holiday of the office's country it ends with the working day that follows (Art. 3).
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from isocket.domain.periods import months_later
from isocket.domain.processing import Office

_WEEKEND = 5  # Saturday, as `date.weekday` counts
_MOMENT = timedelta(milliseconds=1)
FIRST_MONTHS = 1  # Art. 12(3) GDPR
EXTENDED_MONTHS = 3  # two more, where it was said within the first


def end_of_months(received_at: datetime, months: int, office: Office) -> datetime:
    """Return the last moment of the day on which so many months are over, moved to a working day."""
    zone = ZoneInfo(office.time_zone)
    last = working_day(months_later(received_at.astimezone(zone).date(), months), office.country)
    midnight = datetime.combine(last + timedelta(days=1), time(), zone)
    return midnight.astimezone(UTC) - _MOMENT


def working_day(day: date, country: str) -> date:
    """Return the day itself, or the first after it that is neither weekend nor a public holiday there."""
    while day.weekday() >= _WEEKEND or day in _holidays(country, day.year):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year))
