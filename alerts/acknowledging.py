"""Somebody has seen it: stops the ladder of an incident, not its record."""

from enum import StrEnum

from isocket.domain.acknowledgement import confirming, taking
from isocket.domain.incidents import Incident, IncidentState
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_, is_not

log = get_logger(__name__)


class Acknowledged(StrEnum):
    """What came of it."""

    TAKEN = "taken"
    CONFIRMED = "confirmed"  # it was taken, and was asked about: somebody still is on it
    ALREADY = "already"  # somebody had taken it before
    OVER = "over"  # it is over, or there is no such incident any more


async def acknowledge(records: Records, incident_id: str, *, by: str, clock: Clock) -> bool:
    """Acknowledge an open incident, or say that somebody still is on it; return False if neither was to be done.

    `by` is the account's or contact's id and the way, as `con_… sms`. The ladder is stopped by `alerts.escalation`.
    """
    return await take(records, incident_id, by=by, clock=clock) in {Acknowledged.TAKEN, Acknowledged.CONFIRMED}


async def take(records: Records, incident_id: str, *, by: str, clock: Clock) -> Acknowledged:
    """Acknowledge as `acknowledge` does, and say what came of it."""
    now = clock.now()
    this = is_("id", incident_id)
    if await records.change_one(Incident, this, is_("state", IncidentState.OPEN), **taking(by, now)) is not None:
        log.info("incident_acknowledged", incident_id=incident_id)
        return Acknowledged.TAKEN
    acknowledged = is_("state", IncidentState.ACKNOWLEDGED)
    asked = is_not("asked_at", None)
    if await records.change_one(Incident, this, acknowledged, asked, **confirming(by, now)) is not None:
        log.info("incident_confirmed", incident_id=incident_id)
        return Acknowledged.CONFIRMED
    known = await records.get(Incident, incident_id)
    over = known is None or known.state is IncidentState.CLOSED
    return Acknowledged.OVER if over else Acknowledged.ALREADY
