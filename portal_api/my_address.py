"""Another e-mail address for an account: the new mailbox has to answer, and the old one can take it back for a week.

The old mailbox is told when the change is asked for, so that somebody who took a session cannot take the account. The
answer is the same whether the new address has an account already, or an invitation to staff: it is told so by mail,
and nothing else happens.
"""

from datetime import timedelta

from pydantic import ConfigDict

from isocket.domain.accounts import Account, AddressChange, AddressUndo, PasswordReset
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.letters import new_address_mail, old_address_mail
from isocket.kit.ids import new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, above, is_
from portal_api.following import Following
from portal_api.forgetting import Parts
from portal_api.limits import Rate
from portal_api.lockdown import lock
from portal_api.models import Body, LinkToken
from portal_api.outgoing import notice_to
from portal_api.portal import Portal
from portal_api.problem import Problem, bad_link, fault
from portal_api.registration import Accepted, Activated, account_of, may_mail, owner_contact_id, person_of, taken_mail
from portal_api.routes import Access, AnyRoute, Call, Route
from portal_api.staff_members import standing_invitation
from portal_api.usernames import Username

log = get_logger(__name__)

CHANGE_LIFE = timedelta(days=1)
UNDO_LIFE = timedelta(days=7)
CHANGES = Rate(name="address_changes", tries=5, per_s=86_400)
CONFIRM_PATH, UNDO_PATH = "/address", "/address-undo"


