"""How often one home is served, whatever it does."""

from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.home import IN_A_WINDOW, WINDOW_S, HomeBridge
from broker_bridge.home_listeners import HomeListeners
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.clock import ManualClock


async def test_a_home_that_subscribes_without_end_has_to_wait_and_no_other_does() -> None:
    clock, wakeups = ManualClock(), Wakeups()
    bridge = HomeBridge(
        records=StoredRecords(MemoryDocuments(), wakeups),
        telemetry=MemoryTelemetry(wakeups=wakeups, clock=clock),
        clock=clock,
        wakeups=wakeups,
        address=BrokerAddress(host="127.0.0.1", port=1, tls=False, username=None, password=None),
        login=Login(username="u", password="p", client_id="u"),
        listeners=HomeListeners(),
        public_url="https://cloud.example.org",
    )
    assert [bridge._may_be_served("home_a") for _ in range(IN_A_WINDOW + 2)] == [True] * IN_A_WINDOW + [False] * 2
    assert bridge._may_be_served("home_b")
    await clock.advance(WINDOW_S)
    assert bridge._may_be_served("home_a")
