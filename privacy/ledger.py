"""The ledger of erasures: a small file apart from the store, so that a restored backup does not bring anybody back.

A line an erasure: its receipt's id, the hash of the account's id, when, and whether it was their own wish. It names
nobody. Keep it out of what is restored, or put it elsewhere (`ISOCKET_ERASURE_LEDGER`).
"""

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from isocket.kit.clock import to_text


class LedgerBrokenError(Exception):
    """A line cannot be read: restore the ledger, for without it erased people would come back with a backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One erasure."""

    erasure_id: str
    tombstone: str
    at: str
    own_wish: bool = False  # lines of earlier versions do not say so


class Ledger:
    """Lines are only ever added, each on disk when `note` returns. Both verbs block."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, erasure_id: str, tombstone: str, at: datetime, *, own_wish: bool = False) -> None:
        """Add a line, once for each receipt; what a crash left half written is cut off first.

        Lines before it are not taken apart: with tens of thousands each removal of a contact would cost half a second.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            content = file.read()
            whole = content[: content.rfind(b"\n") + 1]
            if json.dumps({"erasure_id": erasure_id})[1:-1].encode() in whole:
                return
            said = {"erasure_id": erasure_id, "tombstone": tombstone, "at": to_text(at)}
            line = json.dumps({**said, "own_wish": True} if own_wish else said)
            file.seek(len(whole))
            file.truncate()
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def lines(self) -> list[Line]:
        """Return every line; a half one at the end never was noted.

        Raises:
            LedgerBrokenError: the file or a whole line of it cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            words = f"the ledger of erasures cannot be read: {self.path}: {error.strerror}"
            raise LedgerBrokenError(words) from error
        return _lines(content[: content.rfind(b"\n") + 1])


def _lines(content: bytes) -> list[Line]:
    found: list[Line] = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            found.append(Line(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise LedgerBrokenError(f"line {number} of the ledger of erasures is broken: restore it") from error
    return found
