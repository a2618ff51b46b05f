"""The search through all files finds a value however it is written, and nothing else."""

import base64
import contextlib
import gzip
import io
import json
import mmap
import os
import random
import sqlite3
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from privacy.scan import CHUNK_BYTES, Found, Needle, SearchBrokenError, TooShortError, scan, scan_apart
from tests.fakes.other_process import look_into_from_outside

NAME = "Aurelia Quillfeather"
EMAIL = "aurelia.quillfeather@example.org"
FAR = "Ämmänsaari-Quöll"


def ways(folder: Path, content: bytes, value: str) -> set[str]:
    (folder / "file").write_bytes(content)
    return {each.way for each in scan([folder], value)}


@pytest.mark.parametrize("value", [NAME, EMAIL, "+447700900487", FAR])
@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_a_value_is_found_however_it_is_written(tmp_path: Path, value: str, before: bytes) -> None:
    plain = before + value.encode() + b" and more"
    wide = (before.decode() + value + " and more").encode("utf-16-le")
    assert ways(tmp_path, plain, value) == {"plain"}
    assert ways(tmp_path, plain.decode().upper().encode(), value) >= ({"plain"} if value != FAR else set())
    assert "UTF-16" in ways(tmp_path, wide, value)
    assert "hexadecimal" in ways(tmp_path, plain.hex().upper().encode(), value)
    assert "base64" in ways(tmp_path, base64.b64encode(plain), value)
    assert "base64" in ways(tmp_path, base64.urlsafe_b64encode(plain), value)
    assert "base64" in ways(tmp_path, base64.b64encode(wide), value)
    assert {"JSON", "plain"} & ways(tmp_path, json.dumps({"a": value}).encode(), value)
    for pack in (gzip.compress, zlib.compress, zipped):
        assert "packed, plain" in ways(tmp_path, b"some bytes before " + pack(plain * 3), value)
    assert ways(tmp_path, b"nothing of the kind" * 100, value) == set()


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", content)
    return made.getvalue()


MANY = [NAME, EMAIL, "+447700900487", FAR, "Ö4ab", "quöll7", *(f"Cabin of number {each}" for each in range(100, 400))]


@pytest.mark.parametrize("value", [*MANY[:6], "Cabin of number 299"])
@pytest.mark.parametrize("before", range(9))
def test_one_of_many_values_is_found_wherever_one_alone_is(value: str, before: int) -> None:
    together, alone = Needle(*MANY), Needle(value)
    plain = b"-" * before + value.encode()
    written = [plain, plain.upper() + b"-", plain.decode().encode("utf-16-le"), json.dumps(value).encode()]
    written += [base64.b64encode(plain), base64.urlsafe_b64encode(plain + b"--"), plain.hex().encode()]
    for content in written:
        assert together.ways_in(content) == alone.ways_in(content)
        assert together.ways_in(content[:-1]) == alone.ways_in(content[:-1])


class Watched(bytes):
    """Counts how often something is looked for in it from end to end."""

    looks = 0

    def __contains__(self, wanted: object) -> bool:
        Watched.looks += 1
        return super().__contains__(wanted)  # type: ignore[operator]

    def lower(self) -> "Watched":
        return Watched(super().lower())


def test_the_time_of_a_search_does_not_grow_with_the_number_of_values() -> None:
    Watched.looks = 0
    assert Needle(*MANY[6:]).ways_in(Watched(b"... cabin of number 177, number 178 ...")) == {"plain"}
    assert Watched.looks < 20


@pytest.mark.parametrize("off", [-30, -20, -19, -1, 0, 1])
def test_a_value_across_two_pieces_of_a_long_file_is_found(tmp_path: Path, off: int) -> None:
    assert ways(tmp_path, b"\0" * (CHUNK_BYTES + off) + NAME.encode() + b"\0" * 99, NAME) == {"plain"}


def test_a_value_deep_in_a_long_packed_stream_is_found(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(CHUNK_BYTES + 1)
    assert ways(tmp_path, gzip.compress(noise + NAME.encode() + b"\0" * 99, 1), NAME) == {"packed, plain"}


def test_a_value_in_the_name_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / f"export of {EMAIL}.zip").write_bytes(b"")
    (tmp_path / "deeper").mkdir()
    assert scan([tmp_path], EMAIL) == [Found(str(tmp_path / f"export of {EMAIL}.zip"), "in its name")]


def test_what_would_be_found_by_chance_is_not_looked_for(tmp_path: Path) -> None:
    with pytest.raises(TooShortError):
        scan([tmp_path], "abc")


@pytest.mark.parametrize("why", [PermissionError, NotADirectoryError])
def test_a_folder_that_cannot_be_entered_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: type[OSError]
) -> None:
    close_the_folder(tmp_path / "closed", monkeypatch, why)
    with pytest.raises(SearchBrokenError, match="closed cannot be looked into: Permission denied"):
        scan([tmp_path], EMAIL)


def test_a_folder_that_is_gone_since_it_was_listed_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_the_folder(tmp_path / "gone", monkeypatch, FileNotFoundError)
    (tmp_path / "left").write_text(EMAIL)
    assert scan([tmp_path], EMAIL) == [Found(str(tmp_path / "left"), "plain")]


def close_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, why: type[OSError]) -> None:
    """Make a folder with the value in it that cannot be entered; root, as whom tests may run, enters any other."""
    folder.mkdir()
    (folder / "file").write_text(EMAIL)
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if Path(path) == folder:
            raise why(1, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


async def test_a_search_apart_finds_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"of " + base64.b64encode("Önningeby 4".encode()) + b" and more")
    assert await scan_apart([tmp_path], "Önningeby 4", "another") == scan([tmp_path], "Önningeby 4", "another") != []


async def test_a_search_that_breaks_off_is_not_taken_for_one_that_found_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="broke off"):
        await scan_apart([tmp_path], "abc")
    with pytest.raises(SearchBrokenError, match=r"broke off: .*a cannot be looked into: File name too long\."):
        await scan_apart([tmp_path / ("a" * 300)], "abcd")


async def test_a_search_apart_takes_no_lock_from_a_database_in_use(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as base:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("CREATE TABLE kept (what)")
        assert await scan_apart([tmp_path], "kept") != []
        await look_into_from_outside(file)
        assert (tmp_path / "store.sqlite-wal").exists(), "another process took itself for the last"


def test_a_search_for_packed_streams_looks_at_no_byte_behind_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(b"of Maija") * 3 + bytes(4096))
    ends: list[tuple[int, int]] = []

    class Watched(mmap.mmap):
        def find(self, sub: Any, start: int = 0, end: int | None = None, /) -> int:
            ends.append((len(self), len(self) if end is None else end))
            return super().find(sub, start, ends[-1][1])

    monkeypatch.setattr("privacy.scan.mmap.mmap", Watched)
    assert scan([tmp_path], "Maija") == [Found(str(tmp_path / "a"), "packed, plain")]
    assert ends
    assert all(end < whole for whole, end in ends), "Python before 3.11.4 looks at the byte behind `end`"
