"""What the bridge makes of the bytes that devices send, held to the golden wire files."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from broker_bridge.intake import Decoder
from broker_bridge.payloads import BATCH_LIMIT_REPORTS, MESSAGE_LIMIT_BYTES, decode
from broker_bridge.strict_json import DEPTH_LIMIT
from broker_bridge.topics import UpKind
from isocket.domain.devices import topic_root
from isocket.domain.reports import ClockQuality
from tests.fakes.clock import ManualClock

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


@pytest.mark.parametrize("constant", ["NaN", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused_in_a_field_that_we_do_not_know_too(constant: str) -> None:
    decoded = decode("d1", UpKind.STATE, b'{"boot":1,"seq":1,"newer":%s}' % constant.encode(), RECEIVED_MS)
    assert (decoded.reports, [each.field for each in decoded.refusals]) == ((), ["newer"])


@pytest.mark.parametrize(
    ("rest", "field"),
    [
        (b'"credit":"\xc3\xa4\xe2\x82\xac",\n"fw":"\xff"}', "fw"),
        (b'"temp_c":[+1],"fw":"x"}', "temp_c"),
        (b'"newer":' + b"[" * 40 + b"]" * 40 + b"}", "newer"),
        (b'"newer":' + b"[" * 5000 + b"]" * 5000 + b"}", "newer"),
        (b'"newer":[1,[NaN]]}', "newer"),
        (b'"fw":"\\"[{,', "fw"),
        (b'"mains":tr', "mains"),
        (b'"newer":{"x":[1],"y":tr', "newer"),
        (b'"mains":true,}', None),
        (b'"mains":true}}', None),
        (b'"mains":true,"\xff":1}', None),
    ],
)
def test_what_is_no_json_is_refused_with_the_field_in_which_it_ends_to_be(rest: bytes, field: str | None) -> None:
    (refusal,) = decode("d1", UpKind.STATE, b'{"boot":1,"seq":2,' + rest, RECEIVED_MS).refusals
    assert (refusal.field, refusal.order) == (field, (1, 2))


@pytest.mark.parametrize(
    "odd",
    [b"NaN", b"[1e999]", b"1" * 5000, b'{"a":1,"a":2}', b'[{"a":1,"a":2}]', b"[" * 40 + b"]" * 40, b'"\\ud800"'],
)
def test_a_report_is_taken_in_a_batch_as_it_is_alone_also_in_a_field_that_we_do_not_know(odd: bytes) -> None:
    bad = b'{"boot":1,"seq":2,"newer":%s}' % odd
    (alone,) = decode("d1", UpKind.STATE, bad, RECEIVED_MS).refusals
    decoded = decode("d1", UpKind.STATE, b'[{"boot":1,"seq":1}, %s ,\n{"boot":1,"seq":3}]' % bad, RECEIVED_MS)
    assert [report.seq for report in decoded.reports] == [1, 3]
    assert decoded.refusals == (replace(alone, field=f"1.{alone.field}"),)


@pytest.mark.parametrize(
    "said", [b'[{"boot":1,"seq":1},]', b'[{"boot":1,"seq":1}', b'[{"boot":1,"seq":1}]x', b"\x0b[]"]
)
def test_of_what_is_no_array_nothing_is_taken(said: bytes) -> None:
    decoded = decode("d1", UpKind.STATE, said, RECEIVED_MS)
    assert (decoded.reports, len(decoded.refusals)) == ((), 1)


def test_a_batch_may_hold_as_many_reports_as_we_say_and_begin_with_spaces() -> None:
    reports = [{"boot": 1, "seq": seq} for seq in range(1, BATCH_LIMIT_REPORTS + 1)]
    decoded = decode("d1", UpKind.STATE, b" \n" + json.dumps(reports).encode(), RECEIVED_MS)
    assert (len(decoded.reports), decoded.refusals, decoded.is_batch) == (BATCH_LIMIT_REPORTS, (), True)
    more = json.dumps([*reports, {"boot": 1, "seq": 0}]).encode()
    assert decode("d1", UpKind.STATE, more, RECEIVED_MS).reports == ()


def test_a_bad_report_of_a_batch_is_named_by_its_place() -> None:
    decoded = decode(
        "d1", UpKind.STATE, b'[{"boot":1,"seq":1},{"boot":1,"seq":2,"relay":true,"relay":false}]', RECEIVED_MS
    )
    assert [(each.field, each.order) for each in decoded.refusals] == [("1.relay", (1, 2))]
    decoded = decode("d1", UpKind.STATE, b'[{"boot":1,"seq":1},{"boot":1,"seq":2,"temp_c":["warm"]}]', RECEIVED_MS)
    assert [each.field for each in decoded.refusals] == ["1.temp_c.0"]


@pytest.mark.parametrize("kind", [UpKind.STATE, UpKind.ALARM])
def test_a_message_may_be_as_long_as_we_say(kind: UpKind) -> None:
    said = b'{"boot":1,"seq":1,"cause":"mains_lost","active":true}' if kind is UpKind.ALARM else b'{"boot":1,"seq":1}'
    assert decode("d1", kind, said.ljust(MESSAGE_LIMIT_BYTES), RECEIVED_MS).refusals == ()
    (refusal,) = decode("d1", kind, said.ljust(MESSAGE_LIMIT_BYTES + 1), RECEIVED_MS).refusals
    assert (refusal.reason, refusal.order) == (f"larger than {MESSAGE_LIMIT_BYTES} bytes", (1, 1))


def test_a_message_may_be_nested_as_deep_as_we_say() -> None:
    for deeper, refused in ((0, 0), (1, 1)):
        levels = DEPTH_LIMIT - 1 + deeper
        said = b'{"boot":1,"seq":1,"newer":%s}' % (b"[" * levels + b"]" * levels)
        assert len(decode("d1", UpKind.STATE, said, RECEIVED_MS).refusals) == refused


def test_a_status_that_the_broker_kept_is_read_and_any_other_message_that_it_kept_is_only_cleared() -> None:
    decoder = Decoder(ManualClock())
    status = decoder(f"{topic_root('d1')}/status", b'{"online":false}', True)
    assert (status.decoded.fields, status.stays) == ({"online": False}, "")
    state = decoder(f"{topic_root('d1')}/state", b'{"boot":1,"seq":1}', True)
    assert (state.decoded.reports, state.stays) == ((), f"{topic_root('d1')}/state")
