"""A device by the letter of the wire contract and nothing more: it keeps what it said until `stored` covers it."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from isocket.kit.clock import SystemClock, to_ms
from tests.fakes.patience import PATIENCE_S
from tests.fakes.whole_cloud import Made

RESEND_S = 5.0  # an honest device is more patient
_BATCH = 100
_AT_ONCE = 1000

Order = tuple[int, int]


class ThinSocket:
    """Speaks MQTT as a device does. `backlog` holds what the cloud has not yet said it stored, in order.

    After each new connection it sends its backlog again: what is no state report message by message, then
    the state reports in batches.
    """

    def __init__(self, made: Made, port: int, *, boot: int = 1) -> None:
        self.made = made
        self.boot, self.seq = boot, 0
        self.backlog: dict[Order, tuple[str, dict[str, Any]]] = {}
        self.acknowledged: set[Order] = set()  # by the broker
        self.commands: list[dict[str, Any]] = []
        self.desired: dict[str, Any] = {}
        self.told: Order | None = None  # what `stored` said last
        self.lost = False  # the connection was cut
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._client: paho.Client | None = None
        self._answer: str | None = None
        self._granted = False
        self._mids: dict[int, tuple[Order, ...]] = {}

    async def __aenter__(self) -> Self:
        """Connect; one that was just made is let in within seconds."""
        await self.connect_patiently()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def connect(self, *, resend: bool = True) -> None:
        """Come (back) and send the backlog again; raise ConnectionError when the broker does not let us in."""
        await self.leave()
        client = self._new_client()
        try:
            await asyncio.to_thread(client.connect, "127.0.0.1", self._port)
        except OSError as error:
            raise ConnectionError("no broker") from error
        client.loop_start()
        self._client, self.lost = client, False
        await self.until(lambda: self._answer or self.lost)
        if self._answer != "Success":
            raise ConnectionError(self._answer or "lost")
        client.subscribe([(f"{self.made.topic_root}/{kind}", 1) for kind in ("stored", "cmd", "desired")])
        await self.until(lambda: self._granted or self.lost)
        if self.lost:
            raise ConnectionError("lost")
        client.publish(f"{self.made.topic_root}/status", b'{"online": true}', 1, retain=True)
        if resend:
            self._resend()

    async def connect_patiently(self, *, resend: bool = True) -> None:
        """Come back as soon as the broker lets us."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(ConnectionError, TimeoutError):
                    await self.connect(resend=resend)
                    return
                await asyncio.sleep(0.1)

    async def leave(self) -> None:
        """Close the connection, where there is one."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)
        self._answer, self._granted = None, False
        self._mids.clear()

    def state(self, **fields: Any) -> Order:
        """Report the state; return the report's name."""
        return self._say("state", fields)

    def alarm(self, cause: str, *, active: bool = True, **fields: Any) -> Order:
        """Report that something began or ended."""
        return self._say("alarm", {"cause": cause, "active": active, **fields})

    def answer(self, command: dict[str, Any], result: str = "executed") -> Order:
        """Answer a command."""
        return self._say("ack", {"id": command["id"], "result": result})

    def report(self, **settings: Any) -> Order:
        """Report the settings as they are."""
        return self._say("reported", settings)

    async def until(self, condition: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
        """Return as soon as `condition` holds; it is looked at after each event of this device."""
        async with asyncio.timeout(within_s):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_all_is_stored(self) -> None:
        """Return when the cloud has confirmed everything that was said; say it again now and then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self.backlog:
                    with contextlib.suppress(TimeoutError):
                        await self.until(lambda: not self.backlog, within_s=RESEND_S)
                    self._resend()
        kept = list(self.backlog)
        assert not kept, f"not stored within {PATIENCE_S:g} s: {kept[0]} to {kept[-1]}, {len(kept)}; told {self.told}"

    async def until_all_is_acknowledged(self) -> None:
        """Return when the broker has acknowledged everything that was published on this connection."""
        await self.until(lambda: not self._mids)

    async def state_that_is_stored(self, **fields: Any) -> None:
        """Report the state as a batch of one, which is confirmed at once, and wait for that."""
        order = self._keep("state", fields)
        self._publish("state", [order])
        await self.until(lambda: order not in self.backlog)

    def _say(self, kind: str, fields: dict[str, Any]) -> Order:
        order = self._keep(kind, fields)
        self._publish(kind, order)
        return order

    def _keep(self, kind: str, fields: dict[str, Any]) -> Order:
        self.seq += 1
        named = {"boot": self.boot, "seq": self.seq, "ts": to_ms(SystemClock().now())}
        self.backlog[self.boot, self.seq] = (kind, {**named, **fields})
        return self.boot, self.seq

    def _resend(self) -> None:
        for order, (kind, _) in self.backlog.items():
            if kind != "state":
                self._publish(kind, order)
        states = [order for order, (kind, _) in self.backlog.items() if kind == "state"]
        for start in range(0, len(states), _BATCH):
            self._publish("state", states[start : start + _BATCH])

    def _publish(self, kind: str, what: Order | list[Order]) -> None:
        """Publish one message, or a batch of reports."""
        if self._client is None:
            return
        orders = what if isinstance(what, list) else [what]
        bodies = [self.backlog[order][1] for order in orders]
        payload = json.dumps(bodies if isinstance(what, list) else bodies[0]).encode()
        sent = self._client.publish(f"{self.made.topic_root}/{kind}", payload, 1)
        if sent.rc == paho.MQTT_ERR_SUCCESS:
            self._mids[sent.mid] = tuple(orders)

    def _new_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.made.device_id,
            protocol=paho.MQTTv311,
            clean_session=True,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(_AT_ONCE)
        client.username_pw_set(self.made.device_id, self.made.secret)
        client.will_set(f"{self.made.topic_root}/status", b'{"online": false}', 1, retain=True)
        client.on_connect = lambda _c, _u, _f, code, _p: self._tell(lambda: setattr(self, "_answer", str(code)))
        client.on_disconnect = lambda *_: self._tell(lambda: setattr(self, "lost", True))
        client.on_subscribe = lambda *_: self._tell(lambda: setattr(self, "_granted", True))
        client.on_publish = lambda _c, _u, mid, _r, _p: self._tell(lambda: self._acknowledge(mid))
        client.on_message = lambda _c, _u, message: self._tell(lambda: self._hear(message))
        return client

    def _tell(self, change: Callable[[], object]) -> None:
        def apply() -> None:
            change()
            self._news.set()

        with contextlib.suppress(RuntimeError):  # the test is over and its loop closed
            self._loop.call_soon_threadsafe(apply)

    def _acknowledge(self, mid: int) -> None:
        self.acknowledged.update(self._mids.pop(mid, ()))

    def _hear(self, message: paho.MQTTMessage) -> None:
        kind, payload = message.topic.rsplit("/", 1)[1], json.loads(message.payload)
        if kind == "cmd":
            self.commands.append(payload)
        elif kind == "desired":
            self.desired = payload
        elif kind == "stored":
            upto = self.told = (payload["boot"], payload["seq"])
            for order in [each for each in self.backlog if each <= upto]:
                del self.backlog[order]
