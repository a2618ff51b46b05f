"""No page sets a cookie but the declared one, loads anything from elsewhere, or asks for a bank card."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from isocket.domain.collected import COOKIE_NAMES
from portal_api.pages_routes import page_routes
from portal_api.routes import AnyRoute
from portal_api.security_headers import CONTENT_SECURITY_POLICY
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, SOCKET, make_device, owned
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor, signed_in

PAGES = tuple(each for each in page_routes(desk=True) if each.method == "GET")
WITH_PAGES = (*ALL_ROUTES, *(each for each in page_routes(desk=True) if each not in ALL_ROUTES))
_PLACES = re.compile(r"""\b(?:src|href|action|srcset|poster|data)=["']([^"']*)["']""")
_LEFT_BY_CHOICE = re.compile(r'<a href="https://[^"]+" rel="noopener noreferrer"')  # it tells nobody where one was
_CARD = re.compile(r"""(?i)(?:autocomplete="cc-|name="(?:card|cc|pan|cvc|cvv|iban))""")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=WITH_PAGES) as running:
        await owned(running, "other@example.org")
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visitor(house: PortalHouse) -> Visitor:
    return await signed_in(house, MAIJA)


def name_of(route: AnyRoute) -> str:
    return str(route.path)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.clause("C8-01")
@pytest.mark.clause("C8-06")
@pytest.mark.clause("C8-09")
@pytest.mark.clause("C3-15")
@pytest.mark.clause("C4-04")
@pytest.mark.clause("C4-02")
@pytest.mark.clause("C3-03")
@pytest.mark.parametrize("route", PAGES, ids=name_of)
async def test_a_page_sets_no_cookie_loads_nothing_from_elsewhere_and_asks_for_no_card(
    route: AnyRoute, house: PortalHouse, visitor: Visitor
) -> None:
    path = str(route.path).format(**dict.fromkeys(route.parameters, "1"))
    for answer in (await visitor.open(path), await visitor.open(path, headers={"Cookie": "sid=nobody"})):
        cookies = {each.partition("=")[0] for each in [answer.headers.get("Set-Cookie", "")] if each}
        assert cookies <= COOKIE_NAMES
        assert answer.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
        elsewhere = [
            place for place in _PLACES.findall(_LEFT_BY_CHOICE.sub("", answer.html))
            if "//" in place and not place.startswith(f"{PUBLIC_URL}/")
        ]  # fmt: skip
        assert elsewhere == []
        assert _CARD.search(answer.html) is None


def test_browsers_are_told_to_load_and_send_nothing_elsewhere() -> None:
    rules = dict(each.strip().partition(" ")[::2] for each in CONTENT_SECURITY_POLICY.split(";"))
    assert rules["default-src"] == rules["form-action"] == "'self'"
    assert not any(word in CONTENT_SECURITY_POLICY for word in ("http:", "https:", "*", "unsafe"))


@pytest.mark.clause("C8-04")
@pytest.mark.clause("C1-17")
async def test_the_cookie_holds_nothing_but_chance_and_goes_when_one_signs_out() -> None:
    async with portal_house(routes=WITH_PAGES) as house:
        await make_device(house, SOCKET)
        visitor = await signed_in(house, MAIJA)
        (cookie,) = house.client.session.cookie_jar
        assert cookie.key in COOKIE_NAMES
        assert re.fullmatch(r"[A-Za-z0-9_\-]{43}", cookie.value)
        page = await visitor.open("/")
        await visitor.send(page, "/sign-out")
        assert list(house.client.session.cookie_jar) == []


@pytest.mark.clause("C8-02")
async def test_without_any_cookie_everything_can_be_done_by_a_program() -> None:
    async with portal_house(routes=WITH_PAGES) as house:
        token = await owned(house)
        for path in ("/me", "/devices", f"/devices/{SOCKET}", "/privacy/consents"):
            answer = await house.ask("GET", path, token=token)
            assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
