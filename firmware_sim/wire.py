"""The simulator's own reading of the wire: topics, encoder of what goes up, decoder of what comes down."""

import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

SHARDS = 64
MESSAGE_LIMIT_BYTES = 16 * 1024
BATCH_LIMIT_BYTES = 64 * 1024
BATCH_LIMIT_REPORTS = 500


class WireError(ValueError):
    """The device was about to send what the protocol forbids: a fault of the simulator."""


class Kind(StrEnum):
    """Topics below a device's root."""

    STATE = "state"
    ALARM = "alarm"
    ACK = "ack"
    REPORTED = "reported"
    STATUS = "status"
    STORED = "stored"
    CMD = "cmd"
    DESIRED = "desired"


class RelayCause(StrEnum):
    USER_CLOUD = "user_cloud"
    USER_SMS = "user_sms"
    CALL = "call"
    BUTTON = "button"
    SCHEDULE = "schedule"
    THERMOSTAT = "thermostat"
    INPUT = "input"
    TIMER = "timer"
    POWER_RESTORE = "power_restore"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Alarms that this simulated firmware raises; the protocol knows more."""

    MAINS_LOST = "mains_lost"
    BATTERY_LOW = "battery_low"
    SHUTDOWN_IMMINENT = "shutdown_imminent"
    TEMP_HIGH = "temp_high"
    TEMP_LOW = "temp_low"
    TEMP_FAULT = "temp_fault"
    INPUT = "input"


class Result(StrEnum):
    EXECUTED = "executed"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """How things are. A field that is None is left out; None inside a list is a missing probe."""

    boot: int
    seq: int
    ts: int | None = None
    relay: bool | None = None
    relay_cause: RelayCause | None = None
    aux: bool | None = None
    mains: bool | None = None
    battery_pct: int | None = None
    charging: bool | None = None
    temp_c: tuple[float | None, ...] | None = None
    input: tuple[bool, ...] | None = None
    armed: bool | None = None
    signal_dbm: int | None = None
    signal_pct: int | None = None
    credit: str | None = None
    fw: str | None = None
    uptime_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmReport:
    """Something began (`active`) or ended; `probe` is the number of the thermometer or input, from 0."""

    boot: int
    seq: int
    ts: int | None = None
    cause: Cause
    active: bool
    value: float | None = None
    probe: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The answer to the command `id`."""

    id: str
    result: Result
    error: str | None = None
    boot: int
    seq: int
    ts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message ready for the wire."""

    kind: Kind
    boot: int
    seq: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    id: str
    name: str
    args: dict[str, Any]
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Everything up to here is stored, the cloud says."""

    boot: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    version: int
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """A message from above that this device cannot read, and why. `id` where a command had at least that."""

    reason: str
    id: str | None = None


def shard_of(device_id: str) -> str:
    """Two hex digits."""
    return f"{zlib.crc32(device_id.encode()) % SHARDS:02x}"


def topic_root(device_id: str) -> str:
    return f"isocket/v1/{shard_of(device_id)}/{device_id}"


def encode(value: StateReport | AlarmReport | Ack) -> bytes:
    """One message in UTF-8, without spaces, fields in the order of the protocol."""
    present = {f.name: v for f in fields(value) if (v := getattr(value, f.name)) is not None}
    return _bounded(_json(present), MESSAGE_LIMIT_BYTES)


def encode_reported(*, boot: int, seq: int, ts: int | None, version: int, settings: dict[str, Any]) -> bytes:
    """The settings as they are, beside the version of `desired` that they come from."""
    head = {"boot": boot, "seq": seq, "ts": ts, "version": version}
    return _bounded(_json({k: v for k, v in head.items() if v is not None} | settings), MESSAGE_LIMIT_BYTES)


def encode_status(*, online: bool) -> bytes:
    return _json({"online": online})


def encode_batch(reports: Sequence[bytes]) -> bytes:
    """State reports, already encoded, as one array; the caller puts the oldest first."""
    if not 1 <= len(reports) <= BATCH_LIMIT_REPORTS:
        raise WireError(f"a batch holds 1 to {BATCH_LIMIT_REPORTS} reports, not {len(reports)}")
    return _bounded(b"[" + b",".join(reports) + b"]", BATCH_LIMIT_BYTES)


def parse_command(payload: bytes) -> Command | Malformed:
    body = _object(payload)
    if isinstance(body, Malformed):
        return body
    command_id, name, args, expires = (body.get(key) for key in ("id", "name", "args", "expires"))
    if not isinstance(command_id, str) or not command_id:
        return Malformed(reason="id: a text is needed")
    if not isinstance(name, str):
        return Malformed(reason="name: a text is needed", id=command_id)
    if args is not None and not isinstance(args, dict):
        return Malformed(reason="args: an object is needed", id=command_id)
    if not _whole(expires):
        return Malformed(reason="expires: UTC milliseconds are needed", id=command_id)
    return Command(id=command_id, name=name, args=args or {}, expires_ms=expires)


def parse_stored(payload: bytes) -> Stored | Malformed:
    body = _object(payload)
    if isinstance(body, Malformed):
        return body
    boot, seq = body.get("boot"), body.get("seq")
    if not _whole(boot) or not _whole(seq):
        return Malformed(reason="boot, seq: whole numbers from 0 are needed")
    return Stored(boot=boot, seq=seq)


def parse_desired(payload: bytes) -> Desired | Malformed:
    body = _object(payload)
    if isinstance(body, Malformed):
        return body
    version = body.pop("version", None)
    if not _whole(version):
        return Malformed(reason="version: a whole number from 0 is needed")
    return Desired(version=version, settings=body)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _bounded(payload: bytes, limit: int) -> bytes:
    if len(payload) > limit:
        raise WireError(f"{len(payload)} bytes, the limit is {limit}")
    return payload


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _object(payload: bytes) -> Any:
    """A dict, or Malformed; typed loosely because JSON is."""
    if len(payload) > MESSAGE_LIMIT_BYTES:
        return Malformed(reason="too long")
    try:
        body = json.loads(payload.decode(), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
        json.dumps(body, ensure_ascii=False).encode()  # half a character could not be said again
    except (ValueError, RecursionError) as error:
        return Malformed(reason=f"not JSON: {type(error).__name__}")
    return body if isinstance(body, dict) else Malformed(reason="not an object")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError("a key comes twice")
    return body


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is beyond all numbers")
    return number
