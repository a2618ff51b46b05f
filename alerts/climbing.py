"""Climbs the ladder of an open incident: makes the alarms of the steps that are due, until somebody answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.endings import is_held, is_hopeful
from alerts.exhaustion import NO_RECIPIENT, NOBODY_REACHED, say_that_it_is_exhausted
from alerts.handing_over import NO_ORDERS, HandOver, Orders
from alerts.ladder import LASTING, TOLD, Step, Tally, told_at
from alerts.letters import Letters
from alerts.rounds import DONE, Changes, Round, look_from
from alerts.timeline import due_line, incident_line
from alerts.turns import in_turn
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.incidents import Happening, Incident, Severity
from isocket.domain.quiet_hours import held_until
from isocket.domain.reach import CAP_REACHED
from isocket.domain.recipients import Recipient, Skipped, step_of
from isocket.domain.record import Record
from isocket.domain.unheard import UNANSWERED
from isocket.kit.clock import EPOCH
from isocket.storage.port import Records

REVIEW_S = 60.0  # how often an incident that nobody has been told of yet is looked at again, at first
REVIEW_SHARE = 0.1  # of its age, later; while its alarms stand in their lanes, again when they have stood twice as long
REVIEW_CAP_S = 600.0
UNANSWERED_AFTER = timedelta(minutes=30)  # after the last step


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbed:
    """How far a ladder was climbed: how many steps were taken, and when the next one is due, if there is any.

    `alarms`: how many there are. `hope`: whether one may reach somebody. `told_at`: when the first that went out
    could go. `held_until`: when the first of those is free who are not to be disturbed. `waited`: for how long the
    first of those has stood in its lane that may go at any time. `again_at`: when the next is made anew of which nobody
    could tell whether it went. `left_out`: whether a step that was taken names somebody who is told nothing by it.
    """

    taken: int
    next_at: datetime | None
    alarms: int
    hope: bool
    told_at: datetime | None
    held_until: datetime | None
    waited: timedelta
    again_at: datetime | None
    left_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSteps:
    """The alarms and lines of the steps with which a ladder begins, and what the incident itself then says."""

    made: Sequence[Record]
    changes: Changes
    orders: Orders = NO_ORDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """Somebody who is told at a step by an alarm of this number; `until`: the end of their quiet hours.

    `avoids`: the provider that never said whether it has the one before.
    """

    to: Recipient
    number: int
    until: datetime | None
    avoids: str


class Climber:
    """Takes the steps that are due. Whatever it makes has a derived id: a look that is taken twice adds nothing."""

    def __init__(
        self, *, records: Records, public_url: str, sender: str = "", hand_over: HandOver | None = None
    ) -> None:
        """With `hand_over`, first steps go to lanes that are at rest without waiting to be found."""
        self._records = records
        self._public_url = public_url
        self._hand_over = hand_over
        self._letters = Letters(public_url, sender=sender)

    async def climb(self, round_: Round) -> Changes:
        """Take the steps that are due, and say when to look again.

        As long as it is open and nobody has taken it, what matters much is looked at again, ever more rarely.
        """
        round_ = _not_yet_in_vain(round_)
        incident, now = round_.incident, round_.now
        climbed = await self.take_steps(round_)
        looks = [climbed.next_at] if climbed.next_at is not None else []
        exhausted_at = incident.exhausted_at
        if climbed.told_at is not None:
            over = _unanswered_at(climbed.told_at, round_)
            if now < over and (climbed.hope or looks or climbed.held_until is not None):  # else all of them have left
                looks.append(over)
            else:
                exhausted_at = exhausted_at or now
                await say_that_it_is_exhausted(self._records, round_, UNANSWERED, public_url=self._public_url)
        elif climbed.hope:
            looks.append(now + _within_limits(climbed.waited))  # in a storm thousands wait, and looks cost
        elif climbed.held_until is not None:
            looks.append(climbed.held_until + timedelta(seconds=REVIEW_S))
        else:
            exhausted_at = exhausted_at or now
            reason = NOBODY_REACHED if climbed.alarms else NO_RECIPIENT
            await say_that_it_is_exhausted(self._records, round_, reason, public_url=self._public_url)
            looks.append(now + _review_after(round_))
        if climbed.again_at is not None:
            looks.append(climbed.again_at)
        changes: Changes = {"ladder_position": climbed.taken, "exhausted_at": exhausted_at}
        if exhausted_at is not None and incident.exhausted_at is None and climbed.next_at is None:
            looks += _first_slow(round_, exhausted_at)
        return {**changes, "step_due_at": min(looks)} if looks else {**changes, **DONE}

    async def first_steps(
        self, incident: Incident, device: Device, now: datetime, *, is_new: bool = False
    ) -> FirstSteps | None:
        """Return what begins a ladder, to be stored together with an incident that opens: nobody has to wake first.

        None where nobody can be told at once, which is for `climb` to see to, or where its code is another's. What is
        new has no alarms yet. Whoever has stored the steps, or could not, says so to the lanes that wait for them, see
        `FirstSteps.orders`.
        """
        round_ = await look_from(device, self._records, incident, now, is_new=is_new)
        if round_.is_stopped or round_.code_is_taken:
            return None
        climbed, made = self._taken(round_)
        if not climbed.hope or climbed.told_at is not None:
            return None
        next_step = [] if climbed.next_at is None else [climbed.next_at]
        changes = {
            "ladder_position": climbed.taken,
            "step_due_at": min([now + timedelta(seconds=REVIEW_S), *next_step]),
        }
        orders = NO_ORDERS
        if self._hand_over is not None:  # who is left out may have a way in a minute
            once_told = None if climbed.left_out else min([_unanswered_at(now, round_), *next_step])
            made, orders = await self._hand_over.order(made, now, next_look=once_told)
        try:
            return FirstSteps(made=await self._in_turn(made), changes=changes, orders=orders)
        except BaseException:
            await orders.let_go()
            raise

    async def take_steps(self, round_: Round) -> Climbed:
        """Make the alarms of every step that is due and that were not made."""
        climbed, made = self._taken(round_)
        await self._records.add_all(await self._in_turn(made))
        return climbed

    def _taken(self, round_: Round) -> tuple[Climbed, list[Record]]:
        """Return how far the ladder is climbed now, and what is to be stored for it.

        A step is due at its time, and at once in the first climb when all before it reach nobody.
        """
        now, made_before = round_.now, round_.incident.ladder_position
        alarms = _made_since_it_began(round_)
        tally = Tally(round_.alarms, since=round_.incident.told_from or EPOCH, now=now)
        hope = any(_gives_hope(each, tally, now) and not _has_left(each, round_) for each in alarms)
        held = [each.held_until for each in alarms if is_held(each, now) and each.held_until is not None]
        made: list[Record] = []
        total, taken, next_at, left_out = len(round_.alarms), 0, None, False
        for step in round_.course.steps():
            if now < step.due_at and (hope or step.climb > 0):
                next_at = step.due_at
                break
            told, skipped = _who(round_, step, tally, total - tally.replaced)
            for each in told:
                if each.until is None:
                    hope = True
                else:
                    held.append(each.until)
            total += len(told)
            left_out |= bool({each.contact_id for each in skipped} - {each.to.contact.id for each in told})
            if told or step.climb == 0 or taken >= made_before:
                made += self._written(round_, step, told, skipped)
            taken += 1
        climbed = Climbed(
            taken=taken,
            next_at=next_at,
            alarms=total,
            hope=hope,
            told_at=_first_told_at(round_),
            held_until=min(held, default=None),
            waited=now - min((each.created_at for each in alarms if _stands_in_its_lane(each, now)), default=now),
            again_at=tally.again_at,
            left_out=left_out,
        )
        return climbed, made

    async def _in_turn(self, made: Sequence[Record]) -> Sequence[Record]:
        """Give the alarms that wait in the store their places; those that go at once need none."""
        waiting = [each for each in made if isinstance(each, Delivery) and each.state is DeliveryState.DUE]
        if not waiting:
            return made
        others = [each for each in made if not isinstance(each, Delivery) or each.state is not DeliveryState.DUE]
        return [*await in_turn(self._records, waiting), *others]

    def _written(self, round_: Round, step: Step, told: Sequence[_Told], skipped: Sequence[Skipped]) -> list[Record]:
        incident, now = round_.incident, round_.now
        after_s = round((step.due_at - incident.detected_at).total_seconds())
        detail = {"step": step.number, "climb": step.climb}
        made: list[Record] = [incident_line(incident, Happening.STEP, after_s, step.number, at=now, detail=detail)]
        for each in told:
            alarm = self._letters.alarm(round_.story, each.to, each.number, now, held_until=each.until)
            alarm = replace(alarm, avoids=each.avoids) if each.avoids else alarm
            made += [alarm, *due_line(alarm, at=now, detail=detail)]
        made += [
            incident_line(
                incident,
                Happening.NOT_SENT,
                after_s,
                each.contact_id,
                each.channel or "",
                each.reason,
                at=now,
                reason=each.reason,
                contact_id=each.contact_id,
                channel=each.channel,
                detail=detail,
            )
            for each in skipped
        ]
        return made


def _who(round_: Round, step: Step, tally: Tally, total: int) -> tuple[list[_Told], list[Skipped]]:
    """Return who is told at a step and was not yet, and who is not told; `total` alarms were made and count."""
    incident = round_.incident
    at = min(step.due_at, round_.now)  # who stands in for whom then
    recipients, skipped = step_of(step.rung, round_.people, device_id=incident.device_id, at=at)
    cap = None if incident.severity is Severity.CRITICAL else round_.course.ladder.cap
    told: list[_Told] = []
    for to in recipients:
        # A program is no person: nobody sleeps there.
        asleep = to.channel is not ChannelKind.WEBHOOK
        until = held_until(to.contact, incident.severity, round_.now) if asleep else None
        number = tally.number(to, step.due_at, until, slow_since=step.slow_since)
        if number is None:
            continue
        if cap is not None and total + len(told) >= cap:
            tally.give_back(to)
            skipped.append(Skipped(contact_id=to.contact.id, channel=to.channel, reason=CAP_REACHED))
        else:
            told.append(_Told(to=to, number=number, until=until, avoids=tally.lost_by(to)))
    return told, skipped


def _first_slow(round_: Round, exhausted_at: datetime) -> list[datetime]:
    """Return when the first climb after the ladder was exhausted begins, nothing where it is let rest."""
    if round_.incident.severity not in LASTING:
        return []
    course = replace(round_.course, incident=replace(round_.incident, exhausted_at=exhausted_at))
    return [next(step.due_at for step in course.steps() if step.climb > course.ladder.repeat)]


def _gives_hope(alarm: Delivery, tally: Tally, now: datetime) -> bool:
    """Whether others wait for an answer to this alarm: not to one after a lost one, which may be lost as well."""
    return is_hopeful(alarm, now) and (alarm.state in TOLD or not tally.follows_a_loss(alarm))


def _stands_in_its_lane(alarm: Delivery, now: datetime) -> bool:
    return alarm.state is DeliveryState.DUE and not alarm.tries and is_hopeful(alarm, now)


def _has_left(alarm: Delivery, round_: Round) -> bool:
    """Whether its reader is no contact any more, or wants no more messages: nobody waits for their answer."""
    reader = round_.people.contacts.get(alarm.contact_id or "")
    return reader is None or reader.paused_at is not None


def _made_since_it_began(round_: Round) -> list[Delivery]:
    """Return the alarms that were made since the ladder began."""
    began = round_.incident.told_from or EPOCH
    return [each for each in round_.alarms if each.created_at >= began]


def _first_told_at(round_: Round) -> datetime | None:
    """Return when the first alarm that went out since the ladder began could go, None if none did."""
    went = [each for each in _made_since_it_began(round_) if each.state in TOLD]
    return min((told_at(each, round_.now) for each in went), default=None)


def _not_yet_in_vain(round_: Round) -> Round:
    """Return a round whose ladder is not exhausted any more where people were told only after it was.

    Whoever has it since their provider is back gets their time to answer, and is not told again right after it. Not
    while somebody else has not heard, who are told when they would have been, nor when that time is over.
    """
    incident, told = round_.incident, _first_told_at(round_)
    if incident.exhausted_at is None or told is None or told <= incident.exhausted_at:
        return round_
    if _is_somebody_untold(round_) or _unanswered_at(told, round_) <= round_.now:
        return round_
    incident = replace(incident, exhausted_at=None)
    return replace(round_, incident=incident, course=replace(round_.course, incident=incident))


def _is_somebody_untold(round_: Round) -> bool:
    """Whether somebody for whom alarms were made, and who has not left, heard by none of them."""
    made = _made_since_it_began(round_)
    told = {each.contact_id for each in made if each.state in TOLD}
    return any(each.contact_id not in told and not _has_left(each, round_) for each in made)


def _unanswered_at(told_at: datetime, round_: Round) -> datetime:
    """Return when nobody has answered, though somebody was told."""
    return max(told_at, round_.course.own_end) + UNANSWERED_AFTER


def _review_after(round_: Round) -> timedelta:
    """Return how long to wait for a contact or a provider to be put right: the longer the older the incident."""
    return _within_limits((round_.now - round_.incident.detected_at) * REVIEW_SHARE)


def _within_limits(wait: timedelta) -> timedelta:
    return min(max(wait, timedelta(seconds=REVIEW_S)), timedelta(seconds=REVIEW_CAP_S))
