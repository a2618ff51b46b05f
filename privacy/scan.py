"""Looks for a value in every byte of an installation's files, however it is written; it never shows the value."""

import asyncio
import base64
import json
import mmap
import os
import struct
import sys
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

CHUNK_BYTES = 4 * 1024 * 1024
LEAST_CHARACTERS = 4  # what is shorter is found everywhere by chance
PIECE_BYTES = 64 * 1024
_WORD = struct.Struct("Q")
WORD = _WORD.size  # bytes that are looked up at once
FEW = 200  # written values that are looked for one by one: more than that take longer than every word of the content
_GZIP = b"\x1f\x8b\x08"
_ZIP_MEMBER = b"PK\x03\x04"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


class TooShortError(ValueError):
    """The value is so short that it would be found by chance."""


class SearchBrokenError(OSError):
    """The search broke off, so that nobody can tell what is left; the message says where."""


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """Where a value lies and how it is written there."""

    file: str
    way: str


class Needle:
    """Values in every way in which they could lie in a file."""

    def __init__(self, *values: str) -> None:
        """Work out the ways.

        Raises:
            TooShortError: one has fewer than four characters.
        """
        if any(len(value) < LEAST_CHARACTERS for value in values):
            raise TooShortError(f"a value to look for needs {LEAST_CHARACTERS} characters or more")
        folded = _first_way_of_each(way for value in values for way in _ways(value))
        exact = _first_way_of_each(way for value in values for way in _base64_ways(value))
        self._folded, self._exact = _Written(folded), _Written(exact)
        self.longest = max((len(each) for _, each in (*folded, *exact)), default=1)

    def ways_in(self, content: bytes) -> set[str]:
        """Return in which ways the value stands in the content, small and capital letters alike."""
        return self._folded.ways_in(content.lower()) | self._exact.ways_in(content)


class _Written:
    """What is looked for byte by byte.

    Somebody with thousands of sockets has thousands of values to look for, each written in twenty ways. One after
    another, that takes hours in a store of a gigabyte, and every other erasure waits. So where there are many, each
    word of the content is looked up among those with which they begin and end, and few are left to look for.
    """

    def __init__(self, ways: Sequence[tuple[str, bytes]]) -> None:
        self._alone = [each for each in ways if len(each[1]) < WORD or len(ways) <= FEW]
        self._by_first: dict[int, list[tuple[str, bytes]]] = {}
        for way, written in ways if len(ways) > FEW else ():
            if len(written) >= WORD:
                self._by_first.setdefault(_word(written[:WORD]), []).append((way, written))
        lasts = {_word(written[-WORD:]) for some in self._by_first.values() for _, written in some}
        self._words = lasts | self._by_first.keys()

    def ways_in(self, content: bytes) -> set[str]:
        """Return in which ways something of it stands in the content."""
        found = {way for way, written in self._alone if written in content}
        there = self._words_in(content)
        for first in there & self._by_first.keys():
            likely = (each for each in self._by_first[first] if _word(each[1][-WORD:]) in there)
            found |= {way for way, written in likely if written in content}
        return found

    def _words_in(self, content: bytes) -> set[int]:
        """Return which of the words stand anywhere in the content."""
        found: set[int] = set()
        view = memoryview(content)
        for begin in range(WORD if self._words else 0):
            end = begin + max(0, len(content) - begin) // WORD * WORD
            found |= self._words.intersection(view[begin:end].cast("Q"))
        return found


def _word(written: bytes) -> int:
    word: int = _WORD.unpack(written)[0]
    return word


def scan(roots: list[Path], *values: str) -> list[Found]:
    """Return every place where one of the values lies in files below `roots` (files or folders), packed ones opened.

    Raises:
        TooShortError: a value would be found by chance.
        SearchBrokenError: a file or a folder cannot be looked into.
    """
    needle = Needle(*values)
    found: set[Found] = set()
    try:
        for path in _files(roots):
            found |= {Found(str(path), way) for way in _ways_in_file(path, needle)}
    except OSError as error:
        raise SearchBrokenError(
            f"{error.filename} cannot be looked into: {error.strerror}. Nobody can tell what is in it: let the user "
            "who runs isocket read it."
        ) from error
    return sorted(found)


async def scan_apart(roots: list[Path], *values: str) -> list[Found]:
    """Scan in a process of its own, for a process that has databases among these files open.

    Closing a file takes away every lock that the process holds on it (POSIX). SQLite's would be gone, and the next
    process to look into the store would take itself for the last and delete the log that this one still writes to.

    Raises:
        SearchBrokenError: as `scan`, or the process ended before its time.
    """
    asked = json.dumps({"roots": [str(root) for root in roots], "values": values}).encode()
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "privacy.scan", stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        said, complaint = await child.communicate(asked)
    finally:
        if child.returncode is None:
            child.kill()
    if child.returncode:
        why = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise SearchBrokenError(f"The search through the files of the installation broke off: {why or 'it was ended'}")
    return [Found(**each) for each in json.loads(said)]


