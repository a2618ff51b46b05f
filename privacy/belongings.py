"""What belongs to an account wherever it lies: all that names it, and what other customers offer to its mailbox."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from isocket.domain.accounts import Account, Registration
from isocket.domain.archives import Archive, ArchiveState
from isocket.domain.consents import Consent, ConsentStep, Subscription, SubscriptionState
from isocket.domain.deliveries import Attempt, Delivery, Receipt
from isocket.domain.desk import DeskMessage
from isocket.domain.disclosures import Disclosure
from isocket.domain.erasure_plan import erased_with_the_account
from isocket.domain.erasures import Erasure, ErasureState
from isocket.domain.exports import DataExport
from isocket.domain.letters import Letter
from isocket.domain.record import Record, account_fields
from isocket.domain.request_notes import RequestNote
from isocket.domain.requests import RightsRequest
from isocket.domain.share_letters import share_left
from isocket.domain.shares import Share
from isocket.domain.transfers import Transfer
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, above, is_, one_of, remove_every
from isocket.storage.provider_wishes import ask_providers
from isocket.storage.shelf import Shelf
from isocket.storage.suppressed import suppress

ByMailbox = Registration | Subscription | RightsRequest
"""What anybody begins with no more than a mailbox, under an id that is no account's."""
_SENT: tuple[type[Record], ...] = (Receipt, Attempt, DeskMessage, Delivery)
"""A message and what became of it."""
_MAIL_USEFUL = timedelta(hours=72)


