"""Carries what homes subscribe to from the thread that reads the broker's log to the event loop."""

import asyncio
import threading
from collections.abc import Callable

from broker_bridge import home_topics

MOST = 2_000  # subscriptions of one home that may wait: whoever asks for more is told of those


class HomeListeners:
    """What is asked for and was not taken yet, by home; made on the event loop that takes it.

    However often somebody subscribes, it is a set that waits, and the loop is woken once.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._asked: dict[str, set[str]] = {}
        self._left: set[str] = set()
        self._rung = False
        self._ring: Callable[[], None] = lambda: None

    def note(self, home_id: str, subscription: str | None) -> None:
        """Take a subscription of a home, or None: it left. Called from any thread."""
        with self._lock:
            if subscription is None:
                self._left.add(home_id)
                self._asked.pop(home_id, None)
            elif home_topics.concerns(home_id, subscription):
                asked = self._asked.setdefault(home_id, set())
                if len(asked) < MOST:
                    asked.add(subscription)
            else:
                return
            first, self._rung = not self._rung, True
        if first and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken)

    def take(self) -> tuple[set[str], dict[str, set[str]]]:
        """Return who left, and then what each asked for since the last time."""
        with self._lock:
            found = self._left, self._asked
            self._left, self._asked, self._rung = set(), {}, False
        return found

    def on_news(self, ring: Callable[[], None]) -> None:
        """Have `ring` called on the event loop when there is something to take."""
        self._ring = ring

    def _woken(self) -> None:
        self._ring()
