"""One at a time for the same thing, inside this process; between processes the store's compare-and-set decides."""

import asyncio

_STRIPES = 64


class Turns:
    """A fixed number of locks, shared by names: two names may share one, which costs a wait and nothing else."""

    def __init__(self) -> None:
        self._locks = tuple(asyncio.Lock() for _ in range(_STRIPES))

    def of(self, name: str) -> asyncio.Lock:
        """Return the lock for `name`."""
        return self._locks[hash(name) % _STRIPES]
