"""Questions to documents as SQL: conditions, orders, and which index leads to few rows."""

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from isocket.storage.documents import Collection
from isocket.storage.port import Op, Test

SHAPES = 1024  # kinds of questions whose answers are remembered: there are some dozens
Where = tuple[str, list[Any]]  # a condition and the values to bind
FEW = 100  # rows that may be looked at on the event loop: about 1 ms


class _Lead(NamedTuple):
    """An index that answers some of the tests, so that what it leads to can be counted and looked at."""

    by: str  # "INDEXED BY ..."
    answers: list[Test]


def _leads(collection: Collection, tests: Sequence[Test]) -> list[_Lead]:
    """Return the indexes that lead to what is asked for, those that answer most first."""
    shape = tuple((test.field, test.op) for test in tests)
    return [_Lead(by, [tests[place] for place in places]) for by, places in _leads_by_shape(collection, shape)]


@lru_cache(maxsize=SHAPES)
def _leads_by_shape(collection: Collection, shape: tuple[tuple[str, Op], ...]) -> list[tuple[str, list[int]]]:
    """Return for each index its name and which of the tests it answers."""
    leads: list[tuple[str, list[int]]] = []
    for group in (*collection.unique, *collection.indexed):
        answers: list[int] = []
        for field in group:
            same = _places(shape, field, (Op.IS,))
            answers += same or _places(shape, field, (Op.AT_MOST, Op.ABOVE))
            if not same:
                break
        if answers and shape[answers[0]][1] is Op.IS:
            leads.append((f"INDEXED BY {index_name(collection.name, group)}", answers))
    return sorted(leads, key=lambda lead: -len(lead[1]))


def _places(shape: Sequence[tuple[str, Op]], field: str, ops: Sequence[Op]) -> list[int]:
    return [place for place, (asked, op) in enumerate(shape) if asked == field and op in ops]


def in_order(collection: Collection, tests: Sequence[Test], order_by: str) -> str:
    """Return how to find the first that fits without sorting all that do, "" where no index is in this order.

    SQLite would rather use an index that narrows by one more test, and sort what that leads to: a queue of thousands
    for each claim.
    """
    same = {test.field for test in tests if test.op is Op.IS and test.value is not None}
    groups = [group for group in (*collection.unique, *collection.indexed) if order_by in group[1:]]
    fitting = [group for group in groups if same.issuperset(group[: group.index(order_by)])]
    if not fitting:
        return ""
    longest = max(fitting, key=lambda group: group.index(order_by))
    return f"INDEXED BY {index_name(collection.name, longest)}"


def names_one(tests: Sequence[Test]) -> bool:
    """Tell whether the tests name one document by its id."""
    return any(test.field == "id" and test.op is Op.IS for test in tests)


def surely_few(collection: Collection, tests: Sequence[Test]) -> bool:
    """Tell whether the tests lead to few documents whatever is stored: by their ids, or by a unique group."""
    same = {test.field for test in tests if test.op is Op.IS and test.value is not None}
    if "id" in same or any(same.issuperset(group) for group in collection.unique):
        return True
    return any(test.field == "id" and test.op is Op.ONE_OF and len(test.value) <= FEW for test in tests)


def few_that_fit(
    connection: sqlite3.Connection, collection: Collection, tests: Sequence[Test], where: Where, order: str
) -> list[str] | None:
    """Return the documents that fit `where`, in order, if all that an index leads to are few; None if none does.

    One statement counts these, no further than one more than few, and looks at them only where they are few.
    """
    condition, values = where
    for lead in _leads(collection, tests):
        led, led_values = conditions_of(lead.answers)
        from_where = f"FROM {table_name(collection.name)} {lead.by} WHERE {led}"
        counted = f"SELECT count(*) AS led FROM (SELECT 1 {from_where} LIMIT {FEW + 1})"
        statement = (
            f"SELECT led, CASE WHEN {condition} THEN doc END FROM ({counted})"
            f" LEFT JOIN (SELECT id, doc {from_where} LIMIT {FEW}) ON led <= {FEW} {order}"
        )
        rows = connection.execute(statement, [*values, *led_values, *led_values]).fetchall()
        if rows[0][0] <= FEW:
            return [text for _, text in rows if text is not None]
    return None


def any_of_few(connection: sqlite3.Connection, collection: Collection, tests: Sequence[Test]) -> bool | None:
    """Tell whether anything fits by looking at few rows; None when those do not tell."""
    leads = _leads(collection, tests)
    if not leads:
        return None
    table, lead = table_name(collection.name), leads[0]
    led, led_values = conditions_of(lead.answers)
    where, values = conditions_of([test for test in tests if test not in lead.answers])
    few = f"SELECT id, doc FROM {table} {lead.by} WHERE {led} LIMIT {FEW + 1}"
    seen = 0
    for (fits,) in connection.execute(f"SELECT {where} FROM ({few})", [*values, *led_values]):
        if fits:
            return True
        seen += 1
    return False if seen <= FEW else None


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


def conditions_of(tests: Sequence[Test]) -> tuple[str, list[Any]]:
    """Return the tests joined by AND, and the values to bind."""
    shape: list[tuple[str, Op, int]] = []
    values: list[Any] = []
    for field, op, value in tests:
        if op is Op.ONE_OF:
            some = [each for each in value if each is not None]
            shape.append((field, op, 2 * len(some) + (len(some) < len(value))))
            values += some
        elif value is None and op is Op.IS:
            shape.append((field, op, 0))
        else:
            shape.append((field, op, 1))
            values.append(value)
    return _condition(tuple(shape)), values


@lru_cache(maxsize=SHAPES)
def _condition(shape: tuple[tuple[str, Op, int], ...]) -> str:
    """Return the text of tests of this shape; the number tells how many values each binds, and whether None fits."""
    return " AND ".join(["1", *(_one_condition(field_of(field), op, number) for field, op, number in shape)])


def _one_condition(field: str, op: Op, number: int) -> str:
    match op:
        case Op.IS:
            return f"{field} = ?" if number else f"{field} IS NULL"
        case Op.IS_NOT:
            return f"{field} IS NOT ?"
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


def after_seen(order_by: str, after: tuple[Any, str], *, descending: bool) -> tuple[str, list[Any]]:
    """Return the condition of what follows `after`: nulls come first, or last when descending."""
    field, (value, last_id) = field_of(order_by), after
    sign = "<" if descending else ">"
    if value is None:
        same = f"({field} IS NULL AND id {sign} ?)"
        return (same, [last_id]) if descending else (f"({field} IS NOT NULL OR {same})", [last_id])
    beyond = f"({field} {sign} ? OR ({field} = ? AND id {sign} ?))"
    return (f"({field} IS NULL OR {beyond})" if descending else beyond), [value, value, last_id]
