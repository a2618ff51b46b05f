"""Finds accounts and sockets of whose alarms nobody could be told, before there is one: `no_recipient`.

Goes through all accounts, some at a time. Who would be told is asked of the same pure function as the portal asks.
"""

import asyncio
from collections.abc import Collection

from alerts.account_troubles import AccountTroubles
from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact, Escalation, Substitution
from isocket.domain.devices import Device
from isocket.domain.endpoints import Endpoint
from isocket.domain.incidents import Cause, Severity
from isocket.domain.reach import NOT_CONFIGURED, alike, reach
from isocket.domain.recipients import People
from isocket.kit.clock import Clock
from isocket.storage.port import Records, is_

AT_ONCE = 20
LOOK_EVERY_S = 2.0  # so ten thousand accounts are seen in a quarter of an hour


class LonelyAccounts:
    """Looks at some accounts a step, in the order of their ids, and begins anew after the last."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str, configured: Collection[ChannelKind]) -> None:
        self._records = records
        self._clock = clock
        self._troubles = AccountTroubles(Cause.NO_RECIPIENT, records=records, public_url=public_url)
        self._unusable = {kind: NOT_CONFIGURED for kind in ChannelKind if kind not in configured}
        self._last: str | None = None

    async def step(self) -> bool:
        """Look at the next accounts; return False: there is no hurry."""
        after = None if self._last is None else (self._last, self._last)
        some = await self._records.find(Account, limit=AT_ONCE, after=after)
        for each in some:
            await self.look_at(each)
        self._last = some[-1].id if len(some) == AT_ONCE else None
        return False

    async def look_at(self, account: Account) -> None:
        """Open what has nobody to tell, and end what has somebody again."""
        devices = await self._records.find(Device, is_("owner_id", account.id))
        lonely = await self._lonely(account, devices)
        whole = bool(devices) and len(lonely) == len(devices)
        alone = {""} if whole else lonely
        now = self._clock.now()
        for device_id in ("", *(each.id for each in devices)):
            if device_id in alone:
                await self._troubles.keep(account, now, device_id=device_id)
            else:
                await self._troubles.end(account.id, now, device_id=device_id)

    async def _lonely(self, account: Account, devices: list[Device]) -> set[str]:
        """Return the sockets of whose alarms nobody would be told, now or when their quiet hours are over."""
        if not devices:
            return set()
        of_account = is_("account_id", account.id)
        contacts, endpoints, substitutions, escalations = await asyncio.gather(
            self._records.find(Contact, of_account),
            self._records.find(Endpoint, of_account),
            self._records.find(Substitution, of_account),
            self._records.find(Escalation, of_account),
        )
        people = People(contacts={each.id: each for each in contacts}, endpoints=endpoints, substitutions=substitutions)
        now = self._clock.now()
        stands_for = alike((each.id for each in devices), people, escalations)
        told: dict[str, bool] = {}
        for device_id in dict.fromkeys(stands_for.values()):
            found = reach(
                people,
                escalations,
                device_id=device_id,
                severity=Severity.CRITICAL,
                at=now,
                unusable=self._unusable,
            )
            told[device_id] = bool(found.told)
            await asyncio.sleep(0)  # with hundreds of people each takes some ms, and an alarm waits
        return {each for each, other in stands_for.items() if not told[other]}
