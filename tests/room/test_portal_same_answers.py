"""Nobody finds out who is a customer or invited: answers and mails are alike for known and unknown addresses."""

from collections.abc import AsyncIterator

import pytest

from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.storage.port import is_not
from portal_api.app import ROUTES
from portal_api.invitations import invite
from portal_api.pages_routes import page_routes
from portal_api.registration import account_of
from tests.fakes.portal_house import PASSWORD, PUBLIC_URL, PortalHouse, portal_house

KNOWN, UNKNOWN, INVITED = "known.one@example.org", "other.one@example.org", "asked.one@example.org"
MOVING = {"Date", "RateLimit", "Content-Length"}
DOORS = {
    "/api/v1/accounts": {"password": PASSWORD},
    "/api/v1/tokens": {"password": "surely not the right words"},
    "/api/v1/password-resets": {},
}
FORMS = {
    "/register": {"password": PASSWORD, "name": "", "language": "en", "time_zone": "UTC"},
    "/login": {"password": "surely not the right words", "next": "/"},
    "/forgotten": {},
}
ROUNDS = 8  # beyond the limits of one mailbox and of one pair


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=(*ROUTES, *page_routes(desk=False))) as running:
        await running.register(KNOWN)
        await running.clock.advance(86_400)  # what signing up used of the limits is over
        await invite(running.records, running.clock, running.portal.settings, INVITED)
        yield running


async def answers(house: PortalHouse, path: str, more: dict[str, str], username: str) -> list[tuple[object, ...]]:
    """Return status, headers and body of several tries in a row."""
    found: list[tuple[object, ...]] = []
    for _ in range(ROUNDS):
        given = {"username": username, **more}
        sent = {"json": given} if path.startswith("/api") else {"data": given}
        answer = await house.client.post(path, headers={"Origin": PUBLIC_URL}, allow_redirects=False, **sent)
        headers = {name: value for name, value in answer.headers.items() if name not in MOVING}
        found.append((answer.status, headers, (await answer.text()).replace(username, "somebody")))
    return found


async def mails(house: PortalHouse, username: str) -> int:
    return len(await house.mails(username))


@pytest.mark.parametrize("path", [*DOORS, *FORMS])
async def test_whole_answers_are_the_same(path: str, house: PortalHouse) -> None:
    more = {**DOORS, **FORMS}[path]
    known, unknown, invited = [await answers(house, path, more, each) for each in (KNOWN, UNKNOWN, INVITED)]
    assert known == unknown == invited


@pytest.mark.parametrize("path", ["/api/v1/accounts", "/register"])
async def test_asking_for_an_account_sends_as_many_mails_to_all_and_never_more_than_three(
    path: str, house: PortalHouse
) -> None:
    before = await mails(house, KNOWN)
    for username in (KNOWN, UNKNOWN, INVITED):
        await answers(house, path, {**DOORS, **FORMS}[path], username)
    sent = await mails(house, KNOWN) - before, await mails(house, UNKNOWN), await mails(house, INVITED)
    assert sent == (3, 3, 3)


@pytest.mark.parametrize("path", ["/api/v1/password-resets", "/forgotten"])
async def test_a_forgotten_password_sends_nothing_to_strangers_but_stores_as_much(
    path: str, house: PortalHouse
) -> None:
    counts = []
    for username in (KNOWN, UNKNOWN, INVITED):
        before = await house.records.count(Delivery)
        await answers(house, path, {}, username)
        counts.append(await house.records.count(Delivery) - before)
    assert counts == [3, 3, 3]
    assert (await mails(house, UNKNOWN), await mails(house, INVITED)) == (0, 0)


async def test_signing_in_wrongly_sends_no_mail(house: PortalHouse) -> None:
    before = await house.records.count(Delivery, is_not("state", DeliveryState.CALLED_OFF))
    for username in (KNOWN, UNKNOWN):
        await answers(house, "/api/v1/tokens", DOORS["/api/v1/tokens"], username)
    assert await house.records.count(Delivery, is_not("state", DeliveryState.CALLED_OFF)) == before
    assert await account_of(house.portal, UNKNOWN) is None
