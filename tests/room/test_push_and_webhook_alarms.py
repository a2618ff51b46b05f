"""An alarm in a browser and at a program: from the ladder to the screen, and back to the incident."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts import incident_page
from alerts.channels.channel import ChannelKind, Message
from alerts.links import INCIDENT_PATH
from alerts.outcomes import TryLater
from alerts.push_hooks import routes
from isocket.domain.deliveries import DeliveryKind, DeliveryState
from isocket.domain.endpoints import Endpoint
from isocket.domain.incidents import Happening, IncidentState
from isocket.kit.ids import token_hash
from isocket.storage.port import is_
from tests.fakes.alert_house import ANNA, PUBLIC_URL, AlertHouse
from tests.fakes.clock import NOON

ANSWER_LOST = TryLater(reason="answer_lost: ServerDisconnectedError")


@pytest.fixture
async def house() -> AlertHouse:
    """A house where Anna has a browser and a program besides her telephone, and an incident is open."""
    house = await AlertHouse().furnish()
    await house.endpoint(ChannelKind.PUSH)
    await house.endpoint(ChannelKind.WEBHOOK)
    await house.incident()
    await house.escalate()
    await house.send()
    return house


@asynccontextmanager
async def browser(house: AlertHouse) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application()
    app.add_routes(routes(records=house.records, clock=house.clock, public_url=PUBLIC_URL))
    async with TestClient(TestServer(app)) as client:
        yield client


def said(message: Message) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(message.text)
    return text


async def test_without_a_ladder_browser_and_program_are_told_at_once(house: AlertHouse) -> None:
    (push,), (webhook,) = house.push.accepted, house.webhook.accepted
    assert (push.to, webhook.to) == ("end_push", "end_webhook")
    assert said(push)["title"] == "Mökki: mains power is out"
    assert said(webhook)["type"] == "incident.alarm"
    assert said(webhook)["id"] == (await house.the_delivery(ChannelKind.WEBHOOK)).id


async def test_two_browsers_of_one_person_are_told_each() -> None:
    house = await AlertHouse().furnish()
    for number in range(2):
        await house.endpoint(ChannelKind.PUSH, id=f"end_{number}")
    await house.incident()
    await house.escalate()
    await house.send()
    assert sorted(each.to for each in house.push.accepted) == ["end_0", "end_1"]
    assert len({said(each)["hook"] for each in house.push.accepted}) == 2


async def test_the_button_in_a_notification_acknowledges(house: AlertHouse) -> None:
    async with browser(house) as client:
        answer = await client.post(f"{said(house.push.accepted[0])['hook']}/take")
        assert (answer.status, await answer.json()) == (200, {"taken": True})
        incident = await house.the_incident()
        assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, f"{ANNA} push")
        again = await client.post(f"{said(house.push.accepted[0])['hook']}/take")
        assert await again.json() == {"taken": False}


async def test_the_button_of_a_browser_that_was_taken_away_takes_nothing(house: AlertHouse) -> None:
    await house.records.remove_all(Endpoint, is_("id", "end_push"))
    async with browser(house) as client:
        assert (await client.post(f"{said(house.push.accepted[0])['hook']}/take")).status == 404
    assert (await house.the_incident()).state is IncidentState.OPEN


async def test_the_link_of_a_program_that_was_taken_away_shows_and_takes_nothing(house: AlertHouse) -> None:
    app = web.Application()
    app.add_routes(incident_page.routes(records=house.records, clock=house.clock))
    link = said(house.webhook.accepted[0])["links"]["acknowledge"].removeprefix(PUBLIC_URL)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get(link)).status == 200
        await house.records.remove_all(Endpoint, is_("id", "end_webhook"))
        assert [(await client.get(link)).status, (await client.post(link)).status] == [404, 404]
    assert (await house.the_incident()).state is IncidentState.OPEN


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("", "This link is over"),
        ("fi-FI,fi;q=0.9", "vanhentunut"),
        ("fil-PH, en;q=0.8", "This link is over"),  # Filipino is no Finnish
        ("et-EE, fi;q=0.8, en;q=0.7", "vanhentunut"),
    ],
)
async def test_a_link_that_is_over_says_what_it_was_in_the_language_of_the_browser(
    house: AlertHouse, language: str, words: str
) -> None:
    app = web.Application()
    app.add_routes(incident_page.routes(records=house.records, clock=house.clock))
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(f"{INCIDENT_PATH}/{'a' * 43}", headers={"Accept-Language": language})
        assert (answer.status, answer.content_type) == (404, "text/html")
        assert words in await answer.text()


async def test_looking_never_acknowledges(house: AlertHouse) -> None:
    async with browser(house) as client:
        for way in ("take", "shown", ""):
            answer = await client.get(f"{said(house.push.accepted[0])['hook']}/{way}")
            assert answer.status in {404, 405}
    assert (await house.the_incident()).state is IncidentState.OPEN


async def test_a_notification_that_was_shown_has_arrived(house: AlertHouse) -> None:
    async with browser(house) as client:
        for _ in range(2):
            answer = await client.post(f"{said(house.push.accepted[0])['hook']}/shown")
            assert answer.status == 204
    await house.take_in_receipts()
    assert (await house.the_delivery(ChannelKind.PUSH)).state is DeliveryState.DELIVERED
    assert len(await house.timeline(Happening.RECEIPT)) == 1


async def test_the_first_notification_that_is_shown_proves_the_browser() -> None:
    house = await AlertHouse().furnish()
    await house.endpoint(ChannelKind.PUSH, verified_at=None)
    token = "k" * 43
    await house.delivery(
        DeliveryKind.CODE, channel=ChannelKind.PUSH, address="end_push", text="{}", link_hash=token_hash(token)
    )
    await house.send()
    async with browser(house) as client:
        assert (await client.post(f"/hooks/push/{token}/shown")).status == 204
    endpoint = await house.records.get(Endpoint, "end_push")
    assert endpoint is not None
    assert endpoint.verified_at == NOON


@pytest.mark.parametrize("token", ["x", "x" * 43, "x" * 65, "%00", "é"])
@pytest.mark.parametrize("way", ["shown", "take"])
async def test_a_guessed_token_is_as_one_that_does_not_exist(house: AlertHouse, token: str, way: str) -> None:
    async with browser(house) as client:
        assert (await client.post(f"/hooks/push/{token}/{way}")).status == 404
    assert (await house.the_incident()).state is IncidentState.OPEN


async def test_the_token_of_a_mail_or_a_program_says_nothing_of_a_screen(house: AlertHouse) -> None:
    token = said(house.webhook.accepted[0])["links"]["acknowledge"].rpartition("/")[2]
    async with browser(house) as client:
        assert (await client.post(f"/hooks/push/{token}/shown")).status == 404


async def test_both_hear_the_end(house: AlertHouse) -> None:
    await house.close()
    await house.escalate()
    await house.send()
    assert said(house.push.accepted[-1])["tag"] == said(house.push.accepted[0])["tag"]
    assert said(house.webhook.accepted[-1])["type"] == "incident.clear"


async def test_a_program_that_may_have_taken_the_alarm_hears_the_end() -> None:
    house = await AlertHouse().furnish(phone=None, email=None)
    await house.endpoint(ChannelKind.WEBHOOK)
    house.webhook.script.append((ANSWER_LOST, True))
    await house.incident()
    await house.escalate()
    await house.send()
    await house.close()
    await house.escalate()
    await house.pass_by(minutes=5)
    await house.escalate()
    await house.send()
    assert [said(each)["type"] for each in house.webhook.accepted] == ["incident.alarm", "incident.clear"]


async def test_an_endpoint_that_is_gone_is_not_told_of_the_next_incident(house: AlertHouse) -> None:
    await house.records.change_one(Endpoint, is_("id", "end_push"), gone_at=NOON)
    await house.incident("inc_2", short_code="K7QG")
    await house.escalate()
    await house.send()
    assert (len(house.push.accepted), len(house.webhook.accepted)) == (1, 2)
