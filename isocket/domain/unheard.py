"""Alarms that reached nobody, kept for the customer to see at the next contact."""

from datetime import datetime
from typing import Annotated

from isocket.domain.handling import INCIDENT_FACT
from isocket.domain.incidents import Incident
from isocket.domain.record import Record, record
from isocket.kit.ids import derived_id

UNANSWERED = "not_acknowledged"  # people were told, and none of them took it


@record(
    collection="unheard",
    subject="account_id",
    account="account_id",
    indexed=(("account_id", "seen_at"), ("incident_id",)),
)
class Unheard(Record):
    """One incident that nobody was told of, or that nobody answered, until its customer says they have seen it."""

    account_id: Annotated[str, INCIDENT_FACT]
    incident_id: Annotated[str, INCIDENT_FACT]
    at: Annotated[datetime, INCIDENT_FACT]
    reason: Annotated[str, INCIDENT_FACT]
    seen_at: Annotated[datetime | None, INCIDENT_FACT] = None


def unheard_of(incident: Incident, reason: str, at: datetime) -> Unheard:
    """Return the note that this incident reached nobody for this reason; one a reason, however often it is made."""
    return Unheard(
        id=derived_id("uhd", incident.id, reason),
        account_id=incident.account_id,
        incident_id=incident.id,
        at=at,
        reason=reason,
    )
