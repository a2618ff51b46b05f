"""When the steps of a ladder are due, again and again if need be, and which of their alarms are made: pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from alerts.endings import HAVE_IT, UNCLEAR, ran_out_of_time, reaches_nobody
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.endpoints import ENDPOINT_KINDS
from isocket.domain.incidents import Incident, Severity
from isocket.domain.ladders import Ladder, Rung
from isocket.domain.recipients import Recipient
from isocket.kit.clock import EPOCH

LEAST_GAP = timedelta(minutes=1)  # between two climbs, whatever a ladder or a setting says
FIRST_SLOW = timedelta(hours=1)  # after the ladder was exhausted it is climbed again, then after twice the time
SLOWEST = timedelta(days=1)
MOST_REPEATS = 100  # so often in the rhythm that was set; then slowly
FIRST_AGAIN = timedelta(minutes=5)  # after nobody could tell whether an alarm went it is made anew, then after twice
LAST_AGAIN = timedelta(minutes=30)  # the time, at most after so long
MOST_AGAIN = 10  # so often, since its reader may have each of them; then by slow climbs only
MOST_AGAIN_OF_LITTLE = 2  # where what matters less is never climbed again
JUST_TOLD = timedelta(minutes=15)  # whoever was told so shortly before a slow climb is left out by it

LASTING = frozenset({Severity.CRITICAL, Severity.MAJOR})
"""What is never let rest while it is open and nobody has taken it."""

TOLD = frozenset({DeliveryState.SENT, DeliveryState.DELIVERED})
_UNDER_WAY = frozenset({DeliveryState.DUE, DeliveryState.CALLING, DeliveryState.UNCLEAR})

Way = tuple[str, ChannelKind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step at its time: the ladder's `number`th, counted from 0, in its `climb`th climb.

    `slow_since`: when its climb began, where that is one of those after the ladder was of no use.
    """

    rung: Rung
    due_at: datetime
    number: int
    climb: int
    slow_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The whole way up: the ladder's own climbs, then those by `repeat_s`, or slow ones once it is exhausted."""

    ladder: Ladder
    incident: Incident
    repeat_s: float | None = None  # tell again so often while nobody has taken it

    @property
    def start(self) -> datetime:
        """Return the moment from which the ladder's seconds count."""
        return self.incident.told_from or self.incident.detected_at

    @property
    def own_end(self) -> datetime:
        """Return when the last step of the ladder's own climbs is due."""
        if not self.ladder.rungs:
            return self.start
        return self.start + self.ladder.repeat * self._rhythm + self._height

    def steps(self) -> Iterator[Step]:
        """Yield the steps in the order of their times, without an end where they are climbed for ever."""
        if not self.ladder.rungs:
            return
        for climb, begins in enumerate(self._climbs()):
            slow = begins if self.repeat_s is None and climb > self.ladder.repeat else None
            for number, rung in enumerate(self.ladder.rungs):
                due_at = begins + timedelta(seconds=rung.after_s)
                yield Step(rung=rung, due_at=due_at, number=number, climb=climb, slow_since=slow)

    @property
    def _height(self) -> timedelta:
        return timedelta(seconds=self.ladder.rungs[-1].after_s)

    @property
    def _rhythm(self) -> timedelta:
        """Return how long after each other the ladder's own climbs begin."""
        return self._height + max(timedelta(seconds=self.ladder.repeat_after_s), LEAST_GAP)

    def _climbs(self) -> Iterator[datetime]:
        """Yield when each climb begins: the ladder's own first."""
        begins = self.start
        yield begins
        for _ in range(self.ladder.repeat):
            begins += self._rhythm
            yield begins
        if self.repeat_s is not None:
            gap = max(timedelta(seconds=self.repeat_s), LEAST_GAP)
            begins += self._height
            for number in count():
                begins += gap if number < MOST_REPEATS else max(gap, SLOWEST)
                yield begins
                begins += self._height
        if self.incident.exhausted_at is None or self.incident.severity not in LASTING:
            return
        begins, gap = self.incident.exhausted_at, FIRST_SLOW
        while True:
            begins += max(gap, self._height + LEAST_GAP)
            yield begins
            gap = min(2 * gap, SLOWEST)


