"""The page behind a link offers to show alarms on the device that it was opened on, also to who has no account."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestClient, TestServer

from alerts import bodies, incident_page, push_subscribing, unsubscribing
from alerts.channels.channel import ChannelKind
from alerts.push_subscribing import MOST_GREETINGS
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.endpoints import Endpoint
from isocket.domain.greetings import MOST_ENDPOINTS
from isocket.domain.incidents import IncidentState
from isocket.kit.ids import token_hash
from isocket.storage.port import is_
from tests.fakes.alert_house import ANNA, MAILS, PUBLIC_URL, AlertHouse
from tests.fakes.clock import NOON
from tests.fakes.endless import endless_body
from tests.fakes.patience import PATIENCE_S
from tests.fakes.web_receiver import PushService

TOKEN = "k" * 43
KEY = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"  # the base point
LINK = f"/hooks/incident/{TOKEN}"
HERE = f"/hooks/push/{TOKEN}/subscription"


@pytest.fixture
async def house() -> AlertHouse:
    """A house in which Anna has had an alarm mail."""
    house = await AlertHouse().furnish()
    await house.incident()
    await house.delivery(
        DeliveryKind.ALARM,
        channel=ChannelKind.EMAIL,
        address=MAILS[ANNA],
        incident_id="inc_1",
        link_hash=token_hash(TOKEN),
    )
    return house


@asynccontextmanager
async def page(house: AlertHouse, key: str = KEY) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application()
    app.add_routes(incident_page.routes(records=house.records, clock=house.clock, push_key=key))
    app.add_routes(push_subscribing.routes(records=house.records, clock=house.clock, loopback=False))
    app.add_routes(unsubscribing.routes(records=house.records, clock=house.clock, public_url=PUBLIC_URL))
    async with TestClient(TestServer(app)) as client:
        yield client


def wish(name: str = "one", **more: Any) -> dict[str, Any]:
    """Return what our script posts."""
    subscription = PushService().subscribe(name, origin="https://push.example.org")
    return {"kind": "push", "subscription": subscription, "label": "Android", **more}


async def greetings(house: AlertHouse) -> list[Delivery]:
    return await house.records.find(Delivery, is_("kind", DeliveryKind.CODE), order_by="created_at")


async def test_the_page_offers_it_hidden_until_a_script_shows_it(house: AlertHouse) -> None:
    async with page(house) as client:
        answer = await client.get(LINK)
        text = await answer.text()
    assert f'data-push="{HERE}"' in text
    assert f'data-push-key="{KEY}"' in text
    assert " hidden>" in text
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


async def test_without_a_key_nothing_is_offered_and_no_script_runs(house: AlertHouse) -> None:
    async with page(house, key="") as client:
        answer = await client.get(LINK)
        text = await answer.text()
    assert ("data-push" in text, "script" in text + answer.headers["Content-Security-Policy"]) == (False, False)


@pytest.mark.parametrize("language", ["en", "fi", "sv", "de", "nb"])
async def test_the_offer_speaks_the_readers_language(language: str) -> None:
    house = await AlertHouse().furnish(language=language)
    await house.incident()
    await house.delivery(
        DeliveryKind.ALARM,
        channel=ChannelKind.EMAIL,
        address=MAILS[ANNA],
        incident_id="inc_1",
        link_hash=token_hash(TOKEN),
    )
    async with page(house) as client:
        text = await (await client.get(LINK)).text()
    words = {"en": "Show alarms", "fi": "Näytä hälytykset", "sv": "Visa larm", "de": "Alarme auf", "nb": "Vis alarmer"}
    assert words[language] in text


async def test_a_browser_is_added_to_the_links_contact_and_greeted(house: AlertHouse) -> None:
    async with page(house) as client:
        assert (await client.post(HERE, json=wish())).status == 204
    (endpoint,) = await house.records.find(Endpoint)
    assert (endpoint.contact_id, endpoint.kind, endpoint.label) == (ANNA, ChannelKind.PUSH, "Android")
    assert endpoint.verified_at is None
    (greeting,) = await greetings(house)
    assert (greeting.address, json.loads(greeting.text)["open"]) == (endpoint.id, LINK)
    assert (await house.the_incident()).state is IncidentState.OPEN  # nothing is acknowledged by it


async def test_the_same_browser_is_there_once(house: AlertHouse) -> None:
    async with page(house) as client:
        for _ in range(2):
            assert (await client.post(HERE, json=wish())).status == 204
    assert await house.records.count(Endpoint) == 1


async def test_a_browser_that_was_gone_has_to_show_something_once_more(house: AlertHouse) -> None:
    async with page(house) as client:
        await client.post(HERE, json=wish())
        (endpoint,) = await house.records.find(Endpoint)
        await house.records.change_one(Endpoint, is_("id", endpoint.id), verified_at=NOON, gone_at=NOON)
        await client.post(HERE, json=wish())
    (endpoint,) = await house.records.find(Endpoint)
    assert (endpoint.gone_at, endpoint.verified_at) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        json.dumps(
            {"subscription": {"endpoint": "https://10.0.0.1/x", "keys": wish()["subscription"]["keys"]}}
        ).encode(),
        json.dumps({"subscription": {"endpoint": 1, "keys": {}}}).encode(),
        json.dumps(wish(label="x" * 61)).encode(),
        b" " * 9000,
    ],
    ids=["empty", "no JSON", "a list", "nothing", "private", "wrong types", "long label", "long"],
)
async def test_what_is_no_subscription_adds_nothing(house: AlertHouse, body: bytes) -> None:
    async with page(house) as client:
        assert (await client.post(HERE, data=body)).status == 422
    assert (await house.records.count(Endpoint), await greetings(house)) == (0, [])


async def test_an_old_link_opens_no_new_way(house: AlertHouse) -> None:
    await house.pass_by(days=7, seconds=1)
    async with page(house) as client:
        assert (await client.post(HERE, json=wish())).status == 404
        assert "data-push" not in await (await client.get(LINK)).text()


async def test_who_asked_us_to_stop_is_offered_nothing(house: AlertHouse) -> None:
    await house.records.change_one(Contact, is_("id", ANNA), paused_at=NOON)
    async with page(house) as client:
        assert (await client.post(HERE, json=wish())).status == 404
        assert "data-push" not in await (await client.get(LINK)).text()


async def test_a_guessed_link_adds_nothing(house: AlertHouse) -> None:
    async with page(house) as client:
        assert (await client.post(HERE.replace("k", "j"), json=wish())).status == 404


async def test_nobody_can_have_a_push_service_called_without_end(house: AlertHouse) -> None:
    async with page(house) as client:
        statuses = [(await client.post(HERE, json=wish(str(number)))).status for number in range(MOST_GREETINGS + 1)]
        assert statuses == [204] * MOST_GREETINGS + [429]
        await house.pass_by(minutes=11)
        assert (await client.post(HERE, json=wish())).status == 204


async def test_a_contact_has_so_many_and_no_more(house: AlertHouse) -> None:
    for number in range(MOST_ENDPOINTS):
        await house.endpoint(id=f"end_{number}")
    async with page(house) as client:
        assert (await client.post(HERE, json=wish())).status == 409


WAY_OUT = f"/hooks/unsubscribe/{TOKEN}"


async def test_who_has_the_old_mailbox_neither_acts_as_the_new_person_nor_silences_them(house: AlertHouse) -> None:
    await house.records.change_one(Contact, is_("id", ANNA), email="new@example.org", email_verified_at=NOON)
    async with page(house) as client:
        answers = [
            await client.post(HERE, json=wish()),
            await client.get(LINK),
            await client.post(LINK),
            await client.get(WAY_OUT),
            await client.post(WAY_OUT),
        ]
    anna = await house.records.get(Contact, ANNA)
    assert anna is not None
    assert [each.status for each in answers] == [404] * 5
    assert ((await house.the_incident()).state, anna.paused_at) == (IncidentState.OPEN, None)
    assert await house.records.find(Endpoint, is_("contact_id", ANNA)) == []


@pytest.mark.parametrize(("proved_after", "status"), [(timedelta(0), 200), (timedelta(days=1), 404), (None, 404)])
async def test_an_old_mail_whose_address_is_not_kept_any_more_still_leads_out_of_the_same_mailbox(
    house: AlertHouse, proved_after: timedelta | None, status: int
) -> None:
    proved = None if proved_after is None else NOON + proved_after
    await house.records.change_one(Contact, is_("id", ANNA), email_verified_at=proved)
    await house.records.change_one(Delivery, is_("link_hash", token_hash(TOKEN)), address="")
    async with page(house) as client:
        assert (await client.post(WAY_OUT)).status == status


async def test_a_subscription_that_does_not_come_to_its_end_holds_up_nobody(
    house: AlertHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.05)
    async with page(house) as client:
        answer = await client.post(HERE, data=endless_body(), timeout=ClientTimeout(total=PATIENCE_S))
    assert (answer.status, await house.records.count(Endpoint)) == (408, 0)
