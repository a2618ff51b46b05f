"""Whoever opens the address in a mail reads in words how far their request or erasure has come; programs get JSON."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from isocket.domain.erasures import ErasureState
from isocket.domain.holds import Part
from isocket.domain.letters import LANGUAGES
from isocket.domain.provider_erasures import ProviderAnswer
from isocket.domain.requests import RequestState, RightsRequest
from portal_api import progress_words
from tests.fakes.erasing_house import Ground, erasing_house
from tests.fakes.portal_devices import MAIJA, owned
from tests.fakes.portal_house import PASSWORD, PortalHouse
from tests.room.test_holds import hold, keeper

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


async def page(house: PortalHouse, path: str, language: str = "en", expect: int = 200) -> str:
    answer = await house.ask("GET", path, headers={"Accept": BROWSER, "Accept-Language": language})
    assert (answer.status, answer.content_type) == (expect, "text/html")
    return await answer.text()


def test_each_state_and_each_answer_has_words() -> None:
    for language in LANGUAGES:
        words = progress_words.words_in(language)
        assert set(words) >= {each.value for kind in (RequestState, ErasureState, ProviderAnswer) for each in kind}
        assert len({words[each.value] for each in RequestState}) == len(RequestState)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_how_far_a_request_has_come_is_a_page_in_the_language_of_the_browser(
    houses: Houses, language: str
) -> None:
    house, _ = houses
    wish = {"kind": "access", "email": "stranger@example.org", "country": "SE"}
    assert (await house.ask("POST", "/privacy/requests", wish)).status == 202
    (request,) = await house.records.find(RightsRequest)
    path, words = f"/privacy/requests?id={request.id}", progress_words.words_in(language)
    told = await page(house, path, language)
    assert f'<html lang="{language}">' in told
    assert all(words[each] in told for each in ("title", "identity_asked", "due"))
    assert "imy.se" in told
    assert "stranger@example.org" not in told
    for accept in ("*/*", "application/json", "text/html;q=0.5,application/json"):
        answer = await house.ask("GET", path, headers={"Accept": accept})
        assert (await answer.json())["state"] == "identity_asked"
    assert "nothing here" in await page(house, "/privacy/requests?id=rrq_none", expect=404)


async def test_the_receipt_of_an_erasure_is_a_page_before_and_after(houses: Houses) -> None:
    house, ground = houses
    maija = await owned(house)
    wish = {"password": PASSWORD, "confirm": MAIJA}
    asked = await (await house.ask("POST", "/privacy/erasure", wish, token=maija)).json()
    path = f"/privacy/receipts?{asked['receipt'].partition('?')[2]}"
    assert "can be undone" in await page(house, path)
    await ground.eraser().erase((await house.account(MAIJA)).id, by="person")
    told = await page(house, path, "de")
    assert "Sie ist erledigt." in told
    assert "wurden entfernt" in told
    assert (await (await house.ask("GET", path)).json())["state"] == "done"
    assert "nothing here" in await page(house, "/privacy/receipts?id=era_none", expect=404)


@pytest.mark.clause("C7-06")
async def test_what_is_held_stands_on_the_receipt_in_the_words_of_its_language(houses: Houses) -> None:
    house, ground = houses
    maija = await owned(house)
    account = await house.account(MAIJA)
    await ground.records.add(replace(hold(ground, Part.MESSAGES, Part.REPORTS), account_id=account.id))
    wish = {"password": PASSWORD, "confirm": MAIJA}
    asked = await (await house.ask("POST", "/privacy/erasure", wish, token=maija)).json()
    await ground.eraser(preserve=keeper(ground).preserve).erase(account.id, by="person")
    told = await page(house, f"/privacy/receipts?{asked['receipt'].partition('?')[2]}", "fi")
    assert "viestit, pistorasioiden lähettämät tiedot" in told
    assert "messages, reports" not in told
