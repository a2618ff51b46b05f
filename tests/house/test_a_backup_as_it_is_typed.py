"""What docs/operation.md types for a backup and its way back, typed beside a cloud that runs and after its death."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.fakes.customer import Customer
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.whole_cloud import WholeCloud

pytestmark = pytest.mark.house

MANUAL = Path(__file__).parents[2] / "docs" / "operation.md"
ANNA = "+447700900001"
BERTIL = "+447700900002"


def typed() -> tuple[str, str]:
    """Return what the manual types for a backup, and to restore it."""
    chapter = MANUAL.read_text().partition("## Backup\n")[2].partition("\n## ")[0]
    backup, restore = re.findall(r"(?:^    .+\n)+", chapter, re.MULTILINE)
    return backup, restore


async def in_a_shell(commands: str, folder: Path) -> None:
    shell = await asyncio.create_subprocess_exec(
        "/bin/sh", "-e", "-c", commands, cwd=folder, stderr=asyncio.subprocess.PIPE
    )
    _, complaints = await shell.communicate()
    assert shell.returncode == 0, complaints


async def test_a_backup_of_a_running_cloud_is_restored_over_what_a_killed_one_left(
    tmp_path: Path, twilio: TwilioDouble, mail: SmtpSink
) -> None:
    backup, restore = typed()
    async with WholeCloud(tmp_path, twilio=twilio, mail=mail) as cloud, Customer(cloud) as owner:
        await cloud.start()
        (made,) = await cloud.provision()
        await owner.register_and_sign_in()
        await owner.claim(made, "Cabin")
        await owner.add_contact("Anna", phone=ANNA)
        async with ThinSocket(made, cloud.mqtt_port) as socket:
            await socket.state_that_is_stored(battery_pct=50)
            await in_a_shell(backup, tmp_path)
            for _ in range(500):  # enough for the log to have begun anew
                socket.state(battery_pct=60)
            await socket.until_all_is_stored()
            await owner.add_contact("Bertil", phone=BERTIL)
        cloud.kill()
        await cloud.dead()
        (moment,) = [each.name for each in (tmp_path / "backup").iterdir()]
        await in_a_shell(f"from={moment}\n{restore}", tmp_path)
        await cloud.start()
        await owner.sign_in()
        contacts = (await owner.ask("GET", "/contacts"))["items"]
        assert [each["phone"] for each in contacts if each["phone"]] == [ANNA]
        first, *again = await owner.history(made, "battery_pct")
        assert first == 50
        assert len(again) <= 500  # what the broker still had comes once more, and is stored again
        async with ThinSocket(made, cloud.mqtt_port, boot=2) as socket:
            told = len(twilio.accepted[ANNA])
            socket.alarm("mains_lost")
            await twilio.wait_for_accepted(ANNA, told + 1)
        await cloud.stop()
        private = [*(tmp_path / "backup").rglob("*"), *(tmp_path / "backup-of-keys").rglob("*"), *cloud.data.iterdir()]
        assert [each.name for each in private if each.stat().st_mode & 0o077] == []
