"""The settings of a socket as they go in and out: every key of the contract, with its range and its default."""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from isocket.domain.device_models import MOST_RULES, DeviceModel, model_of
from isocket.domain.settings import PartKind, names_of_parts, part_names_text
from portal_api.field_words import A_TIME_OF_DAY
from portal_api.models import Body, OneLine, can_be_seen
from portal_api.usernames import TimeZone

DAY_S = 86_400
MOST_PARTS = 16  # probes or inputs, as many as a state report may carry
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _tidy_percents(values: list[int]) -> list[int]:
    if len(set(values)) != len(values):
        raise ValueError("Each threshold once.")
    return sorted(values, reverse=True)


def _days(text: str) -> str:
    chosen = re.split(r"\s*,\s*", text.strip().lower())
    if any(day not in DAYS for day in chosen):
        raise ValueError("Days are mon, tue, wed, thu, fri, sat, sun, with commas between them.")
    return ",".join(day for day in DAYS if day in chosen)


Delay = Annotated[FiniteFloat, Field(ge=0, le=DAY_S, description="Seconds; 0 is allowed.")]
Heartbeat = Annotated[FiniteFloat, Field(ge=1, le=DAY_S, description="Seconds between two reports at rest.")]
OfflineAfter = Annotated[int, Field(ge=1, le=1000, description="So many heartbeats without a word are a silence.")]
Percents = Annotated[
    list[Annotated[int, Field(ge=1, le=99)]],
    Field(max_length=3, description="Charge at which the battery is low; an empty list: never."),
    AfterValidator(_tidy_percents),
]
Celsius = Annotated[FiniteFloat, Field(ge=-150, le=1000)]
Rate = Annotated[FiniteFloat, Field(gt=0, le=1000, description="Degrees an hour.")]
Importance = Literal["critical", "major", "minor", "info"]
AlarmCause = Literal[
    "mains_lost", "battery_low", "shutdown_imminent", "temp_high", "temp_low", "temp_rate", "temp_fault", "credit_low",
    "unauthorised", "restarted", "offline", "thermostat_ineffective", "command_failed", "signal_low",
]  # fmt: skip
VainFor = Annotated[
    FiniteFloat, Field(ge=600, le=7 * DAY_S, description="So long it may work in vain before that is an alarm.")
]
RepeatAfter = Annotated[FiniteFloat, Field(ge=300, le=7 * DAY_S)]
Severities = Annotated[
    dict[AlarmCause, Importance],
    Field(description="How much a cause matters where that is not as usual; `info` is for the record, nobody is told."),
]
PowerOn = Literal["remember", "on", "off"]


class Probe(Body):
    """One thermometer. No limit: null."""

    name: OneLine | None = None
    low_c: Celsius | None = None
    high_c: Celsius | None = None
    delay_s: Delay = 60
    hysteresis_c: Annotated[FiniteFloat, Field(ge=0, le=50)] = 1.0
    rise_c_per_h: Rate | None = None
    fall_c_per_h: Rate | None = None
    rate_window_s: Annotated[FiniteFloat, Field(ge=300, le=DAY_S, description="Over which a change is measured.")] = (
        1800
    )
    severity: Importance | None = Field(
        default=None, description="Of what the limits raise; null: as the cause has it."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low_c is not None and self.high_c is not None and self.low_c >= self.high_c:
            raise ValueError("The lower limit must be below the upper one.")
        return self


class AlarmInput(Body):
    """One alarm input: `no` is at rest open, `nc` at rest closed."""

    name: OneLine | None = None
    kind: Literal["no", "nc"] = "no"
    delay_s: Delay = 1
    severity: Importance = "critical"


class ScheduleRule(Body):
    """A command that the socket gives itself, by the clock of `time_zone`. Of two for one time the later wins.

    A time that the clocks jump over runs at the jump, one that comes twice runs the first time. What could not be
    done because the power was out is missed, and not done later.
    """

    at: Annotated[str, Field(pattern=A_TIME_OF_DAY, examples=["07:00"])]
    days: Annotated[str, Field(max_length=60, examples=["mon,tue"]), AfterValidator(_days)] = ",".join(DAYS)
    name: str = Field(max_length=20, description="A command, as in `POST /devices/{id}/commands`.")
    args: dict[str, Any] = Field(default={})


class Thermostat(Body):
    """Switches the output by the first thermometer: to heat, on below `on_c` and off above `off_c`."""

    enabled: bool = False
    mode: Literal["heat", "cool"] = "heat"
    on_c: Celsius = 5.0
    off_c: Celsius = 8.0
    alarm_after_s: VainFor | None = 7200

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.on_c < self.off_c) != (self.mode == "heat") or self.on_c == self.off_c:
            raise ValueError("To heat, it must go on at a lower temperature than off; to cool, at a higher one.")
        return self


class ThermostatChange(Body):
    """What to change of the thermostat; what is absent stays."""

    enabled: bool | None = None
    mode: Literal["heat", "cool"] | None = None
    on_c: Celsius | None = None
    off_c: Celsius | None = None
    alarm_after_s: VainFor | None = None


class Signal(Body):
    """When the mobile signal is weak. No limit: null. The margin to be well again has the unit of the limit."""

    low_pct: Annotated[FiniteFloat, Field(ge=1, le=99)] | None = None
    low_dbm: Annotated[FiniteFloat, Field(ge=-150, le=-30)] | None = None
    delay_s: Delay = 1800
    hysteresis: Annotated[FiniteFloat, Field(ge=0, le=50)] = 5.0


