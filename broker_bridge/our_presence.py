"""Leaves word of when the bridge was listening, so that nobody takes our own silence for that of the sockets."""

import asyncio
from contextlib import suppress
from datetime import datetime

from isocket.domain.listening import BRIDGE, RENEWED_EVERY_S, Listening
from isocket.kit.clock import Clock
from isocket.storage.port import AlreadyThereError, Records, StoreUnavailableError, is_

PAUSE_S = 3.0  # we look every second: so long without a look means that the process, or the machine, stood still


class OurPresence:
    """Called every second with whether both sessions are up.

    `superseded` is set once another bridge writes the record: it took us for one that stands still, as a process that
    was stopped does, and two would take the sessions from each other for ever.
    """

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._since: datetime | None = None
        self._looked: tuple[datetime, float] | None = None
        self._written_s = float("-inf")
        self._version: int | None = None  # of the record as we left it
        self.superseded = asyncio.Event()

    async def note(self, *, heard: bool) -> None:
        """Renew the record while we hear; begin anew after a break of any kind, a jump of the clock included.

        Raises:
            StoreUnavailableError: it cannot be written, and so cannot what sockets say: that is a break as well.
        """
        now, monotonic_s = self._clock.now(), self._clock.monotonic_s()
        if self._was_a_break(now, monotonic_s):
            self._since = None
        self._looked = (now, monotonic_s)
        if not heard:
            self._since = None
            await self._look_whether_it_is_ours()
            return
        begins = self._since is None
        self._since = self._since or now
        if begins or monotonic_s - self._written_s >= RENEWED_EVERY_S:
            since, self._since = self._since, None
            await self._write(since, now)
            self._since, self._written_s = since, monotonic_s

    def _was_a_break(self, now: datetime, monotonic_s: float) -> bool:
        if self._looked is None:
            return True
        passed = monotonic_s - self._looked[1]
        by_the_wall = (now - self._looked[0]).total_seconds()
        return passed > PAUSE_S or abs(by_the_wall - passed) > PAUSE_S

    async def _look_whether_it_is_ours(self) -> None:
        """Whoever hears nothing may have been followed, and then takes the sessions from the other again and again."""
        with suppress(StoreUnavailableError):
            found = None if self._version is None else await self._records.get(Listening, BRIDGE)
            if found is not None and found.version != self._version:
                self.superseded.set()

    async def _write(self, since: datetime, until: datetime) -> None:
        ours = [] if self._version is None else [is_("version", self._version)]
        self._version = None  # where this fails, nobody knows
        written = await self._records.change_one(Listening, is_("id", BRIDGE), *ours, since=since, until=until)
        if written is None and ours:
            self.superseded.set()
            return
        if written is None:
            first = Listening(id=BRIDGE, since=since, until=until)
            try:
                await self._records.add(first)
                written = first
            except AlreadyThereError:
                written = await self._records.change_one(Listening, is_("id", BRIDGE), since=since, until=until)
        self._version = None if written is None else written.version
