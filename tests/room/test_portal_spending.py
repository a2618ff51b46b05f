"""The customer sees what messages have cost this month."""

from isocket.domain.contacts import ChannelKind
from isocket.domain.sending import Spending, spending_id
from isocket.domain.tariff import MICRO, Tariff
from portal_api.app import ROUTES
from portal_api.spending import ROUTES as SPENDING_ROUTES
from tests.fakes.portal_house import PortalHouse, portal_house

MAIJA = "maija@example.org"
TARIFF = Tariff(prices={(ChannelKind.SMS, ""): 80_000}, cap_micro=50 * MICRO, reserve_micro=25 * MICRO)


async def ask(house: PortalHouse, token: str) -> dict[str, object]:
    answer = await house.ask("GET", "/spending", token=token)
    assert answer.status == 200
    found: dict[str, object] = await answer.json()
    return found


async def test_a_month_in_which_nothing_went_shows_what_there_is() -> None:
    async with portal_house(routes=(*ROUTES, *SPENDING_ROUTES), tariff=TARIFF) as house:
        shown = await ask(house, await house.customer(MAIJA))
    assert (shown["used"], shown["cap"], shown["reserve"], shown["currency"]) == (0, 50, 25, "EUR")


async def test_what_was_spent_is_ones_own() -> None:
    async with portal_house(routes=(*ROUTES, *SPENDING_ROUTES), tariff=TARIFF) as house:
        token, stranger = await house.customer(MAIJA), await house.customer("pekka@example.org")
        account, month = (await house.account(MAIJA)).id, f"{house.clock.now():%Y-%m}"
        await house.records.add(
            Spending(
                id=spending_id(account, month),
                account_id=account,
                month=month,
                started_at=house.clock.now(),
                segments=5,
                calls=1,
                spent_micro=600_000,
            )
        )
        own, other = await ask(house, token), await ask(house, stranger)
    assert (own["month"], own["used"], own["segments"], own["calls"]) == (month, 0.6, 5, 1)
    assert other["used"] == 0


async def test_without_a_cap_none_is_shown() -> None:
    async with portal_house(routes=(*ROUTES, *SPENDING_ROUTES)) as house:
        assert (await ask(house, await house.customer(MAIJA)))["cap"] is None
