"""The simulator's reading of the wire against the golden files, which the bridge is tested against too."""

import json
from pathlib import Path
from typing import Any

import pytest

from firmware_sim import wire
from firmware_sim.wire import Kind

GOLDEN = Path(__file__).parents[2] / "golden" / "wire"
CASES = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(GOLDEN.glob("*.json"))]
MADE_HERE = [case for case in CASES if case["direction"] == "up" and case["name"] != "state_unknown_field"]
READ_HERE = [case for case in CASES if case["direction"] == "down"]
REPORT = wire.encode(wire.StateReport(boot=1, seq=1))


def name_of(case: dict[str, Any]) -> str:
    return str(case["name"])


def value_of(cls: type, body: dict[str, Any]) -> Any:
    return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in body.items()})


def made(kind: Kind, body: Any) -> bytes:
    match kind:
        case Kind.STATE if isinstance(body, list):
            return wire.encode_batch([made(kind, report) for report in body])
        case Kind.STATE:
            return wire.encode(value_of(wire.StateReport, body))
        case Kind.ALARM:
            return wire.encode(value_of(wire.AlarmReport, body))
        case Kind.ACK:
            return wire.encode(value_of(wire.Ack, body))
        case Kind.STATUS:
            return wire.encode_status(online=body["online"])
    head = {key: body.pop(key) for key in ("boot", "seq", "ts", "version")}
    return wire.encode_reported(**head, settings=body)


def read(kind: Kind, payload: bytes) -> Any:
    parse = {
        Kind.CMD: wire.parse_command,
        Kind.DESIRED: wire.parse_desired,
        Kind.STORED: wire.parse_stored,
    }
    return parse[kind](payload)


def test_there_is_a_golden_file_for_every_kind_of_message() -> None:
    assert {case["topic_kind"] for case in CASES} == set(Kind)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_golden_file_says_the_same_as_value_and_as_text(case: dict[str, Any]) -> None:
    assert json.loads(case["payload_text"]) == case["payload"]


@pytest.mark.parametrize("case", MADE_HERE, ids=name_of)
def test_the_encoder_makes_the_golden_bytes(case: dict[str, Any]) -> None:
    assert made(Kind(case["topic_kind"]), case["payload"]) == case["payload_text"].encode()


@pytest.mark.parametrize("case", READ_HERE, ids=name_of)
def test_what_comes_down_is_read_as_the_golden_file_says(case: dict[str, Any]) -> None:
    got, body = read(Kind(case["topic_kind"]), case["payload_text"].encode()), dict(case["payload"])
    expected: object
    match case["topic_kind"]:
        case Kind.CMD:
            expected = wire.Command(id=body["id"], name=body["name"], args=body["args"], expires_ms=body["expires"])
        case Kind.STORED:
            expected = wire.Stored(**body)
        case _:
            expected = wire.Desired(version=body.pop("version"), settings=body)
    assert got == expected


@pytest.mark.parametrize("path", sorted((GOLDEN / "bad").glob("*.json")), ids=lambda path: path.stem)
def test_a_bad_golden_file_is_named_as_it_says(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    assert (case["name"], set(case)) == (
        path.stem,
        {"name", "topic_kind", "payload_base64", "field", "why"},
    )


def test_the_shard_is_two_hex_digits_of_the_checksum_of_the_id() -> None:
    # CRC-32 of "123456789" is cbf43926, the check value of the algorithm; 0x26 modulo 64 is 0x26.
    assert wire.topic_root("123456789") == "isocket/v1/26/123456789"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"id":"a","id":"b","name":"on","args":{},"expires":1}',
        b'{"id":"a","name":"on","args":{},"expires":1e999}',
        b'{"id":"a","name":"on","args":{"x":NaN},"expires":1}',
        b'{"id":"a","name":"on","args":{},"expires":true}',
        b'{"id":"a","name":"on","args":{}}',
        b'{"id":"a","name":7,"args":{},"expires":1}',
        b'{"id":"a","name":"on","args":[],"expires":1}',
        b'{"x":' + b"[" * 8000 + b"]" * 8000 + b"}",
        b'{"id":"' + b"a" * 16384 + b'"}',
        b'{"id":"\\ud800","name":"on","args":{},"expires":1}',
    ],
    ids=lambda payload: repr(payload[:60]),
)
def test_a_command_that_cannot_be_read_is_a_value_not_an_exception(payload: bytes) -> None:
    assert isinstance(wire.parse_command(payload), wire.Malformed)


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_of_none_or_too_many_is_never_made(count: int) -> None:
    with pytest.raises(wire.WireError, match="1 to 500"):
        wire.encode_batch([REPORT] * count)


def test_a_batch_above_64_kib_is_never_made() -> None:
    report = wire.encode(wire.StateReport(boot=1, seq=1, fw="9" * 500))
    with pytest.raises(wire.WireError, match="65536"):
        wire.encode_batch([report] * 200)
