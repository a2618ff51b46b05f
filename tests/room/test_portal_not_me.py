"""Every mail about signing in has a link that ends everything; it does so once, and only by a button."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.accounts import Account
from isocket.domain.api_tokens import ApiToken
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.contacts import ChannelKind
from isocket.domain.endpoints import Endpoint
from isocket.domain.factors import Passkey, RecoveryCode, TotpFactor
from isocket.domain.homes import Home
from isocket.domain.shares import Share, ShareRole
from isocket.domain.transfers import Transfer
from portal_api import sessions
from portal_api.app import ROUTES
from portal_api.lockdown import lock
from portal_api.notices import Change, security_notice
from portal_api.pages_routes import page_routes
from portal_api.portal import Portal
from portal_api.registration import owner_contact_id
from tests.fakes.clock import NOON
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor

MAIJA = "maija@example.org"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=(*ROUTES, *page_routes(desk=False))) as running:
        await running.register(MAIJA)
        yield running


async def link_in_a_mail(house: PortalHouse) -> str:
    await security_notice(house.portal, await house.account(MAIJA), Change.RECOVERY_CODES_MADE)
    text = (await house.mails(MAIJA))[-1].text
    return next(word for word in text.split() if "/not-me" in word).removeprefix(PUBLIC_URL)


async def test_opening_the_link_changes_nothing(house: PortalHouse) -> None:
    token = (await house.sign_in(MAIJA))["access_token"]
    page = await Visitor(house.client).open(await link_in_a_mail(house))
    assert (page.status, "End everything" in page.words) == (200, True)
    assert (await house.ask("GET", "/me", token=token)).status == 200


@pytest.mark.parametrize("how", ["new password", "reset", "not me"])
async def test_of_programs_that_a_new_password_shut_out_no_name_and_no_hash_is_kept(
    house: PortalHouse, how: str
) -> None:
    """A login of a home never expires: its name and the hash of its password stayed as long as the account."""
    token, account, now = (await house.sign_in(MAIJA))["access_token"], await house.account(MAIJA), house.clock.now()
    mine = {"account_id": account.id, "name": "Cabin", "created_at": now}
    this, other = {"credential_epoch": account.credential_epoch, **mine}, {"credential_epoch": 1, **mine}
    ends = {"scopes": (), "expires_at": now + timedelta(days=730)}
    await house.records.add_all(
        [Home(id="home_1", secret_hash="x", **this), ApiToken(id="tok_1", token_hash="x", **ends, **this)]
    )
    others = Home(id="home_2", secret_hash="x", **{**other, "account_id": "acc_other"})
    await house.records.add_all([others])
    if how == "new password":
        wish = {"old_password": PASSWORD, "password": OTHER_PASSWORD}
        assert (await house.ask("POST", "/me/password", wish, token=token)).status == 204
    elif how == "reset":
        await house.ask("POST", "/password-resets", {"username": MAIJA})
        link = {"token": await house.link_token(MAIJA), "password": OTHER_PASSWORD}
        assert (await house.ask("POST", "/password-resets/confirm", link)).status == 204
    else:
        await lock(house.portal, account, since=now)
    assert await house.records.find(ApiToken) == []
    assert await house.records.find(Home) == [others]


async def test_what_is_let_in_by_the_new_password_while_the_old_ones_programs_are_forgotten_stays(
    house: PortalHouse,
) -> None:
    await house.sign_in(MAIJA)
    account, now = await house.account(MAIJA), house.clock.now()
    made = {"account_id": account.id, "name": "Cabin", "created_at": now, "secret_hash": "x"}
    new = Home(id="home_2", credential_epoch=account.credential_epoch + 1, **made)
    await house.records.add_all([Home(id="home_1", credential_epoch=account.credential_epoch, **made), new])
    await sessions.end_programs(house.portal, account)
    assert await house.records.find(Home) == [new]


async def test_the_button_signs_everybody_out_and_locks_the_password(house: PortalHouse) -> None:
    token = (await house.sign_in(MAIJA))["access_token"]
    visitor = Visitor(house.client)
    page = await visitor.open(await link_in_a_mail(house))
    after = await visitor.send(page, "/not-me")
    assert (after.path.partition("?")[0], "Everybody is signed out" in after.words) == ("/forgotten", True)
    assert (await house.ask("GET", "/me", token=token)).status == 401
    assert (await house.ask("POST", "/tokens", {"username": MAIJA, "password": PASSWORD})).status == 401
    assert "not good any more" in (await visitor.send(page, "/not-me")).words


@pytest.mark.clause("C5-11", "C5-13")
async def test_a_new_password_by_mail_opens_it_again(house: PortalHouse) -> None:
    visitor = Visitor(house.client)
    await visitor.send(await visitor.open(await link_in_a_mail(house)), "/not-me")
    await house.ask("POST", "/password-resets", {"username": MAIJA})
    wish = {"token": await house.link_token(MAIJA), "password": OTHER_PASSWORD}
    assert (await house.ask("POST", "/password-resets/confirm", wish)).status == 204
    assert (await house.ask("POST", "/tokens", {"username": MAIJA, "password": OTHER_PASSWORD})).status == 200


async def test_a_factor_added_within_a_day_goes_and_an_older_one_stays(house: PortalHouse) -> None:
    account, kinds = await house.account(MAIJA), (TotpFactor, Passkey, RecoveryCode)
    for hours, left in ((1, 0), (25, 1)):
        for kind in kinds:
            await house.records.remove_all(kind)
        made = house.clock.now()
        mine: dict[str, Any] = {"account_id": account.id, "created_at": made}
        await house.records.add(
            TotpFactor(id="fac_1", secret="A" * 32, confirmed_at=made, **mine),
            Passkey(id="pky_1", credential_id="A" * 32, public_key="A" * 32, **mine),
            RecoveryCode(id="code", **mine),
        )
        await house.clock.advance(hours * 3600)
        visitor = Visitor(house.client)
        await visitor.send(await visitor.open(await link_in_a_mail(house)), "/not-me")
        assert [await house.records.count(kind) for kind in kinds] == [left] * 3


async def test_whoever_took_the_account_keeps_no_way_in_by_a_new_password_or_by_waiting(house: PortalHouse) -> None:
    account, made = await house.account(MAIJA), house.clock.now()
    thiefs = TotpFactor(id="fac_1", account_id=account.id, secret="A" * 32, confirmed_at=made, created_at=made)
    await house.records.add(thiefs)
    await house.records.add(RecoveryCode(id="rec_1", account_id=account.id, created_at=made))
    link = await link_in_a_mail(house)
    token = (await house.ask("POST", "/password-resets", {"username": MAIJA})) and await house.link_token(MAIJA)
    wish = {"token": token, "password": OTHER_PASSWORD}
    assert (await house.ask("POST", "/password-resets/confirm", wish)).status == 204
    await house.clock.advance(3 * 86_400)
    visitor = Visitor(house.client)
    await visitor.send(await visitor.open(link), "/not-me")
    assert (await house.records.count(TotpFactor), await house.records.count(RecoveryCode)) == (0, 0)
    assert (await house.account(MAIJA)).password_hash == ""
    assert (await visitor.open(link)).status == 400


async def test_what_a_stranger_gave_themself_of_the_sockets_is_taken_back_and_what_is_older_stays(
    house: PortalHouse,
) -> None:
    account = await house.account(MAIJA)

    async def given(number: int) -> None:
        now = house.clock.now()
        to: dict[str, Any] = {"owner_id": account.id, "email": f"to{number}@example.org", "created_at": now}
        share = Share(id=f"shr_{number}", device_id="is0000000001", role=ShareRole.OPERATOR, **to)
        until = now + timedelta(days=14)
        offer = Transfer(id=f"tra_{number}", device_id=f"is000000000{number}", expires_at=until, token_hash="", **to)
        await house.records.add_all([share, offer])

    await given(1)
    await house.clock.advance(3 * 86_400)
    await given(2)
    visitor = Visitor(house.client)
    await visitor.send(await visitor.open(await link_in_a_mail(house)), "/not-me")
    assert [each.id for each in await house.records.find(Share)] == ["shr_1"]
    assert [each.id for each in await house.records.find(Transfer)] == ["tra_1"]


async def test_a_browser_or_program_that_a_stranger_added_hears_and_takes_no_more_alarms_and_an_older_one_stays(
    house: PortalHouse,
) -> None:
    account = await house.account(MAIJA)
    for number in (1, 2):
        made = Endpoint(
            id=f"end_{number}",
            account_id=account.id,
            contact_id=owner_contact_id(account.id),
            kind=ChannelKind.WEBHOOK,
            address=f"https://hooks{number}.example.org/alarm",
            created_at=house.clock.now(),
        )
        await house.records.add(made)
        await house.clock.advance(25 * 3600 if number == 1 else 60)
    visitor = Visitor(house.client)
    await visitor.send(await visitor.open(await link_in_a_mail(house)), "/not-me")
    assert [each.id for each in await house.records.find(Endpoint)] == ["end_1"]


async def test_what_a_stranger_adds_while_everything_is_being_ended_goes_as_well(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, end_all = await house.account(MAIJA), sessions.end_all

    async def meanwhile(portal: Portal, account_id: str) -> int:
        added = Endpoint(
            id="end_1",
            account_id=account_id,
            contact_id=owner_contact_id(account_id),
            kind=ChannelKind.WEBHOOK,
            address="https://hooks.example.org/alarm",
            created_at=house.clock.now(),
        )
        await house.records.add(added)
        return await end_all(portal, account_id)

    monkeypatch.setattr(sessions, "end_all", meanwhile)
    await lock(house.portal, account, since=house.clock.now())
    assert await house.records.count(Endpoint) == 0


async def test_what_waits_for_a_socket_that_is_away_is_not_sent_any_more(house: PortalHouse) -> None:
    now, order = house.clock.now(), {"device_id": "is0000000001", "name": "off"}
    for number, whose in enumerate([(await house.account(MAIJA)).id, "acc_other"]):
        made = Command(
            id=f"cmd_{number}", account_id=whose, created_at=now, expires_at=now + timedelta(hours=24), **order
        )
        await house.records.add(made)
    visitor = Visitor(house.client)
    await visitor.send(await visitor.open(await link_in_a_mail(house)), "/not-me")
    found = await house.records.find(Command, order_by="id")
    assert [each.status for each in found] == [CommandStatus.EXPIRED, CommandStatus.QUEUED]


async def test_an_account_that_a_stranger_closed_is_open_again(house: PortalHouse) -> None:
    link, token = await link_in_a_mail(house), (await house.sign_in(MAIJA))["access_token"]
    assert (await house.ask("POST", "/me/closing", {"password": PASSWORD}, token=token)).status == 200
    visitor = Visitor(house.client)
    await visitor.send(await visitor.open(link), "/not-me")
    assert (await house.account(MAIJA)).ended_at is None


async def test_the_link_is_over_after_a_week_and_none_can_be_made_up(house: PortalHouse) -> None:
    visitor, link = Visitor(house.client), await link_in_a_mail(house)
    await house.clock.advance(7 * 86_400)
    assert (await visitor.open(link)).status == 400
    assert (await visitor.open("/not-me?ticket=WyJub3RfbWUiXQ.AAAA")).status == 400
    assert (await visitor.open("/not-me")).status == 400
    assert (await house.records.find(Account))[0].created_at >= NOON
