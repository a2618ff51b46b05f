"""The file of what people chose: it lies apart from the store, so that a restored backup does not undo it.

A line is a choice as it was then; the last of a key holds. It names nobody: keys are hashes of ids or of addresses.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ChoicesBrokenError(Exception):
    """A line cannot be read: restore the file, for without it choices would be undone by a backup."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: the class, whose it is (a hash) and what of, and what stands in the store, None once it is gone."""

    collection: str
    key: str
    content: Mapping[str, Any] | None


Folded = dict[tuple[str, str], Choice]


class ChoiceLedger:
    """Lines are only ever added; the last of a key holds. All verbs block."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, choices: Sequence[Choice]) -> None:
        """Add lines, on disk when this returns; what a crash left half written is cut off first."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            content = file.read()
            file.seek(content.rfind(b"\n") + 1)
            file.truncate()
            for each in choices:
                line = {"collection": each.collection, "key": each.key, "content": each.content}
                file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def folded(self) -> Folded:
        """Return the last line of each key.

        Raises:
            ChoicesBrokenError: the file or a whole line of it cannot be read.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            words = f"the ledger of choices cannot be read: {self._path}: {error.strerror}"
            raise ChoicesBrokenError(words) from error
        found: Folded = {}
        for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), start=1):
            try:
                each = Choice(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise ChoicesBrokenError(f"line {number} of the ledger of choices is broken: restore it") from error
            found[each.collection, each.key] = each
        return found

    def mark(self) -> str:
        """Return the id of the note by which a store says that it knows all that is in the file as it is now."""
        content = self._path.read_bytes() if self._path.exists() else b""
        return f"choices {hashlib.sha256(content).hexdigest()}"
