"""A device's settings as the rules read them: what its owner wants, over the defaults of the contract."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from isocket.domain.incidents import Severity


class PartKind(StrEnum):
    """The kinds of parts that people give names to, as the settings call them."""

    PROBE = "temp"
    INPUT = "input"


def part_name(part_names: str | None, kind: PartKind, number: int) -> str | None:
    """Return what `Device.part_names` calls a part, None for nothing."""
    names = json.loads(part_names).get(kind, ()) if part_names else ()
    return names[number] if number < len(names) else None


def names_of_parts(part_names: str | None) -> dict[PartKind, tuple[str | None, ...]]:
    """Return the names in `Device.part_names`, for each kind by number."""
    told = json.loads(part_names) if part_names else {}
    return {kind: tuple(told[kind]) for kind in PartKind if kind in told}


def part_names_text(names: Mapping[PartKind, Sequence[str | None]]) -> str | None:
    """Return what to store as `Device.part_names`: words of a person, sealed, and never told to the device."""
    kept = {kind.value: list(each) for kind, each in names.items() if any(each)}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None


def without_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as devices are told them and as they are stored in clear: without the words of a person."""
    parts = {
        kind.value: [_less(each, frozenset({"name"})) for each in settings[kind]]
        for kind in PartKind
        if isinstance(settings.get(kind), list)
    }
    return {**settings, **parts}


_CLOUD_ALONE = frozenset({"signal", "credit", "flapping", "severities", "repeat_s"})
_CLOUD_ALONE_OF_PROBES = frozenset({"severity", "rise_c_per_h", "fall_c_per_h", "rate_window_s"})
_CLOUD_ALONE_OF_THERMOSTATS = frozenset({"alarm_after_s"})


