"""What a socket's card says: its readings in words, each with how alarming it is. Nothing here asks the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from isocket.domain.commands import Command, CommandStatus
from isocket.domain.credit import CreditState, credit_state
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident
from isocket.domain.settings import DeviceSettings, InputSettings, PartKind, ProbeSettings, part_name
from portal_api.devices import DeviceView
from portal_api.pages_words import CAUSES, COMMAND_STATES, COMMANDS, word_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One thing a socket measures. `tone` is empty, `warn` or `bad`; `level` is 0 to 100 where a bar helps."""

    icon: str
    label: str
    value: str
    tone: str = ""
    level: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A socket as its card shows it. `relay` is None where it has not said."""

    view: DeviceView
    name: str
    readings: tuple[Reading, ...]
    relay: bool | None
    order: "Order | None" = None  # the last one, while it is of interest


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command in words."""

    id: str
    name: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An incident in words."""

    incident: Incident
    where: str  # what the socket is called
    what: str


def card(device: Device, view: DeviceView, order: Order | None = None, *, reader: str) -> Card:
    """Return the card of a socket for an account."""
    relay = view.state.get("relay")
    return Card(
        view=view,
        name=device.called_by(reader),
        readings=tuple(readings(view.state, DeviceSettings.of(device.desired), device.part_names)),
        relay=relay if isinstance(relay, bool) else None,
        order=order,
    )


def order_of(command: Command, now: datetime) -> Order:
    """Return a command in words; one that was never sent and is too late is over, whoever writes that down."""
    over = command.status is CommandStatus.QUEUED and command.expires_at <= now
    state = word_for(COMMAND_STATES, (CommandStatus.EXPIRED if over else command.status).value)
    return Order(
        id=command.id,
        name=word_for(COMMANDS, command.name),
        state=f"{state}: {command.error}" if command.error else state,
        at=command.created_at,
    )


_IN_DEGREES = frozenset({Cause.TEMP_HIGH, Cause.TEMP_LOW, Cause.TEMP_RATE, Cause.THERMOSTAT_INEFFECTIVE})


def trouble(incident: Incident, device: Device | None, *, reader: str) -> Trouble:
    """Return an incident in words for an account: `Too cold (Freezer, 1.5 °C)`."""
    what = word_for(CAUSES, incident.cause.value)
    more = ", ".join(each for each in (_probe_label(incident, device), _measured(incident)) if each)
    called = "A socket you gave up" if device is None else device.called_by(reader)
    where = called if incident.device_id else "Your account"
    return Trouble(incident=incident, where=where, what=f"{what} ({more})" if more else what)


def readings(fields: Mapping[str, Any], settings: DeviceSettings, part_names: str | None = None) -> list[Reading]:
    """Return what the last state report says, the most important first; `part_names` as the device has them."""
    return [
        *_mains(fields.get("mains")),
        *_battery(fields.get("battery_pct"), fields.get("charging"), settings),
        *(
            _probe(value, settings.probe(number), _probe_called(part_names, number))
            for number, value in enumerate(_listed(fields.get("temp_c")))
        ),
        *(
            _input(value, fields.get("armed"), settings.input_at(number), _input_called(part_names, number))
            for number, value in enumerate(_listed(fields.get("input")))
        ),
        *_signal(fields.get("signal_pct")),
        *_credit(fields.get("credit"), settings),
    ]


def _mains(on: object) -> list[Reading]:
    if not isinstance(on, bool):
        return []
    return [Reading(icon="plug", label="Mains", value="on" if on else "out", tone="" if on else "bad")]


def _battery(percent: object, charging: object, settings: DeviceSettings) -> list[Reading]:
    level, marks, tone = _number(percent), settings.battery_low_pct, ""
    if level is None:
        return []
    if marks and level <= max(marks):
        tone = "bad" if level <= min(marks) else "warn"
    more = ", charging" if charging is True else ""
    return [Reading(icon="battery", label="Battery", value=f"{_plain(level)} %{more}", tone=tone, level=level)]


def _probe_called(part_names: str | None, number: int) -> str:
    usual = "Temperature" if number == 0 else f"Temperature {number + 1}"
    return part_name(part_names, PartKind.PROBE, number) or usual


def _input_called(part_names: str | None, number: int) -> str:
    return part_name(part_names, PartKind.INPUT, number) or f"Input {number + 1}"


def _probe(celsius: object, probe: ProbeSettings, label: str) -> Reading:
    value = _number(celsius)
    if value is None:
        return Reading(icon="heat", label=label, value="no reading", tone="warn")
    cold = probe.low_c is not None and value < probe.low_c
    warm = probe.high_c is not None and value > probe.high_c
    return Reading(icon="heat", label=label, value=f"{value:.1f} °C", tone="bad" if cold or warm else "")


def _input(value: object, armed: object, chosen: InputSettings, label: str) -> Reading:
    if value == chosen.resting:
        return Reading(icon="door", label=label, value="at rest" + (", armed" if armed is True else ""))
    return Reading(icon="door", label=label, value="triggered", tone="bad" if armed is True else "warn")


def _signal(percent: object) -> list[Reading]:
    level = _number(percent)
    return [] if level is None else [Reading(icon="signal", label="Signal", value=f"{_plain(level)} %")]


_CREDIT_TONES: Mapping[CreditState, str] = MappingProxyType(
    {CreditState.FINE: "", CreditState.LOW: "bad", CreditState.UNKNOWN: "warn"}
)


def _credit(text: object, settings: DeviceSettings) -> list[Reading]:
    """Return the credit as the card tells it; where it has a limit and is unknown, that is said, for it is not fine."""
    told, low = text if isinstance(text, str) else None, settings.credit.low
    if told is None and low is None:
        return []
    tone = "" if low is None else _CREDIT_TONES[credit_state(told, low)]
    return [Reading(icon="person", label="Credit", value=told or "not known", tone=tone)]


def _probe_label(incident: Incident, device: Device | None) -> str:
    if incident.probe is None or device is None:
        return ""
    if incident.cause is Cause.INPUT:
        return part_name(device.part_names, PartKind.INPUT, incident.probe) or f"input {incident.probe + 1}"
    name = part_name(device.part_names, PartKind.PROBE, incident.probe)
    return name or ("" if incident.probe == 0 else f"thermometer {incident.probe + 1}")


def _measured(incident: Incident) -> str:
    if incident.about is not None:
        return word_for(CAUSES, incident.about.value).lower()
    if incident.value is None:
        return ""
    if incident.cause is Cause.BATTERY_LOW:
        return f"{_plain(incident.value)} %"
    if incident.cause in _IN_DEGREES:
        return f"{incident.value:.1f} °C"
    return ""


def _listed(values: object) -> Sequence[object]:
    return values if isinstance(values, list | tuple) else ()


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _plain(number: float) -> str:
    return f"{number:.0f}" if number == int(number) else f"{number:.1f}"
