"""What somebody began with a mailbox alone, before or beside their account, goes with the account all the same."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account
from isocket.domain.consents import Consent, Subscription, SubscriptionState
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.erasures import Erasure, ErasureState
from isocket.domain.handling import Basis, Purpose
from isocket.domain.letters import Letter
from isocket.domain.requests import RequestChannel, RequestState, Right, RightsRequest
from isocket.storage.port import is_
from isocket.storage.suppressed import suppression_id
from portal_api.adopting import adopt_subscription
from privacy.choice_ledger import ChoiceLedger
from privacy.choices import ChoiceKeeper, replay_choices
from privacy.newsletter import Issue, Newsletter
from tests.fakes.clock import ManualClock
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.erasing_house import CONTROLLER, MAIJA_ID, Ground, back_up, erasing_house, ground_on_disk, in_memory
from tests.fakes.portal_devices import MAIJA, PEKKA
from tests.fakes.portal_house import PortalHouse
from tests.room.test_rights_requests import ask, confirm

Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


async def subscribe(house: PortalHouse, email: str) -> str:
    """Let a mailbox have the newsletter; return the id of its reader."""
    assert (await house.ask("POST", "/newsletter", {"email": email})).status == 202
    answer = await house.ask("POST", "/newsletter/confirm", {"token": await house.link_token(email)})
    assert answer.status == 200
    (reader,) = await house.records.find(Subscription, is_("email", email))
    return reader.reader_id


async def erase(houses: Houses, email: str = MAIJA) -> None:
    house, ground = houses
    receipt = await ground.eraser().erase((await house.account(email)).id, by="operator")
    assert receipt is not None
    assert receipt.state is ErasureState.DONE


async def letters_to(house: PortalHouse, email: str) -> list[str]:
    return [each.subject_line for each in await house.records.find(Delivery) if each.address == email]


@pytest.mark.clause("C7-06")
@pytest.mark.parametrize("proved", [True, False])
async def test_a_request_by_right_from_before_the_account_goes_with_its_letters_and_its_key(
    houses: Houses, proved: bool
) -> None:
    house, ground = houses
    await ask(house, MAIJA, "rectification", words="My name has two i", name="Maija Meikalainen")
    if proved:
        await confirm(house, MAIJA)
    (request,) = await house.records.find(RightsRequest)
    looked = noted(
        request.id, to=DisclosedTo.STAFF, recipient_id="acc_staff", what=("rights_requests",), purpose=Purpose.RIGHTS,
        basis=Basis.LEGAL_DUTY, at=house.clock.now(), reason="To answer it",
    )  # fmt: skip
    await house.records.add(looked)
    await ask(house, PEKKA, words="What do you know of me?")
    await house.register(MAIJA)
    await erase(houses)
    (of_another,) = await house.records.find(RightsRequest)
    assert (of_another.email, of_another.words) == (PEKKA, "What do you know of me?")
    assert await ground.keyring.was_destroyed(request.id)
    assert await house.records.count(Delivery, is_("person_id", request.id)) == 0
    assert await letters_to(house, MAIJA) == []
    assert await house.records.find(Disclosure) == [], "who of our staff looked at it goes as well"


@pytest.mark.clause("C7-06")
async def test_of_a_request_of_the_account_the_letters_under_its_own_id_go_too(houses: Houses) -> None:
    house, _ = houses
    await house.register(MAIJA)
    await ask(house, MAIJA, "rectification", words="My name has two i")
    await confirm(house, MAIJA)
    (request,) = await house.records.find(RightsRequest)
    assert request.account_id == (await house.account(MAIJA)).id
    assert await house.records.count(Delivery, is_("account_id", request.id)) > 0
    await erase(houses)
    assert await house.records.count(Delivery, is_("person_id", request.id)) == 0


async def test_what_another_account_asked_by_right_when_it_had_the_mailbox_is_still_answered(houses: Houses) -> None:
    house, ground = houses
    await house.register(PEKKA)
    await ask(house, PEKKA, words="What do you know of me?")
    await confirm(house, PEKKA)
    pekka = await house.account(PEKKA)
    await house.records.change_one(Account, is_("id", pekka.id), email="pekka.new@example.org")
    await house.register(MAIJA)
    await house.records.change_one(Account, is_("email", MAIJA), email=PEKKA)
    await erase(houses, PEKKA)
    (request,) = await house.records.find(RightsRequest)
    assert (request.account_id, request.words) == (pekka.id, "What do you know of me?")
    assert not await ground.keyring.was_destroyed(request.id)


@pytest.mark.clause("C7-06")
async def test_who_moved_to_a_mailbox_that_had_the_newsletter_gets_it_no_more_when_erased(houses: Houses) -> None:
    house, ground = houses
    moved = "maija.new@example.org"
    reader = await subscribe(house, moved)
    await house.register(MAIJA)
    await house.records.change_one(Account, is_("email", MAIJA), email=moved)
    await erase(houses, moved)
    assert await house.records.find(Subscription) == []
    assert await house.records.find(Consent) == []
    assert await letters_to(house, moved) == []
    assert await ground.keyring.was_destroyed(reader)


async def test_a_newsletter_that_another_account_left_at_the_mailbox_costs_that_one_nothing_else(
    houses: Houses,
) -> None:
    house, ground = houses
    token = await house.customer(PEKKA, name="Pekka Puupaa")
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    pekka = await house.account(PEKKA)
    await house.register(MAIJA)
    await house.records.change_one(Account, is_("id", pekka.id), email="pekka.new@example.org")
    await house.records.change_one(Account, is_("email", MAIJA), email=PEKKA)
    await erase(houses, PEKKA)
    assert await house.records.find(Subscription) == [], "what went to this mailbox goes"
    assert (await house.account("pekka.new@example.org")).name == "Pekka Puupaa"
    assert not await ground.keyring.was_destroyed(pekka.id)
    assert await house.records.count(Consent, is_("account_id", pekka.id)) == 1


@pytest.mark.clause("C5-01")
async def test_whoever_dies_at_any_verb_leaves_none_of_it_and_no_key_to_it(tmp_path: Path) -> None:
    request_id, reader_id, tries = "rrq_before", "rdr_before", 0

    async def build() -> Ground:
        nonlocal tries
        tries += 1
        folder = tmp_path / str(tries)
        folder.mkdir()
        ground, now = in_memory(folder), ManualClock().now()
        letters = [
            Delivery.of(
                letter, kind=DeliveryKind.NOTICE, person_id=each, address=MAIJA, now=now, useful=timedelta(minutes=1)
            )
            for each in (request_id, reader_id)
        ]
        await ground.records.add_all(
            [
                Account(id=MAIJA_ID, email=MAIJA, created_at=now),
                RightsRequest(
                    id=request_id, kind=Right.ACCESS, channel=RequestChannel.FORM, email=MAIJA, words="What is held?",
                    state=RequestState.IDENTITY_ASKED, received_at=now, due_at=now,
                ),
                Subscription(
                    id="sub_1", account_id=reader_id, reader_id=reader_id, email=MAIJA, language="en", created_at=now,
                ),
                *letters,
                Erasure(id="era_1", account_id=MAIJA_ID, asked_at=now, due_at=now, open_key=MAIJA_ID),
            ]
        )  # fmt: skip
        return ground

    async def run(ground: Ground, fuse: Fuse) -> None:
        await ground.eraser(DyingRecords(ground.records, fuse)).round()

    async def check(ground: Ground) -> None:
        for kind in (Account, RightsRequest, Subscription, Delivery):
            assert await ground.records.find(kind) == [], kind.collection
        for person in (MAIJA_ID, request_id, reader_id):
            assert await ground.keyring.was_destroyed(person), person

    letter = Letter(subject="Is it you?", text="Press the button.")
    assert await every_crash_point(build, run, check) > 20


@pytest.mark.clause("C1-22")
async def test_who_had_the_newsletter_before_an_account_gets_it_no_more_when_a_backup_from_then_is_restored(
    tmp_path: Path,
) -> None:
    folder, backup, clock, names = (
        tmp_path / "var",
        tmp_path / "backup",
        ManualClock(),
        ("isocket.sqlite", "keyring.sqlite"),
    )
    folder.mkdir()
    choices = ChoiceLedger(folder / "choices.jsonl")
    async with ground_on_disk(folder, clock) as ground:
        now = clock.now()
        await ground.records.add(
            Subscription(
                id="sub_1", account_id="rdr_1", reader_id="rdr_1", email=MAIJA, language="en",
                state=SubscriptionState.CONFIRMED, created_at=now,
            )
        )  # fmt: skip
        await suppression_id(ground.keyring, MAIJA)  # whose key was made when they confirmed
        back_up(folder, backup, *names)
        opened = Account(id=MAIJA_ID, email=MAIJA, created_at=now)
        await ground.records.add(opened)
        await adopt_subscription(ground.records, ground.keyring, opened)
        await ground.eraser().erase(MAIJA_ID, by="operator")
        await ChoiceKeeper(records=ground.records, ledger=choices, clock=clock, keyring=ground.keyring).round()
    for each in [found for name in names for found in folder.glob(f"{name}*")]:
        each.unlink()
    back_up(backup, folder, *names)
    async with ground_on_disk(folder, clock) as restored:
        await restored.replay()
        await replay_choices(restored.records, choices)
        assert await restored.records.count(Subscription, is_("email", MAIJA)) == 1, "it is in the backup"
        letters = Newsletter(
            records=restored.records,
            keyring=restored.keyring,
            clock=clock,
            controller=CONTROLLER,
            public_url="https://c",
        )
        assert await letters.send(Issue(subject="News", text="There is news.")) == 0
        assert await restored.records.find(Delivery) == []