class Credit(Body):
    """When the prepaid credit is low, in the currency in which the card tells it. No limit: null."""

    low: Annotated[FiniteFloat, Field(ge=0, le=100_000)] | None = None


class Flapping(Body):
    """When alarms of one cause become one: so many of them within the window, until it was quiet for so long."""

    count: Annotated[int, Field(ge=2, le=100, description="null: never.")] | None = 5
    window_s: Annotated[FiniteFloat, Field(ge=60, le=DAY_S)] = 3600
    quiet_s: Annotated[FiniteFloat, Field(ge=60, le=DAY_S)] = 3600


class Repeats(Body):
    """After how many seconds the same people are told again while nobody has acknowledged. null: not again."""

    critical: RepeatAfter | None = None
    major: RepeatAfter | None = None
    minor: RepeatAfter | None = None


class Settings(Body):
    """All settings, each with the value that holds. Whole numbers go out without a decimal point."""

    mains_delay_s: Delay = 10
    restore_delay_s: Delay = 10
    heartbeat_s: Heartbeat = 900
    offline_after: OfflineAfter = 3
    battery_low_pct: Percents = Field(default=[50, 30, 20])
    temp: list[Probe] = Field(default=[], max_length=MOST_PARTS)
    input: list[AlarmInput] = Field(default=[], max_length=MOST_PARTS)
    power_on: PowerOn = "remember"
    schedule: list[ScheduleRule] = Field(default=[], max_length=MOST_RULES)
    time_zone: str | None = Field(
        default=None, description="Of the schedule; null: UTC. Who sets a schedule without one gets their own."
    )
    thermostat: Thermostat = Thermostat()
    signal: Signal = Signal()
    credit: Credit = Credit()
    flapping: Flapping = Flapping()
    severities: Severities = Field(default={})
    repeat_s: Repeats = Repeats()

    @model_serializer(mode="wrap")
    def _plainly(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        made: dict[str, Any] = _tidy(serialise(self))
        return made


class SettingsChange(Body):
    """What to change. What is absent stays; null sets a key back to its default.

    A list and `severities` replace the whole; of the other groups only what is given changes.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"mains_delay_s": 0, "temp": [{"name": "Cellar", "low_c": 5, "high_c": 35}], "power_on": "on"},
                {"schedule": [{"at": "07:00", "days": "mon,tue", "name": "on_for", "args": {"seconds": 3600}}]},
                {"temp": [{"low_c": 5, "fall_c_per_h": 4, "severity": "critical"}], "credit": {"low": 5}},
                {"severities": {"offline": "critical"}, "repeat_s": {"critical": 1800}},
                {"thermostat": {"enabled": True, "mode": "heat", "on_c": 5, "off_c": 8}, "heartbeat_s": None},
            ]
        }
    )

    mains_delay_s: Delay | None = None
    restore_delay_s: Delay | None = None
    heartbeat_s: Heartbeat | None = None
    offline_after: OfflineAfter | None = None
    battery_low_pct: Percents | None = None
    temp: Annotated[list[Probe], Field(max_length=MOST_PARTS)] | None = None
    input: Annotated[list[AlarmInput], Field(max_length=MOST_PARTS)] | None = None
    power_on: PowerOn | None = None
    schedule: Annotated[list[ScheduleRule], Field(max_length=MOST_RULES)] | None = None
    time_zone: TimeZone | None = None
    thermostat: ThermostatChange | None = None
    signal: Signal | None = None
    credit: Credit | None = None
    flapping: Flapping | None = None
    severities: Severities | None = None
    repeat_s: Repeats | None = None


def whole_settings(desired: Mapping[str, Any], model: DeviceModel, part_names: str | None = None) -> Settings:
    """Return every setting that holds for a device: what its owner set over the defaults, with the names of parts."""
    known = {key: value for key, value in desired.items() if key in Settings.model_fields}
    for kind, names in names_of_parts(part_names).items():
        known[kind] = _named(known.get(kind, ()), names)
    settings = Settings.model_validate(known)
    return settings.model_copy(
        update={
            "temp": _padded(settings.temp, Probe(), model.probes),
            "input": _padded(settings.input, AlarmInput(), model.inputs),
        }
    )


def factory_settings(model_name: str) -> dict[str, Any]:
    """Return every default of a model, as devices are told it; null for each name, whoever gave the part one."""
    return plain(whole_settings({}, model_of(model_name)))


def names_in(settings: Settings) -> str | None:
    """Return what is stored of the names of a device's parts."""
    return part_names_text(
        {
            PartKind.PROBE: [each.name or None for each in settings.temp],
            PartKind.INPUT: [each.name or None for each in settings.input],
        }
    )


def plain(settings: Settings) -> dict[str, Any]:
    """Return settings as JSON for storing and for the device: whole numbers without a decimal point."""
    return settings.model_dump(mode="json")


def _named(parts: Sequence[Mapping[str, Any]], names: Sequence[str | None]) -> list[dict[str, Any]]:
    """Return parts with their names; one that has a name and no settings has the defaults.

    A name of which nothing can be seen was taken once, and is none.
    """
    known = [*parts, *({} for _ in range(len(names) - len(parts)))]
    return [{**each, "name": name if name and can_be_seen(name) else None} for each, name in zip_longest(known, names)]


def _padded(given: list[Any], default: Probe | AlarmInput, length: int) -> list[Any]:
    return [*given, *[default] * max(0, length - len(given))]


def _tidy(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_tidy(item) for item in value]
        case dict():
            return {key: _tidy(item) for key, item in value.items()}
    return value
