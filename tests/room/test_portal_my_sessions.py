"""Where somebody is signed in: seen, ended one by one or all at once, and told of when it is new."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest

from isocket.domain.accounts import Account, Bucket
from isocket.domain.erasure_plan import plan
from isocket.domain.letters import LANGUAGES
from isocket.storage.port import StoreUnavailableError
from portal_api import signing_in
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from portal_api.signing_in import KNOWN
from privacy.retention import Retention
from tests.fakes.portal_house import PASSWORD, PortalHouse, portal_house
from tests.fakes.visitor import Visitor

MAIJA = "maija@example.org"
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"}


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=(*ROUTES, *page_routes(desk=False))) as running:
        await running.register(MAIJA, language="en", time_zone="Europe/Helsinki")
        yield running


async def enter(house: PortalHouse, headers: dict[str, str] | None = None, **more: str) -> str:
    wish = {"username": MAIJA, "password": PASSWORD, **more}
    answer = await house.ask("POST", "/tokens", wish, headers=headers or {})
    return str((await answer.json())["access_token"])


async def listed(house: PortalHouse, token: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await (await house.ask("GET", "/sessions", token=token)).json())["items"]
    return items


async def notices(house: PortalHouse) -> list[str]:
    return [each.text for each in await house.mails(MAIJA) if "new" in each.text or "not seen" in each.text]


@pytest.mark.clause("C1-16", "C1-17", "C1-19")
async def test_somebody_sees_where_they_are_signed_in_and_nothing_finer_than_the_hour(house: PortalHouse) -> None:
    first = await enter(house, FIREFOX)
    second = await enter(house, label="Kitchen panel")
    await house.clock.advance(3000)
    seen = await listed(house, second)
    assert [(each["agent"], each["label"], each["current"]) for each in seen] == [
        ("firefox", "", False),
        ("script", "Kitchen panel", True),
    ]
    assert all(each["last_seen"].endswith(":00:00.000Z") for each in seen)
    assert first not in str(seen)


async def test_use_is_noted_to_the_hour(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    await house.clock.advance(timedelta(hours=5).total_seconds())
    renewed = await house.ask("POST", "/tokens/refresh", {"refresh_token": tokens["refresh_token"]})
    (seen,) = await listed(house, (await renewed.json())["access_token"])
    now = house.clock.now()
    assert seen["last_seen"] == now.strftime("%Y-%m-%dT%H:00:00.000Z")


async def test_one_is_ended_and_the_others_go_on(house: PortalHouse) -> None:
    lost, kept = await enter(house), await enter(house)
    (ended,) = [each["id"] for each in await listed(house, kept) if not each["current"]]
    assert (await house.ask("DELETE", f"/sessions/{ended}", token=kept)).status == 204
    assert (await house.ask("GET", "/me", token=lost)).status == 401
    assert (await house.ask("GET", "/me", token=kept)).status == 200


async def test_all_others_are_ended_at_once(house: PortalHouse) -> None:
    lost, kept = [await enter(house) for _ in range(2)], await enter(house)
    answer = await house.ask("DELETE", "/sessions", token=kept)
    assert (await answer.json()) == {"ended": 2}
    assert [(await house.ask("GET", "/me", token=each)).status for each in lost] == [401, 401]
    assert len(await listed(house, kept)) == 1


@pytest.mark.clause("C5-11")
async def test_the_first_sign_in_is_no_news_and_one_by_another_program_is(house: PortalHouse) -> None:
    await enter(house)
    await enter(house)
    assert await notices(house) == []
    await enter(house, FIREFOX)
    await enter(house, FIREFOX)
    (told,) = await notices(house)
    assert "Firefox" in told
    assert "(Europe/Helsinki)" in told
    assert "127.0.0.1" not in told
    assert "/not-me?ticket=" in told


@pytest.mark.clause("C5-11")
@pytest.mark.parametrize("days", [31, 45, 60, 100, 400])
async def test_whoever_comes_in_after_the_holder_was_away_for_long_is_told_of(house: PortalHouse, days: int) -> None:
    """A holder whose freezer was never too warm signs in a few times a year, and is whom a stranger would choose."""
    await enter(house)
    await house.clock.advance(timedelta(days=days).total_seconds())
    await enter(house, FIREFOX)
    (told,) = await notices(house)
    assert "Firefox" in told


@pytest.mark.parametrize("language", LANGUAGES)
async def test_of_a_place_that_is_only_forgotten_the_mail_says_since_when_it_was_not_seen_and_not_that_it_is_new(
    house: PortalHouse, language: str
) -> None:
    await house.records.change_all(Account, language=language)
    await enter(house)
    await house.clock.advance(timedelta(days=45).total_seconds())
    before = len(await house.mails(MAIJA))
    await enter(house)
    (told,) = (await house.mails(MAIJA))[before:]
    assert f" {KNOWN.days} " in told.text.splitlines()[0]


async def test_whoever_dies_before_the_holder_is_told_of_a_new_place_tells_them_the_next_time(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enter(house)
    with monkeypatch.context() as dying:
        dying.setattr(signing_in, "security_notice", AsyncMock(side_effect=StoreUnavailableError))
        wish = {"username": MAIJA, "password": PASSWORD}
        assert (await house.ask("POST", "/tokens", wish, headers=FIREFOX)).status == 503
    await enter(house, FIREFOX)
    assert len(await notices(house)) == 1


async def test_a_place_is_known_for_as_long_as_is_said_and_the_note_of_it_goes_when_the_plan_of_an_erasure_says(
    house: PortalHouse,
) -> None:
    await enter(house)
    await enter(house, FIREFOX)
    for _ in range(3):
        await house.clock.advance(timedelta(days=29).total_seconds())
        await enter(house)
    assert len(await notices(house)) == 1
    (fate,) = [each for each in plan() if each.collection == Bucket.collection]
    days = int(fate.until.split()[2])
    await house.clock.advance(timedelta(days=days).total_seconds())
    await Retention(records=house.records, clock=house.clock).sweep()
    assert await house.records.count(Bucket) == 0


async def test_somebody_who_first_signs_in_weeks_after_they_registered_is_no_news(house: PortalHouse) -> None:
    await house.clock.advance(timedelta(days=29).total_seconds())
    await enter(house)
    assert await notices(house) == []


async def test_the_page_shows_them_and_ends_them(house: PortalHouse) -> None:
    token = await enter(house, label="Kitchen <b>panel</b>")
    visitor = Visitor(house.client)
    await visitor.sign_in(MAIJA)
    page = await visitor.open("/security")
    assert "Kitchen &lt;b&gt;panel" in page.html
    (session,) = [each["id"] for each in await listed(house, token) if each["current"]]
    after = await visitor.send(page, f"/security/sessions/{session}/end")
    assert "Signed out there." in after.words
    assert (await house.ask("GET", "/me", token=token)).status == 401
    assert "Sign out everywhere else" not in after.words


async def test_a_cookie_that_was_there_before_signing_in_opens_nothing_afterwards(house: PortalHouse) -> None:
    planted = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    house.client.session.cookie_jar.update_cookies({"sid": planted}, house.client.make_url("/"))
    await Visitor(house.client).sign_in(MAIJA)
    after = house.client.session.cookie_jar.filter_cookies(house.client.make_url("/"))["sid"].value
    house.client.session.cookie_jar.clear()
    statuses = [(await house.ask("GET", "/me", headers={"Cookie": f"sid={each}"})).status for each in (planted, after)]
    assert statuses == [401, 200]
