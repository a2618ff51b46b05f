"""Who is told in which order, and whether anybody would be reached."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from alerts.ladder import climb, ladder_for
from isocket.domain.contacts import ChannelKind, Contact, Escalation
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.storage.port import is_
from tests.fakes.portal_devices import (
    MAIJA,
    PEKKA,
    PHONE,
    SOCKET,
    claim,
    devices_house,
    enter,
    fields_of,
    make_device,
    owned,
    report,
    verified,
)
from tests.fakes.portal_house import PortalHouse

DEVICE_PATH = f"/devices/{SOCKET}/escalation"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def own_id(house: PortalHouse) -> str:
    (found,) = await house.records.find(Contact, is_("is_owner", True))
    return found.id


async def put(house: PortalHouse, token: str, path: str, *steps: dict[str, Any]) -> dict[str, Any]:
    answer = await house.ask("PUT", path, {"steps": list(steps)}, token=token)
    assert answer.status == 200, await answer.text()
    ladder: dict[str, Any] = await answer.json()
    return ladder


async def get(house: PortalHouse, token: str, path: str) -> dict[str, Any]:
    ladder: dict[str, Any] = await (await house.ask("GET", path, token=token)).json()
    return ladder


async def test_without_a_ladder_every_alarm_contact_is_told_at_once(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    await enter(house, token, email="service@example.org", roles=["service"])
    step = {"contacts": [await own_id(house), contact["id"]], "channels": [], "after_s": 0}
    for path in ("/escalation", DEVICE_PATH):
        assert await get(house, token, path) == {"steps": [step], "default": True, "source": "default"}


async def test_a_ladder_is_kept_the_earliest_step_first(house: PortalHouse) -> None:
    token = await owned(house)
    contact = (await verified(house, token))["id"]
    later = {"contacts": [contact], "channels": ["sms", "email"], "after_s": 300}
    first = {"contacts": [await own_id(house)], "channels": ["email"], "after_s": 0}
    ladder = await put(house, token, "/escalation", later, first)
    assert ladder == {"steps": [first, later], "default": False, "source": "account"}
    assert await get(house, token, "/escalation") == ladder


async def test_a_socket_has_the_accounts_ladder_until_it_has_its_own(house: PortalHouse) -> None:
    token = await owned(house)
    me = await own_id(house)
    await put(house, token, "/escalation", {"contacts": [me], "after_s": 5})
    before = await get(house, token, DEVICE_PATH)
    own = await put(house, token, DEVICE_PATH, {"contacts": [me], "after_s": 7})
    assert (before["source"], before["default"], before["steps"][0]["after_s"]) == ("account", True, 5)
    assert (own["source"], own["default"], own["steps"][0]["after_s"]) == ("device", False, 7)
    assert (await get(house, token, "/escalation"))["steps"][0]["after_s"] == 5


async def test_no_steps_take_the_ladder_away(house: PortalHouse) -> None:
    token = await owned(house)
    await put(house, token, "/escalation", {"contacts": [await own_id(house)]})
    assert (await put(house, token, "/escalation"))["default"] is True
    assert await house.records.count(Escalation) == 0


async def test_setting_a_ladder_again_replaces_it(house: PortalHouse) -> None:
    token = await owned(house)
    for after_s in (1, 2):
        await put(house, token, "/escalation", {"contacts": [await own_id(house)], "after_s": after_s})
    (stored,) = await house.records.find(Escalation)
    assert [step["after_s"] for step in stored.steps] == [2]


async def test_contacts_of_others_are_refused_naming_their_place(house: PortalHouse) -> None:
    token = await owned(house)
    stranger = await house.customer(PEKKA)
    foreign = (await enter(house, stranger, phone=PHONE))["id"]
    (me,) = await house.records.find(Contact, is_("is_owner", True), is_("account_id", (await house.account(MAIJA)).id))
    steps = [{"contacts": [me.id]}, {"contacts": [me.id, foreign]}, {"contacts": ["con_nobody"]}]
    answer = await house.ask("PUT", "/escalation", {"steps": steps}, token=token)
    assert fields_of(await answer.json()) == ["steps.1.contacts.1", "steps.2.contacts.0"]
    assert await house.records.count(Escalation) == 0


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"contacts": []}, "steps.0.contacts"),
        ({"contacts": ["c"], "channels": ["pigeon"]}, "steps.0.channels.0"),
        ({"contacts": ["c"], "after_s": -1}, "steps.0.after_s"),
        ({"contacts": ["c"], "after_s": 86_401}, "steps.0.after_s"),
        ({"contact_ids": ["c"]}, "steps.0.contacts"),
    ],
)
async def test_a_bad_step_is_refused_naming_the_field(house: PortalHouse, step: dict[str, Any], field: str) -> None:
    answer = await house.ask("PUT", "/escalation", {"steps": [step]}, token=await house.customer(MAIJA))
    assert answer.status == 422
    assert field in fields_of(await answer.json())


async def ready(house: PortalHouse, token: str) -> dict[str, Any]:
    (item,) = (await get(house, token, "/readiness"))["items"]
    readiness: dict[str, Any] = item
    return readiness


async def test_a_socket_that_is_heard_and_has_a_recipient_is_ready(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, mains=True)
    contact = await verified(house, token, email="neighbour@example.org")
    found = await ready(house, token)
    assert (found["ready"], found["ladder"]) == (True, "default")
    assert [(each["contact_id"], each["channels"]) for each in found["reached"]] == [
        (await own_id(house), ["email"]),
        (contact["id"], ["sms"]),
    ]
    assert found["missing"] == [{"what": "unverified", "contact_id": contact["id"], "channel": "email"}]


async def test_what_is_missing_is_said(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await enter(house, token, phone=PHONE)
    gone = await enter(house, token, phone="+447700900999")
    steps = [{"contacts": [contact["id"], gone["id"]], "channels": ["sms", "email"]}]
    await put(house, token, "/escalation", *steps)
    await house.ask("DELETE", f"/contacts/{gone['id']}", token=token)
    never = await ready(house, token)
    await report(house, 1, mains=True)
    await house.clock.advance(3 * 900)
    silent = await ready(house, token)
    people = [
        ("unverified", contact["id"], "sms"),
        ("no_address", contact["id"], "email"),
        ("removed", gone["id"], None),
    ]
    missing = [
        [(each["what"], each["contact_id"], each["channel"]) for each in found["missing"]] for found in (never, silent)
    ]
    assert missing == [
        [("no_recipient", None, None), ("never_heard", None, None), *people],
        [("no_recipient", None, None), ("silent", None, None), *people],
    ]
    assert (never["ready"], never["reached"]) == (False, [])


async def test_a_paused_contact_is_not_counted_on(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    await put(house, token, DEVICE_PATH, {"contacts": [contact["id"]]})
    await house.records.change_one(Contact, is_("id", contact["id"]), paused_at=house.clock.now())
    found = await ready(house, token)
    assert (found["reached"], found["missing"][-1]["what"]) == ([], "paused")


async def test_readiness_names_exactly_those_whom_the_ladder_of_alerts_tells(house: PortalHouse) -> None:
    token = await owned(house)
    first = await verified(house, token, email="neighbour@example.org")
    second = await verified(house, token, phone="+447700900456", roles=["service"])
    await make_device(house, "is2")
    await claim(house, token, "is2")
    await put(house, token, DEVICE_PATH, {"contacts": [second["id"]], "after_s": 60}, {"contacts": [first["id"]]})
    contacts = {each.id: each for each in await house.records.find(Contact)}
    escalations = await house.records.find(Escalation)
    shown = (await get(house, token, "/readiness"))["items"]
    for item in shown:
        named = {(each["contact_id"], channel) for each in item["reached"] for channel in each["channels"]}
        told = [
            (each.contact.id, each.channel.value)
            for rung in ladder_for(item["device_id"], escalations)
            for each in climb(rung, contacts)[0]
        ]
        assert named == set(told)
    assert len(shown) == 2


async def test_a_channel_that_reaches_nobody_here_is_not_counted_on() -> None:
    async with devices_house(channels=frozenset({ChannelKind.EMAIL})) as house:
        token = await owned(house)
        contact = await enter(house, token, phone=PHONE)
        await house.records.change_one(Contact, is_("id", contact["id"]), phone_verified_at=house.clock.now())
        await put(house, token, DEVICE_PATH, {"contacts": [contact["id"]]})
        found = await ready(house, token)
        codes_due = await house.records.count(Delivery, is_("kind", DeliveryKind.CODE))
        asked = await house.ask("POST", f"/contacts/{contact['id']}/verification", {"channel": "sms"}, token=token)
    assert found["reached"] == []
    assert {"what": "channel_not_configured", "contact_id": contact["id"], "channel": "sms"} in found["missing"]
    assert (codes_due, asked.status) == (0, 409)
