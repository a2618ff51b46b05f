"""The life of the broker's process: start, new accounts, death, restart, end."""

import asyncio
import datetime as dt
import ipaddress
import json
import os
import signal
import socket
import ssl
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker_bridge.mosquitto import life
from broker_bridge.mosquitto.config import BrokerConfig, BrokerFolder, TlsListener
from broker_bridge.mosquitto.folder_claim import brokers_of
from broker_bridge.mosquitto.life import BrokerStartError
from broker_bridge.mosquitto.process import MosquittoChild
from isocket.domain.devices import topic_root
from isocket.domain.secrets import hash_secret
from isocket.kit.clock import SystemClock
from tests.fakes.broker import Peer, free_port, running_broker
from tests.fakes.patience import until
from tests.fakes.work import worked_here_s

DEVICES = {"dev-1": "secret 1", "dev-2": "secret 2"}


def child_in(folder: Path, port: int | None = None) -> MosquittoChild:
    return MosquittoChild(config=BrokerConfig(port=port or free_port()), folder=folder, clock=SystemClock())


async def test_a_device_provisioned_while_the_broker_runs_gets_in_and_the_others_stay(tmp_path: Path) -> None:
    async with running_broker(tmp_path, DEVICES) as broker, Peer(broker, "dev-1") as old:
        await broker.set_devices({**DEVICES, "dev-3": "secret 3"})
        async with Peer(broker, "dev-3") as new:
            assert new.accepted
        assert await old.publish(f"{topic_root('dev-1')}/state", b"still here") == "Success"


async def test_accounts_that_are_as_they_were_are_not_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings, genuine = 0, life.BrokerLife.reload

    async def reload(self: life.BrokerLife) -> None:
        nonlocal readings
        readings += 1
        await genuine(self)

    monkeypatch.setattr(life.BrokerLife, "reload", reload)
    accounts = [(name, hash_secret(secret)) for name, secret in DEVICES.items()]
    async with running_broker(tmp_path, DEVICES) as broker:
        await broker.child.set_accounts(accounts)
        before = readings
        await broker.child.set_accounts(accounts)
        await broker.child.set_homes([])
        assert readings == before, "a reading stops the broker for a moment"
        await broker.child.set_accounts(accounts[:1])
        assert readings == before + 1
        broker.kill()
        await until(lambda: broker.child.restarts == 1 and broker.child.pid is not None)
        after = readings
        await broker.child.set_accounts(accounts[:1])
        assert readings == after, "it has read them at its start"


async def test_a_removed_device_loses_its_connection_and_cannot_return(tmp_path: Path) -> None:
    async with (
        running_broker(tmp_path, DEVICES) as broker,
        Peer(broker, "dev-1") as gone,
        Peer(broker, "dev-2") as kept,
    ):
        await broker.set_devices({"dev-2": "secret 2"})
        await gone.until(gone.lost.is_set)
        async with Peer(broker, "dev-1", "secret 1") as again:
            assert not again.accepted
        assert not kept.lost.is_set()


async def test_a_new_secret_ends_the_connection_made_with_the_old_one(tmp_path: Path) -> None:
    async with running_broker(tmp_path, DEVICES) as broker, Peer(broker, "dev-1") as old:
        await broker.set_devices({**DEVICES, "dev-1": "another"})
        await old.until(old.lost.is_set)
        async with Peer(broker, "dev-1", "another") as new:
            assert new.accepted


async def test_an_account_that_could_harm_is_left_out_and_the_others_get_in(tmp_path: Path) -> None:
    async with running_broker(tmp_path) as broker:
        hashed = hash_secret("s")
        await broker.child.set_accounts([("evil\nadmin", hashed), ("dev-1", "no hash"), ("dev-2", hashed)])
        async with Peer(broker, "dev-2", "s") as good, Peer(broker, "dev-1", "no hash") as bad:
            assert good.accepted
            assert not bad.accepted


async def test_ten_thousand_devices_start_in_a_moment_and_one_more_is_let_in_with_two_seconds_of_work(
    tmp_path: Path,
) -> None:
    devices = {f"dev-{number:05}": f"secret {number}" for number in range(10_000)}
    before_s = worked_here_s()
    async with running_broker(tmp_path, devices) as broker:
        pid = broker.child.pid
        assert pid is not None
        assert worked_here_s(pid) - before_s < 5
        hashed = [(name, hash_secret(secret)) for name, secret in {**devices, "late": "comer"}.items()]
        before_s = worked_here_s(pid)
        await broker.child.set_accounts(hashed)
        async with Peer(broker, "late", "comer") as late, Peer(broker, "dev-09999") as other:
            assert late.accepted
            assert other.accepted
        assert worked_here_s(pid) - before_s < 2


