"""What the owner may set on a device, and how wishes are merged into it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any

from firmware_sim.models import Model
from firmware_sim.schedule import checked_rule, checked_zone

_LIMIT_FIELDS = ("low_c", "high_c")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    name: str = ""
    low_c: float | None = None
    high_c: float | None = None
    delay_s: float = 60
    hysteresis_c: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings:
    name: str = ""
    kind: str = "no"
    delay_s: float = 1
    severity: str | None = None

    def in_alarm(self, *, closed: bool) -> bool:
        """A normally open contact alarms when closed, a normally closed one when open."""
        return closed if self.kind == "no" else not closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Thermostat:
    enabled: bool = False
    mode: str = "heat"
    on_c: float = 5.0
    off_c: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    mains_delay_s: float = 10
    restore_delay_s: float = 10
    heartbeat_s: float = 900
    offline_after: int | None = None
    battery_low_pct: tuple[int, ...] = (50, 30, 20)
    temp: tuple[ProbeSettings, ...] = ()
    input: tuple[InputSettings, ...] = ()
    power_on: str = "remember"
    schedule: tuple[dict[str, Any], ...] = ()
    time_zone: str | None = None
    thermostat: Thermostat = field(default_factory=Thermostat)

    def as_wire(self) -> dict[str, Any]:
        """Every setting as JSON; what was never set and has no default is left out."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["battery_low_pct"] = list(self.battery_low_pct)
        plain["temp"] = [_plain(probe) for probe in self.temp]
        plain["input"] = [_plain(contact) for contact in self.input]
        plain["schedule"] = list(self.schedule)
        plain["thermostat"] = _plain(self.thermostat)
        return {key: value for key, value in plain.items() if value is not None}


def factory_settings(model: Model) -> DeviceSettings:
    return DeviceSettings(temp=(ProbeSettings(),) * model.probes, input=(InputSettings(),) * model.inputs)


def merged(settings: DeviceSettings, wanted: dict[str, Any]) -> DeviceSettings:
    """The settings with the wishes applied; one that cannot be followed, and what is not mentioned, stays as it is."""
    for name, value in wanted.items():
        with suppress(TypeError, ValueError, KeyError):
            settings = replace(settings, **{name: _READERS[name](settings, value)})
    return settings


def _by_place(old: tuple[Any, ...], new: list[Any]) -> list[tuple[Any, dict[str, Any]]]:
    """Pairs of what is and what is wished, by number; wishes for parts this model lacks are left."""
    if not isinstance(new, list):
        raise TypeError("a list is needed")
    return [(part, new[i] if i < len(new) and new[i] else {}) for i, part in enumerate(old)]


def _probe(old: ProbeSettings, new: dict[str, Any]) -> ProbeSettings:
    changes: dict[str, Any] = {"name": _text(new["name"] or "")} if "name" in new else {}
    changes |= {k: None if new[k] is None else _number(new[k]) for k in _LIMIT_FIELDS if k in new}
    changes |= {k: _number(new[k], low=0) for k in ("delay_s", "hysteresis_c") if k in new}
    return replace(old, **changes)


def _contact(old: InputSettings, new: dict[str, Any]) -> InputSettings:
    changes: dict[str, Any] = {"name": _text(new["name"] or "")} if "name" in new else {}
    if "kind" in new:
        changes["kind"] = _one_of(new["kind"], "no", "nc")
    if "delay_s" in new:
        changes["delay_s"] = _number(new["delay_s"], low=0)
    if "severity" in new:
        changes["severity"] = None if new["severity"] is None else _text(new["severity"])
    return replace(old, **changes)


def _thermostat(old: Thermostat, new: dict[str, Any]) -> Thermostat:
    changes: dict[str, Any] = {k: _number(new[k]) for k in ("on_c", "off_c") if k in new}
    if "enabled" in new:
        if not isinstance(new["enabled"], bool):
            raise TypeError("enabled: true or false is needed")
        changes["enabled"] = new["enabled"]
    if "mode" in new:
        changes["mode"] = _one_of(new["mode"], "heat", "cool")
    return replace(old, **changes)


def _plain(part: ProbeSettings | InputSettings | Thermostat) -> dict[str, Any]:
    plain = {f.name: getattr(part, f.name) for f in fields(part)}
    return {k: v for k, v in plain.items() if v is not None or k in _LIMIT_FIELDS}


def _number(value: Any, *, low: float | None = None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a number is needed")
    if low is not None and value < low:
        raise ValueError(f"at least {low} is needed")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("a whole number from 0 is needed")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is needed")
    return value


def _one_of(value: Any, *allowed: str) -> str:
    if value not in allowed:
        raise ValueError(f"one of {', '.join(allowed)} is needed")
    return _text(value)


_READERS: dict[str, Callable[[DeviceSettings, Any], Any]] = {
    "mains_delay_s": lambda _, value: _number(value, low=0),
    "restore_delay_s": lambda _, value: _number(value, low=0),
    "heartbeat_s": lambda _, value: _number(value, low=1),
    "offline_after": lambda _, value: None if value is None else _whole(value),
    "battery_low_pct": lambda _, value: tuple(sorted((_whole(pct) for pct in value), reverse=True)),
    "temp": lambda now, value: tuple(_probe(old, new) for old, new in _by_place(now.temp, value)),
    "input": lambda now, value: tuple(_contact(old, new) for old, new in _by_place(now.input, value)),
    "power_on": lambda _, value: _one_of(value, "remember", "on", "off"),
    "schedule": lambda _, value: tuple(checked_rule(entry) for entry in value),
    "time_zone": lambda _, value: None if value is None else checked_zone(value),
    "thermostat": lambda now, value: _thermostat(now.thermostat, value),
}
"""How each setting is read: from what is set now and what is wished."""
