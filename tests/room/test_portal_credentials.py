"""Another password and another address: for who proves who they are, told by mail, taken back by the old mailbox."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from isocket.domain.accounts import AddressChange, Registration
from isocket.domain.contacts import Contact
from isocket.domain.factors import TotpFactor
from isocket.storage.port import is_
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor

MAIJA, NEW, PEKKA = "maija@example.org", "maija.new@example.org", "pekka@example.org"


@dataclass(kw_only=True)
class Maija:
    """Somebody who is signed in."""

    house: PortalHouse
    token: str

    async def ask(self, path: str, body: object) -> int:
        return (await self.house.ask("POST", path, body, token=self.token)).status

    async def enters(self, username: str, password: str = PASSWORD) -> int:
        return (await self.house.ask("POST", "/tokens", {"username": username, "password": password})).status


@pytest.fixture
async def maija() -> AsyncIterator[Maija]:
    async with portal_house(routes=(*ROUTES, *page_routes(desk=False))) as house:
        yield Maija(house=house, token=await house.customer(MAIJA))


async def test_with_the_old_password_another_is_chosen_and_everybody_else_is_out(maija: Maija) -> None:
    other = (await maija.house.sign_in(MAIJA))["access_token"]
    await maija.house.clock.advance(601)
    assert await maija.ask("/me/password", {"old_password": PASSWORD, "password": OTHER_PASSWORD}) == 204
    assert (await maija.house.ask("GET", "/me", token=maija.token)).status == 200
    assert (await maija.house.ask("GET", "/me", token=other)).status == 401
    assert (await maija.enters(MAIJA), await maija.enters(MAIJA, OTHER_PASSWORD)) == (401, 200)
    assert "password was changed" in (await maija.house.mails(MAIJA))[-1].subject_line


async def test_a_session_alone_changes_no_password(maija: Maija) -> None:
    assert await maija.ask("/me/password", {"old_password": "not the words", "password": OTHER_PASSWORD}) == 403
    await maija.house.clock.advance(601)
    assert await maija.ask("/me/password", {"password": OTHER_PASSWORD}) == 403
    assert await maija.enters(MAIJA) == 200


async def test_who_has_just_proved_it_needs_no_old_password(maija: Maija) -> None:
    assert await maija.ask("/me/password", {"password": OTHER_PASSWORD}) == 204
    assert await maija.ask("/me/password", {"password": "too short"}) == 422


async def test_a_new_password_ends_the_links_to_choose_one(maija: Maija) -> None:
    await maija.house.ask("POST", "/password-resets", {"username": MAIJA})
    token = await maija.house.link_token(MAIJA)
    await maija.ask("/me/password", {"password": OTHER_PASSWORD})
    late = await maija.house.ask("POST", "/password-resets/confirm", {"token": token, "password": PASSWORD})
    assert late.status == 400


@pytest.mark.clause("C6-08")
@pytest.mark.clause("C7-05")
async def test_an_address_changes_when_the_new_mailbox_answers(maija: Maija) -> None:
    assert await maija.ask("/me/email", {"username": NEW}) == 202
    assert (await maija.enters(MAIJA), await maija.enters(NEW)) == (200, 401)
    token = await maija.house.link_token(NEW)
    assert (await maija.house.ask("POST", "/email-changes/confirm", {"token": token})).status == 200
    assert (await maija.enters(MAIJA), await maija.enters(NEW)) == (401, 200)
    (contact,) = await maija.house.records.find(Contact)
    assert contact.email == NEW
    assert (await maija.house.ask("POST", "/email-changes/confirm", {"token": token})).status == 400


async def test_it_needs_a_fresh_proof_and_is_over_after_a_day(maija: Maija) -> None:
    await maija.ask("/me/email", {"username": NEW})
    token = await maija.house.link_token(NEW)
    await maija.house.clock.advance(86_400)
    assert await maija.ask("/me/email", {"username": NEW}) in {401, 403}
    assert (await maija.house.ask("POST", "/email-changes/confirm", {"token": token})).status == 400


async def test_a_new_password_ends_a_wish_for_another_address_from_before_it(maija: Maija) -> None:
    await maija.ask("/me/email", {"username": NEW})
    token = await maija.house.link_token(NEW)
    assert await maija.ask("/me/password", {"password": OTHER_PASSWORD}) == 204
    assert (await maija.house.ask("POST", "/email-changes/confirm", {"token": token})).status == 400
    assert (await maija.house.account(MAIJA)).email == MAIJA


async def test_the_old_mailbox_takes_it_back_even_after_the_password_was_changed_too(maija: Maija) -> None:
    await maija.ask("/me/email", {"username": NEW})
    undo = await maija.house.link_token(MAIJA)
    await maija.house.ask("POST", "/email-changes/confirm", {"token": await maija.house.link_token(NEW)})
    await maija.ask("/me/password", {"password": OTHER_PASSWORD})
    now = maija.house.clock.now()
    thiefs = TotpFactor(
        id="fac_1", account_id=(await maija.house.account(NEW)).id, secret="A" * 32, confirmed_at=now, created_at=now
    )
    await maija.house.records.add(thiefs)
    assert (await maija.house.ask("POST", "/email-changes/undo", {"token": undo})).status == 200
    assert (await maija.house.account(MAIJA)).email == MAIJA
    assert await maija.house.records.count(TotpFactor) == 0
    assert (await maija.house.ask("GET", "/me", token=maija.token)).status == 401
    assert [await maija.enters(each, OTHER_PASSWORD) for each in (MAIJA, NEW)] == [401, 401]
    assert (await maija.house.records.find(Contact))[0].email == MAIJA
    assert (await maija.house.ask("POST", "/email-changes/undo", {"token": undo})).status == 400


async def test_who_moves_an_address_twice_cannot_take_it_again_after_it_was_taken_back(maija: Maija) -> None:
    await maija.ask("/me/email", {"username": NEW})
    undo = await maija.house.link_token(MAIJA)
    await maija.house.ask("POST", "/email-changes/confirm", {"token": await maija.house.link_token(NEW)})
    await maija.ask("/me/email", {"username": "elsewhere@example.org"})
    thiefs = await maija.house.link_token(NEW)
    account, now = await maija.house.account(NEW), maija.house.clock.now()
    await maija.house.records.add(
        TotpFactor(id="fac_1", account_id=account.id, secret="A" * 32, confirmed_at=now, created_at=now)
    )
    await maija.house.clock.advance(3 * 86_400)
    assert (await maija.house.ask("POST", "/email-changes/undo", {"token": undo})).status == 200
    assert await maija.house.records.count(TotpFactor) == 0
    assert (await maija.house.ask("POST", "/email-changes/undo", {"token": thiefs})).status == 400
    assert (await maija.house.account(MAIJA)).email == MAIJA


async def test_before_the_change_the_old_mailbox_stops_it(maija: Maija) -> None:
    await maija.ask("/me/email", {"username": NEW})
    token = await maija.house.link_token(NEW)
    undo = await maija.house.link_token(MAIJA)
    assert (await maija.house.ask("POST", "/email-changes/undo", {"token": undo})).status == 200
    assert (await maija.house.ask("POST", "/email-changes/confirm", {"token": token})).status == 400
    assert await maija.house.records.count(AddressChange) == 0


async def test_an_address_of_another_customer_is_answered_alike_and_never_taken(maija: Maija) -> None:
    await maija.house.register(PEKKA)
    free, taken = [
        await maija.house.ask("POST", "/me/email", {"username": each}, token=maija.token) for each in (NEW, PEKKA)
    ]
    assert (free.status, await free.read()) == (taken.status, await taken.read())
    assert "already" in (await maija.house.mails(PEKKA))[-1].subject_line
    assert await maija.enters(PEKKA) == 200


async def test_an_address_of_another_contact_is_refused_since_its_reader_would_be_told_twice(maija: Maija) -> None:
    whose, now = (await maija.house.account(MAIJA)).id, maija.house.clock.now()
    await maija.house.records.add(Contact(id="con_1", account_id=whose, name="Home", email=NEW, created_at=now))
    assert await maija.ask("/me/email", {"username": NEW}) == 422
    visitor = Visitor(maija.house.client)
    await visitor.sign_in(MAIJA)
    refused = await visitor.send(await visitor.open("/security/address"), "/security/address", username=NEW)
    assert (refused.status, "told twice" in refused.words) == (422, True)
    assert not [each for each in await maija.house.mails(NEW) if "/address" in each.text]


async def test_an_address_that_became_another_contacts_since_it_was_asked_for_is_not_taken(maija: Maija) -> None:
    await maija.ask("/me/email", {"username": NEW})
    whose, now = (await maija.house.account(MAIJA)).id, maija.house.clock.now()
    await maija.house.records.add(Contact(id="con_1", account_id=whose, name="Home", email=NEW, created_at=now))
    token = {"token": await maija.house.link_token(NEW)}
    assert (await maija.house.ask("POST", "/email-changes/confirm", token)).status == 400
    assert (await maija.house.account(MAIJA)).email == MAIJA
    await maija.house.records.remove_all(Contact, is_("id", "con_1"))
    assert (await maija.house.ask("POST", "/email-changes/confirm", token)).status == 200


async def test_nobody_floods_a_mailbox_with_it(maija: Maija) -> None:
    statuses = [await maija.ask("/me/email", {"username": NEW}) for _ in range(7)]
    assert statuses == [202] * 5 + [429] * 2
    assert len(await maija.house.mails(NEW)) == 3


async def test_a_person_does_both_on_pages(maija: Maija) -> None:
    visitor = Visitor(maija.house.client)
    await visitor.sign_in(MAIJA)
    page = await visitor.open("/security/password")
    weak = await visitor.send(page, "/security/password", old_password=PASSWORD, password="short")
    assert (weak.status, "at least 15" in weak.words) == (422, True)
    done = await visitor.send(weak, "/security/password", old_password=PASSWORD, password=OTHER_PASSWORD)
    assert "password is changed" in done.words
    asked = await visitor.send(await visitor.open("/security/address"), "/security/address", username=NEW)
    assert "Look into the new mailbox" in asked.words
    (mail,) = await maija.house.mails(NEW)
    link = next(word for word in mail.text.split() if word.startswith(PUBLIC_URL)).removeprefix(PUBLIC_URL)
    there = await visitor.send(await visitor.open(link), "/address")
    assert "address is changed" in there.words
    (told,) = [each for each in await maija.house.mails(MAIJA) if "being changed" in each.subject_line]
    back = next(word for word in told.text.split() if word.startswith(PUBLIC_URL)).removeprefix(PUBLIC_URL)
    home = await visitor.send(await visitor.open(back), "/address-undo")
    assert home.path.startswith("/forgotten")
    assert (await maija.house.account(MAIJA)).email == MAIJA


async def test_whoever_reads_a_mailbox_that_an_account_has_just_left_gets_an_account_of_their_own(maija: Maija) -> None:
    wish = {"username": MAIJA, "password": OTHER_PASSWORD}
    assert (await maija.house.ask("POST", "/accounts", wish)).status == 202, "asked for while it is Maija's"
    await maija.ask("/me/email", {"username": NEW})
    answer = {"token": await maija.house.link_token(NEW)}
    assert (await maija.house.ask("POST", "/email-changes/confirm", answer)).status == 200
    await maija.house.register(MAIJA, OTHER_PASSWORD)
    assert await maija.enters(MAIJA, OTHER_PASSWORD) == 200
    assert (await maija.house.account(MAIJA)).id != (await maija.house.account(NEW)).id


async def test_a_wish_that_was_noted_while_an_account_left_its_mailbox_gives_nobody_that_account(maija: Maija) -> None:
    account = await maija.house.account(MAIJA)
    await maija.ask("/me/email", {"username": NEW})
    answer = {"token": await maija.house.link_token(NEW)}
    assert (await maija.house.ask("POST", "/email-changes/confirm", answer)).status == 200
    until = maija.house.clock.now() + timedelta(days=1)
    late = Registration(id="late", account_id=account.id, email=MAIJA, expires_at=until, sole=True)
    await maija.house.records.add(late)
    await maija.house.register(MAIJA, OTHER_PASSWORD)
    assert await maija.enters(MAIJA, OTHER_PASSWORD) == 200
    assert (await maija.house.account(MAIJA)).id != account.id
