"""Why a message was refused is said in our own words, whatever a device sends, alone or in a batch."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic_core import ErrorDetails

from broker_bridge.payloads import decode
from broker_bridge.refusal_words import UNKNOWN, refusal_words
from broker_bridge.topics import UpKind
from broker_bridge.wire import AckWire, AlarmWire, ReportedWire, StateWire, StatusWire

NOT_OUR_WORDS = ("Input should", "String should", "List should", "Field required", "Invalid JSON", "Expecting", "codec")
SHAPES = {
    UpKind.STATE: StateWire, UpKind.ALARM: AlarmWire, UpKind.ACK: AckWire, UpKind.REPORTED: ReportedWire,
    UpKind.STATUS: StatusWire,
}  # fmt: skip
GOOD = {
    "boot": 1, "seq": 2, "cause": "test", "active": True, "id": "cmd_1", "result": "executed", "online": True,
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 10**9, 10**17, 10**40, 1.5, 1e308, "", "x", "x" * 5000, "\x00", [], {}, [None], [True], [{}],
    [[]], ["x"] * 300, [1] * 40, {"x": 1},
)  # fmt: skip
NOT_JSON = (
    b"", b"{", b"[", b"\xff", b"[\xff]", b"[x]", b"null", b"5", b'{"boot":NaN}', b"[5]", b"[[]]", b'{"fw":"\x01"}',
)  # fmt: skip


def said_of(kind: UpKind, payload: bytes) -> Iterator[str]:
    yield from (each.reason for each in decode("d1", kind, payload, 1_795_332_960_500).refusals)


@pytest.mark.parametrize("kind", UpKind)
def test_nothing_is_refused_in_the_words_of_the_validator(kind: UpKind) -> None:
    said: set[str] = set()
    for name in SHAPES[kind].__annotations__:
        for message in ({**GOOD, name: odd} for odd in ODD):
            said |= {*said_of(kind, json.dumps(message).encode()), *said_of(kind, json.dumps([message]).encode())}
        said |= {*said_of(kind, json.dumps({key: GOOD[key] for key in GOOD if key != name}).encode())}
    for payload in NOT_JSON:
        said |= {*said_of(kind, payload)}
    assert said, "a shape with which nothing is wrong proves nothing"
    assert not {each for each in said if each.startswith(NOT_OUR_WORDS) or "codec" in each or UNKNOWN in each}


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"battery_pct": 101}, "more than 100"),
        ({"temp_c": [-200]}, "less than -150"),
        ({"uptime_s": 1.5}, "not a whole number"),
        ({"mains": 1}, "neither true nor false"),
        ({"fw": "x" * 65}, "longer than 64 characters"),
        ({"input": [True] * 17}, "more than 16 entries"),
    ],
)
def test_a_report_is_refused_in_the_same_words_alone_and_in_a_batch(odd: dict[str, Any], said: str) -> None:
    report = {"boot": 1, "seq": 2, **odd}
    alone, in_a_batch = json.dumps(report).encode(), json.dumps([report]).encode()
    assert [*said_of(UpKind.STATE, alone), *said_of(UpKind.STATE, in_a_batch)] == [said, said]


@pytest.mark.parametrize("batch", [b"[%s]", b'[{"boot":%s}]'])
def test_a_number_in_a_batch_that_no_machine_reads_is_refused_without_advice_to_programmers(batch: bytes) -> None:
    (said,) = said_of(UpKind.STATE, batch % (b"9" * 5000))
    assert said.startswith("not JSON: number out of range at line 1 ")


def test_what_has_no_words_of_ours_yet_is_not_said_in_others() -> None:
    odd: ErrorDetails = {"type": "frozen_set_type", "loc": (), "msg": "Input should be a frozenset", "input": 1}
    assert refusal_words(odd) == UNKNOWN
