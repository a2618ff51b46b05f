"""Figures about many customers, for staff: the same numbers for whoever asks, however often; they tell of nobody."""

from isocket.domain.accounts import StaffRole
from isocket.domain.statistics import Release
from portal_api.cursor import page_of
from portal_api.models import Instant, Page, PageQuery, View
from portal_api.routes import Access, AnyRoute, Call, Route


class WeekView(View):
    """One week: in each table how many customers, rounded; null where it would be too few to be told."""

    id: str
    since: Instant
    until: Instant
    tables: dict[str, dict[str, int | None]]


async def show(call: Call[None, PageQuery]) -> Page[WeekView]:
    """List what was counted, the newest week first. Whoever objects to being counted is in none of it."""
    found, following = await page_of(
        call.records, Release, cursor=call.query.cursor, limit=call.query.limit, order_by="until", descending=True
    )
    weeks = [WeekView(id=each.id, since=each.since, until=each.until, tables=each.tables) for each in found]
    return Page[WeekView](items=weeks, next=following)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/staff/statistics",
        handler=show,
        summary="Figures about many customers",
        access=Access.STAFF,
        staff=(StaffRole.PRIVACY, StaffRole.OPERATIONS),
        query=PageQuery,
        answers={200: Page[WeekView]},
    ),
)
