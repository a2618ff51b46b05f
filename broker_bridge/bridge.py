"""The bridge as one service: two sessions at the broker, what comes in, what goes out."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry

from broker_bridge import topics
from broker_bridge.answers import Answers
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.confirmations import Confirmations
from broker_bridge.connection import BURST, Connection
from broker_bridge.counting_anew import CountingAnew
from broker_bridge.intake import Decoder, Intake, Message
from broker_bridge.markers import Markers
from broker_bridge.metrics import BridgeMetrics
from broker_bridge.our_presence import OurPresence
from broker_bridge.outgoing import Outgoing
from broker_bridge.problem_log import ProblemLog
from broker_bridge.rests import Rests
from broker_bridge.topics import UpKind
from isocket.domain.reports import Order, as_the_device_says
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.port import Records
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups
from isocket.storage.worker import Worker

log = get_logger(__name__)
TELL_EVERY_S = 1.0
GATHER_S = 0.05  # reports are left in the socket so long: one by one each costs three times as much
READ_AT_ONCE = 256  # reports decoded before anything else is looked at


class Bridge:
    """Carries messages both ways. Alarms and answers have a session of their own: no backlog delays them."""

    def __init__(
        self,
        *,
        records: Records,
        telemetry: Telemetry,
        clock: Clock,
        wakeups: Wakeups,
        right_of_way: RightOfWay,
        registry: CollectorRegistry,
        address: BrokerAddress,
        telemetry_login: Login,
        alarm_login: Login,
    ) -> None:
        self._clock = clock
        self._wakeups = wakeups
        self._telemetry = telemetry
        self._metrics = BridgeMetrics(registry)
        self._confirmations = Confirmations()
        self._told: dict[str, Order] = {}
        self._presence = OurPresence(records, clock)
        self._markers = Markers()
        self._marker_topic = topics.marker(telemetry_login.client_id)
        self._telemetry_lane = self._lane(
            "telemetry",
            address,
            telemetry_login,
            topics.REPORTS,
            rests=Rests(GATHER_S, lambda: right_of_way.is_taken),
            burst=READ_AT_ONCE,
        )
        self._alarm_lane = self._lane("alarms", address, alarm_login, topics.ALARMS)
        self._outgoing = Outgoing(records=records, connection=self._alarm_lane, clock=clock, metrics=self._metrics)
        answers, problems = Answers(records, clock), ProblemLog(records)
        counting_anew = CountingAnew(telemetry, self._confirmations, problems)
        self._intakes = [
            Intake(
                connection=lane,
                telemetry=telemetry,
                clock=clock,
                answers=answers,
                problems=problems,
                confirmations=self._confirmations,
                counting_anew=counting_anew,
                confirm=self._tell_at_once,
                drained=self._markers.returned,
                in_order=lane is self._telemetry_lane,
                metrics=self._metrics,
                right_of_way=right_of_way,
            )
            for lane in (self._alarm_lane, self._telemetry_lane)
        ]
        self._connections = self._connections_served = 0  # after each, all that stands is published anew

    @property
    def connected(self) -> bool:
        """Tell whether both sessions are up."""
        return self._telemetry_lane.connected and self._alarm_lane.connected

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`, then finish the groups under way and leave the sessions to the broker.

        It ends unasked where another bridge took over.
        """
        lanes = (self._alarm_lane, self._telemetry_lane)
        ending = asyncio.Event()
        for lane in lanes:
            lane.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for intake, lane in zip(self._intakes, lanes, strict=True):
                    tasks.create_task(intake.run(ending), name=f"bridge-intake-{lane.name}")
                for worker in self._workers():
                    tasks.create_task(worker.run(ending), name=worker.name)
                ends = [tasks.create_task(each.wait()) for each in (stop, self._presence.superseded)]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for each in ends:
                    each.cancel()
                ending.set()
                for lane in lanes:
                    lane.finish()
        finally:
            for lane in lanes:
                await lane.stop()
        if not stop.is_set():
            log.error("another_bridge_took_over")

    def _lane(
        self,
        name: str,
        address: BrokerAddress,
        login: Login,
        kinds: tuple[UpKind, ...],
        *,
        rests: Rests | None = None,
        burst: int = BURST,
    ) -> Connection[Message]:
        return Connection(
            name=name,
            address=address,
            login=login,
            topics=[topics.every(kind) for kind in kinds],
            decode=Decoder(self._clock, marker_topic=self._marker_topic),
            weigh=lambda message: message.weight,
            on_connected=self._connected,
            rests=rests,
            burst=burst,
        )

    def _workers(self) -> list[Worker]:
        return [
            self._worker("bridge-commands", self._outgoing.send_command, "commands", 0.25),
            self._worker("bridge-expiry", self._outgoing.expire_commands, "expiry", 2.0),
            self._worker("bridge-desired", self._outgoing.publish_desired, "devices", 0.5),
            self._worker("bridge-confirmations", self._every_second, "confirmations", TELL_EVERY_S),
        ]

    def _worker(self, name: str, step: Callable[[], Awaitable[bool]], bell: str, idle_s: float) -> Worker:
        return Worker(name, step, bell=self._wakeups.bell(bell), clock=self._clock, idle_s=idle_s)

    def _connected(self) -> None:
        """A broker that was killed forgets what it had not saved, and brings back its sessions all the same."""
        self._confirmations.in_touch_anew(self._clock.monotonic_s())
        self._connections += 1

    def _tell_at_once(self) -> None:
        """Tell the devices that wait for it; the others are looked at once a second."""
        self._tell(self._confirmations.urgent(self._clock.monotonic_s()))

    def _tell(self, told: dict[str, Order]) -> None:
        self._alarm_lane.tell(
            [
                (topics.stored(device_id), json.dumps({"boot": boot, "seq": seq}).encode())
                for device_id, (boot, seq) in ((each, as_the_device_says(order)) for each, order in told.items())
            ]
        )
        self._told.update(told)

    async def _every_second(self) -> bool:
        """Tell what became due by time, note what was told, show whether we are connected; never in a hurry."""
        for lane in (self._telemetry_lane, self._alarm_lane):
            self._metrics.connected(lane.name, up=lane.connected)
        await self._presence.note(heard=self.connected and not any(each.held_up for each in self._intakes))
        connections = self._connections  # from before: it may be one more while thousands are written
        if connections != self._connections_served:
            await self._outgoing.publish_all_again()
            self._connections_served = connections
        if self._alarm_lane.connected:
            self._tell(self._confirmations.due(self._clock.monotonic_s(), drained_at=self._markers.drained_at))
        if self._told:
            told = dict(self._told)
            await self._telemetry.note_confirmed(told)
            self._told = {each: order for each, order in self._told.items() if told.get(each) != order}
        if self._confirmations.has_gaps and self._alarm_lane.connected:
            number = self._markers.next(self._clock.monotonic_s())
            if number is not None:
                self._alarm_lane.publish(self._marker_topic, str(number).encode(), qos=1)
        return False
