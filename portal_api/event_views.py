"""What events say: how a socket is, what is wrong, what became of a command."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.commands import Command
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.domain.reports import DeviceState
from isocket.storage.port import one_of
from portal_api.commands import state_of
from portal_api.devices import hears_sockets, is_online
from portal_api.event_stream import Event, Kind
from portal_api.models import Instant, View
from portal_api.portal import Portal


class StateEvent(View):
    """A socket as it is now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "device_id": "is7k2m9q4xw1",
                    "online": True,
                    "last_seen": "2026-11-22T12:30:00.000Z",
                    "state": {"relay": True, "mains": True, "battery_pct": 96, "temp_c": [21.5, None]},
                    "state_at": "2026-11-22T12:30:00.000Z",
                    "clock": "device",
                }
            ]
        }
    )

    device_id: str
    online: bool
    last_seen: Instant
    state: dict[str, Any] = Field(description="Each field of the state report as last heard.")
    state_at: Instant | None
    clock: str | None


class IncidentEvent(View):
    """An incident that began, was taken, let go or ended. `GET /incidents/{id}` has its timeline."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "inc_q3mzv6t2cs5hd4yofn7ab2k3xe",
                    "device_id": "is7k2m9q4xw1",
                    "cause": "mains_lost",
                    "about": None,
                    "probe": None,
                    "severity": "critical",
                    "state": "open",
                    "test": False,
                    "value": None,
                    "opened_at": "2026-11-22T12:00:00.000Z",
                    "acknowledged_at": None,
                    "closed_at": None,
                }
            ]
        }
    )

    id: str
    device_id: str | None = Field(description="Null where it is a matter of the whole account.")
    cause: Cause
    about: Cause | None
    probe: int | None
    severity: Severity
    state: IncidentState
    test: bool
    value: float | None
    opened_at: Instant
    acknowledged_at: Instant | None
    closed_at: Instant | None


async def state_events(portal: Portal, device_ids: Sequence[str]) -> list[Event]:
    """Return how those of the devices are now that ever spoke."""
    if not device_ids:
        return []
    states = await portal.telemetry.latest(device_ids)
    devices = {each.id: each for each in await portal.records.find(Device, one_of("id", list(states)))}
    hears = await hears_sockets(portal)
    return [_state_event(portal, devices[each], states[each], hears=hears) for each in states if each in devices]


def _state_event(portal: Portal, device: Device, state: DeviceState, *, hears: bool) -> Event:
    told = bool(state.fields)  # connected is not yet a state report
    view = StateEvent(
        device_id=device.id,
        online=hears and is_online(portal, device, state),
        last_seen=state.received_at,
        state=dict(state.fields),
        state_at=state.at if told else None,
        clock=state.clock.value if told else None,
    )
    return Event(kind=Kind.STATE, key=device.id, device_id=device.id, data=view.model_dump_json().encode())


def incident_event(incident: Incident) -> Event:
    """Return what there is to say of an incident."""
    view = IncidentEvent(
        id=incident.id,
        device_id=incident.device_id or None,
        cause=incident.cause,
        about=incident.about,
        probe=incident.probe,
        severity=incident.severity,
        state=incident.state,
        test=incident.test,
        value=incident.value,
        opened_at=incident.opened_at,
        acknowledged_at=incident.acknowledged_at,
        closed_at=incident.closed_at,
    )
    data = view.model_dump_json().encode()
    return Event(kind=Kind.INCIDENT, key=incident.id, device_id=incident.device_id, data=data)


def command_event(command: Command, now: datetime) -> Event:
    """Return what there is to say of a command."""
    data = state_of(command, now).model_dump_json().encode()
    return Event(kind=Kind.COMMAND, key=command.id, device_id=command.device_id, data=data)


def reset_data() -> bytes:
    """Return what a listener is told who cannot be told all that was missed."""
    return b'{"detail":"Too much was missed: ask for everything anew, then go on from here."}'
