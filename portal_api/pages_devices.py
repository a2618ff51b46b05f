"""A socket's own page: its readings, its switch, its settings, its last commands, and messages that were refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web
from pydantic import ConfigDict

from isocket.domain.commands import Command
from isocket.domain.device_models import ARMING, AUX, DeviceModel, as_it_reports, model_of
from isocket.domain.devices import Device, neutral_name
from isocket.domain.problems import Problem as RefusedMessage
from isocket.domain.shares import may
from isocket.storage.port import is_
from portal_api import commands, device_settings, devices, test_alarms
from portal_api.commands import Asker, NewCommand, askers, sees_command
from portal_api.devices import DeviceChange, views_of
from portal_api.owned import Need, Standing, standing_for
from portal_api.pages import go_to, local_path
from portal_api.pages_cards import Order, card, order_of
from portal_api.pages_forms import TYPED, Form, Nothing, checked, whole, with_body
from portal_api.pages_readiness import readiness_words
from portal_api.pages_typed import number_of, shown_number
from portal_api.pages_words import COMMANDS, POWER_ON, TOPICS, note
from portal_api.problem import FieldFault, Problem, ProblemError
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.settings_models import Settings, SettingsChange, whole_settings

SHOWN_COMMANDS = 8
SHOWN_PROBLEMS = 10
SHOWN_PEOPLE = 10  # who would be told, and what is missing; the others are folded
ASKERS = {"owner": "the owner", "guest": "somebody it is shared with", "home_assistant": "Home Assistant"}
BUTTONS = ("status", "restart", "arm", "disarm", "aux_on", "aux_off")
_NUMBERS = ("mains_delay_s", "restore_delay_s", "heartbeat_s")


class CommandForm(Form):
    """A button that tells a socket to do something, and the page to go back to."""

    name: str = TYPED
    back: str = TYPED


class NameForm(Form):
    """What a socket is called and where it is."""

    name: str = TYPED
    place: str = TYPED


class SettingsForm(Form):
    """The main settings; probes come as `temp.0.low_c`, as many as there are."""

    model_config = ConfigDict(extra="allow")

    mains_delay_s: str = TYPED
    restore_delay_s: str = TYPED
    heartbeat_s: str = TYPED
    offline_after: str = TYPED
    battery_low_pct: str = TYPED
    power_on: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show one socket."""
    words = await _words(call, await standing_for(call, Need.VIEW))
    return shown(call, "device.html", {**words, "note": note(call.request.query.get("said"))})


async def order(call: Call[CommandForm, None]) -> web.Response:
    """Store a command for the socket."""
    wish = checked(NewCommand, name=call.body.name)
    answer = wish if isinstance(wish, Problem) else await commands.order(with_body(call, wish))
    if not isinstance(answer, Problem):
        return go_to(local_path(call.body.back))
    plain = replace(answer, detail=answer.errors[0].message, errors=()) if answer.errors else answer
    return refused(call, "device.html", plain, await _words(call, await standing_for(call, Need.OPERATE)))


async def name(call: Call[NameForm, None]) -> web.Response:
    """Change what a socket is called."""
    wish = checked(DeviceChange, name=call.body.name, place=call.body.place)
    answer = wish if isinstance(wish, Problem) else await devices.change(with_body(call, wish))
    if isinstance(answer, Problem):
        words = {**await _words(call, await standing_for(call, Need.OWN)), "naming": call.body}
        return refused(call, "device.html", answer, words)
    return _saved(call)


async def settings(call: Call[SettingsForm, None]) -> web.Response:
    """Change the main settings."""
    standing = await standing_for(call, Need.OWN)
    device = standing.device
    wish = checked(SettingsChange, **_wanted(device, call.body))
    try:
        if not isinstance(wish, Problem):
            await device_settings.change(with_body(call, wish))
            return _saved(call)
        problem = wish
    except ProblemError as error:
        problem = error.problem
    words = {**await _words(call, standing), "typed": _typed(call.body)}
    return refused(call, "device.html", _by_typed_field(problem), words)


async def test_alarm(call: Call[Nothing, None]) -> web.Response:
    """Raise a test alarm, and show what becomes of it."""
    answer = await test_alarms.begin(with_body(call, None))
    if isinstance(answer, Problem):
        return refused(call, "device.html", answer, await _words(call, await standing_for(call, Need.OWN)))
    return go_to(f"/incidents/{answer.incident_id}")


async def give_up(call: Call[Nothing, None]) -> web.Response:
    """Give the socket up."""
    try:
        await devices.release(with_body(call, None))
    except ProblemError as error:
        standing = await standing_for(call, Need.OWN)  # whose it is not is told as of what does not exist
        return refused(call, "device.html", error.problem, await _words(call, standing))
    return go_to("/?said=given-up")


