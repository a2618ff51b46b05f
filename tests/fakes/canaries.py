"""One record of every stored class, with a value of its own in every field that can hold one: from the annotations.

A class that is new is in it by itself. One that tells about a person and gets no value stands in `HOLD_NO_TEXT`, or
the tests fail.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from isocket.domain import STORED
from isocket.domain.accounts import Account
from isocket.domain.devices import Device
from isocket.domain.handling import Export, Handling
from isocket.domain.problems import Problem
from isocket.domain.record import Record, handling_of
from isocket.domain.watches import Watch
from tests.fakes.erasing_house import MAIJA_ID
from tests.fakes.portal_devices import SOCKET

SEALED_MARK = "quillfeather"
"""In every value that is stored only sealed: where it is found in a file, something lies there in clear."""

OPEN_MARK = "underhollow"
"""In every other value: choices and facts, which are stored as they are and go with their record."""

PERSON = "con_1"  # whose values they are, where that is not the account itself


@dataclass(slots=True)
class Canaries:
    """A record and what is unmistakable in it, by field."""

    record: Record
    copied: dict[str, str] = field(default_factory=dict)
    withheld: dict[str, str] = field(default_factory=dict)
    sealed: dict[str, str] = field(default_factory=dict)

    @property
    def values(self) -> list[str]:
        """Return every value."""
        return [*self.copied.values(), *self.withheld.values()]


def tells_about_people(kind: type[Record]) -> bool:
    """Return whether any field of a class is about a person."""
    return any(isinstance(how, Handling) for how in handling_of(kind).values())


def canaries_of(kind: type[Record], now: datetime) -> Canaries:
    """Return a record of Maija's."""
    hints = get_type_hints(kind)
    given: dict[str, Any] = {"id": f"{kind.collection}_1"}
    made = Canaries(record=Account(id="nobody", email="", created_at=now))
    for each in fields(kind):
        how, hint = handling_of(kind)[each.name], hints[each.name]
        if each.name == kind.subject and each.name != "id":
            given[each.name] = PERSON
        if each.name in {"id", kind.guest, *_NEEDED.get(kind, {})} or each.name in given:
            continue
        if isinstance(how, Handling) and each.name != kind.account and (shape := _shape(hint)) is not None:
            value = f"{SEALED_MARK if how.sealed else OPEN_MARK}-{kind.collection}-{each.name}"
            given[each.name] = {"text": value, "texts": (value,), "map": {"a": value}, "maps": ({"a": value},)}[shape]
            (made.withheld if how.export is Export.WITHHELD else made.copied)[each.name] = value
            if how.sealed:
                made.sealed[each.name] = value
        elif each.default is MISSING and each.default_factory is MISSING:
            given[each.name] = _needed(hint, now)
    if kind.account is not None:
        given[kind.account] = MAIJA_ID
    made.record = kind(**{**given, **_NEEDED.get(kind, {})})
    return made


def everything_of_maija(now: datetime) -> list[Canaries]:
    """Return a record of every class that tells about her or her socket."""
    return [canaries_of(kind, now) for kind in STORED if tells_about_people(kind) and kind.collection not in OF_OTHERS]


OF_OTHERS: Mapping[str, str] = MappingProxyType(
    {
        "archives": "what is left when an account is sealed away",
        "authority_cases": "what an authority asked for and was given, which stays on record",
        "breaches": "what staff write down of a breach, of no single customer",
        "erasures": "the wish itself, which is made by asking to be erased",
        "handed_pages": "what an authority is given, sealed under its case, for 30 days",
        "held_copies": "sealed under the vault of a hold, which outlives the account",
        "holds": "outlives the account; its holder reads it in the plan and in the receipt",
        "provider_erasures": "what a provider was asked to erase, in the receipt's words, which names nobody",
        "recipient_visits": "of somebody whom any number of customers may have entered",
        "stops": "the word of a reader, which outlives every customer who entered them",
    }
)
"""Collections that are none of a customer's own records, and why."""

HOLD_NO_TEXT = frozenset({"answers", "objections", "password_resets", "problems", "recovery_codes"})
"""Collections that tell about a person only by ids, times, numbers and fixed words."""

_NEEDED: Mapping[type[Record], dict[str, Any]] = MappingProxyType(
    {Device: {"id": SOCKET, "model": "isocket-707"}, Watch: {"id": SOCKET}, Problem: {"device_id": SOCKET}}
)


def _shape(hint: Any) -> str | None:
    """Return how a text can be in a field of a type; None where it cannot."""
    if hint is str:
        return "text"
    origin, inside = get_origin(hint), get_args(hint)
    if origin in {UnionType, Union}:
        return next((shape for each in inside if each is not NoneType and (shape := _shape(each))), None)
    if origin is dict:
        return "map"
    if origin is tuple and inside[0] is str:
        return "texts"
    return "maps" if origin is tuple and get_origin(inside[0]) is dict else None


def _needed(hint: Any, now: datetime) -> Any:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return next(iter(hint))
    samples: dict[Any, Any] = {str: "x", int: 1, float: 1.0, bool: False, datetime: now}
    return samples.get(hint, () if get_origin(hint) is tuple else {})
