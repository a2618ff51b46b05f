"""How long a trouble must last before it is one, and how long it must be over before it is over."""

import math

from alerts.causes import LIMITS
from alerts.rules.memory import Key
from isocket.domain.incidents import Cause
from isocket.domain.settings import DeviceSettings

NEEDS_WORD = frozenset({Cause.SIGNAL_LOW, Cause.THERMOSTAT_INEFFECTIVE})
"""Causes whose long delays end by a report only: of a device that says nothing meanwhile it is not known."""

PROBE_SETTLES_S = 60
"""For so long at most must a probe be without a value, or give one again: a plug that is moved is no fault.

Whoever wants its limits judged sooner hears sooner that it cannot be judged; one whose limits wait longer is no less
faulty meanwhile.
"""

CALM = 0.75
"""Of the limit of a rate: at this rate and below it is over."""


def raise_after_ms(key: Key, settings: DeviceSettings) -> int:
    """Return for how many milliseconds the trouble must hold."""
    if key.cause is Cause.MAINS_LOST:
        return _ms(settings.mains_delay_s)
    if key.cause is Cause.TEMP_FAULT:
        return _probe_settles_ms(key, settings)
    if key.cause is Cause.SIGNAL_LOW:
        return _ms(settings.signal.delay_s)
    if key.cause is Cause.THERMOSTAT_INEFFECTIVE:
        return _ms(settings.thermostat.alarm_after_s or 0)
    if key.probe is not None and key.cause in LIMITS:
        return _ms(settings.probe(key.probe).delay_s)
    if key.probe is not None and key.cause is Cause.INPUT:
        return _ms(settings.input_at(key.probe).delay_s)
    return 0


def clear_after_ms(key: Key, settings: DeviceSettings) -> int:
    """Return for how many milliseconds the trouble must be over."""
    if key.cause is Cause.MAINS_LOST:
        return _ms(settings.restore_delay_s)
    if key.cause is Cause.TEMP_FAULT:
        return _probe_settles_ms(key, settings)
    if key.cause is Cause.SIGNAL_LOW:
        return _ms(settings.signal.delay_s)
    return 0


def limit_of(key: Key, settings: DeviceSettings, rate: float | None = None) -> float | None:
    """Return the one number that this is judged by, None where there is none or it takes more than one.

    What changes at `rate` is judged by the limit of its direction, which is negative where it falls.
    """
    if key.cause is Cause.CREDIT_LOW:
        return settings.credit.low
    if key.cause is Cause.SIGNAL_LOW:
        limits = [each for each in (settings.signal.low_pct, settings.signal.low_dbm) if each is not None]
        return limits[0] if len(limits) == 1 else None
    if key.probe is None or key.cause not in LIMITS:
        return None
    probe = settings.probe(key.probe)
    if key.cause is not Cause.TEMP_RATE:
        return probe.high_c if key.cause is Cause.TEMP_HIGH else probe.low_c
    if rate is None:
        return None
    return probe.rise_c_per_h if rate > 0 else _negative(probe.fall_c_per_h)


def is_beyond(key: Key, value: float | None, limit: float | None) -> bool:
    """Return whether a value is on the wrong side of a limit, of those that `limit_of` gives; an unknown one is not.

    Of a temperature that changes the value is its rate: what would not have calmed down is beyond.
    """
    if value is None or limit is None:
        return False
    if key.cause is Cause.TEMP_RATE:
        return value > limit * CALM if limit > 0 else value < limit * CALM
    return value > limit if key.cause is Cause.TEMP_HIGH else value < limit


def has_no_rule(key: Key, settings: DeviceSettings) -> bool:
    """Return whether the settings no longer ask for what this is judged by."""
    match key.cause:
        case Cause.BATTERY_LOW:
            return not settings.battery_low_pct
        case Cause.SIGNAL_LOW:
            return not settings.signal.is_watched
        case Cause.CREDIT_LOW:
            return limit_of(key, settings) is None
        case Cause.THERMOSTAT_INEFFECTIVE:
            return not settings.thermostat.is_watched
    if key.probe is None or key.cause not in LIMITS:
        return False
    if key.cause is Cause.TEMP_RATE:
        return not settings.probe(key.probe).watches_rate
    return limit_of(key, settings) is None


def _probe_settles_ms(key: Key, settings: DeviceSettings) -> int:
    delay_s = PROBE_SETTLES_S if key.probe is None else settings.probe(key.probe).delay_s
    return _ms(min(delay_s, PROBE_SETTLES_S))


def _negative(number: float | None) -> float | None:
    return None if number is None else -number


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)
