"""What a socket is set to: as its owner wants it, and as it says it is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from isocket.domain.api_tokens import Scope
from isocket.domain.commands import COMMAND_NAMES
from isocket.domain.device_models import DeviceModel, model_of, refusal, refusals_of_settings
from isocket.domain.devices import Device
from isocket.domain.schedules import Run, next_run
from isocket.domain.settings import without_names
from isocket.domain.twin import Unlike, differences
from isocket.kit.zones import zone_named
from isocket.storage.abilities import abilities_of
from isocket.storage.port import StoreUnavailableError, is_
from portal_api.models import Body, Instant, View
from portal_api.owned import Need, device_for, own_device
from portal_api.problem import FieldFault, ProblemError, faults, from_validation
from portal_api.routes import AnyRoute, Call, Route
from portal_api.settings_models import (
    Settings,
    SettingsChange,
    ThermostatChange,
    names_in,
    plain,
    whole_settings,
)

_ROUNDS = 8  # against other changes at the same time


class Difference(View):
    """One setting that is not as it is wanted."""

    key: str
    why: Unlike = Field(
        description="`pending`: not confirmed yet; `refused`: the socket does not follow in this; `changed`: it did, "
        "and was set otherwise since, at the socket itself."
    )
    since: Instant | None


class NextRun(View):
    """The next run of the schedule."""

    at: Instant
    number: int = Field(description="Which rule, counted from 0.")
    name: str
    args: dict[str, Any]


class SettingsView(View):
    """Settings of one socket."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "desired": plain(whole_settings({"mains_delay_s": 0}, model_of("isocket-707"))),
                    "reported": {"version": 3, "mains_delay_s": 0},
                    "version": 3,
                    "in_step": True,
                    "differing": [],
                    "next": {"at": "2026-11-23T05:00:00.000Z", "number": 0, "name": "on", "args": {}},
                }
            ]
        }
    )

    desired: Settings = Field(description="Every setting as it is wanted: what was set, over the defaults.")
    reported: dict[str, Any] = Field(description="The settings as the socket last told them; empty: never.")
    version: int = Field(description="Grows with each change of what is wanted.")
    in_step: bool = Field(description="The socket has said that it follows this version.")
    differing: list[Difference] = Field(description="Where the socket is not as it is wanted; empty: nowhere.")
    next: NextRun | None = Field(description="What the schedule does next; null: nothing.")


async def show(call: Call[None, None]) -> SettingsView:
    """Show what a socket is set to. `desired` is whole: what was never set stands there with its default."""
    device = await device_for(call, Need.VIEW)
    return _view(device, await abilities_of(call.portal.telemetry, device), call.clock.now())


async def change(call: Call[SettingsChange, None]) -> SettingsView:
    """Change settings; the socket is told as soon as it can be reached.

    What is absent stays, null sets a key back to its default, a list and `severities` replace the whole;
    of `thermostat`, `signal`, `credit`, `flapping` and `repeat_s` only what is given changes.
    """
    for _ in range(_ROUNDS):
        device = await own_device(call)
        call.demand_match(device.desired_version)
        model = await abilities_of(call.portal.telemetry, device)
        after, touched = merged(device, call.body, call.account.time_zone, model)
        wanted, part_names = to_store(after, touched), names_in(after)
        if wanted == device.desired and part_names == device.part_names:
            await call.portal.telemetry.wake(device.id)  # the first try may have died before it came to this
            return _view(device, model, call.clock.now())
        changed = await call.records.change_one(
            Device,
            is_("id", device.id),
            is_("owner_id", call.account.id),
            is_("desired_version", device.desired_version),
            desired=wanted,
            part_names=part_names,
            desired_version=device.desired_version + 1,
            desired_pending=True,
            desired_at=call.clock.now(),
            unlike={},
        )
        if changed is not None:
            await call.portal.telemetry.wake(device.id)
            return _view(changed, model, call.clock.now())
    raise StoreUnavailableError(f"settings of a device were changed by others {_ROUNDS} times in a row")


