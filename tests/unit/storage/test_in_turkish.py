"""What is stored is counted in a process that speaks Turkish as well, where no `I` is an `i`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isocket.storage.documents import Collection
from isocket.storage.sqlite_documents import insertions
from isocket.storage.sqlite_filing import PLACE

COUNTING = """
import asyncio, locale, sys
from pathlib import Path
from isocket.storage.documents import Collection
from isocket.storage.sqlite import SqliteStore
from tests.fakes.clock import ManualClock
async def count():
    store = await SqliteStore.open(Path(sys.argv[1]), clock=ManualClock())
    await store.documents.prepare([Collection(name="orders")])
    orders = [(Collection(name="orders"), {"id": each}) for each in "ab"]
    print(locale.setlocale(locale.LC_CTYPE), end=" ")
    print(await store.documents.add_all(orders[:1]), await store.documents.add_all(orders), end=" ")
    print(await store.documents.add_all([(orders[0][0], {"id": "c"})], refuse_if_there=True))
    await store.close()
asyncio.run(count())
"""


@pytest.fixture
def turkish(tmp_path: Path) -> dict[str, str]:
    """Return the surroundings of a process that speaks Turkish, where this machine can make that language."""
    try:
        words = ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(tmp_path / "tr_TR.UTF-8")]
        subprocess.run(words, capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("this machine makes no Turkish")
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "PYTHONPATH"}}  # noqa: TID251
    return {**kept, "LOCPATH": str(tmp_path), "LC_ALL": "tr_TR.UTF-8"}


def test_documents_that_are_new_are_counted(tmp_path: Path, turkish: dict[str, str]) -> None:
    words = [sys.executable, "-c", COUNTING, str(tmp_path / "house.sqlite")]
    done = subprocess.run(words, env=turkish, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tr_TR.UTF-8", "1", "1", "1"]


@pytest.mark.parametrize("refuse_if_there", [True, False])
def test_what_counts_its_rows_says_so_without_a_letter_that_turkish_tells_apart(*, refuse_if_there: bool) -> None:
    """The same where a machine makes no Turkish, and of reports that are filed."""
    (stored, _), *_ = insertions([(Collection(name="orders"), {"id": "a"})], refuse_if_there=refuse_if_there)
    assert {each.split()[0] for each in (stored, PLACE)} == {"insert"}
