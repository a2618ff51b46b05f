"""The rule `thermostat_ineffective`: warmth (or cold) is demanded, and for a long time none comes."""

from collections.abc import Mapping
from typing import Any

from alerts.rules.docket import Docket, When
from alerts.rules.memory import MAINS, Key
from alerts.rules.signs import Look
from isocket.domain.incidents import Cause, Why
from isocket.domain.settings import ThermostatSettings

KEY = Key(Cause.THERMOSTAT_INEFFECTIVE)
EFFECT_C = 0.3
"""So far from its worst the temperature must come back: then the heater works, however slowly."""


def hear_thermostat(docket: Docket, fields: Mapping[str, Any], when: When) -> None:
    """Take note of whether the thermostat has an effect.

    `value` of the condition is the worst temperature since the demand began. Without mains nothing can heat, which
    is not the heater's fault: then a delay that runs begins anew, and what is open stays open.
    """
    settings = docket.case.settings.thermostat
    reading = next(iter(fields.get("temp_c") or ()), None)
    if not settings.is_watched or reading is None:
        return
    known, failure = docket.conditions.get(KEY), docket.conditions.get(MAINS)
    if failure is not None and failure.holds:
        docket.look(KEY, Look.BETWEEN, when)
        return
    towards = 1 if settings.mode == "heat" else -1
    worst = reading if known is None or known.value is None else towards * min(towards * known.value, towards * reading)
    has_effect = known is not None and towards * (reading - worst) >= EFFECT_C
    if not _is_demanded(fields, reading, settings):
        docket.end(KEY, when.at_ms, when.heard_ms, Why.OVER if has_effect else Why.NOT_ASKED)
        return
    docket.look(KEY, Look.GOOD if has_effect else Look.BAD, when, reading)
    if not has_effect:
        docket.remember(KEY, worst)


def has_output_on(fields: Mapping[str, Any]) -> bool:
    """Return whether the thermostat has the output on."""
    return fields.get("relay") is True and fields.get("relay_cause") == "thermostat"


def _is_demanded(fields: Mapping[str, Any], reading_c: float, settings: ThermostatSettings) -> bool:
    if has_output_on(fields):
        return True
    return reading_c < settings.on_c if settings.mode == "heat" else reading_c > settings.on_c
