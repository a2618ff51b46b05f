"""Somebody has taken an alarm: nothing more goes out, the others hear of it, and later they are asked: still on it?"""

from datetime import datetime, timedelta

from alerts.calling_off import call_off
from alerts.endings import may_have_gone
from alerts.following import followers, quiet_ways
from alerts.letters import Letters
from alerts.notices import notice_that_asks
from alerts.rounds import DONE, Changes, Round
from alerts.timeline import QUIET_HOURS, delivery_line, incident_line
from isocket.domain.accounts import Account
from isocket.domain.acknowledgement import ANSWER_WITHIN, letting_go
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import DeliveryKind
from isocket.domain.incidents import Happening, Incident, Severity
from isocket.domain.quiet_hours import held_until
from isocket.domain.record import Record
from isocket.domain.shares import Share
from isocket.kit.clock import to_ms
from isocket.storage.port import Records, is_

LOOK_FOR_GUEST = timedelta(minutes=5)  # at whether a guest who took it is still there: their time ends by itself
REMIND_AFTER_S = 3600.0  # what is critical, where the ladder does not say otherwise
NOT_ANSWERED = "not_answered"
NOBODY_TO_ASK = "nobody_to_ask"


class Taken:
    """Sees to one acknowledged incident."""

    def __init__(self, *, records: Records, public_url: str, sender: str = "") -> None:
        self._records = records
        self._public_url = public_url
        self._letters = Letters(public_url, sender=sender)

    async def see_to(self, round_: Round) -> Changes:
        """Call off and tell the others, once; then ask from time to time, and open it again if nobody answers."""
        incident, now = round_.incident, round_.now
        if incident.acknowledged_at is None:  # changed by hand: nothing says who has it
            return letting_go(now)
        await self._records.add_all([taken_line(incident)])
        await call_off(self._records, incident, now, "acknowledged")
        guest = _guest(round_)
        if _has_left(round_) or (guest and not await self._is_there(guest, round_)):
            return await self._let_go(round_, NOBODY_TO_ASK)
        if incident.step_due_at <= incident.acknowledged_at:  # the first look; the others would hear it late
            await self._tell_the_others(round_)
        changes = await self._go_on(round_, incident.acknowledged_at)
        if not guest or "state" in changes:
            return changes
        look_at = now + LOOK_FOR_GUEST
        return {**changes, "needs_step": True, "step_due_at": min(changes.get("step_due_at", look_at), look_at)}

    async def _go_on(self, round_: Round, taken_at: datetime) -> Changes:
        """Ask when it is time, and wait for the answer."""
        incident, now = round_.incident, round_.now
        if incident.asked_at is not None:
            return await self._wait_for_the_answer(round_, incident.asked_at)
        after_s = _remind_after_s(round_)
        if after_s is None:
            return DONE
        due_at = (incident.confirmed_at or taken_at) + timedelta(seconds=after_s)
        return {"step_due_at": due_at} if now < due_at else await self._ask(round_)

    async def _tell_the_others(self, round_: Round) -> None:
        """Tell those who got the alarm, but not who took it; nobody is called, and nobody woken."""
        told = [each for each in round_.alarms if may_have_gone(each)]
        took = taker_of(round_)
        made: list[Record] = []
        for each in followers(round_, told, calls=False):
            if took is not None and each.alarm.contact_id == took.id:
                continue
            reason = each.reason
            if each.to is not None and each.to.channel is not ChannelKind.WEBHOOK:
                reason = QUIET_HOURS if held_until(each.to.contact, None, round_.now) else ""
            if each.to is None or reason:
                made += delivery_line(
                    each.alarm,
                    Happening.NOT_SENT,
                    DeliveryKind.TAKEN,
                    to_ms(round_.incident.acknowledged_at or round_.now),
                    at=round_.now,
                    reason=reason,
                    detail={"kind": DeliveryKind.TAKEN.value},
                )
                continue
            taken = self._letters.taken(round_.story, each.to, round_.now)
            made += [taken, *delivery_line(taken, Happening.DELIVERY_DUE, at=round_.now)]
        await self._records.add_all(made)

    async def _ask(self, round_: Round) -> Changes:
        incident, now = round_.incident, round_.now
        took = taker_of(round_)
        until = None if took is None else held_until(took, incident.severity, now)
        if until is not None:
            return {"step_due_at": until}
        made: list[Record] = []
        if took is not None:
            made += [self._letters.still(round_.story, to, now) for to in quiet_ways(round_, took)]
        if not made and (_by_account(round_) or _guest(round_)):
            account = await self._records.get(Account, round_.incident.taken_by[0])
            if account is not None:
                made.append(notice_that_asks(account, round_.story, public_url=self._public_url, now=now))
        if not made:
            return await self._let_go(round_, NOBODY_TO_ASK)
        asked = incident_line(
            incident,
            Happening.ASKED,
            _since(round_),
            at=now,
            contact_id=took.id if took else None,
            detail={"by": incident.acknowledged_by or ""},
        )
        await self._records.add_all([*made, asked])
        return {"asked_at": now, "step_due_at": now + ANSWER_WITHIN}

    async def _is_there(self, guest: str, round_: Round) -> bool:
        """Return whether the socket is still shared with this account."""
        incident = round_.incident
        shares = await self._records.find(Share, is_("account_id", guest), is_("device_id", incident.device_id))
        return any(each.holds(incident.account_id, round_.now) for each in shares)

    async def _wait_for_the_answer(self, round_: Round, asked_at: datetime) -> Changes:
        until = asked_at + ANSWER_WITHIN
        return {"step_due_at": until} if round_.now < until else await self._let_go(round_, NOT_ANSWERED)

    async def _let_go(self, round_: Round, reason: str) -> Changes:
        """Open it again. What was asked and is not out yet is called off where it is claimed."""
        line = incident_line(
            round_.incident,
            Happening.LET_GO,
            _since(round_),
            at=round_.now,
            reason=reason,
            detail={"by": round_.incident.acknowledged_by or ""},
        )
        await self._records.add_all([line])
        return letting_go(round_.now)


