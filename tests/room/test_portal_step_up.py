"""Dangerous things ask once more who somebody is; a session that was taken is not enough for them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account, AccountRole, StaffRole
from isocket.storage.port import is_
from portal_api import access, sessions
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.openapi import openapi_document
from portal_api.pages_routes import page_routes
from portal_api.routes import Access, AnyRoute, Call, Route, Surface
from tests.fakes.portal_house import PASSWORD, PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor

MAIJA = "maija@example.org"
EVERY: tuple[AnyRoute, ...] = (*ROUTES, *DEVICE_ROUTES, *page_routes(desk=True))
GUARDED = [route for route in EVERY if route.step_up]
TEN_MINUTES_S = 600.0


async def _done(_: Call[Any, Any]) -> None:
    return None


DANGER = Route(
    method="POST", path="/danger", handler=_done, summary="Something dangerous", answers={204: None}, step_up=True
)
DANGER_PAGE = Route(
    method="GET", path="/danger", handler=_done, summary="The same", surface=Surface.PAGE, answers={204: None},
    step_up=True,
)  # fmt: skip


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=(*EVERY, DANGER, DANGER_PAGE)) as running:
        await running.register(MAIJA)
        yield running


async def danger(house: PortalHouse, token: str) -> int:
    return (await house.ask("POST", "/danger", token=token)).status


async def test_who_has_just_signed_in_need_not_prove_it_again(house: PortalHouse) -> None:
    token = (await house.sign_in(MAIJA))["access_token"]
    assert await danger(house, token) == 204


async def test_ten_minutes_later_a_session_alone_is_refused_and_told_why(house: PortalHouse) -> None:
    token = (await house.sign_in(MAIJA))["access_token"]
    await house.clock.advance(TEN_MINUTES_S + 1)
    refused = await house.ask("POST", "/danger", token=token)
    said = await refused.json()
    assert (refused.status, said["type"]) == (403, "urn:isocket:problem:step-up")
    assert "/me/step-up" in said["detail"]


async def test_the_password_opens_it_for_ten_minutes(house: PortalHouse) -> None:
    token = (await house.sign_in(MAIJA))["access_token"]
    await house.clock.advance(TEN_MINUTES_S + 1)
    proved = await house.ask("POST", "/me/step-up", {"password": PASSWORD}, token=token)
    assert proved.status == 200
    assert await danger(house, token) == 204
    await house.clock.advance(TEN_MINUTES_S + 1)
    assert await danger(house, token) == 403


async def test_a_wrong_password_opens_nothing_and_is_counted(house: PortalHouse) -> None:
    token = (await house.sign_in(MAIJA))["access_token"]
    await house.clock.advance(TEN_MINUTES_S + 1)
    wrong = [await house.ask("POST", "/me/step-up", {"password": "not the words"}, token=token) for _ in range(11)]
    assert [each.status for each in wrong] == [403] * 10 + [429]
    assert (await wrong[0].json())["type"] == "urn:isocket:problem:wrong-password"
    assert await danger(house, token) == 403


@pytest.mark.parametrize("given", [{}, {"password": PASSWORD, "code": "123456"}], ids=["none", "two"])
async def test_one_proof_is_asked_for_neither_none_nor_two(given: dict[str, str], house: PortalHouse) -> None:
    token = (await house.sign_in(MAIJA))["access_token"]
    await house.clock.advance(TEN_MINUTES_S + 1)
    assert (await house.ask("POST", "/me/step-up", given, token=token)).status == 422
    assert await danger(house, token) == 403


async def test_a_proof_counts_for_the_session_in_which_it_was_given(house: PortalHouse) -> None:
    taken, own = [(await house.sign_in(MAIJA))["access_token"] for _ in range(2)]
    await house.clock.advance(TEN_MINUTES_S + 1)
    await house.ask("POST", "/me/step-up", {"password": PASSWORD}, token=own)
    assert (await danger(house, own), await danger(house, taken)) == (204, 403)


async def test_a_renewed_token_brings_no_new_proof(house: PortalHouse) -> None:
    tokens = await house.sign_in(MAIJA)
    await house.clock.advance(TEN_MINUTES_S + 1)
    renewed = await (await house.ask("POST", "/tokens/refresh", {"refresh_token": tokens["refresh_token"]})).json()
    assert await danger(house, renewed["access_token"]) == 403


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.template}")
async def test_every_guarded_route_refuses_a_session_without_a_fresh_proof(route: AnyRoute, house: PortalHouse) -> None:
    if route.access is Access.STAFF:
        changes = {"role": AccountRole.STAFF, "staff_roles": tuple(StaffRole)}
        await house.records.change_one(Account, is_("email", MAIJA), **changes)
    signed_in = sessions.SignedIn(second_factor=True)
    cookie = await sessions.open_cookie(house.portal, await house.account(MAIJA), signed_in)
    await house.clock.advance(TEN_MINUTES_S + 1)
    path = route.template.format(**dict.fromkeys(route.parameters, "nothing"))
    sent = {"Cookie": f"sid={cookie}", "Origin": PUBLIC_URL, "X-CSRF": access.csrf_token(cookie)}
    answer = await house.client.request(route.method, path, headers=sent, allow_redirects=False)
    if route.surface is Surface.PAGE:
        assert (answer.status, answer.headers["Location"].partition("?")[0]) == (303, "/prove")
    else:
        assert (answer.status, (await answer.json())["type"]) == (403, "urn:isocket:problem:step-up")


def test_the_description_says_which_routes_ask_for_it() -> None:
    operation = openapi_document([DANGER])["paths"]["/danger"]["post"]
    assert "step-up" in operation["description"]
    assert "403" in operation["responses"]


async def test_a_browser_is_led_to_the_proof_and_back_and_gets_another_cookie(house: PortalHouse) -> None:
    visitor = Visitor(house.client)
    await visitor.sign_in(MAIJA)
    before = house.client.session.cookie_jar.filter_cookies(house.client.make_url("/"))["sid"].value
    await house.clock.advance(TEN_MINUTES_S + 1)
    page = await visitor.open("/danger")
    assert (page.status, page.path) == (200, "/prove?next=/danger")
    wrong = await visitor.send(page, "/prove", password="not the words")
    assert wrong.status == 403
    assert (await visitor.send(wrong, "/prove", password=PASSWORD)).status == 204
    house.client.session.cookie_jar.clear()
    stolen = await house.client.get("/danger", headers={"Cookie": f"sid={before}"}, allow_redirects=False)
    assert stolen.headers.get("Location", "").startswith("/login")


async def test_a_page_leads_back_to_nowhere_else(house: PortalHouse) -> None:
    visitor = Visitor(house.client)
    await visitor.sign_in(MAIJA)
    page = await visitor.open("/prove?next=https://evil.example.net/")
    assert page.form("/prove").values["next"] == "/"
