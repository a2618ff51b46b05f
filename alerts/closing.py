"""It is over: calls off what has not gone, and tells exactly those who were told, or may have been."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.calling_off import call_off, is_to_come
from alerts.climbing import Climber
from alerts.endings import is_told_though_over, may_have_gone
from alerts.exhaustion import NO_RECIPIENT, NOBODY_REACHED, say_that_it_is_exhausted
from alerts.following import Follower, followers, quiet_ways
from alerts.letters import Letters
from alerts.rounds import DONE, Changes, Round
from alerts.taken import taken_line, taker_of
from alerts.timeline import came_late_line, delivery_line, due_line
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import Happening
from isocket.domain.quiet_hours import held_until
from isocket.domain.record import Record
from isocket.storage.port import Records

WAIT_S = 1.0  # at least, for an alarm that is still on its way; whoever ends it has us look at once
WAIT_CAP_S = 60.0


class Closing:
    """Tells the end of one incident."""

    def __init__(self, *, records: Records, climber: Climber, public_url: str, sender: str = "") -> None:
        self._records = records
        self._climber = climber
        self._public_url = public_url
        self._letters = Letters(public_url, sender=sender)

    async def tell(self, round_: Round) -> Changes:
        """Call off what has not gone, and tell that it is over.

        What matters much goes out although it is over: first the alarm, then its end.
        """
        incident, now = round_.incident, round_.now
        if is_told_though_over(incident) and not round_.alarms:
            climbed = await self._climber.take_steps(round_)
            if climbed.alarms:
                return {"ladder_position": climbed.taken, "step_due_at": now + timedelta(seconds=WAIT_S)}
            await say_that_it_is_exhausted(self._records, round_, NO_RECIPIENT, public_url=self._public_url)
            return DONE
        if incident.acknowledged_at is not None:
            await self._records.add_all([taken_line(incident)])
        alarms = await call_off(self._records, incident, now, "closed")
        to_come = [each for each in alarms if is_to_come(incident, each, now)]
        told = [each for each in alarms if each not in to_come and may_have_gone(each)]
        if told:
            await self._clear_to(round_, told)
        if to_come:
            return {"step_due_at": now + _wait(to_come, now)}
        slept = any(each.held_until is not None for each in alarms)  # what was over in the morning is no news
        was_held_back = not alarms and incident.exhausted_at is None and incident.acknowledged_at is None
        if is_told_though_over(incident) and not told and not slept:
            await say_that_it_is_exhausted(self._records, round_, NOBODY_REACHED, public_url=self._public_url)
        elif was_held_back:  # since its end might follow, and did
            await self._records.add_all([came_late_line(incident, at=now)])
        return DONE

    async def _clear_to(self, round_: Round, told: Sequence[Delivery]) -> None:
        """Tell those who got the alarm; only who has nothing but a telephone that rings waits for the morning."""
        made: list[Record] = []
        found = followers(round_, told, calls=True)
        for each in [*found, *_taker_elsewhere(round_, found)]:
            if each.to is None:
                made += delivery_line(
                    each.alarm,
                    Happening.NOT_SENT,
                    DeliveryKind.CLEAR,
                    at=round_.now,
                    reason=each.reason,
                    detail={"kind": DeliveryKind.CLEAR.value},
                )
                continue
            called = each.to.channel is ChannelKind.VOICE
            until = held_until(each.to.contact, None, round_.now) if called else None
            clear = self._letters.clear(round_.story, each.to, round_.now, held_until=until)
            made += [clear, *due_line(clear, at=round_.now)]
        await self._records.add_all(made)


def _taker_elsewhere(round_: Round, found: Sequence[Follower]) -> list[Follower]:
    """Return whoever took it and hears its end by none of the ways by which they were told: their number is another."""
    took = taker_of(round_)
    if took is None or not found or any(each.to is not None and each.to.contact.id == took.id for each in found):
        return []
    told_before = [each.alarm for each in found if each.alarm.contact_id == took.id]
    return [Follower(alarm=alarm, to=to) for alarm in told_before[:1] for to in quiet_ways(round_, took)[:1]]


def _wait(to_come: Sequence[Delivery], now: datetime) -> timedelta:
    """Return how long to wait for alarms on their way: as long as the youngest has waited, so twice as long each time.

    Thousands that wait in a storm must not be looked at each second: new incidents have to be.
    """
    waited = now - max(each.created_at for each in to_come)
    return min(max(waited, timedelta(seconds=WAIT_S)), timedelta(seconds=WAIT_CAP_S))
