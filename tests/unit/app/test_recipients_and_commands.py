"""Recipients at the command line: erased by a letter, and left alone by a restored backup."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from isocket.app.erasures import choices_of, ledger_of, replay
from isocket.app.house import House
from isocket.app.privacy_commands import privacy
from isocket.domain.accounts import Account
from isocket.domain.consents import Subscription, SubscriptionState
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.erasures import Erasure, ErasureState, tombstone
from isocket.domain.stops import Stop, StopKind
from privacy.choices import ChoiceKeeper
from tests.unit.app.installation import in_house

LANDLINE = "+447700900789"
OTHER = "+447700900456"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ISOCKET_DATA_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def erase(*words: str, line: str = "") -> Result:
    return CliRunner().invoke(privacy, ["erase", *words], input=line)


async def furnish(house: House) -> None:
    """Store two customers who entered the same telephone, and one of them another."""
    now = house.clock.now()
    for who in ("maija", "pekka"):
        await house.records.add(Account(id=f"acc_{who}", email=f"{who}@example.org", created_at=now))
        entry = Contact(id=f"con_{who}", account_id=f"acc_{who}", name="Neighbour", phone=LANDLINE, created_at=now)
        await house.records.add(entry)
    await house.records.add(
        Contact(id="con_other", account_id="acc_maija", name="Brother", phone=OTHER, created_at=now)
    )


@pytest.mark.clause("C7-12")
@pytest.mark.parametrize(("words", "line"), [(f"{LANDLINE[:5]} {LANDLINE[5:]}", ""), ("-", f"{LANDLINE}\n")])
def test_who_has_a_landline_and_wrote_a_letter_is_erased_in_every_entry_and_the_customers_are_told(
    words: str, line: str
) -> None:
    async def check(house: House) -> None:
        assert [each.id for each in await house.records.find(Contact)] == ["con_other"]
        assert {each.account_id for each in await house.records.find(Delivery)} == {"acc_maija", "acc_pekka"}
        (stop,) = await house.records.find(Stop)
        assert (stop.address, stop.said) == (LANDLINE, StopKind.ERASED)
        gone = {"con_maija", "con_pekka"}
        assert {each.tombstone for each in ledger_of(house).lines()} == {tombstone(each) for each in gone}
        assert [await house.keyring.was_destroyed(each) for each in gone] == [True, True]

    in_house(furnish)
    done = erase("--recipient", words, line=line)
    assert (done.exit_code, done.stdout) == (0, "erased, with entries by customers: 2\n"), done.output
    assert LANDLINE not in done.output
    in_house(check)
    assert erase("--recipient", LANDLINE).exit_code == 1


@pytest.mark.clause("C7-12", "C7-07")
def test_a_reader_of_the_newsletter_who_wrote_a_letter_is_forgotten() -> None:
    async def read(house: House) -> None:
        subscription = Subscription(
            id="sub_1",
            account_id="rdr_1",
            reader_id="rdr_1",
            email="reader@example.org",
            language="en",
            state=SubscriptionState.CONFIRMED,
            confirm_hash="",
            leave_token="way out",
            leave_hash="1",
            created_at=house.clock.now(),
        )
        await house.records.add(subscription)

    async def check(house: House) -> None:
        assert await house.records.count(Subscription) == 0
        assert await house.keyring.was_destroyed("rdr_1")

    in_house(read)
    done = erase("--recipient", "Reader@example.org")
    assert (done.exit_code, done.stdout) == (0, "erased, with entries by customers: 0\n"), done.output
    in_house(check)
    assert erase("--recipient", "reader@example.org").exit_code == 1


@pytest.mark.clause("C7-10")
def test_what_people_said_after_a_backup_is_put_back_before_any_port_opens(folder: Path, tmp_path: Path) -> None:
    def keeper(house: House) -> ChoiceKeeper:
        ledger = choices_of(house)
        return ChoiceKeeper(records=house.records, ledger=ledger, clock=house.clock, keyring=house.keyring)

    async def before(house: House) -> None:
        await furnish(house)
        await keeper(house).round()

    async def after(house: House) -> None:
        now = house.clock.now()
        await house.records.add(Stop(id="stp_1", address=OTHER, stopped_at=now))
        wish = Erasure(id="era_1", account_id="acc_pekka", asked_at=now, due_at=now + DAY, open_key="acc_pekka")
        await house.records.add(wish)
        await keeper(house).round()

    async def start(house: House) -> None:
        assert await house.records.count(Stop) == 0, "the backup is from before"
        await replay(house)
        paused = [each.id for each in await house.records.find(Contact) if each.paused_at is not None]
        assert paused == ["con_other"]
        assert [(each.id, each.state) for each in await house.records.find(Erasure)] == [("era_1", ErasureState.ASKED)]

    in_house(before)
    shutil.copytree(folder, tmp_path / "backup")
    in_house(after)
    for each in (tmp_path / "backup").iterdir():
        if each.name.startswith(("isocket.", "keyring.")):
            shutil.copy(each, folder)
    in_house(start)


@pytest.mark.parametrize("words", [[], ["--account", "acc_1", "--recipient", LANDLINE]])
def test_it_takes_one_of_both(words: list[str]) -> None:
    in_house(furnish)
    done = erase(*words)
    assert (done.exit_code, "either" in done.output) == (2, True)
