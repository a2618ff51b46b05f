"""One MQTT session that hands out messages in groups and acknowledges them only when told to.

paho's own network thread acknowledges on receipt, or wakes us once a message. Here a thread of ours drives paho's
reading and writing, decodes at once, and crosses over to the event loop once a burst. When too many messages wait
it stops reading, and the broker holds the rest: memory stays bounded.
"""

import asyncio
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from isocket.kit.backoff import full_jitter
from isocket.kit.logs import get_logger

T = TypeVar("T")
log = get_logger(__name__)

HIGH_WATER = 4_000  # messages that may wait in memory
BURST = 64  # messages read before we look at anything else
STABLE_S = 30.0  # a connection that held so long begins the back-off anew
KEEPALIVE_S = 30


class BrokerUrlError(ValueError):
    """The broker's address is not one we can use; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where a broker listens, and the login in its URL."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> "BrokerAddress":
        """Return the address in `mqtt://[user:secret@]host[:port]` or `mqtts://…`.

        Raises:
            BrokerUrlError: another scheme, or no host.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BrokerUrlError(
                "the broker's address must look like mqtt://host:1883 or mqtts://user:secret@host:8883"
            )
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=parts.port or (8883 if tls else 1883),
            tls=tls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An account at the broker and the session to take up; one connection a client id."""

    username: str | None
    password: str | None
    client_id: str


@dataclass(frozen=True, slots=True)
class Arrived(Generic[T]):
    """A decoded message; `generation` tells to which connection its `mid` belongs."""

    generation: int
    mid: int
    message: T


class Connection(Generic[T]):
    """A persistent session (MQTT 3.1.1, clean session off, QoS 1) with acknowledgement by hand."""

    def __init__(
        self,
        *,
        name: str,
        address: BrokerAddress,
        login: Login,
        topics: Sequence[str],
        decode: Callable[[str, bytes, bool], T],
        on_connected: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """`decode(topic, payload, retained)` runs in the network thread and must not raise.

        `on_connected(session_present)` runs on the event loop after each connect.
        """
        self.name = name
        self.connected = False
        self._address = address
        self._login = login
        self._topics = tuple(topics)
        self._decode = decode
        self._on_connected = on_connected
        self._inbox: deque[Arrived[T]] = deque()
        self._outbox: deque[Callable[[mqtt.Client], object]] = deque()
        self._arrived = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = threading.Event()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._generation = 0
        self._received = 0
        self._lost = False
        self._finishing = False
        self._thread = threading.Thread(target=self._run, name=f"mqtt-{name}", daemon=True)

    def start(self) -> None:
        """Begin to connect; call it on the event loop that will take the messages."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Disconnect; what was not acknowledged comes again next time."""
        self._stop.set()
        self._nudge()
        await asyncio.to_thread(self._thread.join)
        self._wake_read.close()
        self._wake_write.close()

    async def take(self, most: int, *, linger_s: float = 0.0) -> list[Arrived[T]]:
        """Return the next messages, oldest first, not more than `most`; none only after `finish`.

        With `linger_s`, a group that is not full waits so long for more.
        """
        while not self._inbox and not self._finishing:
            self._arrived.clear()
            if not self._inbox:
                await self._arrived.wait()
        if linger_s and len(self._inbox) < most and not self._finishing:
            await asyncio.sleep(linger_s)
        was_full = len(self._inbox) >= HIGH_WATER
        group = [self._inbox.popleft() for _ in range(min(most, len(self._inbox)))]
        if was_full:
            self._nudge()
        return group

    def finish(self) -> None:
        """Let whoever waits in `take` go; what is not taken comes again in the next session."""
        self._finishing = True
        self._arrived.set()

    def acknowledge(self, messages: Sequence[Arrived[T]]) -> None:
        """Tell the broker that these are stored. Those of an earlier connection come again and are not ours to tell."""
        by_hand = [(each.generation, each.mid) for each in messages if each.mid]
        if not by_hand:
            return

        def send(client: mqtt.Client) -> None:
            for generation, mid in by_hand:
                if generation == self._generation:
                    client.ack(mid, 1)

        self._outbox.append(send)
        self._nudge()

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        """Send a message as soon as possible; while there is no connection nothing is sent (see `connected`)."""
        self._outbox.append(lambda client: client.publish(topic, payload, qos=qos, retain=retain))
        self._nudge()

    def _nudge(self) -> None:
        try:
            self._wake_write.send(b"x")
        except BlockingIOError:
            return  # it is awake already
        except OSError:
            return  # stopped

    def _run(self) -> None:
        """Connect, serve until the connection ends, wait with jitter, and again.

        It is one paho client throughout: what it published and the broker did not acknowledge is sent again.
        """
        client = self._client()
        client.connect_async(self._address.host, self._address.port, KEEPALIVE_S)
        attempt = 0
        while not self._stop.is_set():
            try:
                client.reconnect()
                if self._serve(client) > STABLE_S:
                    attempt = 0
            except OSError as error:
                log.warning("broker_unreachable", lane=self.name, error=type(error).__name__)
            except Exception:  # the lane must live on, whatever one message did to it
                log.exception("broker_lane_failed", lane=self.name)
                client.disconnect()
            finally:
                self._disconnected()
            self._stop.wait(full_jitter(attempt, base_s=0.25, cap_s=15.0))
            attempt += 1
        client.disconnect()
        if client.want_write():
            client.loop_write()

    def _client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self._login.client_id, clean_session=False, manual_ack=True
        )
        if self._login.username:
            client.username_pw_set(self._login.username, self._login.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context())
        client.max_inflight_messages_set(1000)
        client.on_connect = self._connected
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_socket_register_write = lambda *_: None  # then paho queues, and we write once a turn
        return client

    def _serve(self, client: mqtt.Client) -> float:
        """Read, acknowledge, publish, until the connection is lost or we stop; return for how long it held."""
        sock = client.socket()
        if sock is None:
            return 0.0
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lost = False
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        poll.register(sock, select.POLLIN)
        turns = _Turns()
        more = False
        while not self._lost and not self._stop.is_set():
            reading = 0 if len(self._inbox) >= HIGH_WATER else select.POLLIN
            poll.modify(sock, reading | (select.POLLOUT if client.want_write() else 0))
            events = dict(poll.poll(0 if more and reading else 1000))
            if self._wake_read.fileno() in events:
                self._wake_read.recv(4096)
            if more or events.get(sock.fileno(), 0) & ~select.POLLOUT:
                more = self._read(client)
            self._say(client)
            if client.want_write():
                client.loop_write()
            if turns.second_passed():
                client.loop_misc()
        return turns.seconds

    def _read(self, client: mqtt.Client) -> bool:
        """Read a burst; return whether there may be more that `poll` does not see (TLS keeps some back)."""
        before = len(self._inbox)
        more = True
        for _ in range(BURST):
            seen = self._received
            if client.loop_read() != mqtt.MQTT_ERR_SUCCESS or self._received == seen:
                more = False
                break
        if len(self._inbox) > before and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._arrived.set)
        return more

    def _say(self, client: mqtt.Client) -> None:
        if not self.connected:
            return
        while self._outbox:
            self._outbox.popleft()(client)

    def _connected(
        self, client: mqtt.Client, _: object, flags: mqtt.ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if reason.is_failure:
            log.error("broker_refused_us", lane=self.name, reason=str(reason))
            self._lost = True
            return
        self._generation += 1
        self.connected = True
        if self._topics:
            client.subscribe([(topic, 1) for topic in self._topics])
        log.info("broker_connected", lane=self.name, session_present=flags.session_present)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_connected, flags.session_present)

    def _on_disconnect(self, *_: object) -> None:
        self._lost = True

    def _on_message(self, _: mqtt.Client, __: object, message: mqtt.MQTTMessage) -> None:
        self._received += 1
        decoded = self._decode(message.topic, bytes(message.payload), message.retain)
        self._inbox.append(Arrived(self._generation, message.mid if message.qos else 0, decoded))

    def _disconnected(self) -> None:
        if self.connected:
            log.warning("broker_disconnected", lane=self.name)
        self.connected = False


class _Turns:
    """Tells when a second has passed, for paho's housekeeping."""

    def __init__(self) -> None:
        self._started = monotonic()
        self._next = self._started

    @property
    def seconds(self) -> float:
        return monotonic() - self._started

    def second_passed(self) -> bool:
        now = monotonic()
        if now < self._next:
            return False
        self._next = now + 1.0
        return True
