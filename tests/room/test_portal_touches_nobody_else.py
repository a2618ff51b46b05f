"""What one does with a socket or contact is done to that one alone: each has a twin with the same of everything."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import StaffRole
from isocket.domain.commands import Command
from isocket.domain.devices import Device
from isocket.domain.requests import RightsRequest
from isocket.domain.shares import Share, ShareRole
from isocket.storage.port import is_
from portal_api import contacts, shares
from portal_api.portal import HomeBroker
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, codes, devices_house, owned, stored_device, verified
from tests.fakes.portal_house import PASSWORD, PortalHouse
from tests.fakes.twins import furnished, twins_of

BROKER = HomeBroker(host="cloud.example.org", port=8883, tls=True)
AT = f"/devices/{SOCKET}"
WEBHOOK = {"kind": "webhook", "url": "https://hooks.example.org/alarm", "label": "Home automation"}
HOLD = {
    "email": MAIJA, "ground": "warranty", "parts": ["incidents", "messages"], "reason": "No text came, she says.",
    "reference": "claim 2026-118", "review_on": "2027-02-01", "ends_on": "2027-11-30",
}  # fmt: skip


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house(home_broker=BROKER) as running:
        yield running


async def test_a_socket_is_shared_and_taken_from_a_guest_with_no_other_share_touched(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, guest = await owned(house), await house.customer(PEKKA)
    made = await house.does(owner, "POST", f"{AT}/shares", {"email": PEKKA, "role": "operator"})
    beside = await twins_of(house, MAIJA, PEKKA)
    left = await house.records.get(Share, made["id"])
    assert left is not None
    await house.records.add(
        replace(left, id="0_before", owner_id="acc_before", email="before@example.org", token_hash="")
    )
    shown = (await house.does(owner, "GET", f"{AT}/shares"))["items"]
    assert [each["id"] for each in shown] == [made["id"]]
    again = await house.does(owner, "POST", f"{AT}/shares", {"email": PEKKA, "role": "operator"})
    assert again["id"] == made["id"]
    link = {"token": await house.link_token(PEKKA)}
    as_it_is, both_look = shares.invited, asyncio.Barrier(2)

    async def invited(*asked: Any) -> Share:
        found = await as_it_is(*asked)
        await both_look.wait()
        return found

    monkeypatch.setattr(shares, "invited", invited)
    both = await asyncio.gather(*(house.ask("POST", "/shares/accept", link, token=guest) for _ in range(2)))
    assert sorted(each.status for each in both) == [200, 400]
    monkeypatch.setattr(shares, "MOST_SHARES", 3)
    await house.does(owner, "POST", f"{AT}/shares", {"email": "other@example.org", "role": "viewer"})
    assert await beside.touched() == []
    await house.does(guest, "POST", f"{AT}/commands", {"name": "on"})
    ordered = await twins_of(house, MAIJA, PEKKA)
    until = (house.clock.now() + timedelta(seconds=1)).isoformat()
    await house.does(owner, "POST", f"{AT}/shares", {"email": PEKKA, "role": "operator", "until": until})
    await house.does(owner, "POST", f"{AT}/shares", {"email": PEKKA, "role": "viewer"})
    (seen,) = (await house.does(guest, "GET", f"{AT}/shares"))["items"]
    assert seen["id"] == made["id"]
    await house.does(guest, "DELETE", f"{AT}/shares/{made['id']}")
    assert await ordered.touched() == []
    assert await beside.touched() == []


async def test_giving_a_socket_up_touches_nothing_at_another(house: PortalHouse) -> None:
    owner = await furnished(house)
    beside = await twins_of(house, MAIJA)
    freed = replace(await stored_device(house), id="0freed", owner_id=None, number=None)
    await house.records.add(freed)
    await house.does(owner, "DELETE", AT)
    assert await house.records.get(Device, freed.id) == freed, "one that another gives up is not done yet"
    assert await beside.touched() == []


async def test_an_offer_is_shown_replaced_taken_back_and_taken_with_no_other_touched(house: PortalHouse) -> None:
    owner, taker = await furnished(house), await house.customer(PEKKA)
    beside = await twins_of(house, MAIJA, PEKKA)
    shown = await house.does(owner, "GET", f"{AT}/transfer")
    assert shown["device_id"] == SOCKET
    await house.does(owner, "POST", f"{AT}/transfer", {"email": PEKKA})
    await house.does(owner, "DELETE", f"{AT}/transfer")
    assert (await house.ask("GET", f"{AT}/transfer", token=owner)).status == 404
    await house.does(owner, "POST", f"{AT}/transfer", {"email": PEKKA})
    link = {"token": await house.link_token(PEKKA)}
    await asyncio.gather(*(house.ask("POST", "/transfers/accept", link, token=taker) for _ in range(2)))
    assert (await house.does(taker, "GET", AT))["role"] == "owner"
    assert await beside.touched() == []


async def test_ordering_setting_and_acknowledging_touch_no_other_socket_order_or_incident(house: PortalHouse) -> None:
    owner = await furnished(house)
    beside = await twins_of(house, MAIJA)
    now, (mine,) = house.clock.now(), await house.records.find(Command, is_("device_id", SOCKET))
    await house.records.add(replace(mine, id="cmd_former", account_id="acc_former"))
    elsewhere = Share(
        id="shr_0", device_id="is_else", owner_id="acc_else", account_id="acc_former", email="former@example.org",
        role=ShareRole.VIEWER, created_at=now, accepted_at=now,
    )  # fmt: skip
    await house.records.add(elsewhere)
    shown = (await house.does(owner, "GET", f"{AT}/commands"))["items"]
    assert {each["id"] for each in shown} == {mine.id, "cmd_former"}
    assert "former@" not in str(shown), "what a guest of another socket's owner is called there"
    await house.does(owner, "PATCH", f"{AT}/settings", {"mains_delay_s": 5})
    await house.does(owner, "PATCH", AT, {"name": "Cabin"})
    open_ones = (await house.does(owner, "GET", "/incidents"))["items"]
    assert {each["id"] for each in open_ones} == {"inc_1", "inc_2", "1inc_1", "1inc_2"}
    of_one = (await house.does(owner, "GET", f"/incidents?device_id={SOCKET}"))["items"]
    assert {each["id"] for each in of_one} == {"inc_1", "inc_2"}
    taken = await house.does(owner, "POST", "/incidents/inc_1/ack")
    assert taken["id"] == "inc_1"
    assert (await house.does(owner, "POST", "/incidents/inc_1/ack"))["id"] == "inc_1"
    assert await beside.touched() == []


async def test_a_contact_is_changed_proved_and_let_go_with_no_other_touched(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await owned(house)
    contact, other = await verified(house, owner), await verified(house, owner, "+447700900124", email=PEKKA)
    way = f"/contacts/{contact['id']}"
    await house.does(owner, "POST", f"{way}/endpoints", WEBHOOK)
    until = (house.clock.now() + timedelta(days=3)).isoformat()
    for path in ("/escalation", f"{AT}/escalation"):
        await house.does(owner, "PUT", path, {"steps": [{"after_s": 0, "contacts": [other["id"]]}]})
    away = {"contact_id": contact["id"], "stand_in_id": other["id"], "until": until}
    await house.does(owner, "POST", "/substitutions", away)
    beside = await twins_of(house, MAIJA)
    (point,) = (await house.does(owner, "GET", f"{way}/endpoints"))["items"]
    assert point["id"][0] == "e"
    await house.does(owner, "POST", f"{way}/endpoints/{point['id']}/secret")
    await house.does(owner, "PATCH", way, {"name": "Neighbour", "phone": "+447700900125"})
    await house.does(
        owner, "POST", f"{way}/verify", {"channel": "sms", "code": (await codes(house, "+447700900125"))[-1]}
    )
    await house.does(owner, "POST", f"/contacts/{other['id']}/verification", {"channel": "email"})
    assert (await house.ask("PATCH", way, {"email": PEKKA}, token=owner)).status == 422
    await house.does(owner, "PATCH", f"/contacts/{other['id']}", {"email": None})
    for steps in ([{"after_s": 0, "contacts": [contact["id"]]}], []):
        await house.does(owner, "PUT", "/escalation", {"steps": steps})
        await house.does(owner, "PUT", f"{AT}/escalation", {"steps": steps})
    monkeypatch.setattr(contacts, "MOST_CONTACTS", 7)
    await house.does(owner, "POST", "/contacts", {"name": "Third", "phone": "+447700900126"})
    await house.does(owner, "DELETE", f"{way}/endpoints/{point['id']}")
    await house.does(owner, "DELETE", f"/contacts/{other['id']}")
    assert await beside.touched() == []


async def test_what_one_decides_of_their_data_is_decided_for_nobody_else(house: PortalHouse) -> None:
    token = await furnished(house)
    for on in (True, False):
        await house.does(token, "PUT", "/privacy/objections", {"alarms": on, "surveys": on, "statistics": on})
        await house.does(token, "PUT", "/privacy/restriction", {"on": on, "alarms": "stop"})
    await house.does(token, "PUT", "/privacy/objections", {"surveys": True})
    beside = await twins_of(house)
    for on in (True, False):
        await house.does(token, "PUT", "/privacy/consents", {"newsletter": on})
        await house.does(token, "PUT", "/privacy/objections", {"alarms": on, "surveys": on, "statistics": on})
        await house.does(token, "PUT", "/privacy/restriction", {"on": on, "alarms": "stop"})
    assert await beside.touched() == []
    await house.does(token, "PUT", "/privacy/restriction", {"on": True, "alarms": "stop"})
    await house.does(token, "POST", "/privacy/exports", {"password": PASSWORD})
    await house.does(token, "POST", "/privacy/erasure", {"password": PASSWORD, "confirm": MAIJA})
    erasing = await twins_of(house)
    assert (await house.does(token, "GET", "/privacy/consents"))["newsletter"] is False
    await house.does(token, "DELETE", "/privacy/erasure")
    assert await beside.touched() == []
    assert await erasing.touched() == []


async def test_staff_who_end_one_hold_and_decide_one_request_touch_no_other(house: PortalHouse) -> None:
    await furnished(house)
    staff = await house.staff("kai@example.org", StaffRole.PRIVACY, StaffRole.SUPPORT)
    why = {"headers": {"X-Reason": "claim 2026-118"}}
    placed = await house.does(staff, "POST", "/staff/holds", HOLD, **why)
    await house.does("", "POST", "/privacy/requests", {"kind": "access", "email": MAIJA})
    (asked,) = await house.records.find(RightsRequest)
    beside = await twins_of(house)
    await house.does("", "POST", "/privacy/requests", {"kind": "access", "email": MAIJA})
    link = await house.link_token(MAIJA)
    await house.does("", "POST", "/privacy/requests/confirm", {"token": link})
    seen = await house.does(staff, "GET", f"/staff/requests/{asked.id}", **why)
    assert seen["id"] == asked.id
    file = await house.does(staff, "GET", f"/staff/holds/{placed['id']}", **why)
    assert file["copies"] == 0
    shown = await house.does(staff, "GET", f"/staff/customers?email={MAIJA}", **why)
    assert SOCKET in str(shown)
    assert f"0{SOCKET}" not in str(shown)
    assert "0inc_1" not in str(shown)
    await house.does(staff, "POST", f"/staff/holds/{placed['id']}/end", {"words": "It is over."}, **why)
    assert await beside.touched() == []
