"""What a socket itself calls an alarm: of which thermometer, how low a battery, what was pressed and let go."""

import pytest

from isocket.domain.incidents import Cause, Happening, IncidentState
from isocket.domain.reports import Report, ReportKind
from tests.fakes.judged_house import JudgedHouse, judged_house


@pytest.fixture
async def house() -> JudgedHouse:
    return await judged_house(battery_low_pct=[50, 20])


def said(house: JudgedHouse, cause: str, *, active: bool) -> Report:
    return house.report(ReportKind.ALARM, {"cause": cause, "active": active})


async def test_an_alarm_that_names_no_thermometer_is_of_the_first(house: JudgedHouse) -> None:
    await house.alarm("temp_high", value=31.0)
    await house.alarm("temp_high", probe=0, active=False)
    found = await house.only(Cause.TEMP_HIGH)
    assert (found.probe, found.state) == (0, IncidentState.CLOSED)


async def test_a_battery_that_the_socket_itself_calls_lower_is_noted_once_for_each_threshold(
    house: JudgedHouse,
) -> None:
    for pct in (45, 19, 15):
        await house.alarm("battery_low", value=pct)
    found = await house.only(Cause.BATTERY_LOW)
    assert found.value == 19
    assert (await house.timeline(found)).count((Happening.NOTE, "deeper")) == 1


async def test_a_test_that_was_let_go_at_once_is_told_beside_another_alarm_too(house: JudgedHouse) -> None:
    await house.tell(
        said(house, "mains_lost", active=True), said(house, "test", active=True), said(house, "test", active=False)
    )
    found = await house.only(Cause.TEST)
    assert (found.state, found.needs_step) == (IncidentState.OPEN, True)


async def test_a_test_that_is_let_go_later_ends_though_another_alarm_begins_in_that_moment(house: JudgedHouse) -> None:
    await house.alarm("test")
    await house.tell(said(house, "mains_lost", active=True), said(house, "test", active=False))
    assert (await house.only(Cause.TEST)).state is IncidentState.CLOSED
