"""What managers type: making keys, opening an archive with two of them, and the ledger of openings."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from isocket.app.archive_commands import archive
from privacy.manager_keys import read_private, read_public
from privacy.openings import Openings
from privacy.sealing import Manifest, seal
from tests.fakes.clock import NOON

NAMES = ("manager-1", "manager-2", "manager-3")


def typed(*words: object) -> Result:
    return CliRunner().invoke(archive, [str(each) for each in words])


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    for name in NAMES:
        assert typed("keygen", name, "--out", tmp_path / "keys").exit_code == 0
    managers = [read_public(tmp_path / "keys" / f"{name}.pub") for name in NAMES]
    manifest = Manifest(
        id="arc_1",
        sealed_at=NOON,
        destroy_at=NOON.replace(year=NOON.year + 10),
        managers={each.fingerprint: each.name for each in managers},
        counts={"accounts": 1},
    )
    path = tmp_path / "archive" / "arc_1.archive"
    seal(manifest, [b'{"accounts": []}'], managers, path)
    return path


def opened(sealed: Path, *names: str, out: str = "opened.json") -> Result:
    keys = [word for name in names for word in ("--key", sealed.parent.parent / "keys" / f"{name}.key")]
    return typed("open", *keys, sealed, "--out", sealed.parent / out, "--reason", "a tax audit")


@pytest.mark.clause("C6-16")
def test_two_managers_open_it_and_the_list_says_who_did_and_why(sealed: Path) -> None:
    done = opened(sealed, "manager-3", "manager-1")
    assert done.exit_code == 0, done.output
    assert (sealed.parent / "opened.json").read_text() == '{"accounts": []}'
    listed = [json.loads(line) for line in typed("list", sealed.parent).stdout.splitlines()]
    assert [each.get("archive") or each["opened"] for each in listed] == ["arc_1", "arc_1"]
    assert (listed[1]["managers"], listed[1]["reason"]) == (["manager-1", "manager-3"], "a tax audit")


@pytest.mark.parametrize("names", [("manager-1",), ("manager-1", "manager-1"), NAMES])
def test_other_than_two_keys_open_nothing_and_stand_in_no_ledger(sealed: Path, names: tuple[str, ...]) -> None:
    done = opened(sealed, *names)
    assert done.exit_code == 1
    assert "2 different managers" in done.output
    assert not (sealed.parent / "opened.json").exists()
    assert Openings(sealed.parent).lines() == []


def test_it_is_in_the_ledger_before_anything_is_in_clear(sealed: Path) -> None:
    (sealed.parent / "opened.json").write_text("mine")
    assert opened(sealed, "manager-1", "manager-2").exit_code == 1
    assert len(Openings(sealed.parent).lines()) == 1


def test_a_key_is_never_overwritten_and_only_its_owner_reads_it(sealed: Path) -> None:
    private = sealed.parent.parent / "keys" / "manager-1.key"
    before = private.read_bytes()
    again = typed("keygen", "manager-1", "--out", private.parent)
    assert (again.exit_code, private.read_bytes()) == (1, before)
    assert "there already" in again.output
    assert private.stat().st_mode & 0o077 == 0


def test_before_a_key_is_made_the_question_says_where_it_will_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    monkeypatch.setattr("typer.prompt", lambda words, **_: asked.append(words) or "")
    assert typed("keygen", "manager-1").exit_code == 0
    assert asked == [f"Passphrase for {tmp_path / 'manager-1.key'} (empty for none)"]


def test_of_two_who_make_the_same_key_at_once_the_second_is_refused_and_the_pair_stays_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def somebody_is_quicker(*_: Path | None) -> str:
        if not started:
            started.append("the quicker one")
            assert typed("keygen", "manager-1", "--out", tmp_path).exit_code == 0
        return ""

    monkeypatch.setattr("isocket.app.archive_commands._new_passphrase", somebody_is_quicker)
    late = typed("keygen", "manager-1", "--out", tmp_path)
    assert (late.exit_code, late.stdout) == (1, "")
    assert "manager-1.key is there already" in late.stderr
    private = read_private(tmp_path / "manager-1.key", lambda _: "")
    assert read_public(tmp_path / "manager-1.pub").fingerprint == private.public.fingerprint
