"""What fits by the thousand is removed in steps that no alarm has to wait for long."""

from typing import Any

import pytest

from isocket.domain.accounts import Bucket
from isocket.domain.authority_cases import HandedPage
from isocket.domain.holds import HeldCopy
from isocket.domain.record import Record
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import FEW, PAGE, remove_every
from isocket.storage.records import StoredRecords
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
