"""What people chose is put back before any port opens, when a backup from before it was restored."""

import asyncio
import errno
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from isocket.domain.accounts import Account
from isocket.domain.consents import Subscription, SubscriptionState, Suppression
from isocket.domain.contacts import Contact
from isocket.domain.erasures import Erasure, ErasureState, tombstone
from isocket.domain.pauses import STOP_REPLY
from isocket.domain.record import Record
from isocket.domain.restrictions import (
    OBJECTED,
    AlarmsMeanwhile,
    Objection,
    ObjectionTo,
    Restriction,
    objection_id,
    restriction_id,
)
from isocket.domain.stops import Stop, StopKind, stopped_address
from isocket.kit.ids import new_id
from isocket.storage.keyring import Keyring
from isocket.storage.notes import noted_moment
from isocket.storage.port import is_
from privacy.choice_ledger import Choice, ChoiceLedger, ChoicesBrokenError
from privacy.choices import ChoiceKeeper, replay_choices, replay_stops
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.erasing_house import MAIJA_ID, Ground, furnish, in_memory
from tests.fakes.patience import until
from tests.fakes.portal_devices import PHONE


def ledger(folder: Path) -> ChoiceLedger:
    return ChoiceLedger(folder / "choices.jsonl")


async def keep(ground: Ground) -> int:
    parts = {"records": ground.records, "ledger": ledger(ground.folder), "clock": ground.clock}
    return await ChoiceKeeper(**parts, keyring=ground.keyring).round()


class FullDisk(ChoiceLedger):
    """Has no room for another line, until it `has_room`."""

    tries, has_room = 0, False

    def note(self, choices: Sequence[Choice]) -> None:
        self.tries += 1
        if not self.has_room:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().note(choices)


def restriction(ground: Ground, **more: Any) -> Restriction:
    whose = {"id": restriction_id(MAIJA_ID), "account_id": MAIJA_ID}
    return Restriction(since=ground.clock.now(), alarms=AlarmsMeanwhile.STOP, **whose, **more)


def objection(ground: Ground, to: ObjectionTo = ObjectionTo.STATISTICS) -> Objection:
    return Objection(id=objection_id(MAIJA_ID, to), account_id=MAIJA_ID, to=to, at=ground.clock.now())


async def a_customer(folder: Path) -> Ground:
    ground = in_memory(folder)
    await furnish(ground)
    return ground


async def all_of(ground: Ground) -> list[Record]:
    found: list[Record] = []
    for kind in (Restriction, Objection, Suppression):
        found += await ground.records.find(kind)
    return found


