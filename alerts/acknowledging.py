"""Somebody has seen it: stops the ladder of an incident, not its record."""

from isocket.domain.incidents import Incident, IncidentState
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_

log = get_logger(__name__)


async def acknowledge(records: Records, incident_id: str, *, by: str, clock: Clock) -> bool:
    """Acknowledge an open incident; return False if it was not open any more.

    `by` is the account's or contact's id and the way, as `con_… sms`. The ladder is stopped by `alerts.escalation`.
    """
    now = clock.now()
    changed = await records.change_one(
        Incident,
        is_("id", incident_id),
        is_("state", IncidentState.OPEN),
        state=IncidentState.ACKNOWLEDGED,
        acknowledged_at=now,
        acknowledged_by=by,
        needs_step=True,
        step_due_at=now,
    )
    if changed is not None:
        log.info("incident_acknowledged", incident_id=incident_id)
    return changed is not None
