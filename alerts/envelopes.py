"""The envelope of a device: as long as its state reports stay inside, no rule could decide anything."""

from alerts.rules.memory import Memory
from isocket.domain.reports import DeviceState, Envelope
from isocket.domain.settings import DeviceSettings

NO_BATTERY_LIMIT_PCT = -1.0  # below any charge


def envelope_of(settings: DeviceSettings, memory: Memory, state: DeviceState | None) -> Envelope | None:
    """Return the ranges in which a state report is no news; None when every report is.

    Nothing is quiet while something is open, a delay runs or the boot number seems to go back. A thermometer that
    never gave a value is quiet while it is missing: its first value must be seen, since from then on its absence is
    a fault.
    """
    if memory.conditions or memory.descent.fresh:
        return None
    fields = {} if state is None else state.fields
    probes = max(len(settings.temp), len(fields.get("temp_c") or ()))
    inputs = max(len(settings.input), len(fields.get("input") or ()))
    return Envelope(
        battery_low_pct=max(settings.battery_low_pct, default=NO_BATTERY_LIMIT_PCT),
        temp_c=tuple(_bounds(each, settings, memory) for each in range(probes)),
        inputs=tuple(settings.input_at(each).resting for each in range(inputs)),
    )


def _bounds(probe: int, settings: DeviceSettings, memory: Memory) -> tuple[float | None, float | None] | None:
    """Return the limits of a probe that is there, None for one that never was."""
    if probe >= len(settings.temp) and probe not in memory.proven:
        return None
    limits = settings.probe(probe)
    return limits.low_c, limits.high_c
