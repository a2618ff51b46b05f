"""The device itself: events and the time go in, messages come out. No network, no clock, no chance."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from firmware_sim import wire
from firmware_sim.alarms import AlarmPanel, Readings, Turn
from firmware_sim.battery import Battery
from firmware_sim.clock import Moment
from firmware_sim.commands import EXECUTED, PULSE_S, RESTART_S, CommandDesk, Verdict, timer_s
from firmware_sim.models import Model
from firmware_sim.relay import Relay
from firmware_sim.schedule import due_rules
from firmware_sim.settings import factory_settings, merged
from firmware_sim.wire import Cause, Kind, Outgoing, RelayCause, Result

TELLING_TEMP_C = 0.5
TELLING_BATTERY_PCT = 5
REBOOT_AFTER_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """What survives a restart of the device. `boot` is the number of the last start."""

    boot: int
    version: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    relay: bool = True
    relay_cause: RelayCause = RelayCause.UNKNOWN
    aux: bool = False
    armed: bool = False
    answered: tuple[tuple[str, Verdict], ...] = ()
    alarms: tuple[tuple[Cause, int | None], ...] = ()


class Device:
    """One socket. Each method that takes `now` returns the messages the device wants to send, in order."""

    def __init__(self, *, model: Model, flash: Flash) -> None:
        self.model = model
        self.mains = True
        self.battery = Battery()
        self.temp_c: list[float | None] = [20.0, 12.0]
        del self.temp_c[model.probes :]
        self.input = [False] * model.inputs
        self.signal_dbm = -71
        self._wake(flash)

    def _wake(self, flash: Flash) -> None:
        self.boot, self._seq = flash.boot + 1, 0
        self.settings = merged(factory_settings(self.model), flash.settings)
        self.version, self.armed, self.aux = flash.version, flash.armed, flash.aux
        self.relay = Relay(closed=flash.relay, cause=flash.relay_cause)
        self._panel = AlarmPanel(flash.alarms)
        self._desk = CommandDesk(flash.answered)
        self._started_up_ms = self._lived_up_ms = self._told_up_ms = 0
        self._told: tuple[object, ...] = ()
        self._told_temp_c: list[float | None] = []
        self._told_battery_pct = 0
        self._reboot_up_ms: int | None = None
        self._scheduled_utc_ms: int | None = None
        self.awake = False

    @property
    def flash(self) -> Flash:
        return Flash(
            boot=self.boot,
            version=self.version,
            settings=self.settings.as_wire(),
            relay=self.relay.closed,
            relay_cause=self.relay.cause,
            aux=self.aux,
            armed=self.armed,
            answered=self._desk.answered,
            alarms=self._panel.active,
        )

    def start(self, now: Moment) -> list[Outgoing]:
        """Power on. What there is to tell is told by `introduce`, once there is a connection."""
        self.awake = True
        self._started_up_ms = self._lived_up_ms = self._told_up_ms = now.up_ms
        self._power_on()
        self._note_as_told()
        return self._settle(now)

    def erase_flash(self, now: Moment) -> list[Outgoing]:
        """All that it knew is lost, the count of its starts too; it starts as from the factory."""
        self._wake(Flash(boot=0))
        return self.start(now)

    def introduce(self, now: Moment) -> list[Outgoing]:
        """The settings and the state, as after a new connection."""
        return [self._reported(now), self._state(now), *self._settle(now)] if self.awake else []

    def live(self, now: Moment) -> list[Outgoing]:
        """Time passes."""
        return self._settle(now)

    def report(self, now: Moment) -> list[Outgoing]:
        """A state report without a reason of the device's own."""
        return [self._state(now), *self._settle(now)] if self.awake else []

    def spend_seq(self, count: int) -> int:
        """The first of so many message numbers that this device leaves to somebody else: a liar."""
        first = self._seq + 1
        self._seq += count
        return first

    def mains_is(self, now: Moment, *, on: bool) -> list[Outgoing]:
        returns, self.mains = on and not self.mains, on
        if on and not self.awake:
            return self.start(now)
        if returns:
            self._power_on()
        return self._settle(now)

    def temperature_is(self, now: Moment, probe: int, temp_c: float | None) -> list[Outgoing]:
        self.temp_c[probe] = temp_c
        return self._settle(now)

    def contact_is(self, now: Moment, number: int, *, closed: bool) -> list[Outgoing]:
        self.input[number] = closed
        return self._settle(now)

    def arming_is(self, now: Moment, *, armed: bool) -> list[Outgoing]:
        self.armed = armed
        return self._settle(now)

    def button(self, now: Moment) -> list[Outgoing]:
        """Somebody presses the relay button."""
        self.relay.move(closed=not self.relay.closed, cause=RelayCause.BUTTON)
        return self._settle(now)

    def configure(self, now: Moment, wanted: dict[str, Any]) -> list[Outgoing]:
        """Somebody sets the device on the spot; what the cloud has once wished is not overridden."""
        if self.version:
            return []
        self.settings = merged(self.settings, wanted)
        return [self._reported(now), *self._settle(now)]

    def command(self, command: wire.Command | wire.Malformed, now: Moment) -> list[Outgoing]:
        """The answer, and what follows from it. A message without even an id gets none."""
        if command.id is None or not self.awake:
            return []
        if isinstance(command, wire.Malformed):
            verdict = self._desk.reject(command)
        else:
            verdict = self._desk.judge(command, now, partial(self._execute, now=now))
        return [self._ack(command.id, verdict, now), *self._settle(now)]

    def desire(self, desired: wire.Desired, now: Moment) -> list[Outgoing]:
        """Applies what it can of the settings wanted, then tells the settings as they are."""
        if not self.awake:
            return []
        if desired.version != self.version:
            self.settings = merged(self.settings, desired.settings)
            self.version = desired.version
        return [self._reported(now), *self._settle(now)]

    def _execute(self, command: wire.Command, *, now: Moment, cause: RelayCause = RelayCause.USER_CLOUD) -> Verdict:
        match command.name:
            case "on" | "off":
                self.relay.move(closed=command.name == "on", cause=cause)
            case "on_for" | "off_for":
                return self._timed(command, now, cause, closed=command.name == "on_for", default_s=None)
            case "restart":
                return self._timed(command, now, cause, closed=False, default_s=RESTART_S)
            case "pulse":
                return self._timed(command, now, cause, closed=not self.relay.closed, default_s=PULSE_S)
            case "aux_on" | "aux_off":
                self.aux = command.name == "aux_on"
            case "arm" | "disarm":
                self.armed = command.name == "arm"
            case "status" | "credit":
                self._told = ()  # nothing counts as told, so a report follows
            case "reboot":
                self._reboot_up_ms = now.up_ms + REBOOT_AFTER_MS
            case _:
                return Verdict(result=Result.REJECTED, error=f"name: no command {command.name[:40]!r}")
        return EXECUTED

    def _timed(
        self, command: wire.Command, now: Moment, cause: RelayCause, *, closed: bool, default_s: float | None
    ) -> Verdict:
        seconds = timer_s(command, default_s)
        if isinstance(seconds, Verdict):
            return seconds
        until = now.up_ms + round(seconds * 1000)
        self.relay.move_for(closed=closed, cause=cause, until_up_ms=until)
        return EXECUTED

    def _settle(self, now: Moment) -> list[Outgoing]:
        """Lets time and rules act on how things stand now, and tells what has become worth telling."""
        if not self.awake:
            return []
        self.battery.live(elapsed_ms=now.up_ms - self._lived_up_ms, mains=self.mains)
        self._lived_up_ms = now.up_ms
        self.relay.live(now.up_ms)
        self._follow_schedule(now)
        self.relay.obey(self.settings.thermostat, self.temp_c[0])
        turns = self._panel.judge(self._readings(), self.settings, now.up_ms)
        messages = [self._state(now)] if self._worth_telling(now) else []
        messages += [self._alarm(turn, now) for turn in turns]
        if self.battery.empty and not self.mains:
            self._wake(self.flash)  # asleep until the mains returns, then with the next boot number
        elif self._reboot_up_ms is not None and now.up_ms >= self._reboot_up_ms:
            self._wake(self.flash)
            messages += self.start(now)
        return messages

    def _follow_schedule(self, now: Moment) -> None:
        """Does what is due by the clock on the wall; without the power, or a clock that is set, it is missed."""
        since, self._scheduled_utc_ms = self._scheduled_utc_ms, now.utc_ms
        if since is None or now.utc_ms is None or not self.mains:
            return
        for rule in due_rules(self.settings.schedule, self.settings.time_zone or "UTC", since, now.utc_ms):
            command = wire.Command(id="", name=rule["name"], args=rule["args"], expires_ms=now.utc_ms)
            self._execute(command, now=now, cause=RelayCause.SCHEDULE)

    def _power_on(self) -> None:
        if self.settings.power_on != "remember":
            self.relay.move(closed=self.settings.power_on == "on", cause=RelayCause.POWER_RESTORE)

    def _readings(self) -> Readings:
        return Readings(
            mains=self.mains,
            battery_pct=self.battery.pct,
            temp_c=tuple(self.temp_c),
            input=tuple(self.input),
            armed=self.armed,
        )

    def _standing(self) -> tuple[object, ...]:
        """What is told at once when it changes."""
        return (self.relay.closed, self.relay.cause, self.aux, self.mains, tuple(self.input), self.armed)

    def _note_as_told(self) -> None:
        self._told = self._standing()
        self._told_temp_c, self._told_battery_pct = list(self.temp_c), self.battery.pct

    def _worth_telling(self, now: Moment) -> bool:
        heartbeat_due = now.up_ms - self._told_up_ms >= self.settings.heartbeat_s * 1000
        moved = any(map(_moved, self._told_temp_c, self.temp_c))
        drained = abs(self.battery.pct - self._told_battery_pct) >= TELLING_BATTERY_PCT
        return heartbeat_due or moved or drained or self._told != self._standing()

    def _state(self, now: Moment) -> Outgoing:
        self._told_up_ms = now.up_ms
        self._note_as_told()
        report = wire.StateReport(
            boot=self.boot,
            seq=self._next_seq(),
            ts=now.utc_ms,
            relay=self.relay.closed,
            relay_cause=self.relay.cause,
            aux=self.aux,
            mains=self.mains,
            battery_pct=self.battery.pct,
            charging=self.mains and not self.battery.full,
            temp_c=tuple(self.temp_c),
            input=tuple(self.input),
            armed=self.armed,
            signal_dbm=self.signal_dbm,
            signal_pct=_signal_pct(self.signal_dbm),
            credit="12.40 EUR",
            fw=self.model.firmware,
            uptime_s=(now.up_ms - self._started_up_ms) // 1000,
        )
        return self._outgoing(Kind.STATE, report.seq, wire.encode(report))

    def _alarm(self, turn: Turn, now: Moment) -> Outgoing:
        alarm = wire.AlarmReport(
            boot=self.boot,
            seq=self._next_seq(),
            ts=now.utc_ms,
            cause=turn.cause,
            active=turn.active,
            value=turn.value,
            probe=turn.probe,
        )
        return self._outgoing(Kind.ALARM, alarm.seq, wire.encode(alarm))

    def _ack(self, command_id: str, verdict: Verdict, now: Moment) -> Outgoing:
        ack = wire.Ack(
            id=command_id,
            result=verdict.result,
            error=verdict.error,
            boot=self.boot,
            seq=self._next_seq(),
            ts=now.utc_ms,
        )
        return self._outgoing(Kind.ACK, ack.seq, wire.encode(ack))

    def _reported(self, now: Moment) -> Outgoing:
        seq = self._next_seq()
        settings = self.settings.as_wire()
        payload = wire.encode_reported(boot=self.boot, seq=seq, ts=now.utc_ms, version=self.version, settings=settings)
        return self._outgoing(Kind.REPORTED, seq, payload)

    def _outgoing(self, kind: Kind, seq: int, payload: bytes) -> Outgoing:
        return Outgoing(kind=kind, boot=self.boot, seq=seq, payload=payload)

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq


def _moved(told_c: float | None, now_c: float | None) -> bool:
    if told_c is None or now_c is None:
        return told_c is not now_c
    return abs(now_c - told_c) >= TELLING_TEMP_C


def _signal_pct(dbm: int) -> int:
    """From -113 dBm (nothing) to -51 dBm (best), the scale of the modems' signal quality."""
    return min(100, max(0, round((dbm + 113) / 62 * 100)))
