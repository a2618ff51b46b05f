"""Watches, for a bridge that stands by, whether the one that works still hears: one that was stopped keeps its lock."""

from collections.abc import Awaitable, Callable

from isocket.domain.listening import BRIDGE, Listening
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, StoreUnavailableError, is_

LOOKS = 30  # of one a second: longer than the store may be locked, and than a broker is waited for
AFTER_WE_WROTE = 3  # looks: whoever works and only could not write does so as soon as we can
BEFORE_WE_KNOCK = 10  # looks: while all is well the broker is not asked whether it is there

log = get_logger(__name__)


class Succession:
    """Counts looks instead of seconds: a machine that slept, or a clock that was set, says nothing of who works."""

    def __init__(self, records: Records, broker_answers: Callable[[], Awaitable[bool]]) -> None:
        self._records = records
        self._broker_answers = broker_answers
        self._seen: int | None = None
        self._looks = 0

    async def is_open(self) -> bool:
        """Return whether to begin beside the one that works, which then ends itself (see `OurPresence`).

        Call it every second. It has not renewed its record for so long, although the broker was there and the store
        takes what we write: it stands still, or its login is refused.
        """
        try:
            return await self._look()
        except StoreUnavailableError:
            self._looks = min(self._looks, BEFORE_WE_KNOCK)
            return False

    async def _look(self) -> bool:
        listening = await self._records.get(Listening, BRIDGE)
        seen = None if listening is None else listening.version
        if listening is None or seen != self._seen:
            self._seen, self._looks = seen, 0
            return False
        self._looks += 1
        if self._looks <= BEFORE_WE_KNOCK:
            return False
        if not await self._broker_answers():
            self._looks = BEFORE_WE_KNOCK
            return False
        if self._looks == LOOKS:
            as_seen = is_("id", BRIDGE), is_("version", listening.version)
            ours = await self._records.change_one(Listening, *as_seen, until=listening.until)
            self._seen = self._seen if ours is None else ours.version
        if self._looks < LOOKS + AFTER_WE_WROTE:
            return False
        log.warning("bridge_stands_still")
        return True
