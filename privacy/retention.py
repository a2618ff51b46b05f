"""Removes what its time is over for, as the handling of each stored field says; nothing is listed here by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from types import MappingProxyType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from isocket.domain import STORED
from isocket.domain.accounts import Account, Bucket, Registration
from isocket.domain.collected import TELEMETRY_COLLECTION
from isocket.domain.consents import Subscription
from isocket.domain.contacts import Contact
from isocket.domain.devices import Device
from isocket.domain.handling import Keep
from isocket.domain.record import Record, personal_fields, sealed_fields
from isocket.domain.restrictions import Restriction
from isocket.kit.clock import EPOCH, Clock
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring
from isocket.storage.port import (
    Records,
    StoreUnavailableError,
    Test,
    above,
    at_most,
    every,
    is_,
    is_not,
    one_of,
    remove_every,
)
from isocket.storage.telemetry import Telemetry
from privacy.rounds import survived

Spared = Mapping[str, frozenset[str]]
"""By collection, the accounts whose records stay although their time is over: a copy of them could not be made."""

log = get_logger(__name__)

SWEEP_EVERY_S = 3600.0
REPORTS_LIFE = timedelta(days=400)
PAUSE_S = 0.02
NOBODY: frozenset[str] = frozenset()
BUCKET_LIFE = timedelta(days=2)  # longer than any limit counts: a full bucket says the same as none
# A year is 365 days: over a leap day what is kept for three goes a day sooner, never later.
LIVES: Mapping[Keep, timedelta] = MappingProxyType(
    {
        Keep.DAYS_30: timedelta(days=30),
        Keep.YEAR_1: timedelta(days=365),
        Keep.YEARS_3: timedelta(days=3 * 365),
        Keep.EPISODE: timedelta(days=3 * 365),
        Keep.ANSWERED: timedelta(days=365),
        Keep.TOLD: timedelta(days=3 * 365),
    }
)
_OWN_END = frozenset({Keep.UNTIL_USED, Keep.HOLD, Keep.CASE})  # each record says itself when its time is over
_BEFORE_AN_ACCOUNT = frozenset({Registration, Subscription})
"""Wishes under the id of somebody of whom nothing else is known until the mailbox answers."""
MADE = ("created_at", "at", "detected_at", "started_at", "received_at", "sent_at", "wished_at")
"""The fields that say when a record was made, by the names that the domain uses."""
DECIDED, STILL_READ = "decided_at", timedelta(days=30)
"""Of what has to be answered the words stay until so long after that, also where it came long before."""
SILENT = "silent_until"
"""From then on the time counts of what may not be told before: else it would go without its person having known."""
OVER = "closed_at"
"""From when the time of what lasts counts instead: what is open stays, however long ago it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What becomes of one class: removed after a time, and some of its texts emptied sooner."""

    kind: type[Record]
    since: str  # the field from which the time counts
    life: timedelta
    texts: Mapping[timedelta, tuple[str, ...]]
    is_answered: bool = False  # texts may come long after it was made, and stay until its answer is told
    may_be_silent: bool = False

    def due(self, now: datetime) -> tuple[tuple[Test, ...], ...]:
        """Return by which tests is found what is to be removed: what fits one of these."""
        upto = now - self.life
        made = at_most(self.since, upto)
        return ((made, is_(SILENT, None)), (made, at_most(SILENT, upto))) if self.may_be_silent else ((made,),)

    def due_texts(self, now: datetime, life: timedelta, after: datetime) -> tuple[Test, ...]:
        """Return by which tests is found whose texts of that life are to be emptied, made after a moment."""
        when = (above(self.since, after), at_most(self.since, now - life))
        return (*when, at_most(DECIDED, now - STILL_READ)) if self.is_answered else when


def terms() -> tuple[Term, ...]:
    """Return the term of every stored class of which anything ends by time."""
    return tuple(term for kind in STORED if (term := _term(kind)) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a sweep removes or empties of one class, and by which rule."""

    collection: str
    removed: int
    emptied: int
    since: str
    days: int


