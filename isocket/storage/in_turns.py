"""What the event loop does with many things it does with some at a time, so that others have their turn in between."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

SOME = 500  # documents: to decode them takes some 10 ms


async def in_turns(work: Callable[[T], U], things: Sequence[T]) -> list[U]:
    """Return what `work` makes of each, in their order."""
    if len(things) <= SOME:
        return [work(each) for each in things]
    made: list[U] = []
    for begin in range(0, len(things), SOME):
        made += [work(each) for each in things[begin : begin + SOME]]
        await asyncio.sleep(0)
    return made
