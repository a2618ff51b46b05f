"""`isocket demo`, what a new user sees first: a power cut reaches the desk, and a second run goes on."""

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.patience import PATIENCE_S
from tests.unit.app.installation import PROGRAM, Installation

pytestmark = pytest.mark.house


@contextmanager
def demo(installation: Installation, *, ends_by: signal.Signals = signal.SIGINT) -> Iterator["Screen"]:
    """Run the demonstration while the block lasts; it must end by itself when asked."""
    with installation.log.open("a") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", PROGRAM, "demo"],  # so that it ends with whoever runs the tests
            env={**installation.environ, "COLUMNS": "200", "TZ": "UTC"},
            cwd=installation.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Screen(process, installation.log)
        process.send_signal(ends_by)
        assert process.wait(timeout=PATIENCE_S) == 0, installation.log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class Screen:
    """What a person reads."""

    def __init__(self, process: "subprocess.Popen[bytes]", path: Path) -> None:
        self._process = process
        self._path = path
        self._from = path.stat().st_size

    @property
    def text(self) -> str:
        """Everything shown since this run began."""
        return self._path.read_bytes()[self._from :].decode()

    def wait_for(self, pattern: str) -> "re.Match[str]":
        """Return the match as soon as `pattern` is shown."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.text)):
            assert self._process.poll() is None, self.text
            assert time.monotonic() < deadline, f"{pattern} was not shown:\n{self.text}"
            time.sleep(0.05)
        return found


def api(installation: Installation, method: str, path: str, body: object = None, token: str = "") -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{installation.http}/api/v1{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - the address is written above
        return json.loads(answer.read() or b"null")


def sign_in(installation: Installation, screen: Screen) -> str:
    login = screen.wait_for(r"Login +(\S+)  password (\S+)")
    tokens = api(installation, "POST", "/tokens", {"username": login[1], "password": login[2]})
    return str(tokens["access_token"])


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    made = Installation(folder=tmp_path_factory.mktemp("demo"))
    made.log.touch()
    return made


def test_a_power_cut_is_told_by_sms_and_mail_and_closed_and_a_relay_obeys(installation: Installation) -> None:
    with demo(installation) as screen:
        token = sign_in(installation, screen)
        devices = api(installation, "GET", "/devices", token=token)["items"]
        assert sorted(each["name"] for each in devices) == [
            "Boathouse", "Cottage", "Garage", "Greenhouse", "Pump room",
        ]  # fmt: skip
        cottage = next(each["id"] for each in devices if each["name"] == "Cottage")
        settings = api(installation, "GET", f"/devices/{cottage}/settings", token=token)
        assert settings["desired"]["flapping"]["count"] is None, "however often it is started, its cut is told"
        screen.wait_for(r"Cottage +the mains goes off")
        screen.wait_for(r"Cottage +alarm: mains lost opened")
        screen.wait_for(r"SMS to \+447700900123: Cottage: mains power is out")
        screen.wait_for(r"e-mail to demo@example\.org: Cottage: mains power is out")
        assert "Cottage: mains power is out" in installation.get("/desk")
        garage = next(each["id"] for each in devices if each["name"] == "Garage")
        asked = api(installation, "POST", f"/devices/{garage}/commands", {"name": "off"}, token)
        _until_executed(installation, garage, asked["id"], token)
        screen.wait_for(r"Cottage +alarm: mains lost closed")
    assert "Stopped." in screen.text


def test_a_second_run_goes_on_with_the_same_account_and_sockets(installation: Installation) -> None:
    with demo(installation, ends_by=signal.SIGTERM) as screen:
        first = sign_in(installation, screen)
        before = [each["id"] for each in api(installation, "GET", "/devices", token=first)["items"]]
    with demo(installation) as screen:
        second = sign_in(installation, screen)
        after = [each["id"] for each in api(installation, "GET", "/devices", token=second)["items"]]
        contacts = api(installation, "GET", "/contacts", token=second)["items"]
    assert before == after
    assert [each["phone"] for each in contacts if each["phone_verified"]] == ["+447700900123"]


def test_no_name_number_or_address_is_in_the_log(installation: Installation) -> None:
    with demo(installation) as screen:
        sign_in(installation, screen)
    log = (installation.folder / "var" / "demo.log").read_text()
    assert '"event": "ready"' in log
    for value in ("demo@example.org", "447700900123", "Cottage", "Demo telephone"):
        assert value not in log


def _until_executed(installation: Installation, device_id: str, command_id: str, token: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status = api(installation, "GET", f"/devices/{device_id}/commands/{command_id}", token=token)["status"]
        if status == "executed":
            return
        assert status in {"queued", "sent"}
        assert time.monotonic() < deadline, f"still {status}"
        time.sleep(0.05)
