"""How often one home is served, whatever it does."""

import pytest

from broker_bridge import home_topics
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.home import IN_A_WINDOW, WINDOW_S, HomeBridge
from broker_bridge.home_listeners import HomeListeners
from broker_bridge.home_wishes import Wish
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.clock import ManualClock


def bridge_of(clock: ManualClock) -> HomeBridge:
    wakeups = Wakeups()
    return HomeBridge(
        records=StoredRecords(MemoryDocuments(), wakeups),
        telemetry=MemoryTelemetry(wakeups=wakeups, clock=clock),
        clock=clock,
        wakeups=wakeups,
        address=BrokerAddress(host="127.0.0.1", port=1, tls=False, username=None, password=None),
        login=Login(username="u", password="p", client_id="u"),
        listeners=HomeListeners(),
        public_url="https://cloud.example.org",
    )


async def test_a_home_that_subscribes_without_end_has_to_wait_and_no_other_does() -> None:
    clock = ManualClock()
    bridge = bridge_of(clock)
    assert [bridge._may_be_served("home_a") for _ in range(IN_A_WINDOW + 2)] == [True] * IN_A_WINDOW + [False] * 2
    assert bridge._may_be_served("home_b")
    await clock.advance(WINDOW_S)
    assert bridge._may_be_served("home_a")


async def test_however_many_wishes_come_together_a_topic_is_cleared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = bridge_of(ManualClock())
    sent: list[tuple[str, bytes, bool]] = []

    def publish(topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        assert qos == 0
        sent.append((topic, payload, retain))

    monkeypatch.setattr(bridge._lane, "publish", publish)
    relay, aux = (Wish("home_a", "is1", part, "ON", False, 0) for part in ("relay", "aux"))
    bridge._clear([relay, relay, aux, relay, relay._replace(part="gone", payload="")])
    assert sent == [(home_topics.wish("home_a", "is1", part), b"", True) for part in ("relay", "aux")]
