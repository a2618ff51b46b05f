"""The device's own alarms: conditions that must last, with a margin before they end."""

from dataclasses import dataclass

from firmware_sim.battery import EMPTY_SOON_PCT
from firmware_sim.settings import DeviceSettings, ProbeSettings
from firmware_sim.wire import Cause

PROBE_FAULT_DELAY_S = 10
BATTERY_MARGIN_PCT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An alarm that begins or ends now."""

    cause: Cause
    active: bool
    value: float | None = None
    probe: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What the alarms are judged by. `temp_c` None: no value from that probe."""

    mains: bool
    battery_pct: int
    temp_c: tuple[float | None, ...]
    input: tuple[bool, ...]
    armed: bool


@dataclass(slots=True, kw_only=True)
class _Watch:
    active: bool = False
    since_up_ms: int | None = None

    def turns(self, *, changed: bool, delay_s: float, up_ms: int) -> bool:
        """True once `changed` has been so for the delay; a moment of not being so starts it again."""
        if not changed:
            self.since_up_ms = None
            return False
        if self.since_up_ms is None:
            self.since_up_ms = up_ms
        if up_ms - self.since_up_ms < delay_s * 1000:
            return False
        self.active, self.since_up_ms = not self.active, None
        return True


class AlarmPanel:
    """Judges readings and remembers what is active, over a restart too."""

    def __init__(self, active: tuple[tuple[Cause, int | None], ...] = ()) -> None:
        self._watches = {key: _Watch(active=True) for key in active}
        self._seen_probes: set[int] = set()
        self._battery_steps = 0

    @property
    def active(self) -> tuple[tuple[Cause, int | None], ...]:
        return tuple(key for key, watch in self._watches.items() if watch.active)

    def judge(self, readings: Readings, settings: DeviceSettings, up_ms: int) -> list[Turn]:
        turns = [
            *self._mains(readings, settings, up_ms),
            *self._battery(readings, settings),
            *self._empty_soon(readings, up_ms),
        ]
        for number, (temp_c, limits) in enumerate(zip(readings.temp_c, settings.temp, strict=True)):
            turns += self._probe(number, temp_c, limits, up_ms)
        for number, closed in enumerate(readings.input):
            turns += self._input(number, settings, up_ms, closed=closed, armed=readings.armed)
        return turns

    def _mains(self, readings: Readings, settings: DeviceSettings, up_ms: int) -> list[Turn]:
        return self._turn(
            Cause.MAINS_LOST,
            begins=not readings.mains,
            ends=readings.mains,
            delay_s=settings.mains_delay_s,
            end_delay_s=settings.restore_delay_s,
            up_ms=up_ms,
        )

    def _battery(self, readings: Readings, settings: DeviceSettings) -> list[Turn]:
        """One alarm at each step down; one end, above the highest step."""
        pct, steps = readings.battery_pct, settings.battery_low_pct
        passed = sum(pct <= step for step in steps)
        watch = self._watch(Cause.BATTERY_LOW, None)
        if watch.active and (not steps or pct >= min(100, max(steps) + BATTERY_MARGIN_PCT)):
            self._battery_steps, watch.active = 0, False
            return [Turn(cause=Cause.BATTERY_LOW, active=False, value=pct)]
        if passed > self._battery_steps:
            self._battery_steps, watch.active = passed, True
            return [Turn(cause=Cause.BATTERY_LOW, active=True, value=pct)]
        return []

    def _empty_soon(self, readings: Readings, up_ms: int) -> list[Turn]:
        return self._turn(
            Cause.SHUTDOWN_IMMINENT,
            begins=readings.battery_pct <= EMPTY_SOON_PCT and not readings.mains,
            ends=readings.mains,
            value=readings.battery_pct,
            up_ms=up_ms,
        )

    def _probe(self, number: int, temp_c: float | None, limits: ProbeSettings, up_ms: int) -> list[Turn]:
        if temp_c is not None:
            self._seen_probes.add(number)
        fault = self._turn(
            Cause.TEMP_FAULT,
            probe=number,
            begins=temp_c is None and number in self._seen_probes,  # never plugged in is no fault
            ends=temp_c is not None,
            delay_s=PROBE_FAULT_DELAY_S,
            up_ms=up_ms,
        )
        if temp_c is None:
            return fault  # unknown: too cold stays too cold
        low, high, margin = limits.low_c, limits.high_c, limits.hysteresis_c
        return [
            *fault,
            *self._turn(
                Cause.TEMP_LOW,
                probe=number,
                value=temp_c,
                begins=low is not None and temp_c < low,
                ends=low is None or temp_c >= low + margin,
                delay_s=limits.delay_s,
                up_ms=up_ms,
            ),
            *self._turn(
                Cause.TEMP_HIGH,
                probe=number,
                value=temp_c,
                begins=high is not None and temp_c > high,
                ends=high is None or temp_c <= high - margin,
                delay_s=limits.delay_s,
                up_ms=up_ms,
            ),
        ]

    def _input(self, number: int, settings: DeviceSettings, up_ms: int, *, closed: bool, armed: bool) -> list[Turn]:
        contact = settings.input[number]
        alarming = armed and contact.in_alarm(closed=closed)
        return self._turn(
            Cause.INPUT,
            probe=number,
            begins=alarming,
            ends=not alarming,
            delay_s=contact.delay_s,
            up_ms=up_ms,
        )

    def _watch(self, cause: Cause, probe: int | None) -> _Watch:
        return self._watches.setdefault((cause, probe), _Watch())

    def _turn(
        self,
        cause: Cause,
        *,
        begins: bool,
        ends: bool,
        up_ms: int,
        delay_s: float = 0,
        end_delay_s: float = 0,
        value: float | None = None,
        probe: int | None = None,
    ) -> list[Turn]:
        watch = self._watch(cause, probe)
        changed, wait_s = (ends, end_delay_s) if watch.active else (begins, delay_s)
        if not watch.turns(changed=changed, delay_s=wait_s, up_ms=up_ms):
            return []
        return [Turn(cause=cause, active=watch.active, value=value, probe=probe)]
