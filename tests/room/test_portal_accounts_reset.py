"""A forgotten password, through the real HTTP server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from isocket.domain.accounts import PasswordReset, Session
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.storage.port import is_
from portal_api.sessions import open_cookie
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PUBLIC_URL, PortalHouse, portal_house

MAIJA = "maija@example.org"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house() as running:
        await running.register(MAIJA)
        yield running


async def asked(house: PortalHouse) -> str:
    """Ask for a reset and return the token in the mail."""
    answer = await house.ask("POST", "/password-resets", {"username": MAIJA})
    assert answer.status == 202
    return await house.link_token(MAIJA)


async def confirmed(house: PortalHouse, token: str, password: str = OTHER_PASSWORD) -> int:
    answer = await house.ask("POST", "/password-resets/confirm", {"token": token, "password": password})
    return answer.status


async def test_the_link_sets_a_new_password(house: PortalHouse) -> None:
    assert await confirmed(house, await asked(house)) == 204
    old = await house.ask("POST", "/tokens", {"username": MAIJA, "password": PASSWORD})
    assert old.status == 401
    await house.sign_in(MAIJA, OTHER_PASSWORD)


async def test_the_link_leads_to_our_own_address(house: PortalHouse) -> None:
    await house.ask("POST", "/password-resets", {"username": MAIJA}, headers={"Host": "evil.example.net"})
    assert f"{PUBLIC_URL}/reset?token=" in (await house.mails(MAIJA))[-1].text


async def test_a_known_and_an_unknown_address_get_the_same_answer(house: PortalHouse) -> None:
    answers = [await house.ask("POST", "/password-resets", {"username": who}) for who in (MAIJA, "nobody@example.org")]
    headers = [{name: value for name, value in each.headers.items() if name != "Date"} for each in answers]
    assert [each.status for each in answers] == [202, 202]
    assert await answers[0].read() == await answers[1].read()
    assert headers[0] == headers[1]


async def test_an_unknown_address_is_neither_mailed_nor_kept(house: PortalHouse) -> None:
    await house.ask("POST", "/password-resets", {"username": "nobody@example.org"})
    assert await house.mails("nobody@example.org") == []
    assert "nobody@" not in repr(await house.records.find(Delivery))
    (decoy,) = await house.records.find(Delivery, is_("kind", DeliveryKind.RESET))
    assert decoy.state is DeliveryState.CALLED_OFF


async def test_a_token_works_once(house: PortalHouse) -> None:
    token = await asked(house)
    assert await confirmed(house, token) == 204
    assert await confirmed(house, token, PASSWORD) == 400


async def test_of_fifty_confirmations_at_once_one_succeeds(house: PortalHouse) -> None:
    token = await asked(house)
    statuses = await asyncio.gather(*(confirmed(house, token, f"{OTHER_PASSWORD} {n}") for n in range(50)))
    assert sorted(statuses) == [204] + [400] * 49


async def test_a_token_is_good_for_thirty_minutes(house: PortalHouse) -> None:
    token = await asked(house)
    await house.clock.advance(30 * 60)
    assert await confirmed(house, token) == 400


async def test_a_newer_token_ends_the_older(house: PortalHouse) -> None:
    older = await asked(house)
    newer = await asked(house)
    assert await confirmed(house, older) == 400
    assert await confirmed(house, newer) == 204


async def test_a_weak_password_is_refused_and_the_token_stays_good(house: PortalHouse) -> None:
    token = await asked(house)
    assert await confirmed(house, token, "12345678") == 422
    assert await confirmed(house, token) == 204


async def test_a_reset_ends_every_session_of_the_account(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    cookie = await open_cookie(house.portal, await house.account(MAIJA))
    await confirmed(house, await asked(house))
    assert (await house.ask("GET", "/me", token=tokens["access_token"])).status == 401
    assert (await house.ask("GET", "/me", headers={"Cookie": f"sid={cookie}"})).status == 401
    late = await house.ask("POST", "/tokens/refresh", {"refresh_token": tokens["refresh_token"]})
    assert late.status == 401
    assert await house.records.count(Session) == 0


async def test_the_holder_is_told_of_the_change(house: PortalHouse) -> None:
    await confirmed(house, await asked(house))
    newest = [each for each in await house.mails(MAIJA) if each.kind is DeliveryKind.NOTICE]
    assert len(newest) == 1


async def test_only_three_resets_an_hour_are_mailed_and_the_answer_stays_the_same(house: PortalHouse) -> None:
    statuses = [(await house.ask("POST", "/password-resets", {"username": MAIJA})).status for _ in range(5)]
    mails = [each for each in await house.mails(MAIJA) if each.kind is DeliveryKind.RESET]
    assert statuses == [202] * 5
    assert len(mails) == 3


async def test_asking_for_a_reset_changes_nothing_yet(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    await asked(house)
    assert (await house.ask("GET", "/me", token=tokens["access_token"])).status == 200
    assert await house.records.count(PasswordReset) == 1
