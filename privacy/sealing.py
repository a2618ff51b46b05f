"""The sealed archive: a file that any two of three managers open together, and the server that made it cannot.

    line 1   JSON: what it is, when it is destroyed, whose keys, and a share for either manager of each pair
    the rest the content, Cobblestone-256 (chunked AES-GCM of the `cryptography` library) under a key made for this file

For each pair of managers the key is split by XOR; either half is sealed to one of them by HPKE. What the first line
says is bound into the key's use and into each share, so that nothing of it can be altered.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import IO, Any

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from isocket.kit.clock import from_text, to_text
from privacy.manager_keys import PrivateKey, PublicKey

KIND = "isocket-archive-1"
MANAGERS = 3
NEEDED = 2
_CHUNK = 64 * 1024
_LONGEST_HEAD = 256 * 1024


class ArchiveError(Exception):
    """A file cannot be sealed or opened; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What everybody may know of an archive. Nothing in it tells whose it is."""

    id: str
    sealed_at: datetime
    destroy_at: datetime
    managers: Mapping[str, str]  # fingerprint of the key to the name in its file
    counts: Mapping[str, int]  # collection to how many records

    def text(self) -> str:
        """Return it as JSON that is the same each time."""
        return json.dumps(
            {
                "kind": KIND,
                "id": self.id,
                "sealed_at": to_text(self.sealed_at),
                "destroy_at": to_text(self.destroy_at),
                "managers": dict(self.managers),
                "counts": dict(self.counts),
            },
            sort_keys=True,
            ensure_ascii=False,
        )


def check_managers(keys: Sequence[PublicKey]) -> None:
    """Refuse what would not be two of three.

    Raises:
        ArchiveError: there are not three different keys.
    """
    if len({each.fingerprint for each in keys}) != MANAGERS or len(keys) != MANAGERS:
        raise ArchiveError(f"An archive is sealed to the keys of {MANAGERS} managers, each another; found {len(keys)}.")


def check_keys(manifest: Manifest, keys: Sequence[PrivateKey]) -> None:
    """Refuse keys that do not open this archive.

    Raises:
        ArchiveError: they are not those of two of its managers.
    """
    by_name = {each.public.fingerprint: each for each in keys}
    strangers = [each.name for name, each in by_name.items() if name not in manifest.managers]
    if strangers:
        raise ArchiveError(f"The key of {strangers[0]} is not among those that open this archive.")
    if len(by_name) != NEEDED:
        raise ArchiveError(f"It takes the keys of {NEEDED} different managers.")


def seal(manifest: Manifest, content: Iterable[bytes], managers: Sequence[PublicKey], path: Path) -> str:
    """Write the archive; return the SHA-256 of its bytes. It is there whole or not at all, and may be written again."""
    check_managers(managers)
    key, context = Cobblestone256Encryptor.generate_key(), _context(manifest.text())
    head = {"manifest": manifest.text(), "shares": _split(key, context, managers)}
    draft, digest = draft_of(path), hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        for piece in _sealed(json.dumps(head).encode() + b"\n", content, Cobblestone256Encryptor(key, context)):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return digest.hexdigest()


def draft_of(path: Path) -> Path:
    """Return where an archive lies while it is written; who dies then leaves it there."""
    return path.with_suffix(".draft")


def manifest_of(path: Path) -> Manifest:
    """Return what an archive says of itself; that it is true is known only when it was opened.

    Raises:
        ArchiveError: this is no archive.
    """
    with _opened(path) as file:
        return _read_head(path, file)[0]


def open_archive(path: Path, keys: Sequence[PrivateKey], into: Path) -> Manifest:
    """Write the content in clear to `into`, whole or not at all, for its owner only.

    Raises:
        ArchiveError: the keys are not those of two managers of this archive, or it was altered or cut off.
    """
    draft = into.with_name(f"{into.name}.{secrets.token_hex(4)}.draft")
    with _opened(path) as file:
        manifest, shares, said = _read_head(path, file)
        context = _context(said)
        cipher = Cobblestone256Decryptor(_joined(shares, keys, manifest, context), context)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                while piece := file.read(_CHUNK):
                    out.write(cipher.update(piece))
                out.write(cipher.finalize())  # only now is it known that nothing was cut off
                out.flush()
                os.fsync(out.fileno())
            os.link(draft, into)
        except (InvalidTag, ValueError):
            raise ArchiveError(f"{path} was altered or cut off: nothing was written.") from None
        except FileExistsError:
            raise ArchiveError(f"{into} is there already: name another file.") from None
        finally:
            draft.unlink(missing_ok=True)
    return manifest


def _sealed(head: bytes, content: Iterable[bytes], cipher: Cobblestone256Encryptor) -> Iterator[bytes]:
    yield head
    for piece in content:
        yield cipher.update(piece)
    yield cipher.finalize()


def _context(manifest: str) -> bytes:
    return b"isocket archive/" + hashlib.sha256(manifest.encode()).digest()


def _split(key: bytes, context: bytes, managers: Sequence[PublicKey]) -> dict[str, str]:
    """Return the sealed halves: `first+second` names the pair, `/first` whose half it is."""
    shares: dict[str, str] = {}
    for first, second in combinations(sorted(managers, key=lambda each: each.fingerprint), NEEDED):
        pair = f"{first.fingerprint}+{second.fingerprint}"
        mask = secrets.token_bytes(len(key))
        for who, half in ((first, mask), (second, _xor(key, mask))):
            name = f"{pair}/{who.fingerprint}"
            shares[name] = base64.b64encode(who.seal(half, context + name.encode())).decode()
    return shares


def _joined(shares: Mapping[str, str], keys: Sequence[PrivateKey], manifest: Manifest, context: bytes) -> bytes:
    check_keys(manifest, keys)
    by_name = {each.public.fingerprint: each for each in keys}
    pair = "+".join(sorted(by_name))
    try:
        halves = [
            key.open(base64.b64decode(shares[f"{pair}/{name}"], validate=True), context + f"{pair}/{name}".encode())
            for name, key in by_name.items()
        ]
    except (InvalidTag, ValueError, KeyError):
        raise ArchiveError("What the archive says of itself was altered: nothing was written.") from None
    return _xor(*halves)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror}.") from error


def _instant(text: str) -> datetime:
    found = from_text(text)
    if found.tzinfo is None:
        raise ValueError("a time without a time zone")
    return found


def _read_head(path: Path, file: IO[bytes]) -> tuple[Manifest, dict[str, str], str]:
    try:
        head: dict[str, Any] = json.loads(file.readline(_LONGEST_HEAD))
        text = str(head["manifest"])
        said: dict[str, Any] = json.loads(text)
        manifest = Manifest(
            id={KIND: said["id"]}[said["kind"]],
            sealed_at=_instant(said["sealed_at"]),
            destroy_at=_instant(said["destroy_at"]),
            managers=said["managers"],
            counts=said["counts"],
        )
        shares = {str(name): str(share) for name, share in head["shares"].items()}
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ArchiveError(f"{path} is no archive.") from None
    return manifest, shares, text
