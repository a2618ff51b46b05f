"""What messages cost and how much an account may spend on them in a month. Pure; the figures are settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from isocket.domain.contacts import ChannelKind

MICRO = 1_000_000
PAID = (ChannelKind.SMS, ChannelKind.VOICE)

_AMOUNT = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?")
_ENTRY = re.compile(r"(sms|voice)(\+[1-9][0-9]{0,6})?=([0-9]{1,4}(?:\.[0-9]{1,6})?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """Prices by way and by how the number begins, the longest beginning first; all money in millionths.

    `cap_micro` is what an account may spend in a calendar month, 0: as much as it takes. `reserve_micro` comes on
    top, for critical alarms alone; and even when that is used up, they go.
    """

    prices: Mapping[tuple[ChannelKind, str], int] = field(default_factory=dict)
    cap_micro: int = 0
    reserve_micro: int = 0
    currency: str = "EUR"
    _longest: int = field(init=False, repr=False, compare=False)  # beginning of a number that has a price

    def __post_init__(self) -> None:
        """Note how much of a number has to be looked at."""
        object.__setattr__(self, "_longest", max((len(beginning) for _, beginning in self.prices), default=0))

    def price_micro(self, kind: ChannelKind, to: str, pieces: int) -> int:
        """Return what so many segments or calls to this number cost; nothing where no price is given."""
        for length in range(min(len(to), self._longest), -1, -1):
            price = self.prices.get((kind, to[:length]))
            if price is not None:
                return price * pieces
        return 0


def parse_prices(text: str) -> dict[tuple[ChannelKind, str], int]:
    """Return the prices of `sms=0.08,sms+358=0.07,voice=0.20`: of a segment or a call, for numbers that begin so.

    Raises:
        ValueError: an entry that cannot be read, or one way and beginning twice; it says which.
    """
    prices: dict[tuple[ChannelKind, str], int] = {}
    for entry in filter(None, (each.strip() for each in text.split(","))):
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise ValueError(f"write prices as sms=0.08,sms+358=0.07,voice=0.20, not {entry!r}")
        key = (ChannelKind(found[1]), found[2] or "")
        if key in prices:
            raise ValueError(f"{found[1]}{key[1]} has two prices")
        prices[key] = to_micro(found[3])
    return prices


def to_micro(amount: str) -> int:
    """Return an amount of money in millionths.

    Raises:
        ValueError: it is no number, negative, finer than that, or ten million and more.
    """
    if _AMOUNT.fullmatch(amount) is None:
        raise ValueError("write an amount such as 12.50, from 0 to 9999999, with at most six digits behind the point")
    return int(Decimal(amount) * MICRO)
