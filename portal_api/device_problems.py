"""Messages of a socket that could not be used, and why."""

from pydantic import ConfigDict, Field

from isocket.domain.api_tokens import Scope
from isocket.domain.problems import Problem as RefusedMessage
from isocket.storage.port import is_
from portal_api.cursor import page_of
from portal_api.models import Instant, Page, PageQuery, View
from portal_api.owned import Need, device_for
from portal_api.routes import AnyRoute, Call, Route


class RefusedView(View):
    """One refused message. Its content is not kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "prb_q3mzv6t2cs5hd4yofn7ab2k3xe",
                    "at": "2026-11-22T12:00:00.000Z",
                    "topic_kind": "state",
                    "reason": "more than 100",
                    "field": "battery_pct",
                }
            ]
        }
    )

    id: str
    at: Instant
    topic_kind: str = Field(
        description=(
            "`state`, `alarm`, `ack`, `reported` or `status`; `foreign_topic`: where it may not speak; "
            "`home_assistant`: a wish of yours from there."
        )
    )
    reason: str
    field: str | None


async def show(call: Call[None, PageQuery]) -> Page[RefusedView]:
    """List the messages of a socket that were refused, count as older, or by which it began to count anew."""
    device = await device_for(call, Need.VIEW)
    found, following = await page_of(
        call.records,
        RefusedMessage,
        is_("device_id", device.id),
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="at",
        descending=True,
    )
    items = [
        RefusedView(id=each.id, at=each.at, topic_kind=each.topic_kind, reason=each.reason, field=each.field)
        for each in found
    ]
    return Page[RefusedView](items=items, next=following)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/devices/{device_id}/problems",
        handler=show,
        summary="List refused messages of a socket",
        scope=Scope.READ_TELEMETRY,
        query=PageQuery,
        answers={200: Page[RefusedView]},
    ),
)
