"""What the event loop does with many things it does with some at a time, so that others have their turn in between."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

SOME = 500  # documents: to decode them takes some 10 ms
MANY_LOOKS = 100  # looks in one turn, and what they found: some 10 ms too
FEW_LOOKS = 50  # that are counted on from turn to turn: to hear of the next one costs as much as a look


async def in_turns(work: Callable[[T], U], things: Sequence[T]) -> list[U]:
    """Return what `work` makes of each, in their order."""
    if len(things) <= SOME:
        return [work(each) for each in things]
    made: list[U] = []
    for begin in range(0, len(things), SOME):
        made += [work(each) for each in things[begin : begin + SOME]]
        await asyncio.sleep(0)
    return made


class Looks:
    """Counts what is looked up in one turn of the event loop, and lets others have theirs after many looks.

    A look at a few rows crosses over to no thread, so whoever awaits it is not held up by it, and goes on at once: who
    asks after ten thousand things, one after another, would hold everybody up until the last.
    """

    def __init__(self) -> None:
        self._made = 0  # in this turn, and a few before

    async def made_one(self, found: int) -> None:
        """Count a look that found so many rows."""
        before = self._made
        self._made += 1 + found
        if self._made >= MANY_LOOKS:
            await asyncio.sleep(0)
            self._next_turn()
        elif before < FEW_LOOKS <= self._made:
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._made = 0
