"""Bytes from a device become checked values, or a refusal that names what was wrong.

Nothing here raises for what a device can send: a refusal is an expected outcome, and the connection goes on.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from broker_bridge import wire
from broker_bridge.refusal_words import refusal_words, unreadable_words
from broker_bridge.topics import UpKind
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.kit.clock import FAR_AHEAD_MS

MESSAGE_LIMIT_BYTES = 16 * 1024
BATCH_LIMIT_BYTES = 64 * 1024
BATCH_LIMIT_REPORTS = 500
DEPTH_LIMIT = 32
PLAIN_BODY_BYTES = 1024  # no report is longer unless it is stretched
HIGHEST_NUMBER = 2**53  # the greatest that every JSON reader holds exactly
EARLIEST_MS = 1_577_836_800_000  # 2020-01-01: a clock before that was never set

_NAME = {key: re.compile(rb'"%s"\s*:\s*(\d{1,16})(?![\d.eE])' % key) for key in (b"boot", b"seq")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a message, or one report of a batch, could not be used. `order` is its (boot, seq) where readable."""

    reason: str
    field: str | None = None
    order: tuple[int, int] | None = None


class Decoded(NamedTuple):
    """What was usable in one message, and what was not. `fields`: what it says that is neither a state nor an alarm.

    A tuple, because one is made for every message.
    """

    reports: tuple[Report, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    fields: Mapping[str, Any] | None = None
    unknown_fields: int = 0
    is_batch: bool = False


def decode(device_id: str, kind: UpKind, payload: bytes, received_ms: int) -> Decoded:
    """Return what a message says."""
    if kind is UpKind.STATE and payload.lstrip()[:1] == b"[":
        return _decode_batch(device_id, payload, received_ms)
    if len(payload) > MESSAGE_LIMIT_BYTES:
        return _refused(payload, f"larger than {MESSAGE_LIMIT_BYTES} bytes")
    shape = _SHAPES[kind]
    try:
        fields, unknown = _checked(shape.adapter, payload, thorough=kind is UpKind.REPORTED)
    except ValidationError as error:
        return Decoded(refusals=(_refusal(error, payload),))
    except _StrictnessError as error:
        return _refused(payload, str(error), error.field)
    if shape.report is None or "boot" not in fields or "seq" not in fields:
        return Decoded(fields=fields, unknown_fields=unknown)
    report = _report(device_id, shape.report, fields, None if unknown else payload, received_ms)
    return Decoded(reports=(report,), fields=report.fields if shape.says_more else None, unknown_fields=unknown)


def _decode_batch(device_id: str, payload: bytes, received_ms: int) -> Decoded:
    """Each report of a batch stands for itself: a bad one does not cost the others."""
    if len(payload) > BATCH_LIMIT_BYTES:
        return _refused(payload, f"a batch larger than {BATCH_LIMIT_BYTES} bytes", batch=True)
    try:
        items = _lenient_json(payload)
    except (ValueError, RecursionError) as error:
        return _refused(payload, unreadable_words(error), batch=True)
    if not isinstance(items, list) or not 1 <= len(items) <= BATCH_LIMIT_REPORTS:
        return _refused(payload, f"a batch holds 1 to {BATCH_LIMIT_REPORTS} reports", batch=True)
    reports: list[Report] = []
    refusals: list[Refusal] = []
    unknown = 0
    for number, item in enumerate(items):
        if isinstance(item, _Twice):
            reason = f"the key {item.key!r} comes twice"
            order = readable_order(json.dumps(item).encode())
            refusals.append(Refusal(reason=reason, field=f"{number}.{item.key}", order=order))
            continue
        try:
            fields = wire.STATE.validate_python(item)
        except ValidationError as error:
            refusals.append(_refusal(error, json.dumps(item).encode(), prefix=str(number)))
            continue
        unknown += len(item) - len(fields)
        reports.append(_report(device_id, ReportKind.STATE, fields, None, received_ms))
    return Decoded(reports=tuple(reports), refusals=tuple(refusals), unknown_fields=unknown, is_batch=True)


def _report(
    device_id: str, kind: ReportKind, fields: dict[str, Any], payload: bytes | None, received_ms: int
) -> Report:
    """Return the report; `payload` is its JSON text where that holds nothing but known fields.

    Keys written with escapes, and texts stretched by spaces, are written anew: SQLite compares keys as they stand.
    """
    if kind in (ReportKind.ACK, ReportKind.REPORTED):
        body = json.dumps({"boot": fields["boot"], "seq": fields["seq"]})  # what it says is kept in another record
    elif payload is not None and len(payload) <= PLAIN_BODY_BYTES and b"\\" not in payload:
        body = payload.decode()
    else:
        body = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    boot: int = fields.pop("boot")
    seq: int = fields.pop("seq")
    said: int | None = fields.pop("ts", None)
    if said is None or not EARLIEST_MS <= said <= received_ms + FAR_AHEAD_MS:
        return Report(device_id, kind, boot, seq, received_ms, received_ms, ClockQuality.SERVER, body, fields)
    return Report(device_id, kind, boot, seq, said, received_ms, ClockQuality.DEVICE, body, fields)


def _checked(adapter: TypeAdapter[Any], payload: bytes, *, thorough: bool = False) -> tuple[dict[str, Any], int]:
    """Return the known fields and how many unknown ones there were.

    Every key of a flat object brings one colon, and a text may bring more. So where colons and known fields are
    equally many, no key came twice and none is unknown, and the dear look at every key is spared. Where fields
    hold objects, the look is needed (`thorough`).
    """
    fields: dict[str, Any] = adapter.validator.validate_json(payload)  # past a wrapper that costs a third of it
    if payload.count(b":") == len(fields) and not thorough:
        return fields, 0
    return fields, max(0, len(_strict_json(payload)) - len(fields))


class _StrictnessError(ValueError):
    """Lawful for a lenient reader, not for us."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


def _strict_json(payload: bytes) -> Any:
    """Return the value; refuse what JSON readers let through: a key twice, NaN, 1e999, more than 32 levels."""
    if _depth(payload) > DEPTH_LIMIT:
        raise _StrictnessError(f"nested deeper than {DEPTH_LIMIT} levels")
    return json.loads(payload, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)


class _Twice(dict[str, Any]):
    """An object in which a key came twice."""

    key = ""


def _lenient_json(payload: bytes) -> Any:
    """Return the value with each object that has a key twice marked, and infinite numbers as such."""
    if _depth(payload) > DEPTH_LIMIT:
        raise _StrictnessError(f"nested deeper than {DEPTH_LIMIT} levels")
    return json.loads(payload, object_pairs_hook=_marked)


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            twice = _Twice(pairs)
            twice.key = _shown(key)
            return twice
        found[key] = value
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _StrictnessError(f"the key {_shown(key)!r} comes twice", _shown(key))
        found[key] = value
    return found


def _shown(key: str) -> str:
    """Return a key as it may be stored and shown, whatever a device puts into it."""
    return ascii(key)[1:-1][:40]


def _no_constant(name: str) -> Any:
    raise _StrictnessError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise _StrictnessError(f"{text[:20]} is beyond what a number can hold")
    return number


def _depth(payload: bytes) -> int:
    """Return an upper bound of the nesting, brackets in texts included: cheap, and texts have no need of so many."""
    deepest = level = 0
    for byte in payload:
        if byte in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"]}":
            level -= 1
    return deepest


def _refusal(error: ValidationError, payload: bytes, *, prefix: str | None = None) -> Refusal:
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"] if not isinstance(part, str) or _is_field(part)]
    if prefix is not None:
        path.insert(0, prefix)
    reason = _duplicate(payload) or (refusal_words(first), ".".join(path) or None)
    return Refusal(reason=_first_line(reason[0]), field=reason[1], order=readable_order(payload))


def _is_field(part: str) -> bool:
    """Tell fields from the names pydantic gives to the arms of a union, such as `constrained-float`."""
    return part.isidentifier() and part not in {"float", "int", "none", "function"}


def _duplicate(payload: bytes) -> tuple[str, str | None] | None:
    """A key that comes twice is the better reason than what its second value broke."""
    try:
        _strict_json(payload)
    except _StrictnessError as error:
        return (str(error), error.field) if error.field else None
    except (ValueError, RecursionError):
        return None
    return None


def _refused(payload: bytes, reason: str, field: str | None = None, *, batch: bool = False) -> Decoded:
    refusal = Refusal(reason=_first_line(reason), field=field, order=None if batch else readable_order(payload))
    return Decoded(refusals=(refusal,), is_batch=batch)


def readable_order(payload: bytes) -> tuple[int, int] | None:
    """Return the (boot, seq) that a refused message shows, so that its number does not look like a lost message."""
    found = [pattern.search(payload) for pattern in _NAME.values()]
    if found[0] is None or found[1] is None:
        return None
    order = int(found[0].group(1)), int(found[1].group(1))
    return order if max(order) <= HIGHEST_NUMBER else None


def _first_line(error: object) -> str:
    return str(error).splitlines()[0][:200] if str(error) else "not readable"


class _Shape(NamedTuple):
    """How a kind of message is checked, as what it is stored, and whether more follows from it than that."""

    adapter: TypeAdapter[Any]
    report: ReportKind | None
    says_more: bool = True


_SHAPES = {
    UpKind.STATE: _Shape(wire.STATE, ReportKind.STATE, says_more=False),
    UpKind.ALARM: _Shape(wire.ALARM, ReportKind.ALARM, says_more=False),
    UpKind.ACK: _Shape(wire.ACK, ReportKind.ACK),
    UpKind.REPORTED: _Shape(wire.REPORTED, ReportKind.REPORTED),
    UpKind.STATUS: _Shape(wire.STATUS, None),
}
