"""What became of each message about an incident: due, tried, taken, arrived, answered, and what ended it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import Field

from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import KEY_PRESSED, Attempt, AttemptState, Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Happening, Incident, TimelineEntry
from portal_api.models import Instant, View

_ARRIVED = frozenset({"delivered", "read"})  # as providers of texts say it
_PLACES = {channel: place for place, channel in enumerate(ChannelKind)}
_ANSWERED = frozenset({"in-progress"})  # as a call says it, which a voicemail says too


class Message(View):
    """One message to one person by one way, with the moments that are known of it; null: not so far."""

    id: str
    contact_id: str | None
    contact: str | None = Field(description="What the contact is called; null if it is not there any more.")
    channel: str
    kind: DeliveryKind
    state: DeliveryState
    reason: str = Field(description="Why it ended as it did; empty where nothing needs a reason.")
    due_at: Instant
    held_until: Instant | None = Field(description="It waits, or waited, for the end of quiet hours.")
    tries: int
    accepted_at: Instant | None = Field(description="The provider took it.")
    delivered_at: Instant | None = Field(description="It arrived at the telephone.")
    answered_at: Instant | None = Field(description="The call was answered, perhaps by a voicemail.")
    key_pressed_at: Instant | None = Field(description="Somebody pressed a key in the call.")
    acknowledged_at: Instant | None = Field(description="This person acknowledged the incident by this way.")


def messages_of(
    incident: Incident,
    deliveries: Iterable[Delivery],
    attempts: Iterable[Attempt],
    entries: Iterable[TimelineEntry],
    names: Mapping[str, str],
) -> list[Message]:
    """Return the messages about an incident, the earliest made first. All else is the incident's own as well.

    `names` are its account's contacts.
    """
    tries: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        tries[attempt.delivery_id].append(attempt)
    receipts: dict[str, list[TimelineEntry]] = defaultdict(list)
    for entry in entries:
        if entry.what is Happening.RECEIPT:
            receipts[str(entry.detail.get("delivery_id"))].append(entry)
    return [
        _message(incident, each, tries[each.id], receipts[each.id], names.get(each.contact_id or ""))
        for each in sorted(deliveries, key=_order)
    ]


def _order(delivery: Delivery) -> tuple[datetime, int, str]:
    return delivery.created_at, _PLACES[delivery.channel], delivery.id


def _message(
    incident: Incident,
    delivery: Delivery,
    tries: Sequence[Attempt],
    receipts: Sequence[TimelineEntry],
    name: str | None,
) -> Message:
    taken = [each.ended_at or each.started_at for each in tries if each.state is AttemptState.SENT]
    return Message(
        id=delivery.id,
        contact_id=delivery.contact_id,
        contact=name,
        channel=delivery.channel,
        kind=delivery.kind,
        state=delivery.state,
        reason=delivery.reason,
        due_at=delivery.held_until or delivery.created_at,  # `due_at` of a delivery moves with each new try
        held_until=delivery.held_until,
        tries=len(tries),
        accepted_at=min(taken, default=None),
        delivered_at=_first(receipts, _ARRIVED),
        answered_at=_first(receipts, _ANSWERED),
        key_pressed_at=_first(receipts, frozenset({KEY_PRESSED})),
        acknowledged_at=_acknowledged(incident, delivery),
    )


def _first(receipts: Iterable[TimelineEntry], statuses: frozenset[str]) -> datetime | None:
    return min((each.at for each in receipts if each.detail.get("status") in statuses), default=None)


def _acknowledged(incident: Incident, delivery: Delivery) -> datetime | None:
    by = f"{delivery.contact_id} {delivery.channel}"
    return incident.acknowledged_at if delivery.contact_id and incident.acknowledged_by == by else None
