"""Turns incidents into deliveries: climbs the ladder, stops when somebody has acknowledged, tells when it is over.

How others hand an incident over, each in one atomic step:

* whoever opens or closes it sets `needs_step=True, step_due_at=now` with the change;
* whoever acknowledges it (see `alerts.acknowledging`; the portal does the same by itself) changes it where `state`
  is open to `state=acknowledged, acknowledged_at, acknowledged_by, needs_step=True, step_due_at=now`.

What is due is then called off here, and the timeline written.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from alerts.endings import ended, may_have_gone, reaches_nobody
from alerts.ladder import Recipient, Rung, Skipped, address_of, climb, ladder_for, why_not
from alerts.notices import notice_that_nobody_was_told
from alerts.timeline import delivery_line, incident_line
from alerts.unsubscribing import unsubscribe_url
from alerts.wording import Reader, Story, Words, alarm_mail, alarm_text, clear_mail, clear_text
from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact, Escalation
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState
from isocket.domain.record import Record
from isocket.domain.settings import DeviceSettings
from isocket.kit.clock import EPOCH, Clock
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, at_most, is_
from isocket.storage.worker import claim, settle

R = TypeVar("R", bound=Record)
log = get_logger(__name__)

LEASE_S = 15.0
REVIEW_S = 60.0  # how often an incident that nobody has been told of yet is looked at again
CALL_POLL_S = 1.0
CALL_PATIENCE_S = 30.0  # a clear waits so long after the lease of an alarm on its way; then it may have gone
ALARM_LIFE = timedelta(hours=2)

Changes = dict[str, Any]
DONE: Changes = {"needs_step": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One look at an incident: what is known, at one moment."""

    incident: Incident
    now: datetime
    story: Story


