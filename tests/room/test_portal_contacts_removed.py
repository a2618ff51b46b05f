"""Who is removed from the people to be told: nothing of theirs can be read any more, wherever a copy lies."""

from dataclasses import replace
from pathlib import Path

import pytest

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.storage.port import is_
from privacy.scan import scan
from tests.fakes.clock import ManualClock
from tests.fakes.erasing_house import back_up, erasing_house, ground_on_disk
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, PHONE, enter
from tests.fakes.portal_house import portal_house

MAIL, NAME = "neighbour@example.org", "Neighbour Niemi"
TEXT = "Cabin of Niemi: mains power is out"


async def test_who_is_removed_is_read_nowhere_any_more_and_a_backup_from_before_cannot_be_opened(
    tmp_path: Path,
) -> None:
    folder, backup = tmp_path / "var", tmp_path / "backup"
    folder.mkdir()
    async with (
        ground_on_disk(folder, ManualClock()) as ground,
        portal_house(records=ground.records, keyring=ground.keyring, routes=ALL_ROUTES) as house,
    ):
        token = await house.customer(MAIJA)
        contact = await enter(house, token, name=NAME, phone=PHONE, email=MAIL)
        now = house.clock.now()
        told = Delivery(
            id="dlv_1", account_id=(await house.account(MAIJA)).id, person_id=contact["id"], contact_id=contact["id"],
            kind=DeliveryKind.ALARM, channel=ChannelKind.SMS, address=PHONE, text=TEXT, created_at=now, due_at=now,
            state=DeliveryState.SENT,
        )  # fmt: skip
        await house.records.add(told)
        back_up(folder, backup, "isocket.sqlite")
        assert await ground.keyring.key_for(contact["id"]) is not None
        assert (await house.ask("DELETE", f"/contacts/{contact['id']}", token=token)).status == 204
        assert await ground.keyring.was_destroyed(contact["id"])
        (left,) = await house.records.find(Delivery, is_("id", "dlv_1"))
        assert (left.address, left.text, left.state) == ("", "", DeliveryState.SENT)
        (me,) = await house.records.find(Contact)
        assert me.email == MAIJA, "whose account it is can be read as before"
        keyring = ground.keyring
        async with ground_on_disk(backup, ManualClock()) as old:
            sealed = replace(old, records=old.with_keyring(keyring))
            (copy,) = await sealed.records.find(Contact, is_("id", contact["id"]))
    assert (copy.name, copy.phone, copy.email) == ("", "", "")
    assert scan([folder, backup], NAME, PHONE, MAIL, TEXT) == []


@pytest.mark.clause("C5-01")
async def test_a_restored_backup_of_store_and_keys_brings_nobody_back_who_was_removed(tmp_path: Path) -> None:
    folder, backup, files = tmp_path / "var", tmp_path / "backup", ("isocket.sqlite", "keyring.sqlite")
    folder.mkdir()
    async with (
        ground_on_disk(folder, ManualClock()) as ground,
        portal_house(
            records=ground.records, keyring=ground.keyring, routes=ALL_ROUTES, note_erasure=ground.note_erasure
        ) as house,
    ):
        token = await house.customer(MAIJA)
        stays, goes = await enter(house, token, email=MAIL), await enter(house, token, name=NAME, phone=PHONE)
        back_up(folder, backup, *files)
        assert (await house.ask("DELETE", f"/contacts/{goes['id']}", token=token)).status == 204
        assert await ground.replay() == 0, "this store knows of it"
    for each in (*folder.glob("isocket.sqlite*"), *folder.glob("keyring.sqlite*")):
        each.unlink()
    back_up(backup, folder, *files)
    async with ground_on_disk(folder, ManualClock()) as ground:
        assert await ground.records.get(Contact, goes["id"]) is not None
        assert await ground.replay() == 1
        assert await ground.records.get(Contact, goes["id"]) is None
        assert await ground.keyring.was_destroyed(goes["id"])
        assert await ground.records.get(Contact, stays["id"]) is not None
        assert await ground.replay() == 0


@pytest.mark.parametrize("at", ["before the contact went", "after it went"])
async def test_a_removal_that_broke_off_is_finished_by_asking_again(tmp_path: Path, at: str) -> None:
    async with erasing_house(tmp_path) as (house, ground):
        token = await house.customer(MAIJA)
        contact = await enter(house, token, phone=PHONE)
        await ground.keyring.destroy(contact["id"])
        if at == "after it went":
            await house.records.remove_all(Contact, is_("id", contact["id"]))
        answer = await house.ask("DELETE", f"/contacts/{contact['id']}", token=token)
        assert answer.status == (404 if at == "after it went" else 204)
        assert await house.records.get(Contact, contact["id"]) is None
