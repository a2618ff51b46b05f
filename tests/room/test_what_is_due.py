"""Lanes that have nothing to do ask the store once for all of them, and are late for nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from alerts.due import FRESH_S, Due
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, Urgency, lane_name
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records, StoreUnavailableError
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups, queue_bell
from tests.fakes.alert_house import AlertHouse

LANE = queue_bell(Delivery.collection, lane_name(Urgency.ORDINARY, ChannelKind.SMS))


class Counting:
    """Records that count what is asked of them."""

    def __init__(self, inner: Records) -> None:
        self._inner = inner
        self.asked = 0
        self.fails = False

    async def find(self, *args: Any, **more: Any) -> Any:
        self.asked += 1
        if self.fails:
            raise StoreUnavailableError("not now")
        await asyncio.sleep(0)  # a real store may have others go on meanwhile
        return await self._inner.find(*args, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def a_house() -> tuple[AlertHouse, Due, Counting]:
    wakeups = Wakeups()
    house = await AlertHouse(records=StoredRecords(MemoryDocuments(), wakeups)).furnish()
    records = Counting(house.records)
    return house, Due(records=records, clock=house.clock, bell=wakeups.bell(LANE)), records


async def test_many_who_look_in_the_same_moment_ask_once() -> None:
    _, due, records = await a_house()
    assert [await due.is_anything() for _ in range(10)] == [False] * 10
    assert records.asked == 1


async def test_what_this_process_stores_is_known_at_once() -> None:
    house, due, _ = await a_house()
    assert not await due.is_anything()
    await house.delivery()
    assert await due.is_anything()


async def test_what_becomes_due_is_known_a_moment_later() -> None:
    house, due, _ = await a_house()
    await house.delivery(due_at=house.clock.now() + timedelta(seconds=FRESH_S / 2))
    assert not await due.is_anything()
    await house.clock.advance(FRESH_S)
    assert await due.is_anything()


async def test_two_whom_one_commit_woke_both_hear_of_it() -> None:
    house, due, records = await a_house()
    assert not await due.is_anything()
    await house.delivery()
    assert await asyncio.gather(due.is_anything(), due.is_anything()) == [True, True]
    assert records.asked == 2


async def test_what_rang_before_a_question_that_failed_is_asked_again() -> None:
    house, due, records = await a_house()
    assert not await due.is_anything()
    await house.delivery()
    records.fails = True
    with pytest.raises(StoreUnavailableError):
        await due.is_anything()
    records.fails = False
    assert await due.is_anything()
