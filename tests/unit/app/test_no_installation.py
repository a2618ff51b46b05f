"""A mistyped data folder: a command that needs an installation says that there is none, and makes nothing."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from isocket.app.commands import app

NEEDS_ONE = (
    "staff list", "staff change --email kai@example.org --role support", "announce --words WORDS", "sim",
    "privacy sweep", "privacy sweep --dry-run", "privacy scan --for kai@example.org",
    "privacy export --account acc_1 --out OUT", "privacy import WORDS", "privacy erase --account acc_1",
    "privacy erase --recipient +447700900123",
    "privacy newsletter --subject News --text WORDS", "privacy statistics", "privacy unrestrict --account acc_1",
    "privacy restrict --account acc_1 --alarms stop",
    "privacy object --account acc_1 --to surveys", "privacy rectify --account acc_1 --name Maija",
    "privacy hold list", "privacy hold end hld_1 --why long-enough-words", "privacy breach list",
    "privacy breach show bre_1", "privacy breach draft bre_1", "archive list", "archive find --email kai@example.org",
)  # fmt: skip


def typed(folder: Path, words: str) -> Result:
    (folder / "words").write_text('[en]\nsubject = "News"\ntext = "There is a new socket."\n', encoding="utf-8")
    named = {"WORDS": folder / "words", "OUT": folder / "out"}
    environ = {"ISOCKET_DATA_DIR": str(folder / "vra")}
    return CliRunner().invoke(app, [str(named.get(each, each)) for each in words.split()], env=environ)


@pytest.mark.parametrize("words", NEEDS_ONE)
def test_a_command_that_needs_an_installation_says_that_there_is_none_and_makes_nothing(
    tmp_path: Path, words: str
) -> None:
    done = typed(tmp_path, words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"There is no installation in {tmp_path / 'vra'}: set ISOCKET_DATA_DIR" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["words"]


@pytest.mark.parametrize("words", ["staff list", "check", "up", "alerts", "staff add --email kai@example.org"])
def test_a_mistyped_folder_beside_the_right_store_is_named_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    (tmp_path / "isocket.sqlite").touch()
    monkeypatch.setenv("ISOCKET_STORE", str(tmp_path / "isocket.sqlite"))
    done = typed(tmp_path, words)
    assert done.exit_code == 1
    assert f"{tmp_path / 'vra'}/master.key is missing" in done.output
    assert "Set ISOCKET_DATA_DIR to the folder where it lies" in done.output
    assert not (tmp_path / "vra").exists()


@pytest.mark.parametrize("words", ["staff add --email kai@example.org", "device provision --model isocket-3g", "up"])
def test_a_store_in_a_folder_that_is_not_there_is_named_with_its_setting_and_no_keys_are_made_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("ISOCKET_STORE", str(tmp_path / "mistyped" / "isocket.sqlite"))
    done = typed(tmp_path, words)
    assert done.exit_code == 1
    assert f"there is no folder {tmp_path / 'mistyped'}. Make it, or set ISOCKET_STORE" in done.stderr
    assert not (tmp_path / "vra" / "master.key").exists()


@pytest.mark.parametrize("words", ["staff add --email kai@example.org", "device provision --model isocket-3g"])
def test_what_may_come_first_makes_one_and_says_so(tmp_path: Path, words: str) -> None:
    first, second = (typed(tmp_path, words) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert ("installation_made" in first.stderr, "installation_made" in second.stderr) == (True, False)
    assert str(tmp_path / "vra") in first.stderr


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("staff add --email nonsense", "--email"),
        ("staff add --email kai@example.org --until 2020-01-01", "--until"),
        ("staff add --email kai@example.org --role king", "--role"),
        ("staff change --email nonsense --role support", "--email"),
        ("staff change --email kai@example.org --until 2020-01-01", "--until"),
        ("device provision --model isocket-9", "--model"),
        ("device provision --model isocket-3g --count 0", "--count"),
    ],
)
def test_what_was_mistyped_is_refused_before_an_installation_is_made_or_asked_for(
    tmp_path: Path, words: str, field: str
) -> None:
    done = typed(tmp_path, words)
    assert (done.exit_code in {1, 2}, done.stdout) == (True, "")
    assert field in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["words"]


def test_a_folder_of_archives_that_is_not_there_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    done = typed(tmp_path, f"archive list {tmp_path}/archvie")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "does not exist" in " ".join(done.stderr.replace("│", "").split())
