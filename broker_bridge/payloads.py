"""Bytes from a device become checked values, or a refusal that names what was wrong.

Nothing here raises for what a device can send: a refusal is an expected outcome, and the connection goes on.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from broker_bridge import wire
from broker_bridge.refusal_words import refusal_words, unreadable_words
from broker_bridge.strict_json import TOO_DEEP, StrictnessError, entries, field_at, strict_json
from broker_bridge.topics import UpKind
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.kit.clock import FAR_AHEAD_MS

MESSAGE_LIMIT_BYTES = 16 * 1024
BATCH_LIMIT_BYTES = 64 * 1024
BATCH_LIMIT_REPORTS = 500
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
    return _decode_one(device_id, kind, payload, received_ms)


def _decode_one(device_id: str, kind: UpKind, payload: bytes, received_ms: int) -> Decoded:
    shape = _SHAPES[kind]
    try:
        fields, unknown = _checked(shape.adapter, payload, thorough=kind is UpKind.REPORTED)
    except ValidationError as error:
        return Decoded(refusals=(_refusal(error, payload),))
    except StrictnessError as error:
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
        texts = list(islice(entries(payload), BATCH_LIMIT_REPORTS + 1))
    except ValueError as error:
        return _refused(payload, unreadable_words(error), getattr(error, "field", None), batch=True)
    if not 1 <= len(texts) <= BATCH_LIMIT_REPORTS:
        return _refused(payload, f"a batch holds 1 to {BATCH_LIMIT_REPORTS} reports", batch=True)
    reports: list[Report] = []
    refusals: list[Refusal] = []
    unknown = 0
    for number, text in enumerate(texts):
        one = _decode_one(device_id, UpKind.STATE, text, received_ms)
        reports += one.reports
        refusals += [
            replace(each, field=f"{number}.{each.field}" if each.field else str(number)) for each in one.refusals
        ]
        unknown += one.unknown_fields
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
    return fields, max(0, len(strict_json(payload)) - len(fields))


def _refusal(error: ValidationError, payload: bytes) -> Refusal:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return _unreadable(refusal_words(first), payload)
    path = [str(part) for part in first["loc"] if not isinstance(part, str) or _is_field(part)]
    reason = _duplicate(payload) or (refusal_words(first), ".".join(path) or None)
    return Refusal(reason=_first_line(reason[0]), field=reason[1], order=readable_order(payload))


def _unreadable(words: str, payload: bytes) -> Refusal:
    field = field_at(words, payload)
    reason = TOO_DEEP if "recursion limit" in words else words
    return Refusal(reason=_first_line(reason), field=field, order=readable_order(payload))


def _is_field(part: str) -> bool:
    """Tell fields from the names pydantic gives to the arms of a union, such as `constrained-float`."""
    return part.isidentifier() and part not in {"float", "int", "none", "function"}


def _duplicate(payload: bytes) -> tuple[str, str | None] | None:
    """A key that comes twice is the better reason than what its second value broke."""
    try:
        strict_json(payload)
    except StrictnessError as error:
        return (str(error), error.field) if error.twice else None
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
