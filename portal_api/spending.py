"""What an account's texts and calls have cost this month, and how much there is."""

from pydantic import ConfigDict, Field

from isocket.domain.sending import Spending, month_of, spending_id
from isocket.domain.tariff import MICRO
from portal_api.models import View
from portal_api.routes import AnyRoute, Call, Route


class MonthsSpending(View):
    """One calendar month (UTC). Money is in `currency`, at the prices of this installation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "month": "2026-11",
                    "currency": "EUR",
                    "used": 12.4,
                    "cap": 50.0,
                    "reserve": 25.0,
                    "segments": 130,
                    "calls": 10,
                }
            ]
        }
    )

    month: str
    currency: str
    used: float
    cap: float | None = Field(
        description="Beyond it all but critical alarms go by mail and push only; null: there is no limit."
    )
    reserve: float = Field(
        description="Set aside beyond the cap for critical alarms, which go even when it is used up."
    )
    segments: int
    calls: int


async def show(call: Call[None, None]) -> MonthsSpending:
    """Show what this month's texts and calls have cost so far."""
    tariff, month = call.portal.settings.tariff, month_of(call.clock.now())
    spending = await call.records.get(Spending, spending_id(call.account.id, month))
    return MonthsSpending(
        month=month,
        currency=tariff.currency,
        used=0.0 if spending is None else spending.spent_micro / MICRO,
        cap=tariff.cap_micro / MICRO if tariff.cap_micro else None,
        reserve=tariff.reserve_micro / MICRO,
        segments=0 if spending is None else spending.segments,
        calls=0 if spending is None else spending.calls,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/spending",
        handler=show,
        summary="Show what messages cost this month",
        answers={200: MonthsSpending},
    ),
)
