"""Simulated sockets against a real Mosquitto; the test plays the cloud."""

import asyncio
import contextlib
import errno
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim import fleet as fleet_module
from firmware_sim import wire
from firmware_sim.clock import SimulatedClock
from firmware_sim.credentials import Credential
from firmware_sim.device import Flash
from firmware_sim.fleet import Fleet
from firmware_sim.lies import lies_known
from firmware_sim.memory import StateFolder
from firmware_sim.network import Broker
from firmware_sim.runner import TooFewCredentialsError, run
from firmware_sim.tally import RunReport
from tests.fakes.foreign_broker import foreign_broker
from tests.fakes.patience import PATIENCE_S, until

FAR_FUTURE_MS = 4_000_000_000_000
Wanted = Callable[["Heard"], bool]


@dataclass(frozen=True)
class Heard:
    topic: str
    payload: bytes
    retained: bool

    @property
    def kind(self) -> str:
        return self.topic.split("/")[-1]

    @property
    def body(self) -> Any:
        return json.loads(self.payload)


class Cloud:
    """Hears everything below isocket/ and answers when the test says so."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Heard] = asyncio.Queue()
        self._subscribed = asyncio.Event()
        self.heard: list[Heard] = []
        self._mqtt = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._mqtt.on_message = lambda _c, _u, m: self._from_thread(
            self._queue.put_nowait, Heard(m.topic, bytes(m.payload), m.retain)
        )
        self._mqtt.on_subscribe = lambda *_: self._from_thread(self._subscribed.set)
        self._mqtt.on_connect = self._connected
        self._mqtt.connect("127.0.0.1", port)
        self._mqtt.loop_start()

    def _connected(self, *_: object) -> None:
        self._mqtt.subscribe("isocket/#", 1)

    def _from_thread(self, what: Callable[..., None], *args: object) -> None:
        self._loop.call_soon_threadsafe(what, *args)

    async def ready(self) -> None:
        await asyncio.wait_for(self._subscribed.wait(), PATIENCE_S)

    async def hears(self, wanted: Wanted) -> Heard:
        """The next message that fits; everything on the way is noted in `heard`."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                heard = await self._queue.get()
                self.heard.append(heard)
                if wanted(heard):
                    return heard

    def says(self, device: Credential, kind: str, body: object, *, retain: bool = False) -> None:
        payload = json.dumps(body).encode()
        qos = 0 if kind == "stored" else 1
        self._mqtt.publish(f"{device.topic_root}/{kind}", payload, qos=qos, retain=retain)

    def close(self) -> None:
        self._mqtt.disconnect()
        self._mqtt.loop_stop()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A Mosquitto of its own for each test, on loopback."""
    with foreign_broker(tmp_path, anonymous=True) as port:
        yield port


@pytest.fixture
async def cloud(port: int) -> AsyncIterator[Cloud]:
    cloud = Cloud(port)
    await cloud.ready()
    yield cloud
    cloud.close()


@pytest.fixture
def device() -> Credential:
    return credentials(1)[0]


def credentials(count: int, model: str = "isocket-4g") -> list[Credential]:
    return [
        Credential(device_id=f"is-{n:04}", secret="x", model=model, topic_root=wire.topic_root(f"is-{n:04}"))
        for n in range(count)
    ]


@asynccontextmanager
async def living(
    port: int,
    *devices: Credential,
    folder: StateFolder | None = None,
    on_event: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Fleet]:
    fleet = Fleet(
        credentials=devices,
        broker=Broker.at(f"mqtt://127.0.0.1:{port}"),
        clock=SimulatedClock(),
        on_event=on_event,
        folder=folder,
    )
    async with fleet.alive():
        yield fleet


def of(kind: str) -> Wanted:
    return lambda heard: heard.kind == kind


def online(*, is_so: bool) -> Wanted:
    return lambda heard: heard.kind == "status" and heard.body == {"online": is_so}


def answer_to(command_id: str) -> Wanted:
    return lambda heard: heard.kind == "ack" and not isinstance(heard.body, list) and heard.body["id"] == command_id


def confirmation(body: dict[str, int]) -> dict[str, int]:
    return {"boot": body["boot"], "seq": body["seq"]}


async def test_a_device_says_online_then_its_settings_then_its_state(
    port: int, cloud: Cloud, device: Credential
) -> None:
    async with living(port, device):
        await cloud.hears(of("state"))
    assert [heard.kind for heard in cloud.heard] == ["status", "reported", "state"]
    assert all(heard.topic.startswith(f"{device.topic_root}/") for heard in cloud.heard)


async def test_a_cut_line_is_told_by_the_will_and_a_wanted_end_by_the_device(
    port: int, cloud: Cloud, device: Credential
) -> None:
    async with living(port, device) as fleet:
        await cloud.hears(of("state"))
        fleet.sockets[0].drop_line()
        await cloud.hears(online(is_so=False))
        await cloud.hears(online(is_so=True))
    await cloud.hears(online(is_so=False))


async def test_what_was_not_confirmed_comes_again_after_a_reconnect(
    port: int, cloud: Cloud, device: Credential
) -> None:
    async with living(port, device) as fleet:
        first = await cloud.hears(of("state"))
        fleet.sockets[0].drop_line()
        again = await cloud.hears(lambda heard: heard.kind == "state" and isinstance(heard.body, list))
    assert first.body in again.body


async def test_what_was_confirmed_never_comes_again(port: int, cloud: Cloud, device: Credential) -> None:
    async with living(port, device) as fleet:
        first = await cloud.hears(of("state"))
        cloud.says(device, "stored", confirmation(first.body))
        cloud.says(device, "cmd", {"id": "c1", "name": "status", "args": {}, "expires": FAR_FUTURE_MS})
        ack = await cloud.hears(answer_to("c1"))
        await cloud.hears(of("state"))
        cloud.says(device, "stored", confirmation(ack.body))
        cloud.says(device, "desired", {"version": 1})
        await cloud.hears(lambda heard: heard.kind == "reported" and heard.body["version"] == 1)
        fleet.sockets[0].drop_line()
        await cloud.hears(online(is_so=True))
        settings = await cloud.hears(of("reported"))
        cloud.says(device, "stored", confirmation(settings.body))
        again = await cloud.hears(lambda heard: heard.kind == "state" and isinstance(heard.body, list))
    assert first.body not in again.body
    assert all(report["seq"] > ack.body["seq"] for report in again.body)


async def test_a_command_is_carried_out_once_however_often_it_comes(
    port: int, cloud: Cloud, device: Credential
) -> None:
    async with living(port, device) as fleet:
        await cloud.hears(of("state"))
        command = {"id": "c1", "name": "off", "args": {}, "expires": FAR_FUTURE_MS}
        cloud.says(device, "cmd", command)
        first = await cloud.hears(answer_to("c1"))
        fleet.sockets[0].act(fleet.sockets[0].device.button(fleet.clock.now()))
        cloud.says(device, "cmd", command)
        second = await cloud.hears(answer_to("c1"))
        assert fleet.sockets[0].device.relay.closed is True
    assert (first.body["result"], second.body["result"]) == ("executed", "executed")


async def test_a_command_after_its_end_is_answered_and_not_carried_out(
    port: int, cloud: Cloud, device: Credential
) -> None:
    async with living(port, device) as fleet:
        await cloud.hears(of("state"))
        cloud.says(device, "cmd", {"id": "c1", "name": "off", "args": {}, "expires": 1})
        answer = await cloud.hears(answer_to("c1"))
        assert fleet.sockets[0].device.relay.closed is True
    assert answer.body["result"] == "expired"


async def test_a_retained_command_is_not_carried_out(port: int, cloud: Cloud, device: Credential) -> None:
    off = {"id": "c1", "name": "off", "args": {}, "expires": FAR_FUTURE_MS}
    cloud.says(device, "cmd", off, retain=True)
    await cloud.hears(of("cmd"))
    async with living(port, device) as fleet:
        await cloud.hears(of("state"))
        cloud.says(device, "cmd", off | {"id": "c2", "name": "status"})
        await cloud.hears(answer_to("c2"))
        assert fleet.sockets[0].device.relay.closed is True
    assert [heard.body["id"] for heard in cloud.heard if heard.kind == "ack"] == ["c2"]


async def test_a_command_sent_while_the_line_was_down_arrives_after_it(
    port: int, cloud: Cloud, device: Credential
) -> None:
    async with living(port, device) as fleet:
        await cloud.hears(of("state"))
        fleet.sockets[0].reach(possible=False)
        await cloud.hears(online(is_so=False))
        cloud.says(device, "cmd", {"id": "c1", "name": "off", "args": {}, "expires": FAR_FUTURE_MS})
        await cloud.hears(of("cmd"))
        fleet.sockets[0].reach(possible=True)
        answer = await cloud.hears(answer_to("c1"))
    assert answer.body["result"] == "executed"


async def test_wanted_settings_that_wait_at_the_broker_are_applied_at_connection(
    port: int, cloud: Cloud, device: Credential
) -> None:
    cloud.says(device, "desired", {"version": 5, "mains_delay_s": 0}, retain=True)
    await cloud.hears(of("desired"))
    async with living(port, device):
        reported = await cloud.hears(lambda heard: heard.kind == "reported" and heard.body["version"] == 5)
    assert reported.body["mains_delay_s"] == 0


async def test_whatever_comes_down_the_device_lives_on(port: int, cloud: Cloud, device: Credential) -> None:
    async with living(port, device) as fleet:
        await cloud.hears(of("state"))
        for kind in ("cmd", "desired", "stored"):
            nonsense: object
            for nonsense in ([], 7, {"boot": "x"}, {"id": [], "version": None}):
                cloud.says(device, kind, nonsense)
        cloud.says(device, "cmd", {"id": "c1", "name": "status", "args": {}, "expires": FAR_FUTURE_MS})
        await cloud.hears(answer_to("c1"))
        assert fleet.tally.unreadable == 12


async def test_a_second_run_has_a_higher_boot_and_the_backlog_of_the_first(
    port: int, cloud: Cloud, device: Credential, tmp_path: Path
) -> None:
    folder = StateFolder(tmp_path / "sim")
    async with living(port, device, folder=folder):
        first = await cloud.hears(of("state"))
    async with living(port, device, folder=folder):
        batch = await cloud.hears(lambda heard: heard.kind == "state" and isinstance(heard.body, list))
        now = next(h for h in cloud.heard if h.kind == "reported" and h.body["boot"] != first.body["boot"])
    assert first.body in batch.body
    assert now.body["boot"] > first.body["boot"]


class FullFolder(StateFolder):
    """Takes nothing while it is full."""

    is_full = False
    refused = 0

    def save(self, device_id: str, flash: Flash, backlog: tuple[wire.Outgoing, ...]) -> None:
        if self.is_full:
            self.refused += 1
            raise OSError(errno.ENOSPC, "No space left on device")
        super().save(device_id, flash, backlog)


async def test_a_full_disk_ends_no_life_and_is_told_once_and_what_was_said_meanwhile_is_remembered_later(
    port: int, cloud: Cloud, device: Credential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_module, "SAVE_EVERY_S", 0.02)
    folder, told = FullFolder(tmp_path / "sim"), list[str]()
    async with living(port, device, folder=folder, on_event=told.append) as fleet:
        folder.is_full = True
        fleet.sockets[0].act(fleet.sockets[0].device.contact_is(fleet.clock.now(), 0, closed=True))
        await until(lambda: folder.refused > 2)
        await cloud.hears(lambda heard: b'"input":[true' in heard.payload)
        folder.is_full = False
        await until(lambda: "all: what they know is kept again" in told)
        known = folder.load(device.device_id)
    assert told.count("all: what they know cannot be kept (No space left on device); it is tried again") == 1
    assert known is not None
    assert any(b'"input":[true' in each.payload for each in known[1])


async def test_where_one_socket_cannot_be_remembered_the_others_are(tmp_path: Path) -> None:
    first, second = credentials(2)
    folder = StateFolder(tmp_path)
    (tmp_path / f"{first.device_id}.json").mkdir()
    with pytest.raises(IsADirectoryError):
        async with living(1, first, second, folder=folder):
            pass
    assert folder.load(second.device_id) is not None


async def test_a_device_whose_flash_is_erased_comes_back_by_a_new_count_and_has_kept_nothing(
    port: int, cloud: Cloud, device: Credential
) -> None:
    async with living(port, device) as fleet:
        before = await cloud.hears(of("state"))
        fleet.sockets[0].erase_flash()
        after = await cloud.hears(lambda heard: heard.kind == "state" and heard.body["boot"] != before.body["boot"])
    assert (after.body["boot"], after.body["seq"]) == (1, 2), "after its settings, and nothing of before"
    assert all(isinstance(heard.body, dict) for heard in cloud.heard), "no backlog"


async def ended(port: int, scenario: str, devices: int, *, time_scale: float = 1.0) -> RunReport:
    return await run(
        url=f"mqtt://127.0.0.1:{port}",
        credentials=credentials(devices),
        scenario=scenario,
        devices=devices,
        stop=asyncio.Event(),
        on_event=lambda _: None,
        time_scale=time_scale,
    )


async def confirming(cloud: Cloud, *devices: Credential) -> None:
    """A cloud that confirms whatever it can read, for ever."""
    roots = {device.topic_root: device for device in devices}
    while True:
        heard = await cloud.hears(lambda heard: heard.kind in {"state", "alarm", "ack", "reported"})
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            last = heard.body[-1] if isinstance(heard.body, list) else heard.body
            cloud.says(roots[heard.topic.rpartition("/")[0]], "stored", confirmation(last))


async def test_a_power_cut_ends_with_everything_confirmed(port: int, cloud: Cloud) -> None:
    confirms = asyncio.create_task(confirming(cloud, *credentials(3)))
    report = await ended(port, "power-cut", 3, time_scale=20)
    confirms.cancel()
    assert (report.counts["alarms"], report.unconfirmed, report.connected_at_end) == (6, 0, 3)


async def test_the_liar_tells_every_lie_with_an_honest_report_after_each_and_stays_connected(
    port: int, cloud: Cloud
) -> None:
    confirms = asyncio.create_task(confirming(cloud, *credentials(1)))
    report = await ended(port, "liar", 1, time_scale=20)
    confirms.cancel()
    assert report.counts["lies"] >= lies_known()
    assert report.counts["states"] >= lies_known()
    assert (report.counts["lines_lost"], report.unconfirmed) == (0, 0)


async def test_the_day_goes_on_until_it_is_stopped(port: int, cloud: Cloud) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(
        run(
            url=f"mqtt://127.0.0.1:{port}",
            credentials=credentials(5),
            scenario="day",
            devices=5,
            stop=stop,
            on_event=lambda _: None,
            time_scale=20,
        )
    )
    alarm = await cloud.hears(of("alarm"))
    back = await cloud.hears(lambda heard: heard.kind == "alarm" and not heard.body["active"])
    stop.set()
    report = await asyncio.wait_for(running, PATIENCE_S)
    assert (alarm.body["cause"], back.body["cause"]) == ("mains_lost", "mains_lost")
    assert report.connected_at_end == 5


async def first_event(port: int, device: Credential) -> str:
    """What a socket alone on that port first tells people."""
    events: asyncio.Queue[str] = asyncio.Queue()
    fleet = Fleet(
        credentials=[device],
        broker=Broker.at(f"mqtt://127.0.0.1:{port}"),
        clock=SimulatedClock(),
        on_event=events.put_nowait,
    )
    async with fleet.alive():
        return await asyncio.wait_for(events.get(), PATIENCE_S)


async def test_a_device_that_the_broker_refuses_says_so(tmp_path: Path, device: Credential) -> None:
    with foreign_broker(tmp_path, anonymous=False) as port:
        assert await first_event(port, device) == "is-0000: refused: Not authorized"


async def test_a_device_that_finds_no_broker_says_so(device: Credential) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else can answer there
        taken.bind(("127.0.0.1", 0))
        assert "no connection" in await first_event(taken.getsockname()[1], device)


async def test_more_devices_than_credentials_is_refused_before_anything_starts() -> None:
    with pytest.raises(TooFewCredentialsError, match="3 devices asked for, credentials for 2"):
        await run(
            url="mqtt://127.0.0.1:1",
            credentials=credentials(2),
            scenario="day",
            devices=3,
            stop=asyncio.Event(),
            on_event=lambda _: None,
        )
