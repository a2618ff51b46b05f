"""Files about one person, sealed under that person's key while they are written: nothing of them is on disk in clear.

A file is a random prefix of eight bytes and pieces of at most 64 KiB, each with its length in front, sealed with
AES-256-GCM. Name, number of the piece and whether it is the last are bound in, so that none can be moved or left out.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PIECE_BYTES = 64 * 1024
PREFIX_BYTES = 8
_LENGTH_BYTES = 4
_SUFFIXES = _SEALED, _DRAFT = (".sealed", ".draft")


class ShelfBrokenError(Exception):
    """A file does not open: altered, cut off, or of another person."""


class Shelf:
    """A folder of sealed files, by name. All verbs block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, key: bytes) -> "SealedFile":
        """Begin a file; it is there once it is closed."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return SealedFile(self._path(name), name, key)

    def read(self, name: str, key: bytes) -> Iterator[bytes]:
        """Yield what was written, a piece at a time.

        Raises:
            ShelfBrokenError: it does not open.
            FileNotFoundError: there is none.
        """
        cipher = AESGCM(key)
        with self._path(name).open("rb") as file:
            prefix, number, last = file.read(PREFIX_BYTES), 0, False
            while not last:
                head = file.read(_LENGTH_BYTES + 1)
                length, last = int.from_bytes(head[:_LENGTH_BYTES], "big"), head[_LENGTH_BYTES:] == b"\x01"
                sealed = file.read(length)
                try:
                    piece = cipher.decrypt(_nonce(prefix, number), sealed, _bound(name, last=last))
                except (InvalidTag, ValueError) as error:
                    raise ShelfBrokenError(f"{name} does not open at piece {number}") from error
                yield piece
                number += 1

    def remove(self, name: str) -> None:
        """Take a file away; none is no error."""
        for path in (self._path(name), _draft(self._path(name))):
            path.unlink(missing_ok=True)

    def names(self) -> set[str]:
        """Return what is there, unfinished files too; what others put into the folder is none of it."""
        if not self._folder.is_dir():
            return set()
        return {each.stem for each in self._folder.iterdir() if each.suffix in _SUFFIXES and _is_name(each.stem)}

    def _path(self, name: str) -> Path:
        if not _is_name(name):
            raise ValueError("a name of letters, digits and underscores is needed")
        return self._folder / f"{name}{_SEALED}"


class SealedFile:
    """A file being written, as `zipfile` writes to one that cannot go back."""

    def __init__(self, path: Path, name: str, key: bytes) -> None:
        self._path = path
        self._name = name
        self._cipher = AESGCM(key)
        self._prefix = secrets.token_bytes(PREFIX_BYTES)
        self._number = 0
        self._waiting = bytearray()
        self.size = 0  # of what was written, in clear
        descriptor = os.open(_draft(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._file.write(self._prefix)

    def write(self, content: bytes) -> int:
        """Take more; whole pieces go to disk."""
        self._waiting += content
        self.size += len(content)
        while len(self._waiting) > PIECE_BYTES:
            self._put(bytes(self._waiting[:PIECE_BYTES]), last=False)
            del self._waiting[:PIECE_BYTES]
        return len(content)

    def flush(self) -> None:
        """Do nothing: pieces go when they are whole."""

    def close(self) -> None:
        """Write the last piece and put the file in its place."""
        self._put(bytes(self._waiting), last=True)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _draft(self._path).replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        _draft(self._path).unlink(missing_ok=True)

    def _put(self, piece: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._prefix, self._number), piece, _bound(self._name, last=last))
        self._file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + (b"\x01" if last else b"\x00") + sealed)
        self._number += 1


def _is_name(name: str) -> bool:
    return name.replace("_", "").isalnum()


def _draft(path: Path) -> Path:
    return path.with_suffix(_DRAFT)


def _nonce(prefix: bytes, number: int) -> bytes:
    return prefix + number.to_bytes(4, "big")


def _bound(name: str, *, last: bool) -> bytes:
    return f"{name}/{'last' if last else 'more'}".encode()
