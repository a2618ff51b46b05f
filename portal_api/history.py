"""What a socket reported over time, as JSON or as a table for spreadsheets."""

import asyncio
import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import AfterValidator, ConfigDict, Field

from isocket.domain.accounts import Account
from isocket.domain.api_tokens import Scope
from isocket.domain.collected import TELEMETRY
from isocket.domain.negotiation import weights
from isocket.kit.clock import from_ms, to_text
from isocket.kit.zones import zone_named
from isocket.storage.table import FORMULA
from isocket.storage.telemetry import Series
from portal_api.models import CountedInstant, Query, View
from portal_api.owned import Need, Standing, standing_for
from portal_api.problem import Problem, fault
from portal_api.routes import API, AnyRoute, Call, Reply, Route

MOST_POINTS = 10_000
USUAL_SPAN = timedelta(days=1)
# A page holds any raw span; windows come in one piece, so the span must be one that a person would look at.
LONGEST_SPAN = MappingProxyType(
    {
        "1m": timedelta(days=31),
        "15m": timedelta(days=366),
        "1h": timedelta(days=5 * 366),
        "1d": timedelta(days=100 * 366),
    }
)
_FIELD = re.compile(r"[a-z_]{1,40}(\.[0-9]{1,2})?")
_MOST_FIELDS = 64
KNOWN_FIELDS = frozenset(TELEMETRY) - {"boot", "seq", "ts"}


def _fields(text: str) -> str:
    names = text.split(",")
    if len(names) > _MOST_FIELDS or not all(_FIELD.fullmatch(name) for name in names):
        raise ValueError("Names of fields are needed, with commas between them, such as `mains,temp_c.0`.")
    strange = [name for name in names if name.partition(".")[0] not in KNOWN_FIELDS]
    if strange:
        raise ValueError(f"No socket reports {', '.join(strange)}. There is: {', '.join(sorted(KNOWN_FIELDS))}.")
    return text


class HistoryQuery(Query):
    """Which part of the history."""

    start: CountedInstant | None = Field(
        default=None,
        alias="from",
        description="From this moment on; a day before `to` if absent. Also UTC milliseconds.",
    )
    end: CountedInstant | None = Field(
        default=None, alias="to", description="Until before this moment; now if absent. Also UTC milliseconds."
    )
    fields: Annotated[str, AfterValidator(_fields)] | None = Field(
        default=None, description="Only these, with commas: `mains,temp_c`. The name of a list means all its places."
    )
    step: Literal["raw", "1m", "15m", "1h", "1d"] = Field(
        default="raw",
        description="Every report, or one point for each window with any: numbers as mean, all else as the last. "
        "Hours and days are those of its owner's time zone. What is too old for single reports is there from `15m` on.",
    )
    spread: bool = Field(
        default=False, description="With windows, also the least and the greatest of each number: `least`, `greatest`."
    )
    cursor: str | None = Field(default=None, max_length=512, description="`next` of the page before; only for raw.")
    limit: int = Field(default=MOST_POINTS, ge=1, le=MOST_POINTS, description="At most so many raw points a page.")


class History(View):
    """Points, the oldest first: one moment in `ts` for each place in every list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "step": "raw",
                    "ts": [1795332960123, 1795333860123],
                    "fields": {"temp_c.0": [21.5, None], "mains": [True, False]},
                    "next": None,
                }
            ]
        }
    )

    step: str
    ts: list[int] = Field(description="UTC milliseconds.")
    fields: dict[str, list[Any]] = Field(description="Null where a report did not carry the field.")
    next: str | None
    least: dict[str, list[Any]] | None = Field(default=None, description="By `spread`: of numbers, as long as `ts`.")
    greatest: dict[str, list[Any]] | None = Field(default=None, description="By `spread`: of numbers, as long as `ts`.")


async def show(call: Call[None, HistoryQuery]) -> Reply | Problem | web.Response:
    """Give what a socket reported. With `Accept: text/csv` it is a table, its next page in the header `Link`."""
    standing, query = await standing_for(call, Need.VIEW), call.query
    device = standing.device
    end = query.end or call.clock.now()
    start = query.start or end - USUAL_SPAN
    if start > end:
        return fault("from", "It is after `to`.")
    start = min(max(start, standing.since or start), end)  # what was before is of other people
    if query.step in LONGEST_SPAN and end - start > LONGEST_SPAN[query.step]:
        return fault("from", f"At most {LONGEST_SPAN[query.step].days} days at a time with this step.")
    try:
        series = await call.portal.telemetry.series(
            device.id,
            start=start,
            end=end,
            step=query.step,
            fields=query.fields.split(",") if query.fields else None,
            cursor=query.cursor,
            limit=query.limit,
            time_zone=(await time_zone_of(call, standing)).key,
            spread=query.spread,
        )
    except ValueError:
        return fault("cursor", "This is not a cursor of ours.")
    if _wants_csv(call.request.headers.get("Accept", "")):
        return await _table(call, device.id, series, start, end)
    body = History(
        step=series.step,
        ts=series.ts,
        fields=series.fields,
        next=series.next,
        least=series.least if query.spread else None,
        greatest=series.greatest if query.spread else None,
    )
    return Reply(body=body, headers={"Vary": "Accept"})


async def time_zone_of(call: Call[Any, Any], standing: Standing) -> ZoneInfo:
    """Return the time zone of a socket: its owner's, also for others who see it."""
    owner = None if standing.owns else await call.records.get(Account, standing.device.owner_id or "")
    return zone_named((owner or call.account).time_zone)


def _wants_csv(accept: str) -> bool:
    """Return whether a table is liked better than JSON; in doubt, JSON."""
    liked = weights(accept)
    return liked.get("text/csv", 0.0) > liked.get("application/json", 0.0)


async def _table(
    call: Call[None, HistoryQuery], device_id: str, series: Series, start: datetime, end: datetime
) -> web.Response:
    columns = series.fields
    if call.query.spread:
        columns = {**columns, **{f"{name}.least": each for name, each in series.least.items()}}
        columns |= {f"{name}.greatest": each for name, each in series.greatest.items()}
    text = await asyncio.to_thread(table_of, series.ts, columns)
    headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="{device_id}.csv"'}
    if series.next is not None:
        following = {**call.request.query, "from": to_text(start), "to": to_text(end), "cursor": series.next}
        headers["Link"] = f'<{API}/devices/{device_id}/history?{urlencode(following)}>; rel="next"'
    return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)


def table_of(ts: Sequence[int], fields: dict[str, list[Any]]) -> str:
    """Return a table (RFC 4180): `ts` in UTC milliseconds, `time` the same for people, then the fields."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["ts", "time", *fields])
    for number, at_ms in enumerate(ts):
        writer.writerow([at_ms, to_text(from_ms(at_ms)), *(_cell(values[number]) for values in fields.values())])
    return out.getvalue()


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() if value.startswith(FORMULA):
            return f"'{value}"
    return value


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/devices/{device_id}/history",
        handler=show,
        summary="Show what a socket reported",
        scope=Scope.READ_TELEMETRY,
        query=HistoryQuery,
        answers={200: History},
        media=("text/csv",),
    ),
)
