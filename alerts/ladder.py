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

LASTING = frozenset({Severity.CRITICAL, Severity.MAJOR})
"""What is never let rest while it is open and nobody has taken it."""

Way = tuple[str, ChannelKind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step at its time: the ladder's `number`th, counted from 0, in its `climb`th climb."""

    rung: Rung
    due_at: datetime
    number: int
    climb: int


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
            for number, rung in enumerate(self.ladder.rungs):
                yield Step(rung=rung, due_at=begins + timedelta(seconds=rung.after_s), number=number, climb=climb)

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
    """

    def __init__(self, alarms: Sequence[Delivery], since: datetime = EPOCH, *, now: datetime = EPOCH) -> None:
        self._now = now
        self._alarms: dict[Way, list[Delivery]] = defaultdict(list)
        self._before: dict[Way, int] = defaultdict(int)
        for each in sorted(alarms, key=lambda alarm: (alarm.created_at, alarm.id)):
            if each.created_at < since:
                self._before[way_of_delivery(each)] += 1
            else:
                self._alarms[way_of_delivery(each)].append(each)
        self._served: dict[Way, int] = defaultdict(int)
        self._new: dict[Way, int] = defaultdict(int)
        self._made_at: dict[Way, datetime] = {}
        self._held: dict[Way, datetime] = {}

    def number(self, to: Recipient, due_at: datetime, held_until: datetime | None) -> int | None:
        """Return the number of the alarm that the next step naming them by this way needs, None if it was made.

        The step is due at `due_at`; an alarm made now waits until `held_until`.
        """
        way = way_to(to)
        if due_at <= self._made_at.get(way, EPOCH) or due_at < self._held.get(way, EPOCH):
            return None
        made = self._alarms[way]
        counting = [each for each in made if not _is_void(each, to)]
        if self._served[way] < len(counting):
            served_by = counting[self._served[way]]
            self._serve(way, served_by.created_at, served_by.held_until)
            self._served[way] += 1
            return None
        self._serve(way, self._now, held_until)
        self._new[way] += 1
        return self._before[way] + len(made) + self._new[way] - 1

    def give_back(self, to: Recipient) -> None:
        """Take the number back that was given last: its alarm is not made, and serves for no step."""
        way = way_to(to)
        self._new[way] -= 1
        del self._made_at[way], self._held[way]

    def _serve(self, way: Way, made_at: datetime, held_until: datetime | None) -> None:
        self._made_at[way] = made_at
        self._held[way] = held_until or EPOCH


def way_to(to: Recipient) -> Way:
    """Return what makes two messages go the same way: a person has one telephone and one mailbox, but endpoints."""
    return to.contact.id, to.channel, to.address if to.channel in ENDPOINT_KINDS else ""


def way_of_delivery(delivery: Delivery) -> Way:
    """Return the way that a message goes, see `way_to`."""
    endpoint = delivery.address if delivery.channel in ENDPOINT_KINDS else ""
    return delivery.contact_id or "", delivery.channel, endpoint


def _is_void(alarm: Delivery, to: Recipient) -> bool:
    if not reaches_nobody(alarm) or alarm.reason in HAVE_IT:
        return False
    if alarm.instead_of is not None and alarm.state is DeliveryState.FAILED:
        return alarm.reason != UNCLEAR
    return alarm.state is DeliveryState.CALLED_OFF or alarm.address != to.address or ran_out_of_time(alarm)