async def _words(call: Call[Any, Any], standing: Standing) -> dict[str, object]:
    device, model = standing.device, model_of(standing.device.model)
    refused_messages = await call.records.find(
        RefusedMessage, is_("device_id", device.id), order_by="at", descending=True, limit=SHOWN_PROBLEMS
    )
    (view,) = await views_of(call.portal, [standing])
    has = as_it_reports(model, view.state)
    people = await readiness_words(call, device) if standing.owns else {"reached": [], "lacks": [], "unheard": ""}
    return {
        "card": card(device, view, reader=call.account.id),
        "mine": standing.owns,
        "most_shown": SHOWN_PEOPLE,
        "may_switch": may(standing.role, Need.OPERATE),
        "until": standing.share.until if standing.share else None,
        "next": device_settings.next_run_of(device, call.clock.now()),
        "words_of": COMMANDS,
        "device": device,
        "naming": NameForm(name=device.name or "", place=device.place or ""),
        "neutral": f"Without a name, or with one that no text can carry, messages say {neutral_name(device.number)}.",
        "live_from": f"/devices/{device.id}",
        "buttons": {each: COMMANDS[each] for each in BUTTONS if _can(has, each)},
        "orders": await _orders(call, standing),
        "refused_messages": refused_messages,
        "topics": TOPICS,
        "typed": _settings_as_typed(whole_settings(device.desired, model, device.part_names)),
        "powers": POWER_ON,
        **people,
        "in_step": device.reported.get("version") == device.desired_version,
    }


async def _orders(call: Call[Any, Any], standing: Standing) -> list[Order]:
    found = await call.records.find(
        Command, is_("device_id", standing.device.id), order_by="created_at", descending=True, limit=SHOWN_COMMANDS
    )
    seen = [each for each in found if sees_command(standing, each)]
    now, who = call.clock.now(), await askers(call, standing, seen)
    return [_with_asker(order_of(each, now), who[each.id]) for each in seen]


def _with_asker(order: Order, asker: Asker) -> Order:
    if asker.by == "you":
        return order
    return replace(order, state=f"{order.state} (by {asker.email or ASKERS[asker.by]})")


def _can(model: DeviceModel, command: str) -> bool:
    if command in ARMING:
        return model.inputs > 0
    return model.aux if command in AUX else True


def _saved(call: Call[Any, Any]) -> web.Response:
    return go_to(f"/devices/{call.path['device_id']}?said=saved")


def _settings_as_typed(whole: Settings) -> Mapping[str, object]:
    """Return the settings as their fields in the form show them."""
    typed: dict[str, object] = {each: f"{getattr(whole, each):g}" for each in _NUMBERS}
    typed |= {
        "offline_after": str(whole.offline_after),
        "battery_low_pct": ", ".join(str(each) for each in whole.battery_low_pct),
        "power_on": whole.power_on,
        "temp": [
            {"name": each.name or "", "low_c": shown_number(each.low_c), "high_c": shown_number(each.high_c)}
            for each in whole.temp
        ],
    }
    return typed


def _typed(form: SettingsForm) -> Mapping[str, object]:
    typed: dict[str, object] = form.model_dump(include=set(SettingsForm.model_fields))
    typed["temp"] = [
        {name: _extra(form, number, name) or "" for name in ("name", "low_c", "high_c")}
        for number in range(_probes(form))
    ]
    return typed


def _wanted(device: Device, form: SettingsForm) -> dict[str, object]:
    """Return the change of settings that a form asks for; what it does not show stays as it is."""
    before = whole_settings(device.desired, model_of(device.model), device.part_names)
    wanted: dict[str, object] = {each: number_of(getattr(form, each)) for each in _NUMBERS}
    wanted["offline_after"] = whole(form.offline_after)
    wanted["battery_low_pct"] = [whole(each) for each in form.battery_low_pct.split(",") if each.strip()]
    wanted["power_on"] = form.power_on or None
    if _probes(form):
        wanted["temp"] = [_probe(form, number, each.model_dump()) for number, each in enumerate(before.temp)]
    return wanted


def _by_typed_field(problem: Problem) -> Problem:
    """Return the problem with the fields that the form has: a list of numbers is typed into one."""
    errors = (
        FieldFault(field="battery_low_pct", message=each.message) if each.field.startswith("battery_low_pct") else each
        for each in problem.errors
    )
    return replace(problem, errors=tuple(errors))


def _probe(form: SettingsForm, number: int, before: dict[str, object]) -> dict[str, object]:
    if _extra(form, number, "name") is None:
        return before
    return {
        **before,
        "name": (_extra(form, number, "name") or "").strip() or None,
        "low_c": number_of(_extra(form, number, "low_c") or ""),
        "high_c": number_of(_extra(form, number, "high_c") or ""),
    }


def _extra(form: SettingsForm, number: int, name: str) -> str | None:
    value = (form.model_extra or {}).get(f"temp.{number}.{name}")
    return value if isinstance(value, str) else None


def _probes(form: SettingsForm) -> int:
    return sum(1 for each in form.model_extra or {} if each.endswith(".name"))


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/devices/{device_id}", handler=show, summary="Show a socket"),
    PageRoute(
        method="POST",
        path="/devices/{device_id}/commands",
        handler=order,
        summary="Tell a socket to do something",
        body=CommandForm,
    ),
    PageRoute(method="POST", path="/devices/{device_id}/name", handler=name, summary="Name a socket", body=NameForm),
    PageRoute(
        method="POST",
        path="/devices/{device_id}/settings",
        handler=settings,
        summary="Change settings of a socket",
        body=SettingsForm,
    ),
    PageRoute(
        method="POST",
        path="/devices/{device_id}/test-alarm",
        handler=test_alarm,
        summary="Raise a test alarm",
        body=Nothing,
    ),
    PageRoute(
        method="POST",
        path="/devices/{device_id}/give-up",
        handler=give_up,
        step_up=True,
        summary="Give a socket up",
        body=Nothing,
    ),
)
