"""Who closes their account comes back to all of it for two years; then it is sealed, and later destroyed."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isocket.domain.accounts import Account
from isocket.domain.archives import Archive, ArchiveState, ArchiveTerms
from isocket.domain.devices import Device
from isocket.domain.erasures import Erasure, ErasureState
from isocket.domain.holds import UncopiedError
from isocket.domain.incidents import Incident
from isocket.domain.periods import FinancialYear
from isocket.storage.port import Records, is_
from portal_api.releases import release_device
from privacy.archiving import Archivist, archived_classes, archived_fields
from privacy.manager_keys import make_key
from privacy.scan import scan
from privacy.sealing import manifest_of, open_archive
from tests.fakes.clock import ManualClock
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.erasing_house import MAIJA_ID, Ground, Parts, furnish, ground_on_disk, in_memory
from tests.fakes.portal_devices import CODE, MAIJA, PEKKA, PHONE, SOCKET, devices_house, make_device
from tests.fakes.portal_house import PASSWORD
from tests.fakes.stand_ins import nothing_is_held

MANAGERS = [make_key(name) for name in ("manager-1", "manager-2", "manager-3")]
TERMS = ArchiveTerms(financial_year=FinancialYear(3, 31))
DAY = timedelta(days=1)


def archivist(
    ground: Ground,
    fuse: Fuse | None = None,
    *,
    terms: ArchiveTerms = TERMS,
    keys: int = 3,
    preserve: Callable[[str], Awaitable[tuple[str, ...]]] = nothing_is_held,
) -> Archivist:
    records: Records = DyingRecords(ground.records, fuse) if fuse else ground.records
    telemetry = DyingTelemetry(ground.telemetry, fuse) if fuse else ground.telemetry
    return Archivist(
        records=records,
        keyring=ground.keyring,
        clock=ground.clock,
        eraser=ground.eraser(records, telemetry, preserve),
        folder=ground.folder / "archive",
        managers=[each.public for each in MANAGERS[:keys]],
        terms=terms,
    )


async def leave(ground: Ground, warranty_until: datetime | None = None) -> datetime:
    """Give up the socket and close the account, as the portal does."""
    for device in await ground.records.find(Device, is_("owner_id", MAIJA_ID)):
        await release_device(
            Parts(records=ground.records, telemetry=ground.telemetry, clock=ground.clock, keyring=ground.keyring),
            device,
        )
    await ground.records.change_one(
        Account, is_("id", MAIJA_ID), ended_at=ground.clock.now(), warranty_until=warranty_until
    )
    return ground.clock.now()


async def until(ground: Ground, moment: datetime) -> None:
    await ground.clock.advance((moment - ground.clock.now()).total_seconds())


async def archives(ground: Ground) -> list[Archive]:
    return await ground.records.find(Archive)


@dataclass(frozen=True, slots=True)
class Case:
    ended: str
    warranty: str | None
    sealed: str
    destroyed: str


CASES = [
    Case("2027-05-10", None, "2029-05-10", "2038-04-01"),
    Case("2027-05-10", "2027-01-01", "2029-05-10", "2038-04-01"),  # the later of the two
    Case("2027-05-10", "2028-12-24", "2030-12-24", "2039-04-01"),
    Case("2028-02-29", None, "2030-02-28", "2038-04-01"),
    Case("2027-03-31", None, "2029-03-31", "2037-04-01"),
    Case("2027-04-01", None, "2029-04-01", "2038-04-01"),
    Case("2027-10-31T00:30", None, "2029-10-31T00:30", "2038-04-01"),  # clocks go back in Europe
]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.clause("C6-02")
@pytest.mark.clause("C6-15")
@pytest.mark.clause("C6-12")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.ended} {case.warranty}")
async def test_it_is_sealed_two_years_after_the_later_end_and_not_a_moment_sooner(tmp_path: Path, case: Case) -> None:
    ground = in_memory(tmp_path)
    await until(ground, day(case.ended))
    await furnish(ground)
    await leave(ground, day(case.warranty) if case.warranty else None)
    await until(ground, day(case.sealed) - timedelta(seconds=1))
    assert await archivist(ground).round() == 0
    assert await ground.records.get(Account, MAIJA_ID) is not None
    await until(ground, day(case.sealed))
    assert await archivist(ground).round() == 1
    (made,) = await archives(ground)
    assert (made.state, made.destroy_at) == (ArchiveState.SEALED, day(case.destroyed))
    assert await ground.records.get(Account, MAIJA_ID) is None
    assert await archivist(ground).round() == 0


@pytest.mark.clause("C6-10")
@pytest.mark.clause("C6-13")
async def test_where_the_law_is_another_the_times_are_others(tmp_path: Path) -> None:
    there = ArchiveTerms(wait_years=3, keep_years=6, financial_year=FinancialYear())
    ground = in_memory(tmp_path)
    await until(ground, day("2027-05-10"))
    await furnish(ground)
    await leave(ground)
    await until(ground, day("2030-05-10") - timedelta(seconds=1))
    assert await archivist(ground, terms=there).round() == 0
    await until(ground, day("2030-05-10"))
    assert await archivist(ground, terms=there).round() == 1
    (made,) = await archives(ground)
    assert made.destroy_at == day("2034-01-01")


@pytest.mark.clause("C6-07")
@pytest.mark.clause("C6-15")
@pytest.mark.clause("C6-16")
async def test_what_law_needs_is_in_it_and_all_else_is_gone_from_the_disk(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with ground_on_disk(tmp_path / "data", ManualClock()) as ground:
        await furnish(ground)
        await leave(ground)
        await ground.clock.advance(366 * 2 * 86_400.0)
        await archivist(ground).round()
        (made,) = await archives(ground)
        path = archivist(ground).file_of(made)
        assert scan([tmp_path], MAIJA, PHONE, "Maija Meikalainen", "Cabin of Maija") == []
        assert made.account_id == ""
        assert MAIJA_ID not in path.read_text(errors="ignore")
        open_archive(path, MANAGERS[1:], tmp_path / "opened.json")
    content = json.loads((tmp_path / "opened.json").read_text())
    assert content["accounts"] == [{"id": MAIJA_ID, "email": MAIJA, "name": "Maija Meikalainen"}]
    assert [each["id"] for each in content["incidents"]] == ["inc_1"]
    assert PHONE not in json.dumps(content)  # neighbours' numbers are not needed by any law
    assert manifest_of(path).counts == {name: len(found) for name, found in content.items()}


def test_nothing_secret_and_nobody_else_s_address_is_ever_sealed() -> None:
    sealed = {(kind.collection, name) for kind in archived_classes() for name in archived_fields(kind)}
    assert ("accounts", "email") in sealed
    never = {"password_hash", "token_hash", "access_hash", "phone", "address", "text", "secret"}
    assert not {(what, name) for what, name in sealed if name in never}


@pytest.mark.clause("C6-06")
async def test_an_account_that_is_in_use_is_never_sealed(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.clock.advance(30 * 366 * 86_400.0)
    assert await archivist(ground).round() == 0
    assert await ground.records.get(Account, MAIJA_ID) is not None


@pytest.mark.clause("C6-05")
async def test_who_comes_back_while_it_is_being_sealed_keeps_everything(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await leave(ground)
    await ground.clock.advance(2 * 366 * 86_400.0)
    (account,) = await archivist(ground).due()
    await archivist(ground)._begin(account)
    await ground.records.change_one(Account, is_("id", MAIJA_ID), ended_at=None)
    assert await archivist(ground).round() == 0
    assert await archives(ground) == []
    assert list((tmp_path / "archive").glob("*")) == []
    assert await ground.records.get(Incident, "inc_1") is not None


@pytest.mark.clause("C6-05")
async def test_who_comes_back_leaves_no_draft_that_a_death_in_the_middle_left(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await leave(ground)
    await ground.clock.advance(2 * 366 * 86_400.0)
    (account,) = await archivist(ground).due()
    await archivist(ground)._begin(account)
    (begun,) = await archives(ground)
    draft = archivist(ground).file_of(begun).with_suffix(".draft")
    draft.parent.mkdir()
    draft.write_bytes(b"half an archive")
    await ground.records.change_one(Account, is_("id", MAIJA_ID), ended_at=None)
    assert await archivist(ground).round() == 0
    assert list(draft.parent.glob("*")) == []


@pytest.mark.clause("C7-06")
@pytest.mark.parametrize("keys", [3, 0])
@pytest.mark.parametrize("by", ["person", "operator"])
async def test_of_who_is_erased_at_their_own_wish_no_archive_that_was_begun_is_finished(
    tmp_path: Path, by: str, keys: int
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await leave(ground)
    await ground.clock.advance(2 * 366 * 86_400.0)
    (account,) = await archivist(ground).due()
    await archivist(ground)._begin(account)
    (begun,) = await archives(ground)
    assert await archivist(ground)._seal(begun) is not None
    assert archivist(ground).file_of(begun).exists()
    done = await ground.eraser().erase(MAIJA_ID, by=by)
    assert done is not None
    assert done.state is ErasureState.DONE
    assert await archivist(ground, keys=keys).round() == 0
    assert await archives(ground) == []
    assert list((tmp_path / "archive").glob("*")) == []


@pytest.mark.clause("C7-06")
@pytest.mark.parametrize("has_begun", [False, True])
async def test_who_asked_to_be_erased_is_neither_sealed_nor_erased_before_their_time(
    tmp_path: Path, has_begun: bool
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await leave(ground)
    await ground.clock.advance(2 * 366 * 86_400.0)
    now = ground.clock.now()
    wish = Erasure(id="era_1", account_id=MAIJA_ID, asked_at=now, due_at=now + 14 * DAY, open_key=MAIJA_ID)
    if has_begun:  # and the wish came by mail, without signing in
        (account,) = await archivist(ground).due()
        await archivist(ground)._begin(account)
    await ground.records.add(wish)
    assert await archivist(ground).round() == 0
    assert [each.digest for each in await archives(ground)] == [""] * has_begun
    assert await ground.records.get(Account, MAIJA_ID) is not None
    assert [each.state for each in await ground.erasures()] == [ErasureState.ASKED]


@pytest.mark.clause("C2-26")
@pytest.mark.parametrize("broken", [MAIJA_ID, "acc_2"])
async def test_whose_hold_cannot_be_copied_keeps_nobody_else_from_being_sealed(tmp_path: Path, broken: str) -> None:
    async def preserve(account_id: str) -> tuple[str, ...]:
        if account_id == broken:
            raise UncopiedError("hld_1")
        return ()

    ground = in_memory(tmp_path)
    await furnish(ground)
    await leave(ground)
    left = await ground.records.get(Account, MAIJA_ID)
    assert left is not None
    await ground.records.add(replace(left, id="acc_2", email=PEKKA))
    await ground.clock.advance(2 * 366 * 86_400.0)
    assert await archivist(ground, preserve=preserve).round() == 1
    assert [each.id for each in await ground.records.find(Account)] == [broken]
    assert await archivist(ground).round() == 1, "and is sealed once it can be"


async def test_without_managers_nothing_is_sealed_and_nothing_is_erased(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await leave(ground)
    await ground.clock.advance(3 * 366 * 86_400.0)
    assert await archivist(ground, keys=0).round() == 0
    assert await ground.records.get(Account, MAIJA_ID) is not None


@pytest.mark.clause("C6-07")
@pytest.mark.clause("C6-17")
async def test_an_archive_whose_time_is_over_is_destroyed_and_that_is_on_record(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await leave(ground)
    await ground.clock.advance(2 * 366 * 86_400.0)
    await archivist(ground).round()
    (made,) = await archives(ground)
    path = archivist(ground).file_of(made)
    await until(ground, made.destroy_at - timedelta(seconds=1))
    await archivist(ground, keys=0).round()
    assert path.exists()
    await until(ground, made.destroy_at)
    await archivist(ground, keys=0).round()
    assert not path.exists()
    (gone,) = await archives(ground)
    assert (gone.state, gone.destroyed_at, gone.holder) == (ArchiveState.DESTROYED, made.destroy_at, "")


async def test_an_archive_that_cannot_be_destroyed_keeps_no_other_from_being_destroyed_or_made(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await leave(ground)
    now = ground.clock.now()
    over = {"state": ArchiveState.SEALED, "begun_at": now, "ended_at": now, "destroy_at": now}
    await ground.records.add_all([Archive(id=f"arc_{each}", account_id="", **over) for each in (1, 2)])
    (tmp_path / "archive" / "arc_1.archive").mkdir(parents=True)  # what cannot be taken away as a file is
    (tmp_path / "archive" / "arc_2.archive").write_text("sealed")
    await ground.clock.advance(2 * 366 * 86_400.0)
    assert await archivist(ground).round() == 1
    assert sorted(each.state for each in await archives(ground)) == ["destroyed", "sealed", "sealed"]
    assert not (tmp_path / "archive" / "arc_2.archive").exists()
    assert (tmp_path / "archive" / "arc_1.archive").exists()


async def test_an_archive_that_a_restored_backup_does_not_know_is_destroyed_when_its_time_is_over(
    tmp_path: Path,
) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    ended = await leave(ground)
    await until(ground, TERMS.sealed_from(Account(id="a", email="", created_at=ended, ended_at=ended)) or ended)
    assert await archivist(ground).round() == 1
    (archive,) = await archives(ground)
    await ground.records.remove_all(Archive)
    (tmp_path / "archive" / "other.archive").write_text("no archive of ours")
    await until(ground, archive.destroy_at - timedelta(seconds=1))
    await archivist(ground, keys=0).round()
    assert archivist(ground).file_of(archive).exists()
    await until(ground, archive.destroy_at)
    await archivist(ground, keys=0).round()
    assert [each.name for each in (tmp_path / "archive").iterdir()] == ["other.archive"]


@pytest.mark.parametrize("said", ["[" * 100_000, '{"manifest": "MANIFEST", "shares": {}}'])
async def test_a_file_that_says_what_no_archive_says_keeps_no_other_from_being_made(tmp_path: Path, said: str) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    ended = await leave(ground)
    times = '"sealed_at": "2020-01-01T00:00:00", "destroy_at": "2020-01-01T00:00:00", "managers": {}, "counts": {}'
    manifest = f'{{"kind": "isocket-archive-1", "id": "x", {times}}}'.replace('"', '\\"')
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "other.archive").write_text(said.replace("MANIFEST", manifest))
    await until(ground, TERMS.sealed_from(Account(id="a", email="", created_at=ended, ended_at=ended)) or ended)
    assert await archivist(ground).round() == 1
    assert (tmp_path / "archive" / "other.archive").exists()


@pytest.mark.clause("C6-16")
@pytest.mark.parametrize(("by", "left"), [("person", []), ("archive", [ArchiveState.SEALED])])
async def test_a_restored_backup_finishes_an_archive_of_whoever_was_sealed_and_not_of_who_asked_to_be_erased(
    tmp_path: Path, by: str, left: list[ArchiveState]
) -> None:
    backup = in_memory(tmp_path)
    await furnish(backup)
    ended = await leave(backup)
    begun = Archive(
        id="arc_1", account_id=MAIJA_ID, begun_at=ended, ended_at=ended, destroy_at=ended + 999 * DAY, digest="d"
    )
    await backup.records.add(begun)
    ground = in_memory(tmp_path)
    await furnish(ground)
    assert await ground.eraser().erase(MAIJA_ID, by=by) is not None
    archivist(backup).file_of(begun).parent.mkdir()
    archivist(backup).file_of(begun).write_text("restored with it")
    assert await backup.replay() == 1
    await archivist(backup).round()
    assert [each.state for each in await archives(backup)] == left
    assert archivist(backup).file_of(begun).exists() == bool(left)


async def test_managers_find_the_archive_of_a_mailbox_and_nobody_reads_one_off_it(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await leave(ground)
    await ground.clock.advance(2 * 366 * 86_400.0)
    await archivist(ground).round()
    (made,) = await ground.records.find(Archive, is_("holder", await archivist(ground).holder(MAIJA.upper())))
    assert made.state is ArchiveState.SEALED
    assert not await ground.records.find(Archive, is_("holder", await archivist(ground).holder("pekka@example.org")))


async def test_whoever_dies_at_any_verb_another_finishes_it(tmp_path: Path) -> None:
    number = iter(range(10_000))

    async def build() -> Ground:
        ground = in_memory(tmp_path / str(next(number)))
        await furnish(ground)
        await leave(ground)
        await ground.clock.advance(2 * 366 * 86_400.0)
        return ground

    async def run(ground: Ground, fuse: Fuse) -> None:
        while await archivist(ground, fuse).round():
            pass

    async def check(ground: Ground) -> None:
        (made,) = await archives(ground)
        assert (made.state, made.account_id) == (ArchiveState.SEALED, "")
        assert await ground.records.get(Account, MAIJA_ID) is None
        path, into = archivist(ground).file_of(made), ground.folder / "opened.json"
        open_archive(path, MANAGERS[:2], into)
        assert json.loads(into.read_text())["accounts"][0]["email"] == MAIJA

    assert await every_crash_point(build, run, check) > 40


class TestClosing:
    """The route by which an account ends, and the way back."""

    @pytest.mark.clause("C6-05")
    async def test_signing_in_opens_it_again_with_everything_in_it(self) -> None:
        async with devices_house() as house:
            token = await house.customer(MAIJA, name="Maija Meikalainen")
            closed = await house.ask("POST", "/me/closing", {"password": PASSWORD}, token=token)
            assert closed.status == 200, await closed.text()
            said = await closed.json()
            assert said["archived_from"] > said["ended_at"]
            assert (await house.ask("GET", "/me", token=token)).status == 401
            await house.clock.advance(699 * 86_400.0)
            again = await house.ask("POST", "/tokens", {"username": MAIJA, "password": PASSWORD})
            me = await house.ask("GET", "/me", token=(await again.json())["access_token"])
            assert (await me.json())["name"] == "Maija Meikalainen"
            (account,) = await house.records.find(Account)
            assert account.ended_at is None

    async def test_a_socket_that_nobody_would_watch_is_named_first(self) -> None:
        async with devices_house() as house:
            token = await house.customer(MAIJA)
            await make_device(house)
            wish = {"device_id": SOCKET, "claim_code": CODE, "name": "Cabin"}
            assert (await house.ask("POST", "/devices/claim", wish, token=token)).status == 201
            answer = await house.ask("POST", "/me/closing", {"password": PASSWORD}, token=token)
            assert answer.status == 409
            assert "Cabin" in (await answer.json())["detail"]
            assert (await house.ask("GET", "/me", token=token)).status == 200

    @pytest.mark.clause("C2-12")
    async def test_the_warranty_of_a_socket_that_was_claimed_is_remembered(self) -> None:
        async with devices_house() as house:
            token = await house.customer(MAIJA)
            await make_device(house)
            await house.ask("POST", "/devices/claim", {"device_id": SOCKET, "claim_code": CODE}, token=token)
            (account,), (device,) = await house.records.find(Account), await house.records.find(Device)
            assert device.claimed_at is not None
            assert account.warranty_until == TERMS.warranty_of(device.claimed_at)

    async def test_a_wrong_password_closes_nothing(self) -> None:
        async with devices_house() as house:
            token = await house.customer(MAIJA)
            answer = await house.ask("POST", "/me/closing", {"password": "another one"}, token=token)
            assert answer.status == 403
            assert (await house.ask("GET", "/me", token=token)).status == 200
