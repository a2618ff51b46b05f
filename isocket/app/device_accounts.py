"""Keeps the broker's accounts in step with the devices that the factory made, also while the cloud runs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from isocket.domain.devices import Device
from isocket.kit.clock import EPOCH, Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, StoreUnavailableError, above, every

log = get_logger(__name__)

LOOK_EVERY_S = 0.5
OVERLAP = timedelta(minutes=1)  # a batch may be stored a while after the moment that it carries

SetAccounts = Callable[[Iterable[tuple[str, str]]], Awaitable[None]]


class DeviceAccounts:
    """Looks at the number of devices, which costs little, and reads them when it has changed."""

    def __init__(self, *, records: Records, clock: Clock, set_accounts: SetAccounts) -> None:
        self._records = records
        self._clock = clock
        self._set_accounts = set_accounts
        self._known: dict[str, str] = {}
        self._newest: datetime = EPOCH
        self._is_given = False  # whether the broker has taken what is known
        self._failing = False

    async def load(self) -> None:
        """Give the broker all devices that can be read; a record that does not open must not keep the cloud shut."""
        self._known.clear()
        try:
            await self._take_up(EPOCH)
        except StoreUnavailableError:
            raise
        except Exception as error:
            log.exception("broker_accounts_not_read", error=type(error).__name__)
        await self._give()
        log.info("broker_accounts_loaded", devices=len(self._known))

    async def run(self, stop: asyncio.Event) -> None:
        """Give the broker each change within a second, until `stop`."""
        while not await self._clock.wait(stop, LOOK_EVERY_S):
            try:
                await self._look()
                self._failing = False
            except Exception as error:
                if not self._failing:  # once is enough, at two looks a second
                    log.exception("broker_accounts_not_read", error=type(error).__name__)
                self._failing = True

    async def _look(self) -> None:
        count, before = await self._records.count(Device), len(self._known)
        if count == before and self._is_given:
            return
        if count > before:
            await self._take_up(self._newest - OVERLAP)
        if before < count <= len(self._known):
            await self._give()
            log.info("broker_accounts_changed", devices=len(self._known))
        else:
            await self.load()

    async def _give(self) -> None:
        self._is_given = False
        await self._set_accounts(self._known.items())
        self._is_given = True

    async def _take_up(self, since: datetime) -> None:
        async for device in every(self._records, Device, above("provisioned_at", since)):
            self._known[device.id] = device.secret_hash
            self._newest = max(self._newest, device.provisioned_at)
