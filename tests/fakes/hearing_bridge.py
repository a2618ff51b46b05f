"""A bridge's intake on memory stores, at which one socket, d1, is heard by hand."""

import json
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from broker_bridge.answers import Answers
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.confirmations import Confirmations
from broker_bridge.connection import Arrived, Connection
from broker_bridge.counting_anew import CountingAnew
from broker_bridge.intake import Decoder, Intake, Message
from broker_bridge.metrics import BridgeMetrics
from broker_bridge.problem_log import ProblemLog
from isocket.domain.devices import topic_root
from isocket.domain.problems import Problem
from isocket.domain.reports import Order
from isocket.kit.clock import EPOCH
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.records import StoredRecords
from tests.fakes.clock import ManualClock


class HearingBridge:
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
        problems = ProblemLog(self.records)
        confirmations = self.confirmations = Confirmations()
        self.intake = Intake(
            connection=connection,
            telemetry=self.telemetry,
            clock=self.clock,
            answers=Answers(self.records, self.clock),
            problems=problems,
            confirmations=confirmations,
            counting_anew=CountingAnew(self.telemetry, confirmations, problems),
            confirm=lambda: None,
            drained=lambda _: None,
            in_order=True,
            metrics=BridgeMetrics(CollectorRegistry()),
            right_of_way=RightOfWay(self.clock),
        )

    async def judged(self) -> list[Order]:
        """Return what waits to be judged."""
        waiting = await self.telemetry.claim_waiting(owner="judge", now=self.clock.now(), lease_s=30)
        return [] if waiting is None else [each.order for each in waiting.reports]

    async def stored(self) -> list[Order]:
        """Return the order of all that is stored."""
        whole = await self.telemetry.reports("d1", start=EPOCH, end=self.clock.now() + timedelta(hours=1))
        return sorted(each.order for each in whole)

    async def hear(self, kind: str, *messages: dict[str, Any]) -> list[str]:
        """Take what the socket says (several: as a batch), and return what its owner sees of it among the problems."""
        body = messages[0] if len(messages) == 1 else list(messages)
        return await self.take(f"{topic_root('d1')}/{kind}", json.dumps(body).encode())

    async def hear_status(self, *, online: bool, retained: bool = False) -> None:
        """Take what the broker says of the socket's connection."""
        await self.take(f"{topic_root('d1')}/status", json.dumps({"online": online}).encode(), retained=retained)

    async def take(self, topic: str, payload: bytes, *, retained: bool = False) -> list[str]:
        """Take a message, with `retained` one that stayed at the broker from some time ago; return as `hear`."""
        await self.intake.handle([Arrived(1, 0, self._decode(topic, payload, retained))])
        return await self.problems()

    async def problems(self) -> list[str]:
        """Return what the socket's owner sees of what could not be used."""
        found = await self.records.find(Problem, order_by="at")
        return [f"{each.topic_kind} {each.field}: {each.reason}" for each in found]

    def poor(self, boot: int, seq: int, *, ago_s: int | None = None, **fields: Any) -> dict[str, Any]:
        """Return a message without a time, or with that of a clock that is so far behind."""
        said = {"boot": boot, "seq": seq, **fields}
        return said if ago_s is None else self.at(boot, seq, ago_s=ago_s, **fields)

    def at(self, boot: int, seq: int, *, ago_s: int = 0, **fields: Any) -> dict[str, Any]:
        """Return a message with its numbers and time."""
        return {"boot": boot, "seq": seq, "ts": self.clock.now_ms() - ago_s * 1000, **fields}
