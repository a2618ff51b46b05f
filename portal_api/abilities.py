"""What one socket can be set to and told: what its model has, and what it reports besides."""

from isocket.domain.device_models import DeviceModel, as_it_reports, model_of
from isocket.domain.devices import Device
from isocket.storage.telemetry import Telemetry


async def abilities_of(telemetry: Telemetry, device: Device) -> DeviceModel:
    """Return what this socket has."""
    latest = await telemetry.latest([device.id])
    return as_it_reports(model_of(device.model), latest[device.id].fields if device.id in latest else {})
