"""The envelope of a device: as long as its state reports stay inside, no rule could decide anything."""

from alerts.rules.heating import has_output_on
from alerts.rules.memory import Memory
from isocket.domain.reports import DeviceState, Envelope, Watched
from isocket.domain.settings import DeviceSettings

NO_BATTERY_LIMIT_PCT = -1.0  # below any charge


def envelope_of(settings: DeviceSettings, memory: Memory, state: DeviceState | None) -> Envelope | None:
    """Return the ranges in which a state report is no news; None when every report is.

    Nothing is quiet while something is open, a delay runs or the boot number seems to go back, nor where it is watched
    how fast a temperature changes or the thermostat has the output on: those rules must hear every reading. A
    thermometer that never gave a value is quiet while it is missing: its first value must be seen, since from then on
    its absence is a fault.
    """
    fields = {} if state is None else state.fields
    if memory.conditions or memory.descent.fresh or any(each.watches_rate for each in settings.temp):
        return None
    if settings.thermostat.is_watched and has_output_on(fields):
        return None
    probes = max(len(settings.temp), len(fields.get("temp_c") or ()))
    inputs = max(len(settings.input), len(fields.get("input") or ()))
    return Envelope(
        battery_low_pct=max(settings.battery_low_pct, default=NO_BATTERY_LIMIT_PCT),
        temp_c=tuple(_bounds(each, settings, memory) for each in range(probes)),
        inputs=tuple(settings.input_at(each).resting for each in range(inputs)),
        watched=_watched(settings),
    )


def _watched(settings: DeviceSettings) -> Watched | None:
    """Return what this device is watched for beyond what all are, None for nothing."""
    watched = Watched(
        signal_pct=settings.signal.low_pct,
        signal_dbm=settings.signal.low_dbm,
        credit=settings.credit.low is not None,
        thermostat=settings.thermostat.is_watched,
    )
    return None if watched == Watched() else watched


def _bounds(probe: int, settings: DeviceSettings, memory: Memory) -> tuple[float | None, float | None] | None:
    """Return the limits of a probe that is there, None for one that never was."""
    if probe not in memory.proven and not settings.needs_probe(probe):
        return None
    limits, thermostat = settings.probe(probe), settings.thermostat
    low, high = limits.low_c, limits.high_c
    if probe or not thermostat.is_watched:
        return low, high
    if thermostat.mode == "heat":  # below this warmth is demanded, and it is judged whether any comes
        return thermostat.on_c if low is None else max(low, thermostat.on_c), high
    return low, thermostat.on_c if high is None else min(high, thermostat.on_c)
