"""For which devices the broker keeps what they have not fetched: those that were heard of late."""

from collections.abc import Collection
from datetime import timedelta

from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.telemetry import Telemetry

log = get_logger(__name__)


class Awaited:
    """Tells who was heard within `days`; of whom nothing is known any more, such as after an erasure, was not."""

    def __init__(self, *, telemetry: Telemetry, clock: Clock, days: int) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._within = timedelta(days=days)

    async def among(self, names: Collection[str]) -> Collection[str]:
        """Return those of `names` that were heard of late; all of them where the store does not answer."""
        try:
            latest = await self._telemetry.latest(sorted(names))
        except Exception as error:  # the broker must start all the same
            log.exception("broker_sessions_not_judged", error=type(error).__name__)
            return names
        since = self._clock.now() - self._within
        return {name for name, state in latest.items() if state.received_at > since}
