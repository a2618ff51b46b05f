"""What docs/operation.md types for a broker of one's own, typed: sockets are heard, and none speaks for another."""

import asyncio
import contextlib
import json
import re
import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.broker import free_port
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import ISOCKET, Made, WholeCloud

pytestmark = pytest.mark.house

MANUAL = Path(__file__).parents[2] / "docs" / "operation.md"
MOSQUITTO = "/usr/sbin/mosquitto"


def typed() -> tuple[str, str, str]:
    """Return what the manual types to make the passwords, and the files for access and configuration."""
    chapter = MANUAL.read_text().partition("## Several processes, another broker\n")[2].partition("\n## ")[0]
    blocks = [
        re.sub("^    ", "", each, flags=re.MULTILINE) for each in re.findall(r"(?:^    .+\n)+", chapter, re.MULTILINE)
    ]
    passwords, access, configuration = blocks
    return passwords, access, configuration


def on_free_ports(configuration: str, folder: Path, ports: tuple[int, int]) -> str:
    """Return the configuration for this machine: its paths and ports are ours, and there is no certificate."""
    lines = [each for each in configuration.splitlines() if not each.startswith(("certfile", "keyfile"))]
    text = "\n".join(lines).replace("/etc/mosquitto", str(folder)).replace("/var/lib/mosquitto", str(folder))
    return text.replace("listener 8883", f"listener {ports[0]} 127.0.0.1").replace(
        "listener 1884", f"listener {ports[1]}"
    )


@contextlib.asynccontextmanager
async def running(*command: str, log: Path, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("ab") as written:
        process = await asyncio.create_subprocess_exec(*command, stderr=written, env=environment or None)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_sockets_at_a_broker_set_up_as_the_manual_says_are_heard_and_none_speaks_for_another(
    tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink
) -> None:
    passwords, access, configuration = typed()
    ports = free_port(), free_port()
    cloud = WholeCloud(tmp_path, twilio=twilio, mail=mail)
    environment = cloud.environment() | {"ISOCKET_BROKER_URL": f"mqtt://bridge:a-long-secret@127.0.0.1:{ports[1]}"}
    commands = passwords.replace("isocket device", f"{shlex.quote(str(ISOCKET))} device").replace("100", "3")
    shell = await asyncio.create_subprocess_exec("/bin/sh", "-e", "-c", commands, cwd=tmp_path, env=environment)
    assert await shell.wait() == 0
    (tmp_path / "access").write_text(access)
    (tmp_path / "mosquitto.conf").write_text(f"user root\n{on_free_ports(configuration, tmp_path, ports)}\n")
    one, two, three = [
        Made(**json.loads(each), line=each) for each in (tmp_path / "devices.jsonl").read_text().splitlines()
    ]

    async with (
        running(MOSQUITTO, "-c", str(tmp_path / "mosquitto.conf"), log=tmp_path / "broker.log"),
        running(str(ISOCKET), "bridge", log=tmp_path / "bridge.log", **environment),
        ThinSocket(one, ports[0]) as socket,
        ThinSocket(replace(two, topic_root=one.topic_root), ports[0]) as forger,
        ThinSocket(three, ports[0]) as witness,
    ):
        socket.state(uptime_s=1)
        await socket.until_all_is_stored()  # said again where the bridge was not there yet
        assert socket.told == (1, 1)
        forger.seq = socket.seq
        forger.state(uptime_s=2)
        await forger.connect()  # and says it again as a batch, which would be confirmed at once
        await forger.until_all_is_acknowledged()
        await witness.state_that_is_stored(uptime_s=1)  # what came before is done
        assert socket.told == (1, 1)
