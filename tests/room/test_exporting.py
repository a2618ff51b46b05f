"""A copy of everything about oneself, from the wish to the zip."""

import csv
import io
import json
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from isocket.domain import STORED
from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.desk import DeskMessage
from isocket.domain.devices import Device
from isocket.domain.disclosures import DisclosedTo, Disclosure
from isocket.domain.exports import EXPORT_LIFE, DataExport, ExportState
from isocket.domain.record import Record
from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from isocket.domain.request_notes import NoteKind, RequestNote
from isocket.domain.requests import Proof, RequestChannel, RequestState, Right, RightsRequest
from isocket.kit.clock import from_ms, to_ms
from isocket.kit.ids import new_token
from isocket.storage.port import is_
from isocket.storage.shelf import PIECE_BYTES, Shelf, ShelfBrokenError
from privacy import copy_tables
from privacy.exporting import LEASE_S, Copier, copied_classes, exported_fields
from privacy.scan import scan
from tests.fakes.canaries import HOLD_NO_TEXT, OF_OTHERS, everything_of_maija, tells_about_people
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.erasing_house import CONTROLLER, MAIJA_ID, Ground, erasing_house, furnish, ground_on_disk, in_memory
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, owned, report
from tests.fakes.portal_house import PASSWORD, PortalHouse

Houses = tuple[PortalHouse, Ground]
MINUTES = 50_000
EVERY_KIND = copied_classes()


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


async def ask(house: PortalHouse, token: str, password: str = PASSWORD, expect: int = 202) -> dict[str, Any]:
    answer = await house.ask("POST", "/privacy/exports", {"password": password}, token=token)
    assert answer.status == expect, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def silent(_: int) -> None:
    return None


async def copied(ground: Ground, account_id: str = MAIJA_ID) -> dict[str, bytes]:
    account = await ground.records.get(Account, account_id)
    assert account is not None
    written = io.BytesIO()
    copier = Copier(records=ground.records, telemetry=ground.telemetry, controller=CONTROLLER)
    await copier.copy(account, written, ground.clock.now(), silent)
    return opened(written.getvalue())


