"""What one socket can be set to and told: what its model has, and what it reports besides.

Until a socket has said anything nobody knows what is plugged into it: it is asked, and says itself what it cannot do.
"""

from dataclasses import replace

from isocket.domain.device_models import DeviceModel, as_it_reports, model_of
from isocket.domain.devices import Device
from isocket.storage.telemetry import Telemetry


async def abilities_of(telemetry: Telemetry, device: Device) -> DeviceModel:
    """Return what this socket has."""
    model, latest = model_of(device.model), (await telemetry.latest([device.id])).get(device.id)
    if latest is None:
        return replace(model, inputs=max(model.inputs, 1), aux=True)
    return as_it_reports(model, latest.fields)