class Tally:
    """Counts the alarms that each person has by each way, so that an edited ladder tells all, and nobody twice.

    The second step that names a person by a way is done when they have two alarms by it; while one waits for the
    end of their quiet hours, it serves for every step until then, and one that is made at `now` for every step that is
    due by then: what was missed is told once, not as often as it was missed, and steps of the same second tell once.
    What could not reach them counts as long as nothing has changed: not after another address, a pause that ended, or a
    provider's long refusal. What they have by another message counts. What was made before `since`, when
    the ladder began anew, has only its number. What went in place of a lost message serves for a step only while it may
    have told them: a second try that failed as well takes no step's place.

    One of which nobody could tell whether it went counts for a while only, if its reader heard of nothing else: so a
    provider that hangs costs them minutes after it is back. Not after the first few, since all of them may have gone.
    A slow climb leaves out whoever was told shortly before it, as happens where a provider is back just then.
    """

    def __init__(self, alarms: Sequence[Delivery], since: datetime = EPOCH, *, now: datetime = EPOCH) -> None:
        self._now = now
        self._alarms: dict[Way, list[Delivery]] = defaultdict(list)
        self._before: dict[Way, int] = defaultdict(int)
        self._told: dict[str, datetime] = {}  # when each person was first told
        self._again: dict[str, datetime] = {}  # when what was given up as unclear is made anew, by its id
        for each in sorted(alarms, key=lambda alarm: (alarm.created_at, alarm.id)):
            if each.created_at < since:
                self._before[way_of_delivery(each)] += 1
                continue
            self._alarms[way_of_delivery(each)].append(each)
            if each.state in TOLD:
                who, at = each.contact_id or "", told_at(each, now)
                self._told[who] = min(at, self._told.get(who, at))
        for made in self._alarms.values():
            unclear = [each for each in made if _was_unclear(each)]
            for number, each in enumerate(unclear[: _most_again(unclear)]):
                wait = min(FIRST_AGAIN * 2 ** min(number, 9), LAST_AGAIN)
                self._again[each.id] = (each.ended_at or now) + wait
        self._served: dict[Way, int] = defaultdict(int)
        self._new: dict[Way, int] = defaultdict(int)
        self._made_at: dict[Way, datetime] = {}
        self._held: dict[Way, datetime] = {}

    @property
    def again_at(self) -> datetime | None:
        """Return when the next is made anew that was given up as unclear, None where there is none."""
        given_up = [each for made in self._alarms.values() for each in made if each.id in self._again]
        waiting = [self._again[each.id] for each in given_up if not self._is_told_by(self._again[each.id], each)]
        return min((each for each in waiting if each > self._now), default=None)

    @property
    def replaced(self) -> int:
        """Return how many of the alarms count no more, since another is made in their place."""
        return sum(self._is_given_up(each) for made in self._alarms.values() for each in made)

    def number(
        self, to: Recipient, due_at: datetime, held_until: datetime | None, *, slow_since: datetime | None = None
    ) -> int | None:
        """Return the number of the alarm that the next step naming them by this way needs, None if it was made.

        The step is due at `due_at`, in a climb that began at `slow_since` if it is a slow one; an alarm made now waits
        until `held_until`.
        """
        way = way_to(to)
        if due_at <= self._made_at.get(way, EPOCH) or due_at < self._held.get(way, EPOCH):
            return None
        made = self._alarms[way]
        counting = [each for each in made if not self._is_void(each, to)]
        if slow_since is not None:
            if any(self._serves_slow(each, due_at, slow_since) for each in counting):
                return None
        elif self._served[way] < len(counting):
            served_by = counting[self._served[way]]
            self._serve(way, served_by.created_at, served_by.held_until)
            self._served[way] += 1
            return None
        self._serve(way, self._now, held_until)
        self._new[way] += 1
        return self._before[way] + len(made) + self._new[way] - 1

    def follows_a_loss(self, alarm: Delivery) -> bool:
        """Whether an alarm goes by a way by which one was lost before: nobody could tell whether it went."""
        before = self._alarms[way_of_delivery(alarm)]
        return any(_was_unclear(each) and each.created_at < alarm.created_at for each in before)

    def lost_by(self, to: Recipient) -> str:
        """Return the provider that never said whether it has what went to them last by this way, "" where it did."""
        made = self._alarms[way_to(to)]
        return made[-1].avoids if made and _was_unclear(made[-1]) else ""

    def give_back(self, to: Recipient) -> None:
        """Take the number back that was given last: its alarm is not made, and serves for no step."""
        way = way_to(to)
        self._new[way] -= 1
        del self._made_at[way], self._held[way]

    def _serve(self, way: Way, made_at: datetime, held_until: datetime | None) -> None:
        self._made_at[way] = made_at
        self._held[way] = held_until or EPOCH

    def _is_void(self, alarm: Delivery, to: Recipient) -> bool:
        return self._is_given_up(alarm) or _is_void(alarm, to)

    def _is_given_up(self, alarm: Delivery) -> bool:
        again_at = self._again.get(alarm.id)
        return again_at is not None and again_at <= self._now and not self._is_told_by(again_at, alarm)

    def _serves_slow(self, alarm: Delivery, due_at: datetime, since: datetime) -> bool:
        if alarm.created_at >= due_at:
            return True
        if alarm.state in _UNDER_WAY:
            return not alarm.held_up
        at = told_at(alarm, self._now)
        return alarm.state in TOLD and (at >= due_at or since - JUST_TOLD <= at < since)

    def _is_told_by(self, then: datetime, alarm: Delivery) -> bool:
        """Whether the reader of an alarm had been told by another one at that moment."""
        at = self._told.get(alarm.contact_id or "")
        return at is not None and at <= then


def told_at(alarm: Delivery, now: datetime) -> datetime:
    """Return when an alarm that is out could go: when it was made, a night was over, or it was tried last."""
    could = alarm.held_until or alarm.created_at
    return alarm.due_at if could < alarm.due_at <= now else could


def way_to(to: Recipient) -> Way:
    """Return what makes two messages go the same way: a person has one telephone and one mailbox, but endpoints."""
    return to.contact.id, to.channel, to.address if to.channel in ENDPOINT_KINDS else ""


def way_of_delivery(delivery: Delivery) -> Way:
    """Return the way that a message goes, see `way_to`."""
    endpoint = delivery.address if delivery.channel in ENDPOINT_KINDS else ""
    return delivery.contact_id or "", delivery.channel, endpoint


def _was_unclear(alarm: Delivery) -> bool:
    return alarm.state is DeliveryState.FAILED and alarm.reason == UNCLEAR


def _most_again(alarms: Sequence[Delivery]) -> int:
    return MOST_AGAIN if any(each.severity in LASTING for each in alarms) else MOST_AGAIN_OF_LITTLE


def _is_void(alarm: Delivery, to: Recipient) -> bool:
    if not reaches_nobody(alarm) or alarm.reason in HAVE_IT:
        return False
    if alarm.instead_of is not None and alarm.state is DeliveryState.FAILED:
        return alarm.reason != UNCLEAR
    return alarm.state is DeliveryState.CALLED_OFF or alarm.address != to.address or ran_out_of_time(alarm)
