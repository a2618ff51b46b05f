"""The shapes of what devices send, as strict as the protocol document: units and ranges of every field."""

from typing import Annotated, Any, Literal, Required

from pydantic import ConfigDict, Field, FiniteFloat, TypeAdapter
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

Count = Annotated[int, Field(ge=0, le=2**53)]
Boot = Annotated[int, Field(ge=0, le=2**32)]  # counted up once a start, or taken from a clock in seconds
Percent = Annotated[FiniteFloat, Field(ge=0, le=100)]
Celsius = Annotated[FiniteFloat, Field(ge=-150, le=1000)]  # wider than any probe, narrower than nonsense
Seconds = Annotated[FiniteFloat, Field(ge=0, le=10_000_000)]
Text = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]  # one line, no control characters
STRICT = ConfigDict(strict=True, extra="ignore")

RelayCause = Literal[
    "user_cloud", "user_sms", "call", "button", "schedule", "thermostat", "input", "timer", "power_restore", "unknown"
]
DeviceCause = Literal[
    "mains_lost", "battery_low", "shutdown_imminent", "temp_high", "temp_low", "temp_rate", "temp_fault", "input",
    "credit_low", "unauthorised", "restarted", "test",
]  # fmt: skip


class StateWire(TypedDict, total=False):
    """A state report. `ts` is any whole number: an absurd one is not refused, it is not believed."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # where pydantic looks for it

    boot: Required[Boot]
    seq: Required[Count]
    ts: int
    relay: bool
    relay_cause: RelayCause
    aux: bool
    mains: bool
    battery_pct: Percent
    charging: bool
    temp_c: Annotated[list[Celsius | None], Field(max_length=16)]
    input: Annotated[list[bool], Field(max_length=16)]
    armed: bool
    signal_dbm: Annotated[FiniteFloat, Field(ge=-200, le=50)]
    signal_pct: Percent
    credit: Text
    fw: Text
    uptime_s: Count


class AlarmWire(TypedDict, total=False):
    """Something began (`active`) or ended."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    boot: Required[Boot]
    seq: Required[Count]
    ts: int
    cause: Required[DeviceCause]
    active: Required[bool]
    value: FiniteFloat
    probe: Annotated[int, Field(ge=0, le=15)]


class AckWire(TypedDict, total=False):
    """The answer to a command."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    id: Required[Annotated[Text, Field(min_length=1)]]
    result: Required[Literal["executed", "rejected", "failed", "expired"]]
    error: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
    boot: Required[Boot]
    seq: Required[Count]
    ts: int


class ReportedWire(TypedDict, total=False):
    """A device's settings as they are; what the cloud does not know is ignored."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    boot: Boot
    seq: Count
    ts: int
    version: Count
    mains_delay_s: Seconds
    restore_delay_s: Seconds
    heartbeat_s: Seconds
    offline_after: Annotated[int, Field(ge=1, le=1000)]
    battery_low_pct: Annotated[list[Percent], Field(max_length=3)]
    temp: Annotated[list[dict[str, Any]], Field(max_length=16)]
    input: Annotated[list[dict[str, Any]], Field(max_length=16)]
    power_on: Literal["remember", "on", "off"]
    schedule: Annotated[list[dict[str, Any]], Field(max_length=64)]
    time_zone: Text | None
    thermostat: dict[str, Any]


class StatusWire(TypedDict, total=False):
    """Whether the device is connected; also its last will."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    online: Required[bool]


STATE: TypeAdapter[Any] = TypeAdapter(StateWire)
ALARM: TypeAdapter[Any] = TypeAdapter(AlarmWire)
ACK: TypeAdapter[Any] = TypeAdapter(AckWire)
REPORTED: TypeAdapter[Any] = TypeAdapter(ReportedWire)
STATUS: TypeAdapter[Any] = TypeAdapter(StatusWire)
