"""The statements that answer questions to documents, made once for each shape of question.

An alarm asks some dozens of questions, always the same: wording them anew took longer than answering them.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from isocket.storage.documents import SHAPES, Collection, Shape, Shapes
from isocket.storage.sqlite_questions import (
    FEW,
    Lead,
    after_seen,
    condition_of,
    field_of,
    in_order,
    leads_of,
    names_id,
    order_of,
    places_of_values,
    surely_few,
    table_name,
)

VERSION_GROWS = "'$.version', json_extract(doc, '$.version') + 1"


class Order(NamedTuple):
    """In which order documents are asked for; `seen`: how many values name the one behind which they stand."""

    by: str = "id"
    descending: bool = False
    seen: int = 0


class Look(NamedTuple):
    """A statement that looks at few documents, and which of the values it binds."""

    statement: str
    places: tuple[int, ...]

    def bound(self, values: Sequence[Any]) -> list[Any]:
        """Return what to bind."""
        return [values[place] for place in self.places]


class Finding(NamedTuple):
    """How to find documents: all at once, for which a limit is bound as well, or by a look at few."""

    whole: str
    surely_few: bool
    few: tuple[Look, ...]


class Changing(NamedTuple):
    """How to change the first document that fits, and how to find out before that none does."""

    statement: str
    names_id: bool
    any: str
    few: Look | None


@lru_cache(maxsize=SHAPES)
def finding(collection: Collection, shape: Shape, order: Order) -> Finding:
    """Return how to find documents."""
    table, condition = table_name(collection.name), condition_of(shape)
    if order.seen:
        condition = f"{condition} AND {after_seen(order.by, order.seen, descending=order.descending)}"
    ordered = order_of(order.by, descending=order.descending)
    return Finding(
        whole=f"SELECT doc FROM {table} WHERE {condition} {ordered} LIMIT ?",
        surely_few=surely_few(collection, shape),
        few=tuple(_few_that_fit(collection, shape, lead, condition, order) for lead in leads_of(collection, shape)),
    )


def _few_that_fit(collection: Collection, shape: Shape, lead: Lead, condition: str, order: Order) -> Look:
    """Count what an index leads to, no further than one more than few, and look only where it leads to few."""
    from_where = (
        f"FROM {table_name(collection.name)} {lead.by} WHERE {condition_of(shape[place] for place in lead.places)}"
    )
    counted = f"SELECT count(*) AS led FROM (SELECT 1 {from_where} LIMIT {FEW + 1})"
    statement = (
        f"SELECT led, CASE WHEN {condition} THEN doc END FROM ({counted})"
        f" LEFT JOIN (SELECT id, doc {from_where} LIMIT {FEW}) ON led <= {FEW}"
        f" {order_of(order.by, descending=order.descending)}"
    )
    every = range(len(places_of_values(shape, range(len(shape)))) + order.seen)
    led = places_of_values(shape, lead.places)
    return Look(statement, (*every, *led, *led))


@lru_cache(maxsize=SHAPES)
def leading(collection: Collection, shape: Shape) -> tuple[tuple[str, ...], Look] | None:
    """Return the indexes that lead to what is asked for, and how to count to how much each does: no further than few.

    None where there is no choice. By itself SQLite takes the one that answers most, whatever else is found by that.
    """
    leads = leads_of(collection, shape)
    if len(leads) <= 1:
        return None
    counts: list[str] = []
    places: list[int] = []
    for lead in leads:
        led = condition_of(shape[place] for place in lead.places)
        some = f"SELECT 1 FROM {table_name(collection.name)} {lead.by} WHERE {led} LIMIT {FEW + 1}"
        counts.append(f"(SELECT count(*) FROM ({some}))")
        places += places_of_values(shape, lead.places)
    return tuple(lead.by for lead in leads), Look(f"SELECT {', '.join(counts)}", tuple(places))


@lru_cache(maxsize=SHAPES)
def finding_each(shapes: Shapes) -> Look | None:
    """Return how to look at few documents for each of several questions; None where one has no index for it.

    A row is the number of its question, and the document or nothing where it does not fit.
    """
    parts: list[str] = []
    places: list[int] = []
    begins = 0
    for number, (collection, shape) in enumerate(shapes.each):
        table, condition = table_name(collection.name), condition_of(shape)
        every, leads = places_of_values(shape, range(len(shape))), leads_of(collection, shape)
        places += [begins + place for place in every]
        if surely_few(collection, shape):
            parts.append(f"SELECT {number}, doc FROM {table} WHERE {condition}")
        elif leads:
            led = condition_of(shape[place] for place in leads[0].places)
            few = f"SELECT id, doc FROM {table} {leads[0].by} WHERE {led} LIMIT {FEW + 1}"
            parts.append(f"SELECT {number}, CASE WHEN {condition} THEN doc END FROM ({few})")
            places += [begins + place for place in places_of_values(shape, leads[0].places)]
        else:
            return None
        begins += len(every)
    return Look(" UNION ALL ".join(parts), tuple(places))


@lru_cache(maxsize=SHAPES)
def changing(collection: Collection, shape: Shape, names: tuple[str, ...], order_by: str) -> Changing:
    """Return how to change these fields of the first document in the order of `order_by`."""
    table, where = table_name(collection.name), condition_of(shape)
    by = in_order(collection, shape, order_by)
    first = f"SELECT id FROM {table} {by} WHERE {where} {order_of(order_by, descending=False)} LIMIT 1"
    return Changing(
        statement=f"UPDATE {table} SET doc = {assignments(names)} WHERE id = ({first}) RETURNING doc",
        names_id=names_id(shape),
        any=f"SELECT 1 FROM {table} WHERE {where} LIMIT 1",
        few=_any_of_few(collection, shape),
    )


def _any_of_few(collection: Collection, shape: Shape) -> Look | None:
    """Look, by the index that answers most, at one more than few: none among few says that there is none."""
    leads = leads_of(collection, shape)
    if not leads:
        return None
    lead = leads[0]
    rest = [place for place in range(len(shape)) if place not in lead.places]
    led = condition_of(shape[place] for place in lead.places)
    few = f"SELECT id, doc FROM {table_name(collection.name)} {lead.by} WHERE {led} LIMIT {FEW + 1}"
    statement = f"SELECT {condition_of(shape[place] for place in rest)} FROM ({few})"
    return Look(statement, tuple(places_of_values(shape, [*rest, *lead.places])))


@lru_cache(maxsize=SHAPES)
def insertion(collection: Collection, rows: int) -> str:
    """Return how to insert so many documents, but for the verb; of each its id and its text are bound."""
    return f"INTO {table_name(collection.name)} (id, doc) VALUES {', '.join(['(?, ?)'] * rows)}"


def assignments(names: Sequence[str]) -> str:
    """Return what a document becomes by new values of these fields; its version grows."""
    for name in names:
        field_of(name)  # which refuses what is no name
    parts = [f"'$.{name}', json(?)" for name in names]
    return f"json_set(doc, {', '.join([*parts, VERSION_GROWS])})"
