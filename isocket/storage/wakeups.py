"""Inside one process, a worker is woken as soon as something is stored for it; others find it by polling."""

import asyncio
from collections import defaultdict

from isocket.kit.clock import Clock

FOLLOWED = "followed"
HEARD = "heard"
WAITS = "telemetry"
PATIENCE_S = 0.02
"""How long a patient listener lets others go first: by then an alarm is with its provider."""


class Wakeups:
    """Bells by name: a collection's name, that of a queue in it, or `WAITS` for devices that wait to be judged.

    `FOLLOWED` rings for any followed record, `HEARD` whenever a device said something, came or went.
    """

    def __init__(self) -> None:
        self._bells: dict[str, set[Bell]] = defaultdict(set)

    def ring(self, *names: str) -> None:
        """Wake whoever listens for any of `names`. Call it on the event loop, after the commit."""
        for name in names:
            for bell in self._bells.get(name, ()):
                bell.ring()

    def ring_for(self, name: str, pieces: int) -> None:
        """Wake as many of those who have nothing to do as there are pieces of work that each of them might take."""
        for bell in self._bells.get(name, ()):
            if not pieces:
                return
            if bell.is_waiting:
                bell.ring()
                pieces -= 1

    def bell(self, *names: str) -> "Bell":
        """Return a bell that rings for any of `names`; a ring before `wait` is not lost."""
        return Bell(self._bells, names)

    def patient_bell(self, *names: str) -> "PatientBell":
        """Return a bell for who only tells what happened: it rings a moment after the first ring, once for all."""
        return PatientBell(self._bells, names)


def queue_bell(collection: str, queue: str) -> str:
    """Return the name of the bell for what is stored in one queue of a collection, see `Record.queue`."""
    return f"{collection}/{queue}"


class Bell:
    """One listener."""

    def __init__(self, bells: "dict[str, set[Bell]]", names: tuple[str, ...]) -> None:
        self._bells = bells
        self._names = names
        self._event = asyncio.Event()
        self._waits = False
        for name in names:
            bells[name].add(self)

    async def wait(self, clock: Clock, timeout_s: float) -> None:
        """Return when it rang since the last wait, or after `timeout_s` seconds."""
        self._waits = True
        try:
            await clock.wait(self._event, timeout_s)
        finally:
            self._waits = False
        self._event.clear()

    @property
    def has_rung(self) -> bool:
        """Tell whether it rang since the last wait."""
        return self._event.is_set()

    @property
    def is_waiting(self) -> bool:
        """Tell whether somebody waits for it and was not woken yet."""
        return self._waits and not self._event.is_set()

    def forget(self) -> None:
        """Take what rang so far as heard."""
        self._event.clear()

    def ring(self) -> None:
        """Wake this listener alone."""
        self._event.set()

    def close(self) -> None:
        """Stop listening."""
        for name in self._names:
            self._bells[name].discard(self)


class PatientBell(Bell):
    """One listener whose turn would otherwise come between an alarm's commit and its sending."""

    _soon: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Wake this listener alone, in a moment."""
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(PATIENCE_S, self._ring_now)

    def _ring_now(self) -> None:
        self._soon = None
        super().ring()
