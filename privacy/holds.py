"""Keeps what holds name: copies it before it can go, warns of reviews, and lets it all go when a hold is over.

Each step may be broken off anywhere and run again: copies have derived ids and only ever gain, the key of what is over
goes before the copies, and these before the record says so.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from isocket.domain import STORED
from isocket.domain.collected import TELEMETRY_COLLECTION
from isocket.domain.deliveries import PROVING, WORDS, Delivery
from isocket.domain.devices import Device
from isocket.domain.handling import Category, Handling
from isocket.domain.holds import HeldCopy, Hold, HoldState, UncopiedError, collections_of, copy_id, vault_of
from isocket.domain.letters import Letter
from isocket.domain.periods import years_later
from isocket.domain.record import Record, handling_of, sealed_fields
from isocket.domain.reports import Report
from isocket.kit.clock import EPOCH, Clock, from_ms, to_text
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring, PersonErasedError
from isocket.storage.port import AlreadyThereError, Records, StoreUnavailableError, Test, at_most, every, is_, is_not
from isocket.storage.telemetry import Telemetry
from privacy.choices import ChoiceLedger
from privacy.hold_ledger import note_holds
from privacy.retention import Spared
from privacy.schemas import stored_values
from privacy.staff_mail import readers, to_staff

log = get_logger(__name__)

LOOK_EVERY_S = 60.0
COPY_EVERY = timedelta(hours=1)
RETRY = timedelta(minutes=10)  # so soon what could not be copied is tried again
PATIENCE = timedelta(hours=1)  # so long staff are not told of it: most of what goes wrong passes
BACKLOG = timedelta(days=3)  # so much later reports usually come at most
REGISTER_YEARS = 3
PAGE = 1_000


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
        self._telemetry = telemetry
        self._keyring = keyring
        self._clock = clock
        self._operator_email = operator_email
        self._public_url = public_url.rstrip("/")
        self._ledger = ledger
        self._uncopied = Gauge(
            "isocket_holds_uncopied", "Holds that cannot be copied", registry=registry or CollectorRegistry()
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Keep until `stop`."""
        while not stop.is_set():
            try:
                await self.round()
            except StoreUnavailableError as error:
                log.warning("holds_wait", error=type(error).__name__)
            except Exception as error:  # whatever it is, the next look tries again
                log.exception("holds_broken_off", error=type(error).__name__)
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
            if self._ledger is not None:
                await note_holds(self._records, self._ledger)

    async def copy_all(self) -> Spared:
        """Copy what holds name as it is now; called before a sweep removes or empties anything.

        Return of whom what could not be copied, which must stay as it is: by collection, the accounts.
        """
        spared: dict[str, set[str]] = {}
        for each in await self._copy_each():
            for collection in _named_by(each):
                spared.setdefault(collection, set()).add(each.account_id)
        return {collection: frozenset(accounts) for collection, accounts in spared.items()}

    async def _copy_each(self, *which: Test) -> list[Hold]:
        """Copy what each of these holds names; return those that could not be copied, which keep no other back."""
        wrong = []
        for each in await self._records.find(Hold, is_("state", HoldState.IN_FORCE), *which):
            try:
                await self._copy(each)
            except Exception as error:  # it is noted at the hold, tried again, and told
                log.exception("hold_not_copied", hold_id=each.id, error=type(error).__name__)
                await self._note_uncopied(each)
                wrong.append(each)
        return wrong

    async def _note_uncopied(self, hold: Hold) -> None:
        now = self._clock.now()
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
            except Exception as error:
                log.exception("hold_not_copied", hold_id=each.id, error=type(error).__name__)
                await self._note_uncopied(each)
                if isinstance(error, StoreUnavailableError):
                    raise
                raise UncopiedError from error
        return tuple(each.id for each in found)

    async def _let_go(self, hold: Hold) -> None:
        """Destroy the copies and their key; of the hold itself the register keeps what it was."""
        await self._keyring.destroy(vault_of(hold.id))
        gone = await self._records.remove_all(HeldCopy, is_("hold_id", hold.id))
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
        since = EPOCH if whole or hold.copied_at is None else _midnight(hold.copied_at - BACKLOG)
        try:
            async for source, record_id, version, content in self._wanted(hold, since):
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
        if copied:
            log.info("hold_copied", hold_id=hold.id, records=copied)

    async def _wanted(self, hold: Hold, since: datetime) -> AsyncIterator[tuple[str, str, int, dict[str, Any]]]:
        """Yield what the hold names as it is now: collection, id, version and values."""
        wanted = collections_of(hold.parts)
        for kind in STORED:
            if kind.collection in wanted and kind.account is not None:
                async for each in every(self._records, kind, is_(kind.account, hold.account_id)):
                    yield kind.collection, each.id, each.version, stored_values(each, held_fields(each))
        if TELEMETRY_COLLECTION in wanted:
            for device in await self._records.find(Device, is_("owner_id", hold.account_id)):
                async for day, reports in self._days(device, since):
                    yield TELEMETRY_COLLECTION, f"{device.id} {day}", 1, {"device_id": device.id, "reports": reports}

    async def _days(self, device: Device, since: datetime) -> AsyncIterator[tuple[str, list[Any]]]:
        """Yield each day of what a socket reported since it is this customer's, from `since` on."""
        since = max(device.claimed_at or EPOCH, since)
        end, last, today = self._clock.now() + timedelta(days=1), None, ("", list[Any]())
        while True:
            page = await self._telemetry.reports(device.id, start=since, end=end, after=last, limit=PAGE)
            for day, found in groupby(page, key=_day_of):
                if day != today[0]:
                    if today[1]:
                        yield today
                    today = (day, [])
                today[1].extend(_line(each) for each in found)
            if len(page) < PAGE:
                break
            last = page[-1]
        if today[1]:
            yield today

    async def _keep(self, hold: Hold, source: str, record_id: str, version: int, content: dict[str, Any]) -> bool:
        """Write a copy, or let one gain what is new; return whether anything was written."""
        known = await self._records.get(HeldCopy, copy_id(hold.id, source, record_id))
        if known is None:
            made = HeldCopy(
                id=copy_id(hold.id, source, record_id),
                hold_id=hold.id,
                vault_id=vault_of(hold.id),
                source=source,
                record_id=record_id,
                seen=version,
                content=_text(content),
            )
            try:
                await self._records.add(made)
            except AlreadyThereError:
                return False  # another process was a moment quicker
            return True
        merged = _text(merge(json.loads(known.content), content)) if known.content else _text(content)
        if merged == known.content:
            return False
        same = (is_("id", known.id), is_("version", known.version))
        return await self._records.change_one(HeldCopy, *same, seen=version, content=merged) is not None

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


