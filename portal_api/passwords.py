"""Passwords: bcrypt over a keyed pre-hash, in few threads that step back for all others, behind a short line.

bcrypt reads 72 bytes and stops at a zero byte, so the password goes through HMAC-SHA-384 first: 64 characters of
base64, whatever its length. The key (pepper) lies outside the database, so that a stolen database alone cannot
be searched, and hashes known from elsewhere cannot be tried (OWASP Password Storage Cheat Sheet, "peppering"
and "password shucking").
"""

import asyncio
import base64
import hashlib
import hmac
import os
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import bcrypt

from isocket.kit.priority import stand_back
from isocket.kit.secret_file import create_secret_file
from portal_api.line import Line, Place

T = TypeVar("T")
LEAST_COST = 10  # OWASP Password Storage Cheat Sheet, bcrypt
PEPPER_BYTES = 48
WAITING = 16  # strangers, and as many again of those who are known: four seconds with one thread at cost 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password is the right one, and whether its hash should be made anew at today's cost."""

    right: bool
    outdated: bool = False


class Passwords:
    """Makes and checks password hashes, a few at a time.

    Half of the cores may be busy with it, and where all are busy a tenth of one: a sign-in costs a quarter of a second
    of one core, so whoever tries a few a second would otherwise hold up every alarm. Less than that tenth, and nobody
    could sign in beside a long computation. bcrypt holds the
    interpreter's lock while it begins and ends, not while it works.
    """

    least_cost: ClassVar[int] = LEAST_COST
    niceness: ClassVar[int] = 10

    def __init__(self, *, pepper: bytes, cost: int = 12, threads: int | None = None, waiting: int = WAITING) -> None:
        if cost < self.least_cost:
            raise ValueError(f"bcrypt cost {cost} is too low; set ISOCKET_BCRYPT_COST to {self.least_cost} or more")
        self._pepper = pepper
        self._cost = cost
        self._key_id = hashlib.sha256(b"pepper" + pepper).hexdigest()[:8]
        at_once = threads or max(1, (os.cpu_count() or 2) // 2)
        self._line = Line(at_once=at_once, waiting=waiting)
        self._pool = ThreadPoolExecutor(
            max_workers=at_once, thread_name_prefix="passwords", initializer=stand_back, initargs=(self.niceness,)
        )
        self._nobody = self._hash(secrets.token_urlsafe(16))

    def place(self, *, known: bool = False) -> AbstractContextManager[Place]:
        """Hold a place in the line, to be taken before anything is done for somebody who may have to be refused.

        Whoever is `known` goes before strangers, and has room however many of these there are.

        Raises:
            TooBusyError: too many are waiting already.
        """
        return self._line.place(known=known)

    async def hash(self, password: str, *, known: bool = False) -> str:
        """Return what to store of `password`.

        Raises:
            TooBusyError: too many are waiting already.
        """
        with self.place(known=known) as place:
            return await self._in_a_thread(place, lambda: self._hash(password))

    async def verify(self, password: str, stored: str | None, *, place: Place | None = None) -> Verdict:
        """Check `password` against what was stored. Without any (None or empty) it takes as long and is wrong.

        Raises:
            TooBusyError: there was no `place` yet, and too many are waiting already.
        """
        if place is None:
            with self.place() as taken:
                return await self.verify(password, stored, place=taken)
        return await self._in_a_thread(place, lambda: self._verify(password, stored or None))

    def close(self) -> None:
        """End the threads; what they do is finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _in_a_thread(self, place: Place, work: Callable[[], T]) -> T:
        async with place.turn():
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)

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
