"""How a delivery ends: the fields that change, and the secrets that do not outlive it."""

from datetime import datetime
from typing import Any

from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.kit.clock import EPOCH

UNCLEAR = "unclear"  # the reason of a delivery of which nobody ever could tell whether it went out

_SECRET_KINDS = frozenset({DeliveryKind.CODE, DeliveryKind.ACTIVATION, DeliveryKind.RESET})
_WENT_OUT = frozenset({DeliveryState.CALLING, DeliveryState.UNCLEAR, DeliveryState.SENT, DeliveryState.DELIVERED})


def ended(delivery: Delivery, state: DeliveryState, *, at: datetime, reason: str = "") -> dict[str, Any]:
    """Return the changes by which a delivery ends; a code or a link for an account is not kept in it."""
    changes: dict[str, Any] = {"state": state, "reason": reason, "ended_at": at, "lease_until": EPOCH}
    if delivery.kind in _SECRET_KINDS:
        changes |= {"text": "", "html": None}
    return changes


def may_have_gone(delivery: Delivery) -> bool:
    """Whether the provider has this message or may have it, so that its reader should hear how it ended."""
    return delivery.state in _WENT_OUT or (delivery.state is DeliveryState.FAILED and delivery.reason == UNCLEAR)


def reaches_nobody(delivery: Delivery) -> bool:
    """Whether this delivery is over without having told anybody."""
    return delivery.state in {DeliveryState.FAILED, DeliveryState.CALLED_OFF}
