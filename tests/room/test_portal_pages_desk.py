"""The desk: there only where it is asked for, and only for whoever sits at the machine."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Attempt, Receipt
from isocket.domain.desk import DeskMessage
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
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


async def put_call(house: PortalHouse, state: IncidentState = IncidentState.OPEN) -> None:
    """Put a call about an alarm on the desk, as the alarm service does."""
    await put(house, 1, "An alarm from iSocket. Press 1 if you take care of it.", ChannelKind.VOICE)
    now = house.clock.now()
    await house.records.add(
        Attempt(
            id="att_1",
            delivery_id="dlv_1",
            incident_id="inc_1",
            account_id="acc_1",
            person_id="con_1",
            number=1,
            provider="desk",
            started_at=now,
        )
    )
    await house.records.add(
        Incident(
            id="inc_1",
            account_id="acc_1",
            device_id="is-1",
            cause=Cause.MAINS_LOST,
            severity=Severity.CRITICAL,
            state=state,
            opened_at=now,
            detected_at=now,
        )
    )


async def test_a_call_shows_what_would_be_said_and_its_button_takes_the_alarm(house: PortalHouse) -> None:
    await put_call(house)
    visitor = Visitor(house.client)
    page = await visitor.open("/desk")
    after = await visitor.send(page, "/desk/keys")
    incident = await house.records.get(Incident, "inc_1")
    (pressed,) = await house.records.find(Receipt)
    assert incident is not None
    assert "An alarm from iSocket." in page.words
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "con_1 voice")
    assert (pressed.attempt_id, pressed.status) == ("att_1", "key_pressed")
    assert (after.path, after.forms) == ("/desk?said=acknowledged", ())


async def test_a_call_whose_alarm_is_over_has_no_button_and_a_late_press_changes_nothing(house: PortalHouse) -> None:
    await put_call(house, IncidentState.CLOSED)
    visitor = Visitor(house.client)
    assert (await visitor.open("/desk")).forms == ()
    await visitor.post("/desk/keys", {"call": "att_1"})
    incident = await house.records.get(Incident, "inc_1")
    assert incident is not None
    assert incident.acknowledged_at is None


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example.net"}, {"Via": "1.1 proxy"}], ids=["page", "proxy"]
)
async def test_no_foreign_page_and_nobody_behind_a_proxy_presses_a_key(
    house: PortalHouse, headers: dict[str, str]
) -> None:
    await put_call(house)
    answer = await Visitor(house.client).post("/desk/keys", {"call": "att_1"}, {"Origin": PUBLIC_URL, **headers})
    incident = await house.records.get(Incident, "inc_1")
    assert incident is not None
    assert answer.status in {403, 404}
    assert incident.state is IncidentState.OPEN


async def test_a_key_in_no_call_at_all_does_nothing(house: PortalHouse) -> None:
    await put(house, 1, "a text", ChannelKind.SMS)
    for call in ("att_1", "att_none", ""):
        assert (await Visitor(house.client).post("/desk/keys", {"call": call})).path == "/desk?said=not-open"
    assert await house.records.count(Receipt) == 0


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
