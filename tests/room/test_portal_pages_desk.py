"""The desk: there only where it is asked for, and only for whoever sits at the machine."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from isocket.domain.contacts import ChannelKind
from isocket.domain.desk import DeskMessage
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from portal_api.routes import Surface
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor

API = tuple(each for each in ROUTES if each.surface is Surface.API)


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=(*API, *page_routes(desk=True))) as running:
        yield running


async def put(house: PortalHouse, number: int, text: str, channel: ChannelKind = ChannelKind.SMS) -> None:
    by_mail = channel is ChannelKind.EMAIL
    await house.records.add(
        DeskMessage(
            id=f"att_{number}",
            account_id="acc_1",
            person_id="con_1",
            channel=channel,
            address="anna@example.org" if by_mail else "+447700900123",
            subject_line="A subject" if by_mail else "",
            text=text,
            at=house.clock.now() + timedelta(seconds=number),
        )
    )


async def test_without_its_flag_there_is_no_desk_and_nothing_leads_to_one() -> None:
    async with portal_house(routes=(*API, *page_routes(desk=False))) as house:
        visitor = Visitor(house.client)
        assert (await visitor.open("/desk")).status == 404
        assert "/desk" not in (await visitor.open("/")).links


async def test_the_desk_shows_messages_newest_first_without_signing_in(house: PortalHouse) -> None:
    await put(house, 1, "Summer house: mains power is out")
    await put(house, 2, "Summer house: mains power is back")
    await put(house, 3, "Your account", ChannelKind.EMAIL)
    page = await Visitor(house.client).open("/desk")
    assert page.status == 200
    assert page.words.index("mains power is back") < page.words.index("mains power is out")
    assert "anna@example.org" in page.words
    assert "A subject" in page.words


async def test_the_desk_says_what_it_is(house: PortalHouse) -> None:
    assert "What would have gone out" in (await Visitor(house.client).open("/desk")).words


async def test_only_addresses_of_ours_become_links(house: PortalHouse) -> None:
    text = f"Look: {PUBLIC_URL}/activate?token=abc or https://evil.example.net/ or {PUBLIC_URL}.evil.example.net/"
    await put(house, 1, text, ChannelKind.EMAIL)
    page = await Visitor(house.client).open("/desk")
    assert [each for each in page.links if each.startswith("http")] == [f"{PUBLIC_URL}/activate?token=abc"]
    assert text in page.words


async def test_the_text_of_a_message_is_shown_and_never_run(house: PortalHouse) -> None:
    await put(house, 1, f"<script>alert(1)</script> {PUBLIC_URL}/x<img src=y>")
    page = await Visitor(house.client).open("/desk")
    assert "<script>alert" not in page.html
    assert "<img" not in page.html


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example.net"},
        {"Host": "127.0.0.1.evil.example.net"},
        {"Host": "cloud.example.org"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "203.0.113.7"},
        {"X-Forwarded-Proto": "https"},
        {"x-forwarded-port": "443"},
        {"Host": "[127.0.0.1"},
    ],
    ids=lambda each: " ".join(next(iter(each.items()))),
)
async def test_nobody_reaches_the_desk_by_a_foreign_name_or_through_a_proxy(
    house: PortalHouse, headers: dict[str, str]
) -> None:
    await put(house, 1, "secret")
    page = await Visitor(house.client).open("/desk", headers=headers)
    assert (page.status, "secret" in page.html) == (404, False)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"])
async def test_the_names_of_this_machine_lead_to_the_desk(house: PortalHouse, host: str) -> None:
    assert (await Visitor(house.client).open("/desk", headers={"Host": host})).status == 200


async def test_without_scripts_the_desk_loads_itself_anew(house: PortalHouse) -> None:
    page = await Visitor(house.client).open("/desk")
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page.html
