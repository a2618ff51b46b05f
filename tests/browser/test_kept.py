"""What was typed before a sign-in, a proof of who one is, an old page or a fault of ours is back in a real Chromium."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from isocket.domain.accounts import Account, Session
from isocket.domain.api_tokens import ApiToken
from isocket.domain.contacts import Contact
from isocket.storage.port import StoreUnavailableError, is_
from portal_api import contacts, sessions
from portal_api.portal import Portal
from portal_api.problem import ProblemError, too_many
from tests.browser.chromium import IN_A_BROWSER, Tab, chromium_tab
from tests.browser.test_journey import MAIJA, portal  # noqa: F401 - a fixture
from tests.fakes.portal_house import PASSWORD

KALLE = "kalle@example.org"
TYPED = "document.querySelector('form[action=\"/contacts\"] input[name=name]')?.value"
NOTHING_KEPT = "sessionStorage.length === 0"
BROKEN = "document.querySelector('a[href=\"/contacts\"]') && !document.querySelector('nav')"
TAKEN_UNKNOWN = "Look first whether it was taken, for we could not say."

pytestmark = IN_A_BROWSER


@asynccontextmanager
async def typing(portal: Portal, folder: Path) -> AsyncIterator[Tab]:  # noqa: F811
    """Type half an entry into the page of contacts."""
    async with chromium_tab(folder) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.open(portal.settings.link("/contacts"))
        await tab.type_in("name", "Niina Naapuri")
        await tab.type_in("phone", "+447700900123")
        yield tab


async def session_ends(portal: Portal, tab: Tab) -> None:  # noqa: F811
    """Send the form with a session that is over, and go on to where one signs in."""
    assert await portal.records.remove_all(Session, is_("account_id", "acc_1"))
    await tab.press("form[action='/contacts'] button.main", "document.querySelector('a[href^=\"/login\"]')")
    await tab.press("a[href^='/login']", "location.pathname === '/login'")


async def test_what_was_typed_before_the_session_ended_is_there_again_after_signing_in(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with typing(portal, tmp_path) as tab:
        await session_ends(portal, tab)
        await tab.sign_in(MAIJA, "location.pathname === '/contacts'")
        await tab.until(f"{TYPED} === 'Niina Naapuri'")
        assert "What you typed is here again. It was not sent." in await tab.text()
        assert await tab.value(NOTHING_KEPT)
        await tab.press("form[action='/contacts'] button.main", "document.body.innerText.includes('Niina Naapuri')")
        assert await tab.value(NOTHING_KEPT)


async def test_the_code_of_a_socket_that_was_typed_is_not_kept(portal: Portal, tmp_path: Path) -> None:  # noqa: F811
    claim = "document.querySelector('form[action=\"/devices/claim\"]')"
    async with chromium_tab(tmp_path) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.value("document.querySelector('details.claim').open = true")
        await tab.type_in("device_id", "is00000009")
        await tab.type_in("claim_code", "7H3K-9QXM-2D4V-RT8W")
        assert await portal.records.remove_all(Session, is_("account_id", "acc_1"))
        await tab.press("form[action='/devices/claim'] button.main", "document.querySelector('a[href^=\"/login\"]')")
        assert "7H3K" not in await tab.value("JSON.stringify({...sessionStorage})")
        await tab.press("a[href^='/login']", "location.pathname === '/login'")
        await tab.sign_in(MAIJA)
        await tab.until(f"{claim}.elements.device_id.value === 'is00000009'")
        assert await tab.value(f"{claim}.elements.claim_code.value") == ""


async def test_what_one_typed_is_shown_to_nobody_else_who_signs_in_there(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    maija = await portal.records.get(Account, "acc_1")
    assert maija is not None
    await portal.records.add(
        Account(id="acc_2", email=KALLE, password_hash=maija.password_hash, created_at=maija.created_at)
    )
    async with typing(portal, tmp_path) as tab:
        await session_ends(portal, tab)
        await tab.sign_in(KALLE, "location.pathname === '/contacts'")
        await tab.until(NOTHING_KEPT)
        assert await tab.value(TYPED) == ""


async def test_what_was_taken_is_kept_by_no_page(portal: Portal, tmp_path: Path) -> None:  # noqa: F811
    async with typing(portal, tmp_path) as tab:
        await tab.press("form[action='/contacts'] button.main", "document.body.innerText.includes('Niina Naapuri')")
        await tab.until(NOTHING_KEPT)
        assert await tab.value(TYPED) == ""


async def test_what_was_typed_into_a_page_that_is_out_of_date_is_there_again_on_the_new_one(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    maija = await portal.records.get(Account, "acc_1")
    assert maija is not None
    async with typing(portal, tmp_path) as tab:
        newer = await sessions.open_cookie(portal, maija, sessions.SignedIn())  # as by signing in in another tab
        await tab.call("Network.setCookie", name="sid", value=newer, url=portal.settings.link("/"), httpOnly=True)
        await tab.press("form[action='/contacts'] button.main", "document.body.innerText.includes('out of date')")
        await tab.press("a[href='/contacts']", "document.title.startsWith('Contacts')")
        await tab.until(f"{TYPED} === 'Niina Naapuri'")
        assert "What you typed is here again. It was not sent." in await tab.text()
        await tab.press("form[action='/contacts'] button.main", "document.body.innerText.includes('Niina Naapuri')")
        assert await tab.value(NOTHING_KEPT)


async def test_what_was_typed_before_one_had_to_prove_who_one_is_is_there_again_and_goes_through(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with chromium_tab(tmp_path) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        long_ago = portal.clock.now() - timedelta(days=1)
        assert await portal.records.change_one(Session, is_("account_id", "acc_1"), proved_at=long_ago)
        await tab.open(portal.settings.link("/programs"))
        await tab.type_in("name", "The energy company")
        await tab.value("document.querySelector('#alarms').click()")
        await tab.press("form[action='/programs'] button.main", "location.pathname === '/prove'")
        await tab.type_in("password", PASSWORD)
        await tab.press("main button.main", "location.pathname === '/programs'")
        await tab.until("document.querySelector('form[action=\"/programs\"] input[name=name]').value !== ''")
        assert await tab.value("document.querySelector('#alarms').checked")
        await tab.press("form[action='/programs'] button.main", "document.body.innerText.includes('energy company')")
        assert await portal.records.count(ApiToken) == 1


async def go_back(tab: Tab) -> None:
    """Press the browser's own button."""
    past = await tab.call("Page.getNavigationHistory")
    await tab.call("Page.navigateToHistoryEntry", entryId=past["entries"][past["currentIndex"] - 1]["id"])


