"""Counting requests in a process: how many at once, how they come back, and what is forgotten."""

from portal_api import pace
from portal_api.limits import Rate
from portal_api.pace import Pace, headers_of
from tests.fakes.clock import ManualClock

TEN_A_MINUTE = Rate(name="account", tries=10, per_s=60)


async def test_all_at_once_and_then_one_every_so_often() -> None:
    clock = ManualClock()
    counting = Pace(clock)
    standings = [counting.take(TEN_A_MINUTE, "a") for _ in range(11)]
    assert [each.remaining for each in standings if each] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert [each.wait_s > 0 for each in standings if each] == [False] * 10 + [True]
    for _ in range(3):
        await clock.advance(6)
        again = [counting.take(TEN_A_MINUTE, "a") for _ in range(2)]
        assert [each.wait_s > 0 for each in again if each] == [False, True]


async def test_one_does_not_count_for_another() -> None:
    counting = Pace(ManualClock())
    for _ in range(11):
        counting.take(TEN_A_MINUTE, "a")
    other = counting.take(TEN_A_MINUTE, "b")
    assert other is not None
    assert other.remaining == 9


async def test_without_a_number_there_is_no_limit_and_no_header() -> None:
    assert Pace(ManualClock()).take(Rate(name="token", tries=0, per_s=60), "a") is None
    assert headers_of([]) == {}


async def test_whoever_was_quiet_longest_is_forgotten_first() -> None:
    counting = Pace(ManualClock())
    for number in range(pace.MOST_KEPT + 1):
        counting.take(TEN_A_MINUTE, str(number))
    assert len(counting._free_at) == pace.MOST_KEPT
    assert ("account", "0") not in counting._free_at
