"""What a socket says of itself, and the envelope in which nobody needs to look at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

Order = tuple[int, int]
"""(boot, seq): what decides which of two messages of a device is the newer."""

STARTS_OF_A_COUNT = 2**33
"""Greater than any `boot` of the wire. A device that counts anew is stored with so much more for each time that it
began anew: then its numbers order all that it said in its life, and what it says itself is the rest of a division.
What was brought along from another socket lies below 0 in the same way."""


def count_of(boot: int) -> int:
    """Return by which count a stored boot was given: 0 for a device that never began anew."""
    return boot // STARTS_OF_A_COUNT


def in_count(boot: int, count: int) -> int:
    """Return how the boot that a device says is stored."""
    return boot + count * STARTS_OF_A_COUNT


def as_the_device_says(order: Order) -> Order:
    """Return a stored order in the device's own numbers."""
    return (order[0] % STARTS_OF_A_COUNT, order[1])


class ReportKind(StrEnum):
    """Which topic a message came by."""

    STATE = "state"
    ALARM = "alarm"
    ACK = "ack"
    REPORTED = "reported"


class ClockQuality(StrEnum):
    """Whose time a report carries."""

    DEVICE = "device"
    SERVER = "server"  # the device's was absent or absurd


class Report(NamedTuple):
    """One message of a device. (device_id, boot, seq) names it; (boot, seq) orders it.

    A tuple, because tens of thousands a second are made. `at_ms` and `received_ms` are UTC milliseconds.
    `body` is the JSON text as stored; `fields` the same, decoded.
    """

    device_id: str
    kind: ReportKind
    boot: int
    seq: int
    at_ms: int
    received_ms: int
    clock: ClockQuality
    body: str
    fields: Mapping[str, Any]

    @property
    def order(self) -> Order:
        """Return what decides which of two reports of a device is the newer."""
        return (self.boot, self.seq)


def of_the_device(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a message says of the device itself, without what names and dates the message."""
    return {name: value for name, value in fields.items() if name not in ("boot", "seq", "ts")}


ENVELOPE_EDITION = 2
"""Of what envelopes leave out. Greater with each cause that is on by default, and where rules remember what they did
not: then one that a program of before stored holds nothing, and a quiet socket is judged by its next report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What only some devices are watched for. None for a bound: not for that."""

    signal_pct: float | None = None
    signal_dbm: float | None = None
    credit: bool = False  # a report that tells the credit is news
    thermostat: bool = False  # so is one by which the thermostat has the output on

    def holds(self, fields: Mapping[str, Any]) -> bool:
        """Return whether a state report is no news to the rules of these."""
        pct, dbm = fields.get("signal_pct"), fields.get("signal_dbm")
        if pct is not None and self.signal_pct is not None and pct < self.signal_pct:
            return False
        if dbm is not None and self.signal_dbm is not None and dbm < self.signal_dbm:
            return False
        if self.credit and fields.get("credit") is not None:
            return False
        return not (self.thermostat and fields.get("relay") is True and fields.get("relay_cause") == "thermostat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The ranges in which no rule of a device can change its mind, so that a state report need not be judged.

    None for a bound means unbounded. `temp_c` holds a (low, high) pair a probe; a probe that is not named, or whose
    reading is missing, is outside. None for a probe says that it was never there: then a reading is outside, and
    a missing one inside. `inputs` holds the quiet value of each input, None where it does not
    matter. A field that the report does not carry is inside.
    """

    anything: bool = False  # nobody is there for whom a rule would decide
    battery_low_pct: float = 0
    temp_c: tuple[tuple[float | None, float | None] | None, ...] = ()
    inputs: tuple[bool | None, ...] = ()
    watched: Watched | None = None

    def holds(self, fields: Mapping[str, Any]) -> bool:
        """Return whether a state report with these fields is no news to any rule."""
        if self.anything:
            return True
        if fields.get("mains") is False:
            return False
        battery = fields.get("battery_pct")
        if battery is not None and battery <= self.battery_low_pct:
            return False
        if self.watched is not None and not self.watched.holds(fields):
            return False
        temperatures = fields.get("temp_c")
        if temperatures and not self._warm_enough(temperatures):
            return False
        inputs = fields.get("input")
        return not inputs or self._at_rest(inputs)

    def _warm_enough(self, readings: Sequence[float | None]) -> bool:
        if len(readings) > len(self.temp_c):
            return False
        for reading, bounds in zip(readings, self.temp_c, strict=False):  # noqa: SIM110 - a generator costs more than this
            if not _within(reading, bounds):
                return False
        return True

    def _at_rest(self, inputs: Sequence[bool]) -> bool:
        if len(inputs) > len(self.inputs):
            return False
        for value, quiet in zip(inputs, self.inputs, strict=False):
            if quiet is not None and value != quiet:
                return False
        return True


def _within(reading: float | None, bounds: tuple[float | None, float | None] | None) -> bool:
    if reading is None or bounds is None:
        return reading is None and bounds is None
    low, high = bounds
    return (low is None or reading >= low) and (high is None or reading <= high)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """The latest known of one device: each field of the state report as last heard, and its presence."""

    device_id: str
    boot: int
    seq: int
    at: datetime
    received_at: datetime  # the last message of any kind
    clock: ClockQuality
    fields: Mapping[str, Any]
    online: bool  # by will and by traffic; silence is judged by the rule `offline`

    @property
    def order(self) -> Order:
        """Return the order of the newest state report that it knows."""
        return (self.boot, self.seq)
