"""A message to one person by one channel, each try to hand it over, and what the provider said later."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from isocket.domain.contacts import ChannelKind
from isocket.domain.handling import (
    MESSAGE_FACT,
    MESSAGE_TEXT,
    Basis,
    Export,
    Handling,
    Keep,
    Plain,
    Purpose,
)
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH

MESSAGE_LINK = Handling(
    purpose=Purpose.SECURITY, basis=Basis.CONTRACT, keep=Keep.YEAR_1, export=Export.WITHHELD
)  # as long as its message: a way out must still lead out of an old mail


class DeliveryKind(StrEnum):
    """Why a message is sent."""

    ALARM = "alarm"
    CLEAR = "clear"
    TAKEN = "taken"  # somebody else has acknowledged it
    REMINDER = "reminder"  # "still on it?", to whoever has
    CODE = "code"  # a verification code
    ACTIVATION = "activation"
    RESET = "reset"
    NOTICE = "notice"  # to the account's own address


class DeliveryState(StrEnum):
    """Where a message stands. Only forward: due, calling, then how it ended."""

    DUE = "due"
    CALLING = "calling"  # an attempt is written and the provider may have it
    UNCLEAR = "unclear"  # the provider's answer was lost; a receipt or a question settles it
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    CALLED_OFF = "called_off"  # acknowledged, closed or opted out before it went


@record(
    collection="deliveries",
    subject="person_id",
    account="account_id",
    indexed=(("state", "due_at"), ("incident_id",), ("account_id",), ("contact_id",), ("link_hash",)),
)
class Delivery(Record):
    """One message to one person by one channel. Id derived from why, so that a second run adds nothing."""

    account_id: Annotated[str, MESSAGE_FACT]
    person_id: Annotated[str, MESSAGE_FACT]  # contact or account whose address it goes to
    incident_id: Annotated[str | None, MESSAGE_FACT] = None
    contact_id: Annotated[str | None, MESSAGE_FACT] = None
    kind: Annotated[DeliveryKind, MESSAGE_FACT]
    channel: Annotated[ChannelKind, MESSAGE_FACT]
    address: Annotated[str, MESSAGE_TEXT]
    subject_line: Annotated[str, MESSAGE_TEXT] = ""
    text: Annotated[str, MESSAGE_TEXT]
    html: Annotated[str | None, MESSAGE_TEXT] = None
    unsubscribe_url: Annotated[str | None, MESSAGE_TEXT] = None
    link_hash: Annotated[str, MESSAGE_LINK] = ""  # of the token in the reader's own links
    state: Annotated[DeliveryState, MESSAGE_FACT] = DeliveryState.DUE
    reason: Annotated[str, MESSAGE_FACT] = ""
    created_at: Annotated[datetime, MESSAGE_FACT]
    due_at: Annotated[datetime, MESSAGE_FACT]
    expires_at: Plain[datetime | None] = None  # no use in sending it later than this
    held_until: Plain[datetime | None] = None  # the end of its reader's quiet hours, where it waits or waited for that
    tries: Plain[int] = 0
    held_up: Plain[bool] = False  # the provider will not have it for now: nobody should wait for this way only
    ended_at: Annotated[datetime | None, MESSAGE_FACT] = None
    lease_until: Plain[datetime] = EPOCH  # claimed by a worker until then


class AttemptState(StrEnum):
    """What is known of one try."""

    STARTED = "started"
    SENT = "sent"
    REFUSED = "refused"
    LATER = "later"
    UNCLEAR = "unclear"


@record(
    collection="attempts",
    subject="person_id",
    account="account_id",
    indexed=(("delivery_id",), ("incident_id",)),
)
class Attempt(Record):
    """One call of a provider, written before the call. Its id is all that the provider learns of us."""

    delivery_id: Annotated[str, MESSAGE_FACT]
    incident_id: Annotated[str | None, MESSAGE_FACT] = None
    account_id: Annotated[str, MESSAGE_FACT]
    person_id: Annotated[str, MESSAGE_FACT]
    number: Plain[int]
    provider: Annotated[str, MESSAGE_FACT]
    started_at: Annotated[datetime, MESSAGE_FACT]
    ended_at: Annotated[datetime | None, MESSAGE_FACT] = None
    state: Annotated[AttemptState, MESSAGE_FACT] = AttemptState.STARTED
    provider_id: Annotated[str | None, MESSAGE_FACT] = None
    detail: Annotated[str, MESSAGE_FACT] = ""
    receipt: Annotated[str, MESSAGE_FACT] = ""  # the furthest status the provider reported


@record(collection="receipts", subject="person_id", account="account_id", indexed=(("settled", "received_at"),))
class Receipt(Record):
    """What a provider said later about an attempt. Id derived from attempt and status: repeats add nothing."""

    attempt_id: Annotated[str, MESSAGE_FACT]
    account_id: Annotated[str, MESSAGE_FACT]
    person_id: Annotated[str, MESSAGE_FACT]
    provider_id: Annotated[str, MESSAGE_FACT]
    status: Annotated[str, MESSAGE_FACT]
    error_code: Annotated[int | None, MESSAGE_FACT] = None
    received_at: Annotated[datetime, MESSAGE_FACT]
    settled: Plain[bool] = False
    lease_until: Plain[datetime] = EPOCH  # claimed by a worker until then
