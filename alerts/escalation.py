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

from alerts.endings import ended, goes_though_over, is_hopeful, is_told_though_over, may_have_gone
from alerts.ladder import Recipient, Rung, Skipped, Tally, address_of, climb, ladder_for, why_not
from alerts.letters import Letters
from alerts.notices import notice_that_nobody_answered, notice_that_nobody_was_told
from alerts.stories import story_of
from alerts.timeline import delivery_line, incident_line
from alerts.turns import in_turn
from alerts.wording import Story
from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Happening, Incident, IncidentState
from isocket.domain.record import Record
from isocket.domain.unheard import unheard_of
from isocket.kit.clock import EPOCH, Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, at_most, is_
from isocket.storage.worker import claim, settle

R = TypeVar("R", bound=Record)
log = get_logger(__name__)

LEASE_S = 15.0
REVIEW_S = 60.0  # how often an incident that nobody has been told of yet is looked at again, at first
REVIEW_SHARE = 0.1  # of its age, later
REVIEW_CAP_S = 600.0
UNANSWERED_AFTER = timedelta(minutes=30)  # after the last step
UNANSWERED = "not_acknowledged"
CALL_POLL_S = 1.0
CALL_PATIENCE_S = 30.0  # a clear waits so long after the lease of an alarm on its way; then it may have gone

