"""The ledger of who was given what is said in words for people."""

from datetime import UTC, datetime
from typing import Any

import pytest

from isocket.domain.deliveries import DeliveryKind
from isocket.domain.disclosures import DisclosedTo, LedgerLine
from isocket.domain.handling import Purpose
from portal_api.ledger_words import KINDS, PURPOSES, row_of


def told(**more: Any) -> LedgerLine:
    given: dict[str, Any] = {
        "id": "dis_1", "at": datetime(2026, 11, 26, tzinfo=UTC), "to": "our staff", "recipient": "acc_232drk",
        "way": "", "kind": "", "subject_id": "acc_1", "what": ("rights_requests",), "purpose": "rights",
        "basis": "art6_1_c", "reason": "", **more,
    }  # fmt: skip
    return LedgerLine(**given)


def test_every_purpose_and_kind_of_message_has_words() -> None:
    assert set(PURPOSES) == {*Purpose}
    assert set(KINDS) == {*DeliveryKind}


@pytest.mark.parametrize(
    ("more", "to", "what", "why"),
    [
        ({}, "our staff", "your request by right", ""),
        ({"to": DisclosedTo.PROGRAM.value, "recipient": "api_1", "what": ("temp_c",)},
         "a program that you gave a token (api_1)", "temp c", ""),
        ({"to": "mail server", "recipient": "smtp", "kind": "clear", "what": ("To", "Subject", "body")},
         "mail server (smtp)", "address or number, subject, text", "an alarm that is over"),
        ({"to": "an authority", "what": ("contacts.phone",), "reason": "Police, law 7"}, "an authority",
         "contacts: phone", "Police, law 7"),
    ],
)  # fmt: skip
def test_a_line_names_who_and_what_as_people_do(more: dict[str, Any], to: str, what: str, why: str) -> None:
    row = row_of(told(**more))
    assert (row.to, row.what, row.why) == (to, what, why)
