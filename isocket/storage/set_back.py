"""Whether the clock was set back for good: one that is being set right may be wrong for a moment first."""

from isocket.kit.clock import Clock

BELIEVED_AFTER_S = 120.0


class SetBack:
    """Told, again and again, whether something was heard far ahead of the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_s: float | None = None

    def is_believed(self, *, heard_ahead: bool) -> bool:
        """Return whether that has been so, without a break, for `BELIEVED_AFTER_S`."""
        now_s = self._clock.monotonic_s()
        if not heard_ahead:
            self._since_s = None
            return False
        self._since_s = now_s if self._since_s is None else self._since_s
        return now_s - self._since_s >= BELIEVED_AFTER_S
