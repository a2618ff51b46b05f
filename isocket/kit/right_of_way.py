"""Inside one process, what is urgent goes first: who has time looks whether somebody is in a hurry, and lets them by.

An alarm on its way to a person makes a dozen small writes, one after another. Beside a backlog of reports each of them
would wait for a large group, and the interpreter for its turn. So the lane of the reports stands aside, for a moment.
"""

from isocket.kit.clock import Clock

LINGER_S = 0.003
"""How long after an urgent step the next one of the same alarm may begin: a worker wakes, a commit ends."""

LOOK_EVERY_S = 0.001


class RightOfWay:
    """Counts who is in a hurry: whoever is enters it (`with way:`). Use it on one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._in_a_hurry = 0
        self._until_s = float("-inf")

    @property
    def is_taken(self) -> bool:
        """Tell whether somebody is in a hurry, or was a moment ago."""
        return self._in_a_hurry > 0 or self._clock.monotonic_s() < self._until_s

    def __enter__(self) -> None:
        """Have the right of way until the end of the block."""
        self._in_a_hurry += 1

    def __exit__(self, *_how: object) -> None:
        self._in_a_hurry -= 1

    def linger(self) -> None:
        """Keep the right of way a moment longer: what was done will be taken up by the next."""
        self._until_s = self._clock.monotonic_s() + LINGER_S

    async def give_way(self, at_most_s: float) -> None:
        """Return when nobody is in a hurry, or after `at_most_s` seconds: nobody waits for ever."""
        deadline_s = self._clock.monotonic_s() + at_most_s
        while self.is_taken:
            if self._clock.monotonic_s() >= deadline_s:
                return
            await self._clock.sleep(LOOK_EVERY_S)
