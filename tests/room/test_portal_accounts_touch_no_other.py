"""Signing in, proving and taking back change one account alone: each has a twin with the same of everything."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account, Session
from isocket.domain.api_tokens import ApiToken
from isocket.domain.contacts import Contact
from isocket.kit.ids import token_hash
from isocket.storage.port import is_
from portal_api import api_tokens, sessions
from portal_api.lockdown import lock
from portal_api.portal import HomeBroker
from tests.fakes.codes_app import code_of
from tests.fakes.portal_devices import MAIJA, SOCKET, devices_house, owned
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PortalHouse
from tests.fakes.twins import furnished, twins_of

BROKER = HomeBroker(host="cloud.example.org", port=8883, tls=True)
AT = f"/devices/{SOCKET}"
WEBHOOK = {"kind": "webhook", "url": "https://hooks.example.org/alarm", "label": "Home automation"}


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house(home_broker=BROKER) as running:
        yield running


async def renewed(house: PortalHouse, refresh_token: str) -> Any:
    return await house.does("", "POST", "/tokens/refresh", {"refresh_token": refresh_token})


async def test_renewing_proving_and_ending_a_session_touches_no_other(house: PortalHouse) -> None:
    await house.register(MAIJA)
    lost, kept = [await house.sign_in(MAIJA) for _ in range(2)]
    beside = await twins_of(house, MAIJA)
    await house.clock.advance(7200)
    tokens = [await renewed(house, each["refresh_token"]) for each in (lost, kept)]
    await house.does(tokens[1]["access_token"], "POST", "/me/step-up", {"password": PASSWORD})
    await house.clock.advance(7200)
    token = (await renewed(house, tokens[1]["refresh_token"]))["access_token"]
    await house.clock.advance(1800)
    await house.does(token, "GET", "/me")
    token = (await renewed(house, (await house.sign_in(MAIJA))["refresh_token"]))["access_token"]
    await house.clock.advance(1800)
    listed = (await house.does(token, "GET", "/sessions"))["items"]
    assert not [each["id"] for each in listed if each["id"].startswith("0")], "nobody sees where others are signed in"
    ended = next(each["id"] for each in listed if not each["current"] and not each["id"].startswith("1"))
    await house.does(token, "DELETE", f"/sessions/{ended}")
    assert (await house.ask("DELETE", f"/sessions/0{ended}", token=token)).status == 404
    session = await house.records.get(Session, next(each["id"] for each in listed if each["current"]))
    assert session is not None
    cookie = await sessions.change_cookie(house.portal, session)
    changed = await house.records.get(Session, session.id)
    assert changed is not None
    assert changed.access_hash == token_hash(cookie)
    assert await beside.touched() == []


async def test_of_two_who_renew_with_one_token_at_once_neither_goes_on(house: PortalHouse) -> None:
    await house.register(MAIJA)
    used = (await house.sign_in(MAIJA))["refresh_token"]
    beside = await twins_of(house, MAIJA)
    got = await asyncio.gather(*(sessions.renew(house.portal, used) for _ in range(2)))
    assert len([each for each in got if each is not None]) == 1
    left = [each.id for each in await house.records.find(Session)]
    assert [each[0] for each in left] == ["0", "1"], "one of two hands is a thief's"
    assert await beside.touched() == []


async def test_whoever_comes_back_opens_their_own_account_and_none_that_was_shut_to_be_archived(
    house: PortalHouse,
) -> None:
    await house.register(MAIJA)
    token = (await house.sign_in(MAIJA))["access_token"]
    await house.does(token, "POST", "/me/closing", {"password": PASSWORD})
    beside = await twins_of(house)
    await house.sign_in(MAIJA)
    account = await house.account(MAIJA)
    assert account.ended_at is None
    assert await beside.touched() == []
    seen = replace(account, ended_at=house.clock.now())
    await house.records.change_all(Account, ended_at=house.clock.now(), password_hash="")
    await sessions.open_cookie(house.portal, seen)
    assert (await house.account(MAIJA)).ended_at is not None


async def test_an_api_token_is_used_and_revoked_alone_and_others_tokens_count_for_nobody(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await owned(house)
    wish = {"name": "Adviser", "purpose": "Heat", "scopes": ["read:telemetry", "control"], "device_ids": [SOCKET]}
    first, second = [await house.does(owner, "POST", "/api-tokens", wish) for _ in range(2)]
    beside = await twins_of(house, MAIJA)
    seen = (await house.does(first["token"], "GET", "/devices"))["items"]
    assert [each["id"] for each in seen] == [SOCKET]
    listed = (await house.does(owner, "GET", "/api-tokens"))["items"]
    assert {each["id"] for each in listed} == {f"{way}{each['id']}" for way in ("", "1") for each in (first, second)}
    old = await house.records.get(ApiToken, f"1{first['id']}")
    assert old is not None
    await house.records.add(replace(old, id="2_old", token_hash="2", credential_epoch=0))
    assert "2_old" not in str((await house.does(owner, "GET", "/api-tokens"))["items"])
    monkeypatch.setattr(api_tokens, "MOST_TOKENS", 5)
    await house.does(owner, "POST", "/api-tokens", wish)
    monkeypatch.undo()
    foreign = await house.ask("POST", "/api-tokens", {**wish, "device_ids": [f"0{SOCKET}"]}, token=owner)
    assert foreign.status == 422
    path = f"{AT}/commands"
    order = await house.does(second["token"], "POST", path, {"name": "on"})
    await house.does(owner, "DELETE", f"/api-tokens/{first['id']}")
    assert (await house.does(owner, "GET", f"{path}/{order['id']}"))["status"] == "queued"
    assert (await house.ask("DELETE", f"/api-tokens/0{first['id']}", token=owner)).status == 404
    assert (await house.ask("GET", "/devices", token=first["token"])).status == 401
    await house.does(second["token"], "GET", "/devices")
    assert await beside.touched() == []


async def test_an_app_and_its_codes_are_their_holders_alone(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    before = await twins_of(house)
    secret = (await house.does(token, "POST", "/me/second-factor/totp"))["secret"]
    secret = (await house.does(token, "POST", "/me/second-factor/totp"))["secret"]
    code = code_of(secret, house.clock.now())
    given = (await house.does(token, "POST", "/me/second-factor/totp/confirm", {"code": code}))["recovery_codes"]
    assert await before.touched() == []
    beside = await twins_of(house)
    assert (await house.does(token, "GET", "/me/second-factor"))["recovery_codes"] == len(given)
    await house.clock.advance(30)
    wish = {"username": MAIJA, "password": PASSWORD}
    await house.does("", "POST", "/tokens", {**wish, "code": code_of(secret, house.clock.now())})
    await house.does("", "POST", "/tokens", {**wish, "code": given[0]})
    assert (await house.does(token, "GET", "/me/second-factor"))["recovery_codes"] == len(given) - 1
    await house.does(token, "POST", "/me/second-factor/recovery-codes")
    await house.does(token, "DELETE", "/me/second-factor/totp")
    assert await beside.touched() == []


async def test_a_new_password_by_its_holder_or_by_a_link_changes_nobody_elses(house: PortalHouse) -> None:
    token = await furnished(house)
    await house.does("", "POST", "/password-resets", {"username": MAIJA})
    beside = await twins_of(house)
    await house.does(token, "POST", "/me/password", {"old_password": PASSWORD, "password": OTHER_PASSWORD})
    await house.does("", "POST", "/password-resets", {"username": MAIJA})
    await house.does("", "POST", "/password-resets", {"username": MAIJA})
    link = await house.link_token(MAIJA)
    await house.does("", "POST", "/password-resets/confirm", {"token": link, "password": PASSWORD})
    assert await beside.touched() == []


async def test_a_link_for_a_new_password_sets_it_for_whoever_asked_and_for_nobody_else(house: PortalHouse) -> None:
    await house.register(MAIJA)
    await house.does("", "POST", "/password-resets", {"username": MAIJA})
    link = await house.link_token(MAIJA)
    beside = await twins_of(house)  # whose password was changed as often
    await house.does("", "POST", "/password-resets/confirm", {"token": link, "password": OTHER_PASSWORD})
    assert await beside.touched() == []


async def test_another_address_is_taken_and_given_back_with_nobody_elses_touched(house: PortalHouse) -> None:
    token, new = await owned(house), "new@example.org"
    await house.does(token, "POST", "/me/email", {"username": new})
    beside = await twins_of(house)
    await house.does(token, "POST", "/me/email", {"username": new})
    await house.does("", "POST", "/email-changes/confirm", {"token": await house.link_token(new)})
    kept = await twins_of(house)
    undo = await house.link_token(MAIJA)
    await house.does("", "POST", "/email-changes/undo", {"token": undo})
    assert await beside.touched() == []
    assert await kept.touched() == []


async def test_who_says_that_it_was_not_them_has_their_own_account_locked_and_no_other(house: PortalHouse) -> None:
    await furnished(house)
    contact = (await house.records.find(Contact, is_("is_owner", False)))[0]
    since = house.clock.now() - timedelta(days=1)
    token = (await house.sign_in(MAIJA))["access_token"]
    await house.does(token, "POST", f"/contacts/{contact.id}/endpoints", WEBHOOK)
    await house.does(token, "POST", "/home-assistant", {"name": "Home"})
    await house.does(token, "POST", "/me/second-factor/totp")
    await house.does("", "POST", "/password-resets", {"username": MAIJA})
    beside = await twins_of(house)
    (home,) = (await house.does(token, "GET", "/home-assistant"))["items"]
    await house.does(token, "DELETE", f"/home-assistant/{home['id']}")
    await house.does(token, "POST", "/home-assistant", {"name": "Home"})
    await lock(house.portal, await house.account(MAIJA), since=since)
    assert (await house.ask("GET", "/me", token=token)).status == 401
    assert await beside.touched() == []
