"""Who is told in which order."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.contacts import Contact, Escalation
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.storage.port import Records, is_
from portal_api import escalations
from tests.fakes.portal_devices import (
    MAIJA,
    PEKKA,
    PHONE,
    SOCKET,
    devices_house,
    enter,
    fields_of,
    owned,
    verified,
)
from tests.fakes.portal_house import PortalHouse

DEVICE_PATH = f"/devices/{SOCKET}/escalation"
PLAIN = {"repeat": 0, "repeat_after_s": 600, "cap": None, "remind_after_s": None}


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
        assert await get(house, token, path) == {**PLAIN, "steps": [step], "default": True, "source": "default"}


async def test_a_ladder_that_was_read_can_be_written_back(house: PortalHouse) -> None:
    token = await owned(house)
    await verified(house, token)
    read = await get(house, token, DEVICE_PATH)
    wish = {name: read[name] for name in ("steps", "repeat", "repeat_after_s", "cap", "remind_after_s")}
    answer = await house.ask("PUT", DEVICE_PATH, wish, token=token)
    assert answer.status == 200, await answer.text()
    assert await get(house, token, DEVICE_PATH) == {**read, "default": False, "source": "device"}


async def test_an_alarm_that_is_open_heeds_an_edited_ladder_at_once(house: PortalHouse) -> None:
    token = await owned(house)
    contact = (await verified(house, token))["id"]
    account_id = (await house.account(MAIJA)).id
    now = house.clock.now()
    later = now + timedelta(minutes=30)
    climbed: dict[str, Any] = {"account_id": account_id, "ladder_position": 1}
    for name, changes in {
        "climbed": climbed,
        "exhausted": {**climbed, "needs_step": False},
        "held back": {**climbed, "ladder_position": 0},
        "taken": {**climbed, "state": IncidentState.ACKNOWLEDGED},
        "another's": {**climbed, "account_id": "acc_another"},
    }.items():
        usual = {"device_id": SOCKET, "cause": Cause.MAINS_LOST, "severity": Severity.CRITICAL, "needs_step": True}
        await house.records.add(
            Incident(id=name, opened_at=now, detected_at=now, step_due_at=later, **{**usual, **changes})
        )
    await put(house, token, DEVICE_PATH, {"contacts": [contact], "channels": ["sms"], "after_s": 0})
    found = await house.records.find(Incident)
    assert {each.id for each in found if each.needs_step and each.step_due_at <= house.clock.now()} == {
        "climbed",
        "exhausted",
    }


async def test_who_dies_after_storing_a_ladder_has_it_heeded_in_a_minute(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await owned(house)
    contact = (await verified(house, token))["id"]
    account_id = (await house.account(MAIJA)).id
    now = house.clock.now()
    soon, later = now + timedelta(seconds=20), now + timedelta(minutes=30)
    for name, changes in {"soon": {"step_due_at": soon}, "later": {}, "exhausted": {"needs_step": False}}.items():
        usual = {"device_id": SOCKET, "cause": Cause.MAINS_LOST, "severity": Severity.CRITICAL, "needs_step": True}
        moments = {"opened_at": now, "detected_at": now, "step_due_at": later}
        given = {**usual, **moments, **changes}
        await house.records.add(Incident(id=name, account_id=account_id, ladder_position=1, **given))
    step = {"contacts": [contact], "channels": ["sms"], "after_s": 0}
    genuine = escalations._put

    async def store_and_die(records: Records, ladder: Escalation) -> None:
        await genuine(records, ladder)
        raise RuntimeError("as good as dead")

    monkeypatch.setattr(escalations, "_put", store_and_die)
    await house.ask("PUT", DEVICE_PATH, {"steps": [step]}, token=token)
    assert await house.records.count(Escalation) == 1
    looked_at = {each.id: each.step_due_at - now for each in await house.records.find(Incident) if each.needs_step}
    assert set(looked_at) == {"soon", "later", "exhausted"}
    assert max(looked_at.values()) < timedelta(seconds=61)
    assert looked_at["soon"] == timedelta(seconds=20)


async def test_a_ladder_is_kept_the_earliest_step_first(house: PortalHouse) -> None:
    token = await owned(house)
    contact = (await verified(house, token))["id"]
    later = {"contacts": [contact], "channels": ["sms", "email"], "after_s": 300}
    first = {"contacts": [await own_id(house)], "channels": ["email"], "after_s": 0}
    ladder = await put(house, token, "/escalation", later, first)
    assert ladder == {**PLAIN, "repeat_after_s": 600, "steps": [first, later], "default": False, "source": "account"}
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
        ({"contacts": ["c"], "channels": ["sms"] * 6}, "steps.0.channels"),
        ({"contacts": ["c"], "after_s": -1}, "steps.0.after_s"),
        ({"contacts": ["c"], "after_s": 86_401}, "steps.0.after_s"),
        ({"contact_ids": ["c"]}, "steps.0.contacts"),
    ],
)
async def test_a_bad_step_is_refused_naming_the_field(house: PortalHouse, step: dict[str, Any], field: str) -> None:
    answer = await house.ask("PUT", "/escalation", {"steps": [step]}, token=await house.customer(MAIJA))
    assert answer.status == 422
    assert field in fields_of(await answer.json())


async def test_a_ladder_says_how_often_it_is_climbed_how_many_alarms_it_makes_and_when_it_asks_again(
    house: PortalHouse,
) -> None:
    token = await owned(house)
    more = {"repeat": 2, "repeat_after_s": 900, "cap": 20, "remind_after_s": 0}
    steps = [{"contacts": [await own_id(house)], "channels": ["voice", "push", "webhook"]}]
    answer = await house.ask("PUT", DEVICE_PATH, {"steps": steps, **more}, token=token)
    shown = await get(house, token, DEVICE_PATH)
    assert (answer.status, {name: shown[name] for name in more}) == (200, more)
    assert shown["steps"][0]["channels"] == ["voice", "push", "webhook"]
    (stored,) = await house.records.find(Escalation)
    assert (stored.repeat, stored.repeat_after_s, stored.cap, stored.remind_after_s) == (2, 900, 20, 0)
    await put(house, token, DEVICE_PATH, *steps)
    (stored,) = await house.records.find(Escalation)
    assert (stored.repeat, stored.cap, stored.remind_after_s) == (0, None, None)


@pytest.mark.parametrize(
    "more",
    [{"repeat": 10}, {"repeat_after_s": 59}, {"cap": 0}, {"remind_after_s": -1}],
    ids=lambda more: next(iter(more)),
)
async def test_a_bad_number_is_refused_naming_the_field(house: PortalHouse, more: dict[str, int]) -> None:
    token = await house.customer(MAIJA)
    answer = await house.ask("PUT", "/escalation", {"steps": [], **more}, token=token)
    assert (answer.status, fields_of(await answer.json())) == (422, list(more))
