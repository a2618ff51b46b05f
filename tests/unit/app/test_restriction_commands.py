"""Data that is only kept for somebody who asked by letter: placed at the command line, and told to its holder."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from isocket.app.house import House
from isocket.app.privacy_commands import privacy
from isocket.domain.accounts import Account, AccountRole
from isocket.domain.deliveries import Delivery
from isocket.domain.restrictions import AlarmsMeanwhile, Restriction
from tests.unit.app.installation import in_house


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ISOCKET_DATA_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def typed(*words: str) -> Result:
    return CliRunner().invoke(privacy, list(words))


async def furnish(house: House) -> None:
    """Store a customer and a member of staff."""
    now = house.clock.now()
    await house.records.add(Account(id="acc_maija", email="maija@example.org", created_at=now))
    await house.records.add(Account(id="acc_kai", email="kai@example.org", created_at=now, role=AccountRole.STAFF))


@pytest.mark.clause("C7-08", "C7-12")
def test_who_asks_by_letter_has_their_data_only_kept_and_hears_of_it() -> None:
    async def check(house: House) -> None:
        (held,) = await house.records.find(Restriction)
        assert (held.account_id, held.alarms, held.is_in_force(house.clock.now())) == (
            "acc_maija",
            AlarmsMeanwhile.STOP,
            True,
        )
        (word,) = await house.records.find(Delivery)
        assert (word.person_id, word.address) == ("acc_maija", "maija@example.org")

    in_house(furnish)
    done = typed("restrict", "--account", "acc_maija", "--alarms", "stop")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["alarms"] == "stop"
    in_house(check)
    assert typed("restrict", "--account", "acc_maija", "--alarms", "stop").stdout == done.stdout
    in_house(check)
    assert typed("unrestrict", "--account", "acc_maija").exit_code == 0


@pytest.mark.parametrize("account", ["acc_nobody", "acc_kai"])
def test_where_there_is_no_such_customer_nothing_is_restricted(account: str) -> None:
    async def check(house: House) -> None:
        assert await house.records.count(Restriction) == 0

    in_house(furnish)
    done = typed("restrict", "--account", account, "--alarms", "continue")
    assert (done.exit_code, "no such customer" in done.output) == (1, True)
    in_house(check)


def test_what_becomes_of_alarms_has_to_be_said() -> None:
    in_house(furnish)
    assert typed("restrict", "--account", "acc_maija").exit_code == 2
