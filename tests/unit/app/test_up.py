"""`isocket up` with a real broker: it starts, serves, refuses clearly, and leaves nothing behind."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion

from broker_bridge.mosquitto.waiting import devices_in
from isocket.domain.devices import topic_root
from tests.fakes.broker import free_port
from tests.fakes.foreign_broker import foreign_broker
from tests.fakes.patience import PATIENCE_S
from tests.unit.app.installation import Installation


def brokers_in(folder: Path) -> list[str]:
    found = subprocess.run(["pgrep", "-af", f"mosquitto -c {folder}/"], capture_output=True, text=True, check=False)
    return found.stdout.splitlines()


def first_word(installation: Installation) -> dict[str, str]:
    lines = [json.loads(line) for line in installation.log.read_text().splitlines()]
    return next(line for line in lines if line["event"] == "ready")


def logs_in(installation: Installation, device: dict[str, str], *, stays_for: str | None = None) -> bool:
    """Return whether the device is let in; with `stays_for` it leaves a session that waits for that topic."""
    answers: list[bool] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=device["device_id"], clean_session=stays_for is None)
    client.username_pw_set(device["device_id"], device["secret"])
    client.on_connect = lambda *given: answers.append(not given[3].is_failure)
    client.connect("127.0.0.1", installation.mqtt)
    deadline = time.monotonic() + PATIENCE_S
    while not answers and time.monotonic() < deadline:
        if client.loop(timeout=0.1) != paho.MQTT_ERR_SUCCESS:
            break  # it hung up
    if stays_for is not None:
        granted: list[object] = []
        client.on_subscribe = lambda *given: granted.append(given)
        client.subscribe(stays_for, 1)
        while not granted and time.monotonic() < deadline:
            client.loop(timeout=0.1)
    client.disconnect()
    return answers == [True]


def test_it_gets_ready_and_a_sigterm_ends_it_in_good_order_with_its_broker(installation: Installation) -> None:
    with installation.up() as cloud:
        assert json.loads(installation.get("/readyz")) == {"status": "ready", "store": "ok", "broker": "ok"}
        assert len(brokers_in(installation.folder)) == 1
    assert cloud.returncode == 0
    assert brokers_in(installation.folder) == []


def test_every_log_line_is_json_and_the_last_says_that_the_end_was_orderly(installation: Installation) -> None:
    with installation.up():
        pass
    lines = [json.loads(line) for line in installation.log.read_text().splitlines()]
    assert (lines[-1]["event"], lines[-1]["orderly"]) == ("stopped", True)


def test_it_works_at_a_broker_on_this_machine_that_asks_for_no_login(tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    with foreign_broker(tmp_path, anonymous=True) as port:
        cloud = Installation(folder=ours, more={"ISOCKET_BROKER_URL": f"mqtt://127.0.0.1:{port}"})
        with cloud.up():
            assert json.loads(cloud.get("/readyz"))["broker"] == "ok"
            assert brokers_in(ours) == []


def test_its_first_word_names_the_broker_that_is_spoken_to_and_not_the_one_that_is_not_started(tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    with foreign_broker(tmp_path, anonymous=True) as port:
        cloud = Installation(folder=ours, more={"ISOCKET_BROKER_URL": f"mqtt://127.0.0.1:{port}"})
        with cloud.up():
            pass
    assert first_word(cloud)["broker"] == f"127.0.0.1:{port}"


def test_the_first_word_of_a_portal_alone_names_no_broker(installation: Installation) -> None:
    with installation.up("portal"):
        pass
    assert {"portal", "broker"} & first_word(installation).keys() == {"portal"}


def test_a_device_made_while_it_runs_gets_in_within_seconds(installation: Installation) -> None:
    with installation.up():
        made = json.loads(installation.typed("device", "provision", "--model", "isocket-3g").stdout)
        deadline = time.monotonic() + PATIENCE_S
        while not logs_in(installation, made):
            assert time.monotonic() < deadline, "the broker does not know the device"
            time.sleep(0.1)


def test_what_waits_for_a_device_that_is_long_unheard_ends_at_the_next_start(installation: Installation) -> None:
    made = json.loads(installation.typed("device", "provision", "--model", "isocket-3g").stdout)
    with installation.up():
        assert logs_in(installation, made, stays_for=f"{topic_root(made['device_id'])}/cmd")
    (saved,) = installation.folder.rglob("mosquitto.db")
    assert devices_in(saved) == {made["device_id"]}
    with installation.up():
        pass
    assert devices_in(saved) == set()


def test_a_report_about_a_call_that_nobody_signed_is_refused(installation: Installation) -> None:
    with installation.up():
        door = http.client.HTTPConnection("127.0.0.1", installation.http, timeout=PATIENCE_S)
        door.request("POST", "/hooks/twilio/voice/att_1", body="CallSid=1")
        status = door.getresponse().status
        door.close()
    assert status == 403


def test_refusals_of_the_broker_are_among_the_metrics(installation: Installation) -> None:
    with installation.up():
        assert not logs_in(installation, {"device_id": "stranger", "secret": "guessed"})
        deadline = time.monotonic() + PATIENCE_S
        while 'isocket_broker_refusals_total{kind="login"} 1.0' not in installation.get("/metrics"):
            assert time.monotonic() < deadline, "not counted"
            time.sleep(0.1)


def test_a_second_one_on_the_same_data_is_refused_and_the_first_goes_on(installation: Installation) -> None:
    with installation.up():
        second = installation.run("up")
        assert second.returncode == 1
        assert "Another isocket" in second.stderr
        assert installation.is_ready()


@pytest.mark.parametrize(("taken", "setting"), [("http", "ISOCKET_HTTP"), ("mqtt", "ISOCKET_MQTT")])
def test_a_port_that_is_taken_is_named_with_the_setting_to_use(
    installation: Installation, taken: str, setting: str
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", getattr(installation, taken)))
        other.listen()
        done = installation.run("up")
    assert done.returncode == 1
    assert f"set {setting} to another" in done.stderr
    assert "Traceback" not in done.stderr
    assert brokers_in(installation.folder) == []


def test_a_wrong_setting_stops_the_start_before_anything_is_made(installation: Installation) -> None:
    wrong = Installation(folder=installation.folder, more={"ISOCKET_HTPT": "1"})
    done = wrong.run("up")
    assert (done.returncode, done.stderr) == (2, "ISOCKET_HTPT is not a setting: perhaps ISOCKET_HTTP is meant.\n")
    assert not (installation.folder / "var").exists()


def test_one_role_alone_needs_a_broker_that_others_run(installation: Installation) -> None:
    done = installation.run("bridge")
    assert done.returncode == 2
    assert "ISOCKET_BROKER_URL is missing" in done.stderr


def test_the_portal_alone_serves_and_ends(installation: Installation) -> None:
    with installation.up("portal") as portal:
        portal.send_signal(signal.SIGINT)
        portal.wait(timeout=PATIENCE_S)
    assert portal.returncode == 0


def test_sockets_may_come_by_tls_with_a_certificate_of_ours(installation: Installation) -> None:
    certificate, key, port = self_signed(installation.folder), installation.folder / "key.pem", free_port()
    secured = Installation(
        folder=installation.folder,
        more={
            "ISOCKET_MQTT_TLS": f"127.0.0.1:{port}",
            "ISOCKET_MQTT_TLS_CERTIFICATE": str(certificate),
            "ISOCKET_MQTT_TLS_KEY": str(key),
        },
    )
    trusting = ssl.create_default_context(cafile=certificate)
    with (
        secured.up(),
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as line,
    ):
        assert line.version() in {"TLSv1.2", "TLSv1.3"}


def self_signed(folder: Path) -> Path:
    """Write a certificate for localhost and its key; return the path of the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)  # noqa: TID251 - a certificate must be good by the clock of the TLS library
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    no_password = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, no_password))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    return folder / "cert.pem"
