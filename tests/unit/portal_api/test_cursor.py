"""A cursor brings back its place, and anything else is refused."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocket.domain.problems import Problem
from isocket.kit.clock import from_ms
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from portal_api.cursor import decode, encode, page_of
from portal_api.problem import ProblemError

TEXT = st.text(st.characters(codec="utf-8"), max_size=100)


@given(st.none() | TEXT | st.integers(-(2**63), 2**63) | st.integers(0, 10**14).map(from_ms), TEXT)
def test_a_cursor_brings_back_its_place(value: str | int | datetime | None, record_id: str) -> None:
    assert decode(encode(value, record_id)) == (value, record_id)


@pytest.mark.parametrize(
    "text",
    ["nonsense", "%%%", "A" * 3000, "é"]
    + [
        base64.urlsafe_b64encode(json.dumps(each).encode()).decode()
        for each in (1, [], [{}, "id"], [{"v": []}, "id"], [{"v": 1}, 2], [{"t": "x"}, "id"], [{"t": 1e99}, "id"])
    ],
)
def test_anything_else_is_refused_naming_the_cursor(text: str) -> None:
    with pytest.raises(ProblemError) as refused:
        decode(text)
    assert refused.value.problem.errors[0].field == "cursor"


def _refusal(number: int, at: datetime) -> Problem:
    return Problem(id=f"pro_{number}", device_id="dev_1", at=at, topic_kind="state", reason="not JSON")


async def test_pages_hold_everything_once_even_where_the_order_value_repeats() -> None:
    records = StoredRecords(MemoryDocuments())
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    stored = [_refusal(n, noon + timedelta(seconds=n // 3)) for n in range(10)]
    await records.add_all(stored)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        shown, cursor = await page_of(records, Problem, cursor=cursor, limit=4, order_by="at", descending=True)
        seen += [each.id for each in shown]
        if cursor is None:
            break
    assert sorted(seen) == sorted(each.id for each in stored)


async def test_a_cursor_of_another_order_is_refused() -> None:
    records = StoredRecords(MemoryDocuments())
    with pytest.raises(ProblemError):
        await page_of(records, Problem, cursor=encode("text", "id"), limit=4, order_by="at")
