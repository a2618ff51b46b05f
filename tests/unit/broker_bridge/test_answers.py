"""What a device says of its commands and settings settles what is stored, however late, and in whatever order."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from broker_bridge.answers import Answers
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.domain.reports import ClockQuality, Order, Report, ReportKind
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from tests.fakes.clock import NOON, ManualClock


@pytest.fixture
def records() -> StoredRecords:
    return StoredRecords(MemoryDocuments())


@pytest.fixture
def answers(records: StoredRecords) -> Answers:
    return Answers(records, ManualClock())


def reported(order: Order) -> Report:
    return Report("d1", ReportKind.REPORTED, *order, 0, 0, ClockQuality.DEVICE, "{}", {})


@pytest.mark.parametrize(
    ("said", "newest"),
    [
        ([(1, 5), (1, 3)], (1, 5)),
        ([(2, 1), (1, 9)], (2, 1)),
        ([(1, 5), (1, 6)], (1, 6)),
        ([(1, 5), (2, 1)], (2, 1)),
        ([(1, 5), (1, 5)], (1, 5)),
    ],
)
async def test_an_older_word_about_settings_replaces_no_newer_one(
    records: StoredRecords, answers: Answers, said: list[Order], newest: Order
) -> None:
    await records.add(Device(id="d1", model="m", secret_hash="", claim_hash="", provisioned_at=NOON))
    for order in said:
        await answers.settings_reported("d1", {"mains_delay_s": list(order)}, reported(order))
    device = await records.get(Device, "d1")
    assert device is not None
    assert device.reported == {"mains_delay_s": list(newest)}
    assert (device.reported_boot, device.reported_seq) == newest


def command(status: CommandStatus, ended_at: datetime | None = None) -> Command:
    return Command(
        id="cmd_1", device_id="d1", account_id="acc", name="on", status=status, created_at=NOON,
        expires_at=NOON + timedelta(seconds=30), ended_at=ended_at,
    )  # fmt: skip


@pytest.mark.parametrize("status", [CommandStatus.QUEUED, CommandStatus.SENT, CommandStatus.EXPIRED])
async def test_an_answer_settles_a_command_also_one_that_was_taken_for_expired(
    records: StoredRecords, answers: Answers, status: CommandStatus
) -> None:
    await records.add(command(status))
    at = NOON + timedelta(seconds=29)
    await answers.command_answered("d1", {"id": "cmd_1", "result": "failed", "error": "no relay"}, at)
    settled = await records.get(Command, "cmd_1")
    assert settled is not None
    assert (settled.status, settled.error, settled.ended_at) == (CommandStatus.FAILED, "no relay", at)


async def test_nobody_answers_for_another_device_nor_a_second_time(records: StoredRecords, answers: Answers) -> None:
    before = command(CommandStatus.EXECUTED, NOON)
    await records.add(before)
    await answers.command_answered("d1", {"id": "cmd_1", "result": "failed"}, NOON + timedelta(seconds=1))
    assert await records.get(Command, "cmd_1") == before
    await records.add(replace(command(CommandStatus.SENT), id="cmd_2"))
    await answers.command_answered("d2", {"id": "cmd_2", "result": "executed"}, NOON)
    other = await records.get(Command, "cmd_2")
    assert other is not None
    assert other.status is CommandStatus.SENT
