"""A newsletter that a mailbox had before it opened an account becomes the account's: one person, one key."""

from dataclasses import replace

from isocket.domain.accounts import Account
from isocket.domain.consents import Consent, ConsentStep, Subscription
from isocket.kit.ids import derived_id, new_id
from isocket.storage.port import Records, is_


async def adopt_subscription(records: Records, account: Account) -> None:
    """Make the subscription of the account's mailbox its own, with the consent that it rests on."""
    for found in await records.find(Subscription, is_("email", account.email), limit=1):
        if found.reader_id == account.id:
            continue
        made = replace(found, id=new_id("sub"), version=1, account_id=account.id, reader_id=account.id)
        given = await records.get(Consent, derived_id("cns", found.id, ConsentStep.GIVEN))
        if given is not None:
            line_id = derived_id("cns", made.id, ConsentStep.GIVEN)
            line = replace(given, id=line_id, version=1, account_id=account.id, person_id=account.id)
            await records.add_all([line])
        await records.remove_all(Subscription, is_("id", found.id))
        await records.add_all([made])
        await records.remove_all(Consent, is_("account_id", found.account_id))
