"""One cloud to a data folder, and nobody else in it."""

import os
from pathlib import Path

import pytest

from isocket.app.data_folder import DataFolder, DataFolderError, NoInstallationError
from tests.fakes.full_disk import give_room_to, take_room_from


def test_the_folder_is_for_our_user_only(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "var")
    folder.prepare()
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_a_second_cloud_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with folder.held(), pytest.raises(DataFolderError, match="set ISOCKET_DATA_DIR"), folder.held():
        pass


def test_the_folder_is_free_again_after_the_first_cloud(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with folder.held():
        pass
    with folder.held():
        assert (tmp_path / "lock").read_text().strip().isdigit()


def test_a_folder_on_a_full_disk_is_named_with_the_way_out(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    take_room_from(os.getpid())
    try:
        with pytest.raises(DataFolderError, match=r"cannot be used: .*\. Make room there"), folder.held():
            pass
    finally:
        give_room_to(os.getpid())
    with folder.held():
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderError, match="set ISOCKET_DATA_DIR"):
        DataFolder(tmp_path / "file" / "var").prepare()


@pytest.mark.parametrize("lost", ["master.key", "keyring.sqlite"])
def test_a_store_is_not_opened_without_its_keys(tmp_path: Path, lost: str) -> None:
    folder, store = DataFolder(tmp_path), tmp_path / "isocket.sqlite"
    for each in (store, folder.master_key, folder.keyring):
        each.touch()
    assert folder.check_keys(store)
    (tmp_path / lost).unlink()
    with pytest.raises(DataFolderError, match=lost):
        folder.check_keys(store)


def test_where_nothing_is_that_is_said_with_what_to_do_and_nothing_is_made(tmp_path: Path) -> None:
    folder, store = DataFolder(tmp_path / "vra"), tmp_path / "vra" / "isocket.sqlite"
    with pytest.raises(NoInstallationError) as refused:
        folder.demand(store)
    start = "set ISOCKET_DATA_DIR, or start one with `isocket up`."
    assert str(refused.value) == f"There is no installation in {tmp_path / 'vra'}: {start}"
    assert not folder.path.exists()


def test_where_one_may_not_look_is_not_taken_for_nothing(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / ("v" * 300))
    with pytest.raises(DataFolderError, match="cannot be used: File name too long") as refused:
        folder.demand(folder.path / "isocket.sqlite")
    assert not isinstance(refused.value, NoInstallationError)


def test_keys_whose_store_is_elsewhere_or_lost_are_not_taken_for_nothing(tmp_path: Path) -> None:
    folder, store = DataFolder(tmp_path), tmp_path / "elsewhere.sqlite"
    folder.keyring.touch()
    with pytest.raises(DataFolderError, match="set ISOCKET_STORE to where it lies"):
        folder.demand(store)
    folder.master_key.touch()
    store.touch()
    folder.demand(store)


def test_no_new_store_is_begun_where_one_was_lost(tmp_path: Path) -> None:
    folder, store = DataFolder(tmp_path), tmp_path / "isocket.sqlite"
    for each in (folder.master_key, folder.keyring):
        each.touch()
    assert not folder.check_keys(store), "the first start was cut short before there was a store"
    folder.pepper.touch()  # it is made last
    with pytest.raises(DataFolderError, match="is missing, and its keys are there"):
        folder.check_keys(store)
    store.touch()
    with pytest.raises(DataFolderError, match="is empty, and its keys are there"):
        folder.check_keys(store)
    store.write_bytes(b"SQLite format 3")
    assert folder.check_keys(store)


def test_a_new_folder_needs_no_keys_yet(tmp_path: Path) -> None:
    assert not DataFolder(tmp_path).check_keys(tmp_path / "isocket.sqlite")
