"""How much of what a socket said has reached us, day by day, from the numbers that its messages carry."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from isocket.domain.api_tokens import Scope
from isocket.domain.reports import count_of
from isocket.kit.clock import from_ms, to_ms
from isocket.storage.telemetry import Arrival
from portal_api.history import time_zone_of
from portal_api.models import GivenInstant, Query, View
from portal_api.owned import Need, standing_for
from portal_api.problem import Problem, fault
from portal_api.routes import AnyRoute, Call, Route

USUAL_SPAN = timedelta(days=7)
LONGEST_SPAN = timedelta(days=92)
LATE_MS = 60_000
_EXAMPLE: dict[str, Any] = {
    "time_zone": "Europe/Helsinki",
    "items": [
        {
            "day": "2026-11-22",
            "received": 1437,
            "missing": 3,
            "late": 12,
            "restarts": 1,
            "uncertain": 1,
            "share": 0.9979,
        }
    ],
}


class CompletenessQuery(Query):
    """Which days."""

    start: GivenInstant | None = Field(
        default=None, alias="from", description="From the day of this moment on; a week before `to` if absent."
    )
    end: GivenInstant | None = Field(
        default=None, alias="to", description="Until the day of this moment; now if absent."
    )


class DayView(View):
    """One day in the time zone of the socket's owner."""

    model_config = ConfigDict(json_schema_extra={"examples": _EXAMPLE["items"]})

    day: date
    received: int = Field(description="Messages of that day, of whatever kind, whenever they came.")
    missing: int = Field(
        description="Numbers between two messages of one start that never came. They are put evenly between the two."
    )
    late: int = Field(description="Of those received, how many came more than a minute after they were said.")
    restarts: int = Field(description="How often the socket started anew.")
    uncertain: int = Field(
        description="Of the restarts, how many leave open whether anything was lost: nobody knows the last number "
        "of the run before."
    )
    share: float | None = Field(description="Received of all that is known of; null where nothing is.")


class CompletenessView(View):
    """Day by day, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    time_zone: str
    items: list[DayView]


async def show(call: Call[None, CompletenessQuery]) -> CompletenessView | Problem:
    """Show how many of a socket's messages came, how many are missing and how many were late."""
    standing, query = await standing_for(call, Need.VIEW), call.query
    end = min(query.end or call.clock.now(), call.clock.now())
    start = query.start or end - USUAL_SPAN
    if start > end:
        return fault("from", "It is after `to`.")
    if end - start > LONGEST_SPAN:
        return fault("from", f"At most {LONGEST_SPAN.days} days at a time.")
    start = min(max(start, standing.since or start), end)  # what was before is of other people
    zone = await time_zone_of(call, standing)
    days = list(_days(start.astimezone(zone).date(), end.astimezone(zone).date()))
    first, last = _midnight(days[0], zone), _midnight(days[-1] + timedelta(days=1), zone)
    first = max(first, standing.since or first)
    arrivals = await call.portal.telemetry.arrivals(standing.device.id, start=first, end=last)
    since_ms = to_ms(standing.since) if standing.since is not None else 0
    counted = completeness_of([each for each in arrivals if each.at_ms >= since_ms], zone)
    return CompletenessView(time_zone=zone.key, items=[_view(day, counted[day]) for day in days])


class Tally:
    """What is counted of one day."""

    def __init__(self) -> None:
        self.received = self.missing = self.late = self.restarts = self.uncertain = 0


def completeness_of(arrivals: Sequence[Arrival], zone: ZoneInfo) -> dict[date, Tally]:
    """Return what can be said of each day by messages ordered by (boot, seq).

    A socket whose numbers go on over a restart has told how its last run ended; one that begins anew has not.
    """
    days: dict[date, Tally] = defaultdict(Tally)
    for each in arrivals:
        tally = days[_day(each.at_ms, zone)]
        tally.received += 1
        tally.late += each.received_ms - each.at_ms > LATE_MS
    for before, after in pairwise(arrivals):
        goes_on = after.seq == before.seq + 1
        if before.boot != after.boot:
            tally = days[_day(after.at_ms, zone)]
            counts_on = count_of(before.boot) == count_of(after.boot)
            restarts = after.boot - before.boot if counts_on else 1  # how often before it counted anew, nobody knows
            tally.restarts += restarts
            tally.uncertain += 0 if goes_on and counts_on else restarts
        elif not goes_on:
            for day, missing in _spread(before.at_ms, after.at_ms, after.seq - before.seq - 1, zone):
                days[day].missing += missing
    return days


def _spread(start_ms: int, end_ms: int, missing: int, zone: ZoneInfo) -> Iterator[tuple[date, int]]:
    """Yield how many of the missing fall on which day, when they lie evenly between two moments."""
    if end_ms <= start_ms:
        yield _day(end_ms, zone), missing
        return
    done = 0
    for day in _days(_day(start_ms, zone), _day(end_ms, zone)):
        until_ms = to_ms(_midnight(day + timedelta(days=1), zone))
        share = (until_ms - start_ms) * (missing + 1)
        upto = min(missing, max(0, -(-share // (end_ms - start_ms)) - 1))
        yield day, upto - done
        done = upto


def _view(day: date, tally: Tally) -> DayView:
    known = tally.received + tally.missing
    return DayView(
        day=day,
        received=tally.received,
        missing=tally.missing,
        late=tally.late,
        restarts=tally.restarts,
        uncertain=tally.uncertain,
        share=round(tally.received / known, 4) if known else None,
    )


def _day(at_ms: int, zone: ZoneInfo) -> date:
    return from_ms(at_ms).astimezone(zone).date()


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/devices/{device_id}/completeness",
        handler=show,
        summary="Show how much of what a socket said has reached us",
        query=CompletenessQuery,
        answers={200: CompletenessView},
        scope=Scope.READ_TELEMETRY,
    ),
)
