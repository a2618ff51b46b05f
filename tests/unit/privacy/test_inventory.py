"""The inventory shows every stored field, read off the classes."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from isocket.app.settings import Settings
from isocket.domain import STORED
from isocket.domain.collected import TELEMETRY, TELEMETRY_COLLECTION
from isocket.domain.handling import Handling, Keep, Recipient
from isocket.domain.inventory import Subject, inventory
from isocket.domain.processing import (
    DECISIONS,
    NO_SAFEGUARD,
    RIGHTS,
    Controller,
    activities,
    country_of,
    leaves_the_eea,
)
from isocket.domain.record import handling_of
from privacy.copy_index import Contents, index_page
from privacy.inventory import as_json, as_markdown, record_as_json, record_as_markdown
from privacy.retention import LIVES, REPORTS_LIFE, terms

CONTROLLER = Controller(
    name="Example Ltd, Main Street 1", contact="mailto:privacy@example.org", sms_country="US", mail_country="FI"
)


def test_every_stored_field_is_there_once() -> None:
    listed = [(entry.collection, entry.field) for entry in inventory()]
    stored = [(kind.collection, each.name) for kind in STORED for each in fields(kind)]
    stored += [("telemetry", name) for name in TELEMETRY]
    assert sorted(listed) == sorted(stored)


def test_a_telephone_number_says_why_it_is_kept_and_to_whom_it_goes() -> None:
    (phone,) = [each for each in json.loads(as_json()) if (each["collection"], each["field"]) == ("contacts", "phone")]
    assert phone["purpose"] == "alerts"
    assert phone["basis"] == "art6_1_f"
    assert phone["recipients"] == ["SMS and voice provider", "the customer who entered it"]
    assert phone["sealed"] is True


def test_the_table_for_people_has_a_row_a_field() -> None:
    assert len([line for line in as_markdown().splitlines() if line.startswith("| `")]) == len(inventory())


@pytest.mark.clause("C2-01")
def test_each_personal_field_is_in_the_record_of_processing_under_its_purpose_and_basis() -> None:
    record = json.loads(record_as_json(CONTROLLER))
    listed = [name for each in record["activities"] for name in each["fields"]]
    assert sorted(listed) == sorted(f"{each.collection}.{each.field}" for each in inventory() if each.personal)
    assert len({(each["purpose"], each["basis"]) for each in record["activities"]}) == len(record["activities"])


@pytest.mark.clause("C3-04")
@pytest.mark.clause("P-01")
def test_the_record_names_who_answers_and_in_which_country_each_recipient_is() -> None:
    text = record_as_markdown(CONTROLLER)
    assert "Controller: Example Ltd, Main Street 1, mailto:privacy@example.org" in text
    assert f"SMS and voice provider (US: {NO_SAFEGUARD})" in text
    assert "mail server (FI)" in text
    other = replace(CONTROLLER, name="Another Ltd", sms_country="IE")
    assert "Example Ltd" not in record_as_markdown(other)
    assert "SMS and voice provider (IE)" in record_as_markdown(other)


@pytest.mark.clause("C3-10")
def test_where_a_provider_is_outside_the_eea_the_record_says_by_what_that_is_covered_or_that_nobody_said() -> None:
    covered = replace(CONTROLLER, safeguard="standard contractual clauses (EU) 2021/914")
    text = record_as_markdown(covered)
    assert "SMS and voice provider (US: standard contractual clauses (EU) 2021/914)" in text
    assert "mail server (FI)" in text
    told = [each for activity in activities(covered) for each in activity.recipients]
    assert {each.who for each in told if each.safeguard} == {Recipient.SMS_VOICE_PROVIDER.value}


@pytest.mark.parametrize(
    ("countries", "outside"),
    [("FI", False), ("", False), ("FI, SE", False), ("US", True), ("SE,US", True), ("GB", True)],
)
def test_the_uk_and_the_us_are_outside_the_eea_and_what_is_not_told_is_nowhere(
    countries: str, *, outside: bool
) -> None:
    assert leaves_the_eea(countries) is outside


@pytest.mark.parametrize("subject", [Subject.CUSTOMER, Subject.RECIPIENT])
def test_each_kind_of_person_has_activities_of_their_own(subject: Subject) -> None:
    found = activities(CONTROLLER, subject=subject)
    assert found
    assert all(subject.value in each.subjects for each in found)
    assert all(each.categories and each.kept for each in found)


@pytest.mark.clause("C7-01")
def test_the_notices_leave_out_nothing_that_is_kept_of_customers_or_of_whom_they_want_told() -> None:
    told = {
        name
        for subject in (Subject.CUSTOMER, Subject.RECIPIENT)
        for activity in activities(CONTROLLER, subject=subject)
        for name in activity.fields
    }
    of_staff = {f"{each.collection}.{each.field}" for each in inventory() if each.subjects == (Subject.STAFF.value,)}
    assert {f"{each.collection}.{each.field}" for each in inventory() if each.personal} == told | of_staff
    kept = {time for activity in activities(CONTROLLER, subject=Subject.CUSTOMER) for time in activity.kept}
    assert Keep.ARCHIVE.value in kept


@pytest.mark.clause("C1-22")
def test_the_rights_that_notices_and_copies_name_hold_that_of_taking_a_consent_back() -> None:
    assert [each for each in RIGHTS if "consent" in each]


@pytest.mark.clause("C7-02")
def test_the_page_of_a_copy_says_by_what_a_transfer_is_covered_and_that_no_program_decides() -> None:
    covered = replace(CONTROLLER, safeguard="standard contractual clauses (EU) 2021/914")
    page = index_page(covered, Contents(), datetime(2026, 11, 27, tzinfo=UTC))
    assert "SMS and voice provider (US: standard contractual clauses (EU) 2021/914)" in page
    assert "mail server (FI)" in page
    assert DECISIONS in page
    assert "by Example Ltd, Main Street 1, privacy@example.org." in page


def test_every_recipient_outside_has_a_place() -> None:
    assert all(country_of(CONTROLLER, each.value) for each in Recipient)


def test_the_notice_says_that_single_reports_go_while_the_socket_is_still_its_owners() -> None:
    (told,) = {each.keep for each in inventory() if each.collection == TELEMETRY_COLLECTION}
    assert f"{Settings().reports_days} days" in told
    assert REPORTS_LIFE.days == Settings().reports_days
    shown = [each for each in activities(CONTROLLER, subject=Subject.CUSTOMER) if told in each.kept]
    assert [each.purpose for each in shown] == ["service"]


def test_what_is_said_to_be_kept_until_used_or_expired_is_of_records_that_expire() -> None:
    """A password's hash and a passkey are used again and again, and stay while the account does."""
    expiring = {kind.collection for kind in STORED if any(each.name == "expires_at" for each in fields(kind))}
    assert {each.collection for each in inventory() if each.keep == Keep.UNTIL_USED} <= expiring


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.collection)
def test_no_field_says_that_it_is_kept_for_a_time_that_its_record_does_not_keep(kind: Any) -> None:
    """An app that renews its session had "30 days" said of when it was begun, and kept it for years."""
    promised = {
        name: how.keep for name, how in handling_of(kind).items() if isinstance(how, Handling) and how.keep in LIVES
    }
    term = next((term for term in terms() if term.kind is kind), None)
    counted = () if term is None or term.since == "expires_at" else (term,)
    kept = {
        name
        for each in counted
        for name, keep in promised.items()
        if LIVES[keep] == each.life or name in each.texts.get(LIVES[keep], ())
    }
    assert kept == promised.keys(), "none goes by time where another field stays longer, or none is named as in `MADE`"
