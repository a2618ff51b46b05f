"""A file with a secret is there whole, for its owner alone, and is never replaced."""

from pathlib import Path

from isocket.kit.secret_file import create_secret_file


def test_the_file_is_whole_and_its_owners_alone(tmp_path: Path) -> None:
    create_secret_file(tmp_path / "key", b"secret")
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_who_comes_second_finds_the_first_ones_and_leaves_nothing_behind(tmp_path: Path) -> None:
    create_secret_file(tmp_path / "key", b"first")
    create_secret_file(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
