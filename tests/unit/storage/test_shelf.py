"""What a shelf of sealed files says is on it."""

from pathlib import Path

import pytest

from isocket.storage.shelf import Shelf


@pytest.mark.parametrize("name", ["notes.txt", "exp_1.sealed.old", "my exp_1.sealed", ".sealed", ".exp_1.draft.swp"])
def test_what_others_put_beside_sealed_files_is_none_of_them(tmp_path: Path, name: str) -> None:
    for each in (name, "exp_1.sealed", "exp_2.draft"):
        (tmp_path / each).write_bytes(b"")
    shelf = Shelf(tmp_path)
    assert shelf.names() == {"exp_1", "exp_2"}
    for each in shelf.names():
        shelf.remove(each)
    assert [each.name for each in tmp_path.iterdir()] == [name]
