"""What a hostile or broken device may try on the real broker: refused, harmless to the victim, counted."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from broker_bridge.mosquitto.denials import RefusalKind
from isocket.domain.devices import topic_root
from tests.fakes.broker import Peer, RunningBroker, running_broker
from tests.fakes.patience import until

pytestmark = pytest.mark.house

VICTIM, ATTACKER = "victim-1", "attacker-1"
SECRETS = {VICTIM: "the victim's secret", ATTACKER: "the attacker's secret"}
VICTIM_ROOT, ATTACKER_ROOT = topic_root(VICTIM), topic_root(ATTACKER)
BOTH_VERSIONS = pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[RunningBroker]:
    async with running_broker(tmp_path / "broker", SECRETS) as running:
        yield running


@pytest.fixture
async def bridge(broker: RunningBroker) -> AsyncIterator[Peer]:
    login = broker.telemetry
    async with Peer(broker, login.name, login.secret, clean=False) as peer:
        for kind in ("state", "alarm", "ack", "reported", "status"):
            assert await peer.subscribe(f"isocket/v1/+/+/{kind}") == 1
        yield peer


@pytest.fixture
async def victim(broker: RunningBroker) -> AsyncIterator[Peer]:
    async with Peer(broker, VICTIM) as peer:
        for kind in ("stored", "cmd", "desired"):
            await peer.subscribe(f"{VICTIM_ROOT}/{kind}")
        yield peer


def refused(broker: RunningBroker, kind: RefusalKind, times: int = 1) -> Callable[[], bool]:
    return lambda: broker.child.refusals.totals()[kind] == times


async def heard_by_bridge_until_victim_speaks(bridge: Peer, victim: Peer) -> list[str]:
    """Return the topics that reached the bridge before what the victim says now: one connection keeps order."""
    await victim.publish(f"{VICTIM_ROOT}/ack", b"last")
    await bridge.next_heard(f"{VICTIM_ROOT}/ack")
    return [each.topic for each in bridge.heard if each.topic != f"{VICTIM_ROOT}/ack"]


@BOTH_VERSIONS
@pytest.mark.parametrize("kind", ["state", "alarm", "ack", "reported", "status", "cmd", "desired", "stored"])
async def test_nobody_publishes_to_a_topic_of_another_device(
    broker: RunningBroker, bridge: Peer, victim: Peer, kind: str, version: MQTTProtocolVersion
) -> None:
    async with Peer(broker, ATTACKER, version=version) as attacker:
        await attacker.publish(f"{VICTIM_ROOT}/{kind}", b"forged")
        await until(refused(broker, RefusalKind.PUBLISH))
        assert await heard_by_bridge_until_victim_speaks(bridge, victim) == []
        await bridge.publish(f"{VICTIM_ROOT}/cmd", b"true")
        await victim.next_heard(f"{VICTIM_ROOT}/cmd")
        assert [each.payload for each in victim.heard] == [b"true"]
        assert broker.child.refusals.of_device(ATTACKER) == {RefusalKind.PUBLISH: 1}


@BOTH_VERSIONS
@pytest.mark.parametrize(
    "topic",
    [
        "#",
        "+/+/+/+/+",
        "isocket/v1/+/+/cmd",
        f"{VICTIM_ROOT}/cmd",
        f"{VICTIM_ROOT}/#",
        "$SYS/#",
        "$share/theft/#",
        "$share/theft/isocket/v1/+/+/state",
        f"$share/isocket-bridge-telemetry/{VICTIM_ROOT}/state",
        f"{topic_root(ATTACKER)}0/cmd",
    ],
)
async def test_a_subscription_outside_the_own_topics_delivers_nothing_and_takes_nothing(
    broker: RunningBroker, bridge: Peer, victim: Peer, topic: str, version: MQTTProtocolVersion
) -> None:
    async with Peer(broker, ATTACKER, version=version) as attacker:
        await attacker.subscribe(topic)
        await until(refused(broker, RefusalKind.SUBSCRIBE))
        for number in range(6):  # a shared subscription would take each second one
            await victim.publish(f"{VICTIM_ROOT}/state", b"%d" % number)
        await bridge.publish(f"{VICTIM_ROOT}/cmd", b"for the victim")
        await victim.next_heard(f"{VICTIM_ROOT}/cmd")
        await bridge.until(lambda: len(bridge.heard) == 6)
        assert [each.payload for each in bridge.heard] == [b"%d" % number for number in range(6)]
        await attacker.subscribe(f"{ATTACKER_ROOT}/cmd")
        await bridge.publish(f"{ATTACKER_ROOT}/cmd", b"for the attacker")
        await attacker.next_heard(f"{ATTACKER_ROOT}/cmd")
        assert {each.payload for each in attacker.heard} == {b"for the attacker"}


async def test_a_subscription_below_the_own_root_is_no_attack(broker: RunningBroker, bridge: Peer) -> None:
    async with Peer(broker, ATTACKER) as device, Peer(broker, VICTIM) as stranger:
        await device.subscribe(f"{ATTACKER_ROOT}/#")
        await stranger.subscribe("#")
        await until(refused(broker, RefusalKind.SUBSCRIBE))  # the second; the log keeps order
        assert broker.child.refusals.of_device(ATTACKER) == {}


async def test_what_the_bridge_retained_for_one_device_reaches_no_other(
    broker: RunningBroker, bridge: Peer, victim: Peer
) -> None:
    await bridge.publish(f"{VICTIM_ROOT}/desired", b"private", retain=True)
    async with Peer(broker, ATTACKER) as attacker:
        await attacker.subscribe("#")
        await bridge.publish(f"{ATTACKER_ROOT}/cmd", b"last")
        await attacker.next_heard(f"{ATTACKER_ROOT}/cmd")
        assert [each.topic for each in attacker.heard] == [f"{ATTACKER_ROOT}/cmd"]


@BOTH_VERSIONS
async def test_a_will_on_a_topic_of_another_device_is_never_sent(
    broker: RunningBroker, bridge: Peer, victim: Peer, version: MQTTProtocolVersion
) -> None:
    async with Peer(
        broker, ATTACKER, version=version, will=(f"{VICTIM_ROOT}/status", b'{"online": false}', 1, True)
    ) as attacker:
        await until(refused(broker, RefusalKind.WILL))
        attacker.vanish()
        await attacker.lost.wait()
    async with Peer(broker, ATTACKER):  # the broker has noticed that the first connection is gone
        assert await heard_by_bridge_until_victim_speaks(bridge, victim) == []


async def test_a_will_on_the_own_status_is_sent(broker: RunningBroker, bridge: Peer) -> None:
    will = (f"{VICTIM_ROOT}/status", b'{"online": false}', 1, True)
    async with Peer(broker, VICTIM, will=will) as device:
        device.vanish()
        assert (await bridge.next_heard(f"{VICTIM_ROOT}/status")).payload == b'{"online": false}'
        assert not any(broker.child.refusals.totals().values())


@BOTH_VERSIONS
async def test_the_client_id_of_another_device_takes_neither_its_connection_nor_its_session(
    broker: RunningBroker, bridge: Peer, version: MQTTProtocolVersion
) -> None:
    async with Peer(broker, VICTIM, clean=False) as victim:
        await victim.subscribe(f"{VICTIM_ROOT}/cmd")
        async with Peer(broker, ATTACKER, client_id=VICTIM, version=version) as attacker:
            assert not attacker.session_present
            await bridge.publish(f"{VICTIM_ROOT}/cmd", b"1")
            await victim.next_heard(f"{VICTIM_ROOT}/cmd")
            assert not victim.lost.is_set()
            assert attacker.heard == []
    async with Peer(broker, ATTACKER, client_id=VICTIM, version=version):  # now the victim is away
        await bridge.publish(f"{VICTIM_ROOT}/cmd", b"2")
    async with Peer(broker, VICTIM, clean=False) as victim:
        assert victim.session_present
        # The first one may come again: its acknowledgement need not have reached the broker before the victim left.
        await victim.until(lambda: [each.payload for each in victim.heard] in ([b"2"], [b"1", b"2"]))


async def test_of_two_connections_with_the_same_secret_only_the_later_lives(broker: RunningBroker) -> None:
    async with Peer(broker, VICTIM) as first, Peer(broker, VICTIM, client_id="of-my-own") as second:
        await first.lost.wait()
        assert second.accepted
        assert not second.lost.is_set()


@BOTH_VERSIONS
@pytest.mark.parametrize("root", [VICTIM_ROOT, ATTACKER_ROOT])
async def test_a_device_cannot_retain_a_command(
    broker: RunningBroker, bridge: Peer, root: str, version: MQTTProtocolVersion
) -> None:
    async with Peer(broker, ATTACKER, version=version) as attacker:
        await attacker.publish(f"{root}/cmd", b"switch on", retain=True)
        await until(refused(broker, RefusalKind.PUBLISH))
    name = VICTIM if root == VICTIM_ROOT else ATTACKER
    async with Peer(broker, name) as later:
        await later.subscribe(f"{root}/cmd")
        await bridge.publish(f"{root}/cmd", b"last")
        assert (await later.next_heard(f"{root}/cmd")).payload == b"last"
        assert len(later.heard) == 1


@BOTH_VERSIONS
@pytest.mark.parametrize(
    ("login", "kind"),
    [
        pytest.param((VICTIM, "wrong"), RefusalKind.LOGIN, id="wrong secret"),
        pytest.param((VICTIM, ""), RefusalKind.LOGIN, id="empty secret"),
        pytest.param(("nobody", "wrong"), RefusalKind.LOGIN, id="unknown name"),
        pytest.param(("isocket-bridge-telemetry", "wrong"), RefusalKind.LOGIN, id="the bridge's name"),
        pytest.param((None, None), RefusalKind.ANONYMOUS, id="no name"),
    ],
)
async def test_a_wrong_login_is_refused(
    broker: RunningBroker,
    victim: Peer,
    login: tuple[str | None, str | None],
    kind: RefusalKind,
    version: MQTTProtocolVersion,
) -> None:
    async with Peer(broker, *login, client_id=VICTIM, version=version) as attacker:
        assert not attacker.accepted
        await until(refused(broker, kind))
        assert not victim.lost.is_set()


async def test_the_stored_hash_is_not_a_secret(broker: RunningBroker, tmp_path: Path) -> None:
    lines = (tmp_path / "broker" / "accounts").read_text().splitlines()
    stored = next(line.partition(":")[2] for line in lines if line.startswith(f"{VICTIM}:"))
    async with Peer(broker, VICTIM, stored) as thief:
        assert not thief.accepted


async def test_the_bridges_topics_are_closed_to_devices_and_control_topics_to_all(
    broker: RunningBroker, bridge: Peer
) -> None:
    for times, topic in enumerate(("$SYS/broker/version", "$CONTROL/dynamic-security/v1", "isocket/v1/x", "a"), 1):
        async with Peer(broker, ATTACKER) as attacker:
            await attacker.publish(topic, b"x")
            await until(refused(broker, RefusalKind.PUBLISH, times))


@BOTH_VERSIONS
async def test_a_message_over_the_brokers_limit_costs_its_sender_the_connection_and_nobody_else(
    broker: RunningBroker, bridge: Peer, victim: Peer, version: MQTTProtocolVersion
) -> None:
    async with Peer(broker, ATTACKER, version=version) as attacker:
        assert await attacker.publish(f"{ATTACKER_ROOT}/state", b"x" * 300_000) == "lost"
        await until(refused(broker, RefusalKind.TOO_LARGE))
    assert await heard_by_bridge_until_victim_speaks(bridge, victim) == []


async def test_a_message_too_large_for_the_bridge_still_reaches_it(broker: RunningBroker, bridge: Peer) -> None:
    async with Peer(broker, ATTACKER) as device:
        await device.publish(f"{ATTACKER_ROOT}/state", b"x" * (65_536 + 1))
        assert len((await bridge.next_heard(f"{ATTACKER_ROOT}/state")).payload) == 65_537
        assert not device.lost.is_set()


async def test_bytes_that_are_no_mqtt_are_counted(broker: RunningBroker, victim: Peer) -> None:
    async with Peer(broker, ATTACKER) as attacker:
        raw = attacker.client.socket()
        assert raw is not None
        raw.send(b"\x30\x06\x00\x04a\nb\x00")  # a control character in a topic
        await until(refused(broker, RefusalKind.MALFORMED))
        assert not victim.lost.is_set()
