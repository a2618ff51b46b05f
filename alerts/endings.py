"""How a delivery ends: the fields that change, and the secrets that do not outlive it."""

from datetime import datetime, timedelta
from typing import Any

from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import PROVING, Delivery, DeliveryState
from isocket.domain.endpoints import ENDPOINT_KINDS
from isocket.domain.incidents import Incident, IncidentState
from isocket.kit.clock import EPOCH

UNCLEAR = "unclear"  # the reason of a delivery of which nobody ever could tell whether it went out

EXPIRED = "expired"
REACHED = "reached_meanwhile"  # the same person has it by another way
TOLD_SINCE = "told_since"  # while this one waited for its provider, another went to them by the same way
HAVE_IT = frozenset({REACHED, TOLD_SINCE})  # the reasons why a message is let go of which its reader has the news
THOUGH_OVER_FOR = timedelta(minutes=10)  # so old an alarm still goes out when the trouble has ended meanwhile

_WENT_OUT = frozenset({DeliveryState.CALLING, DeliveryState.UNCLEAR, DeliveryState.SENT, DeliveryState.DELIVERED})


def ended(delivery: Delivery, state: DeliveryState, *, at: datetime, reason: str = "") -> dict[str, Any]:
    """Return the changes by which a delivery ends; a code or a link for an account is not kept in it.

    The words of a call are fetched only when somebody answers: they stay until it is known how the call ended.
    """
    changes: dict[str, Any] = {"state": state, "reason": reason, "ended_at": at, "lease_until": EPOCH}
    to_be_fetched = delivery.channel is ChannelKind.VOICE and state is DeliveryState.SENT
    if delivery.kind in PROVING and not to_be_fetched:
        changes |= {"text": "", "html": None}
    return changes


def may_have_gone(delivery: Delivery) -> bool:
    """Whether the provider has this message or may have it, so that its reader should hear how it ended.

    A browser or a program is tried again after an answer was lost, so that each try may have told it.
    """
    if delivery.channel in ENDPOINT_KINDS and delivery.tries and delivery.state is not DeliveryState.FAILED:
        return True
    return delivery.state in _WENT_OUT or (delivery.state is DeliveryState.FAILED and delivery.reason == UNCLEAR)


def reaches_nobody(delivery: Delivery) -> bool:
    """Whether this delivery is over without having told anybody."""
    return delivery.state in {DeliveryState.FAILED, DeliveryState.CALLED_OFF}


def is_hopeful(delivery: Delivery, now: datetime) -> bool:
    """Whether this delivery told somebody or soon may.

    No hope is one that its provider will not have for now, or that waits until its reader's quiet hours are over.
    """
    waits = delivery.state in {DeliveryState.DUE, DeliveryState.CALLING}
    return not reaches_nobody(delivery) and not (waits and delivery.held_up) and not is_held(delivery, now)


def is_held(delivery: Delivery, now: datetime) -> bool:
    """Whether this delivery waits until its reader's quiet hours are over."""
    until = delivery.held_until
    return delivery.state is DeliveryState.DUE and until is not None and now < until


def ran_out_of_time(delivery: Delivery) -> bool:
    """Whether it failed because its provider would not have it for so long, which may be otherwise by now.

    One of which nobody can tell did not, however long its provider would not have it before: it may have gone.
    """
    would_not = delivery.held_up or delivery.reason == EXPIRED
    return delivery.state is DeliveryState.FAILED and would_not and delivery.reason != UNCLEAR


def is_told_though_over(incident: Incident) -> bool:
    """Whether people are to hear of a closed incident that nobody acknowledged before it ended."""
    over = incident.state is IncidentState.CLOSED
    return over and incident.told_though_over and incident.acknowledged_at is None


def goes_though_over(incident: Incident, alarm: Delivery, now: datetime) -> bool:
    """Whether this alarm still goes out although the trouble has ended."""
    return is_told_though_over(incident) and not is_held(alarm, now) and now < alarm.created_at + THOUGH_OVER_FOR