@pytest.mark.parametrize("error", [StoreUnavailableError("away"), RuntimeError("broken")], ids=["503", "500"])
@pytest.mark.parametrize("back", [True, False], ids=["back", "by the link"])
async def test_what_was_typed_is_there_again_after_we_broke_on_it_and_nobody_claims_that_it_was_not_sent(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    back: bool,
) -> None:
    async with typing(portal, tmp_path) as tab:
        with monkeypatch.context() as broken:
            broken.setattr(contacts, "enter", AsyncMock(side_effect=error))
            await tab.press("form[action='/contacts'] button.main", BROKEN)
        if back:
            await go_back(tab)
        else:
            await tab.value("document.querySelector('a[href=\"/contacts\"]').click()")
        await tab.until(f"{TYPED} === 'Niina Naapuri'")
        await tab.until(f"document.body.innerText.includes({TAKEN_UNKNOWN!r})")
        assert "It was not sent" not in await tab.text()
        await tab.press("form[action='/contacts'] button.main", "location.search === '?said=contact-added'")
        assert await tab.value(NOTHING_KEPT)


async def test_what_was_typed_is_there_again_after_the_server_could_not_be_reached(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    claim = "document.querySelector('form[action=\"/devices/claim\"]')"
    async with chromium_tab(tmp_path) as tab:
        await tab.call("Network.enable")
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.value("document.querySelector('details.claim').open = true")
        await tab.type_in("device_id", "is00000009")
        await tab.call("Network.emulateNetworkConditions", offline=True, **network)
        await tab.value(f"{claim}.querySelector('button.main').click()")
        await tab.until("location.protocol === 'chrome-error:'")
        await tab.call("Network.emulateNetworkConditions", offline=False, **network)
        await go_back(tab)
        await tab.until(f"{claim}?.elements.device_id.value === 'is00000009'")
        await tab.until(f"document.body.innerText.includes({TAKEN_UNKNOWN!r})")


async def test_what_was_taken_is_not_called_unsent_where_the_page_after_it_is_one_too_many(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with typing(portal, tmp_path) as tab:
        with monkeypatch.context() as busy:
            busy.setattr(contacts, "show_all", AsyncMock(side_effect=ProblemError(too_many(2))))
            await tab.press("form[action='/contacts'] button.main", "document.body.innerText.includes('Too many')")
        assert await portal.records.count(Contact, is_("name", "Niina Naapuri")) == 1
        await tab.open(portal.settings.link("/contacts"))
        await tab.until(f"document.body.innerText.includes({TAKEN_UNKNOWN!r})")
        assert "It was not sent" not in await tab.text()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
async def test_what_somebody_without_account_wrote_to_us_is_there_again_by_the_browsers_own_way_back(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: bool,
) -> None:
    words = "document.querySelector('#words')"
    away = AsyncMock(side_effect=StoreUnavailableError("away"))
    async with chromium_tab(tmp_path, script=script) as tab:
        await tab.open(portal.settings.link("/rights"))
        await tab.type_in("email", "niina@example.org")
        await tab.value(f"{words}.select()")
        await tab.call("Input.insertText", text="A long letter")
        with monkeypatch.context() as broken:
            for way in ("add", "add_all"):
                broken.setattr(type(portal.records), way, away)
            await tab.press(
                "form[action='/rights'] button.main", "document.body.innerText.includes('We are not there just now')"
            )
        await go_back(tab)
        await tab.until(f"{words}?.value === 'A long letter'")
