"""Gathers reports into the hours that outlast them, a little at a time and behind everything that is urgent."""

import asyncio

from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.telemetry import Telemetry

log = get_logger(__name__)

EVERY_S = 300.0  # what is newer is read beside the hours, so nobody waits for this
PIECE = 1000
PAUSE_S = 0.01
GIVE_WAY_S = 1.0


class Roller:
    """Gathers when it starts and every five minutes. Several may run: each report is gathered once."""

    def __init__(self, *, telemetry: Telemetry, clock: Clock, right_of_way: RightOfWay) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._right_of_way = right_of_way

    async def run(self, stop: asyncio.Event) -> None:
        """Gather until `stop`."""
        while not stop.is_set():
            try:
                await self.catch_up(stop)
            except Exception:
                log.exception("gathering_failed")
            await self._clock.wait(stop, EVERY_S)

    async def catch_up(self, stop: asyncio.Event) -> int:
        """Gather whatever there is, a piece at a time; return how many reports were looked at."""
        looked_at = 0
        while not stop.is_set():
            await self._right_of_way.give_way(GIVE_WAY_S)
            done = await self._telemetry.roll_up(limit=PIECE)
            if not done:
                break
            looked_at += done
            await self._clock.sleep(PAUSE_S)
        return looked_at
