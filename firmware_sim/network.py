"""One MQTT 3.1.1 connection of one device, driven by the asyncio loop without a thread of its own."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

CONNECT_TIMEOUT_S = 10
KEEPALIVE_S = 60
_PORTS = {"mqtt": 1883, "mqtts": 8883}


class AddressError(ValueError):
    """The address of the broker cannot be read."""


class NotConnectedError(ConnectionError):
    """The broker was not reached, or it refused this device. The message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    host: str
    port: int
    tls: bool

    @classmethod
    def at(cls, url: str) -> Self:
        """From `mqtt://host[:port]` or `mqtts://…`. A user in it is ignored: each device has its own."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise AddressError("the broker's address cannot be read; write mqtt://host:port") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise AddressError("this is no broker's address; write mqtt://host:port or mqtts://host:port")
        if port == 0:
            raise AddressError("nothing can be reached at port 0; write mqtt://host:port")
        return cls(host=parts.hostname, port=port or _PORTS[parts.scheme], tls=parts.scheme == "mqtts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message that came down."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    topic: str
    payload: bytes


class Connection:
    """From `open` to `closed`, used once. The broker keeps the device's session in between."""

    def __init__(
        self,
        *,
        broker: Broker,
        device_id: str,
        secret: str,
        will: Will,
        on_arrival: Callable[[Arrival], None],
    ) -> None:
        self._broker, self._on_arrival = broker, on_arrival
        self._answer: asyncio.Future[ReasonCode] | None = None
        self._watched: socket.socket | None = None
        self._opening = False
        self.closed = asyncio.Event()
        self._mqtt = self._client(device_id, secret, will)

    def _client(self, device_id: str, secret: str, will: Will) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=device_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(device_id, secret)
        client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(100)
        if self._broker.tls:
            client.tls_set()
        client.on_connect = self._answered
        client.on_message = self._arrived
        client.on_socket_close = self._unwatch
        client.on_socket_register_write = self._wants_write
        client.on_socket_unregister_write = self._wrote
        client.on_disconnect = self._ended
        return client

    async def open(self, subscriptions: list[tuple[str, int]]) -> None:
        """Returns when the broker has accepted. Raises NotConnectedError."""
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._dial(loop)
                code = await self._answer
        except (OSError, TimeoutError) as error:
            self.drop()
            raise NotConnectedError(f"no connection: {str(error) or 'the broker does not answer'}") from error
        except asyncio.CancelledError:
            self.drop()
            raise
        if code.is_failure:
            self.drop()
            raise NotConnectedError(f"refused: {code}")
        self._mqtt.subscribe(subscriptions)

    async def _dial(self, loop: asyncio.AbstractEventLoop) -> None:
        """Resolving and connecting may block, so a thread does it; the loop takes over the open socket."""
        self._opening = True
        dialling = loop.run_in_executor(None, self._mqtt.connect, self._broker.host, self._broker.port, KEEPALIVE_S)
        try:
            await asyncio.shield(dialling)
        except asyncio.CancelledError:
            dialling.add_done_callback(lambda dialled: self._abandon(dialled, loop))
            raise
        self._take_over(loop)

    def _abandon(self, dialled: asyncio.Future[Any], loop: asyncio.AbstractEventLoop) -> None:
        """A line that opened after nobody waited for it any more is closed again."""
        if not dialled.cancelled() and dialled.exception() is None:
            self._take_over(loop)
            self.drop()

    def _take_over(self, loop: asyncio.AbstractEventLoop) -> None:
        self._opening = False
        sock: Any = self._mqtt.socket()
        if sock is None:
            return
        self._watched = sock
        loop.add_reader(sock, self._readable)
        loop.add_writer(sock, self._mqtt.loop_write)

    @property
    def alive(self) -> bool:
        return self._mqtt.is_connected()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hands a QoS 1 message over; without a connection it is lost, which the backlog knows."""
        if self._mqtt.is_connected():
            self._mqtt.publish(topic, payload, qos=1, retain=retain)

    def tend(self) -> None:
        """Keep-alive; to be called every few seconds."""
        if not self._opening:
            self._mqtt.loop_misc()

    def close(self) -> None:
        """Says good-bye: the broker does not send the will."""
        self._mqtt.disconnect()

    def drop(self) -> None:
        """The line is cut: no good-bye, the broker sends the will."""
        sock = self._watched
        if sock is None:
            self.closed.set()
            return
        with contextlib.suppress(OSError):  # already gone is what was wanted
            sock.shutdown(socket.SHUT_RDWR)
        self._mqtt.loop_read()  # finds the end of the line and tidies up

    def _readable(self) -> None:
        self._mqtt.loop_read()
        pending = getattr(self._watched, "pending", None)  # TLS holds back what select cannot see
        while pending is not None and self._watched is not None and pending():
            self._mqtt.loop_read()

    def _answered(self, _c: mqtt.Client, _u: Any, _f: Any, code: ReasonCode, _p: Any) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(code)

    def _arrived(self, _c: mqtt.Client, _u: Any, message: mqtt.MQTTMessage) -> None:
        self._on_arrival(Arrival(topic=message.topic, payload=bytes(message.payload), retained=message.retain))

    def _ended(self, *_: Any) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the broker closed the line"))
        self.closed.set()

    def _wants_write(self, _c: mqtt.Client, _u: Any, sock: Any) -> None:
        if not self._opening:
            asyncio.get_running_loop().add_writer(sock, self._mqtt.loop_write)

    def _wrote(self, _c: mqtt.Client, _u: Any, sock: Any) -> None:
        if not self._opening:
            asyncio.get_running_loop().remove_writer(sock)

    def _unwatch(self, _c: mqtt.Client, _u: Any, sock: Any) -> None:
        self._watched = None
        if not self._opening:
            asyncio.get_running_loop().remove_reader(sock)
            asyncio.get_running_loop().remove_writer(sock)
