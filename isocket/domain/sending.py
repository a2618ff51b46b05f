"""What all senders of one installation share: what was spent, how providers do, how fast a sender may go."""

from datetime import datetime
from typing import Annotated

from isocket.domain.contacts import ChannelKind
from isocket.domain.handling import MESSAGE_FACT, Plain
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH
from isocket.kit.ids import derived_id


@record(collection="spending", subject="account_id", account="account_id", indexed=(("account_id",),))
class Spending(Record):
    """What an account's text messages and calls cost in one calendar month (UTC), by the installation's own prices.

    A message is counted before it goes and taken back when the provider did not have it: never too little.
    """

    account_id: Annotated[str, MESSAGE_FACT]
    month: Annotated[str, MESSAGE_FACT]  # 2026-11
    started_at: Annotated[datetime, MESSAGE_FACT]
    segments: Annotated[int, MESSAGE_FACT] = 0
    calls: Annotated[int, MESSAGE_FACT] = 0
    spent_micro: Annotated[int, MESSAGE_FACT] = 0  # millionths of the currency that the prices are in
    told_percent: Plain[int] = 0  # up to which share of the cap the owner was told of it


@record(collection="provider_health")
class ProviderHealth(Record):
    """How a provider of one kind of message did in the last minutes. Counts fade with time, see alerts.health."""

    kind: Plain[ChannelKind]
    name: Plain[str]
    calls: Plain[float] = 0.0
    errors: Plain[float] = 0.0
    slow: Plain[float] = 0.0
    counted_at: Plain[datetime] = EPOCH
    refused_until: Plain[datetime] = EPOCH  # it refuses us as an account, and is not asked before
    refusal: Plain[str] = ""


@record(collection="sender_rates")
class SenderRate(Record):
    """From when on a sender may send its next message: a token bucket that all processes share."""

    sender: Plain[str]
    free_at: Plain[datetime]


def spending_id(account_id: str, month: str) -> str:
    """Return the id of an account's spending in a month."""
    return derived_id("spd", account_id, month)


def month_of(instant: datetime) -> str:
    """Return the calendar month of an instant in UTC."""
    return f"{instant:%Y-%m}"
