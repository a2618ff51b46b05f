"""Questions to documents as SQL: conditions, orders, and which index leads to few rows.

Everything here depends on the shape of a question alone and not on the values that it asks for, so that the statements
made of it (see `sqlite_statements`) are made once.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from isocket.storage.documents import SHAPES, Collection, Shape
from isocket.storage.port import Op

FEW = 100  # rows that may be looked at on the event loop: about 1 ms
MANY = 100  # conditions that stand side by side


class Lead(NamedTuple):
    """An index that answers some of the tests, so that what it leads to can be counted and looked at."""

    by: str  # "INDEXED BY ..."
    places: tuple[int, ...]  # of the tests that it answers


def leads_of(collection: Collection, shape: Shape) -> list[Lead]:
    """Return the indexes that lead to what is asked for, those that answer most first."""
    leads: list[Lead] = []
    for group in (*collection.unique, *collection.indexed):
        answers: list[int] = []
        for field in group:
            same = _places(shape, field, (Op.IS,))
            answers += same or _places(shape, field, (Op.AT_MOST, Op.ABOVE))
            if not same:
                break
        if answers and shape[answers[0]][1] is Op.IS:
            leads.append(Lead(f"INDEXED BY {index_name(collection.name, group)}", tuple(answers)))
    return sorted(leads, key=lambda lead: -len(lead.places))


def _places(shape: Shape, field: str, ops: Sequence[Op]) -> list[int]:
    return [place for place, (asked, op, _) in enumerate(shape) if asked == field and op in ops]


def in_order(collection: Collection, shape: Shape, order_by: str) -> str:
    """Return how to find the first that fits without sorting all that do, "" where no index is in this order.

    SQLite would rather use an index that narrows by one more test, and sort what that leads to: a queue of thousands
    for each claim.
    """
    same = _named(shape)
    groups = [group for group in (*collection.unique, *collection.indexed) if order_by in group[1:]]
    fitting = [group for group in groups if same.issuperset(group[: group.index(order_by)])]
    if not fitting:
        return ""
    longest = max(fitting, key=lambda group: group.index(order_by))
    return f"INDEXED BY {index_name(collection.name, longest)}"


def surely_few(collection: Collection, shape: Shape) -> bool:
    """Tell whether the tests lead to few documents whatever is stored: by their ids, or by a unique group."""
    if any(_named(shape).issuperset(group) for group in (("id",), *collection.unique)):
        return True
    return any(field == "id" and op is Op.ONE_OF and number // 2 <= FEW for field, op, number in shape)


def names_id(shape: Shape) -> bool:
    """Tell whether the tests name one document by its id."""
    return "id" in _named(shape)


def _named(shape: Shape) -> set[str]:
    return {field for field, op, number in shape if op is Op.IS and number}


def condition_of(shape: Iterable[tuple[str, Op, int]]) -> str:
    """Return the tests joined by AND."""
    conditions = ["1"]
    for (field, op, number), same in groupby(shape):
        many = len(list(same))
        if op is Op.IS_NOT and number and many > 1:  # one by one, each row would be parsed for each that is left out
            name = field_of(field)
            conditions.append(f"({name} IS NULL OR {name} NOT IN ({', '.join('?' * many)}))")
        else:
            conditions += [_one_condition(field_of(field), op, number)] * many
    return _all_of(conditions)


def _all_of(conditions: Sequence[str]) -> str:
    """Join by AND, in halves where there are many: SQLite takes nothing that is nested a thousand deep."""
    if len(conditions) <= MANY:
        return " AND ".join(conditions)
    half = len(conditions) // 2
    return f"({_all_of(conditions[:half])}) AND ({_all_of(conditions[half:])})"


def places_of_values(shape: Shape, tests: Sequence[int]) -> list[int]:
    """Return where the values of some of the tests stand among those of all."""
    begins, at = [], 0
    for _, op, number in shape:
        begins.append(at)
        at += number // 2 if op is Op.ONE_OF else number
    ends = [*begins[1:], at]
    return [place for test in tests for place in range(begins[test], ends[test])]


def index_name(name: str, group: Sequence[str]) -> str:
    """Return the name of the index on a group of fields."""
    return f"{table_name(name)}_{'_'.join(group)}"


def table_name(name: str) -> str:
    """Return the table of a collection."""
    return f"records_{name}"


@lru_cache(maxsize=SHAPES)
def field_of(name: str) -> str:
    """Return the expression of a field; it must be written alike in queries and indexes for an index to be used."""
    if not name.isidentifier():
        raise ValueError(f"not a field name: {name!r}")
    return "id" if name == "id" else f"json_extract(doc, '$.{name}')"


def _one_condition(field: str, op: Op, number: int) -> str:
    match op:
        case Op.IS:
            return f"{field} = ?" if number else f"{field} IS NULL"
        case Op.IS_NOT:
            return f"{field} IS NOT {'?' if number else 'NULL'}"
        case Op.ONE_OF:
            some, or_none = divmod(number, 2)
            part = f"{field} IN ({', '.join('?' * some)})"
            return f"({part} OR {field} IS NULL)" if or_none else part
        case Op.AT_MOST:
            return f"{field} <= ?"
        case Op.ABOVE:
            return f"{field} > ?"


def order_of(order_by: str, *, descending: bool) -> str:
    """Return how to order by (field, id)."""
    way = "DESC" if descending else "ASC"
    return f"ORDER BY id {way}" if order_by == "id" else f"ORDER BY {field_of(order_by)} {way}, id {way}"


def seen_values(after: tuple[Any, str] | None) -> list[Any]:
    """Return what is bound for the document behind which others are asked for, by (value of order_by, id)."""
    if after is None:
        return []
    value, last_id = after
    return [last_id] if value is None else [value, value, last_id]


def after_seen(order_by: str, seen: int, *, descending: bool) -> str:
    """Return the condition of what follows the one named by `seen` values: nulls come first, or last if descending."""
    field = field_of(order_by)
    sign = "<" if descending else ">"
    if seen == 1:
        same = f"({field} IS NULL AND id {sign} ?)"
        return same if descending else f"({field} IS NOT NULL OR {same})"
    beyond = f"({field} {sign} ? OR ({field} = ? AND id {sign} ?))"
    return f"({field} IS NULL OR {beyond})" if descending else beyond
