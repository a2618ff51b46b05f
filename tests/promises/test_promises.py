"""No clause of the policy is forgotten, and none is said to be proved that is not."""

from collections import Counter

import pytest

from tests.promises.clauses import CLAUSES, Clause, Stand
from tests.promises.document import PAGE, marked, page, proofs

NUMBERS = {"P": 5, "C1": 22, "C2": 30, "C3": 16, "C4": 4, "C5": 18, "C6": 19, "C7": 19, "C8": 9, "C9": 7}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "say `make promises`"


def test_every_clause_stands_in_the_table_once_and_in_its_order() -> None:
    expected = [f"{part}-{number:02}" for part, last in NUMBERS.items() for number in range(1, last + 1)]
    assert [each.id for each in CLAUSES] == expected


def test_no_test_is_marked_with_a_clause_that_does_not_exist() -> None:
    assert {name: found for name, found in proofs().items() if name not in {each.id for each in CLAUSES}} == {}


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_a_clause_is_said_to_be_proved_where_a_test_proves_it_and_nowhere_else(clause: Clause) -> None:
    assert (clause.id in proofs()) == (clause.stand is Stand.BUILT), clause
    assert clause.promise
    assert clause.how
    assert "|" not in clause.promise + clause.how


def test_marks_are_read_off_functions_classes_and_modules() -> None:
    source = """
pytestmark = [pytest.mark.house, pytest.mark.clause("P-01")]
@pytest.mark.clause("P-02", "P-03")
async def test_one(): ...
@pytest.mark.clause("P-04")
class TestTwo:
    @pytest.mark.clause("P-05")
    def test_three(self): ...
@pytest.mark.clause("C1-01")
def no_test(): ...
"""
    found = Counter((proof.test, name) for name, proof in marked(source, "test_x.py"))
    assert found == Counter(
        [
            ("test_one", "P-01"), ("test_one", "P-02"), ("test_one", "P-03"),
            ("test_three", "P-01"), ("test_three", "P-04"), ("test_three", "P-05"),
        ]
    )  # fmt: skip