async def test_a_killed_broker_comes_back_with_what_it_had_saved(tmp_path: Path) -> None:
    topic = f"{topic_root('dev-1')}/desired"
    async with running_broker(tmp_path, DEVICES) as broker:
        first = broker.child.pid
        async with Peer(broker, broker.telemetry.name, broker.telemetry.secret, clean=False) as bridge:
            await bridge.publish(topic, b'{"version": 5}', retain=True)
            broker.save_now()
            saved = tmp_path / "mosquitto.db"
            await until(lambda: saved.exists() and b'{"version": 5}' in saved.read_bytes())
        broker.kill()
        await until(lambda: broker.child.restarts == 1 and broker.child.pid not in (None, first))
        async with Peer(broker, "dev-1") as device:
            await device.subscribe(topic)
            assert (await device.next_heard(topic)).payload == b'{"version": 5}'


async def test_messages_wait_for_an_absent_bridge_over_a_restart_and_a_change_of_accounts(tmp_path: Path) -> None:
    topic = f"{topic_root('dev-1')}/state"
    port = free_port()
    async with (
        running_broker(tmp_path, DEVICES, config=BrokerConfig(port=port)) as broker,
        Peer(broker, broker.telemetry.name, broker.telemetry.secret, clean=False) as bridge,
    ):
        await bridge.subscribe("isocket/v1/+/+/state")
    async with running_broker(tmp_path, DEVICES, config=BrokerConfig(port=port)) as broker:
        await broker.set_devices({**DEVICES, "dev-3": "secret 3"})
        async with Peer(broker, "dev-1") as device:
            await device.publish(topic, b"while you were away")
        async with Peer(broker, broker.telemetry.name, broker.telemetry.secret, clean=False) as bridge:
            assert bridge.session_present
            assert (await bridge.next_heard(topic)).payload == b"while you were away"


async def test_a_command_waits_for_an_absent_device_over_a_restart_and_a_change_of_accounts(tmp_path: Path) -> None:
    topic = f"{topic_root('dev-1')}/cmd"
    async with running_broker(tmp_path, DEVICES) as broker, Peer(broker, "dev-1", clean=False) as device:
        await device.subscribe(topic)
    async with running_broker(tmp_path, DEVICES) as broker:
        await broker.set_devices({**DEVICES, "dev-3": "secret 3"})
        async with Peer(broker, broker.telemetry.name, broker.telemetry.secret, clean=False) as bridge:
            await bridge.publish(topic, b"on")
        async with Peer(broker, "dev-1", clean=False) as device:
            assert (await device.next_heard(topic)).payload == b"on"


