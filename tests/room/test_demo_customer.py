"""The customer of the demonstration finds again what somebody changed who tried it out."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from isocket.app.demo_cast import USERNAME, Cast, Owner
from isocket.app.demo_customer import Customer
from isocket.domain.accounts import Account
from isocket.domain.deliveries import Delivery
from tests.fakes.portal_house import PortalHouse, portal_house


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house() as house:
        yield house


async def test_an_account_that_opens_no_more_as_printed_is_left_as_it_is(house: PortalHouse, tmp_path: Path) -> None:
    await house.register(USERNAME)
    before = (await house.records.find(Account), await house.records.count(Delivery))
    cast = Cast(owner=Owner(username=USERNAME, password="27q3-8gwq-zgb0-fd7g"), sockets=(), folder=tmp_path)
    origin = str(house.client.make_url("")).rstrip("/")
    async with Customer(origin=origin, cast=cast, records=house.records, clock=house.clock) as customer:
        assert await customer.settle_in() is False
    assert (await house.records.find(Account), await house.records.count(Delivery)) == before
