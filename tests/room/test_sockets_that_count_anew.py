"""By its numbers, all that a socket says whose counters began anew is old: its owner is told."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from broker_bridge.answers import Answers
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.confirmations import Confirmations
from broker_bridge.connection import Arrived, Connection
from broker_bridge.intake import Decoder, Intake, Message
from broker_bridge.metrics import BridgeMetrics
from broker_bridge.problem_log import ProblemLog
from isocket.domain.devices import topic_root
from isocket.domain.problems import Problem
from isocket.domain.reports import DeviceState
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.records import StoredRecords
from tests.fakes.clock import ManualClock

ALARM: dict[str, Any] = {"cause": "mains_lost", "active": True}


class Bridge:
    """The intake of a bridge, and what it keeps."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.records = StoredRecords(MemoryDocuments())
        self.telemetry = MemoryTelemetry()
        self.start()

    def start(self) -> None:
        """Begin as a process that knows only what is stored."""
        nowhere: dict[str, Any] = {"username": None, "password": None}
        self._decode = Decoder(self.clock)
        connection: Connection[Message] = Connection(
            name="nowhere",
            address=BrokerAddress(host="127.0.0.1", port=1, tls=False, **nowhere),
            login=Login(client_id="nobody", **nowhere),
            topics=[],
            decode=self._decode,
        )
        self._intake = Intake(
            connection=connection,
            telemetry=self.telemetry,
            clock=self.clock,
            answers=Answers(self.records, self.clock),
            problems=ProblemLog(self.records),
            confirmations=Confirmations(),
            confirm=lambda: None,
            drained=lambda _: None,
            in_order=True,
            metrics=BridgeMetrics(CollectorRegistry()),
            right_of_way=RightOfWay(self.clock),
        )

    async def hear(self, kind: str, *messages: dict[str, Any]) -> list[str]:
        """Take what the socket says (several: as a batch), and return what its owner sees of it among the problems."""
        body = messages[0] if len(messages) == 1 else list(messages)
        message = self._decode(f"{topic_root('d1')}/{kind}", json.dumps(body).encode(), False)
        await self._intake.handle([Arrived(1, 0, message)])
        found = await self.records.find(Problem, order_by="at")
        return [f"{each.topic_kind} {each.field}: {each.reason}" for each in found]

    def at(self, boot: int, seq: int, *, ago_s: int = 0, **fields: Any) -> dict[str, Any]:
        """Return a message with its numbers and time."""
        return {"boot": boot, "seq": seq, "ts": self.clock.now_ms() - ago_s * 1000, **fields}


@pytest.mark.parametrize("anew", [False, True], ids=["the same bridge", "a bridge started since"])
@pytest.mark.parametrize(
    ("numbers", "field"), [((1, 2), "boot"), ((50, 2), "seq")], ids=["after a reset", "boot not kept"]
)
async def test_the_owner_of_a_socket_that_counts_anew_sees_that_its_alarms_count_as_old(
    numbers: tuple[int, int], field: str, anew: bool
) -> None:
    bridge = Bridge()
    assert await bridge.hear("state", bridge.at(50, 7)) == []
    await bridge.telemetry.note_confirmed({"d1": (50, 7)})
    await bridge.clock.advance(120)
    if anew:
        bridge.start()
    boot, seq = numbers
    told = f"alarm {field}: boot {boot}, seq {seq} came after boot 50, seq 7: it counts as older, and raises no alarm"
    assert await bridge.hear("alarm", bridge.at(boot, seq, **ALARM)) == [told]
    await bridge.clock.advance(120)
    assert await bridge.hear("state", bridge.at(boot, seq + 1)) == [told], "once is enough"


async def test_what_a_socket_sends_late_of_an_earlier_run_is_no_counting_anew() -> None:
    bridge = Bridge()
    await bridge.hear("state", bridge.at(49, 9))
    await bridge.clock.advance(300)
    await bridge.hear("state", bridge.at(50, 7))
    await bridge.clock.advance(120)
    assert await bridge.hear("alarm", bridge.at(49, 11, ago_s=130, **ALARM)) == []
    assert await bridge.hear("state", bridge.at(49, 10, ago_s=200), bridge.at(50, 1, ago_s=129)) == []


@pytest.mark.parametrize("back_s", [0, 59])
async def test_a_socket_that_puts_its_clock_right_by_less_than_a_minute_does_not_count_anew(back_s: int) -> None:
    bridge = Bridge()
    await bridge.hear("state", bridge.at(50, 7, ago_s=back_s))
    assert await bridge.hear("state", bridge.at(50, 6)) == []


async def test_without_a_clock_of_its_own_a_late_report_is_not_told_from_counting_anew_and_nobody_is_told() -> None:
    bridge = Bridge()
    await bridge.hear("state", bridge.at(50, 7))
    await bridge.clock.advance(120)
    assert await bridge.hear("alarm", {"boot": 1, "seq": 2, **ALARM}) == []


async def test_messages_are_stored_and_acknowledged_though_the_look_for_who_counts_anew_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bridge = Bridge()
    acknowledged: list[int] = []
    await bridge.hear("state", bridge.at(9, 1, temp_c=[4.0]))

    async def broken(_: Sequence[str]) -> dict[str, DeviceState]:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(bridge.telemetry, "latest", broken)
    monkeypatch.setattr(Connection, "acknowledge", lambda _, group: acknowledged.append(len(group)))
    await bridge.hear("alarm", bridge.at(1, 2, **ALARM))
    assert acknowledged == [1]
    assert await bridge.telemetry.reports_waiting() == 2
