"""Who is away and who is told in their place, as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from isocket.domain.contacts import Contact, Substitution
from isocket.domain.devices import Device
from isocket.storage.port import above, is_
from portal_api import substitutions
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, Nothing, checked, with_body
from portal_api.pages_words import note
from portal_api.problem import Problem, fault
from portal_api.rendering import LocalTime, local_time, refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.substitutions import NewSubstitution

MOST_SOCKETS = 200  # to choose from


class AwayForm(Form):
    """Somebody is away. Times are as the page shows them, by the account's own clock."""

    contact_id: str = TYPED
    stand_in_id: str = TYPED
    device_id: str = TYPED
    additional: str = TYPED
    begins: str = TYPED
    until: str = TYPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """One substitution in words."""

    id: str
    text: str
    now: bool


async def show(call: Call[None, None]) -> web.Response:
    """Show who is away, now and later."""
    return shown(call, "away.html", await _words(call, AwayForm()), here="contacts")


async def enter(call: Call[AwayForm, None]) -> web.Response:
    """Let somebody stand in."""
    wish = _wish(call)
    answer = wish if isinstance(wish, Problem) else await substitutions.enter(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "away.html", answer, await _words(call, call.body), here="contacts")
    return go_to("/away?said=stands-in")


async def end(call: Call[Nothing, None]) -> web.Response:
    """End it: whoever was away is told again."""
    await substitutions.end(with_body(call, None))
    return go_to("/away?said=back")


async def standing_in(call: Call[Any, Any]) -> list[str]:
    """Return a sentence for each substitution of the caller's that holds now."""
    return [f"{each.text}." for each in await _absences(call) if each.now]


def _wish(call: Call[AwayForm, None]) -> NewSubstitution | Problem:
    typed, time = call.body, local_time(call)
    times: dict[str, datetime | None] = {}
    for name in ("begins", "until"):
        text = getattr(typed, name).strip()
        try:
            times[name] = datetime.fromisoformat(text).replace(tzinfo=time.zone).astimezone(UTC) if text else None
        except (ValueError, OverflowError):
            return fault(name, "This is not a day and a time.")
    if times["until"] is None:
        return fault("until", "Please fill this in.")
    wanted = {
        "contact_id": typed.contact_id,
        "stand_in_id": typed.stand_in_id,
        "device_id": typed.device_id or None,
        "additional": bool(typed.additional),
        "from": times["begins"],
        "until": times["until"],
    }
    return checked(NewSubstitution, **wanted)


async def _words(call: Call[Any, Any], typed: AwayForm) -> Mapping[str, object]:
    of_account = is_("account_id", call.account.id)
    people = await call.records.find(Contact, of_account, order_by="created_at")
    sockets = await call.records.find(Device, is_("owner_id", call.account.id), limit=MOST_SOCKETS + 1)
    first = typed.contact_id or next((each.id for each in people if each.is_owner), "")
    second = typed.stand_in_id or next((each.id for each in people if each.id != first), "")
    return {
        "absences": await _absences(call),
        "people": {each.id: each.name for each in people},
        "sockets": {"": "All sockets", **{each.id: each.called for each in sockets[:MOST_SOCKETS]}},
        "listed_all": len(sockets) <= MOST_SOCKETS,
        "typed": typed.model_copy(update={"contact_id": first, "stand_in_id": second}),
        "note": note(call.request.query.get("said")),
    }


async def _absences(call: Call[Any, Any]) -> Sequence[Absence]:
    now, of_account = call.clock.now(), is_("account_id", call.account.id)
    found = await call.records.find(Substitution, of_account, above("until_at", now), order_by="from_at")
    if not found:
        return []
    names = {each.id: each.name for each in await call.records.find(Contact, of_account)}
    sockets = {each.id: each.called for each in await call.records.find(Device, is_("owner_id", call.account.id))}
    return [_absence(each, names, sockets, local_time(call)) for each in found]


def _absence(each: Substitution, names: Mapping[str, str], sockets: Mapping[str, str], time: LocalTime) -> Absence:
    instead = "beside" if each.additional else "in place of"
    where = f" at {sockets.get(each.device_id, each.device_id)}" if each.device_id else ""
    begun = each.from_at <= time.now
    begins = "" if begun else f" from {time.short(each.from_at)}"
    who, whom = names.get(each.stand_in_id, "Somebody"), names.get(each.contact_id, "somebody")
    text = f"{who} is told {instead} {whom}{where}{begins} until {time.short(each.until_at)}"
    return Absence(id=each.id, text=text, now=begun)


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/away", handler=show, summary="Show who is away"),
    PageRoute(method="POST", path="/away", handler=enter, summary="Let somebody stand in", body=AwayForm),
    PageRoute(
        method="POST",
        path="/away/{substitution_id}/end",
        handler=end,
        summary="End a substitution",
        body=Nothing,
    ),
)
