"""Of a device's refused messages the newest are kept, whatever its server's clock does."""

from broker_bridge.problem_log import KEPT, ProblemLog
from isocket.domain.problems import Problem
from isocket.kit.clock import to_ms
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from tests.fakes.clock import NOON

A_MINUTE_MS = 60_000
A_DAY_MS = 86_400_000


async def test_what_was_refused_before_the_clock_was_set_back_crowds_out_nothing_newer() -> None:
    records, now_ms = StoredRecords(MemoryDocuments()), to_ms(NOON)
    problems = ProblemLog(records)
    for number in range(KEPT):
        await problems.add("isk-1", "state", "before", None, now_ms + A_DAY_MS + number * A_MINUTE_MS)
    await problems.add("isk-2", "state", "another's", None, now_ms + A_DAY_MS)
    for number in range(5):
        await problems.add("isk-1", "state", "since", None, now_ms + number * A_MINUTE_MS)
    newest = await records.find(Problem, order_by="at", descending=True)
    of_it = [each.reason for each in newest if each.device_id == "isk-1"]
    assert of_it[:5] == ["since"] * 5
    assert len(of_it) <= KEPT + 1
    assert len(newest) == len(of_it) + 1


async def test_a_clock_that_is_behind_for_a_moment_costs_no_refused_message() -> None:
    records, now_ms = StoredRecords(MemoryDocuments()), to_ms(NOON)
    problems = ProblemLog(records)
    for at_ms in (now_ms, now_ms + 1, now_ms - A_DAY_MS, now_ms + A_MINUTE_MS):
        await problems.add("isk-1", "state", "as it happens", None, at_ms)
    assert await records.count(Problem) == 4
