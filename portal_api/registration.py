"""Becoming a customer: asking for an account, and proving that the mailbox is one's own.

Whoever asks learns nothing about whether the address has an account: the same answer, the same work, a mail in
both cases. What is stored has the same shape too, down to one new person's key: where the mail goes to somebody
we know, a mail to nobody makes up for the key that a new person would have needed.

Who is invited to staff is known to us too: the invitation stands whoever asks for an account with its mailbox, and its
link is the only one that opens it.
"""

from datetime import timedelta
from urllib.parse import quote

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account, AccountRole, Registration
from isocket.domain.contacts import Contact, ContactRole
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.letters import Letter, activation_mail, known_account_mail
from isocket.domain.staff_letters import invited_mail
from isocket.kit.ids import derived_id, new_id, new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, is_
from portal_api.adopting import adopt_subscription
from portal_api.evenly import evenly
from portal_api.following import Following
from portal_api.forgetting import Parts
from portal_api.invitations import who_wished
from portal_api.models import Body, LinkToken, OneLine, View
from portal_api.outgoing import unsent
from portal_api.password_rules import weakness
from portal_api.portal import Portal
from portal_api.problem import Problem, fault
from portal_api.routes import Access, AnyRoute, Call, Route
from portal_api.staff_members import as_invited_now, standing_among, standing_invitation
from portal_api.usernames import Language, TimeZone, Username

log = get_logger(__name__)
_PASSWORD = Field(min_length=1, max_length=1024)


class NewAccount(Body):
    """A wish for an account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "username": "maija@example.org",
                    "password": "four words in a row",
                    "name": "Maija",
                    "language": "fi",
                    "time_zone": "Europe/Helsinki",
                }
            ]
        }
    )

    username: Username
    password: str = _PASSWORD
    name: OneLine = ""
    language: Language = "en"
    time_zone: TimeZone = "UTC"


class Activation(LinkToken):
    """The answer from the mailbox. `password` is for who was invited without one, or wants another than at first."""

    password: str | None = Field(default=None, min_length=1, max_length=1024)


class Accepted(View):
    """We will see to it; a mail follows where there is anything to say."""

    status: str = Field(default="accepted", examples=["accepted"])


class Activated(View):
    """The account is open: sign in."""

    status: str = Field(default="active", examples=["active"])


async def register(call: Call[NewAccount, None]) -> Accepted | Problem:
    """Ask for an account. The answer is the same whether the address has one or not; the mail tells."""
    return await wish_for(call.portal, call.body, client=call.client)


async def wish_for(portal: Portal, wish: NewAccount, *, client: str) -> Accepted | Problem:
    """Note a wish for an account and mail the link that opens it, or word that there is one or an invitation to one.

    Beyond the limit of one network address nothing is done, and the answer stays the same: whoever asks in masses
    learns nothing from it. A new wish voids the ones before for the same mailbox, for each may be from somebody
    else, with a password of their own. It voids no invitation.
    """
    weak = weakness(wish.password, wish.username, wish.name)
    if weak:
        return fault("password", weak)
    if await portal.limits.take(portal.settings.rates.register_address, client) > 0:
        log.info("address_has_had_enough", rate=portal.settings.rates.register_address.name)
        return Accepted()
    hashed = await portal.passwords.hash(wish.password)
    async with evenly(portal):
        if await may_mail(portal, wish.username, DeliveryKind.ACTIVATION):
            async with portal.turns.of(f"wish {wish.username.casefold()}"):
                while not await _note(portal, wish, hashed):
                    log.info("wish_noted_elsewhere")  # and that one is from before ours by now
    return Accepted()


async def _note(portal: Portal, wish: NewAccount, hashed: str) -> bool:
    """Note a wish and its mail; False where another portal noted one for this mailbox in the same moment."""
    now, token, nobody = portal.clock.now(), new_token(), new_id("acc")
    known = await account_of(portal, wish.username)
    before = await portal.records.find(Registration, is_("email", wish.username))
    taken = known or standing_among(before, now)
    person_id = person_of(taken) if taken else await who_wished(portal.records, before) or nobody
    letter = (
        taken_mail(portal, taken, wish.language)
        if taken
        else activation_mail(wish.language, portal.settings.link(f"/activate?token={quote(token)}"))
    )
    noted = Registration(
        id=token_hash(token),
        account_id=person_id,
        email=wish.username,
        name=wish.name,
        language=wish.language,
        time_zone=wish.time_zone,
        password_hash=hashed,
        expires_at=now + timedelta(seconds=portal.settings.activation_s),
        sole=True,
    )
    letters = [
        Delivery.of(
            letter,
            kind=DeliveryKind.NOTICE if taken else DeliveryKind.ACTIVATION,
            person_id=person_id,
            address=taken.email if taken else wish.username,
            now=now,
            useful=timedelta(seconds=portal.settings.activation_s),
        ),
        unsent(kind=DeliveryKind.ACTIVATION, person_id=nobody, now=now),
    ]
    await portal.records.remove_all(Registration, is_("email", wish.username), is_("role", AccountRole.CUSTOMER))
    try:
        await portal.records.add(noted, *letters)
    except AlreadyThereError:
        return False
    return True


async def activate(call: Call[Activation, None]) -> Activated | Problem:
    """Open the account with the token from the mail. A token works once."""
    return await open_with_token(call.portal, call.body)


async def open_with_token(portal: Portal, given: Activation) -> Activated | Problem:
    """Open the account whose token this is."""
    now = portal.clock.now()
    asked = await portal.records.get(Registration, token_hash(given.token))
    if asked is None or asked.expires_at <= now:
        return _bad_token()
    if asked.role is AccountRole.CUSTOMER and await standing_invitation(portal.records, asked.email, now):
        return _bad_token()  # who was invited in the moment in which this was noted
    password_hash = asked.password_hash
    if given.password is not None or not password_hash:
        weak = weakness(given.password or "", asked.email, asked.name)
        if weak:
            return fault("password", weak)
        password_hash = await portal.passwords.hash(given.password or "", known=True)
    if not await open_account(portal, asked, password_hash):
        return _bad_token()
    if asked.role is AccountRole.STAFF:
        await as_invited_now(portal.records, asked)
    if not await portal.records.remove_all(Registration, is_("id", asked.id)):
        return _bad_token()  # another request with the same token was a moment quicker
    await portal.records.remove_all(Registration, is_("email", asked.email))
    log.info("account_activated", account_id=asked.account_id)
    return Activated()


async def open_account(portal: Portal, asked: Registration, password_hash: str) -> bool:
    """Store the account and its own contact, once however often it runs; False if the address has another account.

    Staff are let in to nothing yet: where this breaks off, what was said when `asked` was read must not stand for what
    was changed since. `as_invited_now` lets them in.
    """
    now = portal.clock.now()
    account = Account(
        id=asked.account_id,
        email=asked.email,
        name=asked.name,
        language=asked.language,
        time_zone=asked.time_zone,
        role=asked.role,
        staff_until=now if asked.role is AccountRole.STAFF else None,
        password_hash=password_hash,
        created_at=now,
    )
    try:
        await portal.records.add(account)
    except AlreadyThereError:
        if await portal.records.get(Account, account.id) is None:
            return False
    await portal.records.add_all(
        [
            Contact(
                id=owner_contact_id(account.id),
                account_id=account.id,
                name=asked.name or asked.email,
                email=asked.email,
                language=asked.language,
                time_zone=asked.time_zone,
                roles=(ContactRole.ALARM.value, ContactRole.SERVICE.value),
                email_verified_at=now,
                is_owner=True,
                created_at=now,
            )
        ]
    )
    await adopt_subscription(portal.records, portal.keyring, account)
    return True


def owner_contact_id(account_id: str) -> str:
    """Return the id of the contact that is the account's own address."""
    return derived_id("con", account_id, "owner")


