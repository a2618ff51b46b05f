"""What a guest sees of a socket that somebody shares with them, on pages, without a script."""

from collections.abc import AsyncIterator

import pytest

from isocket.domain.commands import Command
from isocket.domain.incidents import Incident, IncidentState
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.pages_routes import page_routes
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, incident, owned, report, stored_device
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Page, Visitor, signed_in

EVERY = (*DEVICE_ROUTES, *page_routes(desk=False), *ROUTES)
SWITCH, ACK = f"/devices/{SOCKET}/commands", "/incidents/inc_1/ack"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=EVERY) as house:
        yield house


async def guest(house: PortalHouse, role: str) -> tuple[Visitor, Page, str]:
    """Return the browser of somebody who accepted an invitation, the page that followed, and the owner's token."""
    owner = await owned(house, MAIJA)
    pekka = await signed_in(house, PEKKA)
    await report(house, 1, relay=True, mains=True, temp_c=[19.5])
    invited = await house.ask("POST", f"/devices/{SOCKET}/shares", {"email": PEKKA, "role": role}, token=owner)
    assert invited.status == 201, await invited.text()
    offer = await pekka.open(f"/shares/accept?token={await house.link_token(PEKKA)}")
    return pekka, await pekka.send(offer, "/shares/accept"), owner


def actions(page: Page) -> set[str]:
    return {each.action for each in page.forms}


@pytest.mark.parametrize(("role", "switches"), [("operator", True), ("viewer", False)])
async def test_who_accepts_an_invitation_sees_the_socket_at_once(
    house: PortalHouse, role: str, *, switches: bool
) -> None:
    _, page, _ = await guest(house, role)
    assert (page.status, page.path) == (200, "/")
    assert "Shared with you" in page.words
    assert "19.5 °C" in page.words
    assert (SWITCH in actions(page)) is switches
    assert f"/devices/{SOCKET}" not in page.links  # that page is its owner's


async def test_an_operator_switches_from_the_overview_and_a_mistake_is_said(house: PortalHouse) -> None:
    pekka, page, _ = await guest(house, "operator")
    after = await pekka.send(page, SWITCH, name="off")
    assert (after.status, after.path) == (200, "/")
    assert [each.name for each in await house.records.find(Command)] == ["off"]
    wrong = await pekka.send(page, SWITCH, name="explode")
    assert wrong.status == 422
    assert "ask its owner" not in wrong.words


@pytest.mark.parametrize(("role", "takes"), [("operator", True), ("viewer", False)])
async def test_what_is_wrong_there_is_said_and_an_operator_takes_it(
    house: PortalHouse, role: str, *, takes: bool
) -> None:
    pekka, _, _ = await guest(house, role)
    await incident(house, "inc_1", (await stored_device(house)).owner_id or "")
    page = await pekka.open("/")
    assert "Mains" in page.words
    assert (ACK in actions(page), "/incidents/inc_1" in page.links) == (takes, False)
    values = {**page.form("/sign-out").values, "back": ""}
    done = await pekka.post(ACK, values)
    stored = await house.records.get(Incident, "inc_1")
    assert stored is not None
    assert (done.status, stored.state is IncidentState.ACKNOWLEDGED) == ((200, True) if takes else (403, False))


async def test_of_a_share_that_has_ended_nothing_is_shown(house: PortalHouse) -> None:
    pekka, _, owner = await guest(house, "operator")
    await incident(house, "inc_1", (await stored_device(house)).owner_id or "")
    (share,) = (await (await house.ask("GET", f"/devices/{SOCKET}/shares", token=owner)).json())["items"]
    ended = await house.ask("DELETE", f"/devices/{SOCKET}/shares/{share['id']}", token=owner)
    assert ended.status == 204
    page = await pekka.open("/")
    assert ("Shared with you" in page.words, ACK in actions(page)) == (False, False)