async def test_the_files_of_the_broker_are_for_our_user_only(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    async with running_broker(folder, DEVICES) as broker:
        await broker.set_devices(DEVICES)
        assert folder.stat().st_mode & 0o777 == 0o700
        modes = {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir()}
        assert modes == {"accounts": 0, "access": 0, "mosquitto.conf": 0, "lock": 0}
        text = (folder / "accounts").read_text()
        assert not any(word in text for word in (*DEVICES.values(), broker.telemetry.secret, broker.alarms.secret))


DEMO_HAS_ITS_OWN = "but for the demonstration, set ISOCKET_BROKER_URL"  # it runs its own broker whatever is set


async def test_a_port_in_use_is_told_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        child = child_in(tmp_path, taken.getsockname()[1])
        with pytest.raises(BrokerStartError, match=rf"in use.*ISOCKET_MQTT.*{DEMO_HAS_ITS_OWN}"):
            await child.start()
        assert brokers_of(BrokerFolder(path=tmp_path)) == []


async def test_an_address_that_this_machine_has_not_is_told_with_the_way_out(tmp_path: Path) -> None:
    config = BrokerConfig(host="192.0.2.7", port=free_port())
    child = MosquittoChild(config=config, folder=tmp_path, clock=SystemClock())
    with pytest.raises(BrokerStartError, match=r"192\.0\.2\.7 is no address of this machine: set ISOCKET_MQTT to"):
        await child.start()


async def test_a_missing_mosquitto_is_told_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(life, "_USUAL_PLACES", str(tmp_path))
    with pytest.raises(BrokerStartError, match=rf"apt-get install mosquitto\n.*{DEMO_HAS_ITS_OWN}"):
        await child_in(tmp_path / "broker").start()


async def test_a_second_cloud_does_not_take_the_folder_of_a_living_one(tmp_path: Path) -> None:
    async with running_broker(tmp_path, DEVICES) as broker:
        with pytest.raises(BrokerStartError, match="Another cloud"):
            await child_in(tmp_path).start()
        async with Peer(broker, "dev-1") as device:
            assert device.accepted


CLOUD = """
import asyncio, pathlib, sys, json
from broker_bridge.mosquitto.config import BrokerConfig
from broker_bridge.mosquitto.process import MosquittoChild
from isocket.kit.clock import SystemClock
async def main():
    config = BrokerConfig(port=int(sys.argv[2]))
    child = MosquittoChild(config=config, folder=pathlib.Path(sys.argv[1]), clock=SystemClock())
    await child.start()
    print(json.dumps(child.pid), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_the_broker_dies_with_a_killed_cloud_and_the_next_cloud_gets_port_and_folder(tmp_path: Path) -> None:
    port = free_port()
    cloud = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLOUD, str(tmp_path), str(port), stdout=asyncio.subprocess.PIPE
    )
    assert cloud.stdout is not None
    pid = json.loads(await cloud.stdout.readline())
    assert brokers_of(BrokerFolder(path=tmp_path)) == [pid]
    cloud.kill()
    await cloud.wait()
    async with running_broker(tmp_path, DEVICES, config=BrokerConfig(port=port)) as broker:
        assert brokers_of(BrokerFolder(path=tmp_path)) == [broker.child.pid]
        assert broker.child.pid != pid


async def test_a_broker_left_behind_is_ended_before_the_start(tmp_path: Path) -> None:
    config = BrokerConfig(port=free_port())
    async with running_broker(tmp_path, DEVICES, config=config):
        pass
    orphan = await asyncio.create_subprocess_exec(
        "mosquitto", "-c", str(tmp_path / "mosquitto.conf"), stderr=asyncio.subprocess.DEVNULL
    )
    await until(lambda: brokers_of(BrokerFolder(path=tmp_path)) == [orphan.pid])
    async with running_broker(tmp_path, DEVICES, config=config) as broker, Peer(broker, "dev-1") as device:
        assert device.accepted
        assert await orphan.wait() in (0, -signal.SIGTERM)


async def test_a_broker_that_died_while_its_files_could_not_be_written_comes_back_when_they_can(tmp_path: Path) -> None:
    async with running_broker(tmp_path, DEVICES) as broker:
        in_the_way = tmp_path / "mosquitto.conf.new"
        in_the_way.mkdir()  # stands for a full disk: no file can be made there
        broker.kill()
        await until(lambda: broker.child.restarts >= 2)
        assert broker.child.pid is None
        in_the_way.rmdir()
        await until(lambda: broker.child.pid is not None)
        async with Peer(broker, "dev-1") as device:
            assert device.accepted


async def test_a_broker_for_which_the_system_has_nothing_left_is_not_blamed_on_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_left(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", none_left)
    with pytest.raises(BrokerStartError, match=r"^Mosquitto cannot be started: Too many open files\.$"):
        await child_in(tmp_path).start()


async def test_files_that_cannot_be_written_at_the_start_are_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "mosquitto.conf.new").mkdir()
    with pytest.raises(BrokerStartError, match=r"cannot be started with .*: Is a directory\. Make room"):
        await child_in(tmp_path).start()


async def test_the_end_is_clean_and_frees_the_port(tmp_path: Path) -> None:
    child = child_in(tmp_path)
    await child.start()
    stop = asyncio.Event()
    running = asyncio.create_task(child.run(stop))
    stop.set()
    await running
    assert child.pid is None
    assert brokers_of(BrokerFolder(path=tmp_path)) == []
    with socket.create_server(("127.0.0.1", child.config.port), reuse_port=False):
        pass


async def test_a_cancelled_run_leaves_no_broker_behind(tmp_path: Path) -> None:
    child = child_in(tmp_path)
    await child.start()
    running = asyncio.create_task(child.run(asyncio.Event()))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert brokers_of(BrokerFolder(path=tmp_path)) == []


async def test_a_broker_that_does_not_answer_the_polite_signal_is_ended_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "_POLITE_S", 0.05)
    child = child_in(tmp_path)
    await child.start()
    assert child.pid is not None
    os.kill(child.pid, signal.SIGSTOP)
    await child.stop()
    assert brokers_of(BrokerFolder(path=tmp_path)) == []


@pytest.mark.clause("C5-07")
async def test_devices_may_come_by_tls(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _write_certificate(cert, key)
    tls = TlsListener(host="127.0.0.1", port=free_port(), certfile=cert, keyfile=key)
    config = BrokerConfig(port=free_port(), tls=tls)
    async with running_broker(tmp_path / "broker", DEVICES, config=config) as broker:
        device = Peer(broker, "dev-1", port=tls.port)
        device.client.tls_set_context(ssl.create_default_context(cafile=str(cert)))
        async with device:
            assert device.accepted
            assert await device.publish(f"{topic_root('dev-1')}/state", b"{}") == "Success"


def _write_certificate(cert: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    begin = SystemClock().now() - dt.timedelta(hours=1)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