def for_device(desired: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of stored settings that a device is told: what the cloud alone judges by is none of it."""
    told = {key: value for key, value in desired.items() if key not in _CLOUD_ALONE}
    if isinstance(told.get("temp"), list):
        told["temp"] = [_less(each, _CLOUD_ALONE_OF_PROBES) for each in told["temp"]]
    if "thermostat" in told:
        told["thermostat"] = _less(told["thermostat"], _CLOUD_ALONE_OF_THERMOSTATS)
    return told


def _less(part: Any, names: frozenset[str]) -> Any:
    return {key: value for key, value in part.items() if key not in names} if isinstance(part, dict) else part


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """One thermometer: limits in degrees Celsius, or degrees an hour within the window. None: no limit.

    `severity` is that of whatever its limits raise; None leaves it to the cause.
    """

    low_c: float | None = None
    high_c: float | None = None
    delay_s: float = 60
    hysteresis_c: float = 1.0
    rise_c_per_h: float | None = None
    fall_c_per_h: float | None = None
    rate_window_s: float = 1800
    severity: Severity | None = None

    @property
    def watches_rate(self) -> bool:
        """Return whether there is a limit for how fast the temperature may change."""
        return self.rise_c_per_h is not None or self.fall_c_per_h is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings:
    """One alarm input: `no` is at rest open (False), `nc` is at rest closed (True)."""

    kind: str = "no"
    delay_s: float = 1
    severity: Severity = Severity.CRITICAL

    @property
    def resting(self) -> bool:
        """Return the value of the input when nothing is wrong."""
        return self.kind == "nc"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermostatSettings:
    """The device's own thermostat, and how long it may work in vain; None for ever."""

    enabled: bool = False
    mode: str = "heat"
    on_c: float = 5.0
    off_c: float = 8.0
    alarm_after_s: float | None = 7200

    @property
    def is_watched(self) -> bool:
        """Return whether its effect is judged."""
        return self.enabled and self.alarm_after_s is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSettings:
    """The mobile signal: limits in percent and dBm, the margin to be well again in the same unit. None: no limit."""

    low_pct: float | None = None
    low_dbm: float | None = None
    delay_s: float = 1800
    hysteresis: float = 5.0

    @property
    def is_watched(self) -> bool:
        """Return whether there is a limit."""
        return self.low_pct is not None or self.low_dbm is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditSettings:
    """The prepaid credit: the amount below which it is low, in the currency the card tells. None: no limit."""

    low: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlappingSettings:
    """When alarms of one cause become one: `count` within the window, until it was quiet for so long. None: never."""

    count: int | None = 5
    window_s: float = 3600
    quiet_s: float = 3600


_BATTERY_LOW_PCT = (50, 30, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """All settings of a device that a rule or the ladder needs.

    `repeat_s`: after how many seconds the same people are told again while an incident of this severity is open and
    nobody has acknowledged it. A severity that is not there is told once.
    """

    mains_delay_s: float = 10
    restore_delay_s: float = 10
    heartbeat_s: float = 900
    offline_after: int = 3
    battery_low_pct: tuple[float, ...] = _BATTERY_LOW_PCT
    temp: tuple[ProbeSettings, ...] = ()
    input: tuple[InputSettings, ...] = ()
    thermostat: ThermostatSettings = ThermostatSettings()
    signal: SignalSettings = SignalSettings()
    credit: CreditSettings = CreditSettings()
    flapping: FlappingSettings = FlappingSettings()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    repeat_s: Mapping[Severity, float] = field(default_factory=dict)

    @property
    def offline_after_s(self) -> float:
        """Return after how many silent seconds the device is offline."""
        return self.heartbeat_s * self.offline_after

    def probe(self, number: int) -> ProbeSettings:
        """Return the settings of thermometer `number`, the defaults where none are set."""
        return self.temp[number] if number < len(self.temp) else ProbeSettings()

    def needs_probe(self, number: int) -> bool:
        """Return whether thermometer `number` is there by what is set, so that no value of it is a fault.

        The portal stores as many as the model is sold with: one with the defaults alone may be none.
        """
        return self.probe(number) != ProbeSettings() or (number == 0 and self.thermostat.enabled)

    def input_at(self, number: int) -> InputSettings:
        """Return the settings of input `number`, the defaults where none are set."""
        return self.input[number] if number < len(self.input) else InputSettings()

    @classmethod
    def of(cls, desired: Mapping[str, Any]) -> "DeviceSettings":
        """Return the settings that `desired` (validated when it was stored) makes with the defaults."""
        if not desired:
            usual: DeviceSettings = _usual(cls)  # type: ignore[arg-type]  # mypy looks at the hash of instances
            return usual
        plain = {
            key: desired[key]
            for key in ("mains_delay_s", "restore_delay_s", "heartbeat_s", "offline_after")
            if desired.get(key) is not None
        }
        return cls(
            **plain,
            battery_low_pct=tuple(desired.get("battery_low_pct", _BATTERY_LOW_PCT)),
            temp=tuple(_part(ProbeSettings, each) for each in desired.get("temp", ())),
            input=tuple(_part(InputSettings, each) for each in desired.get("input", ())),
            thermostat=_part(ThermostatSettings, desired.get("thermostat") or {}),
            signal=_part(SignalSettings, desired.get("signal") or {}),
            credit=_part(CreditSettings, desired.get("credit") or {}),
            flapping=_part(FlappingSettings, desired.get("flapping") or {}),
            severities={cause: Severity(each) for cause, each in (desired.get("severities") or {}).items()},
            repeat_s=repeats_of(desired),
        )


def repeats_of(desired: Mapping[str, Any]) -> dict[Severity, float]:
    """Return `DeviceSettings.repeat_s` alone."""
    chosen = desired.get("repeat_s") or {}
    return {Severity(each): after_s for each, after_s in chosen.items() if after_s is not None}


_P = TypeVar("_P")


@cache
def _usual(cls: type[_P]) -> _P:
    """Return one group as it is where nothing is set: always the same, for nobody can change it."""
    return cls()


@cache
def _names_of(cls: type[_P]) -> frozenset[str]:
    """Return what can be set in one group."""
    return frozenset(each.name for each in fields(cls))  # type: ignore[arg-type]  # each is a dataclass


def _part(cls: type[_P], values: Mapping[str, Any]) -> _P:
    """Return one group of settings; what is not known is left out, and a severity of null is that of the default."""
    if not values:
        usual: _P = _usual(cls)  # type: ignore[arg-type]  # mypy looks at the hash of instances
        return usual
    names = _names_of(cls)  # type: ignore[arg-type]  # mypy looks at the hash of instances
    known = {key: value for key, value in values.items() if key in names}
    severity = known.pop("severity", None)
    return cls(**known if severity is None else {**known, "severity": Severity(severity)})
