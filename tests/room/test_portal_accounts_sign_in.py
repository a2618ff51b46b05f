"""Signing in, staying signed in and being signed out, through the real HTTP server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import pytest

from isocket.domain.accounts import Account, Bucket, Session
from isocket.storage.port import is_
from portal_api import registration, resets, tokens
from portal_api.limits import Rate, Rates
from portal_api.line import TooBusyError
from portal_api.passwords import Passwords
from portal_api.problem import Problem
from tests.fakes.portal_house import PASSWORD, PEPPER, PortalHouse, portal_house
from tests.fakes.quick_passwords import QuickPasswords

MAIJA = "maija@example.org"
SIGN_IN = {"username": MAIJA, "password": PASSWORD}
WRONG = {"username": MAIJA, "password": "not the right words"}


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house() as running:
        await running.register(MAIJA)
        yield running


async def test_the_right_password_gives_tokens(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    assert len(tokens["access_token"]) == 43
    assert tokens["expires_in"] == 3600
    assert (await house.ask("GET", "/me", token=tokens["access_token"])).status == 200


async def test_the_store_has_only_hashes_of_tokens(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    stored = repr(await house.records.find(Session))
    assert tokens["access_token"] not in stored
    assert tokens["refresh_token"].partition(".")[2] not in stored


async def test_a_wrong_password_and_an_unknown_address_get_the_same_refusal(house: PortalHouse) -> None:
    wrong = await house.ask("POST", "/tokens", WRONG)
    unknown = await house.ask("POST", "/tokens", {**WRONG, "username": "nobody@example.org"})
    assert (wrong.status, unknown.status) == (401, 401)
    assert await wrong.read() == await unknown.read()


async def test_after_ten_wrong_passwords_even_the_right_one_has_to_wait(house: PortalHouse) -> None:
    statuses = [(await house.ask("POST", "/tokens", WRONG)).status for _ in range(10)]
    refused = await house.ask("POST", "/tokens", SIGN_IN)
    assert statuses == [401] * 10
    assert refused.status == 429
    wait_s = int(refused.headers["Retry-After"])
    await house.clock.advance(wait_s)
    assert (await house.ask("POST", "/tokens", SIGN_IN)).status == 200


async def test_an_unknown_address_is_throttled_like_a_known_one(house: PortalHouse) -> None:
    unknown = {**WRONG, "username": "nobody@example.org"}
    statuses = [(await house.ask("POST", "/tokens", unknown)).status for _ in range(11)]
    assert statuses == [401] * 10 + [429]


async def test_guesses_at_once_are_counted_as_well(house: PortalHouse) -> None:
    answers = await asyncio.gather(*(house.ask("POST", "/tokens", WRONG) for _ in range(40)))
    assert sum(each.status == 401 for each in answers) <= 10


async def test_one_password_tried_at_many_accounts_is_counted_for_where_it_comes_from() -> None:
    rates = replace(Rates(), sign_in_address=Rate(name="sign_in_address", tries=5, per_s=300))
    async with portal_house(rates=rates) as house:
        await house.register(MAIJA)
        tried = [{**WRONG, "username": f"customer{number}@example.org"} for number in range(5)]
        statuses = [(await house.ask("POST", "/tokens", each)).status for each in tried]
        assert statuses == [401] * 5
        assert (await house.ask("POST", "/tokens", SIGN_IN)).status == 429


async def test_right_passwords_use_up_nothing(house: PortalHouse) -> None:
    statuses = {(await house.ask("POST", "/tokens", SIGN_IN)).status for _ in range(15)}
    assert statuses == {200}


async def test_a_crowd_at_the_door_is_told_to_come_back() -> None:
    slow = Passwords(pepper=PEPPER, cost=10, threads=1, waiting=1)
    rates = replace(Rates(), sign_in_pair=Rate(name="sign_in_pair", tries=1000, per_s=300))
    async with portal_house(passwords=slow, rates=rates) as house:
        answers = await asyncio.gather(*(house.ask("POST", "/tokens", WRONG) for _ in range(30)))
        turned_away = [each for each in answers if each.status == 429]
        assert {each.status for each in answers} == {401, 429}
        assert all(int(each.headers["Retry-After"]) >= 1 for each in turned_away)
    slow.close()


@contextmanager
def crowd_of_strangers(house: PortalHouse) -> Iterator[None]:
    """Take every place that strangers can have."""
    with ExitStack() as places:
        with suppress(TooBusyError):
            while True:
                places.enter_context(house.passwords.place())
        yield


async def test_whom_a_crowd_leaves_no_place_is_told_to_come_back_and_costs_the_store_nothing(
    house: PortalHouse,
) -> None:
    before = await house.records.find(Bucket)
    with crowd_of_strangers(house):
        refused = await house.ask("POST", "/tokens", SIGN_IN)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert await house.records.find(Bucket) == before


async def test_a_crowd_of_strangers_keeps_nobody_out_who_came_in_from_there_before(house: PortalHouse) -> None:
    await house.sign_in(MAIJA)
    with crowd_of_strangers(house):
        assert (await house.ask("POST", "/tokens", SIGN_IN)).status == 200
        assert (await house.ask("POST", "/tokens", {**SIGN_IN, "username": "otso@example.org"})).status == 429
    assert house.passwords._line.inside == 0


async def test_in_a_crowd_an_old_hash_waits_for_another_time_and_the_right_password_is_right(
    house: PortalHouse,
) -> None:
    dearer = QuickPasswords(pepper=PEPPER, cost=5)
    async with portal_house(records=house.records, passwords=dearer) as dearer_house:
        with ExitStack() as places:
            with suppress(TooBusyError):
                while True:
                    places.enter_context(dearer.place(known=True))
            await dearer_house.sign_in(MAIJA)
        assert "$04$" in (await dearer_house.account(MAIJA)).password_hash
        await dearer_house.sign_in(MAIJA)
        assert "$05$" in (await dearer_house.account(MAIJA)).password_hash
    dearer.close()


async def test_whether_an_address_is_known_is_looked_up_in_the_same_time(house: PortalHouse) -> None:
    portal = replace(house.portal, settings=replace(house.portal.settings, evenly_s=0.05))
    asked = [
        tokens.prove(portal, MAIJA, "not the right words", client="203.0.113.7"),
        tokens.prove(portal, "otso@example.org", "not the right words", client="203.0.113.8"),
        resets.send_link(portal, MAIJA, client="203.0.113.7"),
        resets.send_link(portal, "otso@example.org", client="203.0.113.8"),
    ]
    running = [asyncio.create_task(each) for each in asked]
    await house.clock.advance(0.049)
    assert house.clock.sleepers == len(running)
    await house.clock.advance(0.001)
    assert house.clock.sleepers == 0
    await asyncio.gather(*running)


async def test_who_has_tried_too_often_is_refused_at_once_and_holds_no_place(house: PortalHouse) -> None:
    portal = replace(house.portal, settings=replace(house.portal.settings, evenly_s=0.05))
    for _ in range(10):
        await portal.limits.take(portal.settings.rates.sign_in_pair, MAIJA, "203.0.113.7")
    refused = await tokens.prove(portal, MAIJA, PASSWORD, client="203.0.113.7")  # and the clock stands still
    assert isinstance(refused, Problem)
    assert refused.status == 429
    assert house.passwords._line.inside == 0


async def test_to_note_a_wish_for_an_account_takes_the_same_time(house: PortalHouse) -> None:
    portal = replace(house.portal, settings=replace(house.portal.settings, evenly_s=0.05))
    for username in (MAIJA, "otso@example.org"):
        wish = registration.NewAccount(username=username, password=PASSWORD)
        noting = asyncio.create_task(registration.wish_for(portal, wish, client="203.0.113.7"))
        while not house.clock.sleepers:  # until the password is hashed
            assert not noting.done()
            await asyncio.sleep(0)
        await house.clock.advance(0.05)
        await noting


async def test_a_hash_of_a_lower_cost_is_made_anew_on_sign_in(house: PortalHouse) -> None:
    (before,) = await house.records.find(Account)
    dearer = Passwords(pepper=PEPPER, cost=11)
    async with portal_house(records=house.records, passwords=dearer) as dearer_house:
        await dearer_house.sign_in(MAIJA)
        await dearer_house.sign_in(MAIJA)
    dearer.close()
    (after,) = await house.records.find(Account)
    assert "$04$" in before.password_hash
    assert "$11$" in after.password_hash


async def test_an_access_token_runs_out_and_a_refresh_brings_another(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    await house.clock.advance(3600)
    assert (await house.ask("GET", "/me", token=tokens["access_token"])).status == 401
    renewed = await house.ask("POST", "/tokens/refresh", {"refresh_token": tokens["refresh_token"]})
    assert renewed.status == 200
    assert (await house.ask("GET", "/me", token=(await renewed.json())["access_token"])).status == 200


async def test_a_refresh_ends_the_access_token_before_it(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    await house.ask("POST", "/tokens/refresh", {"refresh_token": tokens["refresh_token"]})
    assert (await house.ask("GET", "/me", token=tokens["access_token"])).status == 401


async def test_a_refresh_token_that_comes_twice_ends_the_session(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    first = {"refresh_token": tokens["refresh_token"]}
    second = await (await house.ask("POST", "/tokens/refresh", first)).json()
    assert (await house.ask("POST", "/tokens/refresh", first)).status == 401
    assert (await house.ask("GET", "/me", token=second["access_token"])).status == 401
    again = await house.ask("POST", "/tokens/refresh", {"refresh_token": second["refresh_token"]})
    assert again.status == 401


async def test_a_made_up_refresh_token_does_not_end_the_session(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    session_id = tokens["refresh_token"].partition(".")[0]
    forged = await house.ask("POST", "/tokens/refresh", {"refresh_token": f"{session_id}.{'x' * 43}"})
    assert forged.status == 401
    assert (await house.ask("GET", "/me", token=tokens["access_token"])).status == 200


async def test_an_unused_refresh_token_dies_after_ninety_days(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    await house.clock.advance(90 * 86_400)
    late = await house.ask("POST", "/tokens/refresh", {"refresh_token": tokens["refresh_token"]})
    assert late.status == 401


async def test_signing_out_ends_this_session_and_no_other(house: PortalHouse) -> None:
    one, other = await house.sign_in(MAIJA), await house.sign_in(MAIJA)
    assert (await house.ask("DELETE", "/tokens", token=one["access_token"])).status == 204
    assert (await house.ask("GET", "/me", token=one["access_token"])).status == 401
    assert (await house.ask("GET", "/me", token=other["access_token"])).status == 200
    gone = await house.ask("POST", "/tokens/refresh", {"refresh_token": one["refresh_token"]})
    assert gone.status == 401


async def test_a_moved_epoch_ends_a_session_at_once(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    await house.records.change_one(Account, is_("email", MAIJA), credential_epoch=2)
    assert (await house.ask("GET", "/me", token=tokens["access_token"])).status == 401
    late = await house.ask("POST", "/tokens/refresh", {"refresh_token": tokens["refresh_token"]})
    assert late.status == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer nonsense", "Basic bWFpamE6eA==", "bearer  "])
async def test_a_bad_authorization_header_is_nobody(house: PortalHouse, header: str) -> None:
    answer = await house.ask("GET", "/me", headers={"Authorization": header})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_strangers_everywhere_do_not_lock_out_the_holder_where_they_came_in_before(house: PortalHouse) -> None:
    await house.register("other@example.org")
    await house.sign_in(MAIJA)
    rate = house.portal.settings.rates.sign_in_account
    for who in (MAIJA, "other@example.org"):
        while await house.portal.limits.take(rate, who) == 0:
            pass
    statuses = [
        (await house.ask("POST", "/tokens", {"username": who, "password": PASSWORD})).status
        for who in (MAIJA, "other@example.org")
    ]
    assert statuses == [200, 429]


async def test_an_address_of_the_holders_is_forgotten_after_a_month(house: PortalHouse) -> None:
    await house.sign_in(MAIJA)
    await house.clock.advance(30 * 86_400)
    while await house.portal.limits.take(house.portal.settings.rates.sign_in_account, MAIJA) == 0:
        pass
    assert (await house.ask("POST", "/tokens", {"username": MAIJA, "password": PASSWORD})).status == 429
    buckets = await house.records.find(Bucket)
    assert not [each for each in buckets if "127.0.0.1" in repr(each) or MAIJA in repr(each)]