def _answer() -> None:
    """Scan as standard input asks, and write what was found: the values stand in no list of processes."""
    asked = json.load(sys.stdin)
    try:
        found = scan([Path(root) for root in asked["roots"]], *asked["values"])
    except SearchBrokenError as error:
        sys.exit(str(error))
    json.dump([{"file": each.file, "way": each.way} for each in found], sys.stdout)


def _files(roots: list[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for root in roots:
        walked = os.walk(root, onerror=_refuse_what_is_closed) if root.is_dir() else ()
        inside = [Path(folder) / name for folder, _, names in walked for name in names]
        for path in sorted(inside) or [root]:
            real = path.resolve()
            if real.is_file() and real not in seen:
                seen.add(real)
                yield path


def _refuse_what_is_closed(error: OSError) -> None:
    """Break the search off where a folder cannot be entered, which `os.walk` by itself passes over."""
    if not isinstance(error, FileNotFoundError):  # gone since it was listed
        raise error


def _ways_in_file(path: Path, needle: Needle) -> set[str]:
    found = {"in its name"} if needle.ways_in(path.name.encode(errors="surrogateescape")) else set[str]()
    try:
        with path.open("rb") as file:
            tail = b""
            while chunk := file.read(CHUNK_BYTES):
                window = tail + chunk
                found |= needle.ways_in(window)
                tail = window[-needle.longest :]
        return found | {f"packed, {way}" for way in _packed_ways(path, needle)}
    except FileNotFoundError:  # gone since it was listed, as logs of a database go
        return found


def _packed_ways(path: Path, needle: Needle) -> set[str]:
    """Look into every gzip, zlib and zip stream that begins anywhere in the file, as far as it opens."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return set()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return {way for start, bits in _starts(content) for way in _ways_unpacked(content, start, bits, needle)}


def _starts(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Yield where a packed stream may begin, and how zlib is told of which kind it is."""
    for magic, bits in ((_GZIP, 31), *((each, 15) for each in _ZLIB)):
        for at in _places(content, magic):
            yield at, bits
    for at in _places(content, _ZIP_MEMBER):  # its deflated bytes begin after its name
        name, extra = content[at + 26 : at + 28], content[at + 28 : at + 30]
        yield at + 30 + int.from_bytes(name, "little") + int.from_bytes(extra, "little"), -15


def _places(content: mmap.mmap, magic: bytes) -> Iterator[int]:
    """Yield where a stream may begin; one that begins with the last bytes of a file holds nothing.

    So the search ends before the last byte: up to 3.11.3 Python looks at one more than it is told
    (https://github.com/python/cpython/issues/105235), and behind a file of whole pages, as databases are, there is
    no memory: the process would die of it.
    """
    end = len(content) - 1
    at = content.find(magic, 0, end)
    while at >= 0:
        yield at
        at = content.find(magic, at + 1, end)


def _ways_unpacked(content: mmap.mmap, start: int, bits: int, needle: Needle) -> set[str]:
    """Return the ways in one stream. Most only look like one, so that little is read before the first is opened."""
    opened, found, tail, at = zlib.decompressobj(bits), set[str](), b"", start
    while not opened.eof and (rest := opened.unconsumed_tail or content[at : at + PIECE_BYTES]):
        at += 0 if opened.unconsumed_tail else PIECE_BYTES
        try:
            window = tail + opened.decompress(rest, CHUNK_BYTES)
        except zlib.error:
            return found
        found |= needle.ways_in(window)
        tail = window[-needle.longest :]
    return found


def _first_way_of_each(ways: Iterable[tuple[str, bytes]]) -> tuple[tuple[str, bytes], ...]:
    named: dict[bytes, str] = {}
    for way, written in ways:
        named.setdefault(written, way)
    return tuple((way, written) for written, way in named.items())


def _ways(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield what does not depend on capitals; the letters in it are small."""
    composed, taken_apart = (unicodedata.normalize(form, value) for form in ("NFC", "NFD"))
    for form in dict.fromkeys((value, value.lower(), composed, taken_apart)):
        yield "plain", form.encode().lower()
        yield "UTF-16", form.encode("utf-16-le").lower()
        yield "UTF-16", form.encode("utf-16-be").lower()
        yield "JSON", json.dumps(form)[1:-1].lower().encode()
        yield "hexadecimal", form.encode().hex().encode()
        yield "percent", quote(form, safe="").lower().encode()
        yield "percent", quote_plus(form).lower().encode()


def _base64_ways(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield the value's base64 at each of the three places in a group where it can begin, without its ends."""
    for raw in (value.encode(), value.encode("utf-16-le")):
        for before in range(3):
            whole = base64.b64encode(b"\0" * before + raw)
            middle = whole[(0, 2, 3)[before] :].rstrip(b"=")[:-1]
            yield "base64", middle
            yield "base64", middle.translate(bytes.maketrans(b"+/", b"-_"))


if __name__ == "__main__":
    _answer()
