"""What one state report says of each cause: trouble, all well, or something between that changes little."""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

from alerts.rules.memory import MAINS, Key
from isocket.domain.credit import amount_of
from isocket.domain.incidents import Cause
from isocket.domain.settings import DeviceSettings, SignalSettings

BATTERY_MARGIN_PCT = 5
FULL_PCT = 100


class Look(Enum):
    """How it looks."""

    BAD = auto()
    BETWEEN = auto()  # inside the limit but not by the margin: opens nothing and closes nothing
    GOOD = auto()


class Sign(NamedTuple):
    """How one thing looks, with the number it was judged by."""

    key: Key
    look: Look
    value: float | None = None


class Standing(NamedTuple):
    """What a report that does not say so itself is read by."""

    armed: bool  # only an explicit false disarms: who never says so has nothing to disarm
    on_battery: bool
    proven: frozenset[int]  # thermometers that ever gave a value


def signs(fields: Mapping[str, Any], settings: DeviceSettings, standing: Standing) -> Iterator[Sign]:
    """Yield what the report speaks of. What it does not carry is not spoken of."""
    if fields.get("mains") is not None:
        yield Sign(MAINS, Look.GOOD if fields["mains"] else Look.BAD)
    if fields.get("battery_pct") is not None and settings.battery_low_pct:
        yield _battery(fields, settings, standing)
    if settings.signal.is_watched:
        yield from _signal(fields, settings.signal)
    if settings.credit.low is not None and fields.get("credit") is not None:
        yield _credit(fields["credit"], settings.credit.low)
    for number, reading in enumerate(fields.get("temp_c") or ()):
        yield from _thermometer(number, reading, settings, standing)
    for number, value in enumerate(fields.get("input") or ()):
        active = standing.armed and value != settings.input_at(number).resting
        yield Sign(Key(Cause.INPUT, number), Look.BAD if active else Look.GOOD)


def _battery(fields: Mapping[str, Any], settings: DeviceSettings, standing: Standing) -> Sign:
    pct = fields["battery_pct"]
    mains, charging = fields.get("mains"), fields.get("charging")
    on_battery = standing.on_battery if mains is None else not mains
    discharging = on_battery or charging is False
    highest = max(settings.battery_low_pct)
    key = Key(Cause.BATTERY_LOW)
    if discharging and pct <= highest:
        return Sign(key, Look.BAD, pct)
    # Full and on mains is well too, though a full battery does not charge.
    fed = not on_battery and (charging is True or mains is True)
    if fed and pct >= min(FULL_PCT, highest + BATTERY_MARGIN_PCT):
        return Sign(key, Look.GOOD, pct)
    return Sign(key, Look.BETWEEN, pct)


def _signal(fields: Mapping[str, Any], settings: SignalSettings) -> Iterator[Sign]:
    """Yield how the signal looks by whichever limits there are; the worst of them counts."""
    levels = ((fields.get("signal_pct"), settings.low_pct), (fields.get("signal_dbm"), settings.low_dbm))
    looks = [
        (_beyond(low - level, settings.hysteresis), level)
        for level, low in levels
        if level is not None and low is not None
    ]
    for look in (Look.BAD, Look.BETWEEN, Look.GOOD):
        for each, level in looks:
            if each is look:
                yield Sign(Key(Cause.SIGNAL_LOW), look, level)
                return


def _credit(text: str, low: float) -> Sign:
    """Return how the credit looks. What cannot be read neither opens nor closes anything: it is not known."""
    key, amount = Key(Cause.CREDIT_LOW), amount_of(text)
    if amount is None:
        return Sign(key, Look.BETWEEN)
    return Sign(key, Look.BAD if amount < low else Look.GOOD, amount)


def _thermometer(number: int, reading: float | None, settings: DeviceSettings, standing: Standing) -> Iterator[Sign]:
    fault = Key(Cause.TEMP_FAULT, number)
    if reading is None:
        if number in standing.proven or settings.needs_probe(number):
            yield Sign(fault, Look.BAD)
        return  # unknown: too cold stays too cold
    yield Sign(fault, Look.GOOD)
    probe = settings.probe(number)
    if probe.high_c is not None:
        beyond = reading - probe.high_c
        yield Sign(Key(Cause.TEMP_HIGH, number), _beyond(beyond, probe.hysteresis_c), reading)
    if probe.low_c is not None:
        beyond = probe.low_c - reading
        yield Sign(Key(Cause.TEMP_LOW, number), _beyond(beyond, probe.hysteresis_c), reading)


def _beyond(beyond_c: float, hysteresis_c: float) -> Look:
    if beyond_c > 0:
        return Look.BAD
    return Look.GOOD if beyond_c <= -hysteresis_c else Look.BETWEEN
