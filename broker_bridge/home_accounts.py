"""Keeps the broker's accounts in step with the logins that customers made for their home automation.

A login counts while its account lives and has the credentials with which it was made; one that does not count any more
is removed here as well, whoever ended it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from isocket.domain.accounts import Account
from isocket.domain.homes import Home
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, StoreUnavailableError, every, is_

log = get_logger(__name__)

LOOK_EVERY_S = 0.5
PAGE = 1000

SetHomes = Callable[[Iterable[tuple[str, str]]], Awaitable[None]]


async def home_that_counts(records: Records, home_id: str) -> Home | None:
    """Return a login if it is good now."""
    home = await records.get(Home, home_id)
    return home if home is not None and await _counts(records, home) else None


class HomeAccounts:
    """Follows what becomes of logins and of the accounts they belong to."""

    def __init__(self, *, records: Records, clock: Clock, set_homes: SetHomes) -> None:
        self._records = records
        self._clock = clock
        self._set_homes = set_homes
        self._known: dict[str, tuple[str, str]] = {}  # id to account and hash
        self._given: dict[str, tuple[str, str]] | None = None  # what the broker has taken, None: nothing for sure
        self._seen = 0
        self._failing = False

    async def load(self) -> None:
        """Give the broker all that count; one that cannot be read must not keep the cloud shut."""
        seen = (await self._records.changes(0, limit=0)).newest
        known: dict[str, tuple[str, str]] = {}
        try:
            async for home in every(self._records, Home):
                await self._look_at(home, known)
        except StoreUnavailableError:
            raise
        except Exception as error:
            log.exception("home_accounts_not_read", error=type(error).__name__)
        self._known, self._seen = known, seen
        await self._give()

    async def run(self, stop: asyncio.Event) -> None:
        """Give the broker each change within a second, until `stop`."""
        while not await self._clock.wait(stop, LOOK_EVERY_S):
            try:
                while await self._look():
                    pass
                self._failing = False
            except Exception as error:
                if not self._failing:  # once is enough, at two looks a second
                    log.exception("home_accounts_not_read", error=type(error).__name__)
                self._failing = True

    async def _look(self) -> bool:
        """Look at some changes; return whether there may be more."""
        changes = await self._records.changes(self._seen, limit=PAGE)
        ours = {Home.collection, Account.collection}
        touched = [each for each in changes.found if each.collection in ours]
        if changes.kept_after > self._seen or any(not each.record_id for each in touched):
            await self.load()  # too much was missed, or somebody is gone who is not named any more
            return False
        more = len(changes.found) == PAGE
        known = dict(self._known)
        homes_of: dict[str, list[str]] = {}
        for home_id, (account_id, _) in self._known.items() if touched else ():
            homes_of.setdefault(account_id, []).append(home_id)
        for each in touched:
            if each.collection == Home.collection:
                await self._look_again(each.record_id, known)
            else:
                for home_id in homes_of.get(each.record_id, ()):
                    await self._look_again(home_id, known)
        self._known = known
        self._seen = changes.found[-1].number if more else max(changes.newest, self._seen)
        if self._known != self._given:  # also what the broker could not be told at the look before
            await self._give()
        return more

    async def _look_again(self, home_id: str, known: dict[str, tuple[str, str]]) -> None:
        known.pop(home_id, None)
        home = await self._records.get(Home, home_id)
        if home is not None:
            await self._look_at(home, known)

    async def _look_at(self, home: Home, known: dict[str, tuple[str, str]]) -> None:
        if await _counts(self._records, home):
            known[home.id] = (home.account_id, home.secret_hash)
        else:
            await self._records.remove_all(Home, is_("id", home.id))
            log.info("home_ended", home_id=home.id)

    async def _give(self) -> None:
        known, self._given = dict(self._known), None
        await self._set_homes((home_id, secret_hash) for home_id, (_, secret_hash) in known.items())
        self._given = known
        log.info("home_accounts_given", homes=len(known))


async def _counts(records: Records, home: Home) -> bool:
    account = await records.get(Account, home.account_id)
    return account is not None and account.credential_epoch == home.credential_epoch
