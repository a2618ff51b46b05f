"""Seals what law wants kept of customers who left long ago, erases the rest, and destroys archives whose time is over.

Each step may be broken off anywhere and run again: the record of the archive comes first, then its file, then the
account is shut for good, and only then anything is erased. Who signs in before that keeps everything.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from isocket.domain.accounts import Account
from isocket.domain.archives import Archive, ArchiveState, ArchiveTerms, archive_id
from isocket.domain.erasure_plan import erased_with_the_account
from isocket.domain.erasures import Erasure, ErasureState
from isocket.domain.holds import UncopiedError
from isocket.domain.record import Record, personal_fields
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, StoreUnavailableError, at_most, every, is_, is_not
from privacy.erasing import Eraser
from privacy.manager_keys import PublicKey
from privacy.rounds import survived
from privacy.schemas import stored_values
from privacy.sealing import ArchiveError, Manifest, check_managers, draft_of, manifest_of, seal

log = get_logger(__name__)

LOOK_EVERY_S = 3600.0
BY = "archive"


class Archivist:
    """Looks when it starts and every hour. Several may run: a step is taken by one only, or does no harm twice.

    Without the managers' keys nothing is sealed, and so nothing is erased either.
    """

    def __init__(
        self,
        *,
        records: Records,
        keyring: Keyring,
        clock: Clock,
        eraser: Eraser,
        folder: Path,
        managers: Sequence[PublicKey],
        terms: ArchiveTerms,
    ) -> None:
        """Raise ArchiveError where there are managers' keys, but not of three."""
        if managers:
            check_managers(managers)
        self._records = records
        self._keyring = keyring
        self._clock = clock
        self._eraser = eraser
        self._folder = folder
        self._managers = managers
        self._terms = terms

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        while not stop.is_set():
            with survived(log, waits="archiving_waits", broken_off="archiving_broken_off"):
                await self.round()
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def round(self) -> int:
        """Destroy what is over, go on with what was begun, begin what is due; return how many were sealed."""
        await self._destroy()
        for each in await self._records.find(Archive, is_("state", ArchiveState.SEALING), is_("account_id", "")):
            await self._drop(each)  # they were erased at their own wish; it needs no managers
        if not self._managers:
            return 0
        for account in await self.due():
            await self._begin(account)
        begun = await self._records.find(Archive, is_("state", ArchiveState.SEALING))
        return sum([await self._tried(each) for each in begun])

    async def due(self) -> list[Account]:
        """Return the accounts that are to be sealed now: of whoever asked to be erased nothing is."""
        now = self._clock.now()
        ended = await self._records.find(Account, at_most("ended_at", now))
        late = [each for each in ended if (at := self._terms.sealed_from(each)) is not None and at <= now]
        return [each for each in late if not await self._records.count(Erasure, is_("open_key", each.id))]

    async def holder(self, email: str) -> str:
        """Return by which keyed hash the archive of a mailbox is found."""
        key = await self._keyring.index_key("archives.holder")
        return hmac.new(key, email.casefold().encode(), hashlib.sha256).hexdigest()

    def file_of(self, archive: Archive) -> Path:
        """Return where an archive lies."""
        return self._folder / f"{archive.id}.archive"

    async def _begin(self, account: Account) -> None:
        ended, destroy = account.ended_at, self._terms.destroyed_from(account)
        if ended is None or destroy is None:
            return
        made = Archive(
            id=archive_id(account.id, ended),
            account_id=account.id,
            holder=await self.holder(account.email),
            begun_at=self._clock.now(),
            ended_at=ended,
            destroy_at=destroy,
        )
        await self._records.add_all([made])

    async def _tried(self, archive: Archive) -> bool:
        try:
            return await self._carry_out(archive)
        except StoreUnavailableError:
            raise
        except UncopiedError as error:
            log.warning("archive_waits", archive_id=archive.id, error=type(error).__name__)
            return False
        except Exception as error:  # it keeps no other back, and is tried again
            log.exception("archive_broken_off", archive_id=archive.id, error=type(error).__name__)
            return False

    async def _carry_out(self, archive: Archive) -> bool:
        account = await self._records.get(Account, archive.account_id)
        if not archive.account_id or (account is not None and account.ended_at != archive.ended_at):
            await self._drop(archive)  # they were erased just now at their own wish, or came back
            return False
        if account is not None and await self._has_asked(account):
            return False  # to be erased, and may undo that until its day
        if account is not None and not archive.digest:
            sealed = await self._seal(archive)
            if sealed is None:
                return False
            archive = sealed
        if account is not None and not await self._shut(archive):
            await self._drop(archive)
            return False
        receipt = await self._eraser.erase(archive.account_id, by=BY)
        if receipt is not None and receipt.state is not ErasureState.DONE:
            log.error("archive_held_up", archive_id=archive.id, problem=receipt.problem)
            return False
        done = await self._records.change_one(
            Archive,
            is_("id", archive.id),
            is_("state", ArchiveState.SEALING),
            is_("account_id", archive.account_id),
            state=ArchiveState.SEALED,
            account_id="",
            sealed_at=self._clock.now(),
        )
        if done is not None:
            log.info("archived", archive_id=archive.id)
        return done is not None

    async def _has_asked(self, account: Account) -> bool:
        asked = (is_("open_key", account.id), is_("state", ErasureState.ASKED), is_not("by", BY))
        return await self._records.count(Erasure, *asked) > 0

    async def _seal(self, archive: Archive) -> Archive | None:
        """Write the file, and note its digest: from then on it is whole."""
        found = {kind: await self._records_of(kind, archive.account_id) for kind in archived_classes()}
        counts = {kind.collection: len(lines) for kind, lines in found.items() if lines}
        manifest = Manifest(
            id=archive.id,
            sealed_at=archive.begun_at,
            destroy_at=archive.destroy_at,
            managers={each.fingerprint: each.name for each in self._managers},
            counts=counts,
        )
        content = _document({kind.collection: lines for kind, lines in found.items() if lines})
        digest = await asyncio.to_thread(seal, manifest, content, self._managers, self.file_of(archive))
        return await self._records.change_one(
            Archive, is_("id", archive.id), is_("state", ArchiveState.SEALING), digest=digest, counts=counts
        )

    async def _records_of(self, kind: type[Record], account_id: str) -> list[str]:
        names = archived_fields(kind)
        return [
            json.dumps(stored_values(each, names), ensure_ascii=False, separators=(",", ":"))
            async for each in every(self._records, kind, is_(kind.account or "", account_id))
        ]

    async def _shut(self, archive: Archive) -> bool:
        """Let nobody sign in any more; False where somebody did meanwhile."""
        shut = await self._records.change_one(
            Account, is_("id", archive.account_id), is_("ended_at", archive.ended_at), password_hash=""
        )
        return shut is not None

    async def _drop(self, archive: Archive) -> None:
        for path in (self.file_of(archive), draft_of(self.file_of(archive))):
            await asyncio.to_thread(path.unlink, missing_ok=True)
        await self._records.remove_all(Archive, is_("id", archive.id))
        log.info("archive_dropped", archive_id=archive.id)

    async def _destroy(self) -> None:
        """Take away the files whose time is over: with its shares the only key to the content goes."""
        over = (is_("state", ArchiveState.SEALED), at_most("destroy_at", self._clock.now()))
        for each in await self._records.find(Archive, *over):
            if not await self._took_away(self.file_of(each)):
                continue
            await self._records.change_one(
                Archive,
                is_("id", each.id),
                is_("state", ArchiveState.SEALED),
                state=ArchiveState.DESTROYED,
                destroyed_at=self._clock.now(),
                holder="",
            )
            log.info("archive_destroyed", archive_id=each.id)
        for path in await asyncio.to_thread(self._over):
            is_known = await self._records.get(Archive, path.stem) is not None
            if not is_known and await self._took_away(path):  # a restored backup from before does not know it
                log.info("archive_destroyed", archive_id=path.stem)

    async def _took_away(self, path: Path) -> bool:
        """Take a file away; where that fails it keeps no other from being destroyed or sealed, and is tried again."""
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            log.exception("archive_not_destroyed", archive_id=path.stem, error=type(error).__name__)
            return False
        return True

    def _over(self) -> list[Path]:
        """Return the archives that say of themselves that their time is over."""
        now, found = self._clock.now(), list[Path]()
        for path in sorted(self._folder.glob("*.archive")):
            try:
                if manifest_of(path).destroy_at <= now:
                    found.append(path)
            except ArchiveError:
                continue  # not made here
        return found


def archived_classes() -> tuple[type[Record], ...]:
    """Return the classes of which anything is sealed."""
    return tuple(kind for kind in erased_with_the_account() if archived_fields(kind))


def archived_fields(kind: type[Record]) -> tuple[str, ...]:
    """Return the fields that are sealed, the id first where there are any."""
    found = tuple(name for name, how in personal_fields(kind).items() if how.archived)
    return ("id", *found) if found else ()


def _document(found: dict[str, list[str]]) -> Iterator[bytes]:
    """Yield one JSON object: the records of each collection."""
    for number, (collection, lines) in enumerate(found.items()):
        yield ("{" if number == 0 else ",\n").encode() + json.dumps(collection).encode() + b": ["
        yield ",\n".join(lines).encode() + b"]"
    yield b"}\n" if found else b"{}\n"
