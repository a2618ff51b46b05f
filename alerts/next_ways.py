"""What is done when a message does not get through: by which way the same person is told next, and when. Pure.

`alerts.outcomes` reads what providers report; here stands what follows from it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from alerts.call_outcomes import CALL_NOT_ANSWERED, LINE_BUSY
from alerts.endings import EXPIRED, reaches_nobody
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import Severity
from isocket.domain.reach import SPENDING_CAP

WITH_OTHER_WAYS = frozenset({DeliveryKind.ALARM, DeliveryKind.CLEAR})
"""What the same person is told by another way, where one does not get through."""

NO_RECEIPT = "no_receipt"
STANDS_BEHIND = "stands_behind"  # others by the same way that its provider does not carry; it was not tried yet

FREE_WAYS = (ChannelKind.PUSH, ChannelKind.EMAIL, ChannelKind.WEBHOOK)
"""The ways that cost nothing for each message."""

_CRITICAL = (ChannelKind.VOICE, ChannelKind.SMS, *FREE_WAYS)
_MAJOR = (ChannelKind.SMS, ChannelKind.PUSH, ChannelKind.EMAIL, ChannelKind.VOICE, ChannelKind.WEBHOOK)
_OTHER = (ChannelKind.SMS, *FREE_WAYS)
_BY_PHONE = frozenset({ChannelKind.SMS, ChannelKind.VOICE})

# Reasons that say something of the telephone itself, whichever way it was tried.
_PHONE_IS_OFF = frozenset({"handset_unreachable"})
_PHONE_IS_WRONG = frozenset({"number_invalid", "number_unknown"})

AGAIN_AFTER_S: Mapping[str, float] = MappingProxyType(
    {
        "queue_overflow": 30.0,  # too much was waiting at the provider
        "handset_unreachable": 600.0,  # switched off or out of coverage: it may come back
        "unknown": 30.0,  # the carrier gives no reason
        "segment_lost": 10.0,
        LINE_BUSY: 60.0,
        CALL_NOT_ANSWERED: 180.0,
    }
)
"""After which reports the same way is tried once more, besides the next one, and how many seconds later."""

NOTHING_OF_OURS = frozenset({"account_suspended", "daily_cap"})
"""Reports by which a provider says that it carries nothing of ours for now, whoever it is for."""

ANOTHER_PROVIDER = NOTHING_OF_OURS | {"sender_unknown_there"}
"""Reports after which the same way is tried at once where another provider has it.

The last says something of one country or carrier only: this message goes by another, everybody else's stay.
"""

_VOICE_PATIENCE_S = 120.0  # longer than for a text: it rings, and somebody listens
UNCLEAR_WAIT_S = 20.0  # a receipt or the look at the provider usually settles it sooner
TIMES_AS_LONG: Mapping[Severity, float] = MappingProxyType({Severity.CRITICAL: 1.0, Severity.MAJOR: 3.0})
"""As with what is critical is waited before another way is taken; for what matters less, none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a receipt is waited for before the same person is told by the next way."""

    receipt_wait_s: float = 90.0  # of what is critical

    def for_a_receipt(self, sent: Delivery) -> timedelta | None:
        """Return how long, None: however long it takes."""
        times = _times(sent)
        if times is None:
            return None
        more_s = _VOICE_PATIENCE_S if sent.channel is ChannelKind.VOICE else 0.0
        return timedelta(seconds=self.receipt_wait_s * times + more_s)

    def for_clarity(self, unclear: Delivery) -> timedelta | None:
        """Return how long one of which nobody can tell whether it went out may stay so, None: until it is given up."""
        times = _times(unclear)
        return None if times is None else timedelta(seconds=UNCLEAR_WAIT_S * times)

    def for_a_pause(self, put_off: Delivery) -> timedelta | None:
        """Return for how long a provider may put one off before another way is taken as well, None: however long."""
        critical = put_off.severity is Severity.CRITICAL
        return self.for_clarity(put_off) if critical else self.for_a_receipt(put_off)


def _times(message: Delivery) -> float | None:
    """Return how many times as long as with what is critical is waited, None: however long."""
    if message.kind is not DeliveryKind.ALARM:
        return None
    return TIMES_AS_LONG.get(message.severity or Severity.INFO)


def moving_on(now: datetime, wait: timedelta | None) -> dict[str, Any]:
    """Return the fields of a delivery by which another way is tried after `wait`, None: by which none is."""
    return {"moves_on": False} if wait is None else {"moves_on": True, "moves_on_at": now + wait}


def next_channel(
    lost: Delivery, reason: str, usable: Iterable[ChannelKind], others: Sequence[Delivery]
) -> ChannelKind | None:
    """Return by which of the usable ways the reader of a lost message is told next, None if by none.

    `others` are what else went to the same person about the same thing since: a way that has one is not taken again.
    """
    if reason == EXPIRED:  # too late, whatever the way
        return None
    taken = {each.channel for each in others} | {lost.channel}
    if reason == SPENDING_CAP and any(each.channel in FREE_WAYS and not reaches_nobody(each) for each in others):
        return None
    may = set(usable)
    return next((each for each in _order(lost, reason) if each in may and each not in taken), None)


def again_after_s(lost: Delivery, reason: str, *, providers: int) -> float | None:
    """Return after how long the same way is tried once more, None: not at all."""
    if lost.kind is not DeliveryKind.ALARM:
        return None
    if reason in ANOTHER_PROVIDER:
        return 0.0 if providers > 1 else None
    return AGAIN_AFTER_S.get(reason)


def _order(lost: Delivery, reason: str) -> tuple[ChannelKind, ...]:
    costs_nothing = reason == STANDS_BEHIND and lost.severity is not Severity.CRITICAL
    if lost.kind is not DeliveryKind.ALARM or reason == SPENDING_CAP or costs_nothing:
        return FREE_WAYS
    order = {Severity.CRITICAL: _CRITICAL, Severity.MAJOR: _MAJOR, None: _MAJOR}.get(lost.severity, _OTHER)
    if lost.channel in _BY_PHONE and reason in _PHONE_IS_WRONG:
        return tuple(each for each in order if each not in _BY_PHONE)
    if lost.channel in _BY_PHONE and reason in _PHONE_IS_OFF:
        return tuple(sorted(order, key=lambda each: each in _BY_PHONE))
    return order
