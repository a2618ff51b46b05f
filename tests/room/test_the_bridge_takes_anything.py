"""Whatever bytes a device sends, the bridge stores, refuses or ignores them, and goes on."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from broker_bridge.answers import Answers
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.confirmations import Confirmations
from broker_bridge.connection import Arrived, Connection
from broker_bridge.counting_anew import CountingAnew
from broker_bridge.intake import Decoder, Intake, Message
from broker_bridge.metrics import BridgeMetrics
from broker_bridge.problem_log import ProblemLog
from broker_bridge.topics import UpKind
from isocket.domain.devices import topic_root
from isocket.domain.reports import Report
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import NotUnderstoodError, StoreUnavailableError
from isocket.storage.records import StoredRecords
from tests.fakes.clock import ManualClock
from tests.fakes.hearing_bridge import HearingBridge

Names = st.sampled_from(["boot", "seq", "ts", "mains", "temp_c", "id", "result", "thermostat", "online", "x", "\ud800"])
Values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["\ud800", "a\0b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(Names, inner, max_size=5),
    max_leaves=12,
)
Payloads = st.binary(max_size=60) | Values.map(lambda value: json.dumps(value).encode())


@settings(max_examples=400, deadline=None)
@given(said=st.lists(st.tuples(st.sampled_from(list(UpKind)), Payloads), min_size=1, max_size=4))
async def test_no_bytes_break_the_bridge(said: list[tuple[UpKind, bytes]]) -> None:
    clock, records, telemetry = ManualClock(), StoredRecords(MemoryDocuments()), MemoryTelemetry()
    await records.prepare()
    intake = _intake(clock, records, telemetry)
    decode = Decoder(clock)
    messages = [decode(f"{topic_root('d1')}/{kind}", payload, False) for kind, payload in said]
    await intake.handle([Arrived(1, 0, message) for message in messages])


@pytest.mark.parametrize(
    ("failure", "how"),
    [
        (StoreUnavailableError, {"log_level": "warning"}),
        (NotUnderstoodError, {"log_level": "error", "exc_info": True}),
    ],
)
async def test_a_store_that_is_out_of_reach_is_told_of_in_one_line_each_time_and_a_mistake_with_the_way_to_it(
    failure: type[Exception], how: dict[str, Any]
) -> None:
    clock, records, stop = ManualClock(), StoredRecords(MemoryDocuments()), asyncio.Event()

    class FullDisk(MemoryTelemetry):
        async def store(self, reports: Sequence[Report]) -> list[bool]:
            stop.set()
            raise failure("no room")

    intake = _intake(clock, records, FullDisk())
    message = Decoder(clock)(f"{topic_root('d1')}/state", b'{"boot":1,"seq":1}', False)
    with capture_logs() as lines:
        await intake._handle_until_stored([Arrived(1, 0, message)], stop)
    told = {"event": "store_unavailable", "waiting": 1, "error": "no room", **how}
    assert lines == [told], "it may last for hours, on the disk that is full"
    assert intake.held_up


async def test_a_message_that_breaks_us_is_noted_and_does_not_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(*_: object) -> None:
        raise RuntimeError("as it happens")

    bridge = HearingBridge()
    monkeypatch.setattr(bridge.intake._answers, "command_answered", break_down)
    with capture_logs() as lines:
        seen = await bridge.hear("ack", bridge.poor(1, 1, id="cmd_1", result="executed"))
    assert [line["event"] for line in lines] == ["message_not_usable"]
    assert seen == ["unusable None: this could not be used"]
    assert bridge.confirmations.due(0.0) == {"d1": (1, 1)}, "the socket may drop it"


async def test_what_a_socket_leaves_at_the_broker_is_cleared_and_our_clearing_is_no_word_of_its_own() -> None:
    bridge = HearingBridge()
    topic = f"{topic_root('d1')}/state"
    refused = await bridge.take(topic, b'{"boot":1,"seq":1}', retained=True)
    assert [each.split(":")[0] for each in refused] == ["state None"]
    assert len(bridge.intake._connection._outbox) == 1, "an empty message to stay, which is how one is cleared"
    await bridge.clock.advance(1)
    assert await bridge.take(topic, b"") == refused
    await bridge.clock.advance(1)
    assert len(await bridge.take(topic, b"")) == 2, "that one it sent itself"


async def test_a_message_on_a_topic_that_is_none_of_ours_is_refused_where_somebody_is_named() -> None:
    bridge = HearingBridge()
    (refused,) = await bridge.take(f"{topic_root('d1')}/weather", b"{}")
    assert refused.startswith("foreign_topic None: ")
    assert await bridge.take("isocket/v1/00", b"{}") == [refused]


def test_our_own_marker_comes_back_with_its_number_and_anything_else_there_with_none() -> None:
    decode = Decoder(ManualClock(), marker_topic="ours")
    said = (b"12", b"x", b"", b"-1", b"9" * 15, b"9" * 16)
    assert [decode("ours", each, False).marker for each in said] == [12, None, None, None, 999_999_999_999_999, None]


def _intake(clock: ManualClock, records: StoredRecords, telemetry: MemoryTelemetry) -> Intake:
    problems, confirmations = ProblemLog(records), Confirmations()
    return Intake(
        connection=_silent_connection(clock),
        telemetry=telemetry,
        clock=clock,
        answers=Answers(records, clock),
        problems=problems,
        confirmations=confirmations,
        counting_anew=CountingAnew(telemetry, confirmations, problems),
        confirm=lambda: None,
        drained=lambda _: None,
        in_order=True,
        metrics=BridgeMetrics(CollectorRegistry()),
        right_of_way=RightOfWay(clock),
    )


def _silent_connection(clock: ManualClock) -> Connection[Message]:
    nowhere: dict[str, Any] = {"username": None, "password": None}
    return Connection(
        name="nowhere",
        address=BrokerAddress(host="127.0.0.1", port=1, tls=False, **nowhere),
        login=Login(client_id="nobody", **nowhere),
        topics=[],
        decode=Decoder(clock),
    )
