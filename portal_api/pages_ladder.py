"""Who is told first and who next, as a page: the ladder for all sockets, or of one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from pydantic import ConfigDict

from isocket.domain.contacts import ChannelKind, Contact
from isocket.storage.port import is_
from portal_api import escalations
from portal_api.escalations import MOST_STEPS, LadderView, NewLadder
from portal_api.owned import own_device
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, checked, whole, with_body
from portal_api.pages_words import CHANNELS, LADDERS, note
from portal_api.problem import FieldFault, Problem
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute

EMPTY_ROWS = 2
_MINUTE_S = 60
_TOO_LONG = Problem(
    status=409,
    kind="ladder-too-long",
    detail="This ladder tells more people than this page can show. Nothing was changed: change it by the API.",
)


class LadderForm(Form):
    """A ladder as typed: steps come as `step.0.contact`, `step.0.after`, `step.0.sms`, as many as there are."""

    model_config = ConfigDict(extra="allow")

    repeat: str = TYPED
    repeat_after: str = TYPED
    cap: str = TYPED
    take_away: str = TYPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step as the form shows it: one contact, minutes after the alarm, and the ways that are ticked."""

    contact: str = ""
    after: str = ""
    channels: frozenset[str] = field(default_factory=frozenset)


async def show(call: Call[None, None]) -> web.Response:
    """Show the ladder that holds."""
    view = await _holds(call)
    return shown(call, "ladder.html", await _words(call, view, _rows(view), _typed(view)), here="contacts")


async def change(call: Call[LadderForm, None]) -> web.Response:
    """Set the ladder, or take it away."""
    typed = call.body
    rows = [] if typed.take_away else [row for row in _typed_rows(typed) if row.contact]
    before = await _holds(call)
    if not typed.take_away and not _fits(before):
        words = await _words(call, before, _rows(before), _typed(before))
        return refused(call, "ladder.html", _TOO_LONG, words, here="contacts")
    wish = _wish(typed, rows, before)
    store = escalations.set_device if _of_device(call) else escalations.set_account
    answer = wish if isinstance(wish, Problem) else await store(with_body(call, wish))
    if isinstance(answer, Problem):
        words = await _words(call, before, rows, typed)
        return refused(call, "ladder.html", _by_typed_field(answer), words, here="contacts")
    return go_to(f"{_path(call)}?said=saved")


async def _holds(call: Call[Any, Any]) -> LadderView:
    return await (escalations.show_device(call) if _of_device(call) else escalations.show_account(call))


def _wish(typed: LadderForm, rows: Sequence[Row], before: LadderView) -> NewLadder | Problem:
    """Return the ladder as typed; what the form does not show stays as it was before."""
    steps = [
        {
            "contacts": [row.contact],
            "channels": sorted(row.channels, key=[*ChannelKind].index),
            "after_s": _seconds(row.after or "0"),
        }
        for row in rows
    ]
    more = {
        "repeat": whole(typed.repeat),
        "repeat_after_s": _seconds(typed.repeat_after) if typed.repeat_after.strip() else None,
        "cap": whole(typed.cap),
        "remind_after_s": None if before.remind_after_s is None else round(before.remind_after_s),
    }
    return checked(NewLadder, steps=steps, **{name: value for name, value in more.items() if value is not None})


async def _words(
    call: Call[Any, Any], view: LadderView, rows: Iterable[Row], typed: LadderForm
) -> Mapping[str, object]:
    device = await own_device(call) if _of_device(call) else None
    people = await call.records.find(Contact, is_("account_id", call.account.id), order_by="created_at")
    room = [*rows][:MOST_STEPS]
    return {
        "action": _path(call),
        "of": None if device is None else device.called,
        "source": LADDERS[view.source],
        "own": not view.default,
        "fits": _fits(view),
        "rows": [*room, *[Row()] * min(EMPTY_ROWS, MOST_STEPS - len(room))],
        "people": {"": "Nobody", **{each.id: each.name for each in people}},
        "ways": CHANNELS,
        "typed": typed,
        "note": note(call.request.query.get("said")),
    }


def _fits(view: LadderView) -> bool:
    """Return whether the form shows the whole ladder: what it does not show would be lost by saving it."""
    return len(_rows(view)) <= MOST_STEPS


def _rows(view: LadderView) -> list[Row]:
    return [
        Row(contact=contact, after=f"{step.after_s / _MINUTE_S:g}", channels=frozenset(step.channels))
        for step in view.steps
        for contact in step.contacts
    ]


def _typed(view: LadderView) -> LadderForm:
    return LadderForm(
        repeat=str(view.repeat),
        repeat_after=f"{view.repeat_after_s / _MINUTE_S:g}" if view.repeat_after_s else "",
        cap="" if view.cap is None else str(view.cap),
    )


def _typed_rows(typed: LadderForm) -> list[Row]:
    extra = {name: value for name, value in (typed.model_extra or {}).items() if isinstance(value, str)}
    count = sum(name.endswith(".contact") for name in extra)
    return [
        Row(
            contact=extra.get(f"step.{number}.contact", ""),
            after=extra.get(f"step.{number}.after", ""),
            channels=frozenset(kind.value for kind in ChannelKind if extra.get(f"step.{number}.{kind.value}")),
        )
        for number in range(count)
    ]


def _by_typed_field(problem: Problem) -> Problem:
    """Return the problem with the fields that the form has."""
    errors = (FieldFault(field=_typed_as(each.field), message=each.message) for each in problem.errors)
    return replace(problem, errors=tuple(errors))


def _typed_as(name: str) -> str:
    parts = name.split(".")
    if parts[0] != "steps" or len(parts) < 3:  # noqa: PLR2004 - steps, number, field
        return name.removesuffix("_s")
    return f"step.{parts[1]}.{'after' if parts[2] == 'after_s' else 'contact'}"


def _seconds(text: str) -> int | str:
    """Return minutes as typed, with a point or a comma, in seconds; the text itself if it is no number."""
    try:
        return round(float(text.strip().replace(",", ".")) * _MINUTE_S)
    except (ValueError, OverflowError):
        return text


def _of_device(call: Call[Any, Any]) -> bool:
    return "device_id" in call.path


def _path(call: Call[Any, Any]) -> str:
    return f"/devices/{call.path['device_id']}/ladder" if _of_device(call) else "/ladder"


ROUTES: tuple[AnyRoute, ...] = tuple(
    route
    for path, whose in (("/ladder", "my ladder"), ("/devices/{device_id}/ladder", "the ladder of a socket"))
    for route in (
        PageRoute(method="GET", path=path, handler=show, summary=f"Show {whose}"),
        PageRoute(method="POST", path=path, handler=change, summary=f"Change {whose}", body=LadderForm),
    )
)
