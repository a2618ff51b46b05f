"""Which stored fields a scope names: a field, a whole collection, or everything that tells about a person."""

from collections.abc import Iterable

from isocket.domain.breaches import EVERYTHING, Affected, Breach
from isocket.domain.inventory import inventory

_APART = frozenset({Breach.collection, Affected.collection})


class ScopeError(ValueError):
    """A scope names something that is not stored, or tells about nobody."""


def fields_in(scope: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the fields about people by collection.

    Raises:
        ScopeError: a name is none of the inventory.
    """
    found: dict[str, dict[str, None]] = {}
    for name in scope:
        collection, _, field = name.partition(".")
        named = [
            (each.collection, each.field)
            for each in inventory()
            if each.personal
            and each.collection not in _APART
            and (name == EVERYTHING or (each.collection == collection and field in {"", each.field}))
        ]
        if not named:
            raise ScopeError(
                f"{name[:80]} is no field or collection about people: see `isocket privacy inventory`, or write "
                f"{EVERYTHING} for everything."
            )
        for each, its_field in named:
            found.setdefault(each, {})[its_field] = None
    return {collection: tuple(fields) for collection, fields in found.items()}
