"""What went wrong at one's sockets, whom it was told, and saying that one has seen it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import ConfigDict, Field

from isocket.domain.acknowledgement import confirming, taking
from isocket.domain.api_tokens import Scope
from isocket.domain.incidents import NOT_CLOSED, Cause, Incident, IncidentState, Severity
from isocket.kit.logs import get_logger
from isocket.storage.port import Test, above, at_most, is_, is_not, one_of
from portal_api.cursor import encode, page_of
from portal_api.messages import Message
from portal_api.models import GivenInstant, Instant, Page, PageQuery, View
from portal_api.owned import Need, Standing, incident_for, shared_with, within_token
from portal_api.portal import Portal
from portal_api.problem import Problem, fault
from portal_api.routes import PATH_VALUE, AnyRoute, Call, Route
from portal_api.timelines import Chronicle, Line, chronicles, happenings

log = get_logger(__name__)
_A_MOMENT = timedelta(milliseconds=1)  # times are stored in milliseconds

_EXAMPLE: dict[str, Any] = {
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
    "detected_at": "2026-11-22T12:00:00.412Z",
    "acknowledged_at": None,
    "acknowledged_by": None,
    "asked_at": None,
    "closed_at": None,
    "explained_by": None,
    "short_code": "KM7",
    "timeline": [
        {
            "at": "2026-11-22T12:00:00.430Z",
            "what": "not_sent",
            "reason": "unverified",
            "contact_id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h",
            "contact": "Neighbour",
            "channel": "sms",
            "detail": {"step": 0},
        }
    ],
    "messages": [
        {
            "id": "dlv_cs5hd4yofn7ab2k3xeq3mzv6t2",
            "contact_id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h",
            "contact": "Neighbour",
            "channel": "voice",
            "kind": "alarm",
            "state": "delivered",
            "reason": "",
            "due_at": "2026-11-22T12:01:30.000Z",
            "held_until": None,
            "tries": 1,
            "accepted_at": "2026-11-22T12:01:30.640Z",
            "delivered_at": None,
            "answered_at": "2026-11-22T12:01:41.200Z",
            "key_pressed_at": "2026-11-22T12:01:58.900Z",
            "acknowledged_at": "2026-11-22T12:01:58.900Z",
        }
    ],
}


class IncidentView(View):
    """One episode at one socket, from its beginning to its end."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    device_id: str | None = Field(description="Null where it is a matter of the whole account.")
    cause: Cause
    about: Cause | None = Field(description="Of `flapping`: what comes and goes.")
    probe: int | None = Field(description="Which thermometer or input, counted from 0.")
    severity: Severity
    state: IncidentState
    test: bool
    value: float | None
    opened_at: Instant = Field(description="When it began, by the socket's clock where that is good.")
    detected_at: Instant = Field(description="When we knew.")
    acknowledged_at: Instant | None
    acknowledged_by: str | None = Field(
        description="Id of the account or contact, and by which way: `con_… sms`. Of a shared one: only you."
    )
    asked_at: Instant | None = Field(
        description="When whoever took it was asked whether they still are on it; null once they answered."
    )
    closed_at: Instant | None
    explained_by: str | None = Field(description="The incident that makes this one no news.")
    short_code: str = Field(description="What a reply by SMS says to acknowledge; empty where nobody was told.")
    timeline: list[Line]
    messages: list[Message] = Field(description="What became of each message to each person by each way.")


class IncidentQuery(PageQuery):
    """Which incidents."""

    state: Literal["open", "closed"] | None = Field(
        default=None, description="`open` is what is not closed, acknowledged or not."
    )
    device_id: str | None = Field(default=None, pattern=f"^{PATH_VALUE}$")
    cause: Cause | None = None
    severity: Severity | None = None
    start: GivenInstant | None = Field(default=None, alias="from", description="Those that began then or later.")
    end: GivenInstant | None = Field(default=None, alias="to", description="Those that began before.")


async def show_all(call: Call[None, IncidentQuery]) -> Page[IncidentView] | Problem:
    """List incidents with their timelines, the newest first.

    Those of a socket that is shared with me are among them, without the people who are told and what they are sent.
    """
    query = call.query
    if query.start is not None and query.end is not None and query.start >= query.end:
        return fault("from", "It must be before `to`.")
    tests: list[Test] = [*within_token(call, "device_id"), *_asked_for(query)]
    found, following = await newest_first(call, tests, cursor=query.cursor, limit=query.limit)
    return Page[IncidentView](items=await views_of(call.portal, call.account.id, found), next=following)


def _asked_for(query: IncidentQuery) -> Iterator[Test]:
    if query.device_id is not None:
        yield is_("device_id", query.device_id)
    if query.state == "open":
        yield one_of("state", NOT_CLOSED)
    elif query.state == "closed":
        yield is_("state", IncidentState.CLOSED)
    if query.cause is not None:
        yield is_("cause", query.cause)
    if query.severity is not None:
        yield is_("severity", query.severity)
    if query.start is not None:
        yield above("opened_at", query.start - _A_MOMENT)
    if query.end is not None:
        yield at_most("opened_at", query.end - _A_MOMENT)


