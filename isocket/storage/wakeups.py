"""Inside one process, a worker is woken as soon as something is stored for it; others find it by polling."""

import asyncio
from collections import defaultdict

from isocket.kit.clock import Clock

FOLLOWED = "followed"
HEARD = "heard"


class Wakeups:
    """Bells by name: a collection's name, that of a queue in it, or `telemetry` for devices that wait to be judged.

    `FOLLOWED` rings for any followed record, `HEARD` whenever a device said something, came or went.
    """

    def __init__(self) -> None:
        self._bells: dict[str, set[asyncio.Event]] = defaultdict(set)

    def ring(self, name: str) -> None:
        """Wake whoever listens for `name`. Call it on the event loop, after the commit."""
        for bell in self._bells.get(name, ()):
            bell.set()

    def bell(self, *names: str) -> "Bell":
        """Return a bell that rings for any of `names`; a ring before `wait` is not lost."""
        return Bell(self._bells, names)


def queue_bell(collection: str, queue: str) -> str:
    """Return the name of the bell for what is stored in one queue of a collection, see `Record.queue`."""
    return f"{collection}/{queue}"


class Bell:
    """One listener."""

    def __init__(self, bells: dict[str, set[asyncio.Event]], names: tuple[str, ...]) -> None:
        self._bells = bells
        self._names = names
        self._event = asyncio.Event()
        for name in names:
            bells[name].add(self._event)

    async def wait(self, clock: Clock, timeout_s: float) -> None:
        """Return when it rang since the last wait, or after `timeout_s` seconds."""
        await clock.wait(self._event, timeout_s)
        self._event.clear()

    @property
    def has_rung(self) -> bool:
        """Tell whether it rang since the last wait."""
        return self._event.is_set()

    def forget(self) -> None:
        """Take what rang so far as heard."""
        self._event.clear()

    def ring(self) -> None:
        """Wake this listener alone."""
        self._event.set()

    def close(self) -> None:
        """Stop listening."""
        for name in self._names:
            self._bells[name].discard(self._event)
