"""The keys under which limits hide what they count: a new one every week, the old ones destroyed.

A network address is one of four thousand million: whoever has the key could try them all. So what was counted long ago
must have been counted under a key that nobody has any more.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from isocket.kit.clock import EPOCH, Clock
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring, PersonErasedError

log = get_logger(__name__)

WEEK = timedelta(days=7)
KEPT_WEEKS = 6
LONGEST_S = (KEPT_WEEKS - 1) * WEEK.total_seconds()  # so long a note can be found again: its key is there still
_LOOKED_BACK = 520  # weeks: a portal that stood still for years destroys what it missed


class LimitKeys:
    """The key of each week, out of the keyring; of a fixed secret and the week where that one was destroyed."""

    def __init__(self, clock: Clock, *, secret: bytes, keyring: Keyring) -> None:
        self._clock = clock
        self._secret = secret
        self._keyring = keyring
        self._week = -1
        self._key = b""
        self._older: list[bytes] | None = None  # of the weeks before; no key of a week that is over is ever made

    async def now(self) -> bytes:
        """Return the key of this week. When it is new, those that are too old are destroyed."""
        week = week_of(self._clock.now())
        if week != self._week:
            made = await self._made(week)
            await self._destroy_old(week)
            self._week, self._key, self._older = week, made, None
        return self._key

    async def lately(self) -> list[bytes]:
        """Return the keys of this week and of those before that are still there, the newest first."""
        first = await self.now()
        if self._older is None:
            week = self._week
            found = [await self._keyring.key_for(_name(week - back)) for back in range(1, KEPT_WEEKS)]
            older = [each for each in found if each is not None]
            if week != self._week:  # it ended meanwhile
                return [first, *older]
            self._older = older
        return [first, *self._older]

    async def _made(self, week: int) -> bytes:
        try:
            made = await self._keyring.key_for(_name(week), create=True)
        except PersonErasedError:  # the clock was set back by weeks: better a key of our own than no limit
            made = None
        return made or hmac.new(self._secret, f"limits {week}".encode(), hashlib.sha256).digest()

    async def _destroy_old(self, week: int) -> None:
        old = {_name(number): number for number in range(week - KEPT_WEEKS, week - KEPT_WEEKS - _LOOKED_BACK, -1)}
        for name in await self._keyring.keys_for(old):
            await self._keyring.destroy(name)
            log.info("limit_key_destroyed", number=old[name])


def week_of(now: datetime) -> int:
    """Return the number of the week, counted from 1970."""
    return (now - EPOCH) // WEEK


def _name(week: int) -> str:
    return f"limits of week {week}"
