"""What prepaid cards say of their credit, as an amount."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocket.domain.credit import CreditState, amount_of, credit_state


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12.40 EUR", 12.4),
        ("EUR 12,40", 12.4),
        ("12", 12),
        ("Saldo: -3,20 €", -3.2),
        ("kr 1 234,50", 1234.5),
        ("1.234,50", 1234.5),
        ("1,234.50 GBP", 1234.5),
        ("1'234'567", 1_234_567),
        ("1.234.567", 1_234_567),
        ("0,5", 0.5),
        ("12.3456", 12.3456),
    ],
)
def test_an_amount_is_read_as_people_of_many_countries_write_it(text: str, amount: float) -> None:
    assert amount_of(text) == pytest.approx(amount)


@pytest.mark.parametrize(
    "text", [None, "", "no credit", "12.40 EUR until 31.12.2026", "1.234", "1,234", "1.2.3", "12 40", "1,23 456", "¹²"]
)
def test_what_is_no_amount_or_could_be_two_is_unknown(text: str | None) -> None:
    assert amount_of(text) is None


@given(st.text(max_size=40))
def test_no_text_of_a_device_breaks_the_reading(text: str) -> None:
    amount_of(text)


def test_unknown_is_never_fine() -> None:
    assert credit_state("5.00 EUR", 4) is CreditState.FINE
    assert credit_state("3.99 EUR", 4) is CreditState.LOW
    assert credit_state("who knows", 4) is CreditState.UNKNOWN
    assert credit_state(None, 4) is CreditState.UNKNOWN
    assert credit_state("5.00 EUR", None) is CreditState.UNKNOWN
