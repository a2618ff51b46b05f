"""Sharing a socket: inviting, accepting, what each role may do, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.commands import Command, CommandStatus
from isocket.domain.deliveries import Delivery
from isocket.domain.devices import Device
from isocket.domain.incidents import Happening, Incident, TimelineEntry
from isocket.domain.shares import Share, ShareRole
from isocket.kit.clock import to_ms, to_text
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from tests.fakes.portal_devices import (
    ALL_ROUTES,
    MAIJA,
    PEKKA,
    SOCKET,
    claim,
    devices_house,
    enter,
    incident,
    make_device,
    owned,
    report,
)
from tests.fakes.portal_house import PASSWORD, PortalHouse, portal_house

SHARES = f"/devices/{SOCKET}/shares"


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def share(house: PortalHouse, owner: str, **wish: Any) -> dict[str, Any]:
    """Invite somebody."""
    answer = await house.ask("POST", SHARES, {"email": PEKKA, "role": "viewer", **wish}, token=owner)
    assert answer.status == 201, await answer.text()
    made: dict[str, Any] = await answer.json()
    return made


async def accept(house: PortalHouse, guest: str, address: str = PEKKA) -> Any:
    """Take the newest invitation in a mailbox."""
    return await house.ask("POST", "/shares/accept", {"token": await house.link_token(address)}, token=guest)


async def shared(house: PortalHouse, **wish: Any) -> tuple[str, str, dict[str, Any]]:
    """Return the tokens of an owner and of a guest who accepted, and the share."""
    owner = await owned(house)
    guest = await house.customer(PEKKA)
    made = await share(house, owner, **wish)
    assert (await accept(house, guest)).status == 200
    return owner, guest, made


async def status(house: PortalHouse, token: str, method: str, path: str, body: Any = None) -> int:
    return int((await house.ask(method, path, body, token=token)).status)


async def test_others_have_their_turn_while_a_guest_of_many_owners_asks_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with portal_house(records=StoredRecords(MemoryDocuments()), routes=ALL_ROUTES) as house:
        await _look_at_many_owners(house, monkeypatch)


async def _look_at_many_owners(house: PortalHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    guest, now = await house.customer(PEKKA), house.clock.now()
    whose: dict[str, Any] = {
        "account_id": (await house.account(PEKKA)).id, "email": PEKKA, "role": ShareRole.VIEWER, "created_at": now,
        "accepted_at": now,
    }  # fmt: skip
    for each in range(5):
        await make_device(house, f"is-{each}")
        await house.records.change_one(Device, is_("id", f"is-{each}"), owner_id=f"acc_{each}", claimed_at=now)
        await house.records.add(Share(id=f"shr_{each}", device_id=f"is-{each}", owner_id=f"acc_{each}", **whose))
    turns, asked = 0, list[int]()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def find(records: StoredRecords, kind: Any, *tests: Any, **how: Any) -> Any:
        if kind is Incident:
            asked.append(turns)
        return await as_it_is(records, kind, *tests, **how)

    as_it_is = StoredRecords.find
    monkeypatch.setattr(StoredRecords, "find", find)
    beside = asyncio.create_task(others())
    assert await status(house, guest, "GET", "/incidents") == 200
    beside.cancel()
    assert len(asked) == 6
    assert len(set(asked)) == 6, "between two of them others had their turn"


async def test_a_guest_sees_the_socket_after_accepting_and_not_before(house: PortalHouse) -> None:
    owner, guest = await owned(house), await house.customer(PEKKA)
    made = await share(house, owner, role="operator")
    assert made["state"] == "invited"
    assert await status(house, guest, "GET", f"/devices/{SOCKET}") == 404
    taken = await accept(house, guest)
    assert (taken.status, (await taken.json())["state"]) == (200, "accepted")
    seen = await (await house.ask("GET", f"/devices/{SOCKET}", token=guest)).json()
    assert (seen["role"], seen["claimed_at"]) == ("operator", None)
    listed = await (await house.ask("GET", "/devices", token=guest)).json()
    assert [each["id"] for each in listed["items"]] == [SOCKET]
    (mail,) = [each for each in await house.mails(MAIJA) if "accepted" in each.text]
    assert f"/devices/{SOCKET}/people" in mail.text
    assert PEKKA not in mail.text  # it lies among Maija's messages, and Pekka may be erased


async def test_neither_a_stranger_nor_a_guest_of_another_of_its_owners_sockets_sees_a_socket_that_is_shared(
    house: PortalHouse,
) -> None:
    owner, guest, _ = await shared(house, role="operator")
    await make_device(house, "is-second")
    await claim(house, owner, "is-second")
    whose, stranger = (await house.account(MAIJA)).id, await house.customer("third@example.org")
    await incident(house, "inc_1", whose)
    await incident(house, "inc_2", whose, "is-second")
    for token, device_id, incident_id in ((stranger, SOCKET, "inc_1"), (guest, "is-second", "inc_2")):
        assert await status(house, token, "GET", f"/devices/{device_id}") == 404
        assert await status(house, token, "POST", f"/devices/{device_id}/commands", {"name": "off"}) == 404
        assert await status(house, token, "GET", f"/incidents/{incident_id}") == 404
        assert await status(house, token, "POST", f"/incidents/{incident_id}/ack") == 404
    for path, seen in (("/devices", [SOCKET]), ("/incidents", ["inc_1"])):
        lists = [await (await house.ask("GET", path, token=each)).json() for each in (stranger, guest)]
        assert [[each["id"] for each in listed["items"]] for listed in lists] == [[], seen]


@pytest.mark.parametrize("known", [True, False])
async def test_an_invitation_does_not_tell_whether_the_address_has_an_account(house: PortalHouse, known: bool) -> None:
    owner = await owned(house)
    if known:
        await house.customer(PEKKA)
    before = len(await house.mails(PEKKA))
    made = await share(house, owner)
    (mail,) = (await house.mails(PEKKA))[before:]
    assert {**made, "id": "", "created_at": "", "expires_at": ""} == {
        "id": "", "device_id": SOCKET, "email": PEKKA, "role": "viewer", "until": None, "state": "invited",
        "created_at": "", "accepted_at": None, "expires_at": "",
    }  # fmt: skip
    assert mail.person_id == made["id"]
    assert MAIJA in mail.text


async def test_words_of_the_owner_are_in_no_invitation(house: PortalHouse) -> None:
    token = await house.customer(MAIJA, name="Cheap pills at evil.example")
    await make_device(house)
    await claim(house, token, name="Win a prize now")
    await share(house, token)
    (mail,) = await house.mails(PEKKA)
    assert "pills" not in mail.text + mail.subject_line
    assert "prize" not in mail.text + mail.subject_line


async def test_only_the_holder_of_the_invited_address_can_accept_and_only_once(house: PortalHouse) -> None:
    owner, guest = await owned(house), await house.customer(PEKKA)
    other = await house.customer("other@example.org")
    await share(house, owner)
    refused = await accept(house, other)
    assert (refused.status, (await refused.json())["type"]) == (403, "urn:isocket:problem:other-address")
    assert await status(house, other, "GET", f"/devices/{SOCKET}") == 404
    assert (await accept(house, guest)).status == 200
    assert (await accept(house, guest)).status == 400


async def test_an_invitation_that_nobody_takes_is_over_after_a_while(house: PortalHouse) -> None:
    owner = await owned(house)
    await share(house, owner)
    await house.clock.advance(timedelta(days=14, seconds=1).total_seconds())
    guest = await house.customer(PEKKA)
    (token,) = [each.text for each in await house.records.find(Delivery) if "/shares/accept" in each.text]
    token = token.partition("token=")[2].split()[0]
    assert await status(house, guest, "POST", "/shares/accept", {"token": token}) == 400


@pytest.mark.parametrize(
    ("role", "order", "ack"),
    [("viewer", 403, 403), ("operator", 202, 200)],
)
async def test_each_role_may_do_its_own(house: PortalHouse, role: str, order: int, ack: int) -> None:
    _, guest, _ = await shared(house, role=role)
    await incident(house, "inc_1", (await house.account(MAIJA)).id)
    at = f"/devices/{SOCKET}"
    for path in ("", "/history", "/problems", "/settings", "/shares"):
        assert await status(house, guest, "GET", at + path) == 200
    assert await status(house, guest, "POST", f"{at}/commands", {"name": "on"}) == order
    assert await status(house, guest, "PATCH", f"{at}/settings", {"mains_delay_s": 0}) == 403
    assert await status(house, guest, "PATCH", at, {"name": "Mine"}) == 403
    assert await status(house, guest, "POST", f"{at}/test-alarm") == 403
    assert await status(house, guest, "GET", f"{at}/escalation") == 403
    assert await status(house, guest, "POST", SHARES, {"email": "x@example.org", "role": "viewer"}) == 403
    assert await status(house, guest, "DELETE", at) == 403
    assert await status(house, guest, "POST", "/incidents/inc_1/ack") == ack


async def test_a_refusal_for_the_role_says_so(house: PortalHouse) -> None:
    _, guest, _ = await shared(house)
    refused = await (await house.ask("DELETE", f"/devices/{SOCKET}", token=guest)).json()
    assert (refused["type"], refused["detail"]) == (
        "urn:isocket:problem:not-allowed", "This socket is shared with you as viewer: ask its owner."
    )  # fmt: skip


async def test_a_guest_sees_incidents_without_the_people_who_are_told(house: PortalHouse) -> None:
    owner, guest, _ = await shared(house, role="operator")
    maija = (await house.account(MAIJA)).id
    await enter(house, owner, email="neighbour@example.org")
    found = await incident(house, "inc_1", maija, short_code="KM7")
    for number, what in enumerate((Happening.OPENED, Happening.NOT_SENT, Happening.ATTEMPT)):
        await house.records.add(
            TimelineEntry(
                id=f"tl_{number}", incident_id=found.id, account_id=maija, at=house.clock.now(), what=what,
                contact_id="con_1", channel="sms", detail={"by": "con_1 sms"},
            )
        )  # fmt: skip
    (listed,) = (await (await house.ask("GET", "/incidents", token=guest)).json())["items"]
    assert listed == await (await house.ask("GET", "/incidents/inc_1", token=guest)).json()
    assert [(each["what"], each["contact_id"], each["detail"]) for each in listed["timeline"]] == [("opened", None, {})]
    assert (listed["messages"], listed["short_code"], listed["acknowledged_by"]) == ([], "", None)


async def test_what_a_guest_acknowledged_is_theirs_by_name_and_what_another_did_is_not(house: PortalHouse) -> None:
    owner, guest, _ = await shared(house, role="operator")
    pekka = (await house.account(PEKKA)).id
    await incident(house, "inc_1", (await house.account(MAIJA)).id)
    taken = await (await house.ask("POST", "/incidents/inc_1/ack", token=guest)).json()
    assert (taken["state"], taken["acknowledged_by"]) == ("acknowledged", f"{pekka} portal")
    seen = await (await house.ask("GET", "/incidents/inc_1", token=owner)).json()
    assert seen["acknowledged_by"] == f"{pekka} portal"


async def test_a_guest_for_a_time_is_a_stranger_when_it_is_over(house: PortalHouse) -> None:
    until = house.clock.now() + timedelta(days=2)
    owner, guest, made = await shared(house, role="operator", until=to_text(until))
    await incident(house, "inc_1", (await house.account(MAIJA)).id)
    assert await status(house, guest, "POST", f"/devices/{SOCKET}/commands", {"name": "on"}) == 202
    await house.clock.advance(timedelta(days=2).total_seconds())
    guest = (await house.sign_in(PEKKA))["access_token"]
    owner = (await house.sign_in(MAIJA))["access_token"]
    missing = await house.ask("GET", "/devices/is0000000nothing", token=guest)
    over = await house.ask("GET", f"/devices/{SOCKET}", token=guest)
    assert (over.status, await over.read()) == (404, await missing.read())
    assert await status(house, guest, "POST", f"/devices/{SOCKET}/commands", {"name": "on"}) == 404
    assert await status(house, guest, "GET", "/incidents/inc_1") == 404
    assert (await (await house.ask("GET", "/devices", token=guest)).json())["items"] == []
    assert (await (await house.ask("GET", "/incidents", token=guest)).json())["items"] == []
    (listed,) = (await (await house.ask("GET", SHARES, token=owner)).json())["items"]
    assert (listed["id"], listed["state"]) == (made["id"], "over")
    longer = to_text(house.clock.now() + timedelta(days=1))
    await share(house, owner, role="operator", until=longer)  # again, without a new invitation
    assert await status(house, guest, "GET", f"/devices/{SOCKET}") == 200
    assert await status(house, guest, "GET", "/incidents/inc_1") == 404, "nothing of what was before this time"


async def test_a_guest_whose_time_is_made_longer_before_it_is_over_goes_on_seeing_what_was(house: PortalHouse) -> None:
    owner, guest, _ = await shared(house, until=to_text(house.clock.now() + timedelta(days=2)))
    await incident(house, "inc_1", (await house.account(MAIJA)).id)
    await house.clock.advance(60)
    await share(house, owner, until=to_text(house.clock.now() + timedelta(days=9)))
    assert await status(house, guest, "GET", "/incidents/inc_1") == 200


async def test_a_guest_for_a_time_sees_nothing_of_the_time_before(house: PortalHouse) -> None:
    owner, guest = await owned(house), await house.customer(PEKKA)
    maija = (await house.account(MAIJA)).id
    await report(house, 1, temp_c=[20.0])
    await incident(house, "inc_before", maija, open_key=None)
    await house.clock.advance(60)
    await share(house, owner, until=to_text(house.clock.now() + timedelta(days=2)))
    await accept(house, guest)
    await house.clock.advance(60)
    await report(house, 2, temp_c=[21.0])
    await incident(house, "inc_after", maija)
    history = await (await house.ask("GET", f"/devices/{SOCKET}/history?fields=temp_c", token=guest)).json()
    assert history["fields"]["temp_c.0"] == [21.0]
    assert [each["id"] for each in (await (await house.ask("GET", "/incidents", token=guest)).json())["items"]] == [
        "inc_after"
    ]
    assert await status(house, guest, "GET", "/incidents/inc_before") == 404
    assert await status(house, guest, "GET", "/incidents/inc_after") == 200
    assert await status(house, owner, "GET", "/incidents/inc_before") == 200


@pytest.mark.parametrize("who", ["owner", "guest"])
async def test_either_ends_it_at_once_and_the_other_is_told(house: PortalHouse, who: str) -> None:
    owner, guest, made = await shared(house)
    ending, told, word = (owner, PEKKA, "is not any more") if who == "owner" else (guest, MAIJA, "gave it back")
    assert await status(house, ending, "DELETE", f"{SHARES}/{made['id']}") == 204
    assert await status(house, guest, "GET", f"/devices/{SOCKET}") == 404
    assert [each for each in await house.mails(told) if word in each.text]
    assert await house.records.find(Share) == []
    assert await status(house, owner, "DELETE", f"{SHARES}/{made['id']}") == 404


async def test_an_invitation_that_is_taken_back_is_not_sent_any_more(house: PortalHouse) -> None:
    owner = await owned(house)
    made = await share(house, owner)
    assert await status(house, owner, "DELETE", f"{SHARES}/{made['id']}") == 204
    assert await house.mails(PEKKA) == []


async def test_a_guest_cannot_end_or_see_the_share_of_another(house: PortalHouse) -> None:
    owner, guest, _ = await shared(house)
    other = await share(house, owner, email="other@example.org")
    assert await status(house, guest, "DELETE", f"{SHARES}/{other['id']}") == 404
    listed = (await (await house.ask("GET", SHARES, token=guest)).json())["items"]
    assert [each["email"] for each in listed] == [PEKKA]
    assert len((await (await house.ask("GET", SHARES, token=owner)).json())["items"]) == 2


async def test_inviting_again_changes_the_role_and_needs_no_new_answer(house: PortalHouse) -> None:
    owner, guest, made = await shared(house)
    again = await share(house, owner, role="operator")
    assert (again["id"], again["state"], again["role"]) == (made["id"], "accepted", "operator")
    assert await status(house, guest, "POST", f"/devices/{SOCKET}/commands", {"name": "on"}) == 202


async def test_limits_and_bad_wishes_are_told(house: PortalHouse) -> None:
    owner = await owned(house)
    for wish, field in (
        ({"email": MAIJA.upper(), "role": "viewer"}, "email"),
        ({"email": "no address", "role": "viewer"}, "email"),
        ({"email": PEKKA, "role": "owner"}, "role"),
        ({"email": PEKKA, "role": "viewer", "until": "2020-01-01T00:00:00Z"}, "until"),
    ):
        answer = await house.ask("POST", SHARES, wish, token=owner)
        assert (answer.status, [each["field"] for each in (await answer.json())["errors"]]) == (422, [field])
    for number in range(20):
        await share(house, owner, email=f"guest{number}@example.org")
    full = await house.ask("POST", SHARES, {"email": PEKKA, "role": "viewer"}, token=owner)
    assert (full.status, (await full.json())["type"]) == (409, "urn:isocket:problem:too-many-shares")


async def test_one_mailbox_gets_five_invitations_a_day_at_most(house: PortalHouse) -> None:
    owner = await owned(house)
    for _ in range(5):
        await share(house, owner)
    refused = await house.ask("POST", SHARES, {"email": PEKKA, "role": "viewer"}, token=owner)
    assert (refused.status, "Retry-After" in refused.headers) == (429, True)


async def test_lists_of_own_and_shared_sockets_go_on_page_by_page(house: PortalHouse) -> None:
    _owner, guest, _ = await shared(house)
    for number in ("is0000000000", "is0000000002", "is0000000003"):
        await make_device(house, number)
        await claim(house, guest, number)
    seen, cursor = [], ""
    for _ in range(4):
        page = await (await house.ask("GET", f"/devices?limit=1{cursor}", token=guest)).json()
        seen += [(each["id"], each["role"]) for each in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert page["next"] is None
    assert seen == [
        ("is0000000000", "owner"), (SOCKET, "viewer"), ("is0000000002", "owner"), ("is0000000003", "owner")
    ]  # fmt: skip


async def test_lists_of_own_and_shared_incidents_go_on_page_by_page(house: PortalHouse) -> None:
    _, guest, _ = await shared(house)
    maija, pekka = (await house.account(MAIJA)).id, (await house.account(PEKKA)).id
    for number, whose in enumerate((maija, pekka, maija, pekka, maija)):
        await house.clock.advance(1)
        await incident(house, f"inc_{number}", whose, SOCKET if whose == maija else "is9", open_key=None)
    seen, cursor = [], ""
    for _ in range(5):
        page = await (await house.ask("GET", f"/incidents?limit=1{cursor}", token=guest)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert (seen, page["next"]) == ([f"inc_{number}" for number in range(4, -1, -1)], None)


async def test_incidents_of_an_owner_before_are_not_shared(house: PortalHouse) -> None:
    _owner, guest, _ = await shared(house)
    await incident(house, "inc_old", "acc_before", open_key=None)
    assert await status(house, guest, "GET", "/incidents/inc_old") == 404
    assert (await (await house.ask("GET", "/incidents", token=guest)).json())["items"] == []


async def test_what_happened_before_the_owner_gave_the_socket_up_and_took_it_back_is_not_shared(
    house: PortalHouse,
) -> None:
    owner, guest = await owned(house), await house.customer(PEKKA)
    maija = (await house.account(MAIJA)).id
    await incident(house, "inc_before", maija, open_key=None)
    await house.clock.advance(60)
    assert await status(house, owner, "DELETE", f"/devices/{SOCKET}") == 204
    await claim(house, owner)
    await share(house, owner)
    await accept(house, guest)
    await house.clock.advance(60)
    await incident(house, "inc_since", maija)
    assert await status(house, guest, "GET", "/incidents/inc_before") == 404
    listed = await (await house.ask("GET", "/incidents", token=guest)).json()
    assert [each["id"] for each in listed["items"]] == ["inc_since"]


async def test_giving_the_socket_up_ends_its_shares(house: PortalHouse) -> None:
    owner, guest, _ = await shared(house)
    await share(house, owner, email="other@example.org")
    assert await status(house, owner, "DELETE", f"/devices/{SOCKET}") == 204
    assert await status(house, guest, "GET", f"/devices/{SOCKET}") == 404
    assert await house.records.find(Share) == []
    assert await house.mails("other@example.org") == []
    assert len([each for each in await house.mails(PEKKA) if "is not any more" in each.text]) == 1


async def test_a_share_of_an_owner_before_opens_nothing_of_the_next(house: PortalHouse) -> None:
    _, guest, _ = await shared(house)
    await house.records.change_one(
        Device, is_("id", SOCKET), owner_id="acc_next", name=None, place=None, part_names=None
    )
    assert await status(house, guest, "GET", f"/devices/{SOCKET}") == 404


async def test_a_share_that_is_left_of_an_owner_before_keeps_the_next_from_inviting_nobody(house: PortalHouse) -> None:
    owner, _, made = await shared(house)
    await house.records.change_one(Share, is_("id", made["id"]), owner_id="acc_before")
    again = await share(house, owner)
    assert (again["id"] != made["id"], await house.records.count(Share)) == (True, 1)


async def test_the_owner_sees_the_commands_of_guests(house: PortalHouse) -> None:
    owner, guest, _ = await shared(house, role="operator")
    ordered = await (await house.ask("POST", f"/devices/{SOCKET}/commands", {"name": "on"}, token=guest)).json()
    for token in (owner, guest):
        assert await status(house, token, "GET", f"/devices/{SOCKET}/commands/{ordered['id']}") == 200


async def test_the_count_of_open_incidents_is_of_what_one_sees(house: PortalHouse) -> None:
    owner, guest, _ = await shared(house)
    opened = await incident(house, "inc_1", (await house.account(MAIJA)).id)
    for token in (owner, guest):
        assert (await (await house.ask("GET", f"/devices/{SOCKET}", token=token)).json())["open_incidents"] == 1
    assert to_ms(opened.opened_at) > 0
    assert len(await house.records.find(Incident)) == 1


ORDER = {"name": "on", "ttl_s": 86_400}


async def order_of(house: PortalHouse, token: str, **more: Any) -> str:
    """Order something of a socket that is away, and let it be sent; return the command's id."""
    answer = await house.ask("POST", f"/devices/{SOCKET}/commands", ORDER, token=token, **more)
    assert answer.status == 202, await answer.text()
    command_id: str = (await answer.json())["id"]
    await house.records.change_one(Command, is_("id", command_id), status=CommandStatus.SENT)
    return command_id


