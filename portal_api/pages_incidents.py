"""Incidents as pages: the list, one with its timeline, and the button that says that somebody has seen it."""

from typing import Literal

from aiohttp import web
from pydantic import ConfigDict, Field

from isocket.domain.devices import Device
from isocket.domain.incidents import NOT_CLOSED, Incident, IncidentState
from isocket.domain.shares import may
from isocket.storage.port import Test, is_, one_of
from portal_api import incidents
from portal_api.models import Query
from portal_api.owned import Need, incident_for
from portal_api.pages import go_to, local_path
from portal_api.pages_cards import trouble
from portal_api.pages_forms import TYPED, Form, with_body
from portal_api.pages_messages import rows_of
from portal_api.pages_overview import as_troubles
from portal_api.pages_parts import part_from, part_until
from portal_api.pages_timeline import Telling, told
from portal_api.pages_words import SEVERITIES, note
from portal_api.rendering import local_time, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.timelines import Chronicle, chronicles, happenings

A_PAGE = 50
LINES = 100  # of a timeline on one page
PEOPLE = 20  # who were told, on one page
_WHICH: dict[str, Test] = {
    "open": one_of("state", NOT_CLOSED),
    "closed": is_("state", IncidentState.CLOSED),
}


class WhichIncidents(Query):
    """Which incidents the page lists, and from where on."""

    state: Literal["all", "open", "closed"] = "all"
    cursor: str | None = Field(default=None, max_length=2048)
    said: str | None = Field(default=None, max_length=64)  # of the button, which comes back to where it was pressed


class WhichPart(Query):
    """Which part of what happened the page of an incident shows, and of the people who were told.

    Whatever a mail program or a messenger adds to a link in an alarm must not keep anybody from it.
    """

    model_config = ConfigDict(extra="ignore")

    until: int | None = Field(default=None, ge=1)  # so many lines from the beginning of the timeline
    people: int = Field(default=0, ge=0)  # so many people are before
    said: str | None = Field(default=None, max_length=64)


class AckForm(Form):
    """The button, and the page to go back to."""

    back: str = TYPED


async def show_all(call: Call[None, WhichIncidents]) -> web.Response:
    """List incidents, the newest first. A filter that there is not is refused, not passed over."""
    query = call.query
    found, following = await incidents.newest_first(
        call, [_WHICH[query.state]] if query.state in _WHICH else [], cursor=query.cursor, limit=A_PAGE
    )
    words = {"troubles": await as_troubles(call, found), "following": following, "state": query.state}
    return shown(call, "incidents.html", words, here="incidents")


async def show(call: Call[None, WhichPart]) -> web.Response:
    """Show one incident with the newest lines of its timeline, or others. Looking at it acknowledges nothing."""
    incident, role = await incident_for(call, Need.VIEW)
    device = await call.records.get(Device, incident.device_id)
    if device is not None and device.owner_id != incident.account_id:
        device = None  # it has another owner by now, whose words are not this reader's business
    chronicle = await _chronicle(call, incident)
    time, rows = local_time(call), rows_of(chronicle, local_time(call))
    lines = part_until(call.query.until, whole=len(chronicle.lines), most=LINES)
    people = part_from(call.query.people, whole=len(rows), most=PEOPLE)
    words = {
        "trouble": trouble(incident, device, reader=call.account.id),
        "known": device is not None,
        "may_take": may(role, Need.OPERATE),
        "people": rows[people.items],
        "people_part": people,
        "lines": told(chronicle.lines, Telling(account_id=call.account.id, time=time), lines.items),
        "lines_part": lines,
        "until": call.query.until,
        "note": note(call.query.said),
        "severities": SEVERITIES,
    }
    return shown(call, "incident.html", words, here="incidents")


async def _chronicle(call: Call[None, WhichPart], incident: Incident) -> Chronicle:
    """Return what happened; for a guest without the people who are told."""
    if incident.account_id == call.account.id:
        return (await chronicles(call.records, call.account.id, [incident]))[incident.id]
    return Chronicle(lines=(await happenings(call.records, [incident]))[incident.id], messages=[])


async def acknowledge(call: Call[AckForm, None]) -> web.Response:
    """Say that one has seen it."""
    before, _ = await incident_for(call, Need.OPERATE)
    await incidents.acknowledge(with_body(call, None))
    said = "still-on-it" if before.asked_at is not None else "not-open"
    said = "acknowledged" if before.state is IncidentState.OPEN else said
    back = local_path(call.body.back) if call.body.back else f"/incidents/{before.id}"
    return go_to(f"{back.partition('?')[0]}?said={said}")


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/incidents", handler=show_all, summary="List incidents", query=WhichIncidents),
    PageRoute(method="GET", path="/incidents/{incident_id}", handler=show, summary="Show an incident", query=WhichPart),
    PageRoute(
        method="POST",
        path="/incidents/{incident_id}/ack",
        handler=acknowledge,
        summary="Acknowledge an incident",
        body=AckForm,
    ),
)
