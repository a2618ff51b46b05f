"""Lines of an incident's timeline, with derived ids: a step that runs twice writes each line once."""

from datetime import datetime
from typing import Any

from isocket.domain.deliveries import Delivery
from isocket.domain.incidents import Happening, Incident, TimelineEntry
from isocket.kit.clock import to_text
from isocket.kit.ids import derived_id

QUIET_HOURS = "quiet_hours"
CAME_LATE = "came_late"  # it was over when we heard of it
INFORMATION_ONLY = "information_only"
NOBODY_TO_TELL = "nobody_to_tell"  # of an incident that is for the record and the pages only, see alerts.raising
FOUND_BY_AUDIT = "found_by_audit"  # it had been left lying, and is told again


def incident_line(
    incident: Incident,
    what: Happening,
    *key: str | int,
    at: datetime,
    reason: str = "",
    contact_id: str | None = None,
    channel: str | None = None,
    detail: dict[str, Any] | None = None,
) -> TimelineEntry:
    """Return a line about the incident; `key` tells it from other lines of its kind."""
    return TimelineEntry(
        id=derived_id("tl", incident.id, what, *key),
        incident_id=incident.id,
        account_id=incident.account_id,
        at=at,
        what=what,
        reason=reason,
        contact_id=contact_id,
        channel=channel,
        detail=detail or {},
    )


def came_late_line(incident: Incident, *, at: datetime) -> TimelineEntry:
    """Return the line that nobody is told of what was over by when we knew it."""
    return incident_line(incident, Happening.NOT_SENT, "late", at=at, reason=CAME_LATE)


def delivery_line(
    delivery: Delivery,
    what: Happening,
    *key: str | int,
    at: datetime,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> list[TimelineEntry]:
    """Return the line about a delivery, none if it belongs to no incident."""
    if delivery.incident_id is None:
        return []
    return [
        TimelineEntry(
            id=derived_id("tl", delivery.id, what, *key),
            incident_id=delivery.incident_id,
            account_id=delivery.account_id,
            at=at,
            what=what,
            reason=reason,
            contact_id=delivery.contact_id,
            channel=str(delivery.channel),
            detail={"delivery_id": delivery.id, "kind": str(delivery.kind), **(detail or {})},
        )
    ]


def due_line(delivery: Delivery, *, at: datetime, detail: dict[str, Any] | None = None) -> list[TimelineEntry]:
    """Return the line that a new delivery goes out, or that it waits until its reader's quiet hours are over."""
    until = delivery.held_until
    if until is None:
        return delivery_line(delivery, Happening.DELIVERY_DUE, at=at, detail=detail)
    held = {**(detail or {}), "until": to_text(until)}
    return delivery_line(delivery, Happening.HELD, at=at, reason=QUIET_HOURS, detail=held)
