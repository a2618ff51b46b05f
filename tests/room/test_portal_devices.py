"""Making a socket one's own, looking at it, and giving it up."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from isocket.domain.accounts import Account
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.contacts import ChannelKind, Escalation, Substitution
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Incident, IncidentState, TimelineEntry
from isocket.domain.problems import Problem
from isocket.storage.port import is_
from portal_api.claims import CLAIM_ACCOUNT
from portal_api.settings_models import factory_settings
from tests.fakes.portal_devices import (
    CODE,
    MAIJA,
    PEKKA,
    SOCKET,
    claim,
    devices_house,
    incident,
    make_device,
    owned,
    report,
    stored_device,
)
from tests.fakes.portal_house import PortalHouse


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def test_a_claim_begins_a_warranty_of_who_claims_and_of_nobody_else(house: PortalHouse) -> None:
    other = Account(id="acc_0", email="other@example.org", created_at=house.clock.now())
    await house.records.add(other)
    await owned(house)
    assert (await house.account(MAIJA)).warranty_until is not None
    assert await house.records.get(Account, other.id) == other


async def test_a_socket_is_claimed_with_the_code_from_its_label(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await make_device(house)
    claimed = await claim(house, token, name="Summer house")
    assert (claimed["id"], claimed["name"], claimed["online"]) == (SOCKET, "Summer house", False)
    listed = await (await house.ask("GET", "/devices", token=token)).json()
    assert listed == {"items": [claimed], "next": None}


async def test_the_code_may_be_typed_in_small_letters_and_with_spaces(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await make_device(house)
    body = {"device_id": SOCKET, "claim_code": CODE.lower().replace("-", " ")}
    assert (await house.ask("POST", "/devices/claim", body, token=token)).status == 201


async def test_an_id_that_a_telephone_begins_with_a_capital_is_that_of_the_label(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await make_device(house)
    body = {"device_id": SOCKET.capitalize(), "claim_code": CODE}
    answer = await house.ask("POST", "/devices/claim", body, token=token)
    assert (answer.status, (await answer.json()).get("id")) == (201, SOCKET)


async def test_a_wrong_code_and_an_unknown_socket_get_the_same_answer(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await make_device(house)
    wrong = await house.ask(
        "POST", "/devices/claim", {"device_id": SOCKET, "claim_code": "AAAA-AAAA-AAAA-AAAA"}, token=token
    )
    unknown = await house.ask("POST", "/devices/claim", {"device_id": "is9", "claim_code": CODE}, token=token)
    assert (wrong.status, await wrong.read()) == (404, await unknown.read())


async def test_an_owned_socket_is_not_claimed_again_even_by_its_owner(house: PortalHouse) -> None:
    token = await owned(house)
    other = await house.customer(PEKKA)
    body = {"device_id": SOCKET, "claim_code": CODE}
    assert [(await house.ask("POST", "/devices/claim", body, token=each)).status for each in (token, other)] == [
        409,
        409,
    ]


async def test_that_a_socket_is_owned_is_told_only_to_who_has_its_code(house: PortalHouse) -> None:
    await owned(house)
    other = await house.customer(PEKKA)
    body = {"device_id": SOCKET, "claim_code": "AAAA-AAAA-AAAA-AAAA"}
    assert (await house.ask("POST", "/devices/claim", body, token=other)).status == 404


async def test_of_two_who_claim_at_once_one_becomes_the_owner(house: PortalHouse) -> None:
    tokens = [await house.customer(MAIJA), await house.customer(PEKKA)]
    await make_device(house)
    body = {"device_id": SOCKET, "claim_code": CODE}
    answers = await asyncio.gather(
        *(house.ask("POST", "/devices/claim", body, token=tokens[number % 2]) for number in range(6))
    )
    assert sorted(each.status for each in answers) == [201, 409, 409, 409, 409, 409]


async def test_wrong_codes_are_limited_and_right_ones_are_not_counted(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await make_device(house)
    for number in range(CLAIM_ACCOUNT.tries):
        await make_device(house, f"is{number}")
        await claim(house, token, f"is{number}")
    body = {"device_id": SOCKET, "claim_code": "AAAA-AAAA-AAAA-AAAA"}
    statuses = [
        (await house.ask("POST", "/devices/claim", body, token=token)).status for _ in range(CLAIM_ACCOUNT.tries)
    ]
    refused = await house.ask("POST", "/devices/claim", {**body, "claim_code": CODE}, token=token)
    assert set(statuses) == {404}
    assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (429, True)


async def test_a_claim_has_the_socket_judged(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await make_device(house)
    await report(house, 1, mains=True)
    waiting = await house.telemetry.claim_waiting(owner="t", now=house.clock.now(), lease_s=1)
    assert waiting is not None
    await house.telemetry.settle(waiting, envelope=None, wake_at=None, silent_after_s=None)
    await claim(house, token)
    assert await house.telemetry.claim_waiting(owner="t", now=house.clock.now(), lease_s=1) is not None


async def test_a_socket_shows_what_it_last_said_and_when(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, relay=True, temp_c=[21.5, None])
    await report(house, 2, mains=True)
    shown = await (await house.ask("GET", f"/devices/{SOCKET}", token=token)).json()
    assert shown["state"] == {"relay": True, "temp_c": [21.5, None], "mains": True}
    assert (shown["online"], shown["clock"]) == (True, "device")
    assert shown["state_at"] == shown["last_seen"] is not None


async def test_a_socket_is_offline_by_its_will_and_when_it_was_silent_too_long(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, mains=True)
    await house.clock.advance(3 * 900 + 1)
    silent = await (await house.ask("GET", f"/devices/{SOCKET}", token=token)).json()
    await report(house, 2, mains=True)
    heard = await (await house.ask("GET", f"/devices/{SOCKET}", token=token)).json()
    await house.telemetry.note_presence(SOCKET, online=False, at=house.clock.now())
    gone = await (await house.ask("GET", f"/devices/{SOCKET}", token=token)).json()
    assert (silent["online"], heard["online"], gone["online"]) == (False, True, False)


async def test_incidents_that_are_not_closed_are_counted(house: PortalHouse) -> None:
    token = await owned(house)
    account_id = (await house.account(MAIJA)).id
    await incident(house, "inc_1", account_id)
    await incident(house, "inc_2", account_id, state=IncidentState.CLOSED, open_key=None)
    await incident(house, "inc_3", account_id, state=IncidentState.ACKNOWLEDGED, open_key="another")
    shown = await (await house.ask("GET", f"/devices/{SOCKET}", token=token)).json()
    assert shown["open_incidents"] == 2


async def test_a_long_list_comes_in_pages_without_gaps_or_repeats(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    for number in range(5):
        await make_device(house, f"is{number}")
        await claim(house, token, f"is{number}")
    seen: list[str] = []
    following: str | None = ""
    while following is not None:
        page = await (await house.ask("GET", f"/devices?limit=2{following}", token=token)).json()
        seen += [each["id"] for each in page["items"]]
        following = f"&cursor={page['next']}" if page["next"] else None
    assert seen == [f"is{number}" for number in range(5)]


async def test_name_and_place_change_only_where_they_are_sent(house: PortalHouse) -> None:
    token = await owned(house)
    await house.ask("PATCH", f"/devices/{SOCKET}", {"name": "Cabin", "place": "Hall"}, token=token)
    answer = await house.ask("PATCH", f"/devices/{SOCKET}", {"place": None}, token=token)
    changed = await answer.json()
    assert (changed["name"], changed["place"]) == ("Cabin", None)


def substitution(house: PortalHouse, account_id: str) -> Substitution:
    now = house.clock.now()
    return Substitution(
        id="sub_1",
        account_id=account_id,
        device_id=SOCKET,
        contact_id="con_1",
        stand_in_id="con_2",
        from_at=now,
        until_at=now,
        created_at=now,
    )


async def test_of_a_socket_given_up_nothing_of_its_owner_is_left(house: PortalHouse) -> None:
    token = await owned(house)
    account_id = (await house.account(MAIJA)).id
    await house.ask("PATCH", f"/devices/{SOCKET}", {"name": "Cabin", "place": "Hall"}, token=token)
    await house.ask("PATCH", f"/devices/{SOCKET}/settings", {"temp": [{"name": "Cellar", "low_c": 5}]}, token=token)
    await report(house, 1, mains=True)
    await incident(house, "inc_1", account_id)
    await house.records.add(Escalation(id="esc_1", account_id=account_id, device_id=SOCKET, steps=({},)))
    await house.records.add(substitution(house, account_id))
    await house.records.add(Problem(id="prb_1", device_id=SOCKET, at=house.clock.now(), topic_kind="state", reason="x"))
    assert (await house.ask("DELETE", f"/devices/{SOCKET}", token=token)).status == 204
    device = await stored_device(house)
    assert (device.owner_id, device.name, device.place, device.claimed_at, device.reported) == (
        None,
        None,
        None,
        None,
        {},
    )
    assert "Cellar" not in repr(device)
    assert await house.telemetry.latest([SOCKET]) == {}
    assert [await house.records.count(kind) for kind in (Escalation, Substitution, Problem)] == [0, 0, 0]
    assert (await house.ask("GET", f"/devices/{SOCKET}", token=token)).status == 404


async def test_a_socket_given_up_is_told_the_settings_of_the_factory(house: PortalHouse) -> None:
    token = await owned(house)
    await house.ask("PATCH", f"/devices/{SOCKET}/settings", {"heartbeat_s": 60}, token=token)
    await house.ask("DELETE", f"/devices/{SOCKET}", token=token)
    device = await stored_device(house)
    assert device.desired == factory_settings("isocket-707")
    assert (device.desired_version, device.desired_pending) == (2, True)


async def test_giving_up_a_socket_closes_its_incidents_without_a_word_to_anybody(house: PortalHouse) -> None:
    token = await owned(house)
    await incident(house, "inc_1", (await house.account(MAIJA)).id, needs_step=True)
    await house.ask("DELETE", f"/devices/{SOCKET}", token=token)
    closed = await house.records.get(Incident, "inc_1")
    assert closed is not None
    assert (closed.state, closed.open_key, closed.needs_step) == (IncidentState.CLOSED, None, False)
    (line,) = await house.records.find(TimelineEntry, is_("incident_id", "inc_1"))
    assert (line.what, line.reason) == ("closed", "owner_changed")


@pytest.mark.parametrize("state", [DeliveryState.DUE, DeliveryState.SENT])
async def test_what_was_under_way_about_a_socket_given_up_goes_to_nobody_by_another_way(
    house: PortalHouse, state: DeliveryState
) -> None:
    token, now = await owned(house), house.clock.now()
    account_id = (await house.account(MAIJA)).id
    await incident(house, "inc_1", account_id)
    told = Delivery(
        id="dlv_1", account_id=account_id, person_id="con_1", contact_id="con_1", incident_id="inc_1", text="mains",
        kind=DeliveryKind.ALARM, channel=ChannelKind.SMS, address="", created_at=now, due_at=now, state=state,
        moves_on=True, moves_on_at=now,
    )  # fmt: skip
    await house.records.add(told)
    await house.ask("DELETE", f"/devices/{SOCKET}", token=token)
    left = await house.records.get(Delivery, "dlv_1")
    assert left is not None
    expected = (DeliveryState.CALLED_OFF, "owner_changed") if state is DeliveryState.DUE else (state, "")
    assert ((left.state, left.reason), left.moves_on) == (expected, False)


async def test_an_order_of_the_owner_before_is_not_carried_out_for_the_next(house: PortalHouse) -> None:
    token = await owned(house)
    order = await house.ask("POST", f"/devices/{SOCKET}/commands", {"name": "on", "ttl_s": 3600}, token=token)
    await house.ask("DELETE", f"/devices/{SOCKET}", token=token)
    command = await house.records.get(Command, (await order.json())["id"])
    assert command is not None
    assert command.status is CommandStatus.EXPIRED


async def test_what_a_release_that_died_left_is_removed_before_the_next_claim(house: PortalHouse) -> None:
    await make_device(house)
    await house.records.change_one(
        type(await stored_device(house)), is_("id", SOCKET), claimed_at=house.clock.now() - timedelta(days=1)
    )
    await report(house, 1, mains=True)
    claimed = await claim(house, await house.customer(MAIJA))
    assert (claimed["state"], claimed["last_seen"]) == ({}, None)


async def test_a_socket_given_up_can_be_claimed_by_another(house: PortalHouse) -> None:
    await house.ask("DELETE", f"/devices/{SOCKET}", token=await owned(house))
    claimed = await claim(house, await house.customer(PEKKA))
    assert (claimed["name"], claimed["state"], claimed["open_incidents"]) == (None, {}, 0)


async def test_a_socket_that_was_reset_before_it_is_claimed_again_is_believed_what_it_is_set_to(
    house: PortalHouse,
) -> None:
    token = await owned(house)
    device = await stored_device(house)
    await house.records.change_one(type(device), is_("id", SOCKET), reported_boot=50, reported_seq=7)
    await house.ask("DELETE", f"/devices/{SOCKET}", token=token)
    after = await stored_device(house)
    assert (after.reported_boot, after.reported_seq) == (0, 0)


async def test_what_a_socket_says_before_it_is_claimed_is_there_at_once(house: PortalHouse) -> None:
    await make_device(house)
    await report(house, 1, mains=True)
    claimed = await claim(house, await house.customer(MAIJA))
    assert (claimed["online"], claimed["state"]) == (True, {"mains": True})


async def test_refused_messages_are_listed_the_newest_first(house: PortalHouse) -> None:
    token = await owned(house)
    for number in range(3):
        await house.records.add(
            Problem(
                id=f"prb_{number}",
                device_id=SOCKET,
                at=house.clock.now() + timedelta(seconds=number),
                topic_kind="state",
                reason="too big",
                field="battery_pct",
            )
        )
    listed = await (await house.ask("GET", f"/devices/{SOCKET}/problems?limit=2", token=token)).json()
    rest = await (
        await house.ask("GET", f"/devices/{SOCKET}/problems?limit=2&cursor={listed['next']}", token=token)
    ).json()
    assert [each["id"] for each in listed["items"] + rest["items"]] == ["prb_2", "prb_1", "prb_0"]
    assert (rest["next"], listed["items"][0]["topic_kind"], listed["items"][0]["field"]) == (
        None,
        "state",
        "battery_pct",
    )
