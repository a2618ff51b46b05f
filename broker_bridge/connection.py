"""One MQTT session that hands out messages in groups and acknowledges them only when told to.

paho's own network thread acknowledges on receipt, or wakes us once a message. Here a thread of ours drives paho's
reading and writing, decodes at once, and crosses over to the event loop once a burst. When too many messages wait
it stops reading, and the broker holds the rest: memory stays bounded.
"""

import asyncio
import select
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.buffered_client import BufferedClient, Published, publish_packet
from broker_bridge.rests import Rests
from isocket.kit.backoff import full_jitter
from isocket.kit.logs import get_logger

T = TypeVar("T")
log = get_logger(__name__)

HIGH_WATER = 3_000  # reports that may wait in memory: while alarms go first, we read no further
BURST = 64  # messages read before we look at anything else, unless a lane says otherwise
_PUBACK = struct.Struct("!BBH")
LONGEST_PAUSE_S = 3.0  # there are two of us, not ten thousand: an alarm waits for no more
STABLE_S = 30.0  # a connection that held so long begins the back-off anew
KEEPALIVE_S = 30


class Arrived(NamedTuple, Generic[T]):
    """A decoded message; `generation` tells to which connection its `mid` belongs."""

    generation: int
    mid: int
    message: T
    weight: int = 1


