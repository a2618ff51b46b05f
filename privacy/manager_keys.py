"""Managers' keys: a pair each, hybrid against quantum computers. The public half seals archives, the private opens.

Key encapsulation is X25519 with ML-KEM-768 (X-Wing), by HPKE (RFC 9180) of the `cryptography` library. A private key is
a file of JSON that a passphrase may protect (Argon2id, parameters of RFC 9106 section 4 for little memory).
"""

import base64
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
PUBLIC = "isocket-archive-public-1"
PRIVATE = "isocket-archive-private-1"
_X25519_BYTES = 32
_SALT_BYTES = 16
_NONCE_BYTES = 12
_MEMORY_KIB = 64 * 1024


class ManagerKeyError(Exception):
    """A key file cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A manager's public half. `fingerprint` names the key, whatever its file is called."""

    name: str
    content: bytes  # ML-KEM's, then X25519's

    @property
    def fingerprint(self) -> str:
        """Return the first 16 hex digits of its SHA-256."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    def seal(self, secret: bytes, info: bytes) -> bytes:
        """Seal a few bytes to this manager, bound to `info`."""
        kem, curve = self.content[:-_X25519_BYTES], self.content[-_X25519_BYTES:]
        key = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(kem), X25519PublicKey.from_public_bytes(curve)
        )
        return SUITE.encrypt(secret, key, info)

    def text(self) -> str:
        """Return the line that a public key file holds."""
        return f"{PUBLIC} {base64.b64encode(self.content).decode()} {self.name}\n"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PrivateKey:
    """A manager's private half."""

    name: str
    seed: bytes  # ML-KEM's 64 bytes
    curve: bytes  # X25519's 32 bytes

    @property
    def public(self) -> PublicKey:
        """Return the other half."""
        kem = MLKEM768PrivateKey.from_seed_bytes(self.seed).public_key().public_bytes_raw()
        curve = X25519PrivateKey.from_private_bytes(self.curve).public_key().public_bytes_raw()
        return PublicKey(name=self.name, content=kem + curve)

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open what was sealed to this manager.

        Raises:
            InvalidTag: it was not, or for something else, or was altered.
        """
        key = MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(self.seed), X25519PrivateKey.from_private_bytes(self.curve)
        )
        return SUITE.decrypt(sealed, key, info)


def make_key(name: str) -> PrivateKey:
    """Make a new pair."""
    return PrivateKey(
        name=name,
        seed=MLKEM768PrivateKey.generate().private_bytes_raw(),
        curve=X25519PrivateKey.generate().private_bytes_raw(),
    )


def write_private(key: PrivateKey, passphrase: str) -> bytes:
    """Return the content of a private key's file; an empty passphrase leaves it unprotected."""
    secret = key.seed + key.curve
    head: dict[str, Any] = {"kind": PRIVATE, "name": key.name, "fingerprint": key.public.fingerprint}
    if passphrase:
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
        secret = nonce + AESGCM(_stretched(passphrase, salt)).encrypt(nonce, secret, key.name.encode())
        head["salt"] = base64.b64encode(salt).decode()
    return (json.dumps({**head, "key": base64.b64encode(secret).decode()}, indent=2) + "\n").encode()


def read_private(path: Path, ask: Callable[[str], str]) -> PrivateKey:
    """Read a private key; `ask(file name)` gives the passphrase where it has one.

    Raises:
        ManagerKeyError: the file is no private key, or the passphrase is wrong.
    """
    try:
        found = json.loads(path.read_bytes())
        _check_kind(found["kind"], PRIVATE)
        name, secret = str(found["name"]), base64.b64decode(found["key"], validate=True)
        salt = base64.b64decode(found["salt"], validate=True) if "salt" in found else None
    except OSError as error:
        raise ManagerKeyError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError):
        raise ManagerKeyError(f"{path} is no private key of a manager: `isocket archive keygen` makes one.") from None
    if salt is not None:
        key = AESGCM(_stretched(ask(path.name), salt))
        try:
            secret = key.decrypt(secret[:_NONCE_BYTES], secret[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            raise ManagerKeyError(f"The passphrase of {path} is wrong, or the file was altered.") from None
    made = PrivateKey(name=name, seed=secret[:-_X25519_BYTES], curve=secret[-_X25519_BYTES:])
    try:
        fits = made.public.fingerprint == found.get("fingerprint")
    except ValueError:
        fits = False
    if not fits:
        raise ManagerKeyError(f"{path} was altered: its key is not the one that its fingerprint names.")
    return made


def read_public(path: Path) -> PublicKey:
    """Read a public key.

    Raises:
        ManagerKeyError: the file is none.
    """
    try:
        kind, content, name = path.read_text(encoding="utf-8").strip().split(" ", 2)
        made = PublicKey(name=name, content=base64.b64decode(content, validate=True))
        _check_kind(kind, PUBLIC)
        made.seal(b"", b"")  # a key that seals nothing is found now, not in two years
    except OSError as error:
        raise ManagerKeyError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, UnicodeDecodeError):
        raise ManagerKeyError(f"{path} is no public key of a manager: `isocket archive keygen` makes one.") from None
    return made


def _check_kind(found: object, wanted: str) -> None:
    if found != wanted:
        raise ValueError(f"{wanted} is wanted")


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=_MEMORY_KIB).derive(passphrase.encode())
