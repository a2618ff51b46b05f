"""Somebody who listens to events, and reads them as a browser does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse

from tests.fakes.patience import PATIENCE_S
from tests.fakes.portal_house import PortalHouse

LOOK_S = 0.4  # by the clock of the test: longer than the reader waits between two looks


@dataclass(frozen=True, slots=True)
class Heard:
    """One event. A comment or a bare id is none."""

    kind: str
    data: dict[str, Any]


class Listener:
    """One stream. `last_id` is what a browser would send when it comes back."""

    def __init__(self, house: PortalHouse, answer: ClientResponse) -> None:
        self._house = house
        self.answer = answer
        self.last_id = ""
        self.beats = 0

    async def next(self, kind: str | None = None) -> Heard:
        """Return the next event (of that kind), letting the clock go on until it is there."""
        while True:
            reading = asyncio.ensure_future(self._event())
            async with asyncio.timeout(PATIENCE_S):
                while not reading.done():
                    await self._house.clock.advance(LOOK_S)
                    await asyncio.sleep(0.005)
            event = reading.result()
            if event is None:
                raise EOFError("the stream has ended")
            if kind in (None, event.kind):
                return event

    async def rest(self) -> list[Heard]:
        """Return what still comes until the stream ends."""
        found: list[Heard] = []
        while True:
            try:
                found.append(await self.next())
            except EOFError:
                return found

    async def beat(self) -> None:
        """Read up to the next comment, letting no time pass."""
        before = self.beats
        async with asyncio.timeout(PATIENCE_S):
            while self.beats == before:
                await self._block()

    async def _event(self) -> Heard | None:
        while True:
            block = await self._block()
            if block is None:
                return None
            if "data" in block:
                return Heard(block.get("event", "message"), json.loads(block["data"]))

    async def _block(self) -> dict[str, str] | None:
        block: dict[str, str] = {}
        while line := (await self.answer.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(":")
            if line == "\n":
                self.last_id = block.get("id", self.last_id)
                return block
            if name:
                block[name] = value.removeprefix(" ")
            else:
                self.beats += 1
        return None


@asynccontextmanager
async def listening(
    house: PortalHouse, token: str, *, last_id: str = "", headers: dict[str, str] | None = None
) -> AsyncIterator[Listener]:
    """Listen with a token; the first beat is read, so that whatever is stored from now on is heard."""
    sent = {**(headers or {}), **({"Last-Event-ID": last_id} if last_id else {})}
    answer = await house.ask("GET", "/events", token=token or None, headers=sent)
    assert answer.status == 200, await answer.text()
    listener = Listener(house, answer)
    if not last_id:
        await listener.beat()
    try:
        yield listener
    finally:
        answer.close()
