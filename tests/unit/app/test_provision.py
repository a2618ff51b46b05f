"""The factory step."""

import json
import re
import sqlite3
from contextlib import closing

from isocket.app.house import open_house
from isocket.app.provision import ModelName, provision
from isocket.app.settings import load_settings
from isocket.domain.devices import Device, topic_root
from isocket.domain.secrets import claim_fits
from isocket.kit.clock import SystemClock
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from tests.fakes.device_secrets import verify_secret
from tests.unit.app.installation import Installation


def test_each_device_is_one_json_object_a_line_with_what_the_contract_names(installation: Installation) -> None:
    done = installation.typed("device", "provision", "--model", "isocket-4g", "--count", "3")
    made = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(made) == 3
    for each in made:
        assert list(each) == ["device_id", "secret", "claim_code", "model", "topic_root"]
        assert re.fullmatch(r"is[0-9a-hjkmnp-tv-z]{10}", each["device_id"])
        assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", each["claim_code"])
        assert each["topic_root"] == topic_root(each["device_id"])


def test_an_unknown_model_is_refused_and_the_known_ones_are_named(installation: Installation) -> None:
    done = installation.typed("device", "provision", "--model", "toaster")
    assert done.returncode != 0
    assert "isocket-environment-pro" in done.stderr


async def test_what_was_printed_opens_what_was_stored() -> None:
    records = StoredRecords(MemoryDocuments())
    (made,) = [each async for each in provision(records, SystemClock(), model=ModelName.ISOCKET_707, count=1)]
    device = await records.get(Device, made.device_id)
    assert device is not None
    assert verify_secret(made.secret, device.secret_hash)
    assert claim_fits(made.claim_code.lower().replace("-", " "), device.claim_hash)
    assert device.owner_id is None


async def test_a_lot_of_thousands_is_made_whole_and_no_two_are_alike() -> None:
    records = StoredRecords(MemoryDocuments())
    made = [each async for each in provision(records, SystemClock(), model=ModelName.ISOCKET_3G, count=1_201)]
    assert await records.count(Device) == 1_201
    assert len({each.secret for each in made}) == 1_201


def test_neither_secret_nor_claim_code_is_in_the_file(installation: Installation) -> None:
    made = json.loads(installation.typed("device", "provision", "--model", "isocket-3g").stdout)
    raw = b"".join(each.read_bytes() for each in (installation.folder / "var").glob("isocket.sqlite*"))
    assert made["device_id"].encode() in raw
    assert made["secret"].encode() not in raw
    assert made["claim_code"].encode() not in raw


async def test_the_store_is_made_with_the_first_command_and_only_for_our_user(installation: Installation) -> None:
    installation.run("device", "provision", "--model", "isocket-3g")
    folder = installation.folder / "var"
    assert folder.stat().st_mode & 0o077 == 0
    assert [each.name for each in folder.iterdir() if each.stat().st_mode & 0o077] == []
    async with open_house(load_settings(installation.environ)) as house:
        assert await house.records.count(Device) == 1
    with closing(sqlite3.connect(folder / "isocket.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
