"""Being erased, from the wish to the receipt."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from alerts.channels.gsm7 import SEGMENT_SEPTETS, septets
from broker_bridge.mosquitto.config import BrokerConfig
from isocket.domain import STORED
from isocket.domain.accounts import Account, Registration, Session
from isocket.domain.archives import Archive, ArchiveState
from isocket.domain.authority_cases import AuthorityCase, HandedPage
from isocket.domain.breaches import Breach
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.erasure_plan import erased_with_the_account, plan
from isocket.domain.erasures import Erasure, ErasureState, tombstone
from isocket.domain.handling import Handling, OnErasure
from isocket.domain.holds import HeldCopy, Hold, UncopiedError
from isocket.domain.incidents import Happening, Incident, TimelineEntry
from isocket.domain.inventory import inventory
from isocket.domain.letters import LANGUAGES
from isocket.domain.record import Record, handling_of
from isocket.domain.stops import Stop
from isocket.kit.clock import to_text
from isocket.storage.keyring import PersonErasedError
from isocket.storage.port import Records, StoreUnavailableError, Test, is_
from isocket.storage.records import StoredRecords
from portal_api.privacy_words import asked, undone
from privacy.erasing import AFTERLOOK_S, FAREWELL_S, FOUND_IN_FILES, LOG_IS_READ
from privacy.ledger import LedgerBrokenError
from privacy.replaying import replay_erasures
from privacy.scan import scan
from tests.fakes.clock import ManualClock
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.erasing_house import MAIJA_ID, Ground, back_up, erasing_house, furnish, ground_on_disk, in_memory
from tests.fakes.portal_devices import MAIJA, PEKKA, PHONE, SOCKET, claim, incident, owned, report, verified
from tests.fakes.portal_house import PASSWORD, PortalHouse

WISH = {"password": PASSWORD, "confirm": MAIJA}
DAY_S = 86_400.0
Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


async def lived_in(house: PortalHouse) -> str:
    """Let Maija have a socket with a history, somebody to be told and an incident; return her token."""
    token = await owned(house)
    await verified(house, token, PHONE, name="Neighbour Niemi")
    body = {"name": "Cabin of Maija", "place": "Behind the larder"}
    assert (await house.ask("PATCH", f"/devices/{SOCKET}", body, token=token)).status == 200
    await report(house, 1, mains=True, temp_c=[3.5])
    account = await house.account(MAIJA)
    told = await incident(house, "inc_1", account.id)
    entry = TimelineEntry(
        id="tl_1", incident_id=told.id, account_id=account.id, at=house.clock.now(), what=Happening.OPENED
    )
    await house.records.add(entry)
    return token


async def ask(house: PortalHouse, token: str, wish: dict[str, str] = WISH, expect: int = 202) -> dict[str, Any]:
    answer = await house.ask("POST", "/privacy/erasure", wish, token=token)
    assert answer.status == expect, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


async def left_of(records: Records, account_id: str) -> dict[str, int]:
    """Return how many records name the account, by collection."""
    counts = {
        kind.collection: await records.count(kind, is_(kind.account, account_id)) for kind in STORED if kind.account
    }
    return {name: count for name, count in counts.items() if count}


async def sent_off(house: PortalHouse) -> None:
    """Let everything that waits be sent."""
    await house.records.change_all(Delivery, is_("state", DeliveryState.DUE), state=DeliveryState.SENT)


@pytest.mark.clause("C6-03")
@pytest.mark.clause("C7-06")
async def test_the_plan_has_a_fate_for_every_field_that_tells_about_a_person(houses: Houses) -> None:
    house, _ = houses
    token = await lived_in(house)
    shown = await (await house.ask("GET", "/privacy/erasure", token=token)).json()
    planned = {(each["collection"], each["field"]) for each in shown["fields"]}
    assert planned >= {(each.collection, each.field) for each in inventory() if each.personal}
    assert all(each["why"] for each in shown["fields"])
    assert all(each["until"] for each in shown["fields"] if each["what"] == "kept")
    assert (shown["state"], shown["stored"]["contacts"], shown["stored"]["devices"]) == ("none", 2, 1)
    assert any("warranty" in each for each in shown["consequences"])


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.collection)
def test_a_class_with_sealed_values_is_among_those_that_are_erased(kind: Any) -> None:
    sealed = [name for name, how in handling_of(kind).items() if isinstance(how, Handling) and how.sealed]
    # who said stop stays so; the register of breaches is of nobody in particular; holds and cases end by themselves
    of_no_account = {Stop, Breach, Hold, HeldCopy, AuthorityCase, HandedPage}
    assert not sealed or kind in {*erased_with_the_account(), Device, Erasure, *of_no_account}


@pytest.mark.clause("C5-05")
@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"password": "wrong", "confirm": MAIJA}, 403),
        ({"password": PASSWORD, "confirm": PEKKA}, 422),
        ({"password": PASSWORD}, 422),
    ],
)
async def test_it_takes_the_password_and_ones_own_address(houses: Houses, wish: dict[str, str], status: int) -> None:
    house, ground = houses
    token = await house.customer(MAIJA)
    await ask(house, token, wish, expect=status)
    assert await ground.erasures() == []


async def test_wishes_and_undoing_them_send_no_end_of_texts(houses: Houses) -> None:
    house, _ = houses
    token = await lived_in(house)
    for _ in range(5):
        await ask(house, token)
        await house.clock.advance(0.001)
        assert (await house.ask("DELETE", "/privacy/erasure", token=token)).status == 200
    assert (await house.ask("POST", "/privacy/erasure", WISH, token=token)).status == 429


async def test_the_wish_is_told_by_every_way_and_can_be_undone(houses: Houses) -> None:
    house, ground = houses
    token = await lived_in(house)
    me = await house.account(MAIJA)
    await house.records.change_one(
        Contact, is_("account_id", me.id), is_("is_owner", True), phone="+447700900555", phone_verified_at=me.created_at
    )
    said = await ask(house, token)
    assert (said["state"], said["undo"]) == ("asked", True)
    assert await ask(house, token) == said, "a second wish is the first"
    due = await house.records.find(Delivery, is_("kind", DeliveryKind.NOTICE), is_("state", DeliveryState.DUE))
    assert {(each.channel.value, each.address) for each in due} == {("email", MAIJA), ("sms", "+447700900555")}
    (letter,) = [each for each in due if each.address == MAIJA]
    assert said["receipt"] in letter.text
    back = await (await house.ask("DELETE", "/privacy/erasure", token=token)).json()
    assert (back["state"], back["undo"]) == ("undone", False)
    assert (await house.ask("DELETE", "/privacy/erasure", token=token)).status == 409
    assert len(await house.mails(MAIJA)) >= 2
    await house.clock.advance(15 * DAY_S)
    assert await ground.eraser().round() == 0
    assert await house.account(MAIJA) == me


@pytest.mark.clause("C5-05")
@pytest.mark.clause("C6-18")
@pytest.mark.clause("C6-06")
async def test_nothing_goes_before_its_time_and_everything_does_then(houses: Houses) -> None:
    house, ground = houses
    token = await lived_in(house)
    me = await house.account(MAIJA)
    await house.customer(PEKKA)
    said = await ask(house, token)
    await sent_off(house)
    await house.clock.advance(14 * DAY_S - 60)
    assert await ground.eraser().round() == 0
    await house.clock.advance(61)
    assert await ground.eraser().round() == 1
    assert await left_of(house.records, me.id) == {"erasures": 1}
    assert await house.telemetry.latest([SOCKET]) == {}
    device = await house.records.get(Device, SOCKET)
    assert device is not None
    assert (device.owner_id, device.name, device.place, device.desired_pending) == (None, None, None, True)
    assert (await house.ask("GET", "/me", token=token)).status == 401
    assert (await house.ask("POST", "/tokens", {"username": MAIJA, "password": PASSWORD})).status == 401
    kept = await (await house.ask("GET", f"/privacy/receipts?{said['receipt'].partition('?')[2]}")).json()
    assert (kept["state"], kept["searched"], kept["held_up"]) == ("done", True, "")
    assert (kept["removed"]["accounts"], kept["removed"]["contacts"], kept["removed"]["devices"]) == (1, 2, 1)
    assert kept["removed"]["keys"] >= 3, "her own, her contact's, and her contact that is her own address"
    await house.clock.advance(AFTERLOOK_S + 1)
    await ground.eraser().round()
    (receipt,) = await ground.erasures()
    assert (receipt.account_id, receipt.persons, receipt.values, receipt.state) == ("", (), "", ErasureState.DONE)
    assert await house.account(PEKKA), "nobody else went"


async def test_what_was_just_being_written_is_removed_an_hour_later(houses: Houses) -> None:
    house, ground = houses
    await lived_in(house)
    me = await house.account(MAIJA)
    await ground.eraser().erase(me.id, by="operator")
    late = TimelineEntry(id="tl_9", incident_id="inc_1", account_id=me.id, at=house.clock.now(), what=Happening.OPENED)
    await house.records.add(late)
    await house.clock.advance(AFTERLOOK_S + 1)
    await ground.eraser().round()
    assert await left_of(house.records, me.id) == {}


async def test_what_was_erased_is_looked_after_once(houses: Houses) -> None:
    house, ground = houses
    await lived_in(house)
    await ground.eraser().erase((await house.account(MAIJA)).id, by="operator")
    await house.clock.advance(AFTERLOOK_S + 1)
    await ground.eraser().round()
    assert [(each.account_id, each.forgets_at) for each in await ground.erasures()] == [("", None)]


async def test_whoever_is_outrun_by_another_at_an_erasure_stops_without_a_word(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    now = ground.clock.now()
    erasure = Erasure(id="era_1", account_id=MAIJA_ID, asked_at=now, due_at=now, open_key=MAIJA_ID)
    await ground.records.add(erasure)

    class Outrun(DyingRecords):
        async def change_one(self, kind: Any, *tests: Test, order_by: str = "id", **changes: Any) -> Any:
            if kind is Erasure and "removed" in changes:
                assert await ground.eraser().round() == 1
            return await super().change_one(kind, *tests, order_by=order_by, **changes)

    assert not await ground.eraser(Outrun(ground.records)).carry_out(erasure)
    assert [each.state for each in await ground.erasures()] == [ErasureState.DONE]
    assert len(ground.ledger.lines()) == 1


async def test_a_socket_that_somebody_was_just_taking_over_while_they_were_erased_can_be_claimed_again(
    houses: Houses,
) -> None:
    house, ground = houses
    await lived_in(house)
    me = await house.account(MAIJA)
    await ground.eraser().erase(me.id, by="operator")
    await house.records.change_one(Device, is_("id", SOCKET), owner_id=me.id)  # the last write of handing it over
    await house.clock.advance(AFTERLOOK_S + 1)
    await ground.eraser().round()
    await claim(house, await house.customer(PEKKA))


@pytest.mark.clause("C7-06")
async def test_an_erased_person_is_not_created_again(houses: Houses) -> None:
    house, ground = houses
    await lived_in(house)
    me, contacts = await house.account(MAIJA), await house.records.find(Contact)
    await ground.eraser().erase(me.id, by="operator")
    for again in (me, *contacts):
        with pytest.raises(PersonErasedError):
            await house.records.add(again)
    await report(house, 2, mains=False)  # the socket is not told at once
    assert await house.records.count(Incident) == 0
    token = await house.customer(PEKKA)
    await claim(house, token)
    history = await house.ask("GET", f"/devices/{SOCKET}/history", token=token)
    assert (await history.json()).get("ts", []) == [], "what came late is not the next owner's"


async def test_the_same_address_can_open_a_new_account_that_knows_nothing(houses: Houses) -> None:
    house, ground = houses
    await lived_in(house)
    me = await house.account(MAIJA)
    await ground.eraser().erase(me.id, by="operator")
    token = await house.customer(MAIJA)
    assert (await house.account(MAIJA)).id != me.id
    assert (await (await house.ask("GET", "/devices", token=token)).json())["items"] == []


async def test_a_wish_for_another_account_with_the_same_mailbox_goes_too(houses: Houses) -> None:
    house, ground = houses
    await house.register(MAIJA)
    me = await house.account(MAIJA)
    end = house.clock.now() + timedelta(days=3)
    await house.records.add(Registration(id="r", account_id="acc_other", email=MAIJA, expires_at=end))
    await ground.eraser().erase(me.id, by="operator")
    assert await house.records.count(Registration) == 0
    assert await ground.keyring.was_destroyed("acc_other")


async def test_it_waits_until_whoever_asked_was_told_but_not_for_ever(tmp_path: Path) -> None:
    async with erasing_house(tmp_path, erasure_grace_s=0) as (house, ground):
        token = await house.customer(MAIJA)
        await ask(house, token)
        assert await ground.eraser().round() == 0
        await house.clock.advance(FAREWELL_S)
        assert await ground.eraser().round() == 1
        other = await house.customer(PEKKA)
        await ask(house, other, {"password": PASSWORD, "confirm": PEKKA})
        await sent_off(house)
        assert await ground.eraser().round() == 1


async def test_a_value_left_in_any_file_keeps_the_receipt_back(houses: Houses) -> None:
    house, ground = houses
    await lived_in(house)
    me = await house.account(MAIJA)
    left = ground.folder / "debug.log"
    left.write_text("sent to the Cabin of Maija")
    held = await ground.eraser().erase(me.id, by="operator")
    assert held is not None
    assert (held.state, held.problem) == (ErasureState.RUNNING, FOUND_IN_FILES)
    assert not await ground.keyring.was_destroyed(me.id)
    left.unlink()
    assert await ground.eraser().round() == 1
    assert await ground.keyring.was_destroyed(me.id)


async def test_a_log_that_cannot_be_emptied_keeps_it_back_with_all_keys(houses: Houses) -> None:
    house, ground = houses
    await house.register(MAIJA)
    me = await house.account(MAIJA)

    async def read_all_the_time() -> bool:
        return False

    await replace(ground, empty_log=read_all_the_time).eraser().erase(me.id, by="operator")
    assert [(each.state, each.problem) for each in await ground.erasures()] == [(ErasureState.RUNNING, LOG_IS_READ)]
    assert not await ground.keyring.was_destroyed(me.id)
    assert await ground.eraser().round() == 1


async def test_it_is_not_done_before_the_log_is_emptied_of_what_the_keys_opened(houses: Houses) -> None:
    house, ground = houses
    await house.register(MAIJA)
    me = await house.account(MAIJA)

    async def read_from_then_on() -> bool:
        return not await ground.keyring.was_destroyed(me.id)

    now = house.clock.now()
    wish = Erasure(id="era_1", account_id=me.id, asked_at=now, due_at=now, open_key=me.id)
    await house.records.add(wish)
    assert not await replace(ground, empty_log=read_from_then_on).eraser().carry_out(wish)
    assert [each.state for each in await ground.erasures()] == [ErasureState.RUNNING]
    assert await ground.keyring.was_destroyed(me.id)
    assert await ground.eraser().round() == 1
    assert [each.state for each in await ground.erasures()] == [ErasureState.DONE]


async def test_nobody_is_erased_who_is_not_there(houses: Houses) -> None:
    _, ground = houses
    assert await ground.eraser().erase("acc_nobody", by="operator") is None


async def test_a_receipt_that_is_none_is_not_found(houses: Houses) -> None:
    house, _ = houses
    assert (await house.ask("GET", "/privacy/receipts?id=era_no")).status == 404


@pytest.mark.clause("C5-01")
async def test_whoever_dies_at_any_verb_of_an_erasure_another_finishes_it(tmp_path: Path) -> None:
    tries = 0

    async def build() -> Ground:
        nonlocal tries
        tries += 1
        folder = tmp_path / str(tries)
        folder.mkdir()
        ground = in_memory(folder)
        await furnish(ground)
        now = ground.clock.now()
        await ground.records.add(Erasure(id="era_1", account_id=MAIJA_ID, asked_at=now, due_at=now, open_key=MAIJA_ID))
        return ground

    async def run(ground: Ground, fuse: Fuse) -> None:
        dying = ground.eraser(DyingRecords(ground.records, fuse), DyingTelemetry(ground.telemetry, fuse))
        await dying.round()
        await ground.clock.advance(AFTERLOOK_S + 1)
        await dying.round()

    async def check(ground: Ground) -> None:
        (receipt,) = await ground.erasures()
        assert (receipt.state, receipt.account_id, receipt.values) == (ErasureState.DONE, "", "")
        for kind in (Account, Contact, Session, Delivery, Incident, TimelineEntry):
            assert await ground.records.find(kind) == []
        assert await ground.telemetry.latest([SOCKET]) == {}
        assert len(ground.ledger.lines()) == 1
        assert await ground.keyring.was_destroyed(MAIJA_ID)
        assert await ground.keyring.was_destroyed("con_1")
        device = await ground.records.get(Device, SOCKET)
        assert device is not None
        assert (device.owner_id, device.name) == (None, None)

    assert await every_crash_point(build, run, check) > 100


WORDS = (MAIJA, "Maija Meikalainen", "Neighbour Niemi", PHONE, "Cabin of Maija", "Behind the larder")


@pytest.mark.clause("C5-03")
async def test_no_byte_of_them_is_in_any_file_and_a_backup_from_before_cannot_be_read(tmp_path: Path) -> None:
    folder, backup = tmp_path / "var", tmp_path / "backup"
    folder.mkdir()
    async with ground_on_disk(folder, ManualClock()) as ground:
        await furnish(ground)
        assert await ground.records.find(Account, is_("email", MAIJA))
        back_up(folder, backup, "isocket.sqlite")
        receipt = await ground.eraser().erase(MAIJA_ID, by="operator")
        assert receipt is not None
        assert receipt.state is ErasureState.DONE
        assert scan([folder], *WORDS) == [], "while it is open, the write-ahead log as well"
        await ground.clock.advance(AFTERLOOK_S + 1)
        await ground.eraser().round()
        assert scan([folder], MAIJA_ID) == [], "not even the account's id"
        keyring = ground.keyring
        async with ground_on_disk(backup, ManualClock()) as old:
            sealed = replace(old, records=old.with_keyring(keyring))
            (account,) = await sealed.records.find(Account)
            (device,) = await sealed.records.find(Device)
            contacts = await sealed.records.find(Contact)
    assert (account.email, account.name, device.name) == ("", "", "")
    assert {(each.name, each.phone or "", each.email or "") for each in contacts} == {("", "", "")}
    assert scan([folder, backup], *WORDS) == []


@pytest.mark.clause("C5-01")
async def test_a_restored_backup_of_store_and_keys_does_not_bring_them_back(tmp_path: Path) -> None:
    folder, backup = tmp_path / "var", tmp_path / "backup"
    folder.mkdir()
    async with ground_on_disk(folder, ManualClock()) as ground:
        await furnish(ground)
        back_up(folder, backup, "isocket.sqlite", "keyring.sqlite")
        await ground.eraser().erase(MAIJA_ID, by="operator")
        assert await ground.replay() == 0, "nothing was restored"
    for name in ("isocket.sqlite", "keyring.sqlite"):
        for each in folder.glob(f"{name}*"):
            each.unlink()
    back_up(backup, folder, "isocket.sqlite", "keyring.sqlite")
    async with ground_on_disk(folder, ManualClock()) as restored:
        assert await restored.records.find(Account, is_("email", MAIJA)), "they are back"
        assert await restored.replay() == 1
        assert await left_of(restored.records, MAIJA_ID) == {"erasures": 1}
        assert await restored.keyring.was_destroyed(MAIJA_ID)
        assert await restored.keyring.was_destroyed("con_1")
        assert scan([folder], *WORDS) == []
        assert await restored.replay() == 0


async def test_of_thousands_of_records_some_are_removed_at_a_time_so_that_alarms_of_others_go(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ground = houses
    await furnish(ground)
    note = TimelineEntry(
        id="tl_theirs", incident_id="inc_1", account_id="acc_other", at=ground.clock.now(), what=Happening.NOTE
    )
    mine = [replace(note, id=f"tl_many_{each}", account_id=MAIJA_ID) for each in range(35)]
    await ground.records.add_all([note, *mine])
    monkeypatch.setattr("isocket.storage.port.PAGE", 10)
    removed = list[int]()

    async def remove_all(of: StoredRecords, kind: type[Record], *tests: Test, limit: int | None = None) -> int:
        removed.append(await as_it_is(of, kind, *tests, limit=limit))
        return removed[-1]

    as_it_is = StoredRecords.remove_all
    monkeypatch.setattr(StoredRecords, "remove_all", remove_all)
    receipt = await ground.eraser().erase(MAIJA_ID, by="operator")
    assert receipt is not None
    assert receipt.removed["timeline"] == 37, "one of before, and that its incident was closed"
    assert max(removed) == 10
    assert await ground.records.find(TimelineEntry) == [note]


async def test_what_many_sockets_are_called_is_written_down_at_once_before_any_forgets(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, ground = houses
    await furnish(ground)
    await furnish_sockets(ground, 3)
    written = list[set[str]]()

    async def change_one(of: StoredRecords, kind: type[Record], *tests: Test, **changes: Any) -> Any:
        if kind is Erasure and changes.get("values"):
            still = await house.records.find(Device, is_("owner_id", MAIJA_ID))
            written.append({each for each in json.loads(changes["values"]) if each.startswith("Barn number")})
            assert len(still) in {4, 0}, "before the first of them, or what is written down beside when all are free"
        return await as_it_is(of, kind, *tests, **changes)

    as_it_is = StoredRecords.change_one
    monkeypatch.setattr(StoredRecords, "change_one", change_one)
    receipt = await ground.eraser().erase(MAIJA_ID, by="operator")
    assert receipt is not None
    assert receipt.state is ErasureState.DONE
    assert written == [{"Barn number 0", "Barn number 1", "Barn number 2"}] * 2


async def furnish_sockets(ground: Ground, many: int) -> None:
    known = await ground.records.get(Device, SOCKET)
    assert known is not None
    more = [replace(known, id=f"isk-barn-{each}", name=f"Barn number {each}") for each in range(many)]
    assert await ground.records.add_all(more) == many


async def test_receipts_that_a_restored_backup_lacks_are_noted_many_at_once(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ground = houses
    now, writes = ground.clock.now(), list[int]()
    lines = [{"erasure_id": f"era_{each}", "tombstone": f"t{each}", "at": to_text(now)} for each in range(1200)]
    (ground.folder / "erasures.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    wish = Erasure(
        id="era_7", account_id="acc_gone", asked_at=now, due_at=now, open_key="acc_gone", persons=("con_7",),
        values='["gone"]',
    )  # fmt: skip
    other = replace(wish, id="era_0_of_another", account_id="acc_other", open_key="acc_other")
    await ground.records.add_all([wish, other])

    async def add_all(of: StoredRecords, records: Sequence[Record]) -> int:
        writes.append(len(records))
        return await as_it_is(of, records)

    as_it_is = StoredRecords.add_all
    monkeypatch.setattr(StoredRecords, "add_all", add_all)
    assert await ground.replay() == 0
    assert len(writes) == 3
    assert await ground.records.get(Erasure, other.id) == other, "nobody else's wish becomes a receipt"
    await ground.records.remove_all(Erasure, is_("id", other.id))
    assert {(each.state, each.account_id) for each in await ground.erasures()} == {(ErasureState.DONE, "")}
    assert len(await ground.erasures()) == len(lines)
    receipt = await ground.records.get(Erasure, wish.id)
    assert receipt is not None
    assert (receipt.open_key, receipt.persons, receipt.values, receipt.done_at) == (None, (), "", now)


async def test_whoever_came_back_and_cannot_be_erased_again_opens_no_port(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    ground.ledger.note("era_1", tombstone(MAIJA_ID), ground.clock.now())

    async def read_all_the_time() -> bool:
        return False

    with pytest.raises(StoreUnavailableError, match=re.escape(LOG_IS_READ)):
        await replace(ground, empty_log=read_all_the_time).replay()
    assert await ground.replay() == 1
    assert await ground.records.get(Account, MAIJA_ID) is None


async def test_whoever_came_back_and_of_whom_a_hold_cannot_be_copied_opens_no_port_either(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    ground.ledger.note("era_1", tombstone(MAIJA_ID), ground.clock.now())

    async def cannot_be_copied(_: str) -> tuple[str, ...]:
        raise UncopiedError("hld_1")

    async def no_entry(_: str) -> None: ...

    eraser = ground.eraser(preserve=cannot_be_copied)
    with pytest.raises(UncopiedError, match="hld_1"):
        await replay_erasures(ground.records, eraser, ground.ledger, ground.clock, erase_entry=no_entry)
    assert await ground.replay() == 1


async def test_a_receipt_that_a_restored_backup_lacked_says_the_day_of_the_erasure(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    erased_at = ground.clock.now()
    ground.ledger.note("era_1", tombstone(MAIJA_ID), erased_at)
    await ground.clock.advance(DAY_S)
    await ground.replay()
    assert [(each.id, each.done_at) for each in await ground.erasures()] == [("era_1", erased_at)]


async def test_of_archives_in_a_restored_backup_only_those_begun_of_who_asked_to_be_erased_are_given_up(
    tmp_path: Path,
) -> None:
    ground = in_memory(tmp_path)
    now = ground.clock.now()
    theirs = Archive(id="arc_0", account_id="acc_other", begun_at=now, ended_at=now, destroy_at=now)
    begun = replace(theirs, id="arc_1", account_id=MAIJA_ID)
    sealed = replace(begun, id="arc_2", state=ArchiveState.SEALED)
    await ground.records.add_all([theirs, begun, sealed])
    ground.ledger.note("era_1", tombstone(MAIJA_ID), now, own_wish=True)
    await ground.replay()
    named = [each.account_id for each in await ground.records.find(Archive, order_by="id")]
    assert named == ["acc_other", "", MAIJA_ID]


async def test_a_restored_backup_costs_nobody_anything_whom_the_ledger_does_not_name(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    now = ground.clock.now()
    pekka = Account(id="acc_pekka", email=PEKKA, created_at=now)
    his_contact = Contact(id="con_pekka", account_id=pekka.id, name="Pekka", created_at=now)
    await ground.records.add_all([pekka, his_contact])
    ground.ledger.note("era_1", tombstone(MAIJA_ID), now)
    assert await ground.replay() == 1
    assert [await ground.records.find(kind) for kind in (Account, Contact)] == [[pekka], [his_contact]]


async def test_a_ledger_that_cannot_be_read_opens_no_port(houses: Houses) -> None:
    _, ground = houses
    (ground.folder / "erasures.jsonl").write_text('{"erasure_id": "era_1"}\n')
    with pytest.raises(LedgerBrokenError, match="line 1"):
        await ground.replay()
    (ground.folder / "erasures.jsonl").unlink()
    (ground.folder / "erasures.jsonl").mkdir()
    with pytest.raises(LedgerBrokenError, match=r"cannot be read: .*erasures\.jsonl: Is a directory"):
        await ground.replay()


async def test_a_line_that_a_crash_left_half_written_is_written_whole(houses: Houses) -> None:
    _, ground = houses
    ground.ledger.note("era_1", "t1", ground.clock.now())
    with (ground.folder / "erasures.jsonl").open("a") as file:
        file.write('{"erasure_id": "er')
    assert [each.erasure_id for each in ground.ledger.lines()] == ["era_1"]
    for _ in range(2):
        ground.ledger.note("era_2", "t2", ground.clock.now())
    assert [each.erasure_id for each in ground.ledger.lines()] == ["era_1", "era_2"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_words_and_texts_fit_one_segment(language: str) -> None:
    day = ManualClock().now()
    for words in (asked(language, day=day, link="https://x/r", page="https://x/"), undone(language)):
        assert words.subject
        assert words.mail
        assert 0 < septets(words.text) <= SEGMENT_SEPTETS


def test_the_plan_is_not_empty_of_what_stays() -> None:
    kept = {each.collection for each in plan() if each.what == "kept"}
    assert {"buckets", "keyring", "erasure ledger", "backups", "erasures", "broker"} <= kept


@pytest.mark.clause("C7-06")
def test_the_plan_says_of_nothing_that_stays_that_it_goes() -> None:
    goes = {(each.collection, each.field) for each in plan() if each.what == "deleted"}
    stays = {(each.collection, each.field) for each in inventory() if each.on_erasure == OnErasure.KEEP}
    assert not goes & stays
    assert all(each.until for each in plan() if each.what == "kept")


def test_the_plan_says_as_many_days_as_our_broker_keeps_what_a_socket_has_not_fetched() -> None:
    (waits,) = [each for each in plan() if each.collection == "broker"]
    assert f"{BrokerConfig().session_expiry_days} days" in waits.until
