"""A message to one person by one channel, each try to hand it over, and what the provider said later."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
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
from isocket.domain.incidents import Severity
from isocket.domain.letters import Letter
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH, to_text
from isocket.kit.ids import derived_id, new_id

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
    NEWSLETTER = "newsletter"


PROVING = frozenset({DeliveryKind.CODE, DeliveryKind.ACTIVATION, DeliveryKind.RESET})
"""Messages that hold what only their reader may have: a code, a link that lets somebody in."""

ABOUT_INCIDENTS = frozenset({DeliveryKind.ALARM, DeliveryKind.CLEAR, DeliveryKind.TAKEN, DeliveryKind.REMINDER})
WORDS = frozenset({"subject_line", "text", "html", "unsubscribe_url"})
"""The fields that hold the words of a message."""


class DeliveryState(StrEnum):
    """Where a message stands. Only forward: due, calling, then how it ended."""

    DUE = "due"
    CALLING = "calling"  # an attempt is written and the provider may have it
    UNCLEAR = "unclear"  # the provider's answer was lost; a receipt or a question settles it
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    CALLED_OFF = "called_off"  # acknowledged, closed or opted out before it went


class Urgency(StrEnum):
    """How urgent a message is: each way to people has a lane for either, and the first never waits for the second."""

    URGENT = "urgent"  # alarms that are critical or major
    ORDINARY = "ordinary"


_RANKS = MappingProxyType({severity: rank for rank, severity in enumerate(Severity)})
_NOT_URGENT = frozenset({Severity.MINOR, Severity.INFO})
MOST_TURNS = 9999  # as many digits as there are in `priority`; who has more waiting shares the last place

BEHIND = "later."  # behind every place, which are digits


def lane_name(urgency: Urgency, channel: ChannelKind) -> str:
    """Return the name of a lane, which each delivery in it carries."""
    return f"{urgency}.{channel}"


def urgency_of_lane(lane: str) -> Urgency:
    """Return how urgent what goes by a lane is."""
    return Urgency(lane.partition(".")[0])


@record(
    collection="deliveries",
    subject="person_id",
    account="account_id",
    indexed=(
        ("state", "lane", "priority"),
        ("state", "due_at"),
        ("account_id", "lane", "created_at"),
        ("moves_on", "moves_on_at"),
        ("incident_id",),
        ("contact_id",),
        ("person_id",),
        ("link_hash",),
    ),
    queue="lane",
)
class Delivery(Record):
    """One message to one person by one channel. Id derived from why, so that a second run adds nothing.

    `lane` and `priority` are filled in where they are not given: within a lane the first alarm of every customer
    goes before the second of anyone, then what matters most, then what was due first. What is not due yet stands
    behind all of these, in the order of its times, and gets its place when it is due.
    """

    account_id: Annotated[str, MESSAGE_FACT]
    person_id: Annotated[str, MESSAGE_FACT]  # contact or account whose address it goes to
    incident_id: Annotated[str | None, MESSAGE_FACT] = None
    contact_id: Annotated[str | None, MESSAGE_FACT] = None
    kind: Annotated[DeliveryKind, MESSAGE_FACT]
    severity: Annotated[Severity | None, MESSAGE_FACT] = None  # of the incident it is about
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
    avoids: Plain[str] = ""  # the provider that would not have it the last time
    turn: Plain[int] = 0  # how many alarms of this customer were made for this lane of late, see alerts.turns
    lane: Plain[str] = ""
    priority: Plain[str] = ""  # the order in which a lane is worked off, see `place_of` and `place_until`
    instead_of: Annotated[str | None, MESSAGE_FACT] = None  # the first message of this person that did not arrive
    moves_on: Plain[bool] = False  # another way to the same person is tried at `moves_on_at`, see alerts.failover
    moves_on_at: Plain[datetime] = EPOCH
    ended_at: Annotated[datetime | None, MESSAGE_FACT] = None
    lease_until: Plain[datetime] = EPOCH  # claimed by a worker until then

    def __post_init__(self) -> None:
        """Fill in the lane and the place in it."""
        if not self.lane:
            object.__setattr__(self, "lane", lane_name(urgency_of(self.kind, self.severity), self.channel))
        if not self.priority:
            waits = self.due_at > self.created_at
            object.__setattr__(self, "priority", place_until(self.due_at) if waits else place_in_turn(self))

    @classmethod
    def of(
        cls,
        letter: Letter,
        *,
        person_id: str,
        address: str,
        now: datetime,
        useful: timedelta,
        kind: DeliveryKind = DeliveryKind.NOTICE,
        channel: ChannelKind = ChannelKind.EMAIL,
        once: Sequence[str | int] = (),
        account_id: str | None = None,
    ) -> "Delivery":
        """Return the message that brings a letter: due at once, and of no use when `useful` is over.

        The same `once` makes it once. `person_id` names whose key it is sealed under; `account_id` the customer it goes
        with, if that is somebody else.
        """
        return cls(
            id=derived_id("del", *once) if once else new_id("del"),
            account_id=account_id or person_id,
            person_id=person_id,
            kind=kind,
            channel=channel,
            address=address,
            subject_line=letter.subject,
            text=letter.text,
            created_at=now,
            due_at=now,
            expires_at=now + useful,
        )

    @property
    def is_queued(self) -> bool:
        """Whether it waits in its lane: what has gone or ended wakes nobody there."""
        return self.state is DeliveryState.DUE


def urgency_of(kind: DeliveryKind, severity: Severity | None) -> Urgency:
    """Return how urgent a message is; an alarm that does not say how much it matters is urgent."""
    urgent = kind is DeliveryKind.ALARM and severity not in _NOT_URGENT
    return Urgency.URGENT if urgent else Urgency.ORDINARY


def place_of(turn: int, severity: Severity | None, due_at: datetime) -> str:
    """Return the place in a lane as text, whose order is the order in which messages go."""
    rank = _RANKS[severity] if severity is not None else len(_RANKS)
    return f"{min(turn, MOST_TURNS):04d}.{rank}.{to_text(due_at)}"


def place_in_turn(delivery: Delivery) -> str:
    """Return the place of a delivery that is due; a try that its provider put off costs nobody their place."""
    return place_of(delivery.turn, delivery.severity, delivery.held_until or delivery.created_at)


def place_until(due_at: datetime) -> str:
    """Return the place of what waits until it is due: behind all that are due, so that no claim walks past it."""
    return f"{BEHIND}{to_text(due_at)}"


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
    indexed=(
        ("delivery_id",),
        ("incident_id",),
        ("receipt_expected", "started_at"),
        ("account_id", "started_at"),
        ("person_id", "started_at"),
    ),
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
    receipt_expected: Plain[bool] = False


KEY_PRESSED = "key_pressed"
"""The status of a receipt of our own making: somebody pressed a key in a call."""


@record(
    collection="receipts",
    subject="person_id",
    account="account_id",
    indexed=(("settled", "received_at"), ("attempt_id", "settled")),
)
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

    @classmethod
    def of(
        cls, attempt: Attempt, status: str, *, provider_id: str, at: datetime, error_code: int | None = None
    ) -> "Receipt":
        """Return what was said of an attempt at that moment."""
        return cls(
            id=derived_id("rcp", attempt.id, status),
            attempt_id=attempt.id,
            account_id=attempt.account_id,
            person_id=attempt.person_id,
            provider_id=provider_id,
            status=status,
            error_code=error_code,
            received_at=at,
        )
