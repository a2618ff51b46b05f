"""The JSON schema of a stored class and its values as that schema says, both by the annotations of its fields."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from isocket.domain.record import Record
from isocket.storage.codec import to_document

_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", NoneType: "null"}


def schema_of(kind: type[Record], names: Sequence[str]) -> dict[str, Any]:
    """Return the schema of the file that holds a class: which fields, of which type."""
    hints: dict[str, Any] = get_type_hints(kind)
    item = {
        "type": "object",
        "description": " ".join((kind.__doc__ or "").split()),
        "properties": {name: _of(hints[name]) for name in names},
        "required": list(names),
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.collection,
        "type": "object",
        "properties": {
            "collection": {"const": kind.collection},
            "withheld": {"type": "object", "additionalProperties": {"type": "string"}},
            "items": {"type": "array", "items": item},
        },
        "required": ["collection", "withheld", "items"],
    }


def stored_values(each: Record, names: Sequence[str]) -> dict[str, Any]:
    """Return some fields of a record as JSON says them."""
    document = to_document(each)
    return {name: document[name] for name in names}


def _of(hint: Any) -> dict[str, Any]:
    if hint in _TYPES:
        return {"type": _TYPES[hint]}
    if hint is datetime:
        return {"type": "string", "format": "date-time"}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"enum": [each.value for each in hint]}
    origin = get_origin(hint)
    if origin in {UnionType, Union}:
        return {"anyOf": [_of(each) for each in get_args(hint)]}
    if origin in {tuple, list}:
        return {"type": "array", "items": _of(get_args(hint)[0])}
    return {"type": "object"} if origin is dict else {}
