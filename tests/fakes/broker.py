"""A real Mosquitto for tests, started through our own code, and plain MQTT clients to talk to it."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from broker_bridge.mosquitto.accounts import BridgeLogin
from broker_bridge.mosquitto.config import BrokerConfig
from broker_bridge.mosquitto.process import MosquittoChild
from broker_bridge.mosquitto.waiting import AwaitedOf
from isocket.domain.secrets import hash_secret
from isocket.kit.clock import SystemClock
from tests.fakes.patience import PATIENCE_S


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class RunningBroker:
    """The broker and the accounts it knows."""

    child: MosquittoChild
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return self.child.config.host

    @property
    def port(self) -> int:
        return self.child.config.port

    @property
    def telemetry(self) -> BridgeLogin:
        return self.child.bridge_logins[0]

    @property
    def alarms(self) -> BridgeLogin:
        return self.child.bridge_logins[1]

    async def set_devices(self, secrets: Mapping[str, str]) -> None:
        """Let exactly these devices in: device id to secret."""
        self.secrets = dict(secrets)
        await self.child.set_accounts((name, hash_secret(secret)) for name, secret in secrets.items())

    def kill(self) -> None:
        """kill -9 the broker; it is started again by itself."""
        assert self.child.pid is not None
        os.kill(self.child.pid, signal.SIGKILL)

    def save_now(self) -> None:
        """Have the broker write sessions and retained messages to its file at once, as it does every minute."""
        assert self.child.pid is not None
        os.kill(self.child.pid, signal.SIGUSR1)


@contextlib.asynccontextmanager
async def running_broker(
    folder: Path,
    secrets: Mapping[str, str] | None = None,
    *,
    config: BrokerConfig | None = None,
    awaited: AwaitedOf | None = None,
) -> AsyncIterator[RunningBroker]:
    """Run a supervised Mosquitto in `folder` on a free loopback port, with these devices (id to secret)."""
    child = MosquittoChild(config=config or BrokerConfig(port=free_port()), folder=folder, clock=SystemClock())
    child.awaited_of = awaited
    broker = RunningBroker(child)
    await broker.set_devices(secrets or {})
    await child.start()
    stop = asyncio.Event()
    running = asyncio.create_task(child.run(stop), name="broker")
    try:
        yield broker
    finally:
        stop.set()
        await running


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it reached a client."""

    topic: str
    payload: bytes
    retained: bool


class Peer:
    """An MQTT client for tests: connects, speaks, and keeps what it hears in `heard`."""

    def __init__(
        self,
        broker: RunningBroker,
        name: str | None,
        secret: str | None = None,
        *,
        client_id: str | None = None,
        port: int | None = None,
        clean: bool = True,
        version: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311,
        will: tuple[str, bytes, int, bool] | None = None,
    ) -> None:
        self._address = (broker.host, port or broker.port)
        self._loop = asyncio.get_running_loop()
        self.heard: list[Heard] = []
        self.answer: str | None = None
        self.session_present = False
        self.granted: list[int] = []
        self.acknowledged: dict[int, str] = {}
        self.lost = asyncio.Event()
        self._news = asyncio.Event()
        v5 = version == MQTTProtocolVersion.MQTTv5
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id if client_id is not None else (name or ""),
            protocol=version,
            clean_session=None if v5 else clean,
            reconnect_on_failure=False,
        )
        if name is not None:
            self.client.username_pw_set(name, secret if secret is not None else broker.secrets.get(name, ""))
        if will is not None:
            self.client.will_set(*will)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe
        self.client.on_publish = self._on_publish

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.client.connect, *self._address)
        self.client.loop_start()
        await self.until(lambda: self.answer is not None or self.lost.is_set())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)
        self.client._reset_sockets()  # else whatever collects garbage closes them, in any order, and warns

    @property
    def accepted(self) -> bool:
        """Whether the broker let the client in."""
        return self.answer == "Success"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as `condition` holds; it is looked at after each event of this client."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def subscribe(self, topic: str, qos: int = 1) -> int:
        """Return the broker's answer: the granted QoS, or 128 and above for a refusal."""
        before = len(self.granted)
        self.client.subscribe(topic, qos)
        await self.until(lambda: len(self.granted) > before)
        return self.granted[-1]

    async def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> str:
        """Publish and return the broker's answer, or `lost` when it closed the connection instead."""
        sent = self.client.publish(topic, payload, qos, retain)
        await self.until(lambda: sent.mid in self.acknowledged or self.lost.is_set())
        return self.acknowledged.get(sent.mid, "lost")

    async def next_heard(self, topic: str) -> Heard:
        """Return the first message on `topic`, waiting for it."""
        await self.until(lambda: any(each.topic == topic for each in self.heard))
        return next(each for each in self.heard if each.topic == topic)

    def vanish(self) -> None:
        """Drop the connection without a goodbye, as a lost network does: the will becomes due."""
        raw = self.client.socket()
        assert isinstance(raw, socket.socket)
        raw.shutdown(socket.SHUT_RDWR)

    def _tell(self, change: Callable[[], object]) -> None:
        def apply() -> None:
            change()
            self._news.set()

        with contextlib.suppress(RuntimeError):  # the test is over and its loop closed
            self._loop.call_soon_threadsafe(apply)

    def _on_connect(self, _c: object, _u: object, flags: paho.ConnectFlags, code: object, _p: object) -> None:
        def change() -> None:
            self.session_present = flags.session_present
            self.answer = str(code)

        self._tell(change)

    def _on_disconnect(self, *_: object) -> None:
        self._tell(self.lost.set)

    def _on_message(self, _c: object, _u: object, message: paho.MQTTMessage) -> None:
        self._tell(lambda: self.heard.append(Heard(message.topic, bytes(message.payload), message.retain)))

    def _on_subscribe(self, _c: object, _u: object, _m: object, codes: list[ReasonCode], _p: object) -> None:
        self._tell(lambda: self.granted.extend(code.value for code in codes))

    def _on_publish(self, _c: object, _u: object, mid: int, code: object, _p: object) -> None:
        self._tell(lambda: self.acknowledged.__setitem__(mid, str(code)))
