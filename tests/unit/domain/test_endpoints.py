"""Browsers and programs of a contact: which of them may be told of alarms."""

from dataclasses import replace
from datetime import timedelta

import pytest

from isocket.domain.contacts import ChannelKind
from isocket.domain.endpoints import Endpoint, endpoints_of, why_not_to
from tests.fakes.clock import NOON

BROWSER = Endpoint(
    id="end_1",
    account_id="acc_1",
    contact_id="con_1",
    kind=ChannelKind.PUSH,
    address="{}",
    created_at=NOON,
    verified_at=NOON,
)


def test_an_endpoint_that_has_answered_may_be_told() -> None:
    assert why_not_to(BROWSER, "con_1") is None


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        (None, "removed"),
        (replace(BROWSER, contact_id="con_2"), "removed"),
        (replace(BROWSER, verified_at=None), "unverified"),
        (replace(BROWSER, gone_at=NOON), "endpoint_gone"),
        (replace(BROWSER, gone_at=NOON, verified_at=None), "endpoint_gone"),
    ],
    ids=["removed", "another's", "unverified", "gone", "gone and unverified"],
)
def test_an_endpoint_that_may_not_be_told_says_why(endpoint: Endpoint | None, reason: str) -> None:
    assert why_not_to(endpoint, "con_1") == reason


def test_a_contacts_endpoints_are_those_that_may_be_told_oldest_first() -> None:
    older = replace(BROWSER, id="end_0", created_at=NOON - timedelta(days=1))
    program = replace(BROWSER, id="end_2", kind=ChannelKind.WEBHOOK)
    others = [replace(BROWSER, id="end_3", contact_id="con_2"), replace(BROWSER, id="end_4", gone_at=NOON)]
    every = [program, BROWSER, older, *others]
    assert [each.id for each in endpoints_of(every, "con_1")] == ["end_0", "end_1", "end_2"]
    assert [each.id for each in endpoints_of(every, "con_1", ChannelKind.WEBHOOK)] == ["end_2"]
