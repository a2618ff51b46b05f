"""Has an incident looked at before its time: its ladder while it is open, its end when it is over."""

from datetime import datetime

from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import Incident, IncidentState
from isocket.storage.port import Records, is_


async def urge(records: Records, alarm: Delivery, now: datetime) -> None:
    """Have the ladder looked at again, because an alarm did not reach its reader."""
    await _urge_while(IncidentState.OPEN, records, alarm, now)


async def let_rest(records: Records, alarm: Delivery, until: datetime, now: datetime) -> None:
    """Have an incident whose alarm has gone out looked at `until` then, and not before that to see whether it has.

    Only where nothing has changed since it opened. The lease that ends now rings nobody: there is nothing to do.
    """
    if alarm.incident_id is not None:
        await records.change_one(
            Incident,
            is_("id", alarm.incident_id),
            is_("version", 1),
            is_("state", IncidentState.OPEN),
            step_due_at=until,
            lease_until=now,
        )


async def urge_the_end(records: Records, delivery: Delivery, now: datetime) -> None:
    """Have an incident that is over looked at, which waits for its alarms and of which this one has come to its end.

    Whoever is not there any more to do so is missed for a minute: see alerts.closing.
    """
    if delivery.kind is not DeliveryKind.ALARM or delivery.incident_id is None:
        return
    incident = await records.get(Incident, delivery.incident_id)
    if incident is None or incident.state is not IncidentState.CLOSED or not incident.needs_step:
        return  # as most are: nothing is written for them
    await records.change_one(
        Incident,
        is_("id", incident.id),
        is_("state", IncidentState.CLOSED),
        is_("needs_step", True),
        step_due_at=now,
    )


async def urge_the_end_anew(records: Records, alarm: Delivery, now: datetime) -> None:
    """Have an incident that is over looked at once more, though its end was told: its alarm goes by another way yet.

    Whoever gets it so late hears the end after it; and where it reached nobody after all, that is said.
    """
    await _urge_while(IncidentState.CLOSED, records, alarm, now)


async def _urge_while(state: IncidentState, records: Records, alarm: Delivery, now: datetime) -> None:
    if alarm.kind is DeliveryKind.ALARM and alarm.incident_id is not None:
        await records.change_one(
            Incident,
            is_("id", alarm.incident_id),
            is_("state", state),
            needs_step=True,
            step_due_at=now,
        )
