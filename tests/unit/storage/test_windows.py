"""What is gathered of parts is what would have been gathered of all at once."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from isocket.storage.windows import Gathered, merged, take

VALUES = st.one_of(st.none(), st.booleans(), st.integers(-40, 120), st.sampled_from([0.5, -12.25, 21.75]))
REPORTS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc"), VALUES), max_size=12)


def gathered(reports: list[tuple[int, str, Any]]) -> Gathered:
    made: Gathered = {}
    for at_ms, name, value in reports:
        take(made, name, value, at_ms)
    return made


@given(parts=st.lists(REPORTS, min_size=1, max_size=8))
def test_parts_make_what_all_of_it_makes(parts: list[list[tuple[int, str, Any]]]) -> None:
    whole = gathered([report for part in parts for report in part])
    assert merged([gathered(part) for part in parts]) == whole


def test_of_two_of_the_same_moment_the_later_in_the_sequence_counts_as_the_last() -> None:
    assert merged([gathered([(5, "a", True)]), gathered([(5, "a", False)])]) == {"a": [5, False]}


def test_what_came_late_is_not_the_last_but_counts() -> None:
    assert merged([gathered([(9, "a", 4)]), gathered([(2, "a", 8)])]) == {"a": [9, 4, 2, 12, 4, 8]}


def test_a_field_that_never_had_a_value_stays_without_one() -> None:
    assert merged([gathered([(1, "a", None)]), gathered([(2, "a", None)])]) == {"a": None}
