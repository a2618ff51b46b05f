"""Short codes: easy to read out, and nothing else can be meant by them."""

from itertools import islice
from typing import Any

from alerts.short_codes import MOST_TRIES, free_code, short_codes
from isocket.domain.incidents import Cause, Incident, Severity
from isocket.kit.clock import EPOCH
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Test
from isocket.storage.records import StoredRecords


def test_no_code_can_be_mistaken_for_a_word_or_another_code() -> None:
    codes = list(short_codes("inc_a"))
    assert len(set(codes)) == len(codes) == 24 * 24 * 8
    assert all(code[:2].isalpha() and code[2].isdigit() and not set(code) & set("IO01") for code in codes)


def test_the_same_incident_asks_for_the_same_codes() -> None:
    assert list(islice(short_codes("inc_a"), 5)) == list(islice(short_codes("inc_a"), 5))
    assert next(short_codes("inc_a")) != next(short_codes("inc_b"))


OTHER = Incident(
    id="inc_other", account_id="acc_a", device_id="d", cause=Cause.MAINS_LOST, severity=Severity.MAJOR,
    opened_at=EPOCH, detected_at=EPOCH,
)  # fmt: skip


class TakenCodes(StoredRecords):
    """A store in which open incidents of the account have these codes; it counts how often it is asked for one."""

    def __init__(self, taken: set[str]) -> None:
        super().__init__(MemoryDocuments())
        self.taken = taken
        self.asked = 0

    async def find(self, kind: Any, *tests: Test, **how: Any) -> list[Any]:
        self.asked += 1
        (code,) = (each.value for each in tests if each.field == "short_code")
        return [OTHER] if code in self.taken else []


async def test_where_all_codes_are_taken_few_are_asked_for() -> None:
    records = TakenCodes(set(short_codes("inc_a")))
    assert await free_code(records, "acc_a", "inc_b") == ""
    assert records.asked == MOST_TRIES


async def test_who_meets_a_row_of_taken_codes_soon_finds_a_free_one() -> None:
    every = sorted(short_codes("inc_a"))
    records = TakenCodes(set(every[: len(every) * 3 // 4]))
    found = [await free_code(records, "acc_a", f"inc_{number}") for number in range(100)]
    assert all(found)
    assert not set(found) & records.taken
    assert records.asked < 100 * 10
