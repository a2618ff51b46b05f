"""Browsers and programs of a contact: added, proved, tried, given another secret, taken away."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.endpoint_letters import challenge_of
from isocket.domain.endpoints import Endpoint
from isocket.domain.greetings import MOST_ENDPOINTS
from isocket.storage.port import is_
from tests.fakes.portal_devices import MAIJA, PEKKA, devices_house, enter, fields_of
from tests.fakes.portal_house import PortalHouse

URL = "https://hooks.example.org/alarm"
POINT = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"  # the base point
WEBHOOK = {"kind": "webhook", "url": URL, "label": "Home automation"}


def browser(name: str = "one", **changes: Any) -> dict[str, Any]:
    """Return what a browser sends that wants to show alarms."""
    keys = {"p256dh": POINT, "auth": "A" * 22}
    subscription = {"endpoint": f"https://push.example.org/{name}", "expirationTime": None, "keys": keys}
    return {"kind": "push", "subscription": {**subscription, **changes}, "label": "Telephone"}


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house(push_key="B" + "A" * 86) as house:
        yield house


@pytest.fixture
async def token(house: PortalHouse) -> str:
    return await house.customer(MAIJA)


@pytest.fixture
async def path(house: PortalHouse, token: str) -> str:
    """The path of a new contact's endpoints."""
    contact = await enter(house, token, email="neighbour@example.org")
    return f"/contacts/{contact['id']}/endpoints"


async def add(house: PortalHouse, token: str, path: str, body: object, status: int = 201) -> dict[str, Any]:
    answer = await house.ask("POST", path, body, token=token)
    assert answer.status == status, await answer.text()
    made: dict[str, Any] = await answer.json()
    return made


async def sent(house: PortalHouse, kind: DeliveryKind, endpoint_id: str) -> list[Delivery]:
    found = await house.records.find(Delivery, is_("kind", kind), order_by="created_at")
    return [each for each in found if each.address == endpoint_id]


async def test_a_program_is_greeted_with_a_challenge_and_its_secret_is_shown_once(
    house: PortalHouse, token: str, path: str
) -> None:
    made = await add(house, token, path, WEBHOOK)
    assert made["secret"].startswith("whsec_")
    assert (made["verified"], made["gone"], made["url"], made["service"]) == (False, False, URL, "hooks.example.org")
    (greeting,) = await sent(house, DeliveryKind.CODE, made["id"])
    assert (greeting.channel, greeting.contact_id) == (ChannelKind.WEBHOOK, made["contact_id"])
    assert challenge_of(greeting.text)
    assert json.loads(greeting.text)["id"] == greeting.id
    listed = await (await house.ask("GET", path, token=token)).json()
    assert [each["id"] for each in listed["items"]] == [made["id"]]
    assert made["secret"] not in json.dumps(listed)


async def test_a_browser_is_greeted_and_its_address_stays_with_us(house: PortalHouse, token: str, path: str) -> None:
    made = await add(house, token, path, browser())
    assert (made["secret"], made["url"], made["service"]) == (None, None, "push.example.org")
    (greeting,) = await sent(house, DeliveryKind.CODE, made["id"])
    said = json.loads(greeting.text)
    assert said["hook"].startswith("/hooks/push/")
    assert greeting.link_hash
    assert greeting.expires_at == greeting.created_at + timedelta(minutes=10)


async def test_the_same_browser_is_there_once(house: PortalHouse, token: str, path: str) -> None:
    first = await add(house, token, path, browser())
    again = await add(house, token, path, browser(), status=200)
    assert again["id"] == first["id"]
    await add(house, token, path, browser("two"))
    assert await house.records.count(Endpoint) == 2


async def test_a_browser_that_comes_back_has_to_show_something_once_more(
    house: PortalHouse, token: str, path: str
) -> None:
    made = await add(house, token, path, browser())
    now = house.clock.now()
    await house.records.change_one(
        Endpoint, is_("id", made["id"]), verified_at=now, gone_at=now, gone_reason="http_410"
    )
    again = await add(house, token, path, browser(), status=200)
    assert (again["verified"], again["gone"]) == (False, False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "webhook"}, "url"),
        ({**WEBHOOK, "url": "http://hooks.example.org/"}, "url"),
        ({**WEBHOOK, "url": "https://10.0.0.1/"}, "url"),
        ({**WEBHOOK, "url": "https://localhost/"}, "url"),
        ({**WEBHOOK, "subscription": browser()["subscription"]}, "subscription"),
        ({**WEBHOOK, "label": "two\nlines"}, "label"),
        ({"kind": "push"}, "subscription"),
        ({**browser(), "url": URL}, "url"),
        (browser(endpoint="https://192.168.1.1/x"), "subscription.endpoint"),
        (browser(keys={"p256dh": "A" * 87, "auth": "A" * 22}), "subscription.keys.p256dh"),
        (browser(keys={"p256dh": "B" + "A" * 86, "auth": "A" * 22}), "subscription.keys.p256dh"),  # not on the curve
        (browser(keys={"p256dh": POINT, "auth": "!!"}), "subscription.keys.auth"),
        (browser(keys={"p256dh": POINT, "auth": "AAAA"}), "subscription.keys.auth"),
        (browser(keys={"p256dh": POINT}), "subscription.keys.auth"),
        ({"kind": "pigeon", "url": URL}, "kind"),
    ],
)
async def test_what_cannot_be_used_names_the_field(
    house: PortalHouse, token: str, path: str, body: object, field: str
) -> None:
    answer = await house.ask("POST", path, body, token=token)
    assert (answer.status, fields_of(await answer.json())) == (422, [field])
    assert await house.records.count(Endpoint) == 0


