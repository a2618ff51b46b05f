"""What each model of socket has and can be told to do: data, and the one check that reads it.

Sources: the manuals of the iSocket 706/707 (timers in minutes, up to 720) and of the iSocket 3G (timers in seconds,
up to 65,500; restart and pulse 1 to 600 s), and of the 706/707 for the 8 rules of its scheduler. What no manual says
is as wide as the newest model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

LONGEST_TIMER_S = 65_500
SHORTEST_S = 1
MOST_RULES = 32  # of a weekly schedule
LONGEST_INTERRUPTION_S = 600  # restart and pulse, of every model

TIMED = frozenset({"on_for", "off_for"})  # must say for how long
INTERRUPTING = frozenset({"restart", "pulse"})  # may say so, else as the device is set
AUX = frozenset({"aux_on", "aux_off"})
ARMING = frozenset({"arm", "disarm"})
SWITCHING = TIMED | INTERRUPTING | AUX | {"on", "off", "reboot"}
"""What moves something in the physical world, so that it must not come late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceModel:
    """One model. `probes` and `inputs` are those it is sold with; more may be plugged in."""

    name: str
    probes: int = 1
    inputs: int = 1
    aux: bool = True  # a second output, for a small load
    longest_timer_s: int = LONGEST_TIMER_S
    schedule_rules: int = MOST_RULES


MODELS: Mapping[str, DeviceModel] = MappingProxyType(
    {
        each.name: each
        for each in (
            DeviceModel(name="isocket-707", longest_timer_s=720 * 60, schedule_rules=8),
            DeviceModel(name="isocket-3g", inputs=0, aux=False),
            DeviceModel(name="isocket-environment-pro", probes=2, aux=False),
            DeviceModel(name="isocket-4g", probes=2, inputs=2),
        )
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a model cannot carry out a command: which field, and a sentence for people."""

    field: str
    message: str


def model_of(name: str) -> DeviceModel:
    """Return the model of this name; one that is newer than this program can do whatever any can."""
    return MODELS.get(name) or DeviceModel(name=name)


def as_it_reports(model: DeviceModel, fields: Mapping[str, Any]) -> DeviceModel:
    """Return what a socket has, by the fields of its latest state: more may be plugged in than it is sold with."""
    inputs = max(len(fields.get("input") or ()), int(fields.get("armed") is not None))
    return replace(model, inputs=max(model.inputs, inputs), aux=model.aux or fields.get("aux") is not None)


def refusals_of_settings(model: DeviceModel, wanted: Mapping[str, Any]) -> list[Refusal]:
    """Return why `model` cannot be set so, for each field that asks for more than it has."""
    found: list[Refusal] = []
    if wanted.get("input") and not model.inputs:
        found.append(Refusal(field="input", message=f"The {model.name} has no alarm input."))
    if len(wanted.get("schedule") or ()) > model.schedule_rules:
        message = f"The {model.name} keeps {model.schedule_rules} rules at most."
        found.append(Refusal(field=f"schedule.{model.schedule_rules}", message=message))
    return found


def refusal(model: DeviceModel, command: str, args: Mapping[str, Any]) -> Refusal | None:
    """Return why `model` cannot carry out the command with these arguments, None if it can."""
    if command in AUX and not model.aux:
        return Refusal(field="name", message=f"The {model.name} has no second output.")
    if command in ARMING and not model.inputs:
        return Refusal(field="name", message=f"The {model.name} has no alarm input to arm.")
    allowed = {"seconds"} if command in TIMED | INTERRUPTING else set()
    unknown = sorted(args.keys() - allowed)
    if unknown:
        return Refusal(field=f"args.{unknown[0][:80]}", message=f"The command {command} has no such argument.")
    if "seconds" in args:
        return _bad_time(model, command, args["seconds"])
    if command in TIMED:
        return Refusal(field="args.seconds", message=f"Say for how many seconds: {_range(model, command)}.")
    return None


def _bad_time(model: DeviceModel, command: str, seconds: object) -> Refusal | None:
    whole = isinstance(seconds, int) and not isinstance(seconds, bool)
    if whole and SHORTEST_S <= seconds <= _longest_s(model, command):  # type: ignore[operator]  # it is an int here
        return None
    return Refusal(field="args.seconds", message=f"A whole number is needed: {_range(model, command)}.")


def _longest_s(model: DeviceModel, command: str) -> int:
    return LONGEST_INTERRUPTION_S if command in INTERRUPTING else model.longest_timer_s


def _range(model: DeviceModel, command: str) -> str:
    return f"{SHORTEST_S} to {_longest_s(model, command)}"
