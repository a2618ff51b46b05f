"""What the bridge makes of the bytes that devices send, held to the golden wire files."""

import base64
import json
from pathlib import Path

import pytest

from broker_bridge.payloads import decode
from broker_bridge.topics import UpKind
from isocket.domain.reports import ClockQuality

WIRE = Path(__file__).parents[2] / "golden" / "wire"
RECEIVED_MS = 1_795_332_960_500
UP = sorted(path for path in WIRE.glob("*.json") if json.loads(path.read_text())["direction"] == "up")
BAD = sorted((WIRE / "bad").glob("*.json"))


def name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", UP, ids=name)
def test_a_good_message_is_understood(path: Path) -> None:
    golden = json.loads(path.read_text())
    decoded = decode("d1", UpKind(golden["topic_kind"]), golden["payload_text"].encode(), RECEIVED_MS)
    assert decoded.refusals == ()
    assert (decoded.unknown_fields > 0) == (golden["name"] == "state_unknown_field")
    said = golden["payload"] if isinstance(golden["payload"], list) else [golden["payload"]]
    if golden["topic_kind"] == "status":
        assert decoded.fields == golden["payload"]
        return
    assert [(report.boot, report.seq) for report in decoded.reports] == [(each["boot"], each["seq"]) for each in said]
    for report, each in zip(decoded.reports, said, strict=True):
        known = {key: value for key, value in each.items() if key in report.fields}
        assert dict(report.fields) == known
        missing = set(each) - set(report.fields) - {"boot", "seq", "ts"}
        assert len(missing) == decoded.unknown_fields
        assert missing.isdisjoint(json.loads(report.body)), "an undeclared field was kept"


@pytest.mark.parametrize("path", BAD, ids=name)
def test_a_bad_message_is_refused_with_the_field_that_is_wrong(path: Path) -> None:
    golden = json.loads(path.read_text())
    payload = base64.b64decode(golden["payload_base64"])
    decoded = decode("d1", UpKind(golden["topic_kind"]), payload, RECEIVED_MS)
    assert len(decoded.refusals) == 1
    assert decoded.refusals[0].reason
    if golden["field"] is not None:
        assert decoded.refusals[0].field == golden["field"]


def test_one_bad_report_does_not_cost_the_rest_of_its_batch() -> None:
    payload = b'[{"boot":1,"seq":1},{"boot":1,"seq":2,"mains":3},{"boot":1,"seq":3}]'
    decoded = decode("d1", UpKind.STATE, payload, RECEIVED_MS)
    assert [report.seq for report in decoded.reports] == [1, 3]
    assert decoded.refusals[0].order == (1, 2)


@pytest.mark.parametrize("ts", [0, -5, RECEIVED_MS + 11 * 60_000, 4_102_444_800_000])
def test_an_absurd_clock_is_replaced_by_the_time_of_receipt(ts: int) -> None:
    report = decode("d1", UpKind.STATE, b'{"boot":1,"seq":1,"ts":%d}' % ts, RECEIVED_MS).reports[0]
    assert (report.at_ms, report.clock) == (RECEIVED_MS, ClockQuality.SERVER)


def test_a_good_clock_is_believed() -> None:
    report = decode("d1", UpKind.STATE, b'{"boot":1,"seq":1,"ts":%d}' % (RECEIVED_MS - 5), RECEIVED_MS).reports[0]
    assert (report.at_ms, report.clock) == (RECEIVED_MS - 5, ClockQuality.DEVICE)


def test_a_key_twice_is_seen_even_where_texts_hold_colons() -> None:
    payload = b'{"boot":1,"seq":2,"fw":"a:b","relay":true,"relay" :false}'
    assert decode("d1", UpKind.STATE, payload, RECEIVED_MS).refusals[0].field == "relay"


def test_the_number_of_a_refused_message_is_still_read() -> None:
    payload = b'{"boot":3,"seq":9,"temp_c":[NaN]}'
    assert decode("d1", UpKind.STATE, payload, RECEIVED_MS).refusals[0].order == (3, 9)
