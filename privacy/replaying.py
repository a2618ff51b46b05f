"""Before any port opens: whoever was erased and came back with a restored backup is erased again."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from isocket.domain.accounts import Account
from isocket.domain.archives import Archive, ArchiveState
from isocket.domain.contacts import Contact
from isocket.domain.erasures import Erasure, ErasureState, tombstone
from isocket.domain.holds import UncopiedError
from isocket.kit.clock import Clock, from_text
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, StoreUnavailableError, every, is_, is_not
from privacy.erasing import Eraser
from privacy.ledger import Ledger, Line

log = get_logger(__name__)

AT_ONCE = 500  # receipts in one write
_NOT_AGAIN = (
    "somebody who was erased and came back with a backup cannot be erased again, and nothing is opened before that"
)


async def replay_erasures(
    records: Records,
    eraser: Eraser,
    ledger: Ledger,
    clock: Clock,
    *,
    erase_entry: Callable[[str], Awaitable[None]],
) -> int:
    """Erase again whom the ledger names and the store holds; return how many there were.

    `erase_entry` does so with one alarm recipient, who is erased without an account.

    Where the store has the receipt of every line nothing was restored, and nothing is looked through.

    Raises:
        LedgerBrokenError: it cannot be told who was erased.
        StoreUnavailableError: somebody is still there: do not open any port.
        UncopiedError: the same, since what a hold names of them cannot be copied; it says what to do.
    """
    missing = [each for each in await asyncio.to_thread(ledger.lines) if not await _has_receipt(records, each)]
    if not missing:
        return 0
    wanted = {each.tombstone for each in missing}
    await _give_up_archives(records, {each.tombstone for each in missing if each.own_wish})
    back = [account.id async for account in every(records, Account) if tombstone(account.id) in wanted]
    begun = await records.find(Erasure, is_("state", ErasureState.RUNNING))
    back += [each.account_id for each in begun if tombstone(each.account_id) in wanted and each.account_id not in back]
    for account_id in back:
        try:
            again = await eraser.erase(account_id, by="restore")
        except UncopiedError as error:
            raise UncopiedError(error.hold_id, so=_NOT_AGAIN) from error
        if again is None or again.state is not ErasureState.DONE:
            raise StoreUnavailableError(
                "Somebody who was erased came back with a backup and could not be erased again: "
                f"{again.problem if again else 'try again'}. Nothing is opened before that."
            )
    entries = [contact.id async for contact in every(records, Contact) if tombstone(contact.id) in wanted]
    for contact_id in entries:
        await erase_entry(contact_id)
    for begin in range(0, len(missing), AT_ONCE):
        await _add_receipts(records, missing[begin : begin + AT_ONCE], clock)
    log.warning("erasures_replayed", records=len(missing), persons=len(back) + len(entries))
    return len(back) + len(entries)


async def _give_up_archives(records: Records, own_wishes: Collection[str]) -> None:
    """Let archives that the backup had begun of whoever asked to be erased name nobody: then they are dropped."""
    for each in await records.find(Archive, is_("state", ArchiveState.SEALING)):
        if tombstone(each.account_id) in own_wishes:
            await records.change_one(Archive, is_("id", each.id), account_id="")


async def _has_receipt(records: Records, line: Line) -> bool:
    found = await records.get(Erasure, line.erasure_id)
    return found is not None and found.state is ErasureState.DONE


async def _add_receipts(records: Records, lines: Sequence[Line], clock: Clock) -> None:
    """Note that these lines were seen to, so that the next start is quick; an older wish of one becomes the receipt.

    Many at once: a backup may lack thousands, each write waits for the disk, and nobody is told of alarms meanwhile.
    """
    if await records.add_all([_receipt(each) for each in lines]) == len(lines):
        return
    for each in lines:
        if not await _has_receipt(records, each):
            await records.change_one(
                Erasure,
                is_("id", each.erasure_id),
                is_not("state", ErasureState.DONE),
                state=ErasureState.DONE,
                account_id="",
                open_key=None,
                persons=(),
                values="",
                done_at=clock.now(),
            )


def _receipt(line: Line) -> Erasure:
    at = from_text(line.at)
    return Erasure(
        id=line.erasure_id, account_id="", asked_at=at, due_at=at, by="restore", state=ErasureState.DONE, done_at=at
    )
