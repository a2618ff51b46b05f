"""The page with the programs that one lets at one's sockets, and the page that shows the API, without a script."""

from collections.abc import AsyncIterator

import pytest

from isocket.domain.api_tokens import ApiToken
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.pages_routes import page_routes
from portal_api.routes import Surface
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Page, Visitor, signed_in

MAIJA = "maija@example.org"
EVERY = (*DEVICE_ROUTES, *page_routes(desk=False), *ROUTES)


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=EVERY) as house:
        yield house


async def added(house: PortalHouse) -> tuple[Visitor, Page]:
    """Return Maija's browser, and the page after she let a program in."""
    maija = await signed_in(house, MAIJA)
    assert "/programs" in (await maija.open("/profile")).links
    page = await maija.send(
        await maija.open("/programs"), "/programs", name="Energy adviser", read="on", device_id="all", days="90"
    )
    return maija, page


async def test_a_program_is_let_in_and_its_token_shown_once(house: PortalHouse) -> None:
    maija, page = await added(house)
    (stored,) = await house.records.find(ApiToken)
    token = next(word for word in page.words.split() if word.startswith("isk_"))
    assert (page.status, (await house.ask("GET", "/devices", token=token)).status) == (200, 200)
    assert (stored.expires_at - stored.created_at).days == 90
    again = await maija.open("/programs")
    assert (token in again.html, "Energy adviser" in again.words) == (False, True)
    assert "see my sockets and what they report" in again.words
    assert "Last used on" in again.words


async def test_a_program_is_ended_with_a_button(house: PortalHouse) -> None:
    maija, _ = await added(house)
    (stored,) = await house.records.find(ApiToken)
    page = await maija.send(await maija.open("/programs"), f"/programs/{stored.id}/end")
    assert "The program gets nothing any more" in page.words
    assert await house.records.find(ApiToken) == []


async def test_a_wish_for_nothing_is_said_at_its_place(house: PortalHouse) -> None:
    maija = await signed_in(house, MAIJA)
    bad = (await maija.open("/programs")).form("/programs").values
    bad.pop("read", None)
    page = await maija.post("/programs", {**bad, "name": "x"})
    assert (page.status, page.said_at("scopes")) == (422, "Tick at least one.")
    assert page.focused == ["scopes-more"]
    assert await house.records.find(ApiToken) == []


@pytest.mark.parametrize(("field", "typed"), [("device_id", "is00000099"), ("days", "zzz")])
async def test_what_cannot_be_chosen_is_refused_at_its_place_and_becomes_nothing_wider(
    house: PortalHouse, field: str, typed: str
) -> None:
    maija = await signed_in(house, MAIJA)
    form = (await maija.open("/programs")).form("/programs").values
    page = await maija.post("/programs", {**form, "name": "Energy adviser", field: typed})
    assert (page.status, bool(page.said_at(field))) == (422, True)
    if field == "device_id":
        assert page.form("/programs").values[field] == typed
    assert await house.records.find(ApiToken) == []


async def test_a_token_is_not_made_in_a_session_that_was_proved_long_ago(house: PortalHouse) -> None:
    maija = await signed_in(house, MAIJA)
    await house.clock.advance(601)
    page = await maija.send(await maija.open("/programs"), "/programs", name="Thief", read="on")
    assert page.path.startswith("/prove")
    assert await house.records.find(ApiToken) == []


async def test_the_description_of_the_api_is_a_page_with_every_route_and_model(house: PortalHouse) -> None:
    page = await Visitor(house.client).open("/api/v1/docs")
    assert page.status == 200
    for route in EVERY:
        if route.surface is Surface.API:
            assert f"{route.method} {route.template}" in page.words, route.path
    document = await (await house.ask("GET", "/openapi.json")).json()
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert set(document["components"]["schemas"]) <= anchors
    inner = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert inner <= anchors, "every link within the page leads somewhere"


async def test_the_description_runs_no_script_of_others_and_asks_nothing_of_them(house: PortalHouse) -> None:
    page = await Visitor(house.client).open("/api/v1/docs")
    sources = [each.get("src") or each.get("href") or "" for _, each in page.tags]
    assert not [each for each in sources if "//" in each]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fi-FI,fi;q=0.9,en;q=0.5", ("fi", "Täällä ei ole mitään sinulle.")),
        ("sv", ("sv", "Här finns inget för dig.")),
        ("de-AT", ("de", "Hier ist nichts für Sie.")),
        ("no, en;q=0.1", ("nb", "Her er det ingenting for deg.")),
        ("fr, *;q=0.1", ("en", "There is nothing here for you.")),
        ("en, fi;q=0.9", ("en", "There is nothing here for you.")),
    ],
)
async def test_a_refusal_is_said_in_the_language_that_is_liked_best(
    language: str, said: tuple[str, str], house: PortalHouse
) -> None:
    name, words = said
    answer = await house.ask("GET", "/nothing", headers={"Accept-Language": language})
    assert (answer.headers["Content-Language"], (await answer.json())["detail"]) == (name, words)
    assert "Accept-Language" in answer.headers["Vary"]
    page = await Visitor(house.client).open("/nothing", headers={"Accept": "text/html", "Accept-Language": language})
    assert (words in page.words, f'<html lang="{name}">' in page.html) == (True, True)
