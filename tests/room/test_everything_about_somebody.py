"""A record of every stored class about one person: sealed on disk, and gone without a byte when they are erased.

What is stored is made from the annotations of all classes, so that a new class is asked the same.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from isocket.domain import STORED
from isocket.domain.devices import Device
from isocket.domain.erasures import Erasure, ErasureState
from isocket.domain.exports import DataExport, ExportState
from isocket.domain.problems import Problem
from isocket.domain.record import Record
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.watches import Watch
from isocket.kit.clock import to_ms
from isocket.storage.codec import from_document, to_document
from isocket.storage.port import is_
from privacy.erasing import AFTERLOOK_S
from privacy.scan import scan
from tests.fakes.canaries import (
    OPEN_MARK,
    PERSON,
    SEALED_MARK,
    Canaries,
    canaries_of,
    everything_of_maija,
    tells_about_people,
)
from tests.fakes.clock import ManualClock
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.erasing_house import MAIJA_ID, Ground, back_up, ground_on_disk, in_memory
from tests.fakes.portal_devices import SOCKET
from tests.room.test_exporting import copied

NEIGHBOUR = "acc_neighbour"
GO_WITH_THE_SOCKET = (Watch, Problem)


async def furnished(ground: Ground) -> list[Canaries]:
    """Store everything about Maija, and a report of her socket."""
    everything = everything_of_maija(ground.clock.now())
    await ground.records.add_all([each.record for each in everything])
    at_ms, body = to_ms(ground.clock.now()), {"boot": 1, "seq": 1, "credit": f"{OPEN_MARK} 12.40 EUR"}
    said = Report(SOCKET, ReportKind.STATE, 1, 1, at_ms, at_ms, ClockQuality.DEVICE, json.dumps(body), body)
    await ground.telemetry.store([said])
    return everything


@pytest.mark.clause("C5-03")
@pytest.mark.clause("C7-06")
async def test_no_sealed_value_lies_in_clear_and_after_an_erasure_none_of_any_kind_is_left(tmp_path: Path) -> None:
    folder, backup = tmp_path / "var", tmp_path / "backup"
    folder.mkdir()
    async with ground_on_disk(folder, ManualClock()) as ground:
        everything = await furnished(ground)
        wish = DataExport(id="exp_1", account_id=MAIJA_ID, session_id="s", created_at=ground.clock.now())
        await ground.records.add(wish)
        await ground.exporter().round()
        made = await ground.records.get(DataExport, "exp_1")
        assert made is not None
        assert made.state is ExportState.READY
        back_up(folder, backup, "isocket.sqlite")
        assert scan([folder, backup], SEALED_MARK) == []
        assert scan([folder], OPEN_MARK), "what is searched for would be found"
        receipt = await ground.eraser().erase(MAIJA_ID, by="operator")
        assert receipt is not None
        assert (receipt.state, receipt.problem) == (ErasureState.DONE, "")
        assert scan([folder], SEALED_MARK, OPEN_MARK) == []
        await ground.clock.advance(AFTERLOOK_S + 1)
        await ground.eraser().round()
        assert scan([folder], SEALED_MARK, OPEN_MARK, MAIJA_ID) == []
        async with ground_on_disk(backup, ManualClock()) as old:
            restored = replace(old, records=old.with_keyring(ground.keyring))
            assert await values_that_open(restored, everything) == []


async def values_that_open(ground: Ground, everything: list[Canaries]) -> list[str]:
    """Return the sealed fields of which a store still says something."""
    found: list[str] = []
    for each in everything:
        stored = await ground.records.get(type(each.record), each.record.id)
        assert stored is not None, each.record.collection
        found += [f"{each.record.collection}.{name}" for name in each.sealed if getattr(stored, name)]
    return found


async def test_who_dies_at_any_verb_of_an_erasure_of_everything_leaves_it_to_another(tmp_path: Path) -> None:
    tries = 0

    async def build() -> Ground:
        nonlocal tries
        tries += 1
        folder = tmp_path / str(tries)
        folder.mkdir()
        ground, now = in_memory(folder), ManualClock().now()
        await furnished(ground)
        await ground.records.add(Erasure(id="era_1", account_id=MAIJA_ID, asked_at=now, due_at=now, open_key=MAIJA_ID))
        return ground

    async def run(ground: Ground, fuse: Fuse) -> None:
        dying = ground.eraser(DyingRecords(ground.records, fuse), DyingTelemetry(ground.telemetry, fuse))
        await dying.round()
        await ground.clock.advance(AFTERLOOK_S + 1)
        await dying.round()

    async def check(ground: Ground) -> None:
        for each in everything_of_maija(ground.clock.now()):
            kind = type(each.record)
            assert await left(ground, kind) == 0, kind.collection
        (receipt,) = await ground.erasures()
        assert (receipt.state, receipt.account_id, receipt.values) == (ErasureState.DONE, "", "")
        assert await ground.keyring.was_destroyed("con_1")
        assert await ground.telemetry.latest([SOCKET]) == {}

    # Most verbs remove what is left of one class, each as the one before: every sixth of them stands for all.
    assert await every_crash_point(build, run, check, worth=lambda nth: nth % 6 == 1) >= 16


@pytest.mark.clause("C7-06")
async def test_an_erasure_takes_nothing_of_anybody_else_and_no_wish_of_whoever_goes_stays(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnished(ground)
    now = ground.clock.now()
    kinds = [kind for kind in STORED if tells_about_people(kind) and kind is not Erasure]
    everybody = [canaries_of(kind, now).record for kind in kinds]
    theirs = {(each.collection, each.id): each for each in map(of_a_neighbour, everybody)}
    undone = Erasure(id="era_0", account_id=MAIJA_ID, asked_at=now, due_at=now, state=ErasureState.UNDONE)
    other = replace(undone, id="era_9", account_id=NEIGHBOUR)
    theirs[other.collection, other.id] = other
    await ground.records.add_all([undone, *theirs.values()])
    ground.shelf.write("exports_9", bytes(32)).close()
    assert await ground.eraser().erase(MAIJA_ID, by="operator")
    await ground.clock.advance(AFTERLOOK_S + 1)
    await ground.eraser().round()
    assert {key: await ground.records.get(type(each), each.id) for key, each in theirs.items()} == theirs
    assert await ground.records.get(Erasure, undone.id) is None
    assert ground.shelf.names() == {"exports_9"}


@pytest.mark.clause("C7-02")
async def test_a_copy_holds_nothing_of_anybody_else(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnished(ground)
    everybody = everything_of_maija(ground.clock.now())
    await ground.records.add_all([of_a_neighbour(each.record) for each in everybody])
    whole = b"\n".join((await copied(ground)).values())
    assert OPEN_MARK.encode() in whole
    assert [word for word in (NEIGHBOUR, "is_neighbour", "larkspur", "hollyhock") if word.encode() in whole] == []


def of_a_neighbour(record: Record) -> Record:
    """Return a record like one of hers about somebody else, at whose place no word is the same."""
    written = json.dumps(to_document(record), default=str)
    for hers, theirs in (
        (MAIJA_ID, NEIGHBOUR), (SOCKET, "is_neighbour"), (PERSON, "con_9"), (SEALED_MARK, "larkspur"),
        (OPEN_MARK, "hollyhock"), (f"{record.collection}_1", f"{record.collection}_9"),
    ):  # fmt: skip
        written = written.replace(hers, theirs)
    return from_document(type(record), json.loads(written))


async def left(ground: Ground, kind: type[Record]) -> int:
    """Return how many records of a class still tell about her or her socket."""
    if kind is Device:
        return await ground.records.count(Device, is_("owner_id", MAIJA_ID))
    if kind in GO_WITH_THE_SOCKET:
        return await ground.records.count(kind)
    return await ground.records.count(kind, is_(kind.account or "id", MAIJA_ID))
