"""What Home Assistant is told of a socket: which parts it has (MQTT discovery of a device) and how they are. Pure.

Every part reads the same message about the socket, each its own field of it; what is not known there is null, and shown
as unknown. The schema is that of Home Assistant 2024.12 and newer (`homeassistant/device/…/config`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker_bridge import home_topics
from isocket.domain.device_models import DeviceModel, as_it_reports, model_of
from isocket.domain.devices import Device
from isocket.domain.homes import Home
from isocket.domain.reports import DeviceState
from isocket.domain.settings import DeviceSettings, PartKind, part_name

ON, OFF, PRESS = "ON", "OFF", "PRESS"
MAKER = "iSocket"
_COMMANDS = {
    ("relay", ON): "on",
    ("relay", OFF): "off",
    ("aux", ON): "aux_on",
    ("aux", OFF): "aux_off",
    ("armed", ON): "arm",
    ("armed", OFF): "disarm",
    ("restart", PRESS): "restart",
}
PARTS = frozenset(part for part, _ in _COMMANDS)
"""What can be switched from a home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """A socket as far as it concerns its owner. `state`: what it said since it is theirs, None for nothing."""

    device: Device
    state: DeviceState | None
    alarmed: bool  # an incident of it is not over
    now: datetime

    @property
    def model(self) -> DeviceModel:
        """Return what it has: more may be plugged in than it is sold with."""
        return as_it_reports(model_of(self.device.model), self.fields)

    @property
    def fields(self) -> Mapping[str, Any]:
        """Return what it said last of each thing; what is of another owner's time is nothing."""
        state, freed_at = self.state, self.device.freed_at
        if state is None or (freed_at is not None and state.at < freed_at):
            return {}
        return state.fields

    @property
    def online(self) -> bool:
        """Return whether it is connected, and was heard within the time after which it counts as offline."""
        if self.state is None or not self.state.online:
            return False
        patience = timedelta(seconds=DeviceSettings.of(self.device.desired).offline_after_s)
        return self.now - self.state.received_at < patience

    @property
    def probes(self) -> int:
        """Return how many thermometers it has: more may be plugged in than it is sold with."""
        return max(self.model.probes, len(self.fields.get("temp_c") or ()))


def command_of(part: str, payload: str) -> str | None:
    """Return the command that a wish means, None for what is none."""
    return _COMMANDS.get((part, payload))


def announcement(home: Home, socket: Socket, *, public_url: str) -> dict[str, Any]:
    """Return how a socket is announced to a home."""
    device = socket.device
    heard = home_topics.state(home.id, device.id)
    about: dict[str, Any] = {
        "identifiers": [device.id],
        "name": device.called,
        "manufacturer": MAKER,
        "model": device.model,
        "serial_number": device.id,
        "configuration_url": f"{public_url}/devices/{device.id}",
    }
    if socket.fields.get("fw"):
        about["sw_version"] = socket.fields["fw"]
    parts = {key: {"unique_id": f"{device.id}_{key}", **part} for key, part in _parts(home, socket)}
    return {
        "device": about,
        "origin": {"name": "iSocket Cloud", "support_url": public_url},
        "state_topic": heard,
        "availability": [{"topic": heard, "value_template": "{{ 'online' if value_json.online else 'offline' }}"}],
        "components": parts,
    }


def condition(socket: Socket) -> dict[str, Any]:
    """Return how a socket is. Lists are as long as the announcement says, whatever the socket told."""
    told, settings = socket.fields, DeviceSettings.of(socket.device.desired)
    inputs = _padded(told.get("input"), socket.model.inputs)
    return {
        "online": socket.online,
        "problem": _on_off(socket.alarmed),
        "relay": _on_off(told.get("relay")),
        "aux": _on_off(told.get("aux")),
        "armed": _on_off(told.get("armed")),
        "mains": _on_off(told.get("mains")),
        "charging": _on_off(told.get("charging")),
        "battery": told.get("battery_pct"),
        "signal": told.get("signal_pct"),
        "signal_dbm": told.get("signal_dbm"),
        "temp": _padded(told.get("temp_c"), socket.probes),
        "input": [
            None if each is None else _on_off(each != settings.input_at(number).resting)
            for number, each in enumerate(inputs)
        ],
    }


def _parts(home: Home, socket: Socket) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "relay", _switch(home, socket, "relay", "Output", device_class="outlet")
    if socket.model.aux:
        yield "aux", _switch(home, socket, "aux", "Second output")
    if socket.model.inputs:
        yield "armed", _switch(home, socket, "armed", "Inputs armed")
    if home.control:
        yield (
            "restart",
            {
                "platform": "button",
                "name": "Off and on again",
                "device_class": "restart",
                "command_topic": home_topics.wish(home.id, socket.device.id, "restart"),
                "payload_press": PRESS,
            },
        )
    yield "mains", _sees("mains", "Mains power", device_class="power")
    yield "problem", _sees("problem", "Alarm", device_class="problem")
    for number in range(socket.model.inputs):
        called = part_name(socket.device.part_names, PartKind.INPUT, number)
        name = called or _numbered("Input", number, socket.model.inputs)
        yield f"input_{number}", _sees(f"input[{number}]", name)
    for number in range(socket.probes):
        called = part_name(socket.device.part_names, PartKind.PROBE, number)
        name = called or _numbered("Temperature", number, socket.probes)
        yield f"temp_{number}", _measures(f"temp[{number}]", name, "temperature", "°C")
    yield "battery", _measures("battery", "Battery", "battery", "%", diagnostic=True)
    yield "charging", {**_sees("charging", "Charging", device_class="battery_charging"), **_DIAGNOSTIC}
    if socket.fields.get("signal_pct") is not None:
        yield "signal", _measures("signal", "Signal", None, "%", diagnostic=True)
    if socket.fields.get("signal_dbm") is not None:
        yield "signal_dbm", _measures("signal_dbm", "Signal strength", "signal_strength", "dBm", diagnostic=True)


_DIAGNOSTIC = {"entity_category": "diagnostic"}


def _switch(home: Home, socket: Socket, part: str, name: str, device_class: str | None = None) -> dict[str, Any]:
    """Return something that can be switched; for a home that only looks, something that is seen."""
    if not home.control:
        return _sees(part, name)
    return {
        "platform": "switch",
        "name": name,
        **({"device_class": device_class} if device_class else {}),
        "command_topic": home_topics.wish(home.id, socket.device.id, part),
        "payload_on": ON,
        "payload_off": OFF,
        "value_template": _read(part),
    }


def _sees(field: str, name: str, device_class: str | None = None) -> dict[str, Any]:
    return {
        "platform": "binary_sensor",
        "name": name,
        **({"device_class": device_class} if device_class else {}),
        "payload_on": ON,
        "payload_off": OFF,
        "value_template": _read(field),
    }


def _measures(
    field: str, name: str, device_class: str | None, unit: str, *, diagnostic: bool = False
) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        **({"device_class": device_class} if device_class else {}),
        "state_class": "measurement",
        "unit_of_measurement": unit,
        **(_DIAGNOSTIC if diagnostic else {}),
        "value_template": _read(field),
    }


def _read(field: str) -> str:
    return f"{{{{ value_json.{field} }}}}"


def _numbered(name: str, number: int, count: int) -> str:
    return name if count == 1 else f"{name} {number + 1}"


def _on_off(value: bool | None) -> str | None:
    return None if value is None else ON if value else OFF


def _padded(values: Sequence[Any] | None, length: int) -> list[Any]:
    told = list(values or ())
    return told + [None] * (length - len(told))
