"""Questions that are asked together: one object for each way of asking, whatever the values."""

from collections.abc import Sequence

import pytest

from isocket.storage.asking import asked_together
from isocket.storage.codec import collection_of
from isocket.storage.port import Test, above, at_most, is_, is_not, one_of
from tests.contract.stores import Thing
from tests.fakes.clock import NOON

THINGS = collection_of(Thing)


def test_whoever_asks_in_the_same_way_gets_the_same_object_and_his_own_values() -> None:
    first, some = asked_together([(Thing, [is_("id", "a")]), (Thing, [one_of("rank", [1, 2])])])
    again, others = asked_together([(Thing, [is_("id", "b")]), (Thing, [one_of("rank", [3, 4])])])
    assert again is first
    assert (some, others) == (["a", 1, 2], ["b", 3, 4])


@pytest.mark.parametrize(
    "tests",
    [
        [is_not("id", "a")],
        [is_("code", "a")],
        [is_("id", None)],
        [one_of("id", ["a"])],
        [one_of("id", ["a", None])],
        [one_of("id", ["a", "b"])],
        [is_("id", "a"), is_("id", "a")],
        [],
    ],
    ids=["what", "field", "None", "one of", "or None", "how many", "twice", "nothing"],
)
def test_whoever_asks_otherwise_gets_another(tests: Sequence[Test]) -> None:
    shapes, _ = asked_together([(Thing, [is_("id", "a")])])
    assert asked_together([(Thing, tests)])[0] is not shapes


def test_the_questions_come_back_with_their_values() -> None:
    tests = [
        [is_("id", None), is_not("code", None), is_not("code", "x"), at_most("rank", None)],
        [one_of("code", []), one_of("code", ["a", "b"]), one_of("code", [None])],
        [],
        [above("rank", 3), one_of("code", ["c", None]), is_("id", "d")],
    ]
    assert again(tests) == [(THINGS, each) for each in tests]


def test_values_are_turned_into_what_documents_hold() -> None:
    _, values = asked_together([(Thing, [is_("id", "a"), at_most("due_at", NOON), is_("ready", True)])])
    assert values == ["a", "2026-11-22T12:00:00.000Z", True]


@pytest.mark.parametrize("test", [one_of("rang", []), is_("rang", 1), is_("rank", "one"), one_of("due_at", ["now"])])
def test_what_does_not_belong_there_is_refused_each_time(test: Test) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match=test.field):
            asked_together([(Thing, [is_("id", "a")]), (Thing, [test])])


def again(tests: Sequence[Sequence[Test]]) -> list[tuple[object, list[Test]]]:
    shapes, values = asked_together([(Thing, each) for each in tests])
    return [(collection, list(found)) for collection, found in shapes.questions(values)]
