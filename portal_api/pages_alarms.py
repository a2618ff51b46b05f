"""What is an alarm at one socket and how much it matters, and what last month would have been like so: two pages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import get_args

from aiohttp import web
from pydantic import ConfigDict

from isocket.domain.device_models import model_of
from isocket.domain.devices import Device
from portal_api import device_settings, replays
from portal_api.owned import own_device
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.pages_typed import number_of, shown_number
from portal_api.pages_words import CAUSES, SEVERITIES, note, reason_in_words, word_for
from portal_api.problem import FieldFault, Problem, ProblemError
from portal_api.rendering import lasting, refused, shown
from portal_api.replays import LONGEST, NewReplay, ReplayedIncident, ReplayView
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.settings_models import AlarmCause, Settings, SettingsChange, whole_settings

_MINUTE_S = 60
_IN_MINUTES = frozenset({"repeat_s.critical", "repeat_s.major", "repeat_s.minor", "thermostat.alarm_after_s"})
_FIELDS = (
    *sorted(_IN_MINUTES), "thermostat.on_c", "thermostat.off_c", "signal.low_pct", "signal.low_dbm", "credit.low",
)  # fmt: skip
_RANGES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(_IN_MINUTES, "From 5 minutes to 7 days, or nothing."),
        "thermostat.alarm_after_s": "From 10 minutes to 7 days, or nothing.",
    }
)
"""What is typed in minutes is refused in minutes."""


class AlarmsForm(Form):
    """Settings as typed, by their names in the API: `severities.offline`, `repeat_s.major`, `signal.low_pct`."""

    model_config = ConfigDict(extra="allow")

    replay: str = TYPED  # the button that asks instead of saving

    def typed(self, name: str) -> str:
        """Return what was typed into a field, "" for nothing."""
        value = (self.model_extra or {}).get(name)
        return value.strip() if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldBe:
    """An incident that would have been, in words."""

    incident: ReplayedIncident
    what: str
    lasted: str
    told: str


async def show(call: Call[None, None]) -> web.Response:
    """Show what is an alarm at one socket."""
    device = await own_device(call)
    said = note(call.request.query.get("said"))
    return shown(call, "alarms.html", {**_words(device, _as_typed(_whole(device))), "note": said})


async def change(call: Call[AlarmsForm, None]) -> web.Response:
    """Save it, or ask what the last month would have been like so; then nothing is changed."""
    device, form = await own_device(call), call.body
    values = _wanted(device, form)
    try:
        answer = await (_ask if form.replay else _save)(call, values)
    except ProblemError as error:
        answer = error.problem
    if not isinstance(answer, Problem):
        return answer
    typed = {name: form.typed(name) for name in (*_FIELDS, *_severity_fields(), "thermostat.enabled")}
    return refused(call, "alarms.html", _in_typed_fields(answer), _words(device, typed))


async def show_replay(call: Call[None, None]) -> web.Response:
    """Show what the past would have been like; until the answer is there the page asks again by itself."""
    device, found = await own_device(call), await replays.show(with_body(call, None))
    if isinstance(found, Problem):
        raise ProblemError(found)
    told = [each for each in found.incidents if each.told is not None]
    words = {
        "device": device,
        "where": device.called,
        "replay": found,
        "incidents": [_would_be(each, found) for each in found.incidents],
        "told": len(told),
        "severities": SEVERITIES,
        "problem_words": _FAILED.get(found.error, found.error),
    }
    return shown(call, "replay.html", words)


_FAILED: Mapping[str, str] = MappingProxyType(
    {
        "too_many_reports": "This socket reported too often for a whole month: ask for less time by the API.",
        "broke_off": "It broke off on our side. Please ask again.",
    }
)


async def _save(call: Call[AlarmsForm, None], values: Mapping[str, object]) -> web.Response | Problem:
    wish = checked(SettingsChange, **values)
    if isinstance(wish, Problem):
        return wish
    await device_settings.change(with_body(call, wish))
    return go_to(f"/devices/{call.path['device_id']}/alarms?said=saved")


async def _ask(call: Call[AlarmsForm, None], values: Mapping[str, object]) -> web.Response | Problem:
    now = call.clock.now()
    wish = checked(NewReplay, **{"from": now - LONGEST, "to": now, "settings": values})
    answer = wish if isinstance(wish, Problem) else await replays.ask(with_body(call, wish))
    if isinstance(answer, Problem):
        return answer
    return go_to(f"/devices/{call.path['device_id']}/replay/{answer.id}")


def _whole(device: Device) -> Settings:
    return whole_settings(device.desired, model_of(device.model), device.part_names)


def _words(device: Device, typed: Mapping[str, str]) -> dict[str, object]:
    return {
        "device": device,
        "where": device.called,
        "typed": typed,
        "causes": {cause: CAUSES[cause] for cause in get_args(AlarmCause)},
        "severities": {"": "as usual", **SEVERITIES},
        "has_thermometer": bool(_whole(device).temp),
        "days": LONGEST // timedelta(days=1),
    }


def _severity_fields() -> tuple[str, ...]:
    return tuple(f"severities.{cause}" for cause in get_args(AlarmCause))


def _as_typed(settings: Settings) -> Mapping[str, str]:
    """Return the settings as the fields of the form show them."""
    typed: dict[str, str] = {f"severities.{cause}": level for cause, level in settings.severities.items()}
    for name in _FIELDS:
        group, _, key = name.partition(".")
        value = getattr(getattr(settings, group), key)
        typed[name] = shown_number(value / _MINUTE_S if name in _IN_MINUTES and value is not None else value)
    return {**dict.fromkeys(_severity_fields(), ""), **typed, "thermostat.enabled": _ticked(settings)}


def _ticked(settings: Settings) -> str:
    return "on" if settings.thermostat.enabled else ""


def _wanted(device: Device, form: AlarmsForm) -> dict[str, object]:
    """Return the change of settings that a form asks for; what it does not show stays as it is."""
    groups: dict[str, dict[str, object]] = {"repeat_s": {}, "signal": {}, "credit": {}, "thermostat": {}}
    for name in _FIELDS:
        group, _, key = name.partition(".")
        value = number_of(form.typed(name))
        groups[group][key] = value * _MINUTE_S if name in _IN_MINUTES and isinstance(value, float) else value
    groups["thermostat"]["enabled"] = form.typed("thermostat.enabled") == "on"
    if not _whole(device).temp:
        del groups["thermostat"]
    chosen = {name.partition(".")[2]: form.typed(name) for name in _severity_fields()}
    return {**groups, "severities": {cause: level for cause, level in chosen.items() if level}}


def _in_typed_fields(problem: Problem) -> Problem:
    """Return the problem with the fields and in the units that the form has."""
    errors = []
    for each in problem.errors:
        name = each.field.removeprefix("settings.")
        errors.append(FieldFault(field=name, message=_RANGES.get(name, each.message)))
    return replace(problem, errors=tuple(errors))


def _would_be(incident: ReplayedIncident, replay: ReplayView) -> WouldBe:
    about = f": {word_for(CAUSES, incident.about).lower()}" if incident.about else ""
    part = f" ({incident.probe + 1})" if incident.probe is not None else ""
    until = incident.ended or replay.end
    lasted = lasting((until - incident.began).total_seconds())
    return WouldBe(
        incident=incident,
        what=f"{word_for(CAUSES, incident.cause)}{about}{part}",
        lasted=lasted if incident.ended else f"{lasted}, and still at the end",
        told="people would have been told" if incident.told else f"nobody: {reason_in_words(incident.reason)}",
    )


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/devices/{device_id}/alarms", handler=show, summary="Show what is an alarm"),
    PageRoute(
        method="POST",
        path="/devices/{device_id}/alarms",
        handler=change,
        summary="Change what is an alarm, or ask what last month would have been like",
        body=AlarmsForm,
    ),
    PageRoute(
        method="GET",
        path="/devices/{device_id}/replay/{replay_id}",
        handler=show_replay,
        summary="Show what the past would have been like",
    ),
)
