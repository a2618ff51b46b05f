"""The steps of subscribing to the newsletter and leaving it: each may run twice, and the one that counts comes last.

Nobody learns whether a mailbox gets the newsletter: asking for it takes the same writes and gets the same answer.
"""

from datetime import datetime, timedelta
from urllib.parse import quote

from isocket.domain.accounts import Account
from isocket.domain.consents import (
    Consent,
    ConsentBy,
    ConsentKind,
    ConsentStep,
    Subscription,
    SubscriptionState,
    Suppression,
    wording_of,
)
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind, DeliveryState, Receipt
from isocket.domain.desk import DeskMessage
from isocket.domain.newsletter_letters import CONFIRM_PATH, confirmation_mail
from isocket.domain.policies import in_force
from isocket.domain.restrictions import Objection, ObjectionTo, objection_id
from isocket.domain.stops import Stop, stopped_address
from isocket.kit.ids import derived_id, new_id, new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, is_
from isocket.storage.suppressed import suppress, suppression_id
from portal_api.following import Following
from portal_api.forgetting import Parts
from portal_api.limits import Rate
from portal_api.outgoing import unsent
from portal_api.portal import Portal
from portal_api.registration import account_of, may_mail

log = get_logger(__name__)

WISH_LIFE = timedelta(days=3)
WITHDRAWN = "withdrawn"
AFTER_LEAVING = Rate(name="newsletter_left", tries=1, per_s=86_400)  # whoever left is asked once a day at most


async def ask(portal: Portal, email: str, language: str) -> None:
    """Ask a mailbox whether it wants the newsletter; do nothing that shows where it has had enough of us."""
    if not await may_mail(portal, email, DeliveryKind.NEWSLETTER):
        return
    async with portal.turns.of(f"newsletter {email.casefold()}"):
        while not await _ask(portal, email, language):
            log.info("wish_noted_elsewhere")  # and that one is from before ours by now


async def confirm(portal: Portal, token: str) -> Subscription | None:
    """Note that a mailbox answered: from now on it gets the newsletter. None for a token that is not good."""
    found = await portal.records.find(Subscription, is_("confirm_hash", token_hash(token)), limit=1)
    if not found or (found[0].expires_at is not None and found[0].expires_at <= portal.clock.now()):
        return None
    asked = found[0]
    if asked.state is SubscriptionState.CONFIRMED:
        return asked
    await _agreed(portal, asked, ConsentBy.LINK)
    return await portal.records.change_one(
        Subscription, is_("id", asked.id), state=SubscriptionState.CONFIRMED, expires_at=None
    )


async def subscribe(portal: Portal, account: Account) -> Subscription:
    """Give an account the newsletter: its mailbox answered when it was opened. It lifts an objection to it."""
    async with portal.turns.of(f"newsletter {account.email.casefold()}"):
        found = await subscription_of(portal, account)
        if found is not None and found.state is SubscriptionState.CONFIRMED and found.email == account.email:
            return found
        made = _subscription(portal, account.email, account.language, account.id)
        await _agreed(portal, made, ConsentBy.ACCOUNT)
        await portal.records.remove_all(Objection, is_("id", objection_id(account.id, ObjectionTo.NEWSLETTER)))
        await portal.records.remove_all(Subscription, is_("email", account.email))
        await portal.records.remove_all(Subscription, is_("account_id", account.id))
        await portal.records.add_all([made])
    return made


async def leave_by(portal: Portal, token: str, by: ConsentBy) -> None:
    """Stop the newsletter for whoever holds the token from a mail. For one that is not good nothing happens."""
    found = await portal.records.find(Subscription, is_("leave_hash", token_hash(token)), limit=1)
    if found:
        await leave(portal, found[0], by)


async def leave(portal: Following, held: Subscription, by: ConsentBy) -> None:
    """Stop the newsletter: what is still due of it is called off, and the mailbox is remembered by a keyed hash only.

    Of somebody without an account nothing else stays, not even the key under which their address was sealed.
    """
    given = await _stop(portal, held)
    if await portal.records.get(Account, held.account_id) is None:
        await _forget(portal, held)
        return
    if given is not None:
        await portal.records.add_all([_line(portal, held, ConsentStep.WITHDRAWN, by)])
    await _remove(portal, held)


async def forget_reader(parts: Parts, email: str) -> bool:
    """Stop the newsletter of a mailbox without an account and forget that it had it; return whether there was one."""
    theirs = await without_account(parts, email)
    for each in theirs:
        await _stop(parts, each)
        await _forget(parts, each)
    return bool(theirs)


async def without_account(parts: Parts, email: str) -> list[Subscription]:
    """Return the subscription that a mailbox has by itself; that of an account is the account's."""
    found = await parts.records.find(Subscription, is_("email", email))
    return [each for each in found if await parts.records.get(Account, each.account_id) is None]


async def has_left(portal: Portal, email: str, *, since: datetime) -> bool:
    """Return whether a mailbox left the newsletter since then, and did not come back."""
    left = await portal.records.get(Suppression, await suppression_id(portal.keyring, email))
    return left is not None and left.left_at >= since


