"""How often one home is served, whatever it does."""

from typing import Any

import pytest

from broker_bridge import home_topics
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.home import AT_ONCE, IN_A_WINDOW, WINDOW_S, HomeBridge
from broker_bridge.home_listeners import HomeListeners
from broker_bridge.home_wishes import Wish
from isocket.domain.accounts import Account
from isocket.domain.devices import Device
from isocket.domain.homes import Home
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import StoreUnavailableError, is_
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


async def test_what_becomes_of_one_account_is_looked_up_for_its_own_homes_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bridge = await serving(monkeypatch, homes=20)
    looked_up: list[str] = []
    get = bridge._records.get

    async def counted(kind: type[Any], record_id: str) -> Any:
        looked_up.append(record_id)
        return await get(kind, record_id)

    await bridge._records.change_one(Account, is_("id", "acc_3"), credential_epoch=2)
    monkeypatch.setattr(bridge._records, "get", counted)
    await bridge.step()
    assert looked_up == ["home_3", "acc_3"]
    assert "home_3" not in bridge._homes
    assert len(bridge._homes) == 19


async def test_who_is_erased_is_not_named_and_their_home_hears_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = await serving(monkeypatch, homes=3)
    await bridge._records.remove_all(Account, is_("id", "acc_1"))
    await bridge.step()
    assert set(bridge._homes) == {"home_0", "home_2"}


async def test_the_sockets_of_one_home_are_announced_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = await serving(monkeypatch, homes=1, sockets=2 * AT_ONCE + 1)
    at_once: list[int] = []
    latest = bridge._telemetry.latest

    async def counted(device_ids: list[str]) -> Any:
        at_once.append(len(device_ids))
        return await latest(device_ids)

    monkeypatch.setattr(bridge._telemetry, "latest", counted)
    await bridge._tell_all()
    assert at_once == [AT_ONCE, AT_ONCE, 1]


@pytest.mark.parametrize("how", ["came anew meanwhile", "the store was away"])
async def test_homes_are_told_once_more(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge, times = await serving(monkeypatch, homes=1), 0

    async def tell_all() -> None:
        nonlocal times
        times += 1
        if times == 1 and how == "the store was away":
            raise StoreUnavailableError("not now")
        if times == 1:
            bridge._connected()

    monkeypatch.setattr(bridge, "_tell_all", tell_all)
    bridge._connected()
    for _ in range(3):
        try:
            await bridge.step()
        except StoreUnavailableError:
            assert how == "the store was away"
    assert times == 2


async def serving(monkeypatch: pytest.MonkeyPatch, *, homes: int, sockets: int = 1) -> HomeBridge:
    """Return a bridge that is connected, with homes of as many customers that have heard of their sockets."""
    clock = ManualClock()
    bridge, now = bridge_of(clock), clock.now()
    monkeypatch.setattr(bridge._lane, "connected", True)
    monkeypatch.setattr(bridge._lane, "publish", lambda *_, **__: None)
    for number in range(homes):
        account_id = f"acc_{number}"
        made = [
            Device(
                id=f"is{number}x{each}", model="isocket-4g", secret_hash="", claim_hash="", provisioned_at=now,
                owner_id=account_id, name="Cabin",
            )
            for each in range(sockets)
        ]  # fmt: skip
        account = Account(id=account_id, email=f"{number}@example.org", created_at=now)
        home = Home(
            id=f"home_{number}", account_id=account_id, name="House", secret_hash="s", credential_epoch=1,
            created_at=now,
        )  # fmt: skip
        await bridge._records.add_all([account, home, *made])
        bridge._listeners.note(home.id, home_topics.config("+", "+"))
    await bridge.step()
    assert len(bridge._homes) == homes
    return bridge
