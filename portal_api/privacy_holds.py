"""What of my data is held for a dispute or by an order, for its holder to read, unless the law forbids to tell yet."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from isocket.domain.disclosures import may_be_told
from isocket.domain.erasure_plan import HELD_BECAUSE
from isocket.domain.holds import Hold, HoldGround, HoldState
from isocket.storage.port import Records, Test, is_, one_of
from portal_api.models import Instant, View
from portal_api.routes import AnyRoute, Call, Route


class HeldView(View):
    """One hold: a sealed copy of what it names is kept until it ends, whatever is erased or swept meanwhile."""

    id: str = Field(examples=["hld_mzxw6ytboi"])
    ground: HoldGround
    because: str
    parts: list[str] = Field(examples=[["incidents", "messages"]])
    since: Instant
    until: Instant = Field(description="It ends by itself then, or sooner.")
    over: bool = Field(description="It is over, and its copies are destroyed.")


class HoldsView(View):
    """Everything that is held."""

    items: list[HeldView]


async def show(call: Call[None, None]) -> HoldsView:
    """Show what of mine is held for a dispute or by an order, and what was."""
    found = await told_holds(call.records, call.clock.now(), is_("account_id", call.account.id))
    return HoldsView(items=[held_view(each) for each in found])


async def told_holds(records: Records, now: datetime, *tests: Test) -> list[Hold]:
    """Return the holds that fit and of which the person may know by now."""
    return [each for each in await records.find(Hold, *tests, order_by="placed_at") if may_be_told(each, now)]


async def in_force_for(records: Records, account_id: str, now: datetime) -> list[Hold]:
    """Return what holds an account's data now, as far as its holder may know."""
    found = await told_holds(records, now, is_("account_id", account_id), is_("state", HoldState.IN_FORCE))
    return [each for each in found if each.ends_at > now]


async def by_ids(records: Records, ids: Sequence[str], now: datetime) -> list[Hold]:
    """Return the holds of a receipt, as far as whoever has it may know."""
    return await told_holds(records, now, one_of("id", ids)) if ids else []


def held_view(hold: Hold) -> HeldView:
    """Return what the person sees of a hold."""
    return HeldView(
        id=hold.id,
        ground=hold.ground,
        because=HELD_BECAUSE[hold.ground],
        parts=list(hold.parts),
        since=hold.placed_at,
        until=hold.ends_at,
        over=hold.state is HoldState.EMPTIED,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/privacy/holds",
        handler=show,
        summary="What of mine is held for a dispute or by an order",
        answers={200: HoldsView},
    ),
)
