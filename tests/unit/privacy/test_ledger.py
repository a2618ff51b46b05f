"""The ledger of erasures: what a line costs, and that there is one for each receipt."""

from pathlib import Path

import pytest

from privacy import ledger as module
from privacy.ledger import Ledger
from tests.fakes.clock import NOON


def test_a_line_is_added_once_and_those_before_it_are_not_taken_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path / "erasures.jsonl")
    ledger.note("era_10", "a" * 64, NOON)
    with monkeypatch.context() as while_noting:
        while_noting.setattr(module, "_lines", lambda _: pytest.fail("each line was read"))
        for erasure_id in ("era_1", "era_10", "era_1"):
            ledger.note(erasure_id, "b" * 64, NOON)
    assert [(each.erasure_id, each.tombstone[0]) for each in ledger.lines()] == [("era_10", "a"), ("era_1", "b")]
