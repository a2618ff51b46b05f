"""Holds at the command line: one is ended where no page opens, so that a restored backup keeps no erasure back."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from isocket.app.erasures import eraser_of, replay
from isocket.app.failures import EXPECTED
from isocket.app.house import House
from isocket.app.privacy_commands import privacy
from isocket.domain.accounts import Account
from isocket.domain.devices import Device
from isocket.domain.disclosures import Disclosure
from isocket.domain.erasures import Erasure, ErasureState
from isocket.domain.holds import HeldCopy, Hold, HoldGround, HoldState, UncopiedError, vault_of
from isocket.storage.port import Records, StoreUnavailableError, is_
from privacy.choice_ledger import ChoiceLedger
from privacy.hold_ledger import replay_holds
from privacy.holds import HoldKeeper
from tests.unit.app.installation import in_house

WHY = "The claim was settled on 2 February."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ISOCKET_DATA_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def typed(*words: str) -> Result:
    return CliRunner().invoke(privacy, list(words))


async def furnish(house: House, *parts: str) -> None:
    """Store a customer with a socket, and a hold on these parts."""
    now = house.clock.now()
    await house.records.add_all(
        [
            Account(id="acc_maija", email="maija@example.org", created_at=now),
            Device(
                id="is_1", model="isocket-707", secret_hash="$", claim_hash="h", provisioned_at=now,
                owner_id="acc_maija", claimed_at=now, name="Cabin of Maija",
            ),
            Hold(
                id="hld_1", account_id="acc_maija", ground=HoldGround.CLAIM, parts=parts, reason="A dispute.",
                placed_by="acc_staff", placed_at=now, review_at=now + timedelta(days=60),
                ends_at=now + timedelta(days=90), copy_due_at=now,
            ),
        ]
    )  # fmt: skip


def ledger_of_holds(folder: Path) -> ChoiceLedger:
    return ChoiceLedger(folder / "holds.jsonl")


@pytest.mark.clause("C2-26")
def test_a_hold_is_listed_and_ended_with_its_copies_its_key_and_a_line_for_its_holder(folder: Path) -> None:
    async def copied(house: House) -> int:
        await furnish(house, "account", "sockets")
        mine = HoldKeeper(
            records=house.records, telemetry=house.telemetry, keyring=house.keyring, clock=house.clock,
            ledger=ledger_of_holds(folder),
        )  # fmt: skip
        await mine.round()
        return await house.records.count(HeldCopy)

    assert in_house(copied) == 2
    listed = json.loads(typed("hold", "list").stdout)
    assert (listed["id"], listed["state"], listed["uncopied_since"]) == ("hld_1", "in_force", None)
    ended = json.loads(typed("hold", "end", "hld_1", "--why", WHY).stdout)
    assert (ended["id"], ended["state"], ended["over_at"] is not None) == ("hld_1", "emptied", True)
    assert typed("hold", "list").stdout == ""

    async def look(house: House) -> None:
        (kept,) = await house.records.find(Hold)
        assert (kept.ended_by, kept.end_words) == ("operator", WHY)
        assert await house.records.count(HeldCopy) == 0
        assert await house.keyring.was_destroyed(vault_of("hld_1"))
        (line,) = await house.records.find(Disclosure, is_("account_id", "acc_maija"))
        assert (line.what, line.recipient_id, WHY in line.reason) == (("holds",), "operator", False)
        await house.records.change_one(Hold, is_("id", "hld_1"), state=HoldState.IN_FORCE)  # as in an older backup
        assert await replay_holds(house.records, ledger_of_holds(folder), house.clock) == 1, "it begins not anew"

    in_house(look)


def test_holds_that_ended_are_listed_behind_those_in_force_where_all_are_asked_for() -> None:
    async def several(house: House) -> None:
        await furnish(house, "account")
        (hold,), now = await house.records.find(Hold), house.clock.now()
        emptied = replace(hold, id="hld_2", state=HoldState.EMPTIED, over_at=now - timedelta(days=2))
        await house.records.add_all(
            [
                replace(hold, id="hld_0", review_at=now + timedelta(days=70)),
                emptied,
                replace(emptied, id="hld_3", state=HoldState.OVER, over_at=now),
            ]
        )

    def ids(*words: str) -> list[str]:
        return [json.loads(each)["id"] for each in typed("hold", "list", *words).stdout.splitlines()]

    in_house(several)
    assert ids() == ["hld_1", "hld_0"]
    assert ids("--all") == ["hld_1", "hld_0", "hld_3", "hld_2"]


def test_what_an_ending_left_when_it_broke_off_is_destroyed_by_the_same_command() -> None:
    async def broken_off(house: House) -> None:
        await furnish(house, "account")
        await HoldKeeper(
            records=house.records, telemetry=house.telemetry, keyring=house.keyring, clock=house.clock
        ).round()
        over = {"state": HoldState.OVER, "over_at": house.clock.now(), "end_words": "It was settled."}
        assert await house.records.change_one(Hold, is_("id", "hld_1"), **over)

    async def look(house: House) -> None:
        assert [each.end_words for each in await house.records.find(Hold)] == ["It was settled."]
        assert await house.records.count(HeldCopy) == 0

    in_house(broken_off)
    assert json.loads(typed("hold", "end", "hld_1", "--why", WHY).stdout)["state"] == "emptied"
    in_house(look)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("hld_none", "--why", WHY), 1, "There is no hold hld_none"),
        (("hld_1", "--why", "over"), 2, "--why"),
        (("hld_1", "--why", WHY), 1, "It is over."),
    ],
)
def test_what_is_no_hold_or_over_or_has_no_reason_is_said(words: tuple[str, ...], code: int, said: str) -> None:
    async def over(house: House) -> None:
        await furnish(house, "account")
        await house.records.change_one(Hold, is_("id", "hld_1"), state=HoldState.EMPTIED)

    in_house(over)
    done = typed("hold", "end", *words)
    assert (done.exit_code, said in done.output) == (code, True)


@pytest.mark.clause("C5-01")
@pytest.mark.clause("C2-26")
def test_who_was_erased_and_came_back_under_a_hold_that_cannot_be_copied_is_erased_once_that_is_ended(
    folder: Path, tmp_path: Path
) -> None:
    async def before(house: House) -> None:
        await furnish(house, "what another version knows")

    async def erased(house: House) -> None:
        with pytest.raises(UncopiedError):
            await eraser_of(house).erase("acc_maija", by="operator")
        await house.records.change_one(Hold, is_("id", "hld_1"), parts=("account",))
        made = await eraser_of(house).erase("acc_maija", by="operator")
        assert made is not None
        assert made.state is ErasureState.DONE

    async def refuse(house: House) -> None:
        assert await house.records.count(Account) == 1, "she is back"
        with pytest.raises(UncopiedError) as refused:
            await replay(house)
        assert "nothing is opened before that" in str(refused.value)
        assert "isocket privacy hold end hld_1" in str(refused.value)
        assert isinstance(refused.value, EXPECTED)
        assert await house.records.count(Account) == 1

    async def start(house: House) -> None:
        await replay(house)
        assert await house.records.count(Account) == 0
        assert [each.state for each in await house.records.find(Erasure)] == [ErasureState.DONE] * 2

    in_house(before)
    shutil.copytree(folder, tmp_path / "backup")
    in_house(erased)
    for each in (tmp_path / "backup").iterdir():
        if each.name.startswith(("isocket.", "keyring.")):
            shutil.copy(each, folder)
    in_house(refuse)
    in_house(refuse)
    assert typed("hold", "end", "hld_1", "--why", WHY).exit_code == 0
    in_house(start)
    in_house(start)


class Busy:
    """Records of which somebody changes a socket's settings a moment before whoever gives it up, `times` times."""

    def __init__(self, records: Records, times: int) -> None:
        self._records = records
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    async def change_one(self, kind: Any, *tests: Any, **changes: Any) -> Any:
        if kind is Device and "freed_at" in changes and self.times:
            self.times -= 1
            (found,) = await self._records.find(Device)
            await self._records.change_one(Device, is_("id", found.id), desired_version=found.desired_version + 1)
        return await self._records.change_one(kind, *tests, **changes)


def test_a_socket_that_is_changed_again_and_again_ends_an_erasure_in_words_and_it_is_gone_on_with() -> None:
    async def race(house: House) -> None:
        await furnish(house, "account")
        busy = Busy(house.records, times=8)
        with pytest.raises(StoreUnavailableError, match=r"is_1 .* again"):
            await eraser_of(replace(house, records=cast("Records", busy))).erase("acc_maija", by="operator")
        assert busy.times == 0
        assert issubclass(StoreUnavailableError, EXPECTED), "so the command says the words and ends with 1"

    in_house(race)
    again = typed("erase", "--account", "acc_maija")
    assert (again.exit_code, json.loads(again.stdout)["state"]) == (0, "done")
