"""paho's client, with its way in for the many made short: whole PUBLISH packets are taken by the bufferful.

paho makes three system calls for each packet, and each gives the interpreter's lock away to whoever waits for it; then
it makes an object, takes three locks and formats a line of log for each message. Everything else stays paho's: the
connection, the session, subscribing, keeping alive, publishing, and each packet that is not a PUBLISH of QoS 0 or 1.
Why, and at what price: docs/decisions/0005-publish-packets-by-the-bufferful.md.
"""

import ssl
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

READ_BYTES = 64 * 1024
_PUBLISH = 0x30  # MQTT 3.1.1, section 3.3: the upper half of the first byte is the packet's type,
_QOS_1, _QOS_2, _RETAIN = 0x02, 0x04, 0x01  # the lower half its flags
_LENGTH_BYTES = 4  # section 2.2.3: so many bytes at most say how long the rest is


def publish_packet(topic: str, payload: bytes) -> bytes:
    """Return a PUBLISH of QoS 0 (MQTT 3.1.1, section 3.3)."""
    name = topic.encode()
    rest, length = len(name) + 2 + len(payload), bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits a byte, the eighth: there are more (section 2.2.3)
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([_PUBLISH, *length, rest]) + len(name).to_bytes(2) + name + payload


class Published(NamedTuple):
    """A message that came; `mid` is 0 for QoS 0. Nothing is acknowledged by reading it."""

    topic: str
    payload: bytes
    mid: int
    retained: bool


class BufferedClient(mqtt.Client):
    """A session by MQTT 3.1.1 with acknowledgement by hand, whose messages are fetched by `published`.

    It is a persistent one unless it is `clean`: then nothing waits for us while we are away.
    """

    def __init__(self, client_id: str, *, clean: bool = False) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean, manual_ack=True)
        self._held = b""
        self._taken = 0  # how much of what is held was handed out
        self._held_from: object = None
        self._run_dry = False  # the socket had nothing more when we looked last
        self._read_by_paho: deque[Published] = deque()
        self.on_message = self._keep

    @property
    def holds_back(self) -> bool:
        """Tell whether something is here to be handed out, of which `poll` will not speak any more.

        Half a packet is not: its rest is still to come, and `poll` will speak of that.
        """
        sock = self._sock
        if self._read_by_paho:
            return True
        if self._run_dry:
            return False
        if self._held_from is sock and self._taken < len(self._held):
            return True
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    def published(self, most: int) -> Iterator[Published]:
        """Yield about `most` messages that are here, and let paho do what else came; ends when no more is here.

        A connection that was lost is told to `on_disconnect`, as by paho's `loop_read`.
        """
        seen = 0
        self._run_dry = False
        while seen < most and self._sock is not None:
            while self._read_by_paho:
                seen += 1
                yield self._read_by_paho.popleft()
            self._forget_old_connection()
            if not self._paho_is_reading:
                if self._taken == len(self._held) and not self._fetch():
                    return
                end = self._end_of_publish()
                if end > len(self._held):
                    if not self._fetch():
                        return
                    continue
                message = self._publish_until(end) if end else None
                if message is not None:
                    seen += 1
                    yield message
                    continue
            before = self._held, self._taken
            if self.loop_read() != mqtt.MQTT_ERR_SUCCESS or (self._held is before[0] and self._taken == before[1]):
                return

    @property
    def _paho_is_reading(self) -> bool:
        """Tell whether paho has begun with a packet that is not whole yet."""
        return bool(self._in_packet["command"])

    def _end_of_publish(self) -> int:
        """Return where the packet ends with which what is held begins: 0 if it is paho's business.

        More than is held means that it is not whole yet.
        """
        held, at = self._held, self._taken
        if held[at] & 0xF0 != _PUBLISH or held[at] & _QOS_2:
            return 0
        length = 0
        for place in range(_LENGTH_BYTES):
            at += 1
            if at == len(held):
                return at + 1
            length |= (held[at] & 0x7F) << 7 * place
            if held[at] < 0x80:  # noqa: PLR2004 - the bit that says that another byte follows
                return at + 1 + length
        return 0

    def _publish_until(self, end: int) -> Published | None:
        """Take the whole packet that ends there; None, and nothing taken, if it is malformed."""
        held, start = self._held, self._taken
        at = start + 2
        while held[at - 1] >= 0x80:  # noqa: PLR2004 - as above
            at += 1
        payload_at = at + 2 + int.from_bytes(held[at : at + 2])
        mid_at = payload_at
        if held[start] & _QOS_1:
            payload_at += 2
        if payload_at > end:
            return None
        self._taken = end
        topic = held[at + 2 : mid_at].decode("utf-8", "replace")
        return Published(
            topic, held[payload_at:end], int.from_bytes(held[mid_at:payload_at]), bool(held[start] & _RETAIN)
        )

    def _fetch(self) -> bool:
        """Read on behind what is held; return False when there is nothing now, or never again."""
        try:
            more = super()._sock_recv(READ_BYTES)
        except BlockingIOError:
            self._run_dry = True
            return False
        except OSError:
            more = b""
        if not more:
            self._held, self._taken = b"", 0
            self.loop_read()  # paho meets the same end, and tells it
            return False
        self._held, self._taken = self._held[self._taken :] + more, 0
        return True

    def _sock_recv(self, bufsize: int) -> bytes:
        """Return up to `bufsize` bytes, from what is held or else from the socket: by this paho reads.

        Raises:
            BlockingIOError: there is nothing, as of the parent.
        """
        self._forget_old_connection()
        if self._taken == len(self._held):
            self._held, self._taken = super()._sock_recv(READ_BYTES), 0
        data = self._held[self._taken : self._taken + bufsize]
        self._taken += len(data)
        return data

    def _forget_old_connection(self) -> None:
        """What is left of a connection that was lost is lost with it."""
        if self._held_from is not self._sock:
            self._held, self._taken, self._held_from = b"", 0, self._sock

    def _keep(self, _: mqtt.Client, __: object, message: mqtt.MQTTMessage) -> None:
        """While messages of ours are under way, paho reads several packets at a time, ours among them."""
        mid = message.mid if message.qos else 0
        self._read_by_paho.append(Published(message.topic, bytes(message.payload), mid, message.retain))
