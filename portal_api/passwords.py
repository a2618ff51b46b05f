"""Passwords: bcrypt over a keyed pre-hash, in a few threads, with a door that closes before a queue grows.

bcrypt reads 72 bytes and stops at a zero byte, so the password goes through HMAC-SHA-384 first: 64 characters of
base64, whatever its length. The key (pepper) lies outside the database, so that a stolen database alone cannot
be searched, and hashes known from elsewhere cannot be tried (OWASP Password Storage Cheat Sheet, "peppering"
and "password shucking").
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import bcrypt

from isocket.kit.secret_file import create_secret_file

T = TypeVar("T")
LEAST_COST = 10  # OWASP Password Storage Cheat Sheet, bcrypt
PEPPER_BYTES = 48


class TooBusyError(Exception):
    """Too many passwords wait to be checked. Refuse the caller and let them come back after `retry_after_s`."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("too many passwords wait to be checked; answer 429 with Retry-After")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password is the right one, and whether its hash should be made anew at today's cost."""

    right: bool
    outdated: bool = False


class Passwords:
    """Makes and checks password hashes, a few at a time."""

    least_cost: ClassVar[int] = LEAST_COST

    def __init__(self, *, pepper: bytes, cost: int = 12, threads: int = 2, waiting: int = 24) -> None:
        if cost < self.least_cost:
            raise ValueError(f"bcrypt cost {cost} is too low; set ISOCKET_BCRYPT_COST to {self.least_cost} or more")
        self._pepper = pepper
        self._cost = cost
        self._key_id = hashlib.sha256(b"pepper" + pepper).hexdigest()[:8]
        self._room = threads + waiting
        self._inside = 0
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="passwords")
        self._nobody = self._hash(secrets.token_urlsafe(16))

    @property
    def waiting(self) -> int:
        """Return how many passwords are being checked or wait for it."""
        return self._inside

    async def hash(self, password: str) -> str:
        """Return what to store of `password`.

        Raises:
            TooBusyError: too many are waiting already.
        """
        return await self._in_a_thread(lambda: self._hash(password))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Check `password` against what was stored. Without any (None or empty) it takes as long and is wrong.

        Raises:
            TooBusyError: too many are waiting already.
        """
        return await self._in_a_thread(lambda: self._verify(password, stored or None))

    def close(self) -> None:
        """End the threads; what they do is finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _in_a_thread(self, work: Callable[[], T]) -> T:
        if self._inside >= self._room:
            raise TooBusyError(retry_after_s=2.0)
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._inside -= 1

    def _hash(self, password: str) -> str:
        made = bcrypt.hashpw(self._pre_hash(password), bcrypt.gensalt(self._cost)).decode()
        return f"v1:{self._key_id}:{made}"

    def _verify(self, password: str, stored: str | None) -> Verdict:
        _, key_id, made = (stored or self._nobody).split(":", 2)
        right = bcrypt.checkpw(self._pre_hash(password), made.encode())
        if stored is None or key_id != self._key_id:
            return Verdict(right=False)
        return Verdict(right=right, outdated=right and _cost_of(made) < self._cost)

    def _pre_hash(self, password: str) -> bytes:
        plain = unicodedata.normalize("NFKC", password).encode()
        return base64.b64encode(hmac.new(self._pepper, plain, hashlib.sha384).digest())


def load_or_create_pepper(path: Path) -> bytes:
    """Return the pepper in the file `path`, making it (mode 0600) the first time. Blocking; call it at start.

    Raises:
        ValueError: the file is not one of ours; without the right pepper no password can be checked.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        create_secret_file(path, base64.b64encode(secrets.token_bytes(PEPPER_BYTES)))
    pepper = base64.b64decode(path.read_bytes().strip(), validate=True)
    if len(pepper) != PEPPER_BYTES:
        raise ValueError(f"{path} is not a password key; restore it from the backup of the data folder")
    return pepper


def _cost_of(made: str) -> int:
    return int(made.split("$")[2])
