"""How long a trouble must last before it is one, and how long it must be over before it is over."""

import math

from alerts.rules.memory import Key
from isocket.domain.incidents import Cause
from isocket.domain.settings import DeviceSettings

PROBE_SETTLES_S = 60
"""A probe must be without a value, or give one again, for this long: a plug that is moved is no fault."""


def raise_after_ms(key: Key, settings: DeviceSettings) -> int:
    """Return for how many milliseconds the trouble must hold."""
    if key.cause is Cause.MAINS_LOST:
        return _ms(settings.mains_delay_s)
    if key.cause is Cause.TEMP_FAULT:
        return _ms(PROBE_SETTLES_S)
    if key.probe is not None and key.cause in (Cause.TEMP_HIGH, Cause.TEMP_LOW):
        return _ms(settings.probe(key.probe).delay_s)
    if key.probe is not None and key.cause is Cause.INPUT:
        return _ms(settings.input_at(key.probe).delay_s)
    return 0


def clear_after_ms(key: Key, settings: DeviceSettings) -> int:
    """Return for how many milliseconds the trouble must be over."""
    if key.cause is Cause.MAINS_LOST:
        return _ms(settings.restore_delay_s)
    if key.cause is Cause.TEMP_FAULT:
        return _ms(PROBE_SETTLES_S)
    return 0


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)
