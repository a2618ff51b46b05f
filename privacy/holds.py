"""Keeps what holds name: copies it before it can go, warns of reviews, and lets it all go when a hold is over.

Each step may be broken off anywhere and run again: copies have derived ids and only ever gain, the key of what is over
goes before the copies, and these before the record says so.
"""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from isocket.domain.holds import REGISTER_YEARS, HeldCopy, Hold, HoldState, UncopiedError, copy_id, vault_of
from isocket.domain.letters import Letter
from isocket.domain.periods import years_later
from isocket.kit.clock import EPOCH, Clock, to_text
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring, PersonErasedError
from isocket.storage.port import (
    AlreadyThereError,
    Records,
    StoreUnavailableError,
    Test,
    above,
    at_most,
    is_,
    is_not,
    remove_every,
)
from isocket.storage.telemetry import Telemetry
from privacy.choice_ledger import ChoiceLedger
from privacy.hold_ledger import note_holds
from privacy.holdings import Holdings, as_text, merge, named_by
from privacy.retention import Spared
from privacy.rounds import survived
from privacy.staff_mail import readers, to_staff

log = get_logger(__name__)

LOOK_EVERY_S = 60.0
COPY_EVERY = timedelta(hours=1)
RETRY = timedelta(minutes=10)  # so soon what could not be copied is tried again
PATIENCE = timedelta(hours=1)  # so long staff are not told of it: most of what goes wrong passes
BACKLOG = timedelta(days=3)  # so much later reports usually come at most


