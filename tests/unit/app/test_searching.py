"""Words that every installation says of itself keep no erasure back, whoever is called by them."""

import asyncio
from pathlib import Path

import pytest

from isocket.app.erasures import eraser_of
from isocket.app.house import open_house
from isocket.app.settings import load_settings
from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact
from isocket.domain.erasures import Erasure, ErasureState
from privacy.erasing import FOUND_IN_FILES


async def erased(name: str, *, left: str = "") -> Erasure:
    """Erase a customer who entered somebody of this name, with something left in a file; return the receipt."""
    async with open_house(load_settings(), may_be_new=True) as house:
        now = house.clock.now()
        await house.records.add_all(
            [
                Account(id="acc_maija", email="maija@example.org", created_at=now),
                Contact(id="con_1", account_id="acc_maija", name=name, phone="+447700900123", created_at=now),
            ]
        )
        house.folder.broker.mkdir()
        (house.folder.broker / "mosquitto.conf").write_text("allow_anonymous false\n")
        (house.folder.path / "debug.log").write_text(left)
        receipt = await eraser_of(house).erase("acc_maija", by="operator")
        assert receipt is not None
        return receipt


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOCKET_DATA_DIR", str(tmp_path / "var"))


@pytest.mark.parametrize("name", ["SQLite format 3", "Create Table", "allow_anonymous FALSE"])
def test_who_is_called_as_the_files_themselves_say_is_erased_all_the_same(name: str) -> None:
    receipt = asyncio.run(erased(name))
    assert (receipt.state, receipt.problem) == (ErasureState.DONE, "")


@pytest.mark.parametrize("left", ["told Neighbour Niemi", "sent to +447700900123"])
def test_what_is_theirs_and_left_in_a_file_keeps_the_erasure_back_beside_such_words(left: str) -> None:
    receipt = asyncio.run(erased("Neighbour Niemi" if "Niemi" in left else "SQLite format 3", left=left))
    assert (receipt.state, receipt.problem) == (ErasureState.RUNNING, FOUND_IN_FILES)
