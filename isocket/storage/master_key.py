"""The secret under which the keys of persons are wrapped: a file of its own, that only its owner may read."""

import secrets
from pathlib import Path

from isocket.kit.secret_file import create_secret_file

KEY_BYTES = 32


class MasterKeyError(Exception):
    """The master key is not the one of this keyring, or its file is not fit to hold a secret."""


def load_or_create_master_key(path: Path) -> bytes:
    """Return the 32 bytes in the file (64 hexadecimal digits), made if there is none, readable by its owner only.

    Raises:
        MasterKeyError: others may read the file, or it holds something else.
    """
    if not path.exists():
        create_secret_file(path, f"{secrets.token_hex(KEY_BYTES)}\n".encode())
    if path.stat().st_mode & 0o077:
        raise MasterKeyError(f"others may read {path}: say chmod 600 {path}")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise MasterKeyError(f"{path} does not hold a key of 64 hexadecimal digits: restore it from its backup")
    return key