class Escalator:
    """Takes the next step of one incident at a time."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str) -> None:
        self._records = records
        self._clock = clock
        self._public_url = public_url

    async def step(self) -> bool:
        """Take the step of one incident that needs one; return whether there was one."""
        held = await claim(
            self._records,
            Incident,
            is_("needs_step", True),
            at_most("step_due_at", self._clock.now()),
            clock=self._clock,
            lease_s=LEASE_S,
            order_by="step_due_at",
        )
        if held is None:
            return False
        changes = await self._take(held, self._clock.now())
        if await settle(self._records, held, lease_until=EPOCH, **changes) is None:
            # It was acknowledged, closed or urged meanwhile: let go, so that the next look comes at once.
            await self._records.change_one(
                Incident, is_("id", held.id), is_("lease_until", held.lease_until), lease_until=EPOCH
            )
        return True

    async def _take(self, incident: Incident, now: datetime) -> Changes:
        match incident.state:
            case IncidentState.CLOSED:
                return await self._tell_the_end(incident, now)
            case IncidentState.ACKNOWLEDGED:
                await self._call_off(incident, now, "acknowledged")
                return DONE
            case IncidentState.OPEN if incident.explained_by is not None:
                detail = {"by": incident.explained_by}
                line = incident_line(
                    incident,
                    Happening.NOTE,
                    incident.explained_by,
                    at=now,
                    reason="explained",
                    detail=detail,
                )
                await self._records.add_all([line])
                return DONE
            case IncidentState.OPEN:
                return await self._climb(incident, now)

    async def _climb(self, incident: Incident, now: datetime) -> Changes:
        """Make the deliveries of every rung that is due.

        A rung is due at its time, and at once when all before it reach nobody.
        """
        round_, escalations, found, alarms = await asyncio.gather(
            self._look(incident, now),
            self._of_account(Escalation, incident),
            self._of_account(Contact, incident),
            self._alarms(incident) if incident.ladder_position else _none(),
        )
        rungs = ladder_for(incident.device_id, escalations)
        contacts = {each.id: each for each in found}
        hope = any(not reaches_nobody(each) for each in alarms)
        made: list[Record] = []
        position = incident.ladder_position
        while position < len(rungs) and (not hope or now >= _due(incident, rungs[position])):
            told, skipped = climb(rungs[position], contacts)
            hope = hope or bool(told)
            made += self._rung(round_, position, told, skipped)
            position += 1
        await self._records.add_all(made)
        if position < len(rungs):
            return {"ladder_position": position, "step_due_at": _due(incident, rungs[position])}
        if any(each.state in {DeliveryState.SENT, DeliveryState.DELIVERED} for each in alarms):
            return {"ladder_position": position, **DONE}
        if hope:
            return {"ladder_position": position, "step_due_at": now + timedelta(seconds=REVIEW_S)}
        await self._say_that_nobody_was_told(round_, "nobody_reached" if alarms else "no_recipient")
        return {"ladder_position": position, **DONE}

    def _rung(
        self, round_: _Round, position: int, told: Sequence[Recipient], skipped: Sequence[Skipped]
    ) -> list[Record]:
        incident, now = round_.incident, round_.now
        deliveries = [self._alarm(round_, position, each) for each in told]
        lines = [
            line
            for each in deliveries
            for line in delivery_line(each, Happening.DELIVERY_DUE, at=now, detail={"step": position})
        ]
        lines += [
            incident_line(
                incident,
                Happening.NOT_SENT,
                position,
                each.contact_id,
                each.channel or "",
                at=now,
                reason=each.reason,
                contact_id=each.contact_id,
                channel=each.channel,
                detail={"step": position},
            )
            for each in skipped
        ]
        step = incident_line(incident, Happening.STEP, position, at=now, detail={"step": position})
        return [*deliveries, step, *lines]

    def _alarm(self, round_: _Round, position: int, to: Recipient) -> Delivery:
        reader = Reader(language=to.contact.language, time_zone=to.contact.time_zone)
        if to.channel is ChannelKind.EMAIL:
            said = alarm_mail(round_.story, reader, public_url=self._public_url)
        else:
            said = alarm_text(round_.story, reader)
        return self._delivery(round_, DeliveryKind.ALARM, to, said, position)

    def _clear(self, round_: _Round, to: Recipient) -> Delivery:
        reader = Reader(language=to.contact.language, time_zone=to.contact.time_zone)
        if to.channel is ChannelKind.EMAIL:
            said = clear_mail(round_.story, reader, public_url=self._public_url)
        else:
            said = clear_text(round_.story, reader)
        return self._delivery(round_, DeliveryKind.CLEAR, to, said, 0)

    def _delivery(self, round_: _Round, kind: DeliveryKind, to: Recipient, said: Words, position: int) -> Delivery:
        incident = round_.incident
        delivery_id = derived_id("dlv", incident.id, kind, position, to.contact.id, to.channel)
        by_mail = to.channel is ChannelKind.EMAIL
        return Delivery(
            id=delivery_id,
            account_id=incident.account_id,
            person_id=to.contact.id,
            incident_id=incident.id,
            contact_id=to.contact.id,
            kind=kind,
            channel=to.channel,
            address=to.address,
            subject_line=said.subject,
            text=said.text,
            html=said.html,
            unsubscribe_url=unsubscribe_url(self._public_url, delivery_id) if by_mail else None,
            created_at=round_.now,
            due_at=round_.now,
            expires_at=round_.now + ALARM_LIFE,
        )

    async def _tell_the_end(self, incident: Incident, now: datetime) -> Changes:
        """Call off what has not gone, and tell exactly those who were told, or may have been, that it is over."""
        await self._call_off(incident, now, "closed")
        alarms = await self._alarms(incident)
        calling = {each.id for each in alarms if _is_on_its_way(each, now)}
        told = [each for each in alarms if each.id not in calling and may_have_gone(each)]
        if told:
            await self._clear_to(await self._look(incident, now), told)
        if calling:
            return {"step_due_at": now + timedelta(seconds=CALL_POLL_S)}
        return DONE

    async def _clear_to(self, round_: _Round, told: Sequence[Delivery]) -> None:
        contacts = {each.id: each for each in await self._of_account(Contact, round_.incident)}
        made: list[Record] = []
        for alarm in told:
            contact = contacts.get(alarm.contact_id or "")
            reason = why_not(contact, alarm.channel)
            if contact is None or reason or address_of(contact, alarm.channel) != alarm.address:
                made += delivery_line(
                    alarm,
                    Happening.NOT_SENT,
                    DeliveryKind.CLEAR,
                    at=round_.now,
                    reason=reason or "address_changed",
                    detail={"kind": DeliveryKind.CLEAR.value},
                )
                continue
            to = Recipient(contact=contact, channel=alarm.channel, address=alarm.address)
            clear = self._clear(round_, to)
            made += [clear, *delivery_line(clear, Happening.DELIVERY_DUE, at=round_.now)]
        await self._records.add_all(made)

    async def _call_off(self, incident: Incident, now: datetime, reason: str) -> None:
        if incident.acknowledged_at is not None:
            await self._records.add_all([_acknowledged_line(incident)])
        due = [
            each for each in await self._alarms(incident) if each.state in {DeliveryState.DUE, DeliveryState.CALLED_OFF}
        ]
        for each in due:
            await self._records.change_one(
                Delivery,
                is_("id", each.id),
                is_("state", DeliveryState.DUE),
                **ended(each, DeliveryState.CALLED_OFF, at=now, reason=reason),
            )
        if due:
            await self._write_called_off(incident, now)

    async def _write_called_off(self, incident: Incident, now: datetime) -> None:
        await self._records.add_all(
            [
                line
                for each in await self._alarms(incident)
                if each.state is DeliveryState.CALLED_OFF
                for line in delivery_line(each, Happening.NOT_SENT, "not_sent", at=now, reason=each.reason)
            ]
        )

    async def _say_that_nobody_was_told(self, round_: _Round, reason: str) -> None:
        """Write the end of the ladder, and let the account know by its own address."""
        incident = round_.incident
        made: list[Record] = [incident_line(incident, Happening.EXHAUSTED, reason, at=round_.now, reason=reason)]
        account = await self._records.get(Account, incident.account_id)
        if account is not None:
            made.append(
                notice_that_nobody_was_told(
                    account, round_.story, reason=reason, public_url=self._public_url, now=round_.now
                )
            )
        await self._records.add_all(made)
        log.warning("incident_exhausted", incident_id=incident.id, reason=reason)

    async def _look(self, incident: Incident, now: datetime) -> _Round:
        device = await self._records.get(Device, incident.device_id)
        if device is not None and device.owner_id != incident.account_id:
            device = None  # it has another owner by now, whose words are none of these readers' business
        story = Story(
            incident=incident,
            device_name=None if device is None else device.name,
            probe_name=None if device is None else _probe_name(device, incident),
        )
        return _Round(incident=incident, now=now, story=story)

    async def _alarms(self, incident: Incident) -> list[Delivery]:
        return await self._records.find(Delivery, is_("incident_id", incident.id), is_("kind", DeliveryKind.ALARM))

    async def _of_account(self, kind: type[R], incident: Incident) -> list[R]:
        return await self._records.find(kind, is_("account_id", incident.account_id))


async def _none() -> list[Delivery]:
    return []  # at the first look at an incident there are none


def _due(incident: Incident, rung: Rung) -> datetime:
    return incident.detected_at + timedelta(seconds=rung.after_s)


def _is_on_its_way(alarm: Delivery, now: datetime) -> bool:
    patience = timedelta(seconds=CALL_PATIENCE_S)
    return alarm.state is DeliveryState.CALLING and now < alarm.lease_until + patience


def _probe_name(device: Device, incident: Incident) -> str | None:
    if incident.probe is None:
        return None
    settings = DeviceSettings.of(device.desired)
    if incident.cause is Cause.INPUT:
        return settings.input_at(incident.probe).name
    return settings.probe(incident.probe).name


def _acknowledged_line(incident: Incident) -> Record:
    return incident_line(
        incident,
        Happening.ACKNOWLEDGED,
        at=incident.acknowledged_at or incident.detected_at,
        detail={"by": incident.acknowledged_by or ""},
    )
