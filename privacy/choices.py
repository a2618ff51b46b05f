"""What people chose and a restored backup must not undo: restrictions, objections, leaving, stop, and to be erased.

The service copies each into a small file apart from the store, as hashes of random or keyed ids. Before any port opens
whatever the store has forgotten is put back. Where both disagree and nobody can tell which is newer, the choice that
protects the person holds.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from isocket.domain.accounts import Account
from isocket.domain.consents import Subscription, Suppression
from isocket.domain.contacts import Contact
from isocket.domain.erasures import Erasure, ErasureState, tombstone
from isocket.domain.pauses import STOP_REPLY, UNSUBSCRIBED
from isocket.domain.record import Record
from isocket.domain.restrictions import OBJECTED, Objection, ObjectionTo, Restriction, objection_id, restriction_id
from isocket.domain.stops import Stop, StopKind, stopped_address
from isocket.kit.clock import Clock, from_text, to_text
from isocket.kit.ids import new_id
from isocket.kit.logs import get_logger
from isocket.storage.codec import from_document, to_document
from isocket.storage.keyring import Keyring
from isocket.storage.notes import note, noted_moment
from isocket.storage.port import Records, every, is_, is_not, one_of
from privacy.choice_ledger import Choice, ChoiceLedger, Folded
from privacy.rounds import survived

log = get_logger(__name__)

LOOK_EVERY_S = 10.0
MARK_AGAIN_AFTER = timedelta(hours=12)
KINDS: tuple[type[Record], ...] = (Restriction, Objection, Suppression)
_OF_THE_ACCOUNT = frozenset({"id", "account_id"})
_INDEX = "stops.choices"
_OWN_WISH = "person"
_WISHED = (ErasureState.ASKED, ErasureState.RUNNING, ErasureState.UNDONE)


class ChoiceKeeper:
    """Copies choices into the ledger as they are made, and marks the store: a restored backup has no mark of it."""

    def __init__(self, *, records: Records, ledger: ChoiceLedger, clock: Clock, keyring: Keyring) -> None:
        self._records = records
        self._ledger = ledger
        self._clock = clock
        self._keyring = keyring

    async def run(self, stop: asyncio.Event) -> None:
        """Copy until `stop`, and once more then."""
        while not stop.is_set():
            await self._tried()
            await self._clock.wait(stop, LOOK_EVERY_S)
        await self._tried()

    async def _tried(self) -> None:
        with survived(log, waits="choices_wait", broken_off="choices_broken_off"):
            await self.round()

    async def round(self) -> int:
        """Note what changed since; return how much that was."""
        noted = await asyncio.to_thread(self._ledger.folded)
        now = await _chosen(self._records) | await _objecting(self._records)
        now |= await _stopped(self._records, self._keyring) | await _wishes(self._records)
        news = [each for key, each in now.items() if noted.get(key) != each]
        news += [
            Choice(each.collection, each.key, None)
            for key, each in noted.items()
            if key not in now and each.content is not None
        ]
        if news:
            await asyncio.to_thread(self._ledger.note, news)
        await self._mark()
        if await asyncio.to_thread(self._ledger.forget, lambda each: each.content is None):
            await self._mark()
        return len(news)

    async def _mark(self) -> None:
        """Note in the store that it knows the ledger; one that is not renewed goes after two days."""
        mark, at = await asyncio.to_thread(self._ledger.mark), self._clock.now()
        marked_at = await noted_moment(self._records, mark)
        if marked_at is None or marked_at <= at - MARK_AGAIN_AFTER:
            await note(self._records, mark, at)


async def _is_marked(records: Records, ledger: ChoiceLedger) -> bool:
    """Return whether the store knew all of the ledger: then nothing was restored, and what it lacks was taken back."""
    return await noted_moment(records, await asyncio.to_thread(ledger.mark)) is not None


async def replay_choices(records: Records, ledger: ChoiceLedger) -> int:
    """Put back what a restored backup has forgotten; return how much that was. Called before any port opens.

    Raises:
        ChoicesBrokenError: it cannot be told what people chose.
    """
    noted = await asyncio.to_thread(ledger.folded)
    if await _is_marked(records, ledger):
        return 0
    back = await _pause_again(records, noted) + await _wish_again(records, noted)
    there = await _chosen(records)
    wanted = {kind.collection for kind in KINDS}
    ours = {key: each for key, each in noted.items() if each.collection in wanted and each.content is not None}
    lost = [each for key, each in ours.items() if _is_newer(each, there.get(key))]
    if not lost:
        return back
    accounts = {tombstone(each.id): each.id async for each in every(records, Account)}
    for each in lost:
        back += await _put_back(records, each, accounts)
    log.warning("choices_replayed", records=back)
    return back


async def replay_stops(records: Records, ledger: ChoiceLedger, keyring: Keyring) -> int:
    """Put back who asked us to stop, objected or was erased as a recipient; return of how many addresses.

    The file holds a keyed hash of each, so one is known again only by the entries that the backup has of it. Called
    before erasures are replayed, which take entries away.

    Raises:
        ChoicesBrokenError: it cannot be told who said so.
    """
    noted = await asyncio.to_thread(ledger.folded)
    if await _is_marked(records, ledger):
        return 0
    said = {each.key: each.content for each in noted.values() if each.collection == Stop.collection and each.content}
    there = {each.key: each.content for each in (await _stopped(records, keyring)).values() if each.content}
    lost = {key: StopKind(each["said"]) for key, each in said.items() if _weighs_more(each, there.get(key))}
    if not lost:
        return 0
    key, addresses = await keyring.index_key(_INDEX), dict[str, str]()
    async for contact in every(records, Contact):
        for address in filter(None, (contact.phone, contact.email)):
            hashed = _hashed(key, address)
            if hashed in lost:
                addresses[hashed] = address
                await _pause(records, contact, address, lost[hashed], from_text(said[hashed]["stopped_at"]))
    for hashed, address in addresses.items():  # after the pauses: whoever dies before begins anew
        stopped = stopped_address(address)
        if not await records.change_all(Stop, is_("address", stopped), said=lost[hashed]):
            at = from_text(said[hashed]["stopped_at"])
            await records.add(Stop(id=new_id("stp"), address=stopped, stopped_at=at, said=lost[hashed]))
    if addresses:
        log.warning("stops_replayed", records=len(addresses))
    return len(addresses)


async def _wishes(records: Records) -> Folded:
    """Return who asked to be erased and waits for it, and who took that back."""
    found = Folded()
    for each in await records.find(Erasure, one_of("state", _WISHED), is_("by", _OWN_WISH)):
        content = {
            "account": tombstone(each.account_id),
            "taken_back": each.state is ErasureState.UNDONE,
            "asked_at": to_text(each.asked_at),
            "due_at": to_text(each.due_at),
        }
        found[each.collection, each.id] = Choice(each.collection, each.id, content)
    return found


async def _wish_again(records: Records, noted: Folded) -> int:
    """Ask again for who asked to be erased since the backup, and take back what was taken back; return how many."""
    there, back = await _wishes(records), 0
    wishes = {key: each.content for key, each in noted.items() if each.collection == Erasure.collection}
    lost = {key[1]: each for key, each in wishes.items() if each and _is_other(each, there.get(key))}
    accounts = {tombstone(each.id): each.id async for each in every(records, Account)} if lost else {}
    for wish_id, each in lost.items():
        account_id = accounts.get(each["account"])
        if each["taken_back"]:
            this = (is_("id", wish_id), is_("state", ErasureState.ASKED))
            undone = await records.change_one(Erasure, *this, state=ErasureState.UNDONE, open_key=None, farewell_ids=())
            back += undone is not None
        elif account_id is not None:
            asked_at, due_at = from_text(each["asked_at"]), from_text(each["due_at"])
            made = Erasure(id=wish_id, account_id=account_id, asked_at=asked_at, due_at=due_at, open_key=account_id)
            back += await records.add_all([made])
    if back:
        log.warning("wishes_replayed", records=back)
    return back


def _is_other(noted: Mapping[str, Any], there: Choice | None) -> bool:
    """Return whether the store does not know a wish, or not that it was taken back: that is never asked for again."""
    known = there.content if there is not None else None
    return known is None or (noted["taken_back"] and not known["taken_back"])


async def _objecting(records: Records) -> Folded:
    """Return who objects to being told of alarms of their own sockets: their own entry is paused for that."""
    found = Folded()
    for each in await records.find(Contact, is_("pause_reason", OBJECTED), is_("is_owner", True)):
        if each.paused_at is not None:
            made = Choice(each.collection, tombstone(each.id), {"paused_at": to_text(each.paused_at)})
            found[made.collection, made.key] = made
    return found


async def _pause_again(records: Records, noted: Folded) -> int:
    """Pause again who objected since the backup; return how many."""
    there, back = await _objecting(records), 0
    lost = {
        each.key: from_text(each.content["paused_at"])
        for key, each in noted.items()
        if each.collection == Contact.collection and each.content and key not in there
    }
    if lost:
        async for own in every(records, Contact, is_("is_owner", True)):
            at = lost.get(tombstone(own.id))
            if at is not None:
                await records.change_one(Contact, is_("id", own.id), paused_at=at, pause_reason=OBJECTED)
                back += 1
        log.warning("objections_replayed", records=back)
    return back


async def _pause(records: Records, contact: Contact, address: str, said: StopKind, at: datetime) -> None:
    """Pause an entry again; an objection and an erasure were of entries by others alone (their own: `_objecting`)."""
    if contact.is_owner and said is not StopKind.STOP:
        return
    reason = OBJECTED if said is not StopKind.STOP else UNSUBSCRIBED if "@" in address else STOP_REPLY
    this = is_("id", contact.id)
    paused = await records.change_one(Contact, this, is_("paused_at", None), paused_at=at, pause_reason=reason)
    if paused is None and reason == OBJECTED:  # it outweighs whatever paused them before
        await records.change_one(Contact, this, is_not("paused_at", None), pause_reason=OBJECTED)


async def _stopped(records: Records, keyring: Keyring) -> Folded:
    """Return the addresses whose readers want nothing from us, as keyed hashes."""
    key, found = await keyring.index_key(_INDEX), Folded()
    async for each in every(records, Stop):
        content = {"said": each.said.value, "stopped_at": to_text(each.stopped_at)}
        made = Choice(each.collection, _hashed(key, each.address), content)
        found[made.collection, made.key] = made
    return found


def _hashed(key: bytes, address: str) -> str:
    return hmac.new(key, stopped_address(address).encode(), hashlib.sha256).hexdigest()


def _weighs_more(noted: Mapping[str, Any], there: Mapping[str, Any] | None) -> bool:
    return there is None or StopKind(noted["said"]).outweighs(StopKind(there["said"]))


async def _chosen(records: Records) -> Folded:
    found: Folded = {}
    for kind in KINDS:
        async for each in every(records, kind):
            made = _choice_of(each)
            found[made.collection, made.key] = made
    return found


def _choice_of(each: Record) -> Choice:
    content = {name: value for name, value in to_document(each).items() if name not in _OF_THE_ACCOUNT}
    return Choice(each.collection, _key_of(each), content)


def _key_of(each: Record) -> str:
    if isinstance(each, Objection):
        return f"{tombstone(each.account_id)} {each.to}"
    return tombstone(each.account_id) if isinstance(each, Restriction) else each.id


def _is_newer(noted: Choice, there: Choice | None) -> bool:
    if there is None or there.content is None or noted.content is None:
        return there is None
    return int(noted.content["version"]) > int(there.content["version"])


async def _put_back(records: Records, choice: Choice, accounts: Mapping[str, str]) -> bool:
    content = dict(choice.content or {})
    if choice.collection == Suppression.collection:
        made: Record = from_document(Suppression, {**content, "id": choice.key})
        return bool(await records.add_all([made]))
    whose, _, to = choice.key.partition(" ")
    account_id = accounts.get(whose)
    if account_id is None:
        return False  # they are not here any more, or not in this backup yet
    if choice.collection == Objection.collection:
        owned = {"id": objection_id(account_id, ObjectionTo(to)), "account_id": account_id}
        if to == ObjectionTo.NEWSLETTER:
            await records.remove_all(Subscription, is_("account_id", account_id))
        return bool(await records.add_all([from_document(Objection, {**content, **owned})]))
    owned = {"id": restriction_id(account_id), "account_id": account_id}
    restored = from_document(Restriction, {**content, **owned})
    if await records.add_all([restored]):
        return True
    changed = await records.change_one(
        Restriction,
        is_("id", restored.id),
        since=restored.since,
        alarms=restored.alarms,
        lifts_at=restored.lifts_at,
        lifted_by=restored.lifted_by,
    )
    return changed is not None
