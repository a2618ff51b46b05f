"""Until when a request has to be answered: calendar months, weekends, holidays, and the office's own midnight."""

from datetime import UTC, date, datetime, timedelta

import pytest

from isocket.domain.authorities import AUTHORITIES, authority_of
from isocket.domain.deadlines import EXTENDED_MONTHS, end_of_months, working_day
from isocket.domain.periods import months_later
from isocket.domain.processing import Office

HELSINKI = Office()


@pytest.mark.clause("C7-16")
@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2028-01-29", 1, "2028-02-29"),
        ("2027-01-29", 1, "2027-02-28"),
        ("2028-02-29", 1, "2028-03-29"),
        ("2026-03-31", 1, "2026-04-30"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-08-31", 1, "2026-09-30"),
    ],
)
def test_a_month_ends_on_the_day_of_the_same_number_or_the_last_one(day: str, months: int, later: str) -> None:
    assert months_later(date.fromisoformat(day), months) == date.fromisoformat(later)


@pytest.mark.clause("C7-16")
@pytest.mark.parametrize(
    ("day", "country", "moved"),
    [
        ("2026-12-05", "FI", "2026-12-07"),  # Saturday; Sunday is Independence Day
        ("2026-12-24", "FI", "2026-12-28"),  # Christmas Eve to Boxing Day, then Sunday
        ("2027-01-06", "FI", "2027-01-07"),  # Epiphany
        ("2027-01-06", "NO", "2027-01-06"),  # which is none in Norway
        ("2027-05-17", "NO", "2027-05-18"),
        ("2027-03-26", "DE", "2027-03-30"),  # Good Friday to Easter Monday
        ("2026-11-25", "FI", "2026-11-25"),
        ("2028-12-31", "FI", "2029-01-02"),  # a Sunday, then New Year: over the end of the year
        ("2027-01-01", "SE", "2027-01-04"),
    ],
)
def test_what_ends_on_a_day_off_ends_with_the_working_day_after_it(day: str, country: str, moved: str) -> None:
    assert working_day(date.fromisoformat(day), country) == date.fromisoformat(moved)


@pytest.mark.clause("C7-16")
def test_the_last_day_lasts_until_midnight_where_the_office_is_also_when_the_clocks_change() -> None:
    received = datetime(2026, 2, 27, 12, tzinfo=UTC)
    assert end_of_months(received, 1, HELSINKI) == datetime(2026, 3, 27, 21, 59, 59, 999000, tzinfo=UTC)
    after_the_change = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert end_of_months(after_the_change, 1, HELSINKI) == datetime(2026, 4, 2, 20, 59, 59, 999000, tzinfo=UTC)


@pytest.mark.clause("C7-16")
def test_a_request_of_late_evening_in_utc_came_the_next_day_in_helsinki() -> None:
    late = datetime(2026, 11, 30, 22, 30, tzinfo=UTC)  # 00:30 on 1 December there
    assert end_of_months(late, 1, HELSINKI).date() == date(2027, 1, 4)  # 1 January is off, then a weekend


@pytest.mark.clause("C7-17")
def test_an_extension_is_two_months_more_counted_from_when_it_came() -> None:
    received = datetime(2026, 11, 30, 9, tzinfo=UTC)
    end = end_of_months(received, EXTENDED_MONTHS, HELSINKI)
    assert end.date() == date(2027, 3, 1)  # 28 February is a Sunday
    assert end - received > timedelta(days=90)


@pytest.mark.clause("C7-18")
def test_every_country_of_the_eea_and_the_uk_has_an_authority_and_all_others_get_that_of_the_office() -> None:
    eea = {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
        "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
    }  # fmt: skip
    assert set(AUTHORITIES) == {*eea, "GB"}
    assert all(each.web.startswith("https://") and each.name for each in AUTHORITIES.values())
    assert len({each.web for each in AUTHORITIES.values()}) == len(AUTHORITIES)
    assert authority_of("SE", at_home="FI").name == "Integritetsskyddsmyndigheten"
    assert authority_of("US", at_home="NO").country == "NO"
    assert authority_of("", at_home="FI").country == "FI"