async def uncopied_holds(records: Records) -> list[Hold]:
    """Return the holds in force that cannot be copied."""
    return await records.find(Hold, is_("state", HoldState.IN_FORCE), is_not("uncopied_since", None))


def _named_by(hold: Hold) -> frozenset[str]:
    """Return the collections that a hold names; all of them where it names what this version does not know."""
    try:
        return collections_of(hold.parts)
    except ValueError:
        return frozenset({*(kind.collection for kind in STORED), TELEMETRY_COLLECTION})


def held_fields(each: Record) -> tuple[str, ...]:
    """Return the fields of a record that a hold copies: no proofs, and of other people nothing that is sealed."""
    kind = type(each)
    of_another = kind.subject not in {None, "id", "request_id"} and getattr(each, kind.subject or "") != getattr(
        each, kind.account or ""
    )
    proving = isinstance(each, Delivery) and getattr(each, "kind", None) in PROVING
    left_out = {*(sealed_fields(kind) if of_another else ()), *_proofs(kind), *(WORDS if proving else ())}
    return tuple(name for name in handling_of(kind) if name not in left_out)


def merge(known: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a record with what is new; what was emptied or taken off a list meanwhile stays."""
    merged = dict(known)
    for name, value in now.items():
        before = known.get(name)
        if isinstance(value, list) and isinstance(before, list):
            there = {_text(each) for each in before}
            merged[name] = [*before, *(each for each in value if _text(each) not in there)]
        elif value not in (None, "") or name not in known:
            merged[name] = value
    return merged


def _proofs(kind: type[Record]) -> frozenset[str]:
    return frozenset(
        name
        for name, how in handling_of(kind).items()
        if isinstance(how, Handling) and how.category is Category.CREDENTIAL
    )


def _midnight(at: datetime) -> datetime:
    return datetime.combine(at.date(), time(), UTC)


def _text(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _day_of(report: Report) -> str:
    return f"{from_ms(report.at_ms):%Y-%m-%d}"


def _line(report: Report) -> list[Any]:
    return [report.kind.value, report.at_ms, report.received_ms, dict(report.fields)]
