"""How long to wait before the next try: full jitter, forgotten only after a connection has proved stable."""

from random import Random


class Backoff:
    """Waits between 0 and a ceiling that doubles with each failure, so that a fleet never returns in step."""

    def __init__(self, *, chance: Random, base_s: float = 1.0, ceiling_s: float = 60.0, stable_s: float = 30.0) -> None:
        self._chance, self._base_s, self._ceiling_s = chance, base_s, ceiling_s
        self._stable_s = stable_s
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait now; the next answer may be twice as long."""
        ceiling_s = min(self._ceiling_s, self._base_s * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        return self._chance.uniform(0, ceiling_s)

    def lasted(self, connection_s: float) -> None:
        """A connection ended after that long; only a stable one makes the next wait short again."""
        if connection_s >= self._stable_s:
            self._failures = 0
