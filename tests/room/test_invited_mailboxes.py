"""Whoever asks for an account with the mailbox of somebody invited to staff ends no invitation and learns nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from isocket.domain.accounts import Account, AccountRole, AddressChange, Registration, StaffRole
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records, is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from portal_api import registration
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.invitations import invite
from portal_api.staff_members import change_member, invitation_of, standing_invitation
from tests.fakes.portal_devices import MAIJA, SOCKET, owned
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PortalHouse, portal_house

KAI = "kai@example.org"
STRANGERS = {"username": KAI, "password": OTHER_PASSWORD}
KAIS = {"username": KAI, "password": PASSWORD}
DAY_S = 86_400.0


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    records = StoredRecords(SealedDocuments(MemoryDocuments(), MemoryKeyring()))
    async with portal_house(records=records, routes=(*ROUTES, *DEVICE_ROUTES)) as running:
        yield running


async def invited(house: PortalHouse, *, role: StaffRole = StaffRole.PRIVACY, **more: Any) -> dict[str, str]:
    """Invite Kai; return what the page of the link would send."""
    link = await invite(house.records, house.clock, house.portal.settings, KAI, staff_roles=(role,), **more)
    return {"token": link.partition("token=")[2], "password": PASSWORD}


async def opens(house: PortalHouse, link: dict[str, str]) -> int:
    return (await house.ask("POST", "/accounts/activate", link)).status


async def is_staff(house: PortalHouse) -> bool:
    made = await house.account(KAI)
    return (made.role, made.staff_roles, made.staff_until) == (AccountRole.STAFF, (StaffRole.PRIVACY,), None)


async def new_mails(house: PortalHouse) -> list[str]:
    return [each.subject_line for each in await house.mails(KAI)]


@pytest.mark.clause("C5-02")
@pytest.mark.parametrize("times", [1, 2, 5])
async def test_an_invitation_stands_however_often_a_stranger_asks_for_an_account_with_its_mailbox(
    house: PortalHouse, times: int
) -> None:
    link = await invited(house)
    for _ in range(times):
        assert (await house.ask("POST", "/accounts", STRANGERS)).status == 202
    assert await opens(house, link) == 200
    assert await is_staff(house)
    assert (await house.ask("POST", "/tokens", KAIS)).status == 200
    assert (await house.ask("POST", "/tokens", STRANGERS)).status == 401
    assert await house.records.count(Registration) == 0


async def test_who_is_invited_is_told_by_mail_that_somebody_asked_and_no_link_opens_another_account(
    house: PortalHouse,
) -> None:
    await invited(house)
    await house.ask("POST", "/accounts", {**STRANGERS, "username": "KAI@example.org", "language": "fi"})
    (told,) = await house.mails(KAI)  # as it is known, not as it was typed
    asked = await house.records.find(Registration)
    assert (told.kind, told.subject_line) == (DeliveryKind.NOTICE, "Sinut on kutsuttu iSocketin henkilökuntaan")
    assert "http" not in told.text
    assert {each.account_id for each in asked} == {told.person_id}, "all that is held of a mailbox is under one id"


async def test_a_wish_that_was_noted_before_the_invitation_opens_nothing_any_more(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", STRANGERS)
    before = {"token": await house.link_token(KAI), "password": OTHER_PASSWORD}
    link = await invited(house)
    assert [await opens(house, each) for each in (before, link)] == [400, 200]
    assert await is_staff(house)


class InvitedMeanwhile:
    """Records of which Kai is invited behind the first look whether anything is known of the mailbox."""

    def __init__(self, house: PortalHouse) -> None:
        self._house, self.link = house, dict[str, str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._house.records, name)

    async def find(self, kind: Any, *tests: Any, **more: Any) -> Any:
        found = await self._house.records.find(kind, *tests, **more)
        if kind is Registration and not self.link:
            self.link = await invited(self._house)
        return found


async def test_who_is_invited_in_the_moment_in_which_a_stranger_asks_is_let_in_and_the_other_link_opens_nothing(
    house: PortalHouse,
) -> None:
    meanwhile = InvitedMeanwhile(house)
    portal = replace(house.portal, records=cast("Records", meanwhile))
    await registration.wish_for(portal, registration.NewAccount(**STRANGERS), client="203.0.113.7")
    other = {"token": await house.link_token(KAI), "password": OTHER_PASSWORD}
    assert [await opens(house, each) for each in (other, meanwhile.link)] == [400, 200]
    assert await is_staff(house)


@pytest.mark.parametrize("ended", ["link", "time"])
async def test_an_invitation_that_has_ended_keeps_nobody_from_becoming_a_customer(
    house: PortalHouse, ended: str
) -> None:
    link = await invited(house)
    if ended == "time":
        await change_member(house.records, KAI, house.clock.now(), staff_until=house.clock.now())
    else:
        await house.clock.advance(3 * DAY_S)
    await house.ask("POST", "/accounts", KAIS)
    assert await invitation_of(house.records, KAI) is not None, "what it said is known to the next"
    assert await opens(house, {"token": await house.link_token(KAI)}) == 200
    made = await house.account(KAI)
    assert (made.role, made.staff_roles) == (AccountRole.CUSTOMER, ())
    assert await opens(house, link) == 400


async def test_who_is_invited_again_after_a_stranger_asked_keeps_the_end_that_was_said(house: PortalHouse) -> None:
    until = house.clock.now() + timedelta(days=90)
    await invited(house, staff_until=until)
    await house.clock.advance(3 * DAY_S)
    await house.ask("POST", "/accounts", STRANGERS)
    before = await invitation_of(house.records, KAI)
    assert before is not None
    assert (before.staff_roles, before.staff_until) == ((StaffRole.PRIVACY,), until)


async def test_an_opening_that_broke_off_is_finished_by_its_link_although_a_stranger_asked_meanwhile(
    house: PortalHouse,
) -> None:
    link = await invited(house)
    asked = await invitation_of(house.records, KAI)
    assert asked is not None
    assert await registration.open_account(house.portal, asked, "not a hash")
    await house.ask("POST", "/accounts", STRANGERS)
    assert await opens(house, link) == 200
    assert await is_staff(house)


async def test_no_account_moves_to_an_invited_mailbox_and_its_holder_is_told(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    link = await invited(house)
    asked = await house.ask("POST", "/me/email", {"username": "KAI@example.org"}, token=token)
    assert asked.status == 202
    assert await new_mails(house) == ["You are invited to the staff of iSocket"]
    assert await opens(house, link) == 200
    assert await is_staff(house)
    assert (await house.account(MAIJA)).role is AccountRole.CUSTOMER


async def test_a_change_of_address_that_was_asked_for_before_the_invitation_changes_nothing(
    house: PortalHouse,
) -> None:
    token = await house.customer(MAIJA)
    await house.ask("POST", "/me/email", {"username": KAI}, token=token)
    answer = {"token": await house.link_token(KAI)}
    link = await invited(house)
    assert (await house.ask("POST", "/email-changes/confirm", answer)).status == 400
    assert await house.records.count(AddressChange) == 1
    assert await opens(house, link) == 200
    assert await is_staff(house)


async def test_a_forgotten_password_and_a_share_leave_an_invitation_as_it_is(house: PortalHouse) -> None:
    token = await owned(house)
    link = await invited(house)
    assert (await house.ask("POST", "/password-resets", {"username": KAI})).status == 202
    assert await new_mails(house) == []
    shared = {"email": KAI, "role": "viewer"}
    assert (await house.ask("POST", f"/devices/{SOCKET}/shares", shared, token=token)).status == 201
    contact = {"name": "Kai", "email": KAI, "roles": ["alarm"]}
    assert (await house.ask("POST", "/contacts", contact, token=token)).status == 201
    assert await opens(house, link) == 200
    assert await is_staff(house)


async def test_as_much_is_stored_for_who_is_invited_as_for_who_is_known_or_unknown(house: PortalHouse) -> None:
    await house.register(MAIJA)
    await invited(house)
    stored = []
    for username in (KAI, MAIJA, "otso@example.org"):
        before = await house.records.count(Delivery)
        await house.ask("POST", "/accounts", {**STRANGERS, "username": username})
        wishes = is_("email", username), is_("role", AccountRole.CUSTOMER)
        stored.append((await house.records.count(Delivery) - before, await house.records.count(Registration, *wishes)))
    assert stored == [(2, 1)] * 3


async def test_to_note_a_wish_for_an_invited_mailbox_takes_the_same_time(house: PortalHouse) -> None:
    await invited(house)
    portal = replace(house.portal, settings=replace(house.portal.settings, evenly_s=0.05))
    wish = registration.NewAccount(**STRANGERS)
    noting = asyncio.create_task(registration.wish_for(portal, wish, client="203.0.113.7"))
    while not house.clock.sleepers:  # until the password is hashed
        assert not noting.done()
        await asyncio.sleep(0)
    await house.clock.advance(0.05)
    await noting
    assert await standing_invitation(house.records, KAI, house.clock.now())
    assert await house.records.count(Account) == 0


async def test_whoever_is_invited_at_a_mailbox_that_another_of_staff_has_left_lends_that_one_nothing(
    house: PortalHouse,
) -> None:
    await house.staff(MAIJA, StaffRole.SUPPORT)
    maija, until = await house.account(MAIJA), house.clock.now() + timedelta(days=1)
    late = Registration(id="late", account_id=maija.id, email=KAI, expires_at=until, sole=True)
    await house.records.add(late)  # noted while this mailbox was Maija's
    assert await opens(house, await invited(house)) == 200
    assert await is_staff(house)
    assert (await house.account(MAIJA)).staff_roles == (StaffRole.SUPPORT,)
