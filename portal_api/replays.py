"""What a past period would have looked like with other settings: asked here, answered by the alarm service."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.incidents import Cause, Severity
from isocket.domain.replays import Replay, ReplayState
from isocket.kit.clock import from_ms
from isocket.kit.ids import new_id
from isocket.storage.abilities import abilities_of
from isocket.storage.port import is_
from portal_api.device_settings import merged, to_store
from portal_api.limits import Rate
from portal_api.models import Body, GivenInstant, Instant, View
from portal_api.owned import own_device
from portal_api.problem import Problem, fault, not_found, too_many
from portal_api.routes import AnyRoute, Call, Route
from portal_api.settings_models import SettingsChange

LONGEST = timedelta(days=31)
MOST_WAITING = 3  # of one account
WAIT_S = 10
ASKED = Rate(name="replay_account", tries=30, per_s=3600)  # each reads a whole period again
_INCIDENT: dict[str, Any] = {
    "cause": "temp_low",
    "about": None,
    "probe": 0,
    "severity": "critical",
    "began": "2026-11-03T02:10:00.000Z",
    "noticed": "2026-11-03T02:11:00.000Z",
    "ended": "2026-11-03T06:40:00.000Z",
    "told": "2026-11-03T02:11:00.000Z",
    "reason": "",
    "value": 4.5,
}


class NewReplay(Body):
    """Which period, at most 31 days, and what to change of the settings as they are; nothing: as they are."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "from": "2026-11-01T00:00:00.000Z",
                    "to": "2026-11-22T00:00:00.000Z",
                    "settings": {"temp": [{"low_c": 5}]},
                }
            ]
        }
    )

    start: GivenInstant = Field(alias="from")
    end: GivenInstant = Field(alias="to", description="Until before this moment.")
    settings: SettingsChange = Field(default=SettingsChange(), description="As for `PATCH /devices/{id}/settings`.")


class ReplayedIncident(View):
    """An incident that would have been."""

    cause: Cause
    about: Cause | None
    probe: int | None
    severity: Severity
    began: Instant
    noticed: Instant = Field(description="When we would have known.")
    ended: Instant | None = Field(description="Null: it would have been open at the end.")
    told: Instant | None = Field(description="When people would have begun to be told; null: not at all.")
    reason: str = Field(description="Why nobody would have been told, as in timelines.")
    value: float | None


class ReplayView(View):
    """A question about the past, and its answer once `status` is `done`."""

    model_config = ConfigDict(
        serialize_by_alias=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "rep_q3mzv6t2cs5hd4yofn7ab2k3xe",
                    "device_id": "is7k2m9q4xw1",
                    "status": "done",
                    "error": "",
                    "from": "2026-11-01T00:00:00.000Z",
                    "to": "2026-11-22T00:00:00.000Z",
                    "reports": 2016,
                    "incidents": [_INCIDENT],
                    "truncated": False,
                }
            ]
        },
    )

    id: str
    device_id: str
    status: ReplayState
    error: str = Field(description="Why it failed: `too_many_reports` (ask for less time), `broke_off`; else empty.")
    start: Instant = Field(serialization_alias="from")
    end: Instant = Field(serialization_alias="to")
    reports: int = Field(description="How many reports of the period were judged.")
    incidents: list[ReplayedIncident] = Field(description="In the order of their beginnings, up to 500.")
    truncated: bool = Field(description="There would have been more.")


async def ask(call: Call[NewReplay, None]) -> ReplayView | Problem:
    """Ask what a past period would have looked like. Nothing is changed and nobody is told.

    The reports as they are stored are judged anew, by the same rules. What went before the period is not known to
    them, and our own outages within it count as silence of the socket. The answer is kept for 30 days.
    """
    device = await own_device(call)
    start, end, now = call.body.start, call.body.end, call.clock.now()
    if start >= end:
        return fault("to", "It must be later than `from`.")
    if end - start > LONGEST:
        return fault("to", f"At most {LONGEST.days} days after `from`.")
    if start > now:
        return fault("from", "It must not lie ahead.")
    wait_s = await call.portal.limits.take(ASKED, call.account.id)
    if wait_s > 0:
        return too_many(wait_s)
    waiting = is_("account_id", call.account.id), is_("state", ReplayState.WAITING)
    if await call.records.count(Replay, *waiting) >= MOST_WAITING:
        return too_many(WAIT_S)
    model = await abilities_of(call.portal.telemetry, device)
    after, touched = merged(device, call.body.settings, call.account.time_zone, model)
    asked = Replay(
        id=new_id("rep"),
        account_id=call.account.id,
        device_id=device.id,
        start_at=start,
        end_at=min(end, now),
        settings=to_store(after, touched),
        created_at=now,
    )
    await call.records.add(asked)
    return _view(asked)


async def show(call: Call[None, None]) -> ReplayView | Problem:
    """Show a replay; while it is `waiting` its list is empty."""
    device = await own_device(call)
    found = await call.records.get(Replay, call.path["replay_id"])
    if found is None or found.device_id != device.id or found.account_id != call.account.id:
        return not_found()
    return _view(found)


def _view(asked: Replay) -> ReplayView:
    return ReplayView(
        id=asked.id,
        device_id=asked.device_id,
        status=asked.state,
        error=asked.error,
        start=asked.start_at,
        end=asked.end_at,
        reports=asked.reports,
        incidents=[_incident(each) for each in asked.incidents],
        truncated=asked.truncated,
    )


def _incident(kept: Mapping[str, Any]) -> ReplayedIncident:
    moments = {name: kept[f"{name}_ms"] for name in ("began", "noticed", "ended", "told")}
    same = {name: kept[name] for name in ("cause", "about", "probe", "severity", "reason", "value")}
    return ReplayedIncident(**same, **{name: None if each is None else from_ms(each) for name, each in moments.items()})


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/devices/{device_id}/replay",
        handler=ask,
        summary="Ask what a past period would have looked like",
        body=NewReplay,
        answers={202: ReplayView},
        problems=(429,),
    ),
    Route(
        method="GET",
        path="/devices/{device_id}/replay/{replay_id}",
        handler=show,
        summary="Show a replay",
        answers={200: ReplayView},
    ),
)