@pytest.mark.clause("C7-14")
@pytest.mark.clause("C7-18")
@pytest.mark.clause("C1-22")
async def test_what_was_chosen_after_the_backup_holds_after_it_was_restored(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    left = Suppression(id="sup_1", left_at=ground.clock.now())
    await ground.records.add_all([restriction(ground), objection(ground), left])
    assert await keep(ground) == 3
    chosen = await all_of(ground)
    backup = await a_customer(tmp_path)  # of a moment before
    assert await replay_choices(backup.records, ledger(tmp_path)) == 3
    assert await all_of(backup) == chosen
    assert await replay_choices(backup.records, ledger(tmp_path)) == 0


@pytest.mark.clause("C7-14")
async def test_who_objected_to_the_newsletter_after_the_backup_is_no_reader_when_it_is_restored_and_others_are(
    tmp_path: Path,
) -> None:
    ground, backup = await a_customer(tmp_path), await a_customer(tmp_path)
    await ground.records.add(objection(ground, ObjectionTo.NEWSLETTER))
    await keep(ground)
    mine = Subscription(
        id="sub_1", reader_id=MAIJA_ID, account_id=MAIJA_ID, email="maija@example.org", language="en",
        state=SubscriptionState.CONFIRMED, created_at=backup.clock.now(),
    )  # fmt: skip
    other = replace(mine, id="sub_2", reader_id="acc_other", account_id="acc_other", email="other@example.org")
    await backup.records.add_all([mine, other])
    assert await replay_choices(backup.records, ledger(tmp_path)) == 1
    assert [each.id for each in await backup.records.find(Subscription)] == ["sub_2"]


async def test_an_older_restriction_in_the_backup_gives_way_to_the_later_one(tmp_path: Path) -> None:
    ground, backup = await a_customer(tmp_path), await a_customer(tmp_path)
    for each in (ground, backup):
        await each.records.add(restriction(each))
    other = Restriction(id="res_0", account_id="acc_other", since=backup.clock.now())
    await backup.records.add(other)
    lifts = ground.clock.now() + timedelta(days=7)
    since, alarms = ground.clock.now() + timedelta(days=1), AlarmsMeanwhile.CONTINUE
    later = {"since": since, "alarms": alarms, "lifts_at": lifts, "lifted_by": "person"}
    await ground.records.change_one(Restriction, is_("account_id", MAIJA_ID), **later)
    await keep(ground)
    assert await replay_choices(backup.records, ledger(tmp_path)) == 1
    (now,) = await backup.records.find(Restriction, is_("account_id", MAIJA_ID))
    assert (now.since, now.alarms, now.lifts_at, now.lifted_by) == (since, alarms, lifts, "person")
    assert await backup.records.get(Restriction, other.id) == other


async def test_what_the_store_knows_better_is_left_alone(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add(restriction(ground))
    await keep(ground)
    await ground.records.change_one(Restriction, is_("account_id", MAIJA_ID), alarms=AlarmsMeanwhile.CONTINUE)
    assert await replay_choices(ground.records, ledger(tmp_path)) == 0
    (now,) = await ground.records.find(Restriction)
    assert now.alarms is AlarmsMeanwhile.CONTINUE


async def test_what_was_taken_back_does_not_come_back(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add(objection(ground))
    await keep(ground)
    await ground.records.remove_all(Objection, is_("account_id", MAIJA_ID))
    assert await keep(ground) == 1
    assert await replay_choices(ground.records, ledger(tmp_path)) == 0
    assert await all_of(ground) == []


async def test_of_what_was_taken_back_the_file_keeps_no_line(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add_all([objection(ground), Suppression(id="sup_1", left_at=ground.clock.now())])
    await keep(ground)
    await ground.records.remove_all(Suppression, is_("id", "sup_1"))  # its reader asked for the newsletter again
    await keep(ground)
    assert "sup_1" not in (tmp_path / "choices.jsonl").read_text()
    assert [each.collection for each in ledger(tmp_path).folded().values()] == ["objections"]
    backup = await a_customer(tmp_path)
    assert await replay_choices(backup.records, ledger(tmp_path)) == 1


async def test_what_is_taken_back_while_nobody_copies_does_not_come_back_though_the_file_has_just_forgotten_something(
    tmp_path: Path,
) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add_all([objection(ground), Suppression(id="sup_1", left_at=ground.clock.now())])
    await keep(ground)
    await ground.records.remove_all(Suppression, is_("id", "sup_1"))
    await keep(ground)
    await ground.records.remove_all(Objection, is_("account_id", MAIJA_ID))
    assert await replay_choices(ground.records, ledger(tmp_path)) == 0
    assert await all_of(ground) == []


async def test_nobody_is_named_in_the_file_and_who_is_erased_leaves_no_choice_to_put_back(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add_all([restriction(ground), objection(ground)])
    await keep(ground)
    assert MAIJA_ID not in (tmp_path / "choices.jsonl").read_text()
    for kind in (Restriction, Objection, Account):
        await ground.records.remove_all(kind)
    await keep(ground)
    assert await replay_choices(ground.records, ledger(tmp_path)) == 0


async def test_a_choice_of_somebody_who_is_not_in_the_backup_yet_waits_in_the_file(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add(restriction(ground))
    await keep(ground)
    empty = in_memory(tmp_path)
    assert await replay_choices(empty.records, ledger(tmp_path)) == 0
    assert await all_of(empty) == []


async def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add(restriction(ground))
    assert [await keep(ground), await keep(ground)] == [1, 0]
    assert len((tmp_path / "choices.jsonl").read_text().splitlines()) == 1


async def test_half_a_line_never_was_written_and_a_broken_one_stops_the_start(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add(restriction(ground))
    await keep(ground)
    with (tmp_path / "choices.jsonl").open("a") as file:
        file.write('{"collection": "obj')
    assert len(ledger(tmp_path).folded()) == 1
    await ground.records.add(objection(ground))
    assert await keep(ground) == 1
    assert len(ledger(tmp_path).folded()) == 2
    lines = (tmp_path / "choices.jsonl").read_text().splitlines()
    (tmp_path / "choices.jsonl").write_text(json.dumps(["no choice"]) + "\n" + lines[0] + "\n")
    with pytest.raises(ChoicesBrokenError, match="line 1"):
        await replay_choices(ground.records, ledger(tmp_path))
    (tmp_path / "choices.jsonl").unlink()
    (tmp_path / "choices.jsonl").mkdir()
    with pytest.raises(ChoicesBrokenError, match=r"cannot be read: .*choices\.jsonl: Is a directory"):
        await replay_choices(ground.records, ledger(tmp_path))


async def test_of_what_was_taken_back_a_line_that_a_crash_left_puts_nothing_back(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    keys = {"erasures": "era_1", "contacts": tombstone("con_2"), "stops": "hash", "suppressions": "sup_1"}
    ledger(tmp_path).note([Choice(collection, key, None) for collection, key in keys.items()])
    assert await replay_stops(ground.records, ledger(tmp_path), ground.keyring) == 0
    assert await replay_choices(ground.records, ledger(tmp_path)) == 0
    assert await all_of(ground) == []


async def test_the_store_is_marked_again_before_its_mark_would_go(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add(objection(ground))
    await keep(ground)
    marked = []
    for hours in (11, 1):
        await ground.clock.advance(hours * 3_600)
        await keep(ground)
        marked.append(await noted_moment(ground.records, ledger(tmp_path).mark()) == ground.clock.now())
    assert marked == [False, True]


async def say_stop(ground: Ground, address: str, said: StopKind) -> None:
    stopped = Stop(id=new_id("stp"), address=stopped_address(address), stopped_at=ground.clock.now(), said=said)
    await ground.records.add(stopped)
    assert await keep(ground) == 1


async def restored(folder: Path, keyring: Keyring) -> Ground:
    """Return the store of a moment before with the same keyring."""
    backup = replace(in_memory(folder), keyring=keyring)
    await furnish(backup)
    return backup


@pytest.mark.clause("C7-10")
@pytest.mark.parametrize(
    ("said", "reason"),
    [(StopKind.STOP, "stop_reply"), (StopKind.OBJECTED, OBJECTED), (StopKind.ERASED, OBJECTED)],
)
async def test_who_said_stop_after_the_backup_is_not_told_again_when_it_is_restored(
    tmp_path: Path, said: StopKind, reason: str
) -> None:
    ground = await a_customer(tmp_path)
    await say_stop(ground, PHONE, said)
    assert PHONE not in (tmp_path / "choices.jsonl").read_text()
    backup = await restored(tmp_path, ground.keyring)
    await backup.records.change_one(Contact, is_("id", "con_2"), phone=PHONE)
    assert await replay_stops(backup.records, ledger(tmp_path), ground.keyring) == 1
    own = await backup.records.get(Contact, "con_2")
    assert own is not None
    assert (own.paused_at is not None) == (said is StopKind.STOP), "what others entered alone was objected to"
    contact = await backup.records.get(Contact, "con_1")
    assert contact is not None
    assert (contact.paused_at, contact.pause_reason) == (ground.clock.now(), reason)
    (stopped,) = await backup.records.find(Stop, is_("address", PHONE))
    assert (stopped.said, stopped.stopped_at) == (said, ground.clock.now())
    assert await replay_stops(backup.records, ledger(tmp_path), ground.keyring) == 0
    assert await replay_choices(backup.records, ledger(tmp_path)) == 0


@pytest.mark.clause("C7-10")
async def test_who_objected_to_alarms_of_their_own_sockets_after_the_backup_is_paused_again(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    at = ground.clock.now() + timedelta(days=1)
    await ground.records.change_one(Contact, is_("id", "con_2"), paused_at=at, pause_reason=OBJECTED)
    assert [await keep(ground), await keep(ground)] == [1, 0]
    backup = await a_customer(tmp_path)
    assert await replay_choices(backup.records, ledger(tmp_path)) == 1
    own, other = [await backup.records.get(Contact, each) for each in ("con_2", "con_1")]
    assert own is not None
    assert other is not None
    assert (own.paused_at, own.pause_reason, other.paused_at) == (at, OBJECTED, None)
    assert await replay_choices(backup.records, ledger(tmp_path)) == 0
    await ground.records.change_one(Contact, is_("id", "con_2"), paused_at=None, pause_reason=None)
    assert await keep(ground) == 1
    again = await a_customer(tmp_path)
    assert await replay_choices(again.records, ledger(tmp_path)) == 0


async def test_a_pause_for_another_reason_or_of_what_others_entered_is_no_objection_to_own_alarms(
    tmp_path: Path,
) -> None:
    ground = await a_customer(tmp_path)
    for entry, reason in (("con_2", STOP_REPLY), ("con_1", OBJECTED)):
        paused = {"paused_at": ground.clock.now(), "pause_reason": reason}
        await ground.records.change_one(Contact, is_("id", entry), **paused)
    assert await keep(ground) == 0


@pytest.mark.parametrize("said", [StopKind.OBJECTED, StopKind.ERASED])
async def test_who_objected_to_what_others_entered_is_told_of_their_own_sockets_as_before(
    tmp_path: Path, said: StopKind
) -> None:
    ground = await a_customer(tmp_path)
    await say_stop(ground, PHONE, said)
    backup = await restored(tmp_path, ground.keyring)
    await backup.records.change_one(Contact, is_("id", "con_2"), phone=PHONE)
    assert await replay_stops(backup.records, ledger(tmp_path), ground.keyring) == 1
    others, own = [await backup.records.get(Contact, each) for each in ("con_1", "con_2")]
    assert others is not None
    assert own is not None
    assert (others.pause_reason, own.is_owner, own.paused_at) == (OBJECTED, True, None)
    assert await backup.records.count(Stop, is_("address", PHONE), is_("said", said)) == 1


def wish(ground: Ground, **more: Any) -> Erasure:
    now = ground.clock.now()
    made: dict[str, Any] = {"asked_at": now, "due_at": now + timedelta(days=14), "open_key": MAIJA_ID, **more}
    return Erasure(id="era_1", account_id=MAIJA_ID, **made)


@pytest.mark.clause("C7-06")
@pytest.mark.parametrize("has_begun", [False, True])
async def test_who_asked_to_be_erased_after_the_backup_is_erased_on_their_day_when_it_is_restored(
    tmp_path: Path, has_begun: bool
) -> None:
    ground = await a_customer(tmp_path)
    asked = wish(ground, farewell_ids=("dlv_1",))
    await ground.records.add(asked)
    if has_begun:
        await ground.records.change_one(Erasure, is_("id", asked.id), state=ErasureState.RUNNING)
    assert [await keep(ground), await keep(ground)] == [1, 0]
    assert MAIJA_ID not in (tmp_path / "choices.jsonl").read_text()
    backup = await a_customer(tmp_path)
    assert await replay_choices(backup.records, ledger(tmp_path)) == 1
    assert await replay_choices(backup.records, ledger(tmp_path)) == 0
    assert await backup.records.find(Erasure) == [replace(asked, farewell_ids=())]
    await backup.clock.advance(timedelta(days=14).total_seconds() - 1)
    assert await backup.eraser().round() == 0
    await backup.clock.advance(1)
    assert await backup.eraser().round() == 1
    assert await backup.records.find(Account) == []


@pytest.mark.clause("C5-05")
async def test_who_took_their_erasure_back_after_the_backup_is_not_erased_when_it_is_restored(tmp_path: Path) -> None:
    ground, backup = await a_customer(tmp_path), await a_customer(tmp_path)
    for each in (ground, backup):
        await each.records.add(wish(each, farewell_ids=("dlv_1",)))
    other = replace(wish(backup), id="era_0", account_id="acc_other", open_key="acc_other", by="operator")
    await backup.records.add(other)
    await keep(ground)
    await ground.records.change_one(Erasure, is_("id", "era_1"), state=ErasureState.UNDONE, open_key=None)
    assert await keep(ground) == 1
    assert await replay_choices(backup.records, ledger(tmp_path)) == 1
    assert await replay_choices(backup.records, ledger(tmp_path)) == 0
    waiting, undone = await backup.records.find(Erasure, order_by="id")
    assert waiting == other, "nobody else's wish is taken back"
    assert (undone.state, undone.open_key, undone.farewell_ids) == (ErasureState.UNDONE, None, ())
    await backup.records.remove_all(Erasure, is_("id", other.id))
    await backup.clock.advance(timedelta(days=15).total_seconds())
    assert await backup.eraser().round() == 0
    assert await backup.records.get(Account, MAIJA_ID) is not None


@pytest.mark.parametrize("by", ["archive", "restore"])
async def test_no_erasure_that_was_not_their_own_wish_is_asked_for_again(tmp_path: Path, by: str) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add(wish(ground, by=by, state=ErasureState.RUNNING))
    assert await keep(ground) == 0


async def test_a_wish_that_was_carried_out_is_not_noted_as_one(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add(wish(ground, state=ErasureState.DONE))
    assert await keep(ground) == 0


async def test_an_objection_after_the_backup_outweighs_the_stop_in_it_and_who_came_back_is_left_alone(
    tmp_path: Path,
) -> None:
    ground = await a_customer(tmp_path)
    await say_stop(ground, PHONE, StopKind.OBJECTED)
    backup = await restored(tmp_path, ground.keyring)
    before = ground.clock.now() - timedelta(days=9)
    await backup.records.change_one(Contact, is_("id", "con_1"), paused_at=before, pause_reason=STOP_REPLY)
    other = Stop(id="stp_other", address="+447700900999", stopped_at=before)
    await backup.records.add_all([Stop(id="stp_old", address=PHONE, stopped_at=before), other])
    assert await replay_stops(backup.records, ledger(tmp_path), ground.keyring) == 1
    (stopped,) = await backup.records.find(Stop, is_("address", PHONE))
    assert (stopped.id, stopped.said) == ("stp_old", StopKind.OBJECTED)
    assert await backup.records.get(Stop, other.id) == other
    entry = await backup.records.get(Contact, "con_1")
    assert entry is not None
    assert (entry.paused_at, entry.pause_reason) == (before, OBJECTED)
    await ground.records.remove_all(Stop)
    assert await keep(ground) == 1
    again = await restored(tmp_path, ground.keyring)
    assert await replay_stops(again.records, ledger(tmp_path), ground.keyring) == 0
    contact = await again.records.get(Contact, "con_1")
    assert contact is not None
    assert contact.paused_at is None


async def test_who_came_back_right_before_the_process_died_is_not_paused_again_when_nothing_was_restored(
    tmp_path: Path,
) -> None:
    ground = await a_customer(tmp_path)
    objected = {"paused_at": ground.clock.now(), "pause_reason": OBJECTED}
    await ground.records.change_one(Contact, is_("id", "con_2"), **objected)
    await ground.records.add_all([restriction(ground), objection(ground)])
    assert await keep(ground) == 3
    await say_stop(ground, PHONE, StopKind.STOP)
    await ground.clock.advance(86_400)
    assert await keep(ground) == 0
    for kind in (Stop, Restriction, Objection):
        await ground.records.remove_all(kind)
    await ground.records.change_one(Contact, is_("id", "con_2"), paused_at=None, pause_reason=None)
    assert await replay_stops(ground.records, ledger(tmp_path), ground.keyring) == 0
    assert await replay_choices(ground.records, ledger(tmp_path)) == 0
    assert [each.paused_at for each in await ground.records.find(Contact)] == [None, None]
    assert await keep(ground) == 4
    backup = await restored(tmp_path, ground.keyring)
    assert await replay_choices(backup.records, ledger(tmp_path)) == 0


async def test_that_a_backup_knew_what_was_chosen_before_it_undoes_nothing_of_what_came_after(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    backup = await restored(tmp_path, ground.keyring)
    for each in (ground, backup):
        await each.records.add(objection(each))
    assert [await keep(ground), await keep(backup)] == [1, 0]
    await say_stop(ground, PHONE, StopKind.STOP)
    await ground.records.add(restriction(ground))
    assert await keep(ground) == 1
    assert await replay_stops(backup.records, ledger(tmp_path), ground.keyring) == 1
    assert await replay_choices(backup.records, ledger(tmp_path)) == 1


async def test_a_disk_that_is_full_ends_nothing_and_what_was_chosen_is_copied_once_there_is_room(
    tmp_path: Path,
) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add(objection(ground))
    full, stop = FullDisk(tmp_path / "choices.jsonl"), asyncio.Event()
    keeper = ChoiceKeeper(records=ground.records, ledger=full, clock=ground.clock, keyring=ground.keyring)
    running = asyncio.create_task(keeper.run(stop))
    await until(lambda: full.tries == 1)
    full.has_room = True
    stop.set()
    await running
    assert [each.collection for each in ledger(tmp_path).folded().values()] == ["objections"]


async def test_a_look_at_which_nothing_has_changed_does_not_read_the_ledger_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground, reads, read_bytes = await a_customer(tmp_path), list[Path](), Path.read_bytes

    def counted(path: Path) -> bytes:
        reads.append(path)
        return read_bytes(path)

    keeper = ChoiceKeeper(records=ground.records, ledger=ledger(tmp_path), clock=ground.clock, keyring=ground.keyring)
    await ground.records.add(objection(ground))
    await keeper.round()
    monkeypatch.setattr(Path, "read_bytes", counted)
    assert (await keeper.round(), reads) == (0, [])
    ledger(tmp_path).note([Choice("objections", "of another process", None)])
    await keeper.round()
    assert reads == [tmp_path / "choices.jsonl"], "what another process noted is seen"


async def test_whoever_dies_while_putting_back_a_stop_goes_on(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await say_stop(ground, PHONE, StopKind.STOP)

    async def build() -> Ground:
        return await restored(tmp_path, ground.keyring)

    async def run(backup: Ground, fuse: Fuse) -> None:
        await replay_stops(DyingRecords(backup.records, fuse), ledger(tmp_path), ground.keyring)

    async def check(backup: Ground) -> None:
        contact = await backup.records.get(Contact, "con_1")
        assert contact is not None
        assert contact.pause_reason == "stop_reply"
        assert await backup.records.count(Stop) == 1

    assert await every_crash_point(build, run, check) > 2


async def test_whoever_dies_while_putting_back_another_goes_on(tmp_path: Path) -> None:
    ground = await a_customer(tmp_path)
    await ground.records.add_all([restriction(ground), objection(ground), objection(ground, ObjectionTo.NEWSLETTER)])
    await keep(ground)
    chosen = await all_of(ground)

    async def build() -> Ground:
        return await a_customer(tmp_path)

    async def run(backup: Ground, fuse: Fuse) -> None:
        await replay_choices(DyingRecords(backup.records, fuse), ledger(tmp_path))

    async def check(backup: Ground) -> None:
        assert await all_of(backup) == chosen

    assert await every_crash_point(build, run, check) > 6
