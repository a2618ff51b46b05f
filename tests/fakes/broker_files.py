"""What a broker of ours is given: its lists of logins, one after the other, as somebody looks for what has changed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from tests.fakes.clock import ManualClock


class BrokerFiles:
    """A clock, a store, and the files of a broker that remember each list that was written into them."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.records = StoredRecords(MemoryDocuments())
        self.given: list[set[str]] = []
        self.deaf = False  # they cannot be written now

    async def set(self, logins: Iterable[tuple[str, str]]) -> None:
        """Take a list of names and secrets."""
        if self.deaf:
            raise OSError("no space left")
        self.given.append({name for name, _ in logins})

    async def look_once(self, run: Callable[[asyncio.Event], Awaitable[None]], every_s: float) -> None:
        """Let somebody who looks every so often look once more, and stop."""
        stop = asyncio.Event()
        running = asyncio.ensure_future(run(stop))
        await self.clock.advance(every_s)
        stop.set()
        await running
