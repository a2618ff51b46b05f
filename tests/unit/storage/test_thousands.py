"""What fits by the thousand is removed or changed in steps that no alarm has to wait for long."""

from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.accounts import Bucket
from isocket.domain.authority_cases import HandedPage
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.holds import HeldCopy
from isocket.domain.incidents import Happening, TimelineEntry
from isocket.domain.record import Record
from isocket.storage import port
from isocket.storage.memory import MemoryDocuments
from isocket.storage.orders import call_off
from isocket.storage.port import FEW, PAGE, is_, remove_every
from isocket.storage.records import StoredRecords
from isocket.storage.sqlite import SqliteStore
from tests.fakes.clock import NOON

COPY = {"vault_id": "vlt_1", "source": "timeline", "record_id": "tl_1", "seen": 1, "content": "{}"}
RECORDS: list[tuple[type[Record], dict[str, Any], int]] = [
    (Bucket, {"tokens": 1.0, "refilled_at": NOON}, PAGE),
    (HandedPage, {"case_id": "case_1", "number": 1, "content": "{}", "expires_at": NOON}, FEW),
    (HeldCopy, {"hold_id": "hold_1", **COPY}, FEW),
]


@pytest.mark.parametrize(("kind", "said", "at_once"), RECORDS, ids=[kind.collection for kind, _, _ in RECORDS])
async def test_those_that_may_be_long_are_removed_few_at_a_time(
    kind: type[Record], said: dict[str, Any], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = StoredRecords(MemoryDocuments())
    await records.add_all([kind(id=f"r{number}", **said) for number in range(at_once + 3)])
    remove, removed = records.remove_all, list[int]()

    async def counted(kind: Any, *tests: Any, **named: Any) -> int:
        removed.append(await remove(kind, *tests, **named))
        return removed[-1]

    monkeypatch.setattr(records, "remove_all", counted)
    assert await remove_every(records, kind) == at_once + 3
    assert removed == [at_once, 3]


async def test_the_commands_of_whoever_may_not_any_more_are_called_off_some_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = StoredRecords(MemoryDocuments())
    whose = {"account_id": "acc_1", "name": "on", "created_at": NOON, "expires_at": NOON + timedelta(minutes=1)}
    states = [CommandStatus.QUEUED] * 25 + [CommandStatus.SENT] * 15
    await records.add_all(
        [Command(id=f"cmd_{at}", device_id=f"is-{at}", status=status, **whose) for at, status in enumerate(states)]
    )
    monkeypatch.setattr(port, "PAGE", 10)
    change, changed = records.change_all, list[int]()

    async def counted(kind: Any, *tests: Any, **changes: Any) -> int:
        changed.append(await change(kind, *tests, **changes))
        return changed[-1]

    monkeypatch.setattr(records, "change_all", counted)
    await call_off(records, "acc_1", NOON)
    assert changed == [10, 10, 5, 10, 5]
    assert {each.status for each in await records.find(Command)} == {CommandStatus.EXPIRED}


async def test_nothing_stays_where_another_removes_some_of_the_same_meanwhile(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = StoredRecords(store.documents)
    await records.prepare([TimelineEntry])
    said: dict[str, Any] = {"account_id": "acc_1", "incident_id": "inc_1", "at": NOON, "what": Happening.ASKED}
    await records.add_all([TimelineEntry(id=f"tl_{number:03}", **said) for number in range(PAGE + 3)])
    look = store.documents._fitting

    async def overtaken(*asked: Any, **named: Any) -> Any:
        found = await look(*asked, **named)
        monkeypatch.undo()
        await records.remove_all(TimelineEntry, is_("id", "tl_000"))
        return found

    monkeypatch.setattr(store.documents, "_fitting", overtaken)
    assert await remove_every(records, TimelineEntry, is_("account_id", "acc_1")) == PAGE + 2
    assert await records.count(TimelineEntry) == 0