def _remind_after_s(round_: Round) -> float | None:
    """Return after how long whoever took it is asked, None if never."""
    chosen = round_.course.ladder.remind_after_s
    if chosen is None:
        return REMIND_AFTER_S if round_.incident.severity is Severity.CRITICAL else None
    return chosen if chosen > 0 else None


def _by_account(round_: Round) -> bool:
    return round_.incident.taken_by[0] == round_.incident.account_id


def _guest(round_: Round) -> str:
    """Return the id of the account that took it as a guest at the socket, "" where somebody else did."""
    who, way = round_.incident.taken_by
    return "" if way in set(ChannelKind) or who == round_.incident.account_id else who


def _has_left(round_: Round) -> bool:
    """Return whether a contact took it who is gone by now, or asked for no more messages after taking it.

    They need not care for it, and hear no more of it: neither the question nor the end. Of whoever asked their provider
    we learn it by the next text that is refused, as late as that.
    """
    who, way = round_.incident.taken_by
    if way not in set(ChannelKind):
        return False
    took = round_.people.contacts.get(who)
    if took is None or took.paused_at is None:
        return took is None
    return to_ms(took.paused_at) >= _since(round_)


def taker_of(round_: Round) -> Contact | None:
    """Return the contact who took it: for somebody in the account itself, the one that has the account's address."""
    if _by_account(round_):
        return next((each for each in round_.people.contacts.values() if each.is_owner), None)
    return round_.people.contacts.get(round_.incident.taken_by[0])


def _since(round_: Round) -> int:
    """Return what tells one question from the next."""
    incident = round_.incident
    return to_ms(incident.confirmed_at or incident.acknowledged_at or incident.detected_at)


def taken_line(incident: Incident) -> Record:
    """Return the line that somebody took it, or that whoever took it still is on it."""
    taken_at = incident.acknowledged_at or incident.detected_at
    by = {"by": incident.acknowledged_by or ""}
    if incident.confirmed_at is not None:
        at = incident.confirmed_at
        return incident_line(incident, Happening.CONFIRMED, to_ms(at), at=at, detail=by)
    key = () if incident.told_from is None else (to_ms(taken_at),)
    return incident_line(incident, Happening.ACKNOWLEDGED, *key, at=taken_at, detail=by)
