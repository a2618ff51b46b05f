"""The envelope of a device: as long as its state reports stay inside, no rule could decide anything."""

from alerts.rules.memory import Memory
from isocket.domain.reports import DeviceState, Envelope
from isocket.domain.settings import DeviceSettings

NO_BATTERY_LIMIT_PCT = -1.0  # below any charge


def envelope_of(settings: DeviceSettings, memory: Memory, state: DeviceState | None) -> Envelope | None:
    """Return the ranges in which a state report is no news; None when every report is.

    Nothing is quiet while something is open or a delay runs. Thermometers are covered from the first up to the
    one that never gave a value: its first value must be seen, since from then on its absence is a fault.
    """
    if memory.conditions:
        return None
    fields = {} if state is None else state.fields
    probes = max(len(settings.temp), len(fields.get("temp_c") or ()))
    covered = next((each for each in range(probes) if not _is_known(each, settings, memory)), probes)
    inputs = max(len(settings.input), len(fields.get("input") or ()))
    limits = [settings.probe(each) for each in range(covered)]
    return Envelope(
        battery_low_pct=max(settings.battery_low_pct, default=NO_BATTERY_LIMIT_PCT),
        temp_c=tuple((each.low_c, each.high_c) for each in limits),
        inputs=tuple(settings.input_at(each).resting for each in range(inputs)),
    )


def _is_known(probe: int, settings: DeviceSettings, memory: Memory) -> bool:
    return probe < len(settings.temp) or probe in memory.proven
