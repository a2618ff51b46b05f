"""Records as documents and back, by the annotations of their fields; compiled once a class.

A document holds only what JSON can say: times as text of fixed width, so that the order of text is the order of
time; enums as their text; tuples as lists. Whole numbers must fit into 64 bits with a sign.
"""

import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from isocket.domain.record import Record, lookup_fields, sealed_fields
from isocket.kit.clock import from_text, to_text
from isocket.storage.documents import Collection, Document
from isocket.storage.port import Op, Test

R = TypeVar("R", bound=Record)
T = TypeVar("T")
Turn = Callable[[Any], Any]
MOMENTS = 512  # whose texts are remembered: one stands in many fields of what one step reads and makes
_PLAIN = frozenset({str, int, bool, types.NoneType})  # what stays as it is


class UnstorableFieldError(TypeError):
    """A field's annotation is none that the codec can turn into JSON and back."""


@dataclass(frozen=True, slots=True)
class _Coder:
    """How one type is written and read; None where the value can stay as it is. `accepts` guards changes and tests."""

    accepts: tuple[type, ...]
    encode: Turn | None = None
    decode: Turn | None = None
    orderable: bool = True
    optional: bool = False


class _ByText(dict[str, T]):
    """What is made of each member of an enumeration, found by the member or by its text.

    What is no member raises ValueError, as the enumeration does.
    """

    def __init__(self, kind: type[StrEnum], make: Callable[[Any], T]) -> None:
        super().__init__((member.value, make(member)) for member in kind)
        self._kind = kind
        self._make = make

    def __missing__(self, text: str) -> T:
        return self._make(self._kind(text))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was worked out for one class."""

    coders: dict[str, _Coder]
    values_of: Turn
    encoders: tuple[tuple[str, Turn], ...]
    decoders: tuple[tuple[str, Turn], ...]


def to_document(record: Record) -> Document:
    """Return the record as a mapping of JSON values."""
    plan = _plan(type(record))
    document: Document = dict(zip(plan.coders, plan.values_of(record), strict=True))
    for name, encode in plan.encoders:
        value = document[name]
        if value is not None:
            document[name] = encode(value)
    return document


def from_document(cls: type[R], document: Mapping[str, Any]) -> R:
    """Return the record that `to_document` wrote.

    Keys that the class does not know are dropped (an older program reads a newer store); missing ones take the
    field's default.

    Raises:
        TypeError: a key is missing whose field has no default.
    """
    plan = _plan(cls)
    values = dict(document)
    for name in values.keys() - plan.coders.keys():
        del values[name]
    for name, decode in plan.decoders:
        value = values.get(name)
        if value is not None:
            values[name] = decode(value)
    return cls(**values)


def encode_value(value: Any) -> Any:
    """Return any value as documents hold it, by its own type: also what lies inside mappings and lists."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (dict, Mapping)):  # `dict` first: to ask an abstract class takes long
        return {str(key): item if type(item) in _PLAIN else encode_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if type(item) in _PLAIN else encode_value(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, str | int):
        return value
    raise ValueError(f"a {type(value).__name__} cannot be stored")


def encode_change(cls: type[Record], name: str, value: Any) -> Any:
    """Return the new value of a field as its document holds it.

    Raises:
        ValueError: the class has no such field, or the field cannot hold such a value; the message names the field.
    """
    coder = coder_of(cls, name)
    if value is None:
        if not coder.optional:
            raise ValueError(f"{cls.__name__}.{name} cannot be None")
        return None
    return _encoded(cls, name, coder, value)


def encode_tested(cls: type[Record], name: str, value: Any) -> Any:
    """Return the value that a field is compared with as documents hold it; any field may be compared with None.

    Raises:
        ValueError: as for `encode_change`, or the field holds a list or a mapping.
    """
    coder = coder_of(cls, name)
    if value is None:
        return None
    if not coder.orderable:
        raise ValueError(f"{cls.__name__}.{name} holds no single value, so it can only be compared with None")
    return _encoded(cls, name, coder, value)


def encode_tests(cls: type[Record], tests: Sequence[Test]) -> list[Test]:
    """Return tests whose values are as documents hold them. Raises as `encode_tested` does."""
    coders = _plan(cls).coders
    encoded: list[Test] = []
    for test in tests:
        field, op, value = test
        coder = coders.get(field)
        if coder is not None and coder.encode is None and type(value) in coder.accepts:
            encoded.append(test)  # most are: ids
        elif op is Op.ONE_OF:
            coder_of(cls, field)  # without values nothing is encoded, but a wrong name is still a mistake
            encoded.append(Test(field, op, tuple([encode_tested(cls, field, one) for one in value])))
        else:
            encoded.append(Test(field, op, encode_tested(cls, field, value)))
    return encoded


def check_orderable(cls: type[Record], name: str) -> None:
    """Raise ValueError if records cannot be ordered by the field."""
    if not coder_of(cls, name).orderable:
        raise ValueError(f"{cls.__name__}.{name} holds no single value, so nothing can be ordered by it")


def coder_of(cls: type[Record], name: str) -> _Coder:
    """Return how a field is written and read; raise ValueError if the class has no such field."""
    coder = _plan(cls).coders.get(name)
    if coder is None:
        raise ValueError(f"{cls.__name__} has no field {name!r}")
    return coder


def _once_a_class(work: Callable[[type[Record]], T]) -> Callable[[type[Record]], T]:
    return cast(Callable[[type[Record]], T], cache(work))  # mypy takes the hash of a class for that of its instances


@_once_a_class
def collection_of(cls: type[Record]) -> Collection:
    """Return what a store needs to know of a class of records."""
    return Collection(
        name=cls.collection,
        unique=cls.unique,
        indexed=cls.indexed,
        subject=cls.subject,
        sealed=sealed_fields(cls),
        lookup=lookup_fields(cls),
        followed=cls.followed,
    )


@_once_a_class
def _plan(cls: type[Record]) -> _Plan:
    hints = get_type_hints(cls)
    coders: dict[str, _Coder] = {}
    for each in fields(cls):
        try:
            coders[each.name] = _coder(hints[each.name])
        except UnstorableFieldError as error:
            raise UnstorableFieldError(f"{cls.__name__}.{each.name}: {error}") from None
    return _Plan(
        coders=coders,
        values_of=attrgetter(*coders),
        encoders=tuple((name, coder.encode) for name, coder in coders.items() if coder.encode),
        decoders=tuple((name, coder.decode) for name, coder in coders.items() if coder.decode),
    )


def _coder(hint: Any) -> _Coder:
    if get_origin(hint) in (Union, types.UnionType):
        inner = [each for each in get_args(hint) if each is not types.NoneType]
        if len(inner) != 1:
            raise UnstorableFieldError(f"{hint} is a choice of types")
        only = _coder(inner[0])
        return _Coder(only.accepts, only.encode, only.decode, only.orderable, optional=True)
    if hint in (str, int, bool):
        return _Coder((hint,))
    if hint is float:
        return _Coder((int, float), _finite, float)
    if hint is datetime:
        return _Coder((datetime,), _instant, _from_text)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        texts, members = _ByText(hint, lambda member: member.value), _ByText(hint, lambda member: member)
        return _Coder((str,), texts.__getitem__, members.__getitem__)
    if get_origin(hint) is tuple:
        return _list_coder(hint)
    if get_origin(hint) is dict and get_args(hint) == (str, Any):
        return _Coder((Mapping,), encode_value, orderable=False)
    raise UnstorableFieldError(f"{hint} has no form in JSON")


def _list_coder(hint: Any) -> _Coder:
    inner = get_args(hint)
    if len(inner) != 2 or inner[1] is not Ellipsis:  # noqa: PLR2004 - (type, ...) are two
        raise UnstorableFieldError(f"{hint} must be tuple[type, ...]")
    item = _coder(inner[0])
    encode, decode = item.encode, item.decode
    return _Coder(
        (tuple, list),
        (lambda value: [encode(each) for each in value]) if encode else list,
        (lambda value: tuple(decode(each) for each in value)) if decode else tuple,
        orderable=False,
    )


def _encoded(cls: type[Record], name: str, coder: _Coder, value: Any) -> Any:
    if not isinstance(value, coder.accepts):
        raise ValueError(  # noqa: TRY004 - the same error as for a name or a number out of place
            f"{cls.__name__}.{name} cannot hold a {type(value).__name__}"
        )
    try:
        return coder.encode(value) if coder.encode else value
    except ValueError as error:
        raise ValueError(f"{cls.__name__}.{name}: {error}") from None


def _finite(value: float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("neither infinity nor NaN can be stored")
    return number


@lru_cache(maxsize=MOMENTS)
def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a time without a time zone cannot be stored")
    return to_text(value)


_from_text = lru_cache(maxsize=MOMENTS)(from_text)
