"""Markers that the bridge sends to itself through the broker, to learn how far its queue is drained. Pure."""

LOST_AFTER_S = 300.0  # a broker that does not carry our markers shall not hold up confirmations for ever


class Markers:
    """One marker is on its way at a time. When it comes back, everything accepted before it has come too."""

    def __init__(self) -> None:
        self.drained_at = float("-inf")
        self._number = 0
        self._sent_at: float | None = None

    def next(self, now: float) -> int | None:
        """Return the number of the marker to send now, or None while one is on its way."""
        if self._sent_at is not None:
            if now - self._sent_at < LOST_AFTER_S:
                return None
            self.drained_at = self._sent_at
        self._number += 1
        self._sent_at = now
        return self._number

    def returned(self, number: int) -> None:
        """Note that a marker came back and all before it is stored; one of an earlier process says nothing."""
        if number == self._number and self._sent_at is not None:
            self.drained_at = self._sent_at
            self._sent_at = None
