"""Entering the people to be told, changing them and letting them go."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.contacts import ChannelKind, Contact, Verification
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.storage.port import is_
from tests.fakes.portal_devices import MAIJA, PHONE, codes, devices_house, enter, fields_of, owned, verified
from tests.fakes.portal_house import PortalHouse

MAIL = "neighbour@example.org"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def own(house: PortalHouse, token: str) -> dict[str, Any]:
    """Return the contact that is the account's own address."""
    listed = await (await house.ask("GET", "/contacts", token=token)).json()
    (found,) = [each for each in listed["items"] if each["is_owner"]]
    contact: dict[str, Any] = found
    return contact


async def test_ones_own_address_is_a_verified_contact(house: PortalHouse) -> None:
    found = await own(house, await house.customer(MAIJA))
    assert (found["email"], found["email_verified"], found["phone_verified"]) == (MAIJA, True, False)


async def at_once(house: PortalHouse, token: str, *wishes: tuple[str, str, dict[str, Any]]) -> list[int]:
    """Ask for all of it in one moment: connections that are open already do not come one after the other."""
    await asyncio.gather(*(house.ask("GET", "/me", token=token) for _ in wishes))
    answers = await asyncio.gather(*(house.ask(*wish, token=token) for wish in wishes))
    return sorted(each.status for each in answers)


