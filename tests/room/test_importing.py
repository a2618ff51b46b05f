"""What somebody brings along from another installation: copied there, taken over here."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isocket.app.taking_over import CHECKS
from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.deliveries import Delivery
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident
from isocket.domain.reports import ClockQuality, Report, ReportKind, in_count
from isocket.domain.stops import Stop, StopKind
from isocket.kit.clock import EPOCH, to_ms
from isocket.kit.ids import derived_id
from isocket.storage.port import Records, is_
from isocket.storage.telemetry import Telemetry
from portal_api.device_settings import merged, to_store
from portal_api.settings_models import SettingsChange, names_in
from privacy.importing import BEFORE_ALL, Importer, NotACopyError, Outcome
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.erasing_house import MAIJA_ID, Ground, furnish, in_memory
from tests.fakes.portal_devices import MAIJA, PHONE, SOCKET
from tests.room.test_exporting import copied

NEW_ID, OTHER_SOCKET = "acc_here", "is0000000777"
SETTINGS = {
    "mains_delay_s": 5,
    "temp": [{"name": "Wine cellar", "low_c": 5, "high_c": 30}],
    "schedule": [{"at": "07:00", "days": "mon,tue", "name": "on", "args": {}}],
    "thermostat": {"enabled": True, "mode": "heat", "on_c": 4, "off_c": 7},
}


def importer(ground: Ground, records: Records | None = None, telemetry: Telemetry | None = None) -> Importer:
    return Importer(
        records=records or ground.records,
        telemetry=telemetry or ground.telemetry,
        keyring=ground.keyring,
        clock=ground.clock,
        checks=CHECKS,
    )


async def there(folder: Path) -> dict[str, bytes]:
    """Return the copy of a customer of another installation."""
    ground = in_memory(folder / "there")
    await furnish(ground)
    device = await ground.records.get(Device, SOCKET)
    assert device is not None
    after, touched = merged(device, SettingsChange.model_validate(SETTINGS), "Europe/Helsinki")
    await ground.records.change_one(
        Device, is_("id", SOCKET), desired=to_store(after, touched), part_names=names_in(after), desired_version=3
    )
    step = {"contact_ids": ["con_1", "con_2", "con_gone"], "channels": ["sms"], "after_s": 30}
    ladders = {"": MAIJA_ID, SOCKET: MAIJA_ID}
    await ground.records.add_all(
        [
            Escalation(id=f"esc_{name}", account_id=owner, device_id=name or None, steps=(step,), repeat=2)
            for name, owner in ladders.items()
        ]
    )
    at_ms = to_ms(ground.clock.now())
    said = {"temp_c": [2.5, None], "credit": "=12 EUR", "relay_cause": "schedule", "mains": True}
    body = json.dumps({"boot": 1, "seq": 2, **said})
    alarm = {"cause": "mains_lost", "active": True}
    await ground.telemetry.store(
        [
            Report(SOCKET, ReportKind.STATE, 1, 2, at_ms, at_ms, ClockQuality.SERVER, body, said),
            Report(SOCKET, ReportKind.ALARM, 1, 3, at_ms, at_ms, ClockQuality.DEVICE, json.dumps(alarm), alarm),
        ]
    )
    return await copied(ground)


async def here(folder: Path, socket: str = SOCKET) -> Ground:
    """Return an installation in which Maija has opened an account and claimed a socket."""
    ground = in_memory(folder / "here")
    now = ground.clock.now()
    owner = Contact(id="con_me", account_id=NEW_ID, name=MAIJA, email=MAIJA, is_owner=True, created_at=now)
    await ground.records.add_all(
        [
            Account(id=NEW_ID, email=MAIJA, created_at=now),
            replace(owner, email_verified_at=now),
            Device(
                id=socket, model="isocket-707", secret_hash="$", claim_hash="h", provisioned_at=now,
                owner_id=NEW_ID, claimed_at=now,
            ),
        ]
    )  # fmt: skip
    await ground.clock.advance(60)
    return ground


def zipped(files: Mapping[str, bytes]) -> zipfile.ZipFile:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return zipfile.ZipFile(written)


async def taken(ground: Ground, copy: Mapping[str, bytes], **sockets: str) -> Outcome:
    account = await ground.records.get(Account, NEW_ID)
    assert account is not None
    return await importer(ground).take_over(zipped(copy), account, sockets)


async def reports(ground: Ground, device_id: str) -> list[Report]:
    return await ground.telemetry.reports(device_id, start=EPOCH, end=ground.clock.now())


@pytest.mark.clause("C7-09")
async def test_names_people_ladders_settings_and_history_come_along(tmp_path: Path) -> None:
    ground = await here(tmp_path)
    made = await taken(ground, await there(tmp_path))
    assert (made.taken, made.left_out) == (
        {"name": 1, "contacts": 1, "sockets": 1, "ladders": 2, "reports": 3}, [],
    )  # fmt: skip
    account, device = await ground.records.get(Account, NEW_ID), await ground.records.get(Device, SOCKET)
    assert account is not None
    assert device is not None
    assert (account.name, device.name, device.place) == ("Maija Meikalainen", "Cabin of Maija", "Behind the larder")
    assert device.part_names == json.dumps({"temp": ["Wine cellar"]})
    assert (device.desired["mains_delay_s"], device.desired["temp"][0]["low_c"]) == (5, 5.0)
    assert (device.desired["schedule"][0]["at"], device.desired["thermostat"]["on_c"]) == ("07:00", 4.0)
    assert (device.desired["time_zone"], device.desired_pending) == ("Europe/Helsinki", True)
    (neighbour,) = await ground.records.find(Contact, is_("is_owner", False))
    assert (neighbour.name, neighbour.phone, neighbour.verified_channels()) == ("Neighbour Niemi", PHONE, ())
    ladders = await ground.records.find(Escalation)
    assert ladders
    for ladder in ladders:
        assert ladder.steps[0]["contact_ids"] == [neighbour.id, "con_me"]
        assert (ladder.account_id, ladder.repeat) == (NEW_ID, 2)
    first, second, alarm = await reports(ground, SOCKET)
    assert (first.boot, first.seq, first.fields["mains"]) == (1, 1, False)
    assert (second.clock, second.fields["temp_c"], second.fields["credit"]) == ("server", [2.5, None], "=12 EUR")
    assert (alarm.kind, alarm.fields["cause"]) == (ReportKind.ALARM, "mains_lost")


async def test_nobody_is_told_and_nothing_is_judged_because_of_it(tmp_path: Path) -> None:
    ground = await here(tmp_path)
    await taken(ground, await there(tmp_path))
    assert await ground.records.find(Delivery) == []
    assert await ground.records.find(Incident) == []
    assert await ground.telemetry.reports_waiting() == 0
    assert await ground.telemetry.latest([SOCKET]) == {}


async def test_a_second_time_changes_nothing_and_what_is_set_here_stays(tmp_path: Path) -> None:
    ground, copy = await here(tmp_path), await there(tmp_path)
    await taken(ground, copy)
    await ground.records.change_one(Device, is_("id", SOCKET), name="Renamed")
    again = await taken(ground, copy)
    assert {name: many for name, many in again.taken.items() if many} == {}
    assert again.left_out == [f"settings of socket {SOCKET}: it is set here already"]
    device = await ground.records.get(Device, SOCKET)
    assert device is not None
    assert device.name == "Renamed"
    assert len(await reports(ground, SOCKET)) == 3


async def test_another_socket_takes_the_place_and_the_past_of_the_one_there(tmp_path: Path) -> None:
    ground = await here(tmp_path, OTHER_SOCKET)
    now_ms = to_ms(ground.clock.now()) - 1
    own = Report(OTHER_SOCKET, ReportKind.STATE, 1, 1, now_ms, now_ms, ClockQuality.DEVICE, "{}", {"mains": True})
    await ground.telemetry.store([own])
    copy = await there(tmp_path)
    unknown = await taken(ground, copy)
    assert unknown.left_out[0] == f"socket {SOCKET}: it is not this customer's here; claim it, then import again"
    made = await taken(ground, copy, **{SOCKET: OTHER_SOCKET})
    assert (made.taken["sockets"], made.taken["reports"]) == (1, 3)
    assert [each.boot for each in await reports(ground, OTHER_SOCKET)] == [*[1 - BEFORE_ALL] * 3, 1]
    assert (await ground.telemetry.latest([OTHER_SOCKET]))[OTHER_SOCKET].fields["mains"] is True


async def test_the_past_of_a_socket_that_counted_anew_comes_along_whole_here_and_to_another_socket(
    tmp_path: Path,
) -> None:
    copy = await there(tmp_path)
    name = f"telemetry/{SOCKET}.csv"
    copy[name] += copy[name].splitlines(keepends=True)[1].replace(b",1,1,", b",%d,1," % in_count(1, 1))
    own, other = await here(tmp_path), await here(tmp_path, OTHER_SOCKET)
    assert (await taken(own, copy)).taken["reports"] == 4
    assert max(each.boot for each in await reports(own, SOCKET)) == in_count(1, 1)
    assert (await taken(other, copy, **{SOCKET: OTHER_SOCKET})).taken["reports"] == 4
    assert all(each.boot < 0 for each in await reports(other, OTHER_SOCKET)), "before all that this one says"


@pytest.mark.clause("C7-06")
async def test_who_was_erased_here_is_not_created_again_by_a_copy(tmp_path: Path) -> None:
    copy = await there(tmp_path)
    ground = await here(tmp_path)
    await ground.keyring.key_for(MAIJA_ID, create=True)
    await ground.keyring.destroy(MAIJA_ID)
    with pytest.raises(NotACopyError, match="erased here"):
        await taken(ground, copy)
    assert await ground.records.count(Contact) == 1


@pytest.mark.clause("C7-06")
@pytest.mark.parametrize("how", ["erased recipient", "removed since", "word of a stop"])
async def test_people_who_are_not_to_be_here_any_more_are_left_out(tmp_path: Path, how: str) -> None:
    copy, ground = await there(tmp_path), await here(tmp_path)
    if how == "word of a stop":
        stop = Stop(id="stop_1", address=PHONE, stopped_at=ground.clock.now(), said=StopKind.ERASED)
        await ground.records.add(stop)
    else:
        gone = "con_1" if how == "erased recipient" else derived_id("con", NEW_ID, "con_1")
        await ground.keyring.key_for(gone, create=True)
        await ground.keyring.destroy(gone)
    made = await taken(ground, copy)
    assert [each.partition(":")[0] for each in made.left_out] == ["contact con_1"]
    assert await ground.records.count(Contact) == 1
    assert (await ground.records.find(Escalation))[0].steps[0]["contact_ids"] == ["con_me"]


SPOILT: dict[str, Any] = {
    "contacts": [
        {"id": "con_1", "name": "", "phone": PHONE},
        {"id": "con_2", "name": "N", "phone": "12"},
        {"id": "con_3", "name": "N", "email": "n@example.org", "roles": ["king"]},
        {"id": "con_4", "name": "N"},
        {"id": "con_5", "name": MAIJA, "is_owner": True},
    ],
    "devices": [
        {"id": SOCKET, "name": "x" * 500, "place": "one\nBcc: two", "desired": {"mains_delay_s": "soon"}},
    ],
    "escalations": [
        {"id": "esc_1", "steps": [{"contact_ids": ["con_9"], "after_s": 1}]},
        {"id": "esc_2", "steps": [{"contact_ids": ["con_5"], "channels": [], "after_s": 1}], "repeat": 99},
        {"id": "esc_3", "steps": ["con_2"]},
    ],
}


async def test_what_is_not_as_it_must_be_is_left_out_and_named(tmp_path: Path) -> None:
    copy, ground = await there(tmp_path), await here(tmp_path)
    for name, items in SPOILT.items():
        copy[f"data/{name}.json"] = json.dumps({"items": items}).encode()
    head, first, *_ = copy[f"telemetry/{SOCKET}.csv"].splitlines(keepends=True)
    wrong = [first.replace(b"false", b"7"), first.replace(b",1,1,", b",1,x,"), first.replace(b"2026", b"2999")]
    copy[f"telemetry/{SOCKET}.csv"] = b"".join([head, first, *wrong, b"\x22\r\n"])
    made = await taken(ground, copy)
    assert made.taken == {"name": 1, "reports": 1}
    faults = [each.split(":")[1].strip() for each in made.left_out]
    assert faults == [
        "name", "phone", "roles.0", "it", "it", "it", "mains_delay_s", "nobody is left on it", "repeat",
        "nobody is left on it", "4 lines that cannot be read",
    ]  # fmt: skip
    device = await ground.records.get(Device, SOCKET)
    assert device is not None
    assert (device.name, device.place, device.desired) == (None, None, {})


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"data/accounts.json": b"{"},
        {"data/accounts.json": b'{"items": []}'},
        {"data/accounts.json": b'{"items": [{"id": 7}]}'},
        {"data/accounts.json": b"[" * 100_000},
        {"data/accounts.json": b'{"items": [{"id": "acc_1"}]}'},
    ],
)
async def test_what_is_no_copy_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    ground = await here(tmp_path)
    with pytest.raises(NotACopyError, match="no copy"):
        await taken(ground, files)


async def test_no_more_people_come_than_an_account_may_have(tmp_path: Path) -> None:
    copy, ground = await there(tmp_path), await here(tmp_path)
    people = [{"id": f"con_{number}", "name": "N", "email": f"n{number}@example.org"} for number in range(5)]
    copy["data/contacts.json"] = json.dumps({"items": people}).encode()
    account = await ground.records.get(Account, NEW_ID)
    assert account is not None
    few = replace(importer(ground), checks=replace(CHECKS, most_contacts=4))
    for taken_now in (3, 0):
        made = await few.take_over(zipped(copy), account, {})
        assert made.taken["contacts"] == taken_now
        assert [each for each in made.left_out if "up to 4" in each] == [
            f"contact con_{number}: an account has up to 4" for number in (3, 4)
        ]


async def test_who_is_entered_here_already_is_not_entered_again_and_keeps_their_place_on_ladders(
    tmp_path: Path,
) -> None:
    copy, ground = await there(tmp_path), await here(tmp_path)
    await ground.records.add(
        Contact(id="con_known", account_id=NEW_ID, name="Niemi", phone=PHONE, created_at=ground.clock.now())
    )
    made = await taken(ground, copy)
    assert [each for each in made.left_out if "con_known" in each] == [
        "contact con_1: contact con_known here has this address already"
    ]
    assert await ground.records.count(Contact) == 2
    ladders = await ground.records.find(Escalation)
    assert ladders
    for ladder in ladders:
        assert ladder.steps[0]["contact_ids"] == ["con_known", "con_me"]


async def test_what_was_taken_over_as_the_past_is_in_the_next_copy(tmp_path: Path) -> None:
    copy, ground = await there(tmp_path), await here(tmp_path)
    await ground.records.change_one(Device, is_("id", SOCKET), claimed_at=ground.clock.now())
    await taken(ground, copy)
    again = await copied(ground, NEW_ID)
    assert len(again[f"telemetry/{SOCKET}.csv"].splitlines()) == 4
    before = await ground.records.get(Device, SOCKET)
    await taken(ground, copy)
    assert await ground.records.get(Device, SOCKET) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b",1,1,", b",-9999999999999999999999,1,"),
        (b"2026-", b"1926-"),
        (b",1,1,", b',1,1,"' + b"[" * 5_000 + b'",'),
    ],
)
async def test_a_line_that_no_store_could_hold_is_left_out(tmp_path: Path, before: bytes, after: bytes) -> None:
    copy, ground = await there(tmp_path), await here(tmp_path)
    head, first, *_ = copy[f"telemetry/{SOCKET}.csv"].splitlines(keepends=True)
    assert before in first
    copy[f"telemetry/{SOCKET}.csv"] = head + first + first.replace(before, after)
    made = await taken(ground, copy)
    assert made.taken["reports"] == 1
    assert made.left_out == [f"telemetry/{SOCKET}.csv: 1 lines that cannot be read"]


async def test_a_socket_that_is_changed_at_the_same_moment_is_named(tmp_path: Path) -> None:
    copy, ground = await there(tmp_path), await here(tmp_path)

    class Busy(DyingRecords):
        async def change_one(self, kind: Any, *tests: Any, **more: Any) -> Any:
            if kind is Device and "name" in more:
                await ground.records.change_one(Device, is_("id", SOCKET), provisioned_at=ground.clock.now())
            return await super().change_one(kind, *tests, **more)

    account = await ground.records.get(Account, NEW_ID)
    assert account is not None
    made = await importer(ground, records=Busy(ground.records, Fuse(None))).take_over(zipped(copy), account, {})
    assert made.left_out == [f"socket {SOCKET}: it was changed here at this moment; import again"]
    assert "sockets" not in made.taken


@pytest.mark.parametrize("tail", [b"x" * 100_000, b"\xff\xfe\r\n", b'"' + b"x" * 200_000 + b"\r\n"])
async def test_a_table_that_breaks_off_is_taken_over_up_to_there(tmp_path: Path, tail: bytes) -> None:
    copy, ground = await there(tmp_path), await here(tmp_path)
    copy[f"telemetry/{SOCKET}.csv"] += tail
    made = await taken(ground, copy)
    assert made.taken["reports"] == 3
    assert made.left_out == [f"telemetry/{SOCKET}.csv: it cannot be read from behind line 4"]


async def test_a_zip_that_is_damaged_is_refused(tmp_path: Path) -> None:
    copy, ground = await there(tmp_path), await here(tmp_path)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in copy.items():
            archive.writestr(name, content)
    damaged = written.getvalue().replace(b"Maija Meikalainen", b"Maija Meikalainem")
    account = await ground.records.get(Account, NEW_ID)
    assert account is not None
    with pytest.raises(NotACopyError, match="cannot be read"):
        await importer(ground).take_over(zipfile.ZipFile(io.BytesIO(damaged)), account, {})


async def test_who_dies_while_taking_over_another_finishes_it(tmp_path: Path) -> None:
    copy, tries = await there(tmp_path), 0

    async def build() -> Ground:
        nonlocal tries
        tries += 1
        return await here(tmp_path / str(tries))

    async def run(ground: Ground, fuse: Fuse) -> None:
        account = await ground.records.get(Account, NEW_ID)
        assert account is not None
        dying = importer(ground, DyingRecords(ground.records, fuse), DyingTelemetry(ground.telemetry, fuse))
        await dying.take_over(zipped(copy), account, {})

    async def check(ground: Ground) -> None:
        device = await ground.records.get(Device, SOCKET)
        assert device is not None
        assert (device.name, device.desired_version) == ("Cabin of Maija", 1)
        assert await ground.records.count(Contact) == 2
        assert await ground.records.count(Escalation) == 2
        assert len(await reports(ground, SOCKET)) == 3

    assert await every_crash_point(build, run, check) > 10


async def test_settings_of_what_a_socket_has_besides_what_its_model_is_sold_with_come_along(tmp_path: Path) -> None:
    ground, copy = await here(tmp_path), dict(await there(tmp_path))
    await ground.records.change_one(Device, is_("id", SOCKET), model="isocket-3g")
    said = json.loads(copy["data/devices.json"])
    said["items"][0]["desired"]["input"] = [{"kind": "nc"}]
    copy["data/devices.json"] = json.dumps(said).encode()
    made = await taken(ground, copy)
    device = await ground.records.get(Device, SOCKET)
    assert device is not None
    assert (made.left_out, device.desired["input"][0]["kind"]) == ([], "nc")
