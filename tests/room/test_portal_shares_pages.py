"""The pages of a shared socket, of handing it over, and of its schedule, without any script."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestClient

from isocket.domain.commands import Command
from isocket.domain.devices import Device
from isocket.domain.incidents import Happening, TimelineEntry
from isocket.domain.shares import Share, ShareRole
from isocket.domain.transfers import Transfer
from isocket.storage.port import is_
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.pages_routes import page_routes
from portal_api.routes import Surface
from tests.fakes.portal_devices import MAIJA, PEKKA, incident
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Visitor, signed_in

SOCKET = "is0000000001"
AT = f"/devices/{SOCKET}"
WITH_PAGES = (*(each for each in (*ROUTES, *DEVICE_ROUTES) if each.surface is Surface.API), *page_routes(desk=False))


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=WITH_PAGES) as running:
        await running.register(PEKKA)
        yield running


@pytest.fixture
async def guest(house: PortalHouse) -> AsyncIterator[Visitor]:
    """Pekka in a browser of his own."""
    async with ClientSession(house.client.make_url("/"), cookie_jar=CookieJar(unsafe=True)) as session:
        visitor = Visitor(cast("TestClient[Any, Any]", session))
        assert (await visitor.sign_in(PEKKA)).status == 200
        yield visitor


async def with_a_socket(house: PortalHouse) -> Visitor:
    """Return Maija's browser; she has a socket."""
    visitor = await signed_in(house, MAIJA, time_zone="Europe/Helsinki")
    account, now = await house.account(MAIJA), house.clock.now()
    await house.records.add(
        Device(
            id=SOCKET, model="isocket-4g", secret_hash="x", claim_hash="x", provisioned_at=now, owner_id=account.id,
            claimed_at=now, name="Summer house", place="Fuse box",
        )
    )  # fmt: skip
    return visitor


async def shared(house: PortalHouse, role: ShareRole = ShareRole.OPERATOR) -> Visitor:
    """Return the browser of Maija, whose socket Pekka sees; an incident is open."""
    owner = await with_a_socket(house)
    maija, pekka, now = await house.account(MAIJA), await house.account(PEKKA), house.clock.now()
    await house.records.add(
        Share(
            id="shr_1", device_id=SOCKET, owner_id=maija.id, account_id=pekka.id, email=PEKKA, role=role,
            created_at=now, accepted_at=now,
        )
    )  # fmt: skip
    await incident(house, "inc_1", maija.id, SOCKET)
    await house.records.add(
        TimelineEntry(
            id="tl_1", incident_id="inc_1", account_id=maija.id, at=now, what=Happening.ACKNOWLEDGED,
            detail={"by": "con_1 sms"},
        )
    )  # fmt: skip
    return owner


async def test_somebody_is_invited_and_accepts_and_the_owner_ends_it(house: PortalHouse, guest: Visitor) -> None:
    owner = await with_a_socket(house)
    page = await owner.open(f"{AT}/people")
    assert "Nobody but you." in page.words
    page = await owner.send(page, f"{AT}/people", email=PEKKA, role="operator")
    assert "Invited. A mail with a link is on its way." in page.words
    assert "has not accepted yet" in page.words
    token = await house.link_token(PEKKA)
    page = await guest.open(f"/shares/accept?token={token}")
    assert "Nothing has happened yet" in page.words
    page = await guest.send(page, "/shares/accept")
    assert "shared with you" in page.words
    (share,) = await house.records.find(Share)
    page = await owner.send(await owner.open(f"{AT}/people"), f"{AT}/people/{share.id}/end")
    assert "Ended. They see the socket no more." in page.words
    assert (await guest.open(AT)).status == 404


async def test_what_is_wrong_with_an_invitation_stands_at_its_field(house: PortalHouse) -> None:
    owner = await with_a_socket(house)
    page = await owner.open(f"{AT}/people")
    page = await owner.send(page, f"{AT}/people", email="nobody", role="viewer")
    assert (page.status, page.said_at("email")) == (422, "This is not an e-mail address.")
    page = await owner.send(page, f"{AT}/people", email=PEKKA, role="viewer", until="2020-01-01T10:00")
    assert (page.status, page.said_at("until")) == (422, "This is over already.")
    assert await house.records.find(Share) == []


@pytest.mark.parametrize(("path", "called"), [("/shares/accept", "An invitation"), ("/transfers/accept", "An offer")])
async def test_a_link_that_is_over_says_so_and_what_it_was(guest: Visitor, path: str, called: str) -> None:
    page = await guest.open(f"{path}?token=nothing")
    assert (page.status, "This link is not good" in page.words) == (400, True)
    assert f"<h1>{called}</h1>" in page.html


async def test_a_guest_sees_the_socket_without_what_is_its_owners(house: PortalHouse, guest: Visitor) -> None:
    await shared(house)
    page = await guest.open(AT)
    assert "Summer house" in page.words
    assert "shared with you" in page.words
    for words in ("Who would be told now", "Give this socket up", "Name and place", "Send a test alarm", "Settings"):
        assert words not in page.words
    page = await guest.send(page, f"{AT}/commands", name="on")
    assert await house.records.count(Command) == 1
    overview = await guest.open("/")
    assert "Shared with you" in overview.words
    assert "Mains power is out" in overview.words
    for owners in ("people", "schedule", "ladder"):
        assert (await guest.open(f"{AT}/{owners}")).status == 403


