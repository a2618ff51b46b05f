"""A device's settings as the rules read them: what its owner wants, over the defaults of the contract."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from isocket.domain.incidents import Severity


class PartKind(StrEnum):
    """The kinds of parts that people give names to, as the settings call them."""

    PROBE = "temp"
    INPUT = "input"


def part_name(part_names: str | None, kind: PartKind, number: int) -> str | None:
    """Return what `Device.part_names` calls a part, None for nothing."""
    names = names_of_parts(part_names).get(kind, ())
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
        kind.value: [_nameless(each) for each in settings[kind]]
        for kind in PartKind
        if isinstance(settings.get(kind), list)
    }
    return {**settings, **parts}


def _nameless(part: Any) -> Any:
    return {key: value for key, value in part.items() if key != "name"} if isinstance(part, dict) else part


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """One thermometer: limits in degrees Celsius, None for no limit."""

    low_c: float | None = None
    high_c: float | None = None
    delay_s: float = 60
    hysteresis_c: float = 1.0


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
class DeviceSettings:
    """All settings of a device that a rule needs."""

    mains_delay_s: float = 10
    restore_delay_s: float = 10
    heartbeat_s: float = 900
    offline_after: int = 3
    battery_low_pct: tuple[float, ...] = (50, 30, 20)
    temp: tuple[ProbeSettings, ...] = ()
    input: tuple[InputSettings, ...] = ()

    @property
    def offline_after_s(self) -> float:
        """Return after how many silent seconds the device is offline."""
        return self.heartbeat_s * self.offline_after

    def probe(self, number: int) -> ProbeSettings:
        """Return the settings of thermometer `number`, the defaults where none are set."""
        return self.temp[number] if number < len(self.temp) else ProbeSettings()

    def input_at(self, number: int) -> InputSettings:
        """Return the settings of input `number`, the defaults where none are set."""
        return self.input[number] if number < len(self.input) else InputSettings()

    @classmethod
    def of(cls, desired: Mapping[str, Any]) -> "DeviceSettings":
        """Return the settings that `desired` (validated when it was stored) makes with the defaults."""
        plain = {
            key: desired[key]
            for key in ("mains_delay_s", "restore_delay_s", "heartbeat_s", "offline_after")
            if desired.get(key) is not None
        }
        return cls(
            **plain,
            battery_low_pct=tuple(desired.get("battery_low_pct", (50, 30, 20))),
            temp=tuple(ProbeSettings(**_known(each, ProbeSettings)) for each in desired.get("temp", ())),
            input=tuple(_input(each) for each in desired.get("input", ())),
        )


def _known(values: Mapping[str, Any], cls: type[ProbeSettings | InputSettings]) -> dict[str, Any]:
    names = {each.name for each in fields(cls)}
    return {key: value for key, value in values.items() if key in names}


def _input(values: Mapping[str, Any]) -> InputSettings:
    known = _known(values, InputSettings)
    if known.get("severity") is None:
        known.pop("severity", None)
    else:
        known["severity"] = Severity(known["severity"])
    return InputSettings(**known)