async def status_of(house: PortalHouse, command_id: str) -> tuple[str, str | None]:
    command = await house.records.get(Command, command_id)
    assert command is not None
    return command.status.value, command.error


@pytest.mark.parametrize("how", ["removed", "leaves", "closes", "only sees", "only for a time"])
async def test_what_a_guest_asked_of_a_socket_that_is_away_ends_with_what_they_may_there(
    house: PortalHouse, how: str
) -> None:
    owner, guest, made = await shared(house, role="operator")
    theirs, own = await order_of(house, guest), await order_of(house, owner)
    if how in {"removed", "leaves"}:
        who = owner if how == "removed" else guest
        assert (await house.ask("DELETE", f"{SHARES}/{made['id']}", token=who)).status == 204
    elif how == "closes":
        assert (await house.ask("POST", "/me/closing", {"password": PASSWORD}, token=guest)).status == 200
    elif how == "only sees":
        await share(house, owner, role="viewer")
    else:
        await share(house, owner, role="operator", until=to_text(house.clock.now() + timedelta(hours=1)))
    assert await status_of(house, theirs) == ("expired", "access_ended")
    assert await status_of(house, own) == ("sent", None)


async def test_what_a_guest_asked_goes_on_where_their_time_ends_later(house: PortalHouse) -> None:
    owner, guest, _ = await shared(house, role="operator")
    theirs = await order_of(house, guest)
    await share(house, owner, role="operator", until=to_text(house.clock.now() + timedelta(days=30)))
    assert await status_of(house, theirs) == ("sent", None)


async def test_what_a_guest_for_a_time_asks_for_ends_with_that_time(house: PortalHouse) -> None:
    until = house.clock.now() + timedelta(hours=1)
    _, guest, _ = await shared(house, role="operator", until=to_text(until))
    key = {"Idempotency-Key": "one"}
    asked = await order_of(house, guest, headers=key)
    command = await house.records.get(Command, asked)
    assert command is not None
    assert command.expires_at == until
    assert await order_of(house, guest, headers=key) == asked, "the same request again is the same command"


async def test_what_a_guest_asks_in_the_moment_in_which_they_are_removed_is_over(house: PortalHouse) -> None:
    owner, guest, made = await shared(house, role="operator")
    asked = [house.ask("POST", f"/devices/{SOCKET}/commands", ORDER, token=guest) for _ in range(8)]
    removed = house.ask("DELETE", f"{SHARES}/{made['id']}", token=owner)
    await asyncio.gather(*asked[:4], removed, *asked[4:])
    theirs = is_("account_id", (await house.account(PEKKA)).id)
    assert {each.status for each in await house.records.find(Command, theirs)} <= {CommandStatus.EXPIRED}
