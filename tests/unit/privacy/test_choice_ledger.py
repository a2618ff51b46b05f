"""The file of choices forgets what is kept no longer, and loses nothing else whatever happens meanwhile."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from privacy.choice_ledger import Choice, ChoiceLedger

MINE = Choice("stops", "a1", {"said": "stop"})
TAKEN_BACK = Choice("stops", "a1", None)
OTHERS = [Choice("stops", "b2", {"said": "objected"}), Choice("objections", "a1", {"to": "surveys"})]


def is_taken_back(each: Choice) -> bool:
    return each.content is None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "choices.jsonl"
    ChoiceLedger(path).note([MINE, *OTHERS])
    return path


def test_of_what_was_taken_back_no_line_is_left_and_all_else_stays_as_it_is(path: Path) -> None:
    ledger = ChoiceLedger(path)
    lines = path.read_bytes().splitlines()
    assert ledger.forget(is_taken_back) == 0
    ledger.note([TAKEN_BACK])
    assert ledger.forget(is_taken_back) == 1
    assert path.read_bytes().splitlines() == lines[1:]
    assert list(ChoiceLedger(path).folded().values()) == OTHERS
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_whoever_was_let_read_the_file_may_still_read_it_once_something_is_forgotten(path: Path) -> None:
    """Such as the group of those who make backups of what lies apart from the store."""
    path.chmod(0o640)
    ledger = ChoiceLedger(path)
    ledger.note([TAKEN_BACK])
    assert ledger.forget(is_taken_back) == 1
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_there_for_nobody_yet_has_nothing_to_forget(tmp_path: Path) -> None:
    assert ChoiceLedger(tmp_path / "none.jsonl").forget(is_taken_back) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_while_something_is_forgotten_loses_no_choice(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ChoiceLedger(path).note([TAKEN_BACK])
    before = path.read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(OSError, match="Input/output error"):
            ChoiceLedger(path).forget(is_taken_back)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name], "on a full disk the next choice needs the room"
    assert ChoiceLedger(path).forget(is_taken_back) == 1


def test_what_another_process_has_chosen_anew_before_it_is_forgotten_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, other, lock = ChoiceLedger(path), ChoiceLedger(path), fcntl.flock
    ledger.note([TAKEN_BACK])
    assert ledger.folded()["stops", "a1"] == TAKEN_BACK

    def a_moment_later(file: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        other.note([MINE])
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", a_moment_later)
    assert ledger.forget(is_taken_back) == 0
    assert ChoiceLedger(path).folded()["stops", "a1"] == MINE


def test_what_another_process_notes_while_something_is_forgotten_is_in_the_new_file(path: Path) -> None:
    late = Choice("restrictions", "c3", {"since": "2026-11-22"})
    with path.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        noting = threading.Thread(target=ChoiceLedger(path).note, args=([late],))
        noting.start()
        noting.join(0.05)  # it waits for the lock, or has not come so far: either way it must find the new file
        new = path.with_name("new")
        new.write_bytes(path.read_bytes())
        new.replace(path)
    noting.join()
    assert list(ChoiceLedger(path).folded().values()) == [MINE, *OTHERS, late]
