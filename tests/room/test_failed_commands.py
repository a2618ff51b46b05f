"""Commands that came to nothing become an incident of their socket's owner."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.failed_commands import FailedCommands
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening, IncidentState, Severity
from isocket.storage.port import is_
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.judged_house import DEVICE, OWNER, JudgedHouse, judged_house


@pytest.fixture
async def house() -> JudgedHouse:
    return await judged_house()


async def command(house: JudgedHouse, status: CommandStatus, name: str = "cmd_1", **changes: Any) -> Command:
    now = house.clock.now()
    values: dict[str, Any] = {
        "id": name,
        "device_id": DEVICE,
        "account_id": OWNER,
        "name": "on",
        "status": status,
        "created_at": now - timedelta(seconds=20),
        "expires_at": now,
        "ended_at": now,
    }
    made = Command(**{**values, **changes})
    await house.records.add(made)
    return made


async def look(house: JudgedHouse) -> None:
    worker = FailedCommands(records=house.records, telemetry=house.telemetry, clock=house.clock)
    while await worker.step():
        pass
    await house.settle()


@pytest.mark.parametrize("status", [CommandStatus.FAILED, CommandStatus.REJECTED])
async def test_a_command_that_failed_opens_an_incident_at_once(house: JudgedHouse, status: CommandStatus) -> None:
    await command(house, status)
    await look(house)
    found = await house.only(Cause.COMMAND_FAILED)
    assert (found.account_id, found.severity, found.needs_step) == (OWNER, Severity.MAJOR, True)


async def test_one_that_expired_waits_a_little_for_an_answer_that_is_late(house: JudgedHouse) -> None:
    await command(house, CommandStatus.EXPIRED)
    await look(house)
    assert not await house.incidents()
    await house.clock.advance(30)
    await look(house)
    assert await house.open(Cause.COMMAND_FAILED)


async def test_an_answer_that_came_late_but_in_time_leaves_nothing_to_tell(house: JudgedHouse) -> None:
    made = await command(house, CommandStatus.EXPIRED)
    await house.clock.advance(5)
    await house.records.change_one(Command, is_("id", made.id), status=CommandStatus.EXECUTED)
    await house.clock.advance(60)
    await look(house)
    assert not await house.incidents()


async def test_it_ends_by_itself_also_at_a_socket_that_was_never_heard(house: JudgedHouse) -> None:
    await command(house, CommandStatus.FAILED)
    await look(house)
    await house.let_pass(901)
    found = await house.only(Cause.COMMAND_FAILED)
    assert found.state is IncidentState.CLOSED
    assert (Happening.CLOSED, "ends_by_itself") in await house.timeline(found)


async def test_further_ones_are_noted_where_one_is_open(house: JudgedHouse) -> None:
    await command(house, CommandStatus.FAILED)
    await command(house, CommandStatus.REJECTED, "cmd_2")
    await look(house)
    found = await house.only(Cause.COMMAND_FAILED)
    assert (Happening.NOTE, "another_command_failed") in await house.timeline(found)


async def test_reports_of_the_socket_neither_end_nor_double_it(house: JudgedHouse) -> None:
    await command(house, CommandStatus.FAILED)
    await look(house)
    await house.alarm("mains_lost")
    await house.state(mains=False)
    assert (await house.only(Cause.COMMAND_FAILED)).state is IncidentState.OPEN


async def test_what_came_to_nothing_long_ago_or_under_another_owner_is_history(house: JudgedHouse) -> None:
    now = house.clock.now()
    await command(house, CommandStatus.FAILED, ended_at=now - timedelta(hours=2))
    await command(house, CommandStatus.FAILED, "cmd_2", created_at=now - timedelta(days=60))
    await look(house)
    await house.records.change_one(Device, is_("id", DEVICE), owner_id=None)
    await command(house, CommandStatus.FAILED, "cmd_3")
    await look(house)
    assert not await house.incidents()


async def test_the_owner_may_want_it_for_the_record_only() -> None:
    house = await judged_house(severities={"command_failed": "info"})
    await command(house, CommandStatus.FAILED)
    await look(house)
    assert not (await house.only(Cause.COMMAND_FAILED)).needs_step


async def test_a_death_at_any_verb_neither_loses_nor_doubles_it() -> None:
    async def build() -> JudgedHouse:
        house = await judged_house()
        await command(house, CommandStatus.FAILED)
        await command(house, CommandStatus.REJECTED, "cmd_2")
        return house

    async def run(house: JudgedHouse, fuse: Fuse) -> None:
        records, telemetry = DyingRecords(house.records, fuse), DyingTelemetry(house.telemetry, fuse)
        worker = FailedCommands(records=records, telemetry=telemetry, clock=house.clock)
        while await worker.step():
            pass

    async def check(house: JudgedHouse) -> None:
        await house.settle()
        found = await house.only(Cause.COMMAND_FAILED)
        assert await house.timeline(found) == [(Happening.NOTE, "another_command_failed"), (Happening.OPENED, "")]

    assert await every_crash_point(build, run, check) > 10
