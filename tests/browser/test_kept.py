"""What was typed before one had to sign in, to prove who one is, or to load a page anew is back in a real Chromium."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from isocket.domain.accounts import Account, Session
from isocket.domain.api_tokens import ApiToken
from isocket.storage.port import is_
from portal_api import sessions
from portal_api.portal import Portal
from tests.browser.chromium import IN_A_BROWSER, Tab, chromium_tab
from tests.browser.test_journey import MAIJA, portal  # noqa: F401 - a fixture
from tests.fakes.portal_house import PASSWORD

KALLE = "kalle@example.org"
TYPED = "document.querySelector('form[action=\"/contacts\"] input[name=name]')?.value"
NOTHING_KEPT = "sessionStorage.length === 0"

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
