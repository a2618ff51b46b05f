"""One simulated socket: a device, its uplink, and one connection after another."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from firmware_sim import wire
from firmware_sim.backlog import Backlog
from firmware_sim.backoff import Backoff
from firmware_sim.clock import Moment, SimulatedClock, first_boot
from firmware_sim.credentials import Credential
from firmware_sim.device import Device, Flash
from firmware_sim.memory import StateFolder
from firmware_sim.models import model_named
from firmware_sim.network import Arrival, Broker, Connection, NotConnectedError, Will
from firmware_sim.tally import Tally
from firmware_sim.uplink import Publication, Uplink
from firmware_sim.wire import Kind, Outgoing

_COUNTERS = {Kind.STATE: "states", Kind.ALARM: "alarms", Kind.ACK: "acks", Kind.REPORTED: "reported"}


class SimulatedSocket:
    """Lives until its task is cancelled. `act` is how a script makes it say what has happened to it."""

    def __init__(
        self,
        *,
        credential: Credential,
        broker: Broker,
        clock: SimulatedClock,
        chance: Random,
        tally: Tally,
        on_event: Callable[[str], None],
        folder: StateFolder | None = None,
    ) -> None:
        self.credential = credential
        self._broker, self._clock, self._tally, self._on_event = broker, clock, tally, on_event
        self._folder, self._unsaved = folder, True
        flash, kept = _remembered(credential, folder, clock.now())
        self.device = Device(model=model_named(credential.model), flash=flash)
        self.uplink = Uplink(Backlog(kept=kept))
        self._backoff = Backoff(chance=chance)
        self._connection: Connection | None = None
        self._boot = self.device.boot
        self._lost_ms: int | None = None
        self._in_reach = True
        self._may_connect = asyncio.Event()
        self.act(self.device.start(clock.now()))

    @property
    def connected(self) -> bool:
        return self._connection is not None and self._connection.alive

    def now(self) -> Moment:
        return self._clock.now()

    async def live(self) -> None:
        """Connects, stays, and connects again, waiting with jitter in between."""
        while True:
            await self._may_connect.wait()
            connection = self._new_connection()
            try:
                await connection.open(
                    [
                        (self._topic(Kind.CMD), 1),
                        (self._topic(Kind.DESIRED), 1),
                        (self._topic(Kind.STORED), 0),
                    ]
                )
            except NotConnectedError as error:
                self._tally.connects_failed += 1
                self._tell(str(error))
            else:
                await self._stay(connection)
            await asyncio.sleep(self._backoff.next_s())

    async def _stay(self, connection: Connection) -> None:
        began_ms, self._connection = self._clock.real_ms(), connection
        self._tally.connects += 1
        if self._lost_ms is not None:
            self._tally.slowest_return_ms = max(self._tally.slowest_return_ms, began_ms - self._lost_ms)
        connection.publish(self._topic(Kind.STATUS), wire.encode_status(online=True), retain=True)
        self.uplink.connected(began_ms)
        self._send(self.uplink.due(began_ms))  # alarms of before, and older settings, go first
        self.act(self.device.introduce(self.now()))
        try:
            await connection.closed.wait()
        finally:
            self._connection = None
            self.uplink.disconnected()
        self._lost_ms = self._clock.real_ms()
        self._tally.lines_lost += 1
        self._backoff.lasted((self._lost_ms - began_ms) / 1000)

    def tick(self) -> None:
        """Lets a moment pass: for the device, for its backlog, for the connection."""
        self.act(self.device.live(self.now()))
        if self.device.boot != self._boot:  # it went off, with or without coming back
            self._boot = self.device.boot
            self.drop_line()
        if self._connection is not None:
            self._send(self.uplink.due(self._clock.real_ms()))
            self._connection.tend()
        if self.device.awake and self._in_reach:
            self._may_connect.set()
        else:
            self._may_connect.clear()

    def act(self, messages: Sequence[Outgoing]) -> None:
        """Sends what the device wants to say, or keeps it."""
        self._unsaved = self._unsaved or bool(messages)
        self._send(self.uplink.offer(messages))

    def publish_raw(self, topic: str, payload: bytes) -> None:
        """Anything, anywhere: for liars."""
        if self._connection is not None:
            self._connection.publish(topic, payload)

    def drop_line(self) -> None:
        """The line is cut; the socket tries again by itself."""
        if self._connection is not None:
            self._connection.drop()

    def reach(self, *, possible: bool) -> None:
        """Out of reach the line is cut and not tried again, while the device lives on."""
        self._in_reach = possible
        if not possible:
            self._may_connect.clear()
            self.drop_line()

    def erase_flash(self) -> None:
        """What the device knew and what it kept is gone; it comes back as one that was never here."""
        self.drop_line()
        self.uplink = Uplink(Backlog())
        self.act(self.device.erase_flash(self.now()))
        self._boot = self.device.boot

    def farewell(self) -> None:
        """The end of the simulation: no will, but an honest last word."""
        if self._connection is not None:
            self._connection.publish(self._topic(Kind.STATUS), wire.encode_status(online=False), retain=True)
            self._connection.close()

    def snapshot(self) -> tuple[Flash, tuple[Outgoing, ...]] | None:
        """What is to be remembered, if it is not yet; asking counts as saving."""
        if self._folder is None or not self._unsaved:
            return None
        self._unsaved = False
        return self.device.flash, self.uplink.backlog.messages

    def not_saved(self) -> None:
        """What `snapshot` returned last could not be kept: the next one returns it again."""
        self._unsaved = True

    def _send(self, publications: Sequence[Publication]) -> None:
        if self._connection is None:
            return
        for publication in publications:
            self._connection.publish(self._topic(publication.kind), publication.payload)
            counter = _COUNTERS[publication.kind]
            setattr(self._tally, counter, getattr(self._tally, counter) + publication.reports)

    def _arrived(self, arrival: Arrival) -> None:
        """Whatever comes down, none of it may stop the device."""
        kind = arrival.topic.removeprefix(f"{self.credential.topic_root}/")
        if kind == Kind.CMD:
            self._commanded(arrival)
        elif kind == Kind.DESIRED:
            desired = wire.parse_desired(arrival.payload)
            if isinstance(desired, wire.Malformed):
                self._unreadable(desired)
            else:
                self.act(self.device.desire(desired, self.now()))
        elif kind == Kind.STORED:
            self._confirmed(arrival)

    def _commanded(self, arrival: Arrival) -> None:
        if arrival.retained:
            self._tell("a retained command is not executed")
            return
        self._tally.commands += 1
        command = wire.parse_command(arrival.payload)
        if isinstance(command, wire.Malformed):
            self._unreadable(command)
        answers = self.device.command(command, self.now())
        self._tally.executed += any(m.kind is Kind.ACK and b'"result":"executed"' in m.payload for m in answers)
        self.act(answers)
        if isinstance(command, wire.Command):
            self._tell(f"command {command.name}")

    def _confirmed(self, arrival: Arrival) -> None:
        stored = wire.parse_stored(arrival.payload)
        if isinstance(stored, wire.Malformed):
            self._unreadable(stored)
            return
        now_ms = self._clock.real_ms()
        freed = self.uplink.stored(stored, now_ms)
        self._tally.confirmed += freed
        self._unsaved = self._unsaved or freed > 0
        self._send(self.uplink.due(now_ms))

    def _unreadable(self, malformed: wire.Malformed) -> None:
        self._tally.unreadable += 1
        self._tell(f"cannot read what came down: {malformed.reason}")

    def _new_connection(self) -> Connection:
        return Connection(
            broker=self._broker,
            device_id=self.credential.device_id,
            secret=self.credential.secret,
            will=Will(topic=self._topic(Kind.STATUS), payload=wire.encode_status(online=False)),
            on_arrival=self._arrived,
        )

    def _topic(self, kind: Kind) -> str:
        return f"{self.credential.topic_root}/{kind}"

    def _tell(self, what: str) -> None:
        self._on_event(f"{self.credential.device_id}: {what}")


def _remembered(credential: Credential, folder: StateFolder | None, now: Moment) -> tuple[Flash, tuple[Outgoing, ...]]:
    """What the device knew when it was last alive; its next boot number is above any used before."""
    last_boot = first_boot(now.utc_ms or 0) - 1
    known = folder.load(credential.device_id) if folder is not None else None
    if known is None:
        return Flash(boot=last_boot), ()
    flash, kept = known
    return replace(flash, boot=max(flash.boot, last_boot)), kept
