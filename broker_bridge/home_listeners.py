"""Carries what homes subscribe to from the thread that reads the broker's log to the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable


class HomeListeners:
    """A short queue between two threads; made on the event loop that empties it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news: deque[tuple[str, str | None]] = deque()
        self._ring: Callable[[], None] = lambda: None

    def note(self, home_id: str, subscription: str | None) -> None:
        """Take a subscription of a home, or None: it left. Called from any thread."""
        self._news.append((home_id, subscription))
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken)

    def take(self) -> list[tuple[str, str | None]]:
        """Return what came since the last time, in order."""
        found: list[tuple[str, str | None]] = []
        while self._news:
            found.append(self._news.popleft())
        return found

    def on_news(self, ring: Callable[[], None]) -> None:
        """Have `ring` called on the event loop whenever there is something to take."""
        self._ring = ring

    def _woken(self) -> None:
        self._ring()
