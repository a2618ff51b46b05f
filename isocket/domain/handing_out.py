"""What may be handed out about an account, field by field, and how a time narrows it. Pure."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from isocket.domain import STORED
from isocket.domain.collected import TELEMETRY, TELEMETRY_COLLECTION
from isocket.domain.deliveries import ABOUT_INCIDENTS, Delivery
from isocket.domain.devices import Device
from isocket.domain.erasure_plan import erased_with_the_account
from isocket.domain.handling import Category, Export, Keep
from isocket.domain.record import Record, handling_of, personal_fields

_STANDING = frozenset({Keep.ACCOUNT, Keep.RELATION})
_NEVER = frozenset({"exports", "sessions"})
_LINKS = frozenset({"deliveries.html", "deliveries.unsubscribe_url"})
_LINK = re.compile(r"\S*://\S+")
MADE = ("created_at", "at", "detected_at", "opened_at", "started_at", "received_at", "sent_at", "wished_at")


@cache
def may_be_handed_out() -> Mapping[str, frozenset[str]]:
    """Return the fields by collection that can be named: none that proves who somebody is or is withheld from them."""
    kinds: tuple[type[Record], ...] = (*erased_with_the_account(), Device)
    found = {
        kind.collection: frozenset(
            name
            for name, how in personal_fields(kind).items()
            if how.export is not Export.WITHHELD
            and how.category is not Category.CREDENTIAL
            and f"{kind.collection}.{name}" not in _LINKS
        )
        for kind in kinds
        if kind.collection not in _NEVER
    }
    found[TELEMETRY_COLLECTION] = frozenset(TELEMETRY)
    return MappingProxyType({name: fields for name, fields in found.items() if fields})


def unknown_fields(fields: Iterable[str]) -> list[str]:
    """Return which of these `collection.field` cannot be handed out."""
    known = may_be_handed_out()
    return [each for each in fields if each.partition(".")[2] not in known.get(each.partition(".")[0], frozenset())]


def without_ways_in(record: Record, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without what lets somebody in: a message of an alarm loses its links, any other all its words.

    Those may hold a code.
    """
    told = dict(values)
    if isinstance(record, Delivery):
        for name in {"subject_line", "text"} & told.keys():
            told[name] = _LINK.sub("(link)", told[name]) if record.kind in ABOUT_INCIDENTS else "(not handed out)"
    return told


def by_collection(fields: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the fields of each collection, in the order of the words."""
    found: dict[str, list[str]] = {}
    for each in sorted(set(fields)):
        collection, _, name = each.partition(".")
        found.setdefault(collection, []).append(name)
    return {collection: tuple(names) for collection, names in found.items()}


def moment_of(kind: type[Record]) -> str | None:
    """Return the field by which a time narrows a class; None where it says how things stand, not what happened."""
    keeps = {how.keep for how in personal_fields(kind).values()}
    if keeps & _STANDING:
        return None
    return next((name for name in MADE if name in handling_of(kind)), None)


def kind_named(collection: str) -> type[Record]:
    """Return the class of a collection."""
    return next(kind for kind in STORED if kind.collection == collection)
