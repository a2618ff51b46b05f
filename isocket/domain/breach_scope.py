"""Which stored fields a scope names: a field, a whole collection, or everything that tells about a person."""

from collections.abc import Iterable

from isocket.domain.breaches import EVERYTHING, Affected, Breach
from isocket.domain.inventory import Entry, inventory

_APART = frozenset({Breach.collection, Affected.collection})


def fields_in(scope: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the fields about people by collection; a name that is not stored (any more) names none."""
    found: dict[str, dict[str, None]] = {}
    for name in scope:
        for each in _named(name):
            found.setdefault(each.collection, {})[each.field] = None
    return {collection: tuple(fields) for collection, fields in found.items()}


def unknown_in(scope: Iterable[str]) -> str | None:
    """Return the first name that is no field or collection about people, None where all are."""
    return next((name for name in scope if not _named(name)), None)


def _named(name: str) -> list[Entry]:
    collection, _, field = name.partition(".")
    return [
        each
        for each in inventory()
        if each.personal
        and each.collection not in _APART
        and (name == EVERYTHING or (each.collection == collection and field in {"", each.field}))
    ]