async def test_whoever_presses_twice_enters_a_person_once(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    wish = {"name": "Neighbour", "email": MAIL, "roles": ["alarm"]}
    assert await at_once(house, token, *[("POST", "/contacts", wish)] * 3) == [201, 422, 422]
    assert await house.records.count(Contact, is_("email", MAIL)) == 1


async def test_two_contacts_changed_at_once_do_not_get_one_address(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    ids = [(await enter(house, token, email=f"{each}@example.org"))["id"] for each in ("one", "two")]
    changes = [("PATCH", f"/contacts/{each}", {"email": MAIL}) for each in ids]
    assert await at_once(house, token, *changes) == [200, 422]


async def test_a_contact_is_entered_with_the_accounts_language_and_time_zone(house: PortalHouse) -> None:
    token = await house.customer(MAIJA, language="fi", time_zone="Europe/Helsinki")
    entered = await enter(house, token, phone="+44 7700 900-123")
    assert (entered["phone"], entered["email"], entered["roles"]) == (PHONE, None, ["alarm"])
    assert (entered["language"], entered["time_zone"], entered["quiet_hours"]) == ("fi", "Europe/Helsinki", None)
    assert await (await house.ask("GET", f"/contacts/{entered['id']}", token=token)).json() == entered


async def test_contacts_are_listed_the_oldest_first(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    first = await enter(house, token, phone=PHONE)
    second = await enter(house, token, email=MAIL)
    listed = await (await house.ask("GET", "/contacts", token=token)).json()
    assert [each["id"] for each in listed["items"][1:]] == [first["id"], second["id"]]


@pytest.mark.parametrize(
    ("contact", "field"),
    [
        ({}, "(body)"),
        ({"phone": "0401234567"}, "phone"),
        ({"phone": "+447700900123 ext 5"}, "phone"),
        ({"phone": "+1 900 555 1234"}, "phone"),
        ({"phone": "+4479"}, "phone"),
        ({"phone": 447700900123}, "phone"),
        ({"email": "no address"}, "email"),
        ({"phone": PHONE, "name": "   "}, "name"),
        ({"phone": PHONE, "name": "two\nlines"}, "name"),
        ({"phone": PHONE, "roles": []}, "roles"),
        ({"phone": PHONE, "roles": ["boss"]}, "roles.0"),
        ({"phone": PHONE, "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"phone": PHONE, "quiet_hours": {"start": "25:00", "end": "07:00"}}, "quiet_hours.start"),
        ({"phone": PHONE, "quiet_hours": {"start": "22:00", "end": "22:00"}}, "quiet_hours.end"),
        ({"phone": PHONE, "phone_verified": True}, "phone_verified"),
        ({"phone": PHONE, "is_owner": True}, "is_owner"),
    ],
)
async def test_a_bad_contact_is_refused_naming_the_field(
    house: PortalHouse, contact: dict[str, Any], field: str
) -> None:
    token = await house.customer(MAIJA)
    answer = await house.ask("POST", "/contacts", {"name": "Neighbour", **contact}, token=token)
    assert (answer.status, fields_of(await answer.json())) == (422, [field])


async def test_what_is_not_sent_stays_as_it_is(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    entered = await enter(house, token, phone=PHONE, quiet_hours={"start": "22:00", "end": "07:00"})
    answer = await house.ask("PATCH", f"/contacts/{entered['id']}", {"roles": ["service", "alarm"]}, token=token)
    assert await answer.json() == {**entered, "roles": ["alarm", "service"]}
    answer = await house.ask("PATCH", f"/contacts/{entered['id']}", {"quiet_hours": None}, token=token)
    assert (await answer.json())["quiet_hours"] is None


async def test_a_new_number_is_not_verified_and_gets_a_code_at_once(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    contact = await verified(house, token)
    answer = await house.ask("PATCH", f"/contacts/{contact['id']}", {"phone": "+447700900456"}, token=token)
    assert (await answer.json())["phone_verified"] is False
    assert len(await codes(house, "+447700900456")) == 1


async def test_the_same_number_again_stays_verified(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    contact = await verified(house, token)
    answer = await house.ask("PATCH", f"/contacts/{contact['id']}", {"phone": "+44 7700 900123"}, token=token)
    assert (await answer.json())["phone_verified"] is True


async def test_a_code_for_the_old_number_proves_nothing_of_the_new(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    contact = await enter(house, token, phone=PHONE)
    (old,) = await codes(house, PHONE)
    await house.ask("PATCH", f"/contacts/{contact['id']}", {"phone": "+447700900456"}, token=token)
    body = {"channel": "sms", "code": old}
    assert (await house.ask("POST", f"/contacts/{contact['id']}/verify", body, token=token)).status == 422


async def test_a_contact_keeps_at_least_one_address(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    contact = await enter(house, token, phone=PHONE, email=MAIL)
    path = f"/contacts/{contact['id']}"
    assert (await house.ask("PATCH", path, {"phone": None}, token=token)).status == 200
    refused = await house.ask("PATCH", path, {"email": None}, token=token)
    assert (refused.status, fields_of(await refused.json())) == (422, ["email"])


async def test_ones_own_address_is_neither_removed_nor_changed_as_a_contact(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    path = f"/contacts/{(await own(house, token))['id']}"
    statuses = [
        (await house.ask("DELETE", path, token=token)).status,
        (await house.ask("PATCH", path, {"email": MAIL}, token=token)).status,
        (await house.ask("PATCH", path, {"email": None, "phone": PHONE}, token=token)).status,
        (await house.ask("PATCH", path, {"email": MAIJA, "phone": PHONE}, token=token)).status,
    ]
    assert statuses == [409, 409, 409, 200]


async def test_of_a_removed_contact_nothing_more_is_sent(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    contact = await enter(house, token, phone=PHONE)
    assert (await house.ask("DELETE", f"/contacts/{contact['id']}", token=token)).status == 204
    assert await codes(house, PHONE) == []
    assert await house.records.count(Verification) == 0
    assert await house.records.get(Contact, contact["id"]) is None
    assert (await house.ask("GET", f"/contacts/{contact['id']}", token=token)).status == 404


@pytest.mark.parametrize(
    ("reason", "way"), [("stop_reply", "START"), ("unsubscribed", "a new mail"), ("objected", "/people")]
)
async def test_of_somebody_who_said_stop_that_is_told_and_not_that_they_are_proved(
    house: PortalHouse, reason: str, way: str
) -> None:
    token = await house.customer(MAIJA)
    contact = await verified(house, token)
    await house.records.change_one(Contact, is_("id", contact["id"]), paused_at=house.clock.now(), pause_reason=reason)
    asked = await house.ask("POST", f"/contacts/{contact['id']}/verification", {"channel": "sms"}, token=token)
    said = await asked.json()
    assert (asked.status, said["type"], way in said["detail"]) == (409, "urn:isocket:problem:paused", True)


async def test_nobody_undoes_the_stop_of_another(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    contact = await enter(house, token, phone=PHONE)
    await house.records.change_one(
        Contact, is_("id", contact["id"]), paused_at=house.clock.now(), pause_reason="stop_reply"
    )
    path = f"/contacts/{contact['id']}"
    asked = await house.ask("POST", f"{path}/verification", {"channel": "sms"}, token=token)
    moved = await house.ask("PATCH", path, {"phone": "+447700900456"}, token=token)
    renamed = await house.ask("PATCH", path, {"name": "Sister", "phone": PHONE}, token=token)
    assert (asked.status, moved.status, (await renamed.json())["paused"]) == (409, 409, True)
    assert await codes(house, "+447700900456") == []


@pytest.mark.parametrize("reason", ["unsubscribed", "stop_reply", "stop_key", "opted_out"])
async def test_while_somebody_is_paused_their_addresses_stay_as_they_are(house: PortalHouse, reason: str) -> None:
    token = await house.customer(MAIJA)
    contact = await enter(house, token, phone=PHONE, email="neighbour@example.org")
    await house.records.change_one(Contact, is_("id", contact["id"]), paused_at=house.clock.now(), pause_reason=reason)
    path = f"/contacts/{contact['id']}"
    for change in ({"phone": "+447700900456"}, {"phone": None}, {"email": "own@example.org"}, {"email": None}):
        answer = await house.ask("PATCH", path, change, token=token)
        problem = await answer.json()
        assert (answer.status, fields_of(problem), "come back" in problem["detail"]) == (409, [*change], True)
    stored = await house.records.get(Contact, contact["id"])
    assert stored is not None
    assert (stored.phone, stored.email) == (PHONE, "neighbour@example.org")


@pytest.mark.parametrize(
    ("reason", "proved"), [("stop_reply", False), ("stop_key", False), ("opted_out", False), ("unsubscribed", True)]
)
async def test_a_telephone_that_said_stop_has_to_be_proved_again_also_where_it_is_the_owners(
    house: PortalHouse, reason: str, proved: bool
) -> None:
    token = await house.customer(MAIJA)
    (own,) = await house.records.find(Contact, is_("is_owner", True))
    now = house.clock.now()
    await house.records.change_one(
        Contact,
        is_("id", own.id),
        phone=PHONE,
        phone_verified_at=now,
        voice_verified_at=now,
        paused_at=now,
        pause_reason=reason,
    )
    shown = await (await house.ask("PATCH", f"/contacts/{own.id}", {"paused": False}, token=token)).json()
    seen = [shown[name] for name in ("paused", "phone_verified", "voice_verified", "email_verified")]
    assert seen == [False, proved, proved, True]


async def test_a_code_called_off_is_not_kept_in_words(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    contact = await enter(house, token, phone=PHONE)
    await house.ask("DELETE", f"/contacts/{contact['id']}", token=token)
    (delivery,) = await house.records.find(Delivery, is_("kind", DeliveryKind.CODE))
    assert (delivery.state, delivery.text) == (DeliveryState.CALLED_OFF, "")


@pytest.mark.parametrize("language", ["fr", "et-EE", "x", "englisch"])
async def test_a_language_that_we_do_not_write_in_is_refused_with_those_that_we_do(
    house: PortalHouse, language: str
) -> None:
    token = await house.customer(MAIJA)
    contact = await enter(house, token, phone=PHONE)
    for method, path, body in (
        ("PATCH", "/me", {}),
        ("POST", "/contacts", {"name": "Neighbour", "phone": PHONE}),
        ("PATCH", f"/contacts/{contact['id']}", {}),
    ):
        answer = await house.ask(method, path, {**body, "language": language}, token=token)
        problem = await answer.json()
        assert (answer.status, fields_of(problem)) == (422, ["language"])
        assert language == "x" or "en, fi, sv, de and nb" in problem["errors"][0]["message"]


@pytest.mark.parametrize("language", ["fi", "fi-FI", "en-GB", "de-AT", "no", "da"])
async def test_a_tag_that_one_of_our_languages_serves_is_taken(house: PortalHouse, language: str) -> None:
    token = await house.customer(MAIJA)
    answer = await house.ask("PATCH", "/me", {"language": language}, token=token)
    assert (answer.status, (await answer.json())["language"]) == (200, language)


@pytest.mark.parametrize(
    "change", [{"quiet_hours": None}, {"quiet_hours": {"start": "01:00", "end": "02:00"}}, {"time_zone": "Asia/Tokyo"}]
)
async def test_other_quiet_hours_hold_for_what_waits_already(house: PortalHouse, change: dict[str, Any]) -> None:
    token = await house.customer(MAIJA)
    entered = await enter(house, token, email=MAIL, quiet_hours={"start": "08:00", "end": "20:00"})
    now = house.clock.now()
    later = now + timedelta(hours=8)
    alarm = {"kind": DeliveryKind.ALARM, "channel": ChannelKind.EMAIL, "account_id": "acc_1", "text": "It is cold"}
    to = {"person_id": entered["id"], "contact_id": entered["id"], "address": MAIL}
    waits = Delivery(id="dlv_1", created_at=now, due_at=later, held_until=later, **alarm, **to)
    retried = Delivery(id="dlv_2", created_at=now, due_at=later, **alarm, **to)
    await house.records.add_all([waits, retried])
    assert (await house.ask("PATCH", f"/contacts/{entered['id']}", {"name": "Pekka"}, token=token)).status == 200
    assert await house.records.get(Delivery, "dlv_1") == waits
    assert (await house.ask("PATCH", f"/contacts/{entered['id']}", change, token=token)).status == 200
    looked_at = await house.records.get(Delivery, "dlv_1")
    assert looked_at is not None
    assert now <= looked_at.due_at == looked_at.held_until <= house.clock.now()
    assert await house.records.get(Delivery, "dlv_2") == retried  # its provider put it off, not its reader


async def test_another_time_zone_in_ones_profile_holds_for_what_waits_already(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    mine = (await own(house, token))["id"]
    now = house.clock.now()
    later = now + timedelta(hours=8)
    alarm = {"kind": DeliveryKind.ALARM, "channel": ChannelKind.EMAIL, "account_id": "acc_1", "text": "It is cold"}
    to = {"person_id": mine, "contact_id": mine, "address": MAIJA}
    waits = Delivery(id="dlv_1", created_at=now, due_at=later, held_until=later, **alarm, **to)
    await house.records.add(waits)
    assert (await house.ask("PATCH", "/me", {"name": "Maija"}, token=token)).status == 200
    assert await house.records.get(Delivery, "dlv_1") == waits
    assert (await house.ask("PATCH", "/me", {"time_zone": "Asia/Tokyo"}, token=token)).status == 200
    looked_at = await house.records.get(Delivery, "dlv_1")
    assert looked_at is not None
    assert now <= looked_at.due_at == looked_at.held_until <= house.clock.now()


async def test_two_contacts_with_one_number_or_mailbox_are_refused_for_one_person_would_be_told_twice(
    house: PortalHouse,
) -> None:
    token = await owned(house)
    first = await enter(house, token, name="Niina", phone=PHONE)
    same = await house.ask("POST", "/contacts", {"name": "Her again", "phone": PHONE, "email": MAIJA}, token=token)
    told = await same.json()
    assert (same.status, sorted(fields_of(told))) == (422, ["email", "phone"])
    assert "Niina" in str(told)
    other = await enter(house, token, phone="+447700900456")
    changed = await house.ask("PATCH", f"/contacts/{other['id']}", {"phone": PHONE}, token=token)
    assert (changed.status, fields_of(await changed.json())) == (422, ["phone"])
    own = await house.ask("PATCH", f"/contacts/{first['id']}", {"phone": PHONE, "name": "Niina N"}, token=token)
    assert own.status == 200
    stranger = await house.customer("pekka@example.org")
    await enter(house, stranger, phone=PHONE)
