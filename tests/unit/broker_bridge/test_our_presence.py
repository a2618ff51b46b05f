"""Since when the bridge has been listening without a break."""

from datetime import timedelta

import pytest

from broker_bridge.our_presence import OurPresence
from isocket.domain.listening import BRIDGE, RENEWED_EVERY_S, Listening
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import StoreUnavailableError
from isocket.storage.records import StoredRecords
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.full_disk import FullDisk


async def listened(*steps: tuple[float, bool]) -> Listening:
    """Let seconds pass and the bridge look, in turn; return what is on record."""
    clock, records = ManualClock(), StoredRecords(MemoryDocuments())
    await records.prepare()
    presence = OurPresence(records, clock)
    for seconds, heard in steps:
        await clock.advance(seconds)
        await presence.note(heard=heard)
    found = await records.get(Listening, BRIDGE)
    assert found is not None
    return found


async def test_while_we_hear_the_record_is_renewed() -> None:
    on_record = await listened((0, True), *[(1, True)] * 10)
    assert on_record.since == NOON
    assert on_record.until == NOON + timedelta(seconds=10)


async def test_after_a_lost_broker_it_begins_anew() -> None:
    on_record = await listened((0, True), (1, False), (1, True))
    assert on_record.since == NOON + timedelta(seconds=2)


async def test_a_process_that_stood_still_begins_anew() -> None:
    on_record = await listened((0, True), (60, True))
    assert on_record.since == NOON + timedelta(seconds=60)


async def test_after_a_time_in_which_nothing_could_be_stored_it_begins_anew() -> None:
    clock, records = ManualClock(), FullDisk()
    await records.prepare()
    presence = OurPresence(records, clock)
    await presence.note(heard=True)
    records.is_full = True
    for _ in range(5):
        await clock.advance(1)
        if clock.monotonic_s() < RENEWED_EVERY_S:
            await presence.note(heard=True)
    with pytest.raises(StoreUnavailableError):
        await presence.note(heard=True)
    records.is_full = False
    await clock.advance(1)
    await presence.note(heard=True)
    found = await records.get(Listening, BRIDGE)
    assert found is not None
    assert found.since == NOON + timedelta(seconds=6)
