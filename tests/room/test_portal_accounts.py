"""Becoming a customer, through the real HTTP server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from isocket.domain.accounts import Account, Registration, StaffRole
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.kit.ids import token_hash
from isocket.storage.port import is_
from portal_api.invitations import InvitationError, invite
from portal_api.limits import Rate, Rates
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PUBLIC_URL, PortalHouse, portal_house

MAIJA = "maija@example.org"
WISH = {"username": MAIJA, "password": PASSWORD}


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house() as running:
        yield running


@pytest.mark.clause("C1-02")
async def test_an_account_opens_when_the_mailbox_answers(house: PortalHouse) -> None:
    token = await house.customer(MAIJA, name="Maija", language="fi", time_zone="Europe/Helsinki")
    me = await (await house.ask("GET", "/me", token=token)).json()
    assert me.pop("id").startswith("acc_")
    assert me == {
        "username": MAIJA,
        "name": "Maija",
        "language": "fi",
        "time_zone": "Europe/Helsinki",
        "role": "customer",
        "created_at": "2026-11-22T12:00:00.002Z",
        "unheard": 0,
    }


async def test_nobody_signs_in_before_the_mailbox_answered(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", WISH)
    assert (await house.ask("POST", "/tokens", WISH)).status == 401


async def test_the_owners_own_address_is_a_verified_contact_from_activation_on(house: PortalHouse) -> None:
    await house.register(MAIJA, language="fi")
    (contact,) = await house.records.find(Contact)
    assert (contact.email, contact.is_owner, contact.language) == (MAIJA, True, "fi")
    assert contact.email_verified_at is not None
    assert contact.roles == ("alarm", "service")


async def test_a_known_and_an_unknown_address_get_the_same_answer(house: PortalHouse) -> None:
    await house.register(MAIJA)
    answers = [
        await house.ask("POST", "/accounts", {"username": who, "password": PASSWORD})
        for who in (MAIJA, "new@example.org")
    ]
    bodies = [await each.read() for each in answers]
    headers = [{name: value for name, value in each.headers.items() if name != "Date"} for each in answers]
    assert [each.status for each in answers] == [202, 202]
    assert bodies[0] == bodies[1]
    assert headers[0] == headers[1]


async def test_all_that_is_held_of_a_mailbox_is_under_one_id(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", WISH)
    await house.ask("POST", "/accounts", WISH)
    await house.ask("POST", "/accounts/activate", {"token": await house.link_token(MAIJA)})
    await house.ask("POST", "/accounts", WISH)
    await house.ask("POST", "/password-resets", {"username": MAIJA})
    account = await house.account(MAIJA)
    kept = await house.records.find(Registration)
    assert {each.person_id for each in await house.mails(MAIJA)} == {account.id}
    assert {each.account_id for each in kept} == {account.id}


async def test_registering_a_known_address_changes_nothing_and_tells_its_holder(house: PortalHouse) -> None:
    await house.register(MAIJA)
    await house.ask("POST", "/accounts", {"username": MAIJA, "password": OTHER_PASSWORD})
    newest = (await house.mails(MAIJA))[-1]
    assert newest.kind is DeliveryKind.NOTICE
    assert "activate?token=" not in newest.text
    assert (await house.ask("POST", "/tokens", WISH)).status == 200
    assert (await house.ask("POST", "/tokens", {**WISH, "password": OTHER_PASSWORD})).status == 401


async def test_an_activation_token_works_once(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", WISH)
    token = {"token": await house.link_token(MAIJA)}
    assert (await house.ask("POST", "/accounts/activate", token)).status == 200
    assert (await house.ask("POST", "/accounts/activate", token)).status == 400


async def test_of_many_activations_at_once_one_succeeds_and_one_account_is_there(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", WISH)
    token = {"token": await house.link_token(MAIJA)}
    answers = await asyncio.gather(*(house.ask("POST", "/accounts/activate", token) for _ in range(10)))
    assert sorted(each.status for each in answers) == [200] + [400] * 9
    assert await house.records.count(Account) == 1
    assert await house.records.count(Contact) == 1


async def test_an_activation_that_died_half_way_is_finished_by_the_next_try(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", WISH)
    token = await house.link_token(MAIJA)
    asked = await house.records.get(Registration, token_hash(token))
    assert asked is not None
    await house.records.add(
        Account(id=asked.account_id, email=MAIJA, password_hash=asked.password_hash, created_at=house.clock.now())
    )
    assert (await house.ask("POST", "/accounts/activate", {"token": token})).status == 200
    assert await house.records.count(Contact) == 1


async def test_an_old_activation_token_is_refused(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", WISH)
    token = {"token": await house.link_token(MAIJA)}
    await house.clock.advance(72 * 3600)
    assert (await house.ask("POST", "/accounts/activate", token)).status == 400


async def test_activation_ends_all_other_wishes_for_the_same_address(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", {"username": MAIJA, "password": OTHER_PASSWORD})
    first = await house.link_token(MAIJA)
    await house.ask("POST", "/accounts", WISH)
    await house.ask("POST", "/accounts/activate", {"token": await house.link_token(MAIJA)})
    assert (await house.ask("POST", "/accounts/activate", {"token": first})).status == 400
    assert await house.records.count(Registration) == 0


async def test_who_was_invited_without_a_password_chooses_one_on_activation(house: PortalHouse) -> None:
    roles = (StaffRole.PRIVACY,)
    link = await invite(house.records, house.clock, house.portal.settings, "staff@example.org", staff_roles=roles)
    assert link.startswith(f"{PUBLIC_URL}/activate?token=")
    token = link.partition("token=")[2]
    without = await house.ask("POST", "/accounts/activate", {"token": token})
    assert without.status == 422
    assert (await without.json())["errors"][0]["field"] == "password"
    chosen = await house.ask("POST", "/accounts/activate", {"token": token, "password": PASSWORD})
    assert chosen.status == 200
    tokens = await house.sign_in("staff@example.org")
    me = await (await house.ask("GET", "/me", token=tokens["access_token"])).json()
    assert me["role"] == "staff"
    assert (await house.account("staff@example.org")).staff_roles == roles


async def test_who_is_invited_twice_is_let_in_by_the_newer_link_and_the_older_ends(house: PortalHouse) -> None:
    settings, address = house.portal.settings, "staff@example.org"
    older, newer = [
        (await invite(house.records, house.clock, settings, address, staff_roles=(role,)))
        for role in (StaffRole.SUPPORT, StaffRole.PRIVACY)
    ]
    first, second = [{"token": each.partition("token=")[2], "password": PASSWORD} for each in (older, newer)]
    (waiting,) = await house.records.find(Registration)
    refused = await house.ask("POST", "/accounts/activate", first)
    assert (refused.status, "only the newest" in (await refused.json())["detail"]) == (400, True)
    assert (await house.ask("POST", "/accounts/activate", second)).status == 200
    made = await house.account(address)
    assert (made.id, made.staff_roles) == (waiting.account_id, (StaffRole.PRIVACY,))


async def test_who_has_an_account_is_not_invited_again(house: PortalHouse) -> None:
    await house.register(MAIJA)
    with pytest.raises(InvitationError, match="already"):
        await invite(house.records, house.clock, house.portal.settings, MAIJA)
    with pytest.raises(InvitationError, match="address"):
        await invite(house.records, house.clock, house.portal.settings, "no address")


async def test_links_begin_with_the_public_address_whatever_the_request_says(house: PortalHouse) -> None:
    poison = {"Host": "evil.example.net", "X-Forwarded-Host": "evil.example.net", "Forwarded": "host=evil.example.net"}
    await house.ask("POST", "/accounts", WISH, headers=poison)
    (mail,) = await house.mails(MAIJA)
    assert f"{PUBLIC_URL}/activate?token=" in mail.text
    assert "evil" not in mail.text


async def test_the_store_holds_neither_password_nor_token(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", WISH)
    token = await house.link_token(MAIJA)
    (asked,) = await house.records.find(Registration)
    assert PASSWORD not in repr(asked)
    assert token not in repr(asked)


@pytest.mark.clause("C1-02")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "no address"),
        ("username", "Maija <maija@example.org>"),
        ("username", "a@example.org, b@example.org"),
        ("username", "a@example.org\nBcc: b@example.org"),
        ("username", {"$ne": None}),
        ("password", "short"),
        ("password", "password123"),
        ("password", "p" * 257),
        ("name", "two\nlines"),
        ("language", "Finnish, please"),
        ("time_zone", "Mars/Olympus"),
        ("admin", True),
    ],
)
async def test_a_bad_field_is_named(house: PortalHouse, field: str, value: object) -> None:
    answer = await house.ask("POST", "/accounts", {**WISH, field: value})
    assert answer.status == 422
    assert answer.content_type == "application/problem+json"
    assert [each["field"].split(".")[0] for each in (await answer.json())["errors"]] == [field]


@pytest.mark.parametrize(("typed", "why"), [("", "Please fill this in."), ("x", "This is not an e-mail address.")])
async def test_who_types_no_whole_address_reads_what_is_wrong_with_it(house: PortalHouse, typed: str, why: str) -> None:
    answer = await house.ask("POST", "/accounts", {**WISH, "username": typed})
    assert [each["message"] for each in (await answer.json())["errors"]] == [why]


async def test_a_mailbox_gets_three_mails_an_hour_and_five_a_day_for_one_purpose(house: PortalHouse) -> None:
    for _ in range(5):
        assert (await house.ask("POST", "/accounts", WISH)).status == 202
    in_the_first_hour = len(await house.mails(MAIJA))
    await house.clock.advance(6 * 3600)
    for _ in range(5):
        await house.ask("POST", "/accounts", WISH)
    assert (in_the_first_hour, len(await house.mails(MAIJA))) == (3, 6)


@pytest.mark.parametrize(
    ("path", "body", "rate"),
    [
        ("/accounts", WISH, Rates().register_address),
        ("/password-resets", {"username": MAIJA}, Rates().reset_address),
    ],
)
async def test_beyond_the_limit_of_one_address_the_answer_is_the_same_and_nothing_is_done(
    house: PortalHouse, path: str, body: dict[str, str], rate: Rate
) -> None:
    usual = await house.ask("POST", path, {**body, "username": "other@example.org"})
    before = await house.records.count(Delivery)
    for _ in range(rate.tries):
        await house.portal.limits.take(rate, "127.0.0.1")
    answer = await house.ask("POST", path, body)
    assert (answer.status, await answer.json()) == (202, await usual.json())
    assert await house.records.count(Delivery) == before


async def test_a_new_wish_voids_those_before_it_which_may_be_a_strangers(house: PortalHouse) -> None:
    await house.ask("POST", "/accounts", {"username": MAIJA, "password": OTHER_PASSWORD})
    strangers = {"token": await house.link_token(MAIJA)}
    await house.ask("POST", "/accounts", WISH)
    assert (await house.ask("POST", "/accounts/activate", strangers)).status == 400
    assert await house.records.count(Registration) == 1
    assert (await house.ask("POST", "/accounts/activate", {"token": await house.link_token(MAIJA)})).status == 200
    assert (await house.ask("POST", "/tokens", WISH)).status == 200


async def test_a_wish_that_no_mail_goes_out_for_voids_nothing(house: PortalHouse) -> None:
    for _ in range(3):
        await house.ask("POST", "/accounts", WISH)
    last = {"token": await house.link_token(MAIJA)}
    await house.ask("POST", "/accounts", {"username": MAIJA, "password": OTHER_PASSWORD})
    assert (await house.ask("POST", "/accounts/activate", last)).status == 200


@pytest.mark.clause("C6-08")
async def test_a_profile_changes_only_in_what_was_sent(house: PortalHouse) -> None:
    token = await house.customer(MAIJA, name="Maija")
    changed = await house.ask("PATCH", "/me", {"language": "sv", "time_zone": "Europe/Stockholm"}, token=token)
    me = await changed.json()
    assert (me["name"], me["language"], me["time_zone"]) == ("Maija", "sv", "Europe/Stockholm")
    (contact,) = await house.records.find(Contact, is_("is_owner", True))
    assert (contact.name, contact.language) == ("Maija", "sv")


@pytest.mark.parametrize("field", ["username", "role", "credential_epoch", "id"])
async def test_what_is_not_ones_own_to_change_is_refused(house: PortalHouse, field: str) -> None:
    token = await house.customer(MAIJA)
    answer = await house.ask("PATCH", "/me", {field: "staff"}, token=token)
    assert answer.status == 422
    assert (await answer.json())["errors"][0]["field"] == field
