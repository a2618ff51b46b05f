"""A mailbox that had the newsletter opens an account: nothing of it stays under the id that the reader had before."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account
from isocket.domain.consents import Consent, ConsentBy, ConsentKind, ConsentStep, Subscription, SubscriptionState
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind
from isocket.domain.letters import Letter
from isocket.kit.ids import derived_id
from isocket.storage.port import Records, is_
from portal_api.adopting import adopt_subscription
from tests.fakes.clock import ManualClock
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.erasing_house import MAIJA_ID, Ground, erasing_house, in_memory
from tests.fakes.portal_devices import MAIJA, PEKKA
from tests.fakes.portal_house import PortalHouse
from tests.room.test_portal_newsletter import ISSUE, newsletters, sender, subscribed

READER_ID = "rdr_before"
LETTER = Letter(subject="Do you want it?", text="Press the button.")


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[PortalHouse]:
    async with erasing_house(tmp_path) as (running, _):
        yield running


@pytest.mark.clause("C7-07")
async def test_what_was_sent_to_a_reader_is_the_accounts_and_the_key_from_before_is_gone(house: PortalHouse) -> None:
    await subscribed(house, MAIJA)
    (reader,) = await house.records.find(Subscription)
    await sender(house).send(ISSUE)
    await house.register(MAIJA)
    account = await house.account(MAIJA)
    sent = [each for each in await house.records.find(Delivery) if each.address == MAIJA]
    assert {each.kind for each in sent} == {DeliveryKind.ACTIVATION, DeliveryKind.NEWSLETTER}
    assert {(each.account_id, each.person_id) for each in sent} == {(account.id, account.id)}
    assert ISSUE.text in (await newsletters(house, MAIJA))[0].text, "what waits still goes out"
    assert house.portal.keyring is not None
    assert await house.portal.keyring.was_destroyed(reader.reader_id)


async def test_the_same_words_reach_a_reader_once_who_opens_an_account_in_between(house: PortalHouse) -> None:
    await subscribed(house, MAIJA)
    assert await sender(house).send(ISSUE) == 1
    await house.register(MAIJA)
    assert await sender(house).send(ISSUE) == 0


async def test_a_new_account_takes_no_line_of_consent_from_who_had_its_mailbox_before(house: PortalHouse) -> None:
    token = await house.customer(PEKKA)
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    pekka = await house.account(PEKKA)
    await house.records.change_one(Account, is_("id", pekka.id), email="pekka.new@example.org")
    await house.register(PEKKA)
    assert await house.records.count(Consent, is_("account_id", pekka.id)) == 1
    assert house.portal.keyring is not None
    assert not await house.portal.keyring.was_destroyed(pekka.id)


async def with_a_reader(records: Records) -> None:
    """Store a reader without account, with the consent and a mail that came with it, and an account of that mailbox."""
    now = ManualClock().now()
    mine: dict[str, Any] = {"account_id": READER_ID, "person_id": READER_ID}
    letter = Delivery.of(
        LETTER, kind=DeliveryKind.ACTIVATION, person_id=READER_ID, address=MAIJA, now=now, useful=timedelta(minutes=1)
    )
    await records.add_all(
        [
            Account(id=MAIJA_ID, email=MAIJA, created_at=now),
            Subscription(
                id="sub_1", account_id=READER_ID, reader_id=READER_ID, email=MAIJA, language="en", created_at=now,
                state=SubscriptionState.CONFIRMED, leave_token="way out",
            ),
            Consent(
                id=derived_id("cns", "sub_1", ConsentStep.GIVEN), kind=ConsentKind.NEWSLETTER, step=ConsentStep.GIVEN,
                by=ConsentBy.LINK, wording_version="1", wording_hash="h", language="en", policy_version="1", at=now,
                **mine,
            ),
            letter,
            Attempt(
                id="att_1", delivery_id=letter.id, number=1, provider="smtp", started_at=now, **mine,
            ),
        ]
    )  # fmt: skip


async def test_whoever_dies_while_a_newsletter_becomes_the_accounts_another_finishes_it(tmp_path: Path) -> None:
    async def build() -> Ground:
        ground = in_memory(tmp_path)
        await with_a_reader(ground.records)
        return ground

    async def run(ground: Ground, fuse: Fuse) -> None:
        account = await ground.records.get(Account, MAIJA_ID)
        assert account is not None
        await adopt_subscription(DyingRecords(ground.records, fuse), ground.keyring, account)

    async def check(ground: Ground) -> None:
        (reader,) = await ground.records.find(Subscription)
        assert (reader.reader_id, reader.email, reader.leave_token) == (MAIJA_ID, MAIJA, "way out")
        (line,) = await ground.records.find(Consent)
        (letter,) = await ground.records.find(Delivery)
        (attempt,) = await ground.records.find(Attempt)
        for each in (line, letter, attempt):
            assert (each.account_id, each.person_id) == (MAIJA_ID, MAIJA_ID), each.collection
        assert (letter.address, letter.text) == (MAIJA, LETTER.text)
        assert await ground.keyring.was_destroyed(READER_ID)

    assert await every_crash_point(build, run, check) >= 8