async def test_a_viewer_has_no_buttons(house: PortalHouse, guest: Visitor) -> None:
    await shared(house, ShareRole.VIEWER)
    for path in (AT, "/", "/incidents/inc_1"):
        text = (await guest.open(path)).words
        assert "Acknowledge" not in text.replace("Acknowledged", "")
        assert "Off and on again" not in text


async def test_a_guest_reads_an_incident_without_its_people_and_takes_it(house: PortalHouse, guest: Visitor) -> None:
    await shared(house)
    page = await guest.open("/incidents/inc_1")
    assert page.status == 200
    assert "Who was told" not in page.words
    page = await guest.send(page, "/incidents/inc_1/ack")
    assert "Acknowledged." in page.words
    assert "Mains power is out" in (await guest.open("/incidents")).words


async def test_a_guest_gives_the_socket_back(house: PortalHouse, guest: Visitor) -> None:
    owner = await shared(house)
    page = await guest.send(await guest.open(AT), f"{AT}/leave")
    assert "You gave the shared socket back." in page.words
    assert await house.records.find(Share) == []
    await owner.post(f"{AT}/leave", {**(await owner.open(AT)).form(f"{AT}/give-up").values})
    assert (await owner.open(AT)).status == 200  # there is nothing that an owner could leave


async def test_a_shared_socket_without_a_name_is_told_from_the_guests_own_of_the_same_number(
    house: PortalHouse, guest: Visitor
) -> None:
    await shared(house)
    pekka, now = await house.account(PEKKA), house.clock.now()
    await house.records.change_one(Device, is_("id", SOCKET), name=None, number=1)
    own = Device(
        id="is0000000002", model="isocket-4g", secret_hash="x", claim_hash="x", provisioned_at=now, owner_id=pekka.id,
        claimed_at=now, number=1,
    )  # fmt: skip
    await house.records.add(own)
    await incident(house, "inc_2", pekka.id, own.id)
    overview = await guest.open("/")
    assert (overview.words.count("iSocket 1"), SOCKET in overview.words) == (2, True)
    for path in ("/incidents/inc_1", AT, f"{AT}/history"):
        page = await guest.open(path)
        assert (SOCKET in page.words, "iSocket 1" in page.words) == (True, False), path


async def test_a_socket_is_offered_and_taken_over(house: PortalHouse, guest: Visitor) -> None:
    owner = await with_a_socket(house)
    page = await owner.send(await owner.open(f"{AT}/people"), f"{AT}/transfer", email=PEKKA)
    assert "It stays yours until they take it." in page.words
    page = await owner.send(page, f"{AT}/transfer/take-back")
    assert "The offer is taken back." in page.words
    page = await owner.send(page, f"{AT}/transfer", email=PEKKA)
    token = await house.link_token(PEKKA)
    page = await guest.send(await guest.open(f"/transfers/accept?token={token}"), "/transfers/accept")
    assert "<title>iSocket 1 " in page.html  # its name went with its owner: it is the first of the taker
    assert (await owner.open(AT)).status == 404
    assert await house.records.find(Transfer) == []


async def test_schedule_and_thermostat_are_set_on_a_page(house: PortalHouse) -> None:
    owner, path = await with_a_socket(house), f"{AT}/schedule"
    page = await owner.open(path)
    assert "Nothing is planned." in page.words
    page = await owner.send(
        page, path, enabled="on", on_c="4,5", off_c="7",
        **{"schedule.0.at": "07:00", "schedule.0.days": "mon,tue", "schedule.0.name": "on_for",
           "schedule.0.seconds": "3600", "schedule.1.at": "22:00", "schedule.1.name": "off"},
    )  # fmt: skip
    assert "Saved." in page.words
    device = await house.records.get(Device, SOCKET)
    assert device is not None
    assert device.desired["thermostat"]["enabled"] is True
    assert device.desired["thermostat"]["on_c"] == 4.5
    assert device.desired["time_zone"] == "Europe/Helsinki"
    assert [(each["at"], each["name"], each["args"]) for each in device.desired["schedule"]] == [
        ("07:00", "on_for", {"seconds": 3600}), ("22:00", "off", {}),
    ]  # fmt: skip
    assert "Next by the schedule" in (await owner.open(AT)).words
    page = await owner.open(path)
    page = await owner.send(page, path, **{"schedule.0.at": ""})
    assert len((await house.records.find(Device, is_("id", SOCKET)))[0].desired["schedule"]) == 1


async def test_what_is_wrong_with_a_rule_stands_at_its_row(house: PortalHouse) -> None:
    owner, path = await with_a_socket(house), f"{AT}/schedule"
    page = await owner.send(
        await owner.open(path), path, on_c="9", off_c="7", **{"schedule.1.at": "22:00", "schedule.1.days": "someday"}
    )
    assert page.status == 422
    assert "Days are mon, tue" in page.words
    page = await owner.send(await owner.open(path), path, on_c="9", off_c="7")
    assert (page.status, "To heat, it must go on at a lower temperature" in page.words) == (422, True)
