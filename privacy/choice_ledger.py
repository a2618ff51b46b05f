"""The file of what people chose: it lies apart from the store, so that a restored backup does not undo it.

A line is a choice as it was then; the last of a key holds. It names nobody: keys are hashes of ids or of addresses, and
what is kept of them no longer is taken out.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


class ChoicesBrokenError(Exception):
    """A line cannot be read: restore the file, for without it choices would be undone by a backup."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: the class, whose it is (a hash) and what of, and what stands in the store, None once it is gone."""

    collection: str
    key: str
    content: Mapping[str, Any] | None


Folded = dict[tuple[str, str], Choice]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The file as it was when it was `like` that: inode, size, and when it was written."""

    like: tuple[int, int, int]
    mark: str
    folded: Folded


class ChoiceLedger:
    """The last line of a key holds. All verbs block, and read the file only once it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: _Reading | None = None

    def note(self, choices: Sequence[Choice]) -> None:
        """Add lines, on disk when this returns; what a crash left half written is cut off first."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked() as file:
            content = file.read()
            file.seek(content.rfind(b"\n") + 1)
            file.truncate()
            for each in choices:
                line = {"collection": each.collection, "key": each.key, "content": each.content}
                file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def forget(self, is_over: Callable[[Choice], bool]) -> int:
        """Take out every line of the keys whose last one is over; return how many keys. All or nothing is on disk.

        Raises:
            ChoicesBrokenError: a whole line of the file cannot be read.
        """
        if not any(is_over(each) for each in self._reading().folded.values()):
            return 0
        with self._locked() as file:
            content = file.read()
            folded = self._reading().folded  # once more: whoever had the file before may have noted something
            over = {key for key, each in folded.items() if is_over(each)}
            lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
            rest = b"".join(line for line in lines if _key_of(line) not in over)
            draft = self._path.with_name(f"{self._path.name}.new")
            written = _write(draft, rest, mode=os.fstat(file.fileno()).st_mode & 0o777)  # who may read it still may
            draft.replace(self._path)
            left = {key: each for key, each in folded.items() if key not in over}
            self._last = _Reading(_like(written), _mark_of(rest), left)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return len(over)

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """Yield the file, to be read and written by nobody else: the one that has its name by then."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not self._path.exists() or not os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                    continue  # somebody has put another in its place while we waited
                yield file
                return

    def folded(self) -> Folded:
        """Return the last line of each key.

        Raises:
            ChoicesBrokenError: the file or a whole line of it cannot be read.
        """
        return self._reading().folded

    def mark(self) -> str:
        """Return the id of the note by which a store says that it knows all that is in the file as it is now.

        Raises:
            ChoicesBrokenError: the file or a whole line of it cannot be read.
        """
        return self._reading().mark

    def _reading(self) -> _Reading:
        """Return what is in the file as it is now."""
        try:
            like = _like(self._path.stat())
            if self._last is None or self._last.like != like:
                content = self._path.read_bytes()
                self._last = _Reading(like, _mark_of(content), _fold(content))
        except FileNotFoundError:
            return _Reading((0, 0, 0), _mark_of(b""), {})
        except OSError as error:
            words = f"the ledger of choices cannot be read: {self._path}: {error.strerror}"
            raise ChoicesBrokenError(words) from error
        return self._last


def _write(path: Path, content: bytes, *, mode: int) -> os.stat_result:
    """Write a file anew, on disk when this returns; where that fails nothing of it takes room."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            return os.fstat(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _like(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _fold(content: bytes) -> Folded:
    found: Folded = {}
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            each = Choice(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise ChoicesBrokenError(f"line {number} of the ledger of choices is broken: restore it") from error
        found[each.collection, each.key] = each
    return found


def _key_of(line: bytes) -> tuple[str, str]:
    each = Choice(**json.loads(line))
    return each.collection, each.key


def _mark_of(content: bytes) -> str:
    return f"choices {hashlib.sha256(content).hexdigest()}"
