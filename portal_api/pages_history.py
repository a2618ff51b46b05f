"""What a socket reported over a day, a week, a month or a year: as a picture, as a table, and for a spreadsheet."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from isocket.domain.device_models import model_of
from isocket.kit.clock import from_ms, to_ms
from isocket.storage.telemetry import Series
from portal_api.chart import Axis, Chart, Measured, chart_of
from portal_api.history import table_of, time_zone_of
from portal_api.owned import Need, Standing, standing_for
from portal_api.problem import Problem, ProblemError, fault
from portal_api.rendering import DAYS, MONTHS, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.settings_models import whole_settings

_MINUTE_MS = 60_000
_PERCENT = (0.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How much is looked at, and how closely."""

    name: str
    words: str
    days: int
    step: str
    step_ms: int


SPANS: Mapping[str, Span] = MappingProxyType(
    {
        each.name: each
        for each in (
            Span(name="day", words="Day", days=1, step="15m", step_ms=15 * _MINUTE_MS),
            Span(name="week", words="Week", days=7, step="1h", step_ms=60 * _MINUTE_MS),
            Span(name="month", words="Month", days=31, step="1h", step_ms=60 * _MINUTE_MS),
            Span(name="year", words="Year", days=366, step="1d", step_ms=24 * 60 * _MINUTE_MS),
        )
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is looked at: of whom, which days, in whose time zone."""

    standing: Standing
    span: Span
    last: date
    today: date
    zone: ZoneInfo

    @property
    def first(self) -> date:
        """Return the first day."""
        return self.last - timedelta(days=self.span.days - 1)

    @property
    def start(self) -> datetime:
        """Return when the first day begins, or when it became theirs to see."""
        begins = _midnight(self.first, self.zone)
        return max(begins, self.standing.since or begins)

    @property
    def end(self) -> datetime:
        """Return when the last day ends."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    def path(self, *, span: str | None = None, last: date | None = None, table: bool = False) -> str:
        """Return the address of such a page."""
        kind = "history.csv" if table else "history"
        return f"/devices/{self.standing.device.id}/{kind}?span={span or self.span.name}&to={last or self.last}"


async def show(call: Call[None, None]) -> web.Response:
    """Show the past of a socket."""
    look = await _look(call)
    series = await _series(call, look)
    time_ms = Axis(start_ms=to_ms(_midnight(look.first, look.zone)), end_ms=to_ms(look.end), step_ms=look.span.step_ms)
    columns = list(_columns(look))
    dark = [at_ms for at_ms, mains in zip(series.ts, series.fields.get("mains", ()), strict=False) if mains is False]
    later, earlier = look.last + timedelta(days=look.span.days), look.last - timedelta(days=look.span.days)
    words = {
        "device": look.standing.device,
        "look": look,
        "spans": [(each.words, look.path(span=each.name), each is look.span) for each in SPANS.values()],
        "earlier": look.path(last=earlier),
        "later": look.path(last=min(later, look.today)) if look.last < look.today else None,
        "table": look.path(table=True),
        "pictures": _pictures(look, series, time_ms, columns, dark),
        "dark": bool(dark),
        "rows": list(_rows(look, series)),
        "names": _names(look, series),
    }
    return shown(call, "history.html", words)


async def table(call: Call[None, None]) -> web.Response:
    """Give the same for a spreadsheet."""
    look = await _look(call)
    series = await _series(call, look)
    columns = series.fields | {f"{name}.least": each for name, each in series.least.items()}
    columns |= {f"{name}.greatest": each for name, each in series.greatest.items()}
    text = await asyncio.to_thread(table_of, series.ts, columns)
    name = f"{look.standing.device.id}-{look.first}-{look.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)


async def _look(call: Call[Any, Any]) -> Look:
    standing = await standing_for(call, Need.VIEW)
    zone = await time_zone_of(call, standing)
    today = call.clock.now().astimezone(zone).date()
    span, last = SPANS.get(call.request.query.get("span", "day")), call.request.query.get("to")
    if span is None:
        raise ProblemError(fault("span", f"It is one of {', '.join(SPANS)}."))
    try:
        day = date.fromisoformat(last) if last else today
    except ValueError:
        raise ProblemError(_no_day()) from None
    if not date(1970, 1, 1) + timedelta(days=span.days) <= day <= date(2199, 1, 1):
        raise ProblemError(_no_day())
    return Look(standing=standing, span=span, last=day, today=today, zone=zone)


def _no_day() -> Problem:
    return fault("to", "A day is needed, such as 2026-11-22.")


async def _series(call: Call[Any, Any], look: Look) -> Series:
    return await call.portal.telemetry.series(
        look.standing.device.id,
        start=look.start,
        end=max(look.start, look.end),
        step=look.span.step,
        time_zone=str(look.zone),
        spread=True,
    )


def _names(look: Look, series: Series) -> dict[str, str]:
    """Return what the thermometers that were heard are called."""
    device = look.standing.device
    probes = whole_settings(device.desired, model_of(device.model), device.part_names).temp
    found: dict[str, str] = {}
    for name in series.least:
        if name.startswith("temp_c."):
            place = int(name.partition(".")[2])
            own = probes[place].name if place < len(probes) else None
            found[name] = own or f"Thermometer {place + 1}"
    return found


def _pictures(
    look: Look, series: Series, axis: Axis, columns: Sequence[tuple[int, str]], dark: Sequence[int]
) -> list[tuple[str, str, Chart]]:
    """Return title, unit and picture of what there is to show."""
    warmth = [_measured(series, name, words) for name, words in _names(look, series).items()]
    battery = [_measured(series, "battery_pct", "Battery")] if "battery_pct" in series.least else []
    made = [
        ("Temperature", "°C", chart_of(axis, series.ts, warmth, columns=columns, dark=dark)),
        ("Battery", "%", chart_of(axis, series.ts, battery, columns=columns, dark=dark, whole=_PERCENT)),
    ]
    return [(title, unit, picture) for title, unit, picture in made if picture is not None]


def _measured(series: Series, name: str, words: str) -> Measured:
    return Measured(name=words, mean=series.fields[name], least=series.least[name], greatest=series.greatest[name])


def _rows(look: Look, series: Series) -> Iterator[dict[str, object]]:
    """Yield the table, the newest first."""
    names = _names(look, series)
    for place in reversed(range(len(series.ts))):
        at = from_ms(series.ts[place]).astimezone(look.zone)
        mains, battery = series.fields.get("mains"), series.fields.get("battery_pct")
        yield {
            "at": _said(look.span, at),
            "warmth": [
                (series.fields[name][place], series.least[name][place], series.greatest[name][place]) for name in names
            ],
            "mains": None if mains is None else mains[place],
            "battery": None if battery is None else battery[place],
        }


def _said(span: Span, at: datetime) -> str:
    day = f"{DAYS[at.weekday()]} {at.day} {MONTHS[at.month - 1]}"
    return day if span.step == "1d" else f"{day} {at:%H:%M}"


def _columns(look: Look) -> Iterator[tuple[int, str]]:
    """Yield what stands along the time: hours, days, or months."""
    if look.span.name == "day":
        for hour in range(0, 24, 3):
            yield to_ms(datetime.combine(look.first, time(hour), look.zone)), f"{hour:02}"
        return
    for number in range(look.span.days):
        day = look.first + timedelta(days=number)
        at_ms = to_ms(_midnight(day, look.zone))
        if look.span.name == "week":
            yield at_ms, f"{DAYS[day.weekday()]} {day.day}"
        elif look.span.name == "month" and number % 5 == 0:
            yield at_ms, f"{day.day} {MONTHS[day.month - 1]}"
        elif look.span.name == "year" and day.day == 1:
            yield at_ms, MONTHS[day.month - 1]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/devices/{device_id}/history", handler=show, summary="Show the past"),
    PageRoute(
        method="GET",
        path="/devices/{device_id}/history.csv",
        handler=table,
        summary="Give the past for a spreadsheet",
    ),
)
