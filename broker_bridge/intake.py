"""From a session's messages to stored records: store first, acknowledge then, confirm to the device last."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import NamedTuple

from broker_bridge import topics
from broker_bridge.answers import Answers
from broker_bridge.confirmations import Confirmations
from broker_bridge.connection import Arrived, Connection
from broker_bridge.counting_anew import CountingAnew
from broker_bridge.metrics import BridgeMetrics
from broker_bridge.payloads import Decoded, Refusal, decode
from broker_bridge.problem_log import ProblemLog
from broker_bridge.topics import ForeignTopicError, UpKind, UpTopic
from isocket.domain.reports import Report
from isocket.kit.clock import Clock, from_ms
from isocket.kit.logs import get_logger
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.port import NotUnderstoodError, StoreUnavailableError
from isocket.storage.telemetry import Telemetry

log = get_logger(__name__)
GROUP = 1_024
"""Reports in one commit. So many come together only where many wait. Of a few hundred devices each has several then,
and what a device has of its own in the indexes is written once for all of them."""
GROUPS_AT_ONCE = 2  # so many commits an alarm may come behind
LONGEST_WAY_S = 0.05  # so long reports stand aside for alarms, a group at a time: under any storm they go on
LONGEST_MARKER = 16
MOST_CLEARED = 1_000  # remembered until we hear ourselves: beyond, our own silence counts as one refusal
_NOT_OURS = object()
LEFT = Decoded(refusals=(Refusal(reason="it was left at the broker to stay (retain), which only a status may be"),))


class Message(NamedTuple):
    """A message as the network thread made it ready."""

    topic: UpTopic | None
    foreign: tuple[str, str] | None  # (device as far as known, reason)
    decoded: Decoded
    received_ms: int
    retained: bool
    marker: int | None = None
    stays: str = ""  # the topic where it stays, or may, and nothing shall
    silent_on: str = ""  # the topic where it says nothing, as what clears one does

    @property
    def weight(self) -> int:
        """Return for how many reports it counts."""
        return len(self.decoded.reports) or 1

    @property
    def is_more_than_reports(self) -> bool:
        """Tell whether it says anything but good reports: most messages do not."""
        decoded = self.decoded
        return bool(self.foreign or decoded.refusals or decoded.unknown_fields or decoded.fields is not None)


class Decoder:
    """Turns (topic, payload) into a `Message`; remembers topics, since each device uses the same few for ever."""

    def __init__(self, clock: Clock, *, marker_topic: str = "") -> None:
        self._clock = clock
        self._marker_topic = marker_topic
        self._topics: dict[str, UpTopic] = {}

    def __call__(self, topic: str, payload: bytes, retained: bool) -> Message:
        """Return what arrived; never raises."""
        received_ms = self._clock.now_ms()
        if topic == self._marker_topic:
            number = int(payload) if payload.isdigit() and len(payload) < LONGEST_MARKER else None
            return Message(None, None, Decoded(), received_ms, retained, number)
        try:
            known = self._topics.get(topic) or topics.parse(topic)
        except ForeignTopicError as error:
            parts = topic.split("/")
            device_id = parts[3] if len(parts) > 3 else ""  # noqa: PLR2004 - where a device's id stands
            stays, silent_on = (topic, "") if payload else ("", topic)
            foreign = device_id, str(error)
            return Message(None, foreign, Decoded(), received_ms, retained, stays=stays, silent_on=silent_on)
        self._topics[topic] = known
        if retained and payload and known.kind is not UpKind.STATUS:
            return Message(known, None, LEFT, received_ms, retained, stays=topic)
        try:
            decoded = decode(known.device_id, known.kind, payload, received_ms)
        except Exception:  # a message that we cannot even refuse must not come again for ever
            log.exception("message_not_decodable", device_id=known.device_id, kind=known.kind, size=len(payload))
            decoded = Decoded(refusals=(Refusal(reason="not readable"),))
        return Message(known, None, decoded, received_ms, retained, silent_on="" if payload else topic)


class Intake:
    """Takes groups from one session. Both lanes have one; they share what is told to devices."""

    def __init__(
        self,
        *,
        connection: Connection[Message],
        telemetry: Telemetry,
        clock: Clock,
        answers: Answers,
        problems: ProblemLog,
        confirmations: Confirmations,
        counting_anew: CountingAnew,
        confirm: Callable[[], None],
        drained: Callable[[int], None],
        in_order: bool,
        metrics: BridgeMetrics,
        right_of_way: RightOfWay,
    ) -> None:
        """`in_order`: reports follow one another in this lane, and give way to the messages of the other one."""
        self._right_of_way = right_of_way
        self._room = asyncio.Semaphore(GROUPS_AT_ONCE)
        self._connection = connection
        self._telemetry = telemetry
        self._clock = clock
        self._answers = answers
        self._problems = problems
        self._confirmations = confirmations
        self._counting_anew = counting_anew
        self._confirm = confirm
        self._drained = drained
        self._in_order = in_order
        self._metrics = metrics
        self._cleared: dict[str, None] = {}  # topics on which we have said nothing, and not heard it yet
        self._refused: set[int] = set()  # groups that the store did not take, and that it is asked to take again

    @property
    def held_up(self) -> bool:
        """Tell whether the store does not take what came: then nobody may believe that sockets are silent."""
        return bool(self._refused)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set and the connection is told to finish; groups under way are finished.

        While one group is being synchronised to disk the next is already on its way there, in the same order.
        """
        async with asyncio.TaskGroup() as groups:
            while not stop.is_set():
                group = await self._connection.take(GROUP)
                if group:
                    await self._room.acquire()
                    if self._in_order:
                        await self._right_of_way.give_way(LONGEST_WAY_S)
                    groups.create_task(self._carry(group, stop), name=f"intake-{self._connection.name}")

    async def _carry(self, group: list[Arrived[Message]], stop: asyncio.Event) -> None:
        try:
            with nullcontext() if self._in_order else self._right_of_way:
                await self._handle_until_stored(group, stop)
            if not self._in_order:
                self._right_of_way.linger()
        finally:
            self._room.release()

    async def _handle_until_stored(self, group: list[Arrived[Message]], stop: asyncio.Event) -> None:
        """A store that does not answer is asked again: nothing is acknowledged meanwhile, the broker keeps it."""
        while not stop.is_set():
            try:
                await self.handle(group)
            except StoreUnavailableError as error:
                self._refused.add(id(group))
                say = log.exception if isinstance(error, NotUnderstoodError) else log.warning
                say("store_unavailable", waiting=len(group), error=str(error))  # each second, perhaps for hours
                await self._clock.wait(stop, 1.0)
            else:
                self._refused.discard(id(group))
                return

    async def handle(self, group: Sequence[Arrived[Message]]) -> None:
        """Store a group and acknowledge it. It may run twice: every step finds what is there already.

        1. Reports of all kinds, in one commit; before it, the place of what is said by a device that counts anew.
        2. What else the messages mean: answers, settings, presence, refusals.
        3. Nothing stays at the broker but what a device says of its presence.
        4. The broker's acknowledgement.
        5. What the devices may drop from their backlogs.
        """
        messages = [each.message for each in group]
        unknown = self._confirmations.unknown(each.topic.device_id for each in messages if each.topic is not None)
        if unknown:
            past, now = await self._telemetry.confirmed(unknown), self._clock.monotonic_s()
            for device_id, before in past.items():
                self._confirmations.begin(device_id, before, now)
        said = [report for message in messages for report in message.decoded.reports]
        reports = await self._counting_anew.place(said)
        if reports is not said:
            messages = _with(messages, reports)
        new = await self._telemetry.store(reports)
        self._metrics.stored(len(new), repeats=new.count(False))
        for message in messages:
            if message.is_more_than_reports:
                await self._whatever_it_says(message)
        self._clear([each.stays for each in messages if each.stays])
        self._connection.acknowledge(group)
        now = self._clock.monotonic_s()
        for message in messages:
            self._note(message, now)
        self._confirm()

    async def _whatever_it_says(self, message: Message) -> None:
        """Do what a message means; one that breaks us is noted and done with, or it would come again for ever."""
        try:
            await self._beyond_reports(message)
        except StoreUnavailableError:
            raise
        except Exception:
            device_id = message.topic.device_id if message.topic else ""
            log.exception("message_not_usable", device_id=device_id)
            self._metrics.refused("unusable")
            if device_id:
                await self._problems.add(device_id, "unusable", "this could not be used", None, message.received_ms)

    async def _beyond_reports(self, message: Message) -> None:
        if message.silent_on and self._cleared.pop(message.silent_on, _NOT_OURS) is None:
            return  # that was us
        if message.topic is None:
            await self._foreign(message)
            return
        decoded, device_id, kind = message.decoded, message.topic.device_id, message.topic.kind
        if decoded.unknown_fields:
            self._metrics.unknown_fields(decoded.unknown_fields)
        for refusal in decoded.refusals:
            self._metrics.refused(kind.value)
            await self._problems.add(device_id, kind.value, refusal.reason, refusal.field, message.received_ms)
        if decoded.fields is None:
            return
        report = decoded.reports[0] if decoded.reports else None
        if kind is UpKind.ACK and report is not None:
            await self._answers.command_answered(device_id, decoded.fields, from_ms(report.received_ms))
        elif kind is UpKind.REPORTED:
            await self._answers.settings_reported(device_id, decoded.fields, report)
        elif kind is UpKind.STATUS:
            await self._presence(device_id, online=bool(decoded.fields["online"]), message=message)

    async def _presence(self, device_id: str, *, online: bool, message: Message) -> None:
        """A retained status is old news of unknown age: it can say that a device went, not that it is here."""
        if message.retained and online:
            return
        if message.retained:
            latest = (await self._telemetry.latest([device_id])).get(device_id)
            at = from_ms(message.received_ms) if latest is None else latest.received_at
        else:
            at = from_ms(message.received_ms)
        await self._telemetry.note_presence(device_id, online=online, at=at)
        if online:
            await self._answers.came_online(device_id)

    async def _foreign(self, message: Message) -> None:
        device_id, reason = message.foreign or ("", "")
        self._metrics.refused("foreign_topic")
        if device_id:
            await self._problems.add(device_id, "foreign_topic", reason, None, message.received_ms)

    def _clear(self, topics_: Sequence[str]) -> None:
        """Clear topics. Below another shard what was sent to stay (`retain`) is not told from others when it comes.

        A device might fill the broker's memory, one topic after another; and a report that stays there would come back
        at our next connection, though all that its owner had was erased meanwhile. A topic is cleared once for all that
        came together. What is lost with a connection comes again when we subscribe, if it stayed.
        """
        for topic in dict.fromkeys(topics_):
            self._connection.publish(topic, b"", qos=0, retain=True)
            self._cleared[topic] = None
        while len(self._cleared) > MOST_CLEARED:
            del self._cleared[next(iter(self._cleared))]

    def _note(self, message: Message, now: float) -> None:
        """Stored and refused messages alike are done with: the device need not send them again."""
        topic = message.topic
        if topic is None:
            if message.marker is not None:
                self._drained(message.marker)
            return
        device_id, kind, decoded = topic.device_id, topic.kind, message.decoded
        if kind is UpKind.STATUS:
            self._confirmations.in_touch_anew(now, device_id)
            return
        in_order = self._in_order and kind is UpKind.STATE
        urgent = decoded.is_batch or kind is UpKind.ALARM
        for report in decoded.reports:
            self._confirmations.stored(device_id, (report.boot, report.seq), now, in_order=in_order, urgent=urgent)
        for refusal in decoded.refusals:
            if refusal.order is not None:
                self._confirmations.refused(device_id, refusal.order, now, in_order=in_order)


def _with(messages: Sequence[Message], reports: Sequence[Report]) -> list[Message]:
    """Return the messages with these for all their reports."""
    left = iter(reports)
    return [
        each._replace(decoded=each.decoded._replace(reports=tuple(islice(left, len(each.decoded.reports)))))
        for each in messages
    ]
