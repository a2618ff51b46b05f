"""What happened to people's data here and what was done, for anybody to read (Art. 34(3)(c)): it names nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from pydantic import Field

from isocket.domain.breach_letters import in_language
from isocket.domain.breaches import Breach, NoticeWords, ReportWords, notice_of, report_of
from isocket.domain.negotiation import best_language
from isocket.storage.port import is_not
from portal_api.cursor import page_of
from portal_api.models import Instant, Page, PageQuery, View
from portal_api.rendering import shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute, Route

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


async def show(call: Call[None, PageQuery]) -> Page[NewsView]:
    """Show what happened to people's data here, and what was done about it, the newest first."""
    told, following = await page_of(
        call.records,
        Breach,
        is_not("notice_at", None),
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="aware_at",
        descending=True,
    )
    found = _news(told, call.request.headers.get("Accept-Language", ""))
    return Page[NewsView](
        next=following,
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
        ],
    )


async def page(call: Call[None, None]) -> web.Response:
    """Show the same to people."""
    told = await call.records.find(Breach, is_not("notice_at", None), order_by="aware_at", descending=True, limit=MOST)
    found = _news(told, call.request.headers.get("Accept-Language", ""))
    return shown(call, "breaches.html", {"news": found, "controller": call.portal.settings.controller})


def _news(told: Sequence[Breach], wanted: str) -> list[News]:
    """Return what was told, in the language that somebody likes best of those in which it was written."""
    language = best_language(wanted)
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
        query=PageQuery,
        answers={200: Page[NewsView]},
    ),
)
ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(
        method="GET",
        path="/breaches",
        handler=page,
        summary="What happened to people's data here",
        access=Access.PUBLIC,
    ),
)
