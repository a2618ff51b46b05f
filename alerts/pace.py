"""How fast a sender may go: a token bucket that all processes share, and who goes first where it is narrow.

A sender that is handed more than it carries keeps the rest in a queue of its provider's, where nobody goes first.
"""

import asyncio
from datetime import datetime, timedelta

from isocket.domain.deliveries import Urgency
from isocket.domain.sending import SenderRate
from isocket.kit.clock import Clock, to_text
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records
from isocket.storage.worker import settle

log = get_logger(__name__)

BLOCK_S = 0.2  # so much is taken from the store at a time; whoever dies with it has kept it from others so long
SAVED_S = 1.0  # so much that was not used may still be: who was held up for a moment may catch up
ORDINARY_SHARE = 0.1  # of the rate, for what is not urgent, while something urgent waits
MOST_AHEAD_BLOCKS = 20  # so far ahead others may have taken moments; what lies further was taken by a wrong clock
MOST_AHEAD_S = 5.0  # at least
_LONGEST_WAIT_S = 1.0  # then one looks again whether to stop


class Pace:
    """Hands out the moments in which one sender may send, to all lanes of this process that lead to it."""

    def __init__(self, sender: str, per_s: float, *, records: Records, clock: Clock) -> None:
        """`per_s` is how many segments, calls or mails the sender carries in a second."""
        self._sender = sender
        self._records = records
        self._clock = clock
        self._gap = timedelta(seconds=1.0 / per_s)
        self._block = max(1, int(per_s * BLOCK_S))
        self._saved = timedelta(seconds=SAVED_S) if per_s > 1 else timedelta(0)
        self._length = self._gap * self._block
        self._ahead = max(self._length * MOST_AHEAD_BLOCKS, timedelta(seconds=MOST_AHEAD_S))
        self._taking = asyncio.Lock()
        self._next: datetime | None = None
        self._left = 0
        self._owed = 0
        self._urgent_waits = False
        self._ordinary_went_at: datetime | None = None

    def found(self, urgency: Urgency, *, something: bool) -> None:
        """Note whether a lane found something to send when it last looked."""
        if urgency is Urgency.URGENT:
            self._urgent_waits = something

    def owe(self, pieces: int) -> None:
        """Count pieces that went beside the one a moment was given for: a long text goes in several."""
        self._owed += pieces

    async def take(self, urgency: Urgency, stop: asyncio.Event) -> bool:
        """Return True in the moment in which one piece may go, False when told to stop before."""
        if urgency is Urgency.ORDINARY and not await self._let_by(stop):
            return False
        async with self._taking:
            while self._owed > 0:
                await self._moment()
                self._owed -= 1
            at = await self._moment()
        return await self._wait_until(at, stop)

    async def _let_by(self, stop: asyncio.Event) -> bool:
        """Wait while something urgent goes first, but leave the rest its small share; False: we are to stop."""
        while self._urgent_waits and self._ordinary_went_at is not None:
            share = self._gap / ORDINARY_SHARE
            wait = self._ordinary_went_at + share - self._clock.now()
            if not timedelta(0) < wait <= share:  # more than a share: the clock was set back
                break
            if await self._clock.wait(stop, min(wait.total_seconds(), _LONGEST_WAIT_S)):
                return False
        self._ordinary_went_at = self._clock.now()
        return not stop.is_set()

    async def _wait_until(self, at: datetime, stop: asyncio.Event) -> bool:
        while (wait_s := (at - self._clock.now()).total_seconds()) > 0:
            if self._is_too_far(at):
                async with self._taking:
                    at = await self._moment()
                continue
            if await self._clock.wait(stop, min(wait_s, _LONGEST_WAIT_S)):
                return False
        return not stop.is_set()

    async def _moment(self) -> datetime:
        """Return the next moment of ours; what was not used for long is not saved up."""
        if self._left == 0 or self._next is None or self._is_over(self._next) or self._is_too_far(self._next):
            self._next, self._left = await self._reserve(), self._block
        moment = self._next
        self._next, self._left = moment + self._gap, self._left - 1
        return moment

    def _is_over(self, moment: datetime) -> bool:
        return moment + self._saved < self._clock.now()

    def _is_too_far(self, moment: datetime) -> bool:
        """Whether a moment of ours lies so far ahead that the clock must have been set back since it was taken."""
        return moment > self._clock.now() + self._ahead + self._length

    async def _reserve(self) -> datetime:
        """Take a block of moments out of the store; return the first.

        Where all are taken for long, a process whose clock is ahead has done it: one begins anew, rather than to let
        it silence the sender for everybody.
        """
        record_id = derived_id("snd", self._sender)
        while True:
            now = self._clock.now()
            known = await self._records.get(SenderRate, record_id)
            if known is None:
                await self._records.add_all([SenderRate(id=record_id, sender=self._sender, free_at=now)])
                continue
            first = max(known.free_at, now - self._saved)
            if first > now + self._ahead:
                log.warning("sender_taken_by_a_wrong_clock", sender=self._sender, free_at=to_text(known.free_at))
                first = now
            # Who takes the same block again after a loss of power is a fifth of a second too quick, once.
            if await settle(self._records, known, synced=False, free_at=first + self._length) is not None:
                return first