async def _stop(parts: Parts, held: Subscription) -> Consent | None:
    """Have nothing more sent, and note that the mailbox left; return what it had agreed to."""
    now = parts.clock.now()
    given = await parts.records.get(Consent, derived_id("cns", held.id, ConsentStep.GIVEN))
    await suppress(parts.records, parts.keyring, held, given, now)
    await parts.records.change_all(
        Delivery,
        is_("person_id", held.reader_id),
        is_("kind", DeliveryKind.NEWSLETTER),
        is_("state", DeliveryState.DUE),
        state=DeliveryState.CALLED_OFF,
        reason=WITHDRAWN,
        ended_at=now,
    )
    return given


async def _forget(parts: Parts, held: Subscription) -> None:
    """Remove all that there is of a reader without an account, and destroy their key."""
    for kind in (Consent, Delivery, Attempt, Receipt, DeskMessage):
        await parts.records.remove_all(kind, is_("account_id", held.account_id))
    await parts.keyring.destroy(held.reader_id)
    await _remove(parts, held)


async def _remove(parts: Parts, held: Subscription) -> None:
    await parts.records.remove_all(Subscription, is_("id", held.id))
    log.info("newsletter_left", person_id=held.reader_id)


async def subscription_of(portal: Parts, account: Account) -> Subscription | None:
    """Return an account's subscription, confirmed or not; after a change of address it is still the old mailbox's."""
    found = await portal.records.find(Subscription, is_("account_id", account.id), limit=1)
    return found[0] if found else await reader_at(portal, account.email)


async def reader_at(portal: Parts, email: str) -> Subscription | None:
    """Return the subscription of a mailbox, confirmed or not."""
    found = await portal.records.find(Subscription, is_("email", email), limit=1)
    return found[0] if found else None


async def _ask(portal: Portal, email: str, language: str) -> bool:
    """Note a wish and ask for it; False where another portal noted one for this mailbox in the same moment."""
    now, token = portal.clock.now(), new_token()
    known = await account_of(portal, email)
    before = await reader_at(portal, email)
    reader_id = known.id if known else before.reader_id if before else new_id("rdr")
    quiet = (before is not None and before.state is SubscriptionState.CONFIRMED) or await _had_enough(portal, email)
    if quiet:
        await portal.records.add_all([unsent(kind=DeliveryKind.ACTIVATION, person_id=new_id("rdr"), now=now)])
        return True
    made = _subscription(portal, email, language, reader_id, confirm_token=token)
    letter = confirmation_mail(language, portal.settings.link(f"{CONFIRM_PATH}?token={quote(token)}"))
    sent = Delivery.of(
        letter,
        kind=DeliveryKind.ACTIVATION,
        person_id=reader_id,
        address=email,
        now=now,
        useful=WISH_LIFE,
    )
    await portal.records.remove_all(Subscription, is_("email", email))
    try:
        await portal.records.add(made, sent)
    except AlreadyThereError:
        return False
    return True


async def _had_enough(portal: Portal, email: str) -> bool:
    """Return whether a mailbox said stop, or left the newsletter and was asked anew a short while ago."""
    if await portal.records.count(Stop, is_("address", stopped_address(email))):
        return True
    if await portal.records.get(Suppression, await suppression_id(portal.keyring, email)) is None:
        return False
    return await portal.limits.take(AFTER_LEAVING, email.casefold()) > 0


def _subscription(
    portal: Portal, email: str, language: str, reader_id: str, *, confirm_token: str | None = None
) -> Subscription:
    """Return a subscription: one that waits for its mailbox where there is a token to confirm it by."""
    now, way_out = portal.clock.now(), new_token()
    return Subscription(
        id=new_id("sub"),
        account_id=reader_id,
        reader_id=reader_id,
        email=email,
        language=language,
        state=SubscriptionState.CONFIRMED if confirm_token is None else SubscriptionState.ASKED,
        confirm_hash="" if confirm_token is None else token_hash(confirm_token),
        leave_token=way_out,
        leave_hash=token_hash(way_out),
        created_at=now,
        expires_at=None if confirm_token is None else now + WISH_LIFE,
    )


async def _agreed(portal: Portal, subscription: Subscription, by: ConsentBy) -> None:
    """Write the consent down before it counts, and forget that the mailbox ever left."""
    await portal.records.add_all([_line(portal, subscription, ConsentStep.GIVEN, by)])
    await portal.records.remove_all(Suppression, is_("id", await suppression_id(portal.keyring, subscription.email)))


def _line(portal: Following, subscription: Subscription, step: ConsentStep, by: ConsentBy) -> Consent:
    words, now = wording_of(subscription.language), portal.clock.now()
    policy = in_force(portal.settings.policies, now)
    return Consent(
        id=derived_id("cns", subscription.id, step),
        account_id=subscription.account_id,
        person_id=subscription.reader_id,
        kind=ConsentKind.NEWSLETTER,
        step=step,
        by=by,
        wording_version=words.version,
        wording_hash=words.digest,
        language=words.language,
        policy_version=policy.version if policy else "",
        at=now,
    )
