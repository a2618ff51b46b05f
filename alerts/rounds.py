"""One look at an incident: what is known of it and of its people, at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.causes import LIMITS
from alerts.ladder import Course
from alerts.rules.memory import Key, from_watch
from alerts.short_codes import same_code
from alerts.stories import told_of
from alerts.wording import Story
from isocket.domain.contacts import Contact, Escalation, Substitution
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.devices import Device
from isocket.domain.endpoints import Endpoint
from isocket.domain.incidents import Incident, IncidentState
from isocket.domain.recipients import People, ladder_for
from isocket.domain.restrictions import Restriction, restriction_id
from isocket.domain.settings import repeats_of
from isocket.domain.watches import Watch
from isocket.kit.clock import FAR_AHEAD
from isocket.storage.ladders_at import ladders_at
from isocket.storage.port import Records, is_

Changes = dict[str, Any]
DONE: Changes = {"needs_step": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What the steps of one look read. `alarms` are all of the incident's, however they stand.

    One from before the clock was set back counts as made when its ladder began anew.
    """

    incident: Incident
    now: datetime
    story: Story
    people: People
    course: Course
    alarms: Sequence[Delivery]
    code_is_taken: bool = False  # by another open incident of the account, see alerts.short_codes
    is_stopped: bool = False  # the account's data is only kept, and its owner chose that nobody is alarmed


async def look(records: Records, incident: Incident, now: datetime) -> Round:
    """Read what is known now. The incident of the round has the newest reading of its thermometer."""
    device = await records.get(Device, incident.device_id)
    return await look_from(device, records, await with_newest_reading(records, incident), now)


async def look_from(
    device: Device | None,
    records: Records,
    incident: Incident,
    now: datetime,
    *,
    is_new: bool = False,
) -> Round:
    """Read what is known now beside the device. What is new, and not stored yet, has no alarms; is its code free?"""
    of_account = is_("account_id", incident.account_id)
    restrictions, escalations, contacts, endpoints, substitutions, *holders = await records.find_each(
        (Restriction, [is_("id", restriction_id(incident.account_id))]),
        (Escalation, ladders_at(incident.account_id, [incident.device_id])),
        (Contact, [of_account]),
        (Endpoint, [of_account]),
        (Substitution, [of_account]),
        *([(Incident, same_code(incident))] if is_new else []),
    )
    people = People(
        contacts={each.id: each for each in contacts},
        endpoints=endpoints,
        substitutions=substitutions,
    )
    ladder = ladder_for(incident.device_id, incident.severity, escalations, people)
    return Round(
        incident=incident,
        now=now,
        story=told_of(incident, device),
        people=people,
        course=Course(ladder=ladder, incident=incident, repeat_s=_repeat_s(incident, device)),
        alarms=() if is_new else [_brought_back(each, incident, now) for each in await alarms_of(records, incident)],
        code_is_taken=any(each.id != incident.id for found in holders for each in found),
        is_stopped=any(each.stops_alarms(now) for each in restrictions),
    )


async def with_newest_reading(records: Records, incident: Incident) -> Incident:
    """Return an incident that lasts with how warm it is by now, as the rules remember it; any other one as it is."""
    if incident.cause not in LIMITS or incident.state is IncidentState.CLOSED:
        return incident
    watch = await records.get(Watch, incident.device_id)
    conditions = {} if watch is None else from_watch(watch.conditions).conditions
    known = conditions.get(Key(incident.cause, incident.probe))
    if known is None or known.incident_id != incident.id or known.value is None:
        return incident
    return replace(incident, value=known.value)


async def alarms_of(records: Records, incident: Incident) -> list[Delivery]:
    """Return every alarm that was made about an incident."""
    return await records.find(Delivery, is_("incident_id", incident.id), is_("kind", DeliveryKind.ALARM))


def _brought_back(alarm: Delivery, incident: Incident, now: datetime) -> Delivery:
    began = incident.told_from
    return alarm if began is None or alarm.created_at <= now + FAR_AHEAD else replace(alarm, created_at=began)


def _repeat_s(incident: Incident, device: Device | None) -> float | None:
    """Return how often the owner of the socket wants people to be told again."""
    if device is None or device.owner_id != incident.account_id:
        return None
    return repeats_of(device.desired).get(incident.severity) or None
