"""What is done for a customer who asked by letter: an objection (Art. 21), a correction (Art. 16).

Its holder hears of it by mail, for a letter may be somebody else's. The mail is stored first and only of what is new;
all that was asked for is written each time, so that typing it again ends what broke off.
"""

from collections.abc import Sequence
from typing import Any

from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.followed_letters import ALARMS, corrected_mail, objected_mail, taken_back_mail
from isocket.domain.letters import Letter, spoken
from isocket.kit.logs import get_logger
from isocket.storage.port import Records
from portal_api.accounts import corrected
from portal_api.following import Following
from portal_api.outgoing import notice_to
from portal_api.pages_words import LANGUAGE_NAMES
from portal_api.privacy_consents import ObjectionsView, ObjectionsWish, follow_objections, objections_of
from portal_api.registration import owner_contact_id

log = get_logger(__name__)


async def object_for(parts: Following, account: Account, uses: Sequence[str]) -> ObjectionsView:
    """Have an account's data not used for `uses`, as its holder does on the page; return all that it objects to then.

    Of what is objected to already, and of alarms where its own contact is paused for another reason, nothing is told.
    """
    before = await objections_of(parts, account)
    silent = await is_paused(parts.records, account)
    new = [each for each in uses if not getattr(before, each) and not (each == ALARMS and silent)]
    if new:
        letter = objected_mail(account.language, new, parts.settings.link("/privacy"))
        await parts.records.add_all([_word(parts, account, letter, "objection", parts.clock.now().isoformat())])
        log.info("objected_by_letter", account_id=account.id)
    await follow_objections(parts, account, ObjectionsWish(**dict.fromkeys(uses, True)))
    return await objections_of(parts, account)


async def is_paused(records: Records, account: Account) -> bool:
    """Return whether the account's own contact is told of no alarm, for whatever reason."""
    own = await records.get(Contact, owner_contact_id(account.id))
    return own is None or own.paused_at is not None


async def take_back_for(parts: Following, account: Account, uses: Sequence[str]) -> ObjectionsView:
    """Take objections of an account back, as its holder does on the page; return what it objects to then.

    A newsletter does not come of that: it comes by a new yes.
    """
    before = await objections_of(parts, account)
    new = [each for each in uses if getattr(before, each)]
    if new:
        letter = taken_back_mail(account.language, new, parts.settings.link("/privacy"))
        await parts.records.add_all([_word(parts, account, letter, "taken back", parts.clock.now().isoformat())])
        log.info("objection_taken_back_by_letter", account_id=account.id)
    await follow_objections(parts, account, ObjectionsWish(**dict.fromkeys(uses, False)))
    return await objections_of(parts, account)


async def correct_for(parts: Following, account: Account, values: dict[str, Any]) -> list[str]:
    """Write `name`, `language` or `time_zone` of an account as its holder says; return which were different."""
    changes = {name: value for name, value in values.items() if getattr(account, name) != value}
    if changes:
        tag = changes.get("language", account.language)
        said = changes if "language" not in changes else {**changes, "language": LANGUAGE_NAMES[spoken(tag)]}
        letter = corrected_mail(tag, said, parts.settings.link("/profile"))
        await parts.records.add_all([_word(parts, account, letter, "correction", *changes)])
        log.info("corrected_by_letter", account_id=account.id, fields=len(changes))
    if values:
        await corrected(parts.records, account.id, values, now=parts.clock.now())
    return list(changes)


def _word(parts: Following, account: Account, letter: Letter, *why: str) -> Delivery:
    return notice_to(account, letter, parts.clock.now(), once=(account.id, account.version, *why))
