"""The thermostat and the weekly schedule of a socket, as a page of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from pydantic import ConfigDict

from isocket.domain.device_models import ARMING, AUX, INTERRUPTING, TIMED, model_of
from isocket.domain.devices import Device
from isocket.storage.abilities import abilities_of
from portal_api import device_settings
from portal_api.owned import own_device
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.pages_forms import whole as whole_number
from portal_api.pages_typed import number_of
from portal_api.pages_words import COMMANDS, note
from portal_api.problem import FieldFault, Problem, ProblemError
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.settings_models import SettingsChange, whole_settings
from portal_api.zone_names import zones

MODES: Mapping[str, str] = {"heat": "to heat: on below, off above", "cool": "to cool: on above, off below"}
FREE_ROWS = 2  # to add to what there is
_NOT_BY_CLOCK = frozenset({"status", "credit"})


class ScheduleForm(Form):
    """The thermostat, and rules that come as `schedule.0.at`, as many as there are; one without a time is left out."""

    model_config = ConfigDict(extra="allow")

    enabled: str = TYPED
    mode: str = TYPED
    on_c: str = TYPED
    off_c: str = TYPED
    time_zone: str = TYPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule as typed."""

    at: str = ""
    days: str = ""
    name: str = "on"
    seconds: str = ""


async def show(call: Call[None, None]) -> web.Response:
    """Show the thermostat and the schedule."""
    device = await own_device(call)
    said = note(call.request.query.get("said"))
    words = await _words(call, device, _as_typed(device, call.account.time_zone))
    return shown(call, "schedule.html", {**words, "note": said})


async def save(call: Call[ScheduleForm, None]) -> web.Response:
    """Change both."""
    device, typed = await own_device(call), _typed(call.body)
    wish = checked(SettingsChange, **_wanted(call.body, typed["rows"]))
    try:
        if not isinstance(wish, Problem):
            await device_settings.change(with_body(call, wish))
            return go_to(f"/devices/{device.id}/schedule?said=saved")
        problem = wish
    except ProblemError as error:
        problem = error.problem
    return refused(call, "schedule.html", _by_row(problem, typed["rows"]), await _words(call, device, typed))


async def _words(call: Call[Any, Any], device: Device, typed: Mapping[str, Any]) -> Mapping[str, object]:
    model = await abilities_of(call.portal.telemetry, device)
    lacking = _NOT_BY_CLOCK | (frozenset() if model.aux else AUX) | (frozenset() if model.inputs else ARMING)
    lacking -= {each.name for each in typed["rows"]}  # a browser takes the first of a list for what is not in it
    return {
        "device": device,
        "name": device.called_by(call.account.id),
        "typed": typed,
        "rows": typed["rows"],
        "commands": {name: words for name, words in COMMANDS.items() if name not in lacking},
        "modes": MODES,
        "zones": zones(),
        "next": device_settings.next_run_of(device, call.clock.now()),
        "most": model.schedule_rules,
        "words_of": COMMANDS,
    }


def _as_typed(device: Device, time_zone: str) -> dict[str, Any]:
    whole = whole_settings(device.desired, model_of(device.model))
    thermostat = whole.thermostat
    rows = [
        Row(at=each.at, days=each.days, name=each.name, seconds=str(each.args.get("seconds", "")))
        for each in whole.schedule
    ]
    return {
        "enabled": thermostat.enabled,
        "mode": thermostat.mode,
        "on_c": f"{thermostat.on_c:g}",
        "off_c": f"{thermostat.off_c:g}",
        "time_zone": whole.time_zone or time_zone,
        "rows": [*rows, *([Row()] * FREE_ROWS)],
    }


def _typed(form: ScheduleForm) -> dict[str, Any]:
    more = form.model_extra or {}
    rows, number = [], 0
    while (at := more.get(f"schedule.{number}.at")) is not None:
        said = {name: str(more.get(f"schedule.{number}.{name}") or "").strip() for name in ("days", "name", "seconds")}
        rows.append(Row(at=str(at).strip(), **said))
        number += 1
    return {**form.model_dump(include=set(ScheduleForm.model_fields)), "rows": rows}


def _wanted(form: ScheduleForm, rows: list[Row]) -> dict[str, object]:
    thermostat = {
        "enabled": bool(form.enabled),
        "mode": form.mode,
        "on_c": number_of(form.on_c),
        "off_c": number_of(form.off_c),
    }
    return {
        "thermostat": {name: value for name, value in thermostat.items() if value not in {None, ""}},
        "schedule": [_rule(each) for each in rows if each.at],
        **({"time_zone": form.time_zone} if form.time_zone else {}),
    }


def _rule(row: Row) -> dict[str, object]:
    rule: dict[str, object] = {"at": row.at, "name": row.name, "args": {}}
    if row.days:
        rule["days"] = row.days
    if row.name in TIMED | INTERRUPTING and row.seconds:
        rule["args"] = {"seconds": whole_number(row.seconds)}
    return rule


def _by_row(problem: Problem, rows: list[Row]) -> Problem:
    """Return the problem with the fields of the form: rows without a time are none of the rules."""
    numbers = [number for number, row in enumerate(rows) if row.at]
    errors = tuple(FieldFault(field=_of_form(each.field, numbers), message=each.message) for each in problem.errors)
    return replace(problem, errors=errors)


def _of_form(field: str, numbers: list[int]) -> str:
    kind, _, rest = field.partition(".")
    if kind == "thermostat":
        return rest or "on_c"
    number, _, name = rest.partition(".")
    if kind != "schedule" or not number.isdigit() or int(number) >= len(numbers):
        return field
    return f"schedule.{numbers[int(number)]}.{'seconds' if name.startswith('args') else name or 'at'}"


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(
        method="GET",
        path="/devices/{device_id}/schedule",
        handler=show,
        summary="Show the thermostat and the schedule",
    ),
    PageRoute(
        method="POST",
        path="/devices/{device_id}/schedule",
        handler=save,
        summary="Change the thermostat and the schedule",
        body=ScheduleForm,
    ),
)