class Retention:
    """Sweeps when it starts and every hour. A sweep may be broken off anywhere and run twice.

    Of whoever had the use of their data restricted (Art. 18) only what ends by itself goes, such as a session, and the
    words of messages to other people: all else is kept until the restriction is over, and its time counts on.
    """

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        telemetry: Telemetry | None = None,
        reports_life: timedelta = REPORTS_LIFE,
        keyring: Keyring | None = None,
        before: Callable[[], Awaitable[Spared]] | None = None,
        foresee: Callable[[datetime], Awaitable[Spared]] | None = None,
    ) -> None:
        """With `telemetry`, single reports go after `reports_life`; the hours that hold what they said stay.

        With `keyring`, the key goes too of whatever is sealed under a key of its own, and of whoever asked for an
        account or the newsletter and never answered. `before` is awaited before each sweep, for whoever has to copy
        what holds name, and says whose could not be copied; where it fails nothing is swept. `foresee` tells the same
        of another moment, and does nothing.
        """
        self._records = records
        self._clock = clock
        self._keyring = keyring
        self._before = before
        self._foresee = foresee
        self._telemetry = telemetry
        self._reports_life = reports_life
        # Until when texts were emptied, and whose were spared; a new process looks at all again.
        self._emptied: dict[tuple[str, timedelta], tuple[datetime, frozenset[str]]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until `stop`."""
        while not stop.is_set():
            with survived(log, waits="sweep_put_off", broken_off="sweep_put_off"):
                await self.sweep()
            await self._clock.wait(stop, SWEEP_EVERY_S)

    async def sweep(self, at: datetime | None = None) -> dict[str, int]:
        """Remove and empty what is due; return how many records of which collection were touched.

        With `at`, a moment that is past, only what was due by then. What goes wrong with one class or one record is
        logged and left for the next sweep: the rest must not wait.
        """
        now = self._clock.now() if at is None else min(at, self._clock.now())
        done: dict[str, int] = {}
        held: Spared = {} if self._before is None else await self._before()
        restricted = await self._restricted(now)
        for term in terms():
            others = _all_but(term.kind, _staying(term, held, restricted))
            touched = await self._tried(term.kind, self._empty(term, now, held, restricted)) + await self._tried(
                term.kind, self._remove(term, now, others)
            )
            if touched:
                done[term.kind.collection] = touched
        full = remove_every(self._records, Bucket, at_most("refilled_at", now - BUCKET_LIFE))
        buckets = await self._tried(Bucket, full)
        if buckets:
            done[Bucket.collection] = buckets
        pruned = await self._prune(now - self._reports_life, held.get(TELEMETRY_COLLECTION, NOBODY) | restricted)
        if pruned:
            done[TELEMETRY_COLLECTION] = pruned
        if done:
            log.info("swept", **done)
        return done

    async def forecast(self, at: datetime) -> list[Due]:
        """Return what a sweep at that moment would do to what is stored now, without doing it."""
        found: list[Due] = []
        held: Spared = {} if self._foresee is None else await self._foresee(at)
        restricted = await self._restricted(at)
        for term in terms():
            others = _all_but(term.kind, _staying(term, held, restricted))
            removed = sum([await self._records.count(term.kind, *due, *others) for due in term.due(at)])
            emptied = 0
            for life, names in term.texts.items():
                when = term.due_texts(at, life, at - term.life)
                for whose in await self._to_empty(term, held, restricted):
                    async for record in every(self._records, term.kind, *when, *whose):
                        emptied += any(getattr(record, name) for name in names)
            found.append(_due(term.kind, removed, emptied, term.since, term.life))
        full = await self._records.count(Bucket, at_most("refilled_at", at - BUCKET_LIFE))
        found.append(_due(Bucket, full, 0, "refilled_at", BUCKET_LIFE))
        if self._telemetry is not None:
            stays = await self._sockets_of(held.get(TELEMETRY_COLLECTION, NOBODY) | restricted)
            old = await self._telemetry.prunable(at - self._reports_life, sparing=stays)
            days = self._reports_life.days
            found.append(Due(collection=TELEMETRY_COLLECTION, removed=old, emptied=0, since="ts", days=days))
        return [each for each in found if each.removed or each.emptied]

    async def _restricted(self, at: datetime) -> frozenset[str]:
        """Return the accounts whose data is only kept."""
        found = [each.account_id async for each in every(self._records, Restriction) if each.is_in_force(at)]
        return frozenset(found)

    async def _to_empty(self, term: Term, held: Spared, restricted: frozenset[str]) -> list[tuple[Test, ...]]:
        """Return whose texts are emptied: of whose data is only kept those that are other people's."""
        kind, found = term.kind, [_all_but(term.kind, _staying(term, held, restricted))]
        if kind.account is None or kind.subject in {None, "id", "request_id", kind.account}:
            return found
        for account_id in sorted(restricted - held.get(kind.collection, NOBODY)):
            mine = (is_("account_id", account_id), is_("is_owner", True))
            selves = [account_id, *(each.id for each in await self._records.find(Contact, *mine))]
            found.append((is_(kind.account, account_id), *(is_not(kind.subject or "", each) for each in selves)))
        return found

    async def _prune(self, before: datetime, owners: frozenset[str]) -> int:
        """Remove old reports but those of these owners' sockets, some at a time; return how many."""
        pruned = 0
        try:
            stays = await self._sockets_of(owners)
            while self._telemetry is not None and (some := await self._telemetry.prune(before, sparing=stays)):
                pruned += some
                await self._clock.sleep(PAUSE_S)
        except Exception as error:  # as with classes: the rest is for the next sweep
            log.exception("sweep_broken_off", collection=TELEMETRY_COLLECTION, error=type(error).__name__)
        return pruned

    async def _sockets_of(self, owners: frozenset[str]) -> list[str]:
        """Return the sockets whose reports stay."""
        if not owners:
            return []
        return [each.id for each in await self._records.find(Device, one_of("owner_id", sorted(owners)))]

    async def _tried(self, kind: type[Record], work: Awaitable[int]) -> int:
        try:
            return await work
        except Exception as error:  # whatever it is, what else is due must go
            log.exception("sweep_broken_off", collection=kind.collection, error=type(error).__name__)
            return 0

    async def _remove(self, term: Term, now: datetime, others: Sequence[Test]) -> int:
        return sum([await self._remove_due(term, now, *due, *others) for due in term.due(now)])

    async def _remove_due(self, term: Term, now: datetime, *due: Test) -> int:
        if self._keyring is not None and (_has_a_key_of_its_own(term.kind) or term.kind in _BEFORE_AN_ACCOUNT):
            async for each in every(self._records, term.kind, *due):
                person: str = getattr(each, term.kind.subject or "id")
                if not await self._is_wanted_still(term, person, now):
                    await self._keyring.destroy(person)  # before its record: a sweep that is broken off finds it again
        return await remove_every(self._records, term.kind, *due)

    async def _is_wanted_still(self, term: Term, person: str, now: datetime) -> bool:
        """Return whether somebody has an account by now, or asked once more with the same mailbox."""
        if await self._records.get(Account, person) is not None:
            return True
        return await self._records.count(term.kind, is_(term.kind.subject or "id", person), above(term.since, now)) > 0

    async def _empty(self, term: Term, now: datetime, held: Spared, restricted: frozenset[str]) -> int:
        """Empty the texts whose time is over; those that cannot be read any more are emptied unread."""
        emptied, stay = 0, _staying(term, held, restricted)
        for life, names in term.texts.items():
            (done, stayed), upto = self._emptied.get((term.kind.collection, life), (EPOCH, NOBODY)), now - life
            if term.is_answered or not stayed <= stay:
                done = EPOCH  # what was spared before, or was written since, is looked at again
            for whose in await self._to_empty(term, held, restricted):
                window = (*term.due_texts(now, life, done), *whose)
                emptied += await self._empty_within(term.kind, names, window)
            self._emptied[term.kind.collection, life] = (upto, stay)
        return emptied

    async def _empty_within(self, kind: type[Record], names: Sequence[str], window: Sequence[Test]) -> int:
        try:
            return await self._empty_each(kind, names, window)
        except StoreUnavailableError:
            raise
        except Exception as error:  # one that does not open keeps all others from being read
            log.exception("records_not_read", collection=kind.collection, error=type(error).__name__)
            counts = [await self._records.change_all(kind, *window, is_not(name, None), **{name: ""}) for name in names]
            return max(counts)

    async def _empty_each(self, kind: type[Record], names: Sequence[str], window: Sequence[Test]) -> int:
        """Empty one record at a time, which writes nothing twice and holds up nobody."""
        emptied = 0
        async for record in every(self._records, kind, *window):
            blanks: dict[str, Any] = {name: "" for name in names if getattr(record, name)}
            if blanks:
                emptied += await self._records.change_one(kind, is_("id", record.id), **blanks) is not None
        return emptied


def _staying(term: Term, held: Spared, restricted: frozenset[str]) -> frozenset[str]:
    """Return the accounts whose records of a class stay although their time is over."""
    there = held.get(term.kind.collection, NOBODY)
    return there if term.since == "expires_at" else there | restricted


def _all_but(kind: type[Record], spared: frozenset[str]) -> tuple[Test, ...]:
    """Return the conditions that leave out whoever is spared."""
    if kind.account is None:
        return ()
    return tuple(is_not(kind.account, each) for each in sorted(spared))


def _due(kind: type[Record], removed: int, emptied: int, since: str, life: timedelta) -> Due:
    return Due(collection=kind.collection, removed=removed, emptied=emptied, since=since, days=life.days)


def _term(kind: type[Record]) -> Term | None:
    names, keeps = {each.name for each in fields(kind)}, _keeps(kind)
    since = next((name for name in MADE if name in names), None)
    if "expires_at" in names and (since is None or _OWN_END & set(keeps.values())):
        return Term(kind=kind, since="expires_at", life=timedelta(0), texts={})
    if since is None or not keeps or any(keep not in LIVES for keep in keeps.values()):
        return None
    life = max(LIVES[keep] for keep in keeps.values())
    sooner: dict[timedelta, tuple[str, ...]] = {}
    for name, keep in keeps.items():
        if LIVES[keep] < life and _is_text(kind, name):
            sooner[LIVES[keep]] = (*sooner.get(LIVES[keep], ()), name)
    return Term(
        kind=kind,
        since=OVER if OVER in names else since,
        life=life,
        texts=sooner,
        is_answered=Keep.ANSWERED in keeps.values(),
        may_be_silent=Keep.TOLD in keeps.values(),
    )


def _has_a_key_of_its_own(kind: type[Record]) -> bool:
    return kind.subject == "id" and bool(sealed_fields(kind))


def _keeps(kind: type[Record]) -> dict[str, Keep]:
    return {name: how.keep for name, how in personal_fields(kind).items()}


def _is_text(kind: type[Record], name: str) -> bool:
    hint: Any = get_type_hints(kind)[name]
    return hint is str or (get_origin(hint) is UnionType and str in get_args(hint))
