"""What happened to people's data here and what was done, for anybody to read (Art. 34(3)(c)): it names nobody."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from pydantic import Field

from isocket.domain.breach_letters import in_language
from isocket.domain.breaches import Breach, NoticeWords, ReportWords, notice_of, report_of
from isocket.storage.port import Records, is_not
from portal_api.models import Instant, View
from portal_api.recipient_words import best_language
from portal_api.rendering import shown
from portal_api.routes import Access, AnyRoute, Call, Route, Surface

MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One breach as it was told to those whom it concerns."""

    notice_at: datetime
    began_at: datetime
    ended_at: datetime | None
    notice: NoticeWords
    report_at: datetime | None
    report: ReportWords | None


class NewsView(View):
    """One breach as it was told to those whom it concerns."""

    told_at: Instant
    began_at: Instant
    ended_at: Instant | None
    happened: str
    consequences: str
    measures: str
    advice: str
    done_told_at: Instant | None = Field(description="When they were told what was done; null until then.")
    done: str
    done_advice: str


class NewsList(View):
    """All of them, the newest first."""

    items: list[NewsView]


async def show(call: Call[None, None]) -> NewsList:
    """Show what happened to people's data here, and what was done about it."""
    found = await _news(call.records, call.request.headers.get("Accept-Language", ""))
    return NewsList(
        items=[
            NewsView(
                told_at=each.notice_at,
                began_at=each.began_at,
                ended_at=each.ended_at,
                happened=each.notice.happened,
                consequences=each.notice.consequences,
                measures=each.notice.measures,
                advice=each.notice.advice,
                done_told_at=each.report_at,
                done=each.report.done if each.report else "",
                done_advice=each.report.advice if each.report else "",
            )
            for each in found
        ]
    )


async def page(call: Call[None, None]) -> web.Response:
    """Show the same to people."""
    found = await _news(call.records, call.request.headers.get("Accept-Language", ""))
    return shown(call, "breaches.html", {"news": found, "controller": call.portal.settings.controller})


async def _news(records: Records, wanted: str) -> list[News]:
    """Return what was told, in the language that somebody likes best of those in which it was written."""
    language = best_language(wanted)
    told = await records.find(Breach, is_not("notice_at", None), order_by="aware_at", descending=True, limit=MOST)
    found = []
    for each in told:
        notice, report = notice_of(each), report_of(each)
        if each.notice_at is not None and notice:
            found.append(
                News(
                    notice_at=each.notice_at,
                    began_at=each.began_at,
                    ended_at=each.ended_at,
                    notice=in_language(notice, language),
                    report_at=each.report_at,
                    report=in_language(report, language) if report else None,
                )
            )
    return found


API_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/privacy/breaches",
        handler=show,
        summary="What happened to people's data here",
        access=Access.PUBLIC,
        answers={200: NewsList},
    ),
)
ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/breaches",
        handler=page,
        summary="What happened to people's data here",
        access=Access.PUBLIC,
        surface=Surface.PAGE,
    ),
)