class NewAddress(Body):
    """The address to use from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "maija.new@example.org"}]})

    username: Username


class AddressToken(LinkToken):
    """The token from a mail."""


async def ask(call: Call[NewAddress, None]) -> Accepted | Problem:
    """Ask for another address. It changes when the new mailbox answers; the old one is told now, and can undo it.

    One that another of your contacts has is refused: its reader would be told of everything twice.
    """
    portal, account, wanted = call.portal, call.account, call.body.username
    if await _is_anothers(portal, account, wanted):
        return fault("username", "One of your contacts has this address, and would be told twice: take it away there.")
    await portal.limits.demand(CHANGES, account.id)
    if not await may_mail(portal, wanted, DeliveryKind.ACTIVATION):
        return Accepted()
    await ask_mailboxes(portal, account, wanted)
    return Accepted()


async def why_not(parts: Following, account: Account, wanted: str) -> str:
    """Return in words for staff why an account cannot have this address, empty where it can."""
    if wanted == account.email:
        return "The account has this address."
    if await _is_anothers(parts, account, wanted):
        return "A contact of this account has this address: its reader would be told of everything twice."
    now = parts.clock.now()
    if await account_of(parts, wanted) or await standing_invitation(parts.records, wanted, now):
        return "Another account has this address, or an invitation to one."
    return ""


async def ask_mailboxes(parts: Following, account: Account, wanted: str) -> None:
    """Ask the new mailbox for its answer, and tell the old one, which can undo it. A wish from before is over."""
    now, token, undo = parts.clock.now(), new_token(), new_token()
    taken = await account_of(parts, wanted) or await standing_invitation(parts.records, wanted, now)
    letter = (
        taken_mail(parts, taken, account.language)
        if taken
        else new_address_mail(account.language, parts.settings.link(f"{CONFIRM_PATH}?token={token}"))
    )
    await parts.records.remove_all(AddressChange, is_("account_id", account.id))
    await parts.records.add_all(
        [
            AddressChange(
                id=token_hash(token),
                account_id=account.id,
                email=wanted,
                credential_epoch=account.credential_epoch,
                expires_at=now + CHANGE_LIFE,
            ),
            AddressUndo(
                id=token_hash(undo),
                account_id=account.id,
                email=account.email,
                expires_at=now + UNDO_LIFE,
            ),
            Delivery.of(
                letter,
                kind=DeliveryKind.NOTICE if taken else DeliveryKind.ACTIVATION,
                person_id=person_of(taken or account),
                address=taken.email if taken else wanted,
                now=now,
                useful=CHANGE_LIFE,
            ),
            notice_to(
                account,
                old_address_mail(account.language, parts.settings.link(f"{UNDO_PATH}?token={undo}")),
                now,
                useful=UNDO_LIFE,
            ),
        ]
    )
    log.info("address_change_asked", account_id=account.id)


async def confirm(call: Call[AddressToken, None]) -> Activated | Problem:
    """Take the answer of the new mailbox: from now on it signs in, and alarms and links go there."""
    return await confirm_with(call.portal, call.body.token)


async def confirm_with(portal: Portal, token: str) -> Activated | Problem:
    """Change the address of the account whose token this is. The wish goes last, so that a second run ends it."""
    wish = await portal.records.get(AddressChange, token_hash(token))
    account = await portal.records.get(Account, wish.account_id) if wish else None
    if wish is None or account is None or wish.expires_at <= portal.clock.now():
        return _bad_token()
    if account.credential_epoch != wish.credential_epoch:
        return _bad_token()
    if await standing_invitation(portal.records, wish.email, portal.clock.now()):
        return _bad_token()  # who was invited since
    if await _is_anothers(portal, account, wish.email):
        return _bad_token()  # who was entered since; asking again says so
    if not await _moved(portal, account, wish.email):
        return _bad_token()
    if not await portal.records.remove_all(AddressChange, is_("id", wish.id)):
        return _bad_token()  # another request with the same token was a moment quicker
    log.info("address_changed", account_id=account.id)
    return Activated()


async def undo(call: Call[AddressToken, None]) -> Activated | Problem:
    """Take a change of address back, from the old mailbox: everybody is signed out and the password locked."""
    return await undo_with(call.portal, call.body.token)


async def undo_with(portal: Portal, token: str) -> Activated | Problem:
    """Give the account back to the address it had, and end everything: whoever took it may have added a factor too.

    What was offered to mailboxes that it had later is over first, or whoever moved it twice would take it again.
    """
    kept = await portal.records.get(AddressUndo, token_hash(token))
    account = await portal.records.get(Account, kept.account_id) if kept else None
    if kept is None or account is None or kept.expires_at <= portal.clock.now():
        return _bad_token()
    mine = is_("account_id", account.id)
    await portal.records.remove_all(AddressChange, mine)
    await portal.records.remove_all(AddressUndo, mine, above("expires_at", kept.expires_at))
    if account.email != kept.email and not await _moved(portal, account, kept.email):
        return _bad_token()  # by now the old address has another account
    await lock(portal, account, since=kept.expires_at - UNDO_LIFE)
    await portal.records.remove_all(AddressUndo, mine, is_("id", kept.id))
    log.warning("address_change_undone", account_id=account.id)
    return Activated()


async def _is_anothers(portal: Parts, account: Account, email: str) -> bool:
    """Return whether another contact of the account has this address."""
    others = is_("account_id", account.id), is_("email", email), is_("is_owner", False)
    return await portal.records.count(Contact, *others) > 0


async def _moved(portal: Portal, account: Account, email: str) -> bool:
    """Give an account and its own contact another address; False where another account has it."""
    try:
        await portal.records.change_one(Account, is_("id", account.id), email=email)
    except AlreadyThereError:
        return False
    own = is_("id", owner_contact_id(account.id))  # which has this address, whoever was entered with it meanwhile
    await portal.records.change_one(Contact, own, email=email, email_verified_at=portal.clock.now(), sole=None)
    await portal.records.remove_all(PasswordReset, is_("account_id", account.id))
    return True


def _bad_token() -> Problem:
    return bad_link("Ask again.")


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/me/email",
        handler=ask,
        summary="Ask for another e-mail address",
        body=NewAddress,
        answers={202: Accepted},
        problems=(429,),
        step_up=True,
    ),
    Route(
        method="POST",
        path="/email-changes/confirm",
        handler=confirm,
        summary="Take the new e-mail address with the token from the mail",
        access=Access.PUBLIC,
        body=AddressToken,
        answers={200: Activated},
        limit=lambda rates: rates.token_address,
    ),
    Route(
        method="POST",
        path="/email-changes/undo",
        handler=undo,
        summary="Take a change of address back with the token from the mail",
        access=Access.PUBLIC,
        body=AddressToken,
        answers={200: Activated},
        limit=lambda rates: rates.token_address,
    ),
)
