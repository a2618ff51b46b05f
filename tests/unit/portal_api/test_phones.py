"""Telephone numbers as people type them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from isocket.domain.countries import SERVED
from portal_api.phones import Phone, is_served, takes_calls, takes_texts

PHONE: TypeAdapter[str] = TypeAdapter(Phone)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+447700900123", "+447700900123"),
        (" +44 (7700) 900-123 ", "+447700900123"),
        ("+358 40 1234567", "+358401234567"),
        ("+15555550100", "+15555550100"),
        ("+46.70.174.0605", "+46701740605"),
    ],
)
def test_a_number_is_kept_in_e164_also_one_reserved_for_examples(typed: str, kept: str) -> None:
    assert PHONE.validate_python(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0401234567",
        "+",
        "+0123456",
        "+4479",
        "+4412345",  # of a length that is dialled within a town, without its area code
        "+43123",
        "+99912345678",
        "+4477009001234567",
        "tel:+447700900123",
        "+447700900123;ext=5",
        "+1-800-GOFEDEX",
        "+\u0664\u0664\u0667\u0667\u0660\u0660\u0669\u0660\u0660\u0661\u0662\u0663",  # digits of another script
        "+19005551234",
        "+979123456789",
        "+870773111632",
        "+8816123456789",
        "+88213123456",
        "+88351000123456",
        "+80012345678",
        "+449098790000",
        "+447012345678",
        "+33810123456",
        "+358600123456",
        "+3586001234560",  # with digits after the last one, which an exchange passes over
        "+4990011234560",
        "+4913791234560",
        "+46900123456000",
        "+3587001234567",
    ],
)
def test_what_is_no_number_or_a_dear_one_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        PHONE.validate_python(typed)


@pytest.mark.parametrize(
    ("phone", "takes"),
    [("+447700900123", True), ("+358401234567", True), ("+35891234567", False), ("+442079460123", False)],
)
def test_a_landline_takes_no_texts(phone: str, takes: bool) -> None:
    assert takes_texts(phone) is takes


@pytest.mark.parametrize(
    ("phone", "takes"), [("+358401234567", True), ("+35891234567", True), ("+447700900123", False)]
)
def test_a_number_in_no_list_is_not_called_unproved(phone: str, takes: bool) -> None:
    assert takes_calls(phone) is takes


@pytest.mark.parametrize(
    ("phone", "served"),
    [
        ("+447700900123", True),  # reserved for examples, so in no list of assigned ranges
        ("+358401234567", True),
        ("+41791234567", True),
        ("+447781123456", False),  # Guernsey shares the code of the United Kingdom, not its prices
        ("+15555550100", False),
        ("+79161234567", False),
    ],
)
def test_numbers_are_served_by_country_also_where_several_share_a_code(phone: str, served: bool) -> None:
    assert is_served(phone, SERVED) is served