class Belongings:
    """Finds and removes what belongs to accounts. Removing may be broken off anywhere and run again."""

    def __init__(self, *, records: Records, keyring: Keyring, shelf: Shelf, clock: Clock, public_url: str) -> None:
        self._records = records
        self._keyring = keyring
        self._shelf = shelf
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    async def ask_providers(self, erasure_id: str, account_id: str, persons: Iterable[str] = ()) -> None:
        """Note for each message to any of them that its provider be asked to erase it, before what names it goes."""
        whose = one_of("account_id", sorted({account_id, *persons}))
        await ask_providers(self._records, erasure_id, whose, now=self._clock.now())

    async def tell_owners(self, account_id: str) -> None:
        """Have whoever shares a socket with somebody told, once, that they see it no more, as when they leave."""
        now = self._clock.now()
        for share in await self._records.find(Share, is_("account_id", account_id)):
            owner = await self._records.get(Account, share.owner_id)
            if owner is not None and share.holds(owner.id, now):
                link = f"{self._public_url}/devices/{share.device_id}/people"
                await self._records.add_all([_word(share, owner, share_left(owner.language, link=link), now)])

    async def remove(self, account_id: str, persons: Iterable[str] = ()) -> dict[str, int]:
        """Remove whatever names the account; the account itself last, since it names the mailbox.

        Of `persons`, such as whom the customer had entered, what was sent about their own page goes as well.
        """
        others = sorted({*persons} - {account_id})
        for kind in _SENT if others else ():
            await remove_every(self._records, kind, one_of("account_id", others))
        removed: dict[str, int] = {}
        email = await self.address_of(account_id)
        await self._leave_the_newsletter(account_id, email)
        for begun in await self._begun_by(account_id, email):
            for person in await self._without_account([begun]):
                await self._remove_what_lies_under(person)
            await self._records.remove_all(type(begun), is_("id", begun.id))  # last: all else is found by it
            removed[begun.collection] = removed.get(begun.collection, 0) + 1
        for offered in await self.offered_to(account_id, email):
            await self._records.remove_all(Delivery, is_("person_id", offered.id))
            await self._records.remove_all(type(offered), is_("id", offered.id))
        for copy in await self._records.find(DataExport, is_("account_id", account_id)):
            await asyncio.to_thread(self._shelf.remove, copy.id)
        kinds = sorted(erased_with_the_account(), key=lambda kind: kind is Account)
        for kind in kinds:
            for field in account_fields(kind):
                silent = await self._silent_lines(account_id) if kind is Disclosure else 0
                gone = await remove_every(self._records, kind, is_(field, account_id)) - silent
                removed[kind.collection] = removed.get(kind.collection, 0) + gone
        await self._records.remove_all(Erasure, is_("account_id", account_id), is_("state", ErasureState.UNDONE))
        return {name: gone for name, gone in removed.items() if gone}

    async def _leave_the_newsletter(self, account_id: str, email: str | None) -> None:
        """Remember that their mailbox left: a backup may have it as a reader from before there was an account."""
        confirmed, found = is_("state", SubscriptionState.CONFIRMED), dict[str, Subscription]()
        for whose in [is_("account_id", account_id)] + ([is_("email", email)] if email is not None else []):
            found |= {each.id: each for each in await self._records.find(Subscription, whose, confirmed)}
        for each in found.values():
            if each.email:
                given = await self._records.get(Consent, derived_id("cns", each.id, ConsentStep.GIVEN))
                await suppress(self._records, self._keyring, each, given, self._clock.now())

    async def give_up_archives(self, account_id: str) -> None:
        """Let an archive that was begun name nobody: then it is dropped, file and all, and not finished."""
        begun = (is_("account_id", account_id), is_("state", ArchiveState.SEALING))
        await self._records.change_all(Archive, *begun, account_id="")

    async def address_of(self, account_id: str) -> str | None:
        """Return the mailbox of an account, None where it is gone."""
        account = await self._records.get(Account, account_id)
        return account.email or None if account is not None else None

    async def persons_beside(self, account_id: str, email: str | None) -> set[str]:
        """Return under whose keys lies what was begun with the mailbox alone: ids that are nobody's but theirs."""
        return await self._without_account(await self._begun_by(account_id, email))

    async def _begun_by(self, account_id: str, email: str | None) -> list[ByMailbox]:
        """Return wishes for an account, the newsletter and what was asked by right, with this mailbox.

        A request is the account's only from when its mailbox has answered, and is written to under its own id. What
        another account asked that had the mailbox before stays that one's, with its day of answer.
        """
        found: list[ByMailbox] = [*await self._records.find(RightsRequest, is_("account_id", account_id))]
        if email is not None:
            found += await self._records.find(RightsRequest, is_("email", email), is_("account_id", None))
            found += await self._records.find(Registration, is_("email", email))
            found += await self._records.find(Subscription, is_("email", email))
        return found

    async def _without_account(self, begun: Iterable[ByMailbox]) -> set[str]:
        """Return the ids of who began something, but for accounts: one may have had this mailbox before."""
        persons = {_person_of(each) for each in begun}
        return {each for each in persons if await self._records.get(Account, each) is None}

    async def _remove_what_lies_under(self, person: str) -> None:
        """Remove letters, consents and lines of the ledger that name this id where others name an account."""
        for kind in erased_with_the_account():
            for field in account_fields(kind) if not issubclass(kind, ByMailbox) else ():
                await self._records.remove_all(kind, is_(field, person))
        await self._records.remove_all(RequestNote, is_("request_id", person))

    async def offered_to(self, account_id: str, email: str | None) -> list[Share | Transfer]:
        """Return what other customers share with somebody or hand over to them, also where they were only invited."""
        found: list[Share | Transfer] = []
        for test in [is_("account_id", account_id)] + ([is_("email", email)] if email is not None else []):
            found += await self._records.find(Share, test)
            found += await self._records.find(Transfer, test)
        return found

    async def _silent_lines(self, account_id: str) -> int:
        """Return how many lines of the ledger the law forbids to tell yet: a number in a receipt tells of them too."""
        return await self._records.count(
            Disclosure, is_("account_id", account_id), above("silent_until", self._clock.now())
        )


def _word(share: Share, owner: Account, letter: Letter, now: datetime) -> Delivery:
    once = (share.id, "left")
    return Delivery.of(letter, person_id=owner.id, address=owner.email, once=once, now=now, useful=_MAIL_USEFUL)


def _person_of(begun: ByMailbox) -> str:
    person: str = getattr(begun, begun.subject or "id")
    return person
