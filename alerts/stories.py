"""Gathers what is told of an incident: the names that its owner gave to the socket and to its probe."""

from alerts.wording import Story
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident
from isocket.domain.settings import DeviceSettings, PartKind, part_name
from isocket.storage.port import Records


async def story_of(records: Records, incident: Incident) -> Story:
    """Return the story of an incident; without names when the socket has another owner by now.

    The words of the new owner are none of these readers' business.
    """
    return told_of(incident, await records.get(Device, incident.device_id))


def told_of(incident: Incident, device: Device | None) -> Story:
    """Return the story of an incident at this device, which may have another owner by now."""
    if device is None or device.owner_id != incident.account_id:
        return Story(incident=incident, device_name=None)
    return Story(
        incident=incident,
        device_name=device.name,
        device_number=device.number,
        probe_name=_probe_name(device, incident),
        is_within=_is_within(device, incident),
    )


def _probe_name(device: Device, incident: Incident) -> str | None:
    if incident.probe is None:
        return None
    kind = PartKind.INPUT if incident.cause is Cause.INPUT else PartKind.PROBE
    return part_name(device.part_names, kind, incident.probe)


def _is_within(device: Device, incident: Incident) -> bool:
    """Whether a temperature is inside its limit again: until it is so by the hysteresis, its alarm lasts."""
    value, number = incident.value, incident.probe
    if value is None or number is None or incident.cause not in {Cause.TEMP_HIGH, Cause.TEMP_LOW}:
        return False
    probe = DeviceSettings.of(device.desired).probe(number)
    if incident.cause is Cause.TEMP_HIGH:
        return probe.high_c is not None and value < probe.high_c
    return probe.low_c is not None and value > probe.low_c
