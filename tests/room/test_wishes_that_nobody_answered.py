"""Who never answered the mail that asks whether it was them: no key opens what was written to them, in no backup."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from isocket.domain.accounts import Registration
from isocket.domain.consents import Subscription
from isocket.domain.deliveries import Delivery
from isocket.storage.port import is_
from privacy.retention import Retention
from tests.fakes.erasing_house import Ground, erasing_house
from tests.fakes.portal_devices import MAIJA
from tests.fakes.portal_house import PASSWORD, PortalHouse

Houses = tuple[PortalHouse, Ground]
DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


async def ask_for_an_account(house: PortalHouse) -> str:
    """Ask for an account; return the id of who did."""
    asked = await house.ask("POST", "/accounts", {"username": MAIJA, "password": PASSWORD})
    assert asked.status == 202
    (wish,) = await house.records.find(Registration)
    return wish.account_id


async def ask_for_the_newsletter(house: PortalHouse) -> str:
    """Ask for the newsletter; return the id of who did."""
    assert (await house.ask("POST", "/newsletter", {"email": MAIJA})).status == 202
    (wish,) = await house.records.find(Subscription)
    return wish.reader_id


async def sweep(houses: Houses) -> None:
    house, ground = houses
    await Retention(records=house.records, clock=house.clock, keyring=ground.keyring).sweep()


async def test_of_who_never_answered_no_key_is_left_when_the_wish_is_over(houses: Houses) -> None:
    house, ground = houses
    persons = [await ask_for_an_account(house), await ask_for_the_newsletter(house)]
    await house.clock.advance(timedelta(days=4).total_seconds())
    await sweep(houses)
    for person in persons:
        assert await ground.keyring.was_destroyed(person)
        written = await house.records.find(Delivery, is_("person_id", person))
        assert {(each.address, each.text) for each in written} == {("", "")}
    assert [await house.records.count(kind) for kind in (Registration, Subscription)] == [0, 0]


async def test_who_asked_once_more_or_answered_keeps_the_key(houses: Houses) -> None:
    house, ground = houses
    person = await ask_for_an_account(house)
    old = (await house.records.find(Registration))[0]
    await house.records.add(
        Registration(id="again", account_id=person, email=MAIJA, expires_at=old.expires_at + 2 * DAY)
    )
    await house.clock.advance((old.expires_at - house.clock.now() + DAY).total_seconds())
    await sweep(houses)
    (left,) = await house.records.find(Registration)
    assert (left.id, left.email) == ("again", MAIJA)
    reader = await ask_for_the_newsletter(house)
    await house.ask("POST", "/newsletter/confirm", {"token": await house.link_token(MAIJA)})
    await house.clock.advance(timedelta(days=30).total_seconds())
    await sweep(houses)
    assert await ground.keyring.was_destroyed(person)
    assert (await house.records.find(Subscription))[0].email == MAIJA
    assert not await ground.keyring.was_destroyed(reader)
    assert await house.customer(MAIJA), "the mailbox begins anew"