async def test_this_machine_may_be_named_where_that_was_set(token: str) -> None:
    async with devices_house(loopback_targets=True) as house:
        token = await house.customer(MAIJA)
        contact = await enter(house, token, email="neighbour@example.org")
        await add(house, token, f"/contacts/{contact['id']}/endpoints", {**WEBHOOK, "url": "http://127.0.0.1:9/x"})


async def test_a_contact_has_so_many_and_no_more(house: PortalHouse, token: str, path: str) -> None:
    for number in range(MOST_ENDPOINTS):
        made = await add(house, token, path, browser(str(number)))
    refused = await house.ask("POST", path, WEBHOOK, token=token)
    assert refused.status == 409
    await house.records.change_one(Endpoint, is_("id", made["id"]), gone_at=house.clock.now())
    await add(house, token, path, WEBHOOK)


async def test_what_was_taken_away_is_gone_at_once(house: PortalHouse, token: str, path: str) -> None:
    made = await add(house, token, path, WEBHOOK)
    one = f"{path}/{made['id']}"
    assert (await house.ask("DELETE", one, token=token)).status == 204
    assert await house.records.count(Endpoint) == 0
    assert (await house.ask("DELETE", one, token=token)).status == 404


async def test_another_contacts_endpoint_is_as_one_that_does_not_exist(
    house: PortalHouse, token: str, path: str
) -> None:
    made = await add(house, token, path, WEBHOOK)
    other = await enter(house, token, email="other@example.org")
    for method, way in (("DELETE", ""), ("POST", "/test"), ("POST", "/verification"), ("POST", "/secret")):
        answer = await house.ask(method, f"/contacts/{other['id']}/endpoints/{made['id']}{way}", token=token)
        assert answer.status == 404
    stranger = await house.customer(PEKKA)
    assert (await house.ask("GET", path, token=stranger)).status == 404


async def test_the_way_can_be_tried(house: PortalHouse, token: str, path: str) -> None:
    made = await add(house, token, path, WEBHOOK)
    assert (await house.ask("POST", f"{path}/{made['id']}/test", token=token)).status == 202
    (trial,) = await sent(house, DeliveryKind.NOTICE, made["id"])
    assert json.loads(trial.text)["type"] == "test"
    await house.records.change_one(Delivery, is_("id", trial.id), state=DeliveryState.FAILED, reason="refused")
    (seen,) = (await (await house.ask("GET", path, token=token)).json())["items"]
    assert (seen["last_message"]["state"], seen["last_message"]["reason"]) == ("failed", "refused")


async def test_the_first_message_can_be_sent_again_until_it_is_answered(
    house: PortalHouse, token: str, path: str
) -> None:
    made = await add(house, token, path, WEBHOOK)
    again = f"{path}/{made['id']}/verification"
    assert (await house.ask("POST", again, token=token)).status == 202
    first, second = await sent(house, DeliveryKind.CODE, made["id"])
    assert challenge_of(first.text) != challenge_of(second.text)
    await house.records.change_one(Endpoint, is_("id", made["id"]), verified_at=house.clock.now())
    assert (await house.ask("POST", again, token=token)).status == 409


async def test_nobody_can_have_us_call_an_address_without_end(house: PortalHouse, token: str, path: str) -> None:
    made = await add(house, token, path, WEBHOOK)
    answers = [await house.ask("POST", f"{path}/{made['id']}/test", token=token) for _ in range(8)]
    assert [each.status for each in answers] == [202] * 6 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0


async def test_an_endpoint_that_is_gone_is_not_tried(house: PortalHouse, token: str, path: str) -> None:
    made = await add(house, token, path, WEBHOOK)
    await house.records.change_one(Endpoint, is_("id", made["id"]), gone_at=house.clock.now())
    for way in ("test", "verification"):
        assert (await house.ask("POST", f"{path}/{made['id']}/{way}", token=token)).status == 409


async def test_nothing_is_sent_for_somebody_who_asked_us_to_stop(house: PortalHouse, token: str, path: str) -> None:
    made = await add(house, token, path, WEBHOOK)
    await house.records.change_one(Contact, is_("id", made["contact_id"]), paused_at=house.clock.now())
    for method, body in (("", browser()), (f"/{made['id']}/test", None), (f"/{made['id']}/verification", None)):
        answer = await house.ask("POST", f"{path}{method}", body, token=token)
        assert (answer.status, (await answer.json())["type"]) == (409, "urn:isocket:problem:paused")


async def test_a_new_secret_is_good_at_once_and_the_old_one_for_a_day(
    house: PortalHouse, token: str, path: str
) -> None:
    made = await add(house, token, path, WEBHOOK)
    fresh = await (await house.ask("POST", f"{path}/{made['id']}/secret", token=token)).json()
    endpoint = await house.records.get(Endpoint, made["id"])
    assert endpoint is not None
    assert (endpoint.secret, endpoint.previous_secret) == (fresh["secret"], made["secret"])
    assert endpoint.previous_until is not None
    assert endpoint.previous_until - house.clock.now() <= timedelta(hours=24)


async def test_a_browser_has_no_secret_to_change(house: PortalHouse, token: str, path: str) -> None:
    made = await add(house, token, path, browser())
    assert (await house.ask("POST", f"{path}/{made['id']}/secret", token=token)).status == 409


async def test_a_browser_learns_to_which_key_it_subscribes(house: PortalHouse, token: str) -> None:
    assert await (await house.ask("GET", "/push-key", token=token)).json() == {"key": "B" + "A" * 86}


async def test_where_there_is_no_key_that_is_said() -> None:
    async with devices_house() as house:
        token = await house.customer(MAIJA)
        assert (await house.ask("GET", "/push-key", token=token)).status == 409
