"""How much a cause matters, and who has the say."""

import re
from pathlib import Path

import pytest

from alerts.causes import FROM_DEVICE, OWNED_ELSEWHERE, SEVERITIES, severity_of
from isocket.domain.incidents import Cause, Severity
from isocket.domain.settings import DeviceSettings

SETTINGS = DeviceSettings.of(
    {
        "temp": [{}, {"severity": "minor"}],
        "input": [{"severity": "info"}],
        "severities": {"temp_low": "major", "offline": "critical"},
        "repeat_s": {"critical": 1800, "major": None},
    }
)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_matters_in_some_degree(cause: Cause) -> None:
    assert cause in SEVERITIES


def test_the_house_decides_where_the_owner_has_said_nothing() -> None:
    assert severity_of(Cause.MAINS_LOST, None, SETTINGS) is Severity.CRITICAL
    assert severity_of(Cause.INPUT, 1, SETTINGS) is Severity.CRITICAL


def test_the_owner_decides_for_a_cause_and_still_closer_for_one_thermometer_or_input() -> None:
    assert severity_of(Cause.OFFLINE, None, SETTINGS) is Severity.CRITICAL
    assert severity_of(Cause.TEMP_LOW, 0, SETTINGS) is Severity.MAJOR
    assert severity_of(Cause.TEMP_LOW, 1, SETTINGS) is Severity.MINOR
    assert severity_of(Cause.INPUT, 0, SETTINGS) is Severity.INFO


def test_a_faulty_thermometer_matters_as_its_cause_does_not_as_its_limits() -> None:
    assert severity_of(Cause.TEMP_FAULT, 1, SETTINGS) is Severity.MAJOR


def test_what_comes_and_goes_matters_as_much_as_when_it_came_first() -> None:
    assert severity_of(Cause.FLAPPING, None, SETTINGS, Cause.OFFLINE) is Severity.CRITICAL
    assert severity_of(Cause.FLAPPING, 0, SETTINGS, Cause.INPUT) is Severity.INFO


def test_repeats_are_for_the_severities_that_have_one() -> None:
    assert SETTINGS.repeat_s == {Severity.CRITICAL: 1800}


def test_nothing_that_tells_of_people_can_come_from_a_device() -> None:
    assert not FROM_DEVICE & OWNED_ELSEWHERE


DOCUMENT = Path(__file__).parents[3] / "docs" / "alarms.md"
ANOTHERS = {Cause.FLAPPING: "that of the cause", Cause.INPUT: "`input[].severity` critical"}


def test_the_document_names_every_cause_with_its_severity() -> None:
    rows = re.findall(
        r"^\| (`[^|]+) \|[^|]+\|[^|]*\|[^|]+\| ([^|]+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    told = {cause: severity for causes, severity in rows for cause in re.findall(r"`(\w+)`", causes)}
    expected = {cause.value: ANOTHERS.get(cause, SEVERITIES[cause].value) for cause in Cause}
    assert {cause: told.get(cause) for cause in expected} == expected
