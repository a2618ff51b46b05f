"""Alarms that reached nobody: shown to their customer at the next contact, until they say that they have seen it."""

from typing import Any

from pydantic import ConfigDict

from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.domain.unheard import UNANSWERED, Unheard
from isocket.storage.port import Records, is_, one_of
from portal_api.cursor import page_of
from portal_api.models import Instant, Page, PageQuery, View
from portal_api.owned import own_incident
from portal_api.routes import AnyRoute, Call, Route

MOST_COUNTED = 100


class UnheardView(View):
    """An incident that nobody was told of, or that nobody answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "incident_id": "inc_q3mzv6t2cs5hd4yofn7ab2k3xe",
                    "device_id": "is7k2m9q4xw1",
                    "cause": "mains_lost",
                    "severity": "critical",
                    "state": "open",
                    "opened_at": "2026-11-22T12:00:00.000Z",
                    "closed_at": None,
                    "at": "2026-11-22T12:31:00.000Z",
                    "reason": UNANSWERED,
                }
            ]
        }
    )

    incident_id: str
    device_id: str | None
    cause: Cause
    severity: Severity
    state: IncidentState
    opened_at: Instant
    closed_at: Instant | None
    at: Instant
    reason: str


async def show_all(call: Call[None, PageQuery]) -> Page[UnheardView]:
    """List alarms that reached nobody and that nobody has seen here, the newest first. Looking marks nothing."""
    found, following = await page_of(
        call.records,
        Unheard,
        is_("account_id", call.account.id),
        is_("seen_at", None),
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="at",
        descending=True,
    )
    incidents = await _incidents(call.records, found)
    items = [_view(each, incidents[each.incident_id]) for each in found if each.incident_id in incidents]
    return Page[UnheardView](items=items, next=following)


async def see(call: Call[None, None]) -> None:
    """Say that one has seen that an alarm reached nobody. Twice is as once; the incident stays as it is."""
    incident = await own_incident(call)
    await call.records.change_all(
        Unheard,
        is_("incident_id", incident.id),
        is_("account_id", call.account.id),
        is_("seen_at", None),
        seen_at=call.clock.now(),
    )


async def unheard_incidents(records: Records, account_id: str) -> dict[str, tuple[Incident, str]]:
    """Return by their ids the incidents that their customer has not seen, each with why nobody heard, newest first."""
    found = await records.find(
        Unheard,
        is_("account_id", account_id),
        is_("seen_at", None),
        order_by="at",
        descending=True,
        limit=MOST_COUNTED,
    )
    incidents = await _incidents(records, found)
    newest_last = reversed(found)
    reasons = {each.incident_id: each.reason for each in newest_last}
    return {each: (incidents[each], reasons[each]) for each in reversed(reasons) if each in incidents}


async def _incidents(records: Records, found: list[Unheard]) -> dict[str, Incident]:
    """Return the incidents by their ids, without those that somebody took after all."""
    ids = sorted({each.incident_id for each in found})
    known = await records.find(Incident, one_of("id", ids)) if ids else []
    return {each.id: each for each in known if each.acknowledged_at is None}


def _view(kept: Unheard, incident: Incident) -> UnheardView:
    about: dict[str, Any] = {
        name: getattr(incident, name) for name in ("cause", "severity", "state", "opened_at", "closed_at")
    }
    return UnheardView(
        incident_id=incident.id, device_id=incident.device_id or None, at=kept.at, reason=kept.reason, **about
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/unheard",
        handler=show_all,
        summary="List alarms that reached nobody",
        query=PageQuery,
        answers={200: Page[UnheardView]},
    ),
    Route(
        method="POST",
        path="/unheard/{incident_id}/seen",
        handler=see,
        summary="Say that I have seen it",
        answers={204: None},
    ),
)