async def show(call: Call[None, None]) -> IncidentView:
    """Show one incident with its timeline: each message, each try, each receipt, and why something was not sent."""
    incident, _ = await incident_for(call, Need.VIEW)
    return await view_of(call.portal, call.account.id, incident)


async def acknowledge(call: Call[None, None]) -> IncidentView:
    """Say that one has seen it: nobody else is told. The incident stays until its cause is over.

    Where whoever took it was asked whether they still are on it, this says yes. One that is acknowledged or closed
    already is answered as it is.
    """
    (incident, _), now = await incident_for(call, Need.OPERATE), call.clock.now()
    by = f"{call.account.id} portal"
    this = (is_("id", incident.id), is_("account_id", incident.account_id))
    changed = await call.records.change_one(
        Incident, *this, is_("state", IncidentState.OPEN), **taking(by, now)
    ) or await call.records.change_one(
        Incident,
        *this,
        is_("state", IncidentState.ACKNOWLEDGED),
        is_not("asked_at", None),
        **confirming(by, now),
    )
    if changed is not None:
        log.info("incident_acknowledged", incident_id=changed.id)
    return await view_of(call.portal, call.account.id, changed or (await incident_for(call, Need.VIEW))[0])


async def newest_first(
    call: Call[Any, Any], tests: Sequence[Test], *, cursor: str | None, limit: int
) -> tuple[list[Incident], str | None]:
    """Return the incidents that fit and the caller may see, and the cursor after them: one list out of several."""
    shared = await shared_with(call)
    pages = []
    for whose in [(is_("account_id", call.account.id),), *_of_others(shared)]:
        page = await page_of(
            call.records, Incident, *whose, *tests, cursor=cursor, limit=limit, order_by="opened_at", descending=True
        )
        pages.append(page)
        await asyncio.sleep(0)  # whoever looks after sockets of hundreds asks for each of their owners
    if len(pages) == 1:
        return pages[0]
    merged = sorted((each for page, _ in pages for each in page), key=lambda each: (each.opened_at, each.id))[::-1]
    found = merged[:limit]
    more = len(merged) > limit or any(following is not None for _, following in pages)
    return found, encode(found[-1].opened_at, found[-1].id) if more else None


def _of_others(shared: Sequence[Standing]) -> list[tuple[Test, ...]]:
    """Return the tests of incidents at sockets that others share, one group for each owner and for each time."""
    groups: dict[tuple[str, datetime | None], list[str]] = defaultdict(list)
    for each in shared:
        groups[each.device.owner_id or "", each.since].append(each.device.id)
    return [
        (
            is_("account_id", owner_id),
            one_of("device_id", ids),
            *([above("opened_at", since - timedelta(milliseconds=1))] if since is not None else []),
        )
        for (owner_id, since), ids in groups.items()
    ]


async def view_of(portal: Portal, account_id: str, incident: Incident) -> IncidentView:
    """Return what an account that may see an incident sees of it."""
    (view,) = await views_of(portal, account_id, [incident])
    return view


async def views_of(portal: Portal, account_id: str, incidents: Sequence[Incident]) -> list[IncidentView]:
    """Return what an account sees of incidents that it may see, in their order."""
    own = [incident for incident in incidents if incident.account_id == account_id]
    found = await chronicles(portal.records, account_id, own)
    others = await happenings(portal.records, [each for each in incidents if each.account_id != account_id])
    return [
        _view(each, found[each.id]) if each.id in found else _view_of_guest(account_id, each, others[each.id])
        for each in incidents
    ]


def _view_of_guest(account_id: str, incident: Incident, lines: list[Line]) -> IncidentView:
    """Return an incident without the people whom its owner has told: neither their names nor their messages."""
    whole = _view(incident, Chronicle(lines=lines, messages=[]))
    by = incident.acknowledged_by if incident.taken_by[0] == account_id else None
    return whole.model_copy(update={"acknowledged_by": by, "short_code": ""})


def _view(incident: Incident, chronicle: Chronicle) -> IncidentView:
    return IncidentView(
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
        detected_at=incident.detected_at,
        acknowledged_at=incident.acknowledged_at,
        acknowledged_by=incident.acknowledged_by,
        asked_at=incident.asked_at,
        closed_at=incident.closed_at,
        explained_by=incident.explained_by,
        short_code=incident.short_code,
        timeline=chronicle.lines,
        messages=chronicle.messages,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/incidents",
        handler=show_all,
        summary="List incidents",
        scope=Scope.ALARMS,
        query=IncidentQuery,
        answers={200: Page[IncidentView]},
    ),
    Route(
        method="GET",
        path="/incidents/{incident_id}",
        handler=show,
        summary="Show an incident",
        scope=Scope.ALARMS,
        answers={200: IncidentView},
    ),
    Route(
        method="POST",
        path="/incidents/{incident_id}/ack",
        handler=acknowledge,
        summary="Acknowledge an incident",
        scope=Scope.ALARMS,
        answers={200: IncidentView},
    ),
)
