"""Handing a socket over: nothing of the customer before is left, whatever died on the way."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account
from isocket.domain.api_tokens import ApiToken, Scope
from isocket.domain.commands import Command
from isocket.domain.contacts import Escalation
from isocket.domain.deliveries import Delivery
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident
from isocket.domain.shares import Share
from isocket.domain.transfers import Transfer
from isocket.domain.watches import Watch
from isocket.kit.clock import to_ms
from isocket.kit.ids import token_hash
from isocket.storage.port import is_
from portal_api import claims, transfers
from portal_api.problem import ProblemError
from tests.fakes.clock import NOON
from tests.fakes.dying import Fuse, every_crash_point
from tests.fakes.portal_devices import CODE, MAIJA, PEKKA, SOCKET, devices_house, incident, owned, report, stored_device
from tests.fakes.portal_house import PortalHouse
from tests.room.test_portal_devices_crash import World, build

TRANSFER = f"/devices/{SOCKET}/transfer"


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def offer(house: PortalHouse, owner: str, address: str = PEKKA) -> None:
    answer = await house.ask("POST", TRANSFER, {"email": address}, token=owner)
    assert answer.status == 201, await answer.text()


async def take(house: PortalHouse, taker: str, address: str = PEKKA) -> Any:
    return await house.ask("POST", "/transfers/accept", {"token": await house.link_token(address)}, token=taker)


async def status(house: PortalHouse, token: str, method: str, path: str, body: Any = None) -> int:
    return int((await house.ask(method, path, body, token=token)).status)


async def lived_in(house: PortalHouse) -> str:
    """Return the token of an owner whose socket holds everything that a socket can hold of somebody."""
    owner = await owned(house)
    maija = (await house.account(MAIJA)).id
    at = f"/devices/{SOCKET}"
    for method, path, body in (
        ("PATCH", at, {"name": "Cabin", "place": "Hall"}),
        ("PATCH", f"{at}/settings", {"temp": [{"name": "Cellar", "low_c": 5}], "mains_delay_s": 0}),
        ("POST", f"{at}/commands", {"name": "on"}),
        ("PUT", f"{at}/escalation", {"steps": []}),
        ("POST", f"{at}/shares", {"email": "guest@example.org", "role": "viewer"}),
    ):
        assert await status(house, owner, method, path, body) < 300, path
    await report(house, 1, temp_c=[20.0], mains=True)
    await incident(house, "inc_1", maija)
    await house.records.add(Watch(id=SOCKET, judged_boot=1, judged_seq=1, claimed_at=None, conditions={}))
    token = ApiToken(
        id="tok_1", account_id=maija, name="Program", token_hash="h", scopes=(Scope.CONTROL,),
        device_ids=(SOCKET, "is_other"), credential_epoch=1, created_at=house.clock.now(),
        expires_at=house.clock.now() + timedelta(days=30),
    )  # fmt: skip
    await house.records.add(token)
    return owner


@pytest.mark.clause("C5-02")
async def test_nothing_of_the_owner_before_is_left(house: PortalHouse) -> None:
    owner = await lived_in(house)
    taker = await house.customer(PEKKA)
    await offer(house, owner)
    assert await status(house, owner, "GET", f"/devices/{SOCKET}") == 200  # it stays theirs until it is taken
    taken = await take(house, taker)
    seen = await taken.json()
    assert (taken.status, seen["name"], seen["place"], seen["state"], seen["open_incidents"], seen["role"]) == (
        200, None, None, {}, 0, "owner",
    )  # fmt: skip
    assert await status(house, owner, "GET", f"/devices/{SOCKET}") == 404
    device = await stored_device(house)
    pekka = (await house.account(PEKKA)).id
    assert (device.owner_id, device.part_names, device.reported, device.desired_pending) == (pekka, None, {}, True)
    assert device.desired["mains_delay_s"] == 10
    assert device.desired["temp"][0]["low_c"] is None
    for kind in (Share, Escalation, Watch, Transfer):
        assert await house.records.find(kind) == []
    (token,) = await house.records.find(ApiToken)
    assert token.device_ids == ("is_other",)
    (order,) = await house.records.find(Command)
    assert await status(house, taker, "GET", f"/devices/{SOCKET}/commands/{order.id}") == 404
    for path in ("/incidents", f"/devices/{SOCKET}/shares", f"/devices/{SOCKET}/problems"):
        assert (await (await house.ask("GET", path, token=taker)).json())["items"] == []
    assert await status(house, taker, "GET", "/incidents/inc_1") == 404
    assert [each for each in await house.mails(MAIJA) if "was taken over" in each.text]
    assert [each for each in await house.mails(PEKKA) if "left the factory" in each.text]


async def test_nobody_hands_a_socket_over_to_themselves(house: PortalHouse) -> None:
    owner = await owned(house)
    for mine in (MAIJA, MAIJA.upper()):
        assert await status(house, owner, "POST", TRANSFER, {"email": mine}) == 422, mine
    assert await house.records.count(Transfer) == 0


async def test_what_comes_late_of_the_time_before_does_not_show(house: PortalHouse) -> None:
    owner, taker = await owned(house), await house.customer(PEKKA)
    before_ms = to_ms(house.clock.now())
    await house.clock.advance(60)
    await offer(house, owner)
    await take(house, taker)
    await house.clock.advance(60)
    await report(house, 1, at_ms=before_ms, temp_c=[20.0])
    seen = await (await house.ask("GET", f"/devices/{SOCKET}", token=taker)).json()
    assert (seen["state"], seen["state_at"]) == ({}, None)
    past = f"/devices/{SOCKET}/history?from=2020-01-01T00:00:00Z"
    assert (await (await house.ask("GET", past, token=taker)).json())["ts"] == []
    await report(house, 2, temp_c=[21.0])
    assert (await (await house.ask("GET", past, token=taker)).json())["fields"]["temp_c.0"] == [21.0]
    assert (await (await house.ask("GET", f"/devices/{SOCKET}", token=taker)).json())["state"]["temp_c"] == [21.0]


async def test_only_the_holder_of_the_address_can_take_it_and_only_once(house: PortalHouse) -> None:
    owner, taker = await owned(house), await house.customer(PEKKA)
    other = await house.customer("other@example.org")
    await offer(house, owner)
    assert (await take(house, other)).status == 403
    assert (await take(house, taker)).status == 200
    assert (await take(house, taker)).status == 400


async def test_an_offer_is_shown_taken_back_and_replaced(house: PortalHouse) -> None:
    owner, taker = await owned(house), await house.customer(PEKKA)
    assert await status(house, owner, "GET", TRANSFER) == 404
    await offer(house, owner)
    first = await house.link_token(PEKKA)
    assert (await (await house.ask("GET", TRANSFER, token=owner)).json())["email"] == PEKKA
    await offer(house, owner)
    assert await status(house, taker, "POST", "/transfers/accept", {"token": first}) == 400
    second = await house.link_token(PEKKA)
    assert await status(house, owner, "DELETE", TRANSFER) == 204
    assert await status(house, owner, "DELETE", TRANSFER) == 404
    assert await status(house, taker, "POST", "/transfers/accept", {"token": second}) == 400
    assert await house.records.find(Transfer) == []


async def test_an_offer_is_over_after_two_weeks(house: PortalHouse) -> None:
    owner = await owned(house)
    await offer(house, owner)
    token = await house.link_token(PEKKA)
    await house.clock.advance(timedelta(days=14, seconds=1).total_seconds())
    taker = await house.customer(PEKKA)
    assert await status(house, taker, "POST", "/transfers/accept", {"token": token}) == 400


async def test_offering_asks_for_a_fresh_proof(house: PortalHouse) -> None:
    owner = await owned(house)
    await house.clock.advance(11 * 60)
    refused = await house.ask("POST", TRANSFER, {"email": PEKKA}, token=owner)
    assert (refused.status, (await refused.json())["type"]) == (403, "urn:isocket:problem:step-up")


async def test_giving_the_socket_up_ends_the_offer(house: PortalHouse) -> None:
    owner, taker = await owned(house), await house.customer(PEKKA)
    await offer(house, owner)
    token = await house.link_token(PEKKA)
    assert await status(house, owner, "DELETE", f"/devices/{SOCKET}") == 204
    assert await status(house, taker, "POST", "/transfers/accept", {"token": token}) == 400
    assert await house.records.find(Transfer) == []


TOKEN = "a token of the mail"


async def offered() -> World:
    """Return a socket of Maija's with everything, offered to Pekka."""
    world = await build()
    maija, pekka = (
        Account(id=f"acc_{name}", email=f"acc_{name}@example.org", created_at=NOON) for name in ("maija", "pekka")
    )
    made = Transfer(
        id="tra_1", device_id=SOCKET, owner_id="acc_maija", email="acc_pekka@example.org",
        token_hash=token_hash(TOKEN), created_at=NOON, expires_at=NOON + timedelta(days=14),
    )  # fmt: skip
    await world.records.add_all([maija, pekka, made])
    return world


