"""Incidents that no device rule owns: what is wrong with the people, or with reaching them."""

import pytest

from alerts.raising import close_raised, raise_incident, raised
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity
from tests.fakes.judged_house import DEVICE, OWNER, JudgedHouse, judged_house


@pytest.fixture
async def house() -> JudgedHouse:
    return await judged_house()


async def _raise(
    house: JudgedHouse, opener: str = "del_1", *, device_id: str = "", severity: Severity | None = None
) -> Incident:
    return await raise_incident(
        house.records,
        account_id=OWNER,
        device_id=device_id,
        cause=Cause.DELIVERY_BROKEN,
        opener=opener,
        now=house.clock.now(),
        severity=severity,
    )


async def test_what_is_wrong_with_an_account_opens_once_and_is_handed_to_the_ladder(house: JudgedHouse) -> None:
    first = await _raise(house)
    assert await _raise(house, "del_2") == first
    found = await house.only(Cause.DELIVERY_BROKEN)
    assert (found.device_id, found.account_id, found.needs_step) == ("", OWNER, True)
    assert found.short_code
    assert await house.timeline(found) == [(Happening.OPENED, "")]


async def test_the_same_opener_opens_no_second_one_when_the_first_is_over(house: JudgedHouse) -> None:
    first = await _raise(house)
    await close_raised(house.records, first, now=house.clock.now())
    assert (await _raise(house)).state is IncidentState.CLOSED
    assert (await _raise(house, "del_2")).state is IncidentState.OPEN


async def test_its_end_frees_the_key_and_is_for_the_record(house: JudgedHouse) -> None:
    await _raise(house)
    await house.climb()
    found = await raised(house.records, account_id=OWNER, cause=Cause.DELIVERY_BROKEN)
    assert found is not None
    for _ in range(2):  # a step may run twice
        await close_raised(house.records, found, now=house.clock.now())
    closed = await house.only(Cause.DELIVERY_BROKEN)
    assert (closed.state, closed.open_key, closed.needs_step) == (IncidentState.CLOSED, None, False)
    assert await raised(house.records, account_id=OWNER, cause=Cause.DELIVERY_BROKEN) is None
    assert await house.timeline(closed) == [(Happening.CLOSED, "over"), (Happening.OPENED, "")]


async def test_one_for_the_record_says_why_nobody_is_told(house: JudgedHouse) -> None:
    await _raise(house, severity=Severity.INFO)
    found = await house.only(Cause.DELIVERY_BROKEN)
    assert not found.needs_step
    assert (Happening.NOT_SENT, "information_only") in await house.timeline(found)


async def test_judging_the_device_leaves_what_others_raised_about_it_open(house: JudgedHouse) -> None:
    await _raise(house, device_id=DEVICE)
    await house.alarm("mains_lost", active=False)
    await house.state(mains=True)
    assert (await house.only(Cause.DELIVERY_BROKEN)).state is IncidentState.OPEN
