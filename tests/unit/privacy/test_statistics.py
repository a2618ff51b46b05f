"""Figures that tell of nobody: what is told, and what whoever knows everybody else can find out from it."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocket.domain.statistics import (
    BLUR,
    FEWEST,
    LEAK,
    LEAST_TOLD,
    ROUNDED_TO,
    SLIP,
    blur,
    release_id,
    table_of,
    told,
)
from privacy.statistics import CELLS, MOST_CELLS, SELDOM, WHOLE, is_first_of_a_quarter, week_of

WIDEST = 400
_RATIO = math.exp(-1 / BLUR)
WEEKS = 13  # of a quarter


class Loud:
    """Chance that adds as much as it can."""

    def __init__(self) -> None:
        self._next = 0.0

    def random(self) -> float:
        self._next = 1 - 1e-12 - self._next
        return self._next


@cache
def likelihood(count: int) -> dict[int | None, float]:
    """Return how likely each answer about a cell is, exactly."""
    found: dict[int | None, float] = {}
    for by in range(-WIDEST, WIDEST + 1):
        chance = _RATIO ** abs(by) * (1 - _RATIO) / (1 + _RATIO)
        answer = told(count, by)
        found[answer] = found.get(answer, 0.0) + chance
    return found


def test_chance_is_as_likely_as_is_said() -> None:
    chance = random.Random(7)
    drawn = [blur(chance) for _ in range(20_000)]
    assert abs(sum(drawn)) / len(drawn) < 0.2
    for by in (0, 1, 5):
        expected = _RATIO**by * (1 - _RATIO) / (1 + _RATIO)
        assert abs(drawn.count(by) / len(drawn) - expected) < 0.01
        assert abs(drawn.count(-by) / len(drawn) - expected) < 0.01


@pytest.mark.clause("C2-16", "C3-16", "C6-19")
@given(st.integers(0, FEWEST - 1), st.integers(-1000, 1000))
def test_fewer_than_ten_are_never_told_of_whatever_chance_says(count: int, by: int) -> None:
    assert told(count, by) is None


@pytest.mark.clause("C3-16", "C6-19")
@pytest.mark.parametrize("count", [0, 8, 9, 10, 11, 30, LEAST_TOLD - 1, LEAST_TOLD, 60, 100, 199])
def test_one_customer_more_or_fewer_makes_no_answer_much_likelier(count: int) -> None:
    """The definition of differential privacy, added up over every answer that there is (Dwork and Roth 2014, 2.4)."""
    for one, other in ((likelihood(count), likelihood(count + 1)), (likelihood(count + 1), likelihood(count))):
        over = sum(max(0.0, chance - math.exp(LEAK) * other.get(answer, 0.0)) for answer, chance in one.items())
        assert over <= SLIP


def guesses_right(cells: int, releases: int, *, tries: int = 400, seed: int = 11) -> float:
    """Return how often an attacker is right about one customer who knows all others and every figure ever told.

    In half of the tries the customer is in these cells of each release. The attacker says whichever is likelier.
    """
    chance, right = random.Random(seed), 0
    for number in range(tries):
        there = number % 2
        score = 0.0
        for _ in range(cells * releases):
            others = chance.randrange(5, 150)
            answer = told(others + there, blur(chance))
            with_them, without = (likelihood(each).get(answer, 1e-12) for each in (others + 1, others))
            score += math.log(with_them) - math.log(without)
        right += (score > 0) == bool(there) if score else number % 4 < 2
    return right / tries


@pytest.mark.clause("C2-16", "C3-16", "C6-19")
def test_whoever_knows_everybody_else_and_takes_all_tables_of_a_week_together_is_hardly_ahead_of_chance() -> None:
    assert guesses_right(sum(MOST_CELLS.values()), 1) < 0.66


@pytest.mark.clause("C3-16", "C6-19")
def test_what_changes_little_is_hidden_from_the_difference_and_the_mean_of_a_years_figures_too() -> None:
    seldom = sum(MOST_CELLS[name] for name in SELDOM)
    assert guesses_right(seldom, 4) < 0.68
    assert guesses_right(1, 52) < 0.75, "one who has the same alarm in every week of a year"


@pytest.mark.clause("C2-16")
def test_a_table_tells_round_numbers_and_holds_its_cells_whether_anybody_is_in_them_or_not() -> None:
    counts = dict.fromkeys(CELLS["alarms"], 0) | {"mains_lost": 800, "offline": 9}
    figures = table_of(counts, random.Random(3), whole=False)
    assert tuple(figures) == CELLS["alarms"]
    assert {name for name, figure in figures.items() if figure is not None} == {"mains_lost"}
    shown = figures["mains_lost"]
    assert shown is not None
    assert shown % ROUNDED_TO == 0
    assert abs(shown - 800) < 100


@pytest.mark.clause("C3-16", "C6-19")
def test_a_single_cell_that_is_withheld_takes_the_least_of_the_others_with_it() -> None:
    counts = {"0": 3, "1": 300, "2": 500, "3 or more": 900}
    figures = table_of(counts, random.Random(5), whole=True)
    assert [name for name, figure in figures.items() if figure is None] == ["0", "1"]
    assert [name for name, figure in table_of(counts, random.Random(5), whole=False).items() if figure is None] == ["0"]
    assert CELLS.keys() > WHOLE
    assert not any("total" in cell or "all" in cell for cells in CELLS.values() for cell in cells)


def test_even_the_loudest_chance_tells_of_no_small_group() -> None:
    assert set(table_of(dict.fromkeys("abc", 9), Loud(), whole=True).values()) == {None}


@pytest.mark.parametrize(
    ("day", "monday"),
    [((2026, 11, 22), (2026, 11, 16)), ((2026, 11, 23), (2026, 11, 23)), ((2027, 1, 1), (2026, 12, 28))],
)
def test_a_week_begins_on_monday(day: Sequence[int], monday: Sequence[int]) -> None:
    moment = datetime(*day, 23, 59, tzinfo=UTC)  # type: ignore[misc, arg-type]
    assert week_of(moment) == datetime(*monday, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_each_quarter_has_one_week_in_which_everything_is_told() -> None:
    monday = datetime(2025, 12, 29, tzinfo=UTC)
    weeks = [monday + timedelta(days=7 * number) for number in range(52 * 4)]
    told_in = [each for each in weeks if is_first_of_a_quarter(each)]
    assert len(told_in) == 16
    between = {(later - earlier).days // 7 for earlier, later in pairwise(told_in)}
    assert between <= {WEEKS - 1, WEEKS, WEEKS + 1}
    assert release_id(monday) == "sta_2026-W01"
