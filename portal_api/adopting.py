"""A newsletter that a mailbox had before it opened an account becomes the account's: one person, one key."""

from typing import Any

from isocket.domain.accounts import Account
from isocket.domain.consents import Consent, ConsentStep, Subscription
from isocket.domain.deliveries import Attempt, Delivery, Receipt
from isocket.domain.desk import DeskMessage
from isocket.domain.record import sealed_fields
from isocket.kit.ids import derived_id
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, is_


async def adopt_subscription(records: Records, keyring: Keyring, account: Account) -> None:
    """Make the subscription of the account's mailbox its own, with the consent that it rests on and what was sent.

    Nothing stays under the id that the reader had before, not even its key. The consent comes last: who finds it still
    of that id finds what is left to do. What another account left at this mailbox stays that one's.
    """
    for found in await records.find(Subscription, is_("email", account.email), limit=1):
        given = await records.get(Consent, derived_id("cns", found.id, ConsentStep.GIVEN))
        reader_id = found.reader_id if found.reader_id != account.id or given is None else given.person_id
        if reader_id == account.id or await records.get(Account, reader_id) is not None:
            continue
        mine: dict[str, Any] = {"account_id": account.id, "person_id": account.id}
        await _move_what_was_sent(records, reader_id, mine)
        if found.reader_id == reader_id:
            texts = {name: getattr(found, name) for name in sealed_fields(Subscription)}
            await records.change_one(
                Subscription, is_("id", found.id), account_id=account.id, reader_id=account.id, **texts
            )
        await keyring.destroy(reader_id)
        await records.change_all(Consent, is_("account_id", reader_id), **mine)


async def _move_what_was_sent(records: Records, reader_id: str, mine: dict[str, Any]) -> None:
    """Seal messages anew under the account's key, those that wait as well; the same words still reach nobody twice."""
    for kind in (Delivery, DeskMessage):
        while found := await records.find(kind, is_("account_id", reader_id)):  # again what is just being sent
            for each in found:
                texts = {name: getattr(each, name) for name in sealed_fields(kind)}
                await records.change_one(kind, is_("id", each.id), is_("version", each.version), **mine, **texts)
    for carried in (Attempt, Receipt):
        await records.change_all(carried, is_("account_id", reader_id), **mine)
