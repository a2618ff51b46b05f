"""A customer's data goes from one installation to another by the two commands that a person types."""

import json
from datetime import timedelta
from pathlib import Path

from isocket.app.house import House, open_house
from isocket.app.settings import Settings, load_settings
from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact
from isocket.domain.devices import Device
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.kit.clock import to_ms
from isocket.storage.port import is_
from tests.unit.app.installation import Installation

MAIJA = "maija@example.org"


def settings_of(installation: Installation) -> Settings:
    return load_settings({name: value for name, value in installation.environ.items() if name.startswith("ISOCKET_")})


async def move_in(house: House, account_id: str, socket: str, *, name: str | None) -> None:
    """Open an account with one socket, as registering and claiming do."""
    now = house.clock.now()
    await house.records.add_all(
        [
            Account(id=account_id, email=MAIJA, created_at=now),
            Device(
                id=socket, model="isocket-707", secret_hash="$", claim_hash="h", provisioned_at=now,
                owner_id=account_id, claimed_at=now, name=name,
            ),
        ]
    )  # fmt: skip


async def test_what_one_installation_hands_out_the_other_takes_over(tmp_path: Path) -> None:
    here, there = (Installation(folder=tmp_path / each) for each in ("here", "there"))
    for each in (here, there):
        each.folder.mkdir()
    async with open_house(settings_of(here), may_be_new=True) as house:
        await move_in(house, "acc_here", "is0000000001", name="Cabin")
        now = house.clock.now()
        niina = Contact(
            id="con_1",
            account_id="acc_here",
            name="Niina",
            phone="+447700900123",
            phone_verified_at=now,
            created_at=now,
        )
        await house.records.add(niina)
        at_ms, body = to_ms(now), {"boot": 1, "seq": 1, "mains": False}
        await house.telemetry.store(
            [Report("is0000000001", ReportKind.STATE, 1, 1, at_ms, at_ms, ClockQuality.DEVICE, json.dumps(body), body)]
        )
    async with open_house(settings_of(there), may_be_new=True) as house:
        await move_in(house, "acc_there", "is0000000002", name=None)
    copy = tmp_path / "copy.zip"
    written = here.run("privacy", "export", "--account", "acc_here", "--out", str(copy))
    assert written.returncode == 0, written.stderr
    taken_over = there.run("privacy", "import", str(copy), "--socket", "is0000000001=is0000000002")
    assert taken_over.returncode == 0, taken_over.stderr
    async with open_house(settings_of(there)) as house:
        (taken,) = await house.records.find(Contact, is_("account_id", "acc_there"))
        assert (taken.name, taken.phone, taken.phone_verified_at) == ("Niina", "+447700900123", None)
        (device,) = await house.records.find(Device)
        assert (device.id, device.name) == ("is0000000002", "Cabin")
        (said,) = await house.telemetry.reports(
            "is0000000002", start=now - timedelta(days=1), end=now + timedelta(days=1)
        )
        assert said.fields["mains"] is False
