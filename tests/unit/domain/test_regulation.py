"""Until when which authority must hear: by the law of the day on which we became aware."""

from datetime import UTC, datetime, timedelta

import pytest

from isocket.domain.regulation import RULES, Duty, Facts, ProductEvent, Risk, Rule, duties

AWARE = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)  # a Sunday


def clocks(**facts: object) -> dict[Duty, datetime | None]:
    """Return until when what has to be told."""
    given = {"aware_at": AWARE, "risk": Risk.LIKELY, **facts}
    return {each.duty: each.due_at for each in duties(Facts(**given))}


@pytest.mark.clause("C5-15")
def test_the_data_protection_authority_hears_within_72_hours_whatever_day_it_is() -> None:
    assert clocks() == {Duty.AUTHORITY: AWARE + timedelta(hours=72)}
    assert clocks(aware_at=datetime(2026, 12, 24, 23, 59, tzinfo=UTC)) == {
        Duty.AUTHORITY: datetime(2026, 12, 27, 23, 59, tzinfo=UTC)
    }


def test_where_a_risk_is_unlikely_no_authority_hears_and_it_is_kept_all_the_same() -> None:
    assert clocks(risk=Risk.UNLIKELY) == {}


@pytest.mark.parametrize("event", [ProductEvent.VULNERABILITY, ProductEvent.INCIDENT])
def test_an_event_of_the_product_is_warned_of_within_a_day_and_notified_within_three(event: ProductEvent) -> None:
    found = clocks(risk=Risk.UNLIKELY, event=event)
    assert found == {
        Duty.EARLY_WARNING: AWARE + timedelta(hours=24),
        Duty.PRODUCT_NOTIFICATION: AWARE + timedelta(hours=72),
        Duty.FINAL_REPORT: None,
        Duty.USERS: None,
    }


def test_the_last_report_is_due_fourteen_days_after_a_correction_or_a_month_after_the_notification() -> None:
    fixed = datetime(2027, 2, 20, 8, 0, tzinfo=UTC)
    found = clocks(event=ProductEvent.VULNERABILITY, fixed_at=fixed)
    assert found[Duty.FINAL_REPORT] == datetime(2027, 3, 6, 8, 0, tzinfo=UTC)
    notified = datetime(2027, 1, 31, 8, 0, tzinfo=UTC)
    found = clocks(event=ProductEvent.INCIDENT, notified_at=notified)
    assert found[Duty.FINAL_REPORT] == datetime(2027, 2, 28, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("notified", "due"),
    [
        (datetime(2027, 1, 30, 22, 30, tzinfo=UTC), datetime(2027, 2, 27, 22, 30, tzinfo=UTC)),  # the 31st in Helsinki
        (datetime(2027, 4, 30, 22, 30, tzinfo=UTC), datetime(2027, 5, 30, 22, 30, tzinfo=UTC)),  # 1 May in Helsinki
    ],
)
def test_a_month_ends_no_later_than_it_does_by_any_clock_of_the_union(notified: datetime, due: datetime) -> None:
    assert clocks(event=ProductEvent.INCIDENT, notified_at=notified)[Duty.FINAL_REPORT] == due


def test_a_law_holds_from_its_first_day_on_and_not_before() -> None:
    day = datetime(2026, 9, 11, tzinfo=UTC)
    assert Duty.EARLY_WARNING not in clocks(aware_at=day - timedelta(milliseconds=1), event=ProductEvent.INCIDENT)
    assert Duty.EARLY_WARNING in clocks(aware_at=day, event=ProductEvent.INCIDENT)


def test_a_new_law_is_a_new_row_and_changes_nothing_of_what_was_known_before() -> None:
    change = datetime(2027, 6, 1, tzinfo=UTC)
    old = next(each for each in RULES if each.duty is Duty.AUTHORITY)
    then = Rule(duty=old.duty, law="a later law", to=old.to, valid_from=change, risks=frozenset({Risk.HIGH}), hours=96)
    until = Rule(
        duty=old.duty, law=old.law, to=old.to, valid_from=old.valid_from, valid_until=change, risks=old.risks, hours=72
    )
    for aware, risk, hours in (
        (change - timedelta(days=1), Risk.LIKELY, 72),
        (change, Risk.HIGH, 96),
    ):
        (due,) = duties(Facts(aware_at=aware, risk=risk), rules=(until, then))
        assert due.due_at == aware + timedelta(hours=hours)
    assert duties(Facts(aware_at=change, risk=Risk.LIKELY), rules=(until, then)) == ()
