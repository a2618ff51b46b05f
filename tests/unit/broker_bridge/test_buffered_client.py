"""The client hands out what came, however the network cut it, and leaves to paho what is paho's."""

import itertools
import socket
import struct
from collections.abc import Iterator

import paho.mqtt.client as mqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker_bridge.buffered_client import BufferedClient, Published, publish_packet

PINGRESP = b"\xd0\x00"
DUP, QOS_1, RETAIN = 0x08, 0x02, 0x01
FEW = 5


def publish(topic: str, payload: bytes, mid: int = 0, flags: int = 0) -> bytes:
    """Return a PUBLISH packet, of QoS 1 where it has a `mid`."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name + (struct.pack("!H", mid) if mid else b"") + payload
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length.append(digit | (0x80 if rest else 0))
        if not rest:
            return bytes([0x30 | flags | (QOS_1 if mid else 0)]) + bytes(length) + body


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, BufferedClient]]:
    """Yield the broker's end of a connection and the client at the other."""
    broker, ours = socket.socketpair()
    ours.setblocking(False)
    client = BufferedClient("client")
    client._sock = ours
    yield broker, client
    broker.close()
    client._sock = None
    ours.close()


def test_messages_come_with_topic_payload_number_and_flag(ends: tuple[socket.socket, BufferedClient]) -> None:
    broker, client = ends
    broker.sendall(publish("a/b", b"one", 7) + publish("c", b"", flags=RETAIN) + publish("d", b"x" * 300, 65_535, DUP))
    assert list(client.published(10)) == [
        Published("a/b", b"one", 7, False),
        Published("c", b"", 0, True),
        Published("d", b"x" * 300, 65_535, False),
    ]
    assert not client.holds_back


@pytest.mark.parametrize("size", [0, 1, 121, 122, 16_377, 16_378, 2_097_150])
def test_a_packet_is_made_as_the_standard_says(size: int) -> None:
    assert publish_packet("a/b/ä", b"x" * size) == publish("a/b/ä", b"x" * size)


def test_no_more_than_asked_for_are_handed_out_and_the_rest_is_known_to_be_there(
    ends: tuple[socket.socket, BufferedClient],
) -> None:
    broker, client = ends
    broker.sendall(b"".join(publish("t", b"", mid) for mid in range(1, 11)))
    assert [each.mid for each in client.published(4)] == [1, 2, 3, 4]
    assert client.holds_back
    assert [each.mid for each in client.published(100)] == [5, 6, 7, 8, 9, 10]
    assert not client.holds_back


def test_what_paho_read_beyond_what_was_asked_for_is_known_to_be_there(
    ends: tuple[socket.socket, BufferedClient],
) -> None:
    _, client = ends
    for mid in (1, 2):  # several at a time, while messages of ours are under way
        message = mqtt.MQTTMessage(mid, b"t")
        message.qos = 1
        client.on_message(client, None, message)
    assert [each.mid for each in itertools.islice(client.published(10), 1)] == [1]
    assert client.holds_back
    assert [each.mid for each in client.published(10)] == [2]
    assert not client.holds_back


def test_half_a_packet_is_not_waited_for_without_a_rest(ends: tuple[socket.socket, BufferedClient]) -> None:
    broker, client = ends
    whole = publish("t", b"1", 1)
    broker.sendall(whole + publish("t", b"2", 2)[:-3])
    assert len(list(client.published(10))) == 1
    assert not client.holds_back, "whoever serves us would look again and again"
    broker.sendall(publish("t", b"2", 2)[-3:])
    assert [each.payload for each in client.published(10)] == [b"2"]


Message = st.builds(
    publish,
    st.text("abc/ä", min_size=1, max_size=8),
    st.binary(max_size=400),
    st.integers(1, 65_535),
)


@given(packets=st.lists(st.one_of(Message, st.just(PINGRESP)), max_size=8), cuts=st.lists(st.integers(1, 50)))
def test_however_it_is_cut_each_message_comes_once_and_in_order(packets: list[bytes], cuts: list[int]) -> None:
    broker, ours = socket.socketpair()
    with broker, ours:
        ours.setblocking(False)
        client = BufferedClient("client")
        client._sock = ours
        stream, found, at = b"".join(packets), [], 0
        for size in itertools.cycle([*cuts, 64]):
            broker.sendall(stream[at : at + size])
            found += list(client.published(FEW))
            at += size
            if at >= len(stream):
                break
        while more := list(client.published(FEW)):
            found += more
        client._sock = None
    sent = [each for each in packets if each != PINGRESP]
    assert [publish(each.topic, each.payload, each.mid) for each in found] == sent


def test_messages_that_paho_reads_on_its_own_are_not_lost(ends: tuple[socket.socket, BufferedClient]) -> None:
    """While something of ours is under way, paho reads several packets at a time."""
    broker, client = ends
    for number in range(3):
        client._out_messages[number] = mqtt.MQTTMessage(number)
    broker.sendall(PINGRESP + publish("t", b"1", 1) + publish("t", b"2", 2) + publish("t", b"3", 3))
    assert [each.payload for each in client.published(10)] == [b"1", b"2", b"3"]


@pytest.mark.parametrize(
    "packet",
    [b"\x30\x00", b"\x30\x01a", b"\x32\x03\x00\x01a", b"\x32\x04\x00\x05ab", b"\x30\xff\xff\xff\xff\x01"],
    ids=["no topic", "half a length", "no number", "topic beyond the end", "endless length"],
)
def test_a_malformed_message_ends_the_connection_as_with_paho(
    ends: tuple[socket.socket, BufferedClient], packet: bytes
) -> None:
    broker, client = ends
    lost: list[bool] = []
    client.on_disconnect = lambda *_: lost.append(True)
    broker.sendall(packet)
    assert list(client.published(10)) == []
    assert lost


def test_an_end_of_the_connection_is_told_after_what_came_before(ends: tuple[socket.socket, BufferedClient]) -> None:
    broker, client = ends
    lost: list[bool] = []
    client.on_disconnect = lambda *_: lost.append(True)
    broker.sendall(publish("t", b"last", 1) + publish("t", b"cut off", 2)[:-3])
    broker.shutdown(socket.SHUT_WR)
    assert [each.payload for each in client.published(10)] == [b"last"]
    assert list(client.published(10)) == []
    assert lost


def test_what_is_left_of_an_old_connection_is_not_mixed_into_a_new_one(
    ends: tuple[socket.socket, BufferedClient],
) -> None:
    broker, client = ends
    broker.sendall(publish("t", b"never whole", 1)[:-3])
    assert list(client.published(10)) == []
    new_broker, new_ours = socket.socketpair()
    with new_broker, new_ours:
        new_ours.setblocking(False)
        client._sock = new_ours
        new_broker.sendall(publish("t", b"new", 2))
        assert [each.payload for each in client.published(10)] == [b"new"]
        client._sock = None
