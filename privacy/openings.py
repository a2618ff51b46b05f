"""The ledger of openings: a line for each time that managers opened an archive, beside the archives.

Each line holds the hash of the one before it, so that a line that was taken out or changed is seen.
"""

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from isocket.kit.clock import to_text

LEDGER = "openings.jsonl"
_FIRST = "0" * 64


class OpeningsBrokenError(Exception):
    """A line of the ledger is missing, or was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One opening: which archive, by whose keys, when, and for what."""

    archive_id: str
    managers: tuple[str, ...]
    at: str
    reason: str


class Openings:
    """The ledger in one folder. Both verbs block."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEDGER

    def note(self, archive_id: str, managers: tuple[str, ...], at: datetime, reason: str) -> None:
        """Add a line, on disk when this returns; what a crash left half written is cut off first.

        Raises:
            OpeningsBrokenError: what is there was changed.
            OSError: the folder cannot be written to.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            content = file.read()
            whole = content[: content.rfind(b"\n") + 1]
            _, last = _read(whole)
            made = Opening(archive_id=archive_id, managers=managers, at=to_text(at), reason=reason)
            file.seek(len(whole))
            file.truncate()
            file.write(json.dumps({**asdict(made), "after": last}, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def lines(self) -> list[Opening]:
        """Return every opening, oldest first.

        Raises:
            OpeningsBrokenError: a line is missing or was changed.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        return _read(content[: content.rfind(b"\n") + 1])[0]


def _read(content: bytes) -> tuple[list[Opening], str]:
    found: list[Opening] = []
    last = _FIRST
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            said = json.loads(line)
            after = said.pop("after")
            found.append(Opening(**{**said, "managers": tuple(said["managers"])}))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise OpeningsBrokenError(f"Line {number} of the ledger of openings cannot be read.") from None
        if after != last:
            raise OpeningsBrokenError(
                f"Before line {number} of the ledger of openings a line is missing or was changed."
            )
        last = hashlib.sha256(line).hexdigest()
    return found, last