def taken_mail(portal: Following, by: Account | Registration, language: str) -> Letter:
    """Return the mail to a mailbox that has an account, or an invitation to staff, which says no language yet."""
    if isinstance(by, Registration):
        return invited_mail(language)
    return known_account_mail(by.language, portal.settings.link("/reset"))


def person_of(known: Account | Registration) -> str:
    """Return the id under which all is that we hold of somebody."""
    return known.account_id if isinstance(known, Registration) else known.id


async def account_of(portal: Parts, username: str) -> Account | None:
    """Return the account with this address, or None."""
    found = await portal.records.find(Account, is_("email", username), limit=1)
    return found[0] if found else None


async def may_mail(portal: Portal, username: str, purpose: DeliveryKind) -> bool:
    """Count one mail for this purpose to this mailbox, known or not; False when it had enough for now.

    Purposes count apart: who registers with another's address over and over must not use up their resets.
    """
    rates, mailbox = portal.settings.rates, username.casefold()
    for rate in (rates.mailbox_hour, rates.mailbox_day):
        if await portal.limits.take(rate, purpose.value, mailbox) > 0:
            log.info("mailbox_has_had_enough", rate=rate.name)
            return False
    return True


def _bad_token() -> Problem:
    return Problem(
        status=400,
        kind="bad-token",
        detail="This link is not good, not any more, or was used already; only the newest is. Register again.",
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/accounts",
        handler=register,
        summary="Ask for an account",
        access=Access.PUBLIC,
        body=NewAccount,
        answers={202: Accepted},
        problems=(429,),
    ),
    Route(
        method="POST",
        path="/accounts/activate",
        handler=activate,
        summary="Open the account with the token from the mail",
        access=Access.PUBLIC,
        body=Activation,
        answers={200: Activated},
        limit=lambda rates: rates.token_address,
    ),
)
