"""Prices as they stand in a setting, and what they make of a message."""

import pytest

from isocket.domain.contacts import ChannelKind
from isocket.domain.tariff import Tariff, parse_prices, to_micro

TARIFF = Tariff(prices=parse_prices("sms=0.08, sms+358=0.07,sms+35840=0.065, voice=0.2"))


@pytest.mark.parametrize(
    ("kind", "to", "pieces", "micro"),
    [
        (ChannelKind.SMS, "+447700900001", 1, 80_000),
        (ChannelKind.SMS, "+447700900001", 3, 240_000),
        (ChannelKind.SMS, "+358501234567", 1, 70_000),
        (ChannelKind.SMS, "+358401234567", 1, 65_000),
        (ChannelKind.VOICE, "+358401234567", 1, 200_000),
        (ChannelKind.EMAIL, "anna@example.org", 1, 0),
    ],
)
def test_the_longest_beginning_of_the_number_decides(kind: ChannelKind, to: str, pieces: int, micro: int) -> None:
    assert TARIFF.price_micro(kind, to, pieces) == micro


def test_without_prices_nothing_costs_anything() -> None:
    assert Tariff(prices=parse_prices("")).price_micro(ChannelKind.SMS, "+447700900001", 1) == 0


@pytest.mark.parametrize("text", ["sms", "sms=", "mail=1", "sms=1,sms=2", "sms+0=1", "sms=-1", "voice=1e3", "sms:1"])
def test_prices_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="prices"):
        parse_prices(text)


@pytest.mark.parametrize(
    "amount", ["-1", "-0", "nan", "a lot", "0.0000001", "inf", "1e3", "1_0", "\u0663", "10000000", "5.", ""]
)
def test_an_amount_must_be_one(amount: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        to_micro(amount)
