"""Has the ladder of an incident looked at before its time."""

from datetime import datetime

from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import Incident, IncidentState
from isocket.storage.port import Records, is_


async def urge(records: Records, delivery: Delivery, now: datetime) -> None:
    """Have the ladder looked at again, because an alarm did not reach its reader."""
    if delivery.kind is DeliveryKind.ALARM and delivery.incident_id is not None:
        await records.change_one(
            Incident,
            is_("id", delivery.incident_id),
            is_("state", IncidentState.OPEN),
            needs_step=True,
            step_due_at=now,
        )