Changes = dict[str, Any]
DONE: Changes = {"needs_step": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One look at an incident: what is known, at one moment."""

    incident: Incident
    now: datetime
    story: Story


@dataclass(frozen=True, slots=True, kw_only=True)
class _Climbed:
    """How far a ladder was climbed: steps taken, alarms there are, whether one may reach somebody.

    `told_at`: when the latest alarm was made, None while nobody was told.
    """

    rungs: tuple[Rung, ...]
    taken: int
    alarms: int
    hope: bool
    told_at: datetime | None


class Escalator:
    """Takes the next step of one incident at a time."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str) -> None:
        self._records = records
        self._clock = clock
        self._public_url = public_url
        self._letters = Letters(public_url)

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
        """Take the steps that are due, and say when to look again: as long as it is open, until somebody answers."""
        round_ = await self._look(incident, now)
        climbed = await self._take_steps(round_)
        taken: Changes = {"ladder_position": climbed.taken}
        if climbed.taken < len(climbed.rungs):
            return {**taken, "step_due_at": _due(incident, climbed.rungs[climbed.taken])}
        if climbed.told_at is not None:
            last = max(climbed.told_at, _due(incident, climbed.rungs[-1]))
            if now < last + UNANSWERED_AFTER:
                return {**taken, "step_due_at": last + UNANSWERED_AFTER}
            await self._say_that_it_is_exhausted(round_, UNANSWERED)
            return {**taken, **DONE}
        if climbed.hope:
            return {**taken, "step_due_at": now + timedelta(seconds=REVIEW_S)}
        await self._say_that_it_is_exhausted(round_, "nobody_reached" if climbed.alarms else "no_recipient")
        return {**taken, "step_due_at": now + _review_after(incident, now)}

    async def _take_steps(self, round_: _Round) -> _Climbed:
        """Make the deliveries of every step that is due and that were not made.

        A step is due at its time, and at once when all before it reach nobody.
        """
        incident, now = round_.incident, round_.now
        escalations, found, alarms = await asyncio.gather(
            self._of_account(Escalation, incident),
            self._of_account(Contact, incident),
            self._alarms(incident) if incident.ladder_position else _none(),
        )
        rungs = ladder_for(incident.device_id, escalations)
        contacts = {each.id: each for each in found}
        tally = Tally(alarms)
        hope = any(is_hopeful(each) for each in alarms)
        made: list[Record] = []
        new = taken = 0
        while taken < len(rungs) and (not hope or now >= _due(incident, rungs[taken])):
            recipients, skipped = climb(rungs[taken], contacts)
            told = [(each, number) for each in recipients if (number := tally.number(each)) is not None]
            hope, new = hope or bool(told), new + len(told)
            made += self._rung(round_, taken, rungs[taken], told, skipped)
            taken += 1
        await self._add_in_turn(made)
        sent = [each for each in alarms if each.state in {DeliveryState.SENT, DeliveryState.DELIVERED}]
        latest = max((each.created_at for each in alarms), default=now)
        told_at = (now if new else latest) if sent else None
        return _Climbed(rungs=rungs, taken=taken, alarms=len(alarms) + new, hope=hope, told_at=told_at)

    async def _add_in_turn(self, made: Sequence[Record]) -> None:
        alarms = [each for each in made if isinstance(each, Delivery)]
        lines = [each for each in made if not isinstance(each, Delivery)]
        await self._records.add_all([*await in_turn(self._records, alarms), *lines])

    def _rung(
        self,
        round_: _Round,
        position: int,
        rung: Rung,
        told: Sequence[tuple[Recipient, int]],
        skipped: Sequence[Skipped],
    ) -> list[Record]:
        incident, now = round_.incident, round_.now
        deliveries = [self._letters.alarm(round_.story, each, number, now) for each, number in told]
        lines = [
            line
            for each in deliveries
            for line in delivery_line(each, Happening.DELIVERY_DUE, at=now, detail={"step": position})
        ]
        lines += [
            incident_line(
                incident,
                Happening.NOT_SENT,
                f"{rung.after_s:g}",
                each.contact_id,
                each.channel or "",
                each.reason,
                at=now,
                reason=each.reason,
                contact_id=each.contact_id,
                channel=each.channel,
                detail={"step": position},
            )
            for each in skipped
        ]
        step = incident_line(incident, Happening.STEP, f"{rung.after_s:g}", at=now, detail={"step": position})
        return [*deliveries, step, *lines]

    async def _tell_the_end(self, incident: Incident, now: datetime) -> Changes:
        """Call off what has not gone, and tell exactly those who were told, or may have been, that it is over.

        What matters much goes out although it is over: first the alarm, then its end.
        """
        round_, alarms = await asyncio.gather(self._look(incident, now), self._alarms(incident))
        if is_told_though_over(incident) and not alarms:
            climbed = await self._take_steps(round_)
            if climbed.alarms:
                return {"ladder_position": climbed.taken, "step_due_at": now + timedelta(seconds=CALL_POLL_S)}
            await self._say_that_it_is_exhausted(round_, "no_recipient")
            return DONE
        await self._call_off(incident, now, "closed")
        alarms = await self._alarms(incident)
        to_come = {each.id for each in alarms if _is_to_come(incident, each, now)}
        told = [each for each in alarms if each.id not in to_come and may_have_gone(each)]
        if told:
            await self._clear_to(round_, told)
        if to_come:
            return {"step_due_at": now + timedelta(seconds=CALL_POLL_S)}
        if is_told_though_over(incident) and not told:
            await self._say_that_it_is_exhausted(round_, "nobody_reached")
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
            clear = self._letters.clear(round_.story, to, round_.now)
            made += [clear, *delivery_line(clear, Happening.DELIVERY_DUE, at=round_.now)]
        await self._records.add_all(made)

    async def _call_off(self, incident: Incident, now: datetime, reason: str) -> None:
        if incident.acknowledged_at is not None:
            await self._records.add_all([_acknowledged_line(incident)])
        due = [
            each
            for each in await self._alarms(incident)
            if each.state in {DeliveryState.DUE, DeliveryState.CALLED_OFF} and not _is_to_come(incident, each, now)
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

    async def _say_that_it_is_exhausted(self, round_: _Round, reason: str) -> None:
        """Write once that the ladder was of no use, and let the account know by its own address."""
        incident = round_.incident
        made: list[Record] = [
            incident_line(incident, Happening.EXHAUSTED, reason, at=round_.now, reason=reason),
            unheard_of(incident, reason, round_.now),
        ]
        account = await self._records.get(Account, incident.account_id)
        if account is not None:
            notice = notice_that_nobody_answered if reason == UNANSWERED else notice_that_nobody_was_told
            made.append(notice(account, round_.story, reason=reason, public_url=self._public_url, now=round_.now))
        if await self._records.add_all(made):
            log.warning("incident_exhausted", incident_id=incident.id, reason=reason)

    async def _look(self, incident: Incident, now: datetime) -> _Round:
        return _Round(incident=incident, now=now, story=await story_of(self._records, incident))

    async def _alarms(self, incident: Incident) -> list[Delivery]:
        return await self._records.find(Delivery, is_("incident_id", incident.id), is_("kind", DeliveryKind.ALARM))

    async def _of_account(self, kind: type[R], incident: Incident) -> list[R]:
        return await self._records.find(kind, is_("account_id", incident.account_id))


async def _none() -> list[Delivery]:
    return []  # at the first look at an incident there are none


def _due(incident: Incident, rung: Rung) -> datetime:
    return (incident.told_from or incident.detected_at) + timedelta(seconds=rung.after_s)


def _review_after(incident: Incident, now: datetime) -> timedelta:
    """Return how long to wait for a contact or a provider to be put right: the longer the older the incident."""
    wait_s = (now - incident.detected_at).total_seconds() * REVIEW_SHARE
    return timedelta(seconds=min(max(wait_s, REVIEW_S), REVIEW_CAP_S))


def _is_to_come(incident: Incident, alarm: Delivery, now: datetime) -> bool:
    """Whether an alarm of a closed incident is on its way, or goes out although it is over."""
    if alarm.state is DeliveryState.DUE:
        return goes_though_over(incident, alarm, now)
    patience = timedelta(seconds=CALL_PATIENCE_S)
    return alarm.state is DeliveryState.CALLING and now < alarm.lease_until + patience


def _acknowledged_line(incident: Incident) -> Record:
    return incident_line(
        incident,
        Happening.ACKNOWLEDGED,
        at=incident.acknowledged_at or incident.detected_at,
        detail={"by": incident.acknowledged_by or ""},
    )