async def test_it_is_handed_over_whole_however_it_died() -> None:
    async def run(world: World, fuse: Fuse) -> None:
        call = world.call(fuse, "acc_pekka", transfers.TransferAcceptance(token=TOKEN))
        with contextlib.suppress(ProblemError):  # the first try died after all was done
            await transfers.accept(call)

    async def check(world: World) -> None:
        device = await world.records.get(Device, SOCKET)
        assert device is not None
        assert (device.owner_id, device.name, device.place, device.part_names) == ("acc_pekka", None, None, None)
        assert device.desired["temp"][0]["low_c"] is None
        assert await world.telemetry.latest([SOCKET]) == {}
        assert await world.records.find(Transfer) == []
        (found,) = await world.records.find(Incident)
        assert found.open_key is None
        assert len(await world.records.find(Delivery)) == 2  # one to each, however often it was told
        world.passwords.close()

    assert await every_crash_point(offered, run, check) >= 20


async def test_what_one_account_has_begun_to_take_is_for_no_other_that_has_its_mailbox_now() -> None:
    world = await offered()
    await world.records.change_one(Transfer, is_("id", "tra_1"), account_id="acc_before", accepted_at=NOON)
    with pytest.raises(ProblemError, match="other-address"):
        await transfers.accept(replace(world.call(Fuse(), "acc_pekka"), body=transfers.TransferAcceptance(token=TOKEN)))
    world.passwords.close()


async def test_nobody_claims_a_socket_that_is_changing_hands() -> None:
    world = await offered()
    await world.records.change_one(Transfer, is_("id", "tra_1"), account_id="acc_pekka", accepted_at=NOON)
    await world.records.change_one(
        Device, is_("id", SOCKET), owner_id=None, name=None, place=None, part_names=None, claimed_at=None
    )
    answer = await claims.claim(world.call(Fuse(), "acc_maija", claims.Claim(device_id=SOCKET, claim_code=CODE)))
    assert getattr(answer, "status", None) == 409
    taken = await transfers.accept(
        replace(world.call(Fuse(), "acc_pekka"), body=transfers.TransferAcceptance(token=TOKEN))
    )
    assert getattr(taken, "id", None) == SOCKET
    world.passwords.close()
