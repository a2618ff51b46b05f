"""When a lane reads next: what comes is left in the socket for company, and while an alarm is on its way."""

from collections.abc import Callable
from time import monotonic

LONGEST_HOLD_S = 0.05  # after the usual rest: under any storm of alarms reports go on
LOOK_AGAIN_S = 0.002


class Rests:
    """The rests of one lane, in its network thread. Begins awake: a message after a longer silence is read at once."""

    def __init__(self, gather_s: float = 0.0, holds: Callable[[], bool] = lambda: False) -> None:
        """`gather_s`: how long what comes next is left, once messages were read. `holds`: whether others go first."""
        self.gather_s = gather_s
        self.holds = holds
        self._until = float("-inf")

    def begin(self) -> None:
        """Note that messages were read just now."""
        self._until = monotonic() + self.gather_s

    def left_ms(self) -> int:
        """Return after how many milliseconds to look again, 0 to read now."""
        left_s = self._until - monotonic()
        if -LONGEST_HOLD_S < left_s < LOOK_AGAIN_S and self.holds():
            left_s = LOOK_AGAIN_S  # to decode what came would take the interpreter from who is in a hurry
        return round(max(0.0, left_s) * 1000)