@pytest.mark.clause("C7-02")
async def test_the_copy_holds_each_value_of_every_field_exactly_once_and_no_secret(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    everything = everything_of_maija(ground.clock.now())
    await ground.records.add_all([each.record for each in everything])
    may = [value for each in everything for value in each.copied.values()]
    must_not = [value for each in everything for value in each.withheld.values()]
    assert len(may) > 90
    assert len(must_not) >= 12
    whole = b"\n".join((await copied(ground)).values())
    counts = {value: whole.count(f'"{value}"'.encode()) for value in may}
    assert {value: count for value, count in counts.items() if count != 1} == {}
    assert [value for value in must_not if value.encode() in whole] == []


@pytest.mark.clause("C7-02")
async def test_the_copy_holds_what_the_mailbox_asked_by_right_before_it_had_an_account(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    now = ground.clock.now()
    asked: dict[str, Any] = {
        "kind": Right.ACCESS, "channel": RequestChannel.FORM, "received_at": now, "due_at": now,
        "state": RequestState.IDENTIFIED, "identified_at": now,
    }  # fmt: skip
    note: dict[str, Any] = {"kind": NoteKind.ANSWER, "channel": RequestChannel.MAIL, "by": "acc_staff", "at": now}
    await ground.records.add_all(
        [
            RightsRequest(id="rrq_mine", email=MAIJA, words="What is there?", proof=Proof.LINK, **asked),
            RightsRequest(id="rrq_letter", email=MAIJA, words="A stranger's.", proof=Proof.DOCUMENT, **asked),
            RightsRequest(id="rrq_of_account", email=MAIJA, account_id=MAIJA_ID, proof=Proof.LINK, **asked),
            RequestNote(id="rqn_1", request_id="rrq_mine", words="The one at the cabin.", **note),
            RequestNote(id="rqn_2", request_id="rrq_letter", words="A stranger's.", **note),
        ]
    )
    inside = await copied(ground)
    items = {name: json.loads(inside[f"data/{name}.json"])["items"] for name in ("rights_requests", "request_notes")}
    assert [each["id"] for each in items["rights_requests"]] == ["rrq_of_account", "rrq_mine"]
    assert [each["words"] for each in items["request_notes"]] == ["The one at the cabin."]
    assert "<code>/people</code>" in inside["index.html"].decode()


def test_every_class_about_a_person_is_in_the_copy_or_is_none_of_a_customers() -> None:
    theirs = {kind for kind in STORED if tells_about_people(kind)} - {*copied_classes()}
    assert {kind.collection for kind in theirs} == OF_OTHERS.keys()
    promised = {kind.collection for kind in theirs if set(exported_fields(kind)) - {"id"}}
    assert promised == {"erasures"}, "what is said to be in the copy is in it; a wish to be erased says itself"
    without = {each.record.collection for each in everything_of_maija(NOON) if not each.values}
    assert without == HOLD_NO_TEXT


@pytest.mark.clause("C7-09")
@pytest.mark.parametrize("kind", EVERY_KIND, ids=lambda kind: kind.collection)
async def test_each_file_is_as_its_schema_says(kind: type[Record], tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    inside = await copied(ground)
    data, schema = (json.loads(inside[f"{name}"]) for name in (
        f"data/{kind.collection}.json", f"schema/{kind.collection}.schema.json",
    ))  # fmt: skip
    item = schema["properties"]["items"]["items"]
    assert set(schema["required"]) == set(data)
    for each in data["items"]:
        assert list(each) == item["required"]
        for name, value in each.items():
            assert conforms(value, item["properties"][name]), (name, value, item["properties"][name])


def conforms(value: Any, schema: dict[str, Any]) -> bool:
    if "anyOf" in schema:
        return any(conforms(value, each) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
    if schema.get("type") == "null":
        return value is None
    return not schema or (schema["type"] in kinds and isinstance(value, kinds[schema["type"]]))


@pytest.mark.clause("C7-04")
async def test_nothing_of_another_customer_is_in_it(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    await owned(house, PEKKA, "is0000000002")
    await report(house, 1, temp_c=[3.25])
    await report(house, 1, "is0000000002", temp_c=[77.5])
    inside = await copied(ground, (await house.account(MAIJA)).id)
    whole = b"\n".join(inside.values())
    assert MAIJA.encode() in whole
    assert PEKKA.encode() not in whole
    assert b"77.5" not in whole
    assert b"3.25" in inside[f"telemetry/{SOCKET}.csv"]


@pytest.mark.clause("C7-12")
@pytest.mark.parametrize(
    ("kind", "to", "told"),
    [
        (DeliveryKind.ALARM, {"person_id": "con_1", "contact_id": "con_1"}, True),
        (DeliveryKind.NOTICE, {"person_id": MAIJA_ID}, True),
        (DeliveryKind.CODE, {"person_id": "con_1", "contact_id": "con_1"}, False),
        (DeliveryKind.RESET, {"person_id": MAIJA_ID}, False),
        (DeliveryKind.NOTICE, {"person_id": "shr_1"}, False),
    ],
)
async def test_a_code_or_link_that_only_its_reader_may_have_is_not_copied(
    tmp_path: Path, kind: DeliveryKind, to: dict[str, str], *, told: bool
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    (alarm,) = await ground.records.find(Delivery)
    words = {"text": "the words 123456", "html": "<p>the words", "subject_line": "the words"}
    await ground.records.add(replace(alarm, id="dlv_2", kind=kind, **{"contact_id": None, **to}, **words))
    content = (await copied(ground))["data/deliveries.json"].decode()
    assert ("the words" in content) is told
    assert "dlv_2" in content


@pytest.mark.clause("C7-12")
async def test_whoever_finds_a_copy_cannot_use_the_links_of_its_messages(tmp_path: Path) -> None:
    ground, token = in_memory(tmp_path), new_token()
    await furnish(ground)
    (alarm,) = await ground.records.find(Delivery)
    said = f"Not you? https://x.example.org/not-me?ticket=MAC.{token} or https://x.example.org/hooks/incident/{token}"
    button = f'<a href="https://x.example.org/undo?token={token}">'
    to = {"account_id": MAIJA_ID, "person_id": MAIJA_ID, "channel": ChannelKind.EMAIL, "address": MAIJA}
    await ground.records.add(replace(alarm, id="dlv_2", person_id="con_1", contact_id="con_1", text=said, html=button))
    await ground.records.add(DeskMessage(id="att_2", text=said, at=NOON, **to))
    inside = await copied(ground)
    assert "Not you?" in inside["data/deliveries.json"].decode()
    assert "Not you?" in inside["data/desk_messages.json"].decode()
    assert token not in b"".join(inside.values()).decode(errors="replace")


async def test_what_a_socket_reported_is_a_table_without_formulas(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    now_ms = to_ms(ground.clock.now())
    body = {"boot": 1, "seq": 2, "credit": "=1+1", "temp_c": [1.5, None]}
    said = Report(SOCKET, ReportKind.STATE, 1, 2, now_ms + 1, now_ms + 1, ClockQuality.DEVICE, json.dumps(body), body)
    await ground.telemetry.store([said])
    rows = list(csv.DictReader(io.StringIO((await copied(ground))[f"telemetry/{SOCKET}.csv"].decode())))
    assert [(row["seq"], row["mains"], row["temp_c"], row["credit"]) for row in rows] == [
        ("1", "false", "", ""), ("2", "", "[1.5,null]", "'=1+1"),
    ]  # fmt: skip


@pytest.mark.clause("C7-14")
async def test_it_is_made_in_the_background_and_fetched_by_who_typed_the_password(houses: Houses) -> None:
    house, ground = houses
    token = await owned(house)
    await ask(house, token, "wrong", expect=403)
    said = await ask(house, token)
    assert (said["state"], said["size"]) == ("waiting", None)
    assert (await ask(house, token))["id"] == said["id"], "one at a time"
    path = f"/privacy/exports/{said['id']}"
    assert (await house.ask("GET", f"{path}/download", token=token)).status == 409
    assert await ground.exporter().round() == 1
    ready = await (await house.ask("GET", path, token=token)).json()
    assert (ready["state"], ready["progress"]) == ("ready", 100)
    got = await house.ask("GET", f"{path}/download", token=token)
    content = await got.read()
    assert (got.status, len(content)) == (200, ready["size"])
    assert json.loads(opened(content)["data/accounts.json"])["items"][0]["email"] == MAIJA
    elsewhere = (await house.sign_in(MAIJA))["access_token"]
    assert (await house.ask("GET", f"{path}/download", token=elsewhere)).status == 403
    stranger = await house.customer(PEKKA)
    assert (await house.ask("GET", f"{path}/download", token=stranger)).status == 404


async def test_it_expires_and_the_file_goes(houses: Houses) -> None:
    house, ground = houses
    token = (await house.sign_in(MAIJA))["access_token"] if await owned(house) else ""
    said = await ask(house, token)
    await ground.exporter().round()
    assert ground.shelf.names() == {said["id"]}
    (wish,) = await ground.records.find(DataExport)
    assert wish.ends_at == ground.clock.now() + EXPORT_LIFE
    await house.clock.advance(EXPORT_LIFE.total_seconds() + 1)
    await ground.exporter().round()
    assert ground.shelf.names() == set()
    (over,) = await ground.records.find(DataExport)
    assert over.state is ExportState.EXPIRED


async def test_a_copy_that_cannot_be_taken_away_and_what_others_put_there_keep_no_other_from_going(
    tmp_path: Path,
) -> None:
    async with ground_on_disk(tmp_path, ManualClock()) as ground:
        await furnish(ground)
        about, now = {"account_id": MAIJA_ID, "session_id": "s"}, ground.clock.now()
        await ground.records.add_all([DataExport(id=f"exp_{each}", created_at=now, **about) for each in (1, 2)])
        await ground.exporter().round()
        folder = tmp_path / "exports"
        (folder / "exp_1.sealed").unlink()
        (folder / "exp_1.sealed" / "no file").mkdir(parents=True)  # what cannot be taken away
        (folder / "lost+found").mkdir()
        (folder / ".hidden").write_text("of somebody else")
        (folder / "exp_nobodys.sealed").write_text("of a store that was restored since")
        await ground.clock.advance(EXPORT_LIFE.total_seconds() + 1)
        exporter = ground.exporter()
        with capture_logs() as lines:
            for _ in range(2):
                await exporter.round()
        said = [(each["event"], each["export_id"]) for each in lines if each["log_level"] == "error"]
        assert said == [("export_not_removed", "exp_1")], "once, not each time"
        assert {each.name for each in folder.iterdir()} == {"exp_1.sealed", "lost+found", ".hidden"}
        states = {each.id: each.state for each in await ground.records.find(DataExport)}
        assert states == {"exp_1": ExportState.READY, "exp_2": ExportState.EXPIRED}


async def test_after_a_clock_was_set_back_another_copy_is_made_as_before(houses: Houses) -> None:
    house, ground = houses
    token = await house.customer(MAIJA)
    made = [(await ask(house, token))["id"]]
    await house.records.change_one(DataExport, is_("id", made[0]), created_at=house.clock.now() + timedelta(hours=1))
    for _ in range(2):  # what was asked for before stays the newest by its time
        await ground.exporter().round()
        made.append((await ask(house, token))["id"])
    assert len(set(made)) == 3


async def test_five_a_day_are_enough(houses: Houses) -> None:
    house, ground = houses
    token = await house.customer(MAIJA)
    for _ in range(5):
        await ask(house, token)
        await ground.exporter().round()
    await ask(house, token, expect=429)


async def test_each_copy_that_is_fetched_is_told_also_months_later_in_the_same_session(houses: Houses) -> None:
    house, ground = houses
    await house.register(MAIJA)
    session = await house.sign_in(MAIJA)
    for _ in range(2):
        token = session["access_token"]
        copy = (await ask(house, token))["id"]
        await ground.exporter().round()
        assert (await house.ask("GET", f"/privacy/exports/{copy}/download", token=token)).status == 200
        await house.clock.advance(31 * 86_400)
        await house.records.remove_all(DataExport, is_("id", copy))  # its month is over
        answer = await house.ask("POST", "/tokens/refresh", {"refresh_token": session["refresh_token"]})
        session = await answer.json()
    assert await house.records.count(Disclosure, is_("to", DisclosedTo.SELF)) == 2


@pytest.mark.clause("C5-03")
async def test_nothing_lies_on_disk_in_clear_and_nothing_is_left_after_an_erasure(tmp_path: Path) -> None:
    async with ground_on_disk(tmp_path, ManualClock()) as ground:
        await furnish(ground)
        wish = DataExport(id="exp_1", account_id=MAIJA_ID, session_id="s", created_at=ground.clock.now())
        await ground.records.add(wish)
        assert await ground.exporter().round() == 1
        key = await ground.keyring.key_for(MAIJA_ID)
        assert key is not None
        assert MAIJA.encode() in opened(b"".join(ground.shelf.read("exp_1", key)))["data/accounts.json"]
        assert scan([tmp_path], MAIJA, "Cabin of Maija") == []
        await ground.eraser().erase(MAIJA_ID, by="operator")
        assert ground.shelf.names() == set()


async def test_whoever_dies_while_copying_another_makes_it(tmp_path: Path) -> None:
    tries = 0

    async def build() -> Ground:
        nonlocal tries
        tries += 1
        ground = in_memory(tmp_path / str(tries))
        await furnish(ground)
        made = DataExport(id="exp_1", account_id=MAIJA_ID, session_id="s", created_at=ground.clock.now())
        await ground.records.add(made)
        return ground

    async def run(ground: Ground, fuse: Fuse) -> None:
        await ground.exporter(DyingRecords(ground.records, fuse)).round()

    async def check(ground: Ground) -> None:
        (wish,) = await ground.records.find(DataExport)
        if wish.state is not ExportState.READY:  # the lease of the dead one has to run out
            await ground.clock.advance(LEASE_S + 1)
            await ground.exporter().round()
            (wish,) = await ground.records.find(DataExport, is_("id", "exp_1"))
        assert wish.state is ExportState.READY
        key = await ground.keyring.key_for(MAIJA_ID)
        assert key is not None
        assert opened(b"".join(ground.shelf.read("exp_1", key)))

    # Most verbs write down how far it has come, one as the other: some of them stand for all.
    assert await every_crash_point(build, run, check, worth=lambda nth: nth < 4 or nth % 5 == 0 or nth > 24) > 20


async def test_memory_stays_small_however_long_the_history_is(tmp_path: Path) -> None:
    async with ground_on_disk(tmp_path, ManualClock()) as ground:
        await furnish(ground)
        start = to_ms(ground.clock.now() - timedelta(days=40))
        await ground.records.change_one(Device, is_("id", SOCKET), claimed_at=ground.clock.now() - timedelta(days=50))
        for first in range(0, MINUTES, 5_000):
            await ground.telemetry.store([minute(start, first + number) for number in range(5_000)])
        tracemalloc.start()
        shelved = ground.shelf.write("exp_9", bytes(32))
        account = await ground.records.get(Account, MAIJA_ID)
        assert account is not None
        copier = Copier(records=ground.records, telemetry=ground.telemetry, controller=CONTROLLER)
        await copier.copy(account, shelved, ground.clock.now(), silent)
        shelved.close()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 20 * 1024 * 1024
    table = opened(b"".join(Shelf(tmp_path / "exports").read("exp_9", bytes(32))))[f"telemetry/{SOCKET}.csv"]
    assert table.count(b"\n") == MINUTES + 2


async def test_lines_are_in_order_however_many_fall_into_the_days_that_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_tables, "PAGE", 3)
    async with ground_on_disk(tmp_path, ManualClock()) as ground:
        await furnish(ground)
        start = to_ms(ground.clock.now() - 4 * copy_tables.DAYS)
        await ground.records.change_one(Device, is_("id", SOCKET), claimed_at=from_ms(start))
        days = round(copy_tables.DAYS.total_seconds() / 60)
        minutes = [*range(10), days - 1, days, days + 1, 3 * days, 3 * days + 1]
        await ground.telemetry.store([minute(start, each) for each in reversed(minutes)])
        rows = csv.DictReader(io.StringIO((await copied(ground))[f"telemetry/{SOCKET}.csv"].decode()))
        said = [int(each["seq"]) - 10 for each in rows if each["temp_c"] == "[20.5,3.0]"]
    assert said == minutes


@pytest.mark.clause("C7-02")
async def test_quarters_of_an_hour_stand_in_for_reports_that_were_pruned(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    now = ground.clock.now()
    await ground.records.change_one(Device, is_("id", SOCKET), claimed_at=now - timedelta(days=90))
    for days, warmth in ((60, 20.0), (60, 22.0), (59, 5.0), (1, 7.0)):
        at_ms = to_ms(now - timedelta(days=days)) + round(warmth)
        body = {"boot": 1, "seq": at_ms, "temp_c": [warmth], "mains": True}
        said = Report(SOCKET, ReportKind.STATE, 1, at_ms, at_ms, at_ms, ClockQuality.DEVICE, json.dumps(body), body)
        await ground.telemetry.store([said])
    waiting = await ground.telemetry.claim_waiting(owner="test", now=now, lease_s=60)
    assert waiting is not None
    await ground.telemetry.settle(waiting, envelope=Envelope(anything=True), wake_at=None, silent_after_s=None)
    await ground.telemetry.roll_up()
    assert f"telemetry/{SOCKET}.quarters.csv" not in await copied(ground), "everything is there"
    assert await ground.telemetry.prune(now - timedelta(days=30)) == 3
    inside = await copied(ground)
    rows = list(csv.DictReader(io.StringIO(inside[f"telemetry/{SOCKET}.quarters.csv"].decode())))
    assert [(row["field"], row["mean_or_last"], row["least"], row["greatest"]) for row in rows] == [
        ("temp_c.0", "21.0", "20.0", "22.0"), ("mains", "true", "", ""),
        ("temp_c.0", "5.0", "5.0", "5.0"), ("mains", "true", "", ""),
    ]  # fmt: skip
    single = list(csv.DictReader(io.StringIO(inside[f"telemetry/{SOCKET}.csv"].decode())))
    assert [row["temp_c"] for row in single] == ["[7.0]", ""]
    assert f"telemetry/{SOCKET}.quarters.csv<td>4" in inside["index.html"].decode()


def minute(start_ms: int, number: int) -> Report:
    at = start_ms + number * 60_000
    body = {"boot": 1, "seq": number + 10, "mains": True, "temp_c": [20.5, 3.0], "battery_pct": 96}
    return Report(SOCKET, ReportKind.STATE, 1, number + 10, at, at, ClockQuality.DEVICE, json.dumps(body), body)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_a_sealed_file_opens_whole_or_not_at_all(tmp_path: Path, size: int) -> None:
    shelf, key, content = Shelf(tmp_path), bytes(range(32)), bytes(number % 251 for number in range(size))
    file = shelf.write("exp_1", key)
    file.write(content)
    file.close()
    assert b"".join(shelf.read("exp_1", key)) == content
    path = tmp_path / "exp_1.sealed"
    whole = path.read_bytes()
    for spoilt in (whole[:-1], whole[:-30], whole[:40] + bytes([whole[40] ^ 1]) + whole[41:] if size > 30 else b""):
        path.write_bytes(spoilt)
        with pytest.raises(ShelfBrokenError):
            list(shelf.read("exp_1", key))
    path.write_bytes(whole)
    with pytest.raises(ShelfBrokenError):
        list(shelf.read("exp_1", bytes(32)))
    path.rename(tmp_path / "exp_2.sealed")
    with pytest.raises(ShelfBrokenError):
        list(shelf.read("exp_2", key))


@pytest.mark.parametrize("left", ["an account without a key", "a key without an account"])
async def test_a_wish_of_whoever_is_being_erased_is_dropped_and_leaves_no_file(tmp_path: Path, left: str) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    wish = DataExport(id="exp_1", account_id=MAIJA_ID, session_id="s", created_at=ground.clock.now())
    other = replace(wish, id="exp_0", account_id="acc_other", state=ExportState.READY)
    await ground.records.add_all([wish, other])
    if left == "a key without an account":
        await ground.records.remove_all(Account, is_("id", MAIJA_ID))
    else:
        await ground.keyring.destroy(MAIJA_ID)
    assert await ground.exporter().round() == 0
    assert (await ground.records.find(DataExport), ground.shelf.names()) == ([other], set())


async def test_a_copy_that_one_makes_is_made_by_no_other_until_that_one_is_silent_for_ten_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    now, seen = ground.clock.now(), list[DataExport]()
    wish = DataExport(id="exp_1", account_id=MAIJA_ID, session_id="s", created_at=now)
    other = replace(wish, id="exp_0", account_id="acc_other", state=ExportState.READY)
    await ground.records.add_all([wish, other])

    async def copy(_: Copier, account: Account, sink: Any, at: Any, progress: Any) -> None:
        assert await ground.exporter()._claim() is None
        for percent in (0, 40):
            await ground.clock.advance(300)
            await progress(percent)
            seen.extend(await ground.records.find(DataExport, is_("id", wish.id)))
            assert await ground.exporter()._claim() is None

    monkeypatch.setattr(Copier, "copy", copy)
    assert await ground.exporter().round() == 1
    leases = [now + timedelta(seconds=start + LEASE_S) for start in (300, 600)]
    assert [(each.state, each.progress, each.lease_until) for each in seen] == [
        (ExportState.WORKING, 0, leases[0]), (ExportState.WORKING, 40, leases[1]),
    ]  # fmt: skip
    made = await ground.records.get(DataExport, wish.id)
    assert made is not None
    assert (made.state, made.ready_at) == (ExportState.READY, ground.clock.now())
    assert await ground.records.get(DataExport, other.id) == other


async def test_the_first_page_of_a_copy_says_how_much_of_each_kind_is_in_it(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    copy = await copied(ground)
    for kind in ("accounts", "contacts"):
        said = f"<tr><td>{kind}<td>{len(json.loads(copy[f'data/{kind}.json'])['items'])}"
        assert said in copy["index.html"].decode()
