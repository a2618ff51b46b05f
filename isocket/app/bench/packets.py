"""The few MQTT 3.1.1 packets that a load generator needs, made by hand: it must be quicker than what it measures."""

import socket
import struct
from functools import cache

CONNECT, PUBLISH_QOS1, PUBACK_SIZE = 0x10, 0x32, 4
_PACKET_ID = struct.Struct("!H")
KEEP_ALIVE_S = 0  # none: who waits long for their turn would be cut off, and send into nothing


def connect_packet(name: str, secret: str) -> bytes:
    """Return CONNECT with a clean session; client id and user name are the same."""
    body = b"\x00\x04MQTT\x04\xc2" + struct.pack("!H", KEEP_ALIVE_S) + _text(name) + _text(name) + _text(secret)
    return bytes([CONNECT]) + _length(len(body)) + body


def publish_packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    """Return PUBLISH with QoS 1."""
    return _publish_head(topic, len(payload)) + _PACKET_ID.pack(packet_id) + payload


@cache
def _publish_head(topic: str, payload_size: int) -> bytes:
    """Return what comes before the packet's id: the same for each message of a device that is as long."""
    name = _text(topic)
    return bytes([PUBLISH_QOS1]) + _length(len(name) + _PACKET_ID.size + payload_size) + name


def open_connection(host: str, port: int, name: str, secret: str) -> socket.socket:
    """Return a connected session.

    Raises:
        ConnectionError: the broker refused it.
    """
    sock = socket.create_connection((host, port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(connect_packet(name, secret))
    answer = sock.recv(4)
    if len(answer) < 4 or answer[3] != 0:  # noqa: PLR2004 - CONNACK's length
        sock.close()
        raise ConnectionError(f"the broker refused {name}")
    return sock


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


def _length(number: int) -> bytes:
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | (128 if number else 0))
        if not number:
            return bytes(out)
