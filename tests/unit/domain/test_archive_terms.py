"""When an archive is to be destroyed: by the books of the office, wherever the clock of the machine stands."""

from datetime import UTC, datetime

import pytest

from isocket.app.erasures import archive_terms
from isocket.app.settings import Settings
from isocket.domain.accounts import Account
from isocket.domain.archives import ArchiveTerms


def closed(at: str) -> Account:
    ended = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return Account(id="acc_1", email="maija@example.org", created_at=ended, ended_at=ended)


@pytest.mark.parametrize(
    ("ended", "destroyed"),
    [
        ("2026-12-31T21:59:59", "2036-12-31T22:00"),  # the last second of the year in Helsinki
        ("2026-12-31T22:00", "2037-12-31T22:00"),  # the first of the next
        ("2027-06-30T12:00", "2037-12-31T22:00"),
    ],
)
def test_the_financial_year_in_which_an_account_ended_is_that_of_the_offices_calendar(
    ended: str, destroyed: str
) -> None:
    terms = ArchiveTerms(time_zone="Europe/Helsinki")
    assert terms.destroyed_from(closed(ended)) == datetime.fromisoformat(destroyed).replace(tzinfo=UTC)


def test_it_is_the_office_that_answers_requests() -> None:
    settings = Settings(office_time_zone="Asia/Tokyo")
    assert archive_terms(settings).time_zone == "Asia/Tokyo"
