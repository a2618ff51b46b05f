"""What is wanted of a device beside what it says it is."""

from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.devices import Device
from isocket.domain.twin import Unlike, differences, noted, unlike_keys
from isocket.kit.clock import to_text
from tests.fakes.clock import NOON

RULE = {"at": "07:00", "days": "mon,tue", "name": "on"}
LATER = NOON + timedelta(hours=1)


def device(**more: Any) -> Device:
    fields = {"desired": {"mains_delay_s": 30}, "desired_version": 4, "desired_at": NOON, **more}
    return Device(id="is7k2m9q4xw1", model="gsm", secret_hash="-", claim_hash="-", provisioned_at=NOON, **fields)


@pytest.mark.parametrize(
    ("wanted", "told", "alike"),
    [
        ([RULE], [RULE], True),
        ([RULE], [{**RULE, "args": {}}], True),  # it says more than it was told
        ([RULE], [{**RULE, "at": "07:01"}], False),
        ([RULE], [], False),
        ([RULE], [RULE, RULE], False),
        ([RULE, RULE], [RULE], False),
        ([], [], True),
        ([], [RULE], False),
        ([RULE], None, False),
    ],
)
def test_a_schedule_is_as_wanted_where_all_its_rules_are_and_no_other(
    wanted: list[Any], told: list[Any] | None, *, alike: bool
) -> None:
    assert unlike_keys({"schedule": wanted}, {"schedule": told}) == (() if alike else ("schedule",))


@pytest.mark.parametrize(
    ("wanted", "told", "alike"),
    [
        ([{"high_c": 8}, {"high_c": 9}], [{"high_c": 8}, {"high_c": 9}], True),
        ([{"high_c": 8}, {"high_c": 9}], [{"high_c": 8}], True),  # it has one thermometer
        ([{"high_c": 8}, {"high_c": 9}], [], True),
        ([{"high_c": 8}, {"high_c": 9}], [{"high_c": 9}, {"high_c": 9}], False),
        ([{"high_c": 8}, {"high_c": 9}], [{"high_c": 8}, {"high_c": 8}], False),
        ([{"high_c": 8}], [{"high_c": 8}, {"high_c": 9}], False),
        ([{"high_c": None}], [{}], True),
        ([{"high_c": 8}], [{}], False),
    ],
)
def test_of_its_parts_a_device_says_as_many_as_it_has(wanted: list[Any], told: list[Any], *, alike: bool) -> None:
    assert unlike_keys({"temp": wanted}, {"temp": told}) == (() if alike else ("temp",))


def test_a_word_about_an_older_version_is_noted_of_nothing() -> None:
    assert noted(device(), {"version": 3, "mains_delay_s": 10}, LATER) == {}


def test_what_a_device_does_not_follow_was_refused_at_first_and_changed_later_and_keeps_its_time() -> None:
    at_first = noted(device(reported={"version": 3}), {"version": 4, "mains_delay_s": 10}, NOON)
    assert at_first == {"mains_delay_s": {"why": "refused", "since": to_text(NOON)}}
    followed = device(reported={"version": 4, "mains_delay_s": 30})
    assert noted(followed, {"version": 4, "mains_delay_s": 10}, LATER)["mains_delay_s"]["why"] == "changed"
    still = device(reported={"version": 4, "mains_delay_s": 10}, unlike=at_first)
    assert noted(still, {"version": 4, "mains_delay_s": 11}, LATER) == at_first
    assert noted(still, {"version": 4, "mains_delay_s": 30}, LATER) == {}
    assert differences(still) == [("mains_delay_s", Unlike.REFUSED, NOON)]
    assert differences(device(reported={"version": 3})) == [("mains_delay_s", Unlike.PENDING, NOON)]