def merged(
    device: Device, change: SettingsChange, time_zone: str, model: DeviceModel | None = None
) -> tuple[Settings, set[str]]:
    """Return every setting as it is after a change, and the keys that were ever set.

    A schedule that comes without a time zone, at a device that has none, gets that of its owner. `model`: what the
    socket has, where that may be more than it was sold with.

    Raises:
        ProblemError: 422: the model cannot follow, or two settings contradict each other.
    """
    model = model or model_of(device.model)
    given = {name: getattr(change, name) for name in change.model_fields_set}
    _check(model, change)
    before = whole_settings(device.desired, model, device.part_names)
    wanted = {key: value for key, value in before.model_dump().items() if key in device.desired and key not in given}
    for name, value in given.items():
        if isinstance(value, ThermostatChange):
            given_of_it = value.model_dump(exclude_none=True) | value.model_dump(
                include={"alarm_after_s"} & value.model_fields_set
            )
            wanted[name] = {**before.thermostat.model_dump(), **given_of_it}
        elif isinstance(value, Body):  # a group of settings; a list is no model
            wanted[name] = {**getattr(before, name).model_dump(), **value.model_dump(exclude_unset=True)}
        elif value is not None:
            wanted[name] = change.model_dump(include={name})[name]
    if given.get("schedule") and wanted.get("time_zone") is None:
        wanted["time_zone"] = time_zone
    try:
        after = whole_settings(wanted, model)
    except ValidationError as error:
        raise ProblemError(from_validation(error)) from None
    return after, wanted.keys() | given.keys()


def to_store(after: Settings, touched: set[str]) -> dict[str, Any]:
    """Return what to store and tell the device: the keys that were ever set, each whole, without anybody's words.

    A key that is set back is stored with its default rather than taken out, since a device keeps what it is not
    told otherwise. For the same reason a list is as long as the model has parts.
    """
    return without_names({key: value for key, value in plain(after).items() if key in touched})


def _check(model: DeviceModel, change: SettingsChange) -> None:
    """Refuse what the model cannot do, naming each field."""
    found = [
        FieldFault(field=each.field, message=each.message)
        for each in refusals_of_settings(model, change.model_dump(include={"input", "schedule"}))
    ]
    for number, rule in enumerate(change.schedule or ()):
        if rule.name not in COMMAND_NAMES:
            found.append(FieldFault(field=f"schedule.{number}.name", message="There is no such command."))
        elif refused := refusal(model, rule.name, rule.args):
            found.append(FieldFault(field=f"schedule.{number}.{refused.field}", message=refused.message))
    if found:
        raise ProblemError(faults(found))


def next_run_of(device: Device, now: datetime) -> Run | None:
    """Return what the schedule that is wanted of a device does next."""
    zone = zone_named(device.desired.get("time_zone") or "UTC")
    return next_run(device.desired.get("schedule") or (), zone, now)


def _view(device: Device, model: DeviceModel, now: datetime) -> SettingsView:
    run = next_run_of(device, now)
    return SettingsView(
        desired=whole_settings(device.desired, model, device.part_names),
        reported=dict(device.reported),
        version=device.desired_version,
        in_step=_follows(device.reported, device.desired_version),
        differing=[Difference(key=key, why=why, since=since) for key, why, since in differences(device)],
        next=None if run is None else NextRun(at=run.at, number=run.number, name=run.name, args=dict(run.args)),
    ).of_version(device.desired_version)


def _follows(reported: Mapping[str, Any], version: int) -> bool:
    return bool(reported) and reported.get("version") == version


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/devices/{device_id}/settings",
        handler=show,
        summary="Show the settings of a socket",
        scope=Scope.READ_TELEMETRY,
        answers={200: SettingsView},
    ),
    Route(
        method="PATCH",
        path="/devices/{device_id}/settings",
        handler=change,
        summary="Change settings of a socket",
        scope=Scope.CONTROL,
        body=SettingsChange,
        answers={200: SettingsView},
        conditional=True,
    ),
)