class HoldKeeper:
    """Looks each minute. Several may run: copying twice adds nothing, and so does ending."""

    def __init__(
        self,
        *,
        records: Records,
        telemetry: Telemetry,
        keyring: Keyring,
        clock: Clock,
        operator_email: str | None = None,
        public_url: str = "",
        ledger: ChoiceLedger | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        """With `ledger`, a restored backup loses no hold and begins none anew, see `hold_ledger`."""
        self._records = records
        self._holdings = Holdings(records=records, telemetry=telemetry, clock=clock)
        self._keyring = keyring
        self._clock = clock
        self._operator_email = operator_email
        self._public_url = public_url.rstrip("/")
        self._ledger = ledger
        self._explained: set[str] = set()  # the holds of which the log says where in the code they cannot be copied
        self._uncopied = Gauge(
            "isocket_holds_uncopied", "Holds that cannot be copied", registry=registry or CollectorRegistry()
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Keep until `stop`."""
        while not stop.is_set():
            with survived(log, waits="holds_wait", broken_off="holds_broken_off"):
                await self.round()
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def round(self) -> None:
        """Look once at everything."""
        now = self._clock.now()
        for each in await self._records.find(Hold, is_("state", HoldState.IN_FORCE), at_most("ends_at", now)):
            await self._records.change_one(
                Hold, is_("id", each.id), is_("version", each.version), state=HoldState.OVER, over_at=each.ends_at
            )
        for each in await self._records.find(Hold, is_("state", HoldState.OVER)):
            await self._let_go(each)
        try:
            await self._copy_each(at_most("copy_due_at", now))
        finally:
            await self._warn(now)
            await self._tell_uncopied(now)
            await self._note()

    async def finish(self, hold: Hold) -> None:
        """Let go of a hold that is over, without waiting for the next look; a restored backup begins it not anew."""
        await self._let_go(hold)
        await self._note()

    async def _note(self) -> None:
        if self._ledger is not None:
            await note_holds(self._records, self._ledger, self._clock.now())

    async def copy_all(self) -> Spared:
        """Copy what holds name as it is now; called before a sweep removes or empties anything.

        Return of whom what could not be copied, which must stay as it is: by collection, the accounts.
        """
        return _spared(await self._copy_each(above("ends_at", self._clock.now())))

    async def would_spare(self, at: datetime) -> Spared:
        """Return what `copy_all` would at that moment, by reading what it reads now; nothing is written."""
        wrong = []
        for each in await self._records.find(Hold, is_("state", HoldState.IN_FORCE), above("ends_at", at)):
            try:
                async for source, record_id, _, content in self._holdings.of(each, _since(each)):
                    await self._gained(each, source, record_id, content)
            except Exception as error:
                log.exception("hold_not_copied", hold_id=each.id, error=type(error).__name__)
                wrong.append(each)
        return _spared(wrong)

    async def _copy_each(self, *which: Test) -> list[Hold]:
        """Copy what each of these holds names; return those that could not be copied, which keep no other back."""
        wrong = []
        for each in await self._records.find(Hold, is_("state", HoldState.IN_FORCE), *which):
            try:
                await self._copy(each, whole=each.uncopied_since is not None)
            except Exception as error:  # noqa: BLE001 - it is noted at the hold and in the log, tried again, and told
                await self._note_uncopied(each, error)
                wrong.append(each)
        return wrong

    async def _note_uncopied(self, hold: Hold, error: Exception) -> None:
        """Note since when it is so, and say why in the log; where in the code is said once, until it is copied."""
        now = self._clock.now()
        say = log.warning if hold.id in self._explained else log.exception
        self._explained.add(hold.id)
        say("hold_not_copied", hold_id=hold.id, error=type(error).__name__)
        same = (is_("id", hold.id), is_("state", HoldState.IN_FORCE))
        since = hold.uncopied_since or now
        await self._records.change_one(Hold, *same, uncopied_since=since, copy_due_at=now + RETRY)

    async def preserve(self, account_id: str) -> tuple[str, ...]:
        """Copy what holds name of an account of which something is about to go for good; return the holds.

        Raises:
            UncopiedError: it cannot be copied now, so nothing may go.
            StoreUnavailableError: a store did not answer; ask again.
        """
        mine = (is_("account_id", account_id), is_("state", HoldState.IN_FORCE))
        found = [each for each in await self._records.find(Hold, *mine) if each.ends_at > self._clock.now()]
        for each in found:
            try:
                await self._copy(each, whole=True)
            except StoreUnavailableError:
                raise  # it passes, as a rule soon: nothing is noted that would let whoever asks wait longer
            except Exception as error:
                await self._note_uncopied(each, error)
                raise UncopiedError(each.id) from error
        return tuple(each.id for each in found)

    async def _let_go(self, hold: Hold) -> None:
        """Destroy the copies and their key; of the hold itself the register keeps what it was."""
        await self._keyring.destroy(vault_of(hold.id))
        gone = await remove_every(self._records, HeldCopy, is_("hold_id", hold.id))
        await self._records.change_one(
            Hold,
            is_("id", hold.id),
            is_("state", HoldState.OVER),
            state=HoldState.EMPTIED,
            expires_at=years_later(hold.over_at or self._clock.now(), REGISTER_YEARS),
        )
        log.info("hold_over", hold_id=hold.id, records=gone)

    async def _copy(self, hold: Hold, *, whole: bool = False) -> None:
        """Copy what is new; with `whole` also reports that came late for days that were copied long ago."""
        now, copied = self._clock.now(), 0
        try:
            async for source, record_id, version, content in self._holdings.of(hold, EPOCH if whole else _since(hold)):
                copied += await self._keep(hold, source, record_id, version, content)
        except PersonErasedError:
            return  # it ended at this moment, and its key is gone
        await self._records.change_one(
            Hold,
            is_("id", hold.id),
            is_("state", HoldState.IN_FORCE),
            copied_at=now,
            copy_due_at=now + COPY_EVERY,
            uncopied_since=None,
        )
        self._explained.discard(hold.id)
        if copied:
            log.info("hold_copied", hold_id=hold.id, records=copied)

    async def _keep(self, hold: Hold, source: str, record_id: str, version: int, content: dict[str, Any]) -> bool:
        """Write a copy, or let one gain what is new; return whether anything was written."""
        known, text = await self._gained(hold, source, record_id, content)
        if known is None:
            made = HeldCopy(
                id=copy_id(hold.id, source, record_id),
                hold_id=hold.id,
                vault_id=vault_of(hold.id),
                source=source,
                record_id=record_id,
                seen=version,
                content=text,
            )
            try:
                await self._records.add(made)
            except AlreadyThereError:
                return False  # another process was a moment quicker
            return True
        if text == known.content:
            return False
        same = (is_("id", known.id), is_("version", known.version))
        return await self._records.change_one(HeldCopy, *same, seen=version, content=text) is not None

    async def _gained(
        self, hold: Hold, source: str, record_id: str, content: dict[str, Any]
    ) -> tuple[HeldCopy | None, str]:
        """Return the copy that there is, and what it holds together with what is new."""
        known = await self._records.get(HeldCopy, copy_id(hold.id, source, record_id))
        before = json.loads(known.content) if known and known.content else {}
        return known, as_text(merge(before, content))

    async def _warn(self, now: datetime) -> None:
        """Tell staff of each hold whose review is due, once for each date."""
        due = await self._records.find(Hold, is_("state", HoldState.IN_FORCE), at_most("review_at", now))
        due = [each for each in due if each.warned_of != each.review_at]
        to = await readers(self._records, self._operator_email, now) if due else []
        for each in due:
            key = (each.id, "review", each.review_at.isoformat())
            letter = Letter(
                subject="iSocket Cloud: is this hold needed still?",
                text=f"The review of the hold {each.id} ({each.ground.value}) was due on {to_text(each.review_at)}. It "
                f"ends by itself on {to_text(each.ends_at)}.\n\nPlease look: {self._public_url}/staff\n",
            )
            await self._records.add_all([to_staff(reader, letter, key=key, now=now) for reader in to])
            await self._records.change_one(Hold, is_("id", each.id), warned_of=each.review_at)
            log.warning("hold_review_due", hold_id=each.id)

    async def _tell_uncopied(self, now: datetime) -> None:
        """Tell staff of each hold that cannot be copied for a while, once for each such time."""
        uncopied = await uncopied_holds(self._records)
        self._uncopied.set(len(uncopied))
        late = [each for each in uncopied if each.uncopied_since and each.uncopied_since <= now - PATIENCE]
        found = [each for each in late if each.told_uncopied != each.uncopied_since]
        to = await readers(self._records, self._operator_email, now) if found else []
        for each in found:
            since = each.uncopied_since or now
            letter = Letter(
                subject="iSocket Cloud: a hold cannot be copied",
                text=f"What the hold {each.id} names could not be copied since {to_text(since)}; it is tried again "
                f"every {RETRY // timedelta(minutes=1)} minutes. Until it can, nothing of this customer that it names "
                "is swept when its time is over, their sockets cannot be given up and they cannot be erased. Everybody "
                f"else is.\n\nThe log says why (hold_not_copied). The hold: {self._public_url}/staff/holds\n",
            )
            key = (each.id, "uncopied", since.isoformat())
            await self._records.add_all([to_staff(reader, letter, key=key, now=now) for reader in to])
            await self._records.change_one(Hold, is_("id", each.id), told_uncopied=since)
            log.warning("hold_uncopied_told", hold_id=each.id)


async def uncopied_holds(records: Records, *which: Test) -> list[Hold]:
    """Return the holds in force that cannot be copied."""
    return await records.find(Hold, is_("state", HoldState.IN_FORCE), is_not("uncopied_since", None), *which)


async def tried_soon(records: Records, account_id: str, now: datetime) -> bool:
    """Return whether a hold on an account could not be copied a moment ago, so that it is too soon to try again."""
    mine = (is_("account_id", account_id), above("ends_at", now), above("copy_due_at", now))
    return bool(await uncopied_holds(records, *mine))


def _since(hold: Hold) -> datetime:
    """Return from which day on reports are copied: what came before was, but for what is very late."""
    return EPOCH if hold.copied_at is None else datetime.combine(hold.copied_at - BACKLOG, time(), UTC)


def _spared(uncopied: Iterable[Hold]) -> Spared:
    """Return whose records of which collection stay, where these holds cannot be copied."""
    spared: dict[str, set[str]] = {}
    for each in uncopied:
        for collection in named_by(each):
            spared.setdefault(collection, set()).add(each.account_id)
    return {collection: frozenset(accounts) for collection, accounts in spared.items()}
