"""Carries out erasures: from the wish, through every place where something lies, to a receipt about nobody.

Each step may be broken off anywhere and run again: what is still needed is written down before what it is read from
is removed, and the step that marks the work done comes last.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from isocket.domain.accounts import Account, PasswordReset, Registration, Session
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.endpoints import Endpoint
from isocket.domain.erasure_plan import erased_with_the_account
from isocket.domain.erasures import HOLD_UNCOPIED, TO_COME, Erasure, ErasureState, erasure_id, tombstone
from isocket.domain.holds import UncopiedError
from isocket.domain.record import Record, account_fields
from isocket.domain.watches import Watch
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, StoreUnavailableError, Value, at_most, every, is_, one_of, remove_every
from isocket.storage.shelf import Shelf
from privacy.belongings import Belongings
from privacy.holds import tried_soon
from privacy.ledger import Ledger
from privacy.rounds import survived
from privacy.scan import Found
from privacy.searchable import searchable

log = get_logger(__name__)

LOOK_EVERY_S = 2.0
FAREWELL_S = 15 * 60.0  # so long an erasure waits for the messages that tell of it
SEARCH_AGAIN_S = 600.0  # so soon the files are searched once more: each time all of them are read
AFTERLOOK_S = 3600.0  # so long after it something that was under way may still be written
_OWN_WISH = frozenset({"person", "operator"})  # an archive that was begun of them is not finished
_ON_ITS_WAY = frozenset({DeliveryState.DUE, DeliveryState.CALLING})
NOT_EMPTY = "something is still stored"
LOG_IS_READ = "the store's log is being read all the time"
FOUND_IN_FILES = "a value is still found in a file"


class Eraser:
    """Erases whoever is due. Several may run at once: whoever lost a step to another stops.

    `release` gives a socket up, `empty_log` empties the store's write-ahead log, `files` are the folders and files of
    the installation, `search` looks for values in them, `preserve` copies what holds name of an account and returns
    these. `public_url` is where the pages are, for a mail to whoever had shared a socket with them.
    """

    def __init__(
        self,
        *,
        public_url: str,
        records: Records,
        keyring: Keyring,
        clock: Clock,
        release: Callable[[Device], Awaitable[None]],
        empty_log: Callable[[], Awaitable[bool]],
        files: Callable[[], list[Path]],
        ledger: Ledger,
        shelf: Shelf,
        preserve: Callable[[str], Awaitable[tuple[str, ...]]],
        search: Callable[..., Awaitable[list[Found]]],
    ) -> None:
        self._records = records
        self._keyring = keyring
        self._clock = clock
        self._release = release
        self._empty_log = empty_log
        self._files = files
        self._search = search
        self._ledger = ledger
        self._search_again_s: dict[str, float] = {}  # by erasure, when files are searched again that held one up
        self._belongings = Belongings(records=records, keyring=keyring, shelf=shelf, clock=clock, public_url=public_url)
        self._preserve = preserve

    async def run(self, stop: asyncio.Event) -> None:
        """Erase whoever becomes due, until `stop`."""
        while not stop.is_set():
            with survived(log, waits="erasure_waits", broken_off="erasures_broken_off"):
                await self.round()
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def round(self) -> int:
        """Carry out everything that is due; return how many were done.

        What waits for a hold is tried when that is: soon after it was copied, or is over, or is tried again.
        """
        now, done = self._clock.now(), 0
        for state in TO_COME:
            for each in await self._records.find(Erasure, is_("state", state), at_most("due_at", now)):
                done += await self._tried(each, self._go_on(each, now))
        for each in await self._records.find(Erasure, is_("state", ErasureState.DONE), at_most("forgets_at", now)):
            await self._tried(each, self._look_after(each))
        return done

    async def erase(self, account_id: str, *, by: str) -> Erasure | None:
        """Erase an account now, whatever it is waiting for; return the receipt, None where there is nobody.

        Raises:
            StoreUnavailableError: it has begun and will be gone on with: ask again.
            UncopiedError: the same, once what a hold names can be copied.
        """
        now = self._clock.now()
        found = await self._records.find(Erasure, is_("account_id", account_id), one_of("state", TO_COME), limit=1)
        if not found and await self._records.get(Account, account_id) is None:
            return None
        if not found:
            made = Erasure(
                id=erasure_id(account_id, now),
                account_id=account_id,
                asked_at=now,
                due_at=now,
                by=by,
                open_key=account_id,
            )
            await self._records.add_all([made])
            found = [made]
        await self.carry_out(found[0])
        return await self._records.get(Erasure, found[0].id)

    async def carry_out(self, erasure: Erasure) -> bool:
        """Do everything that is still to do; return whether it is done.

        Raises:
            StoreUnavailableError: a store or the keyring did not answer; run it again.
            UncopiedError: what a hold names cannot be copied, so nothing went; run it again.
        """
        began = await self._begun(erasure)
        if began is None:
            return erasure.state is ErasureState.DONE
        account_id = began.account_id
        if not await self._keep_what_is_held(began):
            return False
        await self._lock(account_id)
        devices = await self._free_devices(account_id)
        noted = await self._noted(began)
        if noted is None:
            return False
        await self._belongings.ask_providers(erasure.id, account_id, noted.persons)
        if erasure.by in _OWN_WISH:
            await self._belongings.give_up_archives(account_id)
        if erasure.by != "restore":  # they were told when it was done
            await self._belongings.tell_owners(account_id)
        removed = await self._belongings.remove(account_id, noted.persons)
        counted = await self._moved(noted, removed=_summed(noted.removed, removed, devices=devices))
        if counted is None:
            return False
        problem = await self._what_is_left(counted)
        if problem:
            await self._moved(counted, problem=problem)
            log.error("erasure_held_up", erasure_id=erasure.id, problem=problem)
            return False
        return await self._finish(counted)

    async def _tried(self, erasure: Erasure, work: Awaitable[bool]) -> bool:
        """Return what `work` comes to; one at which something goes wrong keeps no other back, and is tried again."""
        try:
            return await work
        except (StoreUnavailableError, UncopiedError) as error:
            log.warning("erasure_waits", erasure_id=erasure.id, error=type(error).__name__)
        except Exception as error:
            log.exception("erasure_broken_off", erasure_id=erasure.id, error=type(error).__name__)
        return False

    async def _go_on(self, erasure: Erasure, now: datetime) -> bool:
        """Carry out what is due, unless something has to come first; return whether it is done."""
        if erasure.state is ErasureState.ASKED:
            waits = not await self._farewells_are_out(erasure, now)
        elif self._clock.monotonic_s() < self._search_again_s.get(erasure.id, float("-inf")):
            waits = True
        else:
            waits = await self._waits_for_a_hold(erasure, now)
        return not waits and await self.carry_out(erasure)

    async def _farewells_are_out(self, erasure: Erasure, now: datetime) -> bool:
        """Return whether whoever asked was told by every way, or has to be erased without that."""
        if now - erasure.due_at >= timedelta(seconds=FAREWELL_S):
            return True
        told = [await self._records.get(Delivery, each) for each in erasure.farewell_ids]
        return not any(each is not None and each.state in _ON_ITS_WAY for each in told)

    async def _begun(self, erasure: Erasure) -> Erasure | None:
        """Begin, from when on nothing can be undone; None where somebody else undid or finished it meanwhile."""
        if erasure.state is ErasureState.RUNNING:
            return erasure
        return await self._records.change_one(
            Erasure,
            is_("id", erasure.id),
            is_("state", ErasureState.ASKED),
            state=ErasureState.RUNNING,
            started_at=self._clock.now(),
        )

    async def _moved(self, erasure: Erasure, **changes: Any) -> Erasure | None:
        """Take a step that only one takes; None for whoever comes second."""
        return await self._records.change_one(
            Erasure, is_("id", erasure.id), is_("version", erasure.version), **changes
        )

    async def _keep_what_is_held(self, erasure: Erasure) -> bool:
        """Have copied what holds name, before anything goes; return whether it is still ours to go on."""
        try:
            holds = {*erasure.holds, *await self._preserve(erasure.account_id)}
        except UncopiedError:
            await self._moved(erasure, problem=HOLD_UNCOPIED)
            raise
        if holds == set(erasure.holds) and erasure.problem != HOLD_UNCOPIED:
            return True
        return await self._moved(erasure, holds=tuple(sorted(holds)), problem="") is not None

    async def _waits_for_a_hold(self, erasure: Erasure, now: datetime) -> bool:
        """Return whether a hold could not be copied a moment ago, by whomever; then the erasure says so."""
        if not await tried_soon(self._records, erasure.account_id, now):
            return False
        if erasure.problem != HOLD_UNCOPIED:
            await self._moved(erasure, problem=HOLD_UNCOPIED)
        return True

    async def _lock(self, account_id: str) -> None:
        """Let nobody in any more: what is removed must not be written again by its owner."""
        account = await self._records.get(Account, account_id)
        if account is not None and account.password_hash:
            await self._records.change_one(
                Account, is_("id", account_id), password_hash="", credential_epoch=account.credential_epoch + 1
            )
        await remove_every(self._records, Session, is_("account_id", account_id))
        await self._records.remove_all(PasswordReset, is_("account_id", account_id))

    async def _free_devices(self, account_id: str) -> int:
        """Give up every socket; what it still sends of the time before is removed when somebody else claims it."""
        devices = await self._records.find(Device, is_("owner_id", account_id))
        await self._hold_words(account_id, searchable(devices))
        for device in devices:
            await self._release(device)
            await self._records.remove_all(Watch, is_("id", device.id))
            await self._records.change_one(
                Device, is_("id", device.id), is_("owner_id", None), claimed_at=self._clock.now()
            )
        return len(devices)

    async def _hold_words(self, account_id: str, words: set[str]) -> None:
        """Write down what all sockets are called before any of them forgets, for the search."""
        while words:
            found = await self._records.find(Erasure, is_("open_key", account_id), limit=1)
            known = {value for each in found for value in _values_of(each)}
            if not found or words <= known or await self._moved(found[0], values=_text(known | words)):
                return

    async def _noted(self, erasure: Erasure) -> Erasure | None:
        """Write down whose keys go and what to search for, before it cannot be read any more."""
        now = await self._records.get(Erasure, erasure.id)
        if now is None or now.state is not ErasureState.RUNNING:
            return None
        persons, values = {*now.persons, now.account_id}, set(_values_of(now))
        email = await self._belongings.address_of(now.account_id)
        for kind in erased_with_the_account():
            for field in account_fields(kind):
                async for each in every(self._records, kind, is_(field, now.account_id)):
                    persons |= {person for person in [_person(each)] if person}
                    if isinstance(each, Account | Contact | Endpoint | Registration):
                        values |= searchable([each])
        persons |= await self._belongings.persons_beside(now.account_id, email)
        persons |= {each.id for each in await self._belongings.offered_to(now.account_id, email)}
        if persons <= set(now.persons) and values <= set(_values_of(now)):
            return now
        return await self._moved(now, persons=tuple(sorted(persons)), values=_text(values))

    async def _what_is_left(self, erasure: Erasure) -> str:
        """Return what keeps the erasure from being done, empty for nothing: stored, in the log, or in any file."""
        for kind in erased_with_the_account():
            for field in account_fields(kind):
                if await self._records.count(kind, is_(field, erasure.account_id)):
                    return NOT_EMPTY
        if not await self._empty_log():
            return LOG_IS_READ
        self._search_again_s[erasure.id] = self._clock.monotonic_s() + SEARCH_AGAIN_S
        found = await self._search(self._files(), *_values_of(erasure))  # it may break off, each time at the same file
        if found:
            log.error("erased_value_found", erasure_id=erasure.id, places=len(found))
            return FOUND_IN_FILES
        self._search_again_s.pop(erasure.id, None)
        return ""

    async def _finish(self, erasure: Erasure) -> bool:
        """Destroy the keys, note it in the ledger, make a receipt of the record; return whether all of that is done."""
        for person in sorted(erasure.persons, key=lambda person: person == erasure.account_id):
            await self._keyring.destroy(person)  # the account's last: what to search for is sealed under it
        await self._belongings.remove(erasure.account_id, erasure.persons)
        now = self._clock.now()
        whose, own_wish = tombstone(erasure.account_id), erasure.by in _OWN_WISH
        await asyncio.to_thread(self._ledger.note, erasure.id, whose, now, own_wish=own_wish)
        if not await self._empty_log():
            return False
        done = await self._moved(
            erasure,
            state=ErasureState.DONE,
            open_key=None,
            persons=(),
            values="",
            farewell_ids=(),
            problem="",
            removed={**erasure.removed, "keys": len(erasure.persons)},
            done_at=now,
            forgets_at=now + timedelta(seconds=AFTERLOOK_S),
        )
        if done is None:
            return False
        await self._empty_log()
        log.info("erased", erasure_id=erasure.id, persons=len(erasure.persons))
        return True

    async def _look_after(self, erasure: Erasure) -> bool:
        """Remove what somebody who was just at it wrote after all, and forget whose receipt this is."""
        await self._free_devices(erasure.account_id)  # one that was being claimed would be nobody's for ever
        await self._belongings.ask_providers(erasure.id, erasure.account_id)
        await self._belongings.remove(erasure.account_id)
        await self._records.change_one(
            Erasure, is_("id", erasure.id), is_("state", ErasureState.DONE), account_id="", forgets_at=None
        )
        return await self._empty_log()


def _person(each: Record) -> str | None:
    found = getattr(each, each.subject) if each.subject else None
    return found if isinstance(found, str) else None


def _values_of(erasure: Erasure) -> Sequence[str]:
    return json.loads(erasure.values) if erasure.values else []


def _text(values: Iterable[str]) -> str:
    return json.dumps(sorted(values), ensure_ascii=False)


def _summed(before: dict[str, Any], more: dict[str, int], *, devices: int) -> dict[str, Value]:
    summed = {**before}
    for name, gone in {**more, Device.collection: devices}.items():
        if gone:
            summed[name] = summed.get(name, 0) + gone
    return summed