class Connection(Generic[T]):
    """A session (MQTT 3.1.1, QoS 1) with acknowledgement by hand; a persistent one, unless it is `clean`."""

    def __init__(
        self,
        *,
        name: str,
        address: BrokerAddress,
        login: Login,
        topics: Sequence[str],
        decode: Callable[[str, bytes, bool], T],
        weigh: Callable[[T], int] = lambda _: 1,
        on_connected: Callable[[], None] = lambda: None,
        clean: bool = False,
        rests: Rests | None = None,
        burst: int = BURST,
    ) -> None:
        """`decode(topic, payload, retained)` runs in the network thread and must not raise.

        `weigh` tells for how many reports a message counts. `on_connected` runs on the event loop after each connect.
        `rests`: when what comes is left in the socket, to be read together; a message that comes after a longer
        silence is read at once. `burst`: how many are read and handed over at a time.
        """
        self.name = name
        self.connected = False
        self._address = address
        self._login = login
        self._topics = tuple(topics)
        self._decode = decode
        self._weigh = weigh
        self._on_connected = on_connected
        self._clean = clean
        self._rests = rests or Rests()
        self._burst = burst
        self._inbox: deque[Arrived[T]] = deque()
        self._outbox: deque[Callable[[mqtt.Client], object]] = deque()
        self._arrived = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = threading.Event()
        self._wake_read: socket.socket | None = None
        self._wake_write: socket.socket | None = None
        self._generation = 0
        self._came_in = 0  # weights; each of the two is changed by one thread alone
        self._went_out = 0
        self._lost = False
        self._unsent = b""  # of packets that are on their way; used in the network thread alone
        self._finishing = False
        self._thread = threading.Thread(target=self._run, name=f"mqtt-{name}", daemon=True)

    def start(self) -> None:
        """Begin to connect; call it on the event loop that will take the messages."""
        self._loop = asyncio.get_running_loop()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._thread.start()

    async def stop(self) -> None:
        """Disconnect; what was not acknowledged comes again next time."""
        self._stop.set()
        self._nudge()
        await asyncio.to_thread(self._thread.join)
        for end in (self._wake_read, self._wake_write):
            if end is not None:
                end.close()

    async def take(self, most: int) -> list[Arrived[T]]:
        """Return the next messages, oldest first, of a weight of `most` at most; none only after `finish`."""
        while not self._inbox and not self._finishing:
            self._arrived.clear()
            if not self._inbox:
                await self._arrived.wait()
        was_full = self._waiting >= HIGH_WATER
        group: list[Arrived[T]] = []
        weight = 0
        while self._inbox and (not group or weight + self._inbox[0].weight <= most):
            group.append(self._inbox.popleft())
            weight += group[-1].weight
        self._went_out += weight
        if was_full:
            self._nudge()
        return group

    @property
    def _waiting(self) -> int:
        return self._came_in - self._went_out

    def finish(self) -> None:
        """Let whoever waits in `take` go; what is not taken comes again in the next session."""
        self._finishing = True
        self._arrived.set()

    def acknowledge(self, messages: Sequence[Arrived[T]]) -> None:
        """Tell the broker that these are stored. Those of an earlier connection come again and are not ours to tell."""
        by_hand = [(each.generation, each.mid) for each in messages if each.mid]
        if by_hand:
            self._outbox.append(lambda client: self._acknowledge(client, by_hand))
            self._nudge()

    def _acknowledge(self, client: mqtt.Client, by_hand: list[tuple[int, int]]) -> None:
        mids = [mid for generation, mid in by_hand if generation == self._generation]
        if not self._wrote(client, b"".join([_PUBACK.pack(0x40, 2, mid) for mid in mids])):
            for mid in mids:
                client.ack(mid, 1)

    def tell(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send many topics and payloads at QoS 0, as `publish` would each; ten thousand may be due in one second."""
        if messages:
            self._outbox.append(lambda client: self._tell(client, messages))
            self._nudge()

    def _tell(self, client: mqtt.Client, messages: Sequence[tuple[str, bytes]]) -> None:
        if not self._wrote(client, b"".join([publish_packet(*each) for each in messages])):
            for topic, payload in messages:
                client.publish(topic, payload)

    def _wrote(self, client: mqtt.Client, packets: bytes) -> bool:
        """Send many packets in one write: paho would make a system call for each. False: paho has to.

        This thread is the only one that writes to the socket, and only when nothing of paho's waits before us. What
        the socket does not take at once goes before anything else.
        """
        client.loop_write()
        sock = client.socket()
        if client.want_write() or sock is None:
            return False
        self._unsent = packets
        self._push(sock)
        return True

    def _push(self, sock: "mqtt.SocketLike") -> None:
        try:
            self._unsent = self._unsent[sock.send(self._unsent) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            return

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        """Send a message as soon as there is a connection; ask `connected` first where later is too late."""
        self._outbox.append(lambda client: client.publish(topic, payload, qos=qos, retain=retain))
        self._nudge()

    def _nudge(self) -> None:
        if self._wake_write is None:
            return  # not started: what waits is sent when we are
        with suppress(OSError):  # it is awake already, or stopped
            self._wake_write.send(b"x")

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
            self._stop.wait(full_jitter(attempt, base_s=0.25, cap_s=LONGEST_PAUSE_S))
            attempt += 1
        client.disconnect()
        if client.want_write():
            client.loop_write()

    def _client(self) -> BufferedClient:
        client = BufferedClient(self._login.client_id, clean=self._clean)
        if self._login.username:
            client.username_pw_set(self._login.username, self._login.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context())
        client.max_inflight_messages_set(1000)  # of what we send
        client.on_connect = self._connected
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_socket_register_write = lambda *_: None  # then paho queues, and we write once a turn
        return client

    def _serve(self, client: BufferedClient) -> float:
        """Read, acknowledge, publish, until the connection is lost or we stop; return for how long it held."""
        sock = client.socket()
        if sock is None or self._wake_read is None:
            return 0.0
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lost, self._unsent = False, b""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        poll.register(sock, select.POLLIN)
        turns = _Turns()
        more = False
        while not self._lost:
            if self._stop.is_set():
                self._say(client, sock)  # what is stored is still acknowledged
                return turns.seconds
            rest_ms = 0 if more else self._rests.left_ms()
            reading = 0 if rest_ms or self._waiting >= HIGH_WATER else select.POLLIN
            writing = select.POLLOUT if self._unsent or client.want_write() else 0
            poll.modify(sock, reading | writing)
            events = dict(poll.poll(0 if more and reading else min(rest_ms, 1000) or 1000))
            if self._wake_read.fileno() in events:
                self._wake_read.recv(4096)
            if (more and reading) or events.get(sock.fileno(), 0) & ~select.POLLOUT:
                before = self._came_in
                more = self._read(client)
                if self._came_in != before:  # what is said to us besides begins no rest
                    self._rests.begin()
            self._say(client, sock)
            if turns.second_passed():
                client.loop_misc()
        return turns.seconds

    def _read(self, client: BufferedClient) -> bool:
        """Read a burst; return whether there may be more that `poll` does not see."""
        came = 0
        for message in client.published(self._burst):
            self._on_message(message)
            came += 1
            if self._waiting >= HIGH_WATER:
                break  # a message may hold hundreds of reports
        if came and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._arrived.set)
        return client.holds_back

    def _say(self, client: mqtt.Client, sock: "mqtt.SocketLike") -> None:
        if self._unsent:
            self._push(sock)
        while self.connected and self._outbox and not self._unsent:
            self._outbox.popleft()(client)
        if client.want_write() and not self._unsent:
            client.loop_write()

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
            # Each time, although every retained status comes again: a broker that was killed brings back the session
            # as it was saved, perhaps from before we subscribed.
            client.subscribe([(topic, 1) for topic in self._topics])
        log.info("broker_connected", lane=self.name, session_present=flags.session_present)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_connected)

    def _on_subscribe(
        self, _: mqtt.Client, __: object, ___: int, reasons: list[ReasonCode], ____: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log.error("broker_refused_subscription", lane=self.name)
            self._lost = True

    def _on_disconnect(self, *_: object) -> None:
        self._lost = True

    def _on_message(self, message: Published) -> None:
        decoded = self._decode(message.topic, message.payload, message.retained)
        weight = self._weigh(decoded)
        self._came_in += weight
        self._inbox.append(Arrived(self._generation, message.mid, decoded, weight))

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
