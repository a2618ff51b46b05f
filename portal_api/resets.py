"""A new password for who forgot the old one. There is no way to get a password back."""

from datetime import datetime, timedelta
from urllib.parse import quote

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account, PasswordReset
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.letters import Letter, reset_mail
from isocket.kit.ids import new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import is_
from portal_api import sessions
from portal_api.evenly import evenly
from portal_api.factors import least_length
from portal_api.models import Body
from portal_api.notices import password_changed_mail
from portal_api.outgoing import NOBODY, notice_to, unsent
from portal_api.password_rules import weakness
from portal_api.portal import Portal
from portal_api.problem import Problem, bad_link, fault
from portal_api.registration import Accepted, account_of, may_mail
from portal_api.routes import Access, AnyRoute, Call, Reply, Route
from portal_api.usernames import Username

log = get_logger(__name__)


class ResetWish(Body):
    """Whose password is forgotten."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "maija@example.org"}]})

    username: Username


class NewPassword(Body):
    """The token from the mail, and the password to use from now on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "mP3rW0Zk1t8n5c7VYQ2hJxUo4aLsDfGiBe6RqNvTyEw",
                    "password": "five other words and more",
                }
            ]
        }
    )

    token: str = Field(min_length=1, max_length=128)
    password: str = Field(min_length=1, max_length=1024)


async def ask(call: Call[ResetWish, None]) -> Accepted:
    """Ask for a mail with a link to choose a new password. The answer is the same for every address."""
    await send_link(call.portal, call.body.username, client=call.client)
    return Accepted()


async def send_link(portal: Portal, username: str, *, client: str) -> None:
    """Mail a link to choose a new password, if there is such an account; it takes as long if there is none.

    Beyond the limits of one network address or one mailbox nothing is done.
    """
    if await portal.limits.take(portal.settings.rates.reset_address, client) > 0:
        log.info("address_has_had_enough", rate=portal.settings.rates.reset_address.name)
        return
    if not await may_mail(portal, username, DeliveryKind.RESET):
        return
    async with evenly(portal):
        await _note(portal, username)


async def _note(portal: Portal, username: str) -> None:
    now, token = portal.clock.now(), new_token()
    account = await account_of(portal, username)
    await portal.records.remove_all(PasswordReset, is_("account_id", account.id if account else NOBODY))
    await portal.records.add_all(
        [
            PasswordReset(
                id=token_hash(token),
                account_id=account.id if account else NOBODY,
                credential_epoch=account.credential_epoch if account else 0,
                expires_at=now + timedelta(seconds=portal.settings.reset_s),
            ),
            _letter_to(portal, account, token, now),
        ]
    )


async def confirm(call: Call[NewPassword, None]) -> Reply | Problem:
    """Set a new password with the token from the mail. Ends every session, token and stream of the account.

    What makes the token work once is the account's credential epoch: it is compared and moved in the same step
    that sets the password, so of many requests at once one succeeds, and a crash in between leaves the token good.
    """
    return await set_password(call.portal, call.body)


async def set_password(portal: Portal, wanted: NewPassword) -> Reply | Problem:
    """Set the password of the account whose token this is. One token costs one hash, however often it comes at once."""
    async with portal.turns.of(wanted.token):
        return await _confirm(portal, wanted)


async def _confirm(portal: Portal, wanted: NewPassword) -> Reply | Problem:
    reset = await _good_reset(portal, wanted.token)
    account = await portal.records.get(Account, reset.account_id) if reset else None
    if reset is None or account is None or account.credential_epoch != reset.credential_epoch:
        return bad_link()
    least = await least_length(portal.records, account.id)
    weak = weakness(wanted.password, account.email, account.name, least=least)
    if weak:
        return fault("password", weak)
    changed = await portal.records.change_one(
        Account,
        is_("id", account.id),
        is_("credential_epoch", reset.credential_epoch),
        password_hash=await portal.passwords.hash(wanted.password, known=True),
        credential_epoch=reset.credential_epoch + 1,
    )
    if changed is None:
        return bad_link()
    await sessions.end_all(portal, account.id)
    await sessions.end_programs(portal, account)
    await portal.records.add_all([changed_notice(portal, changed)])
    await portal.records.remove_all(PasswordReset, is_("account_id", account.id))
    log.info("password_reset", account_id=account.id)
    return Reply()


async def is_good(portal: Portal, token: str) -> bool:
    """Return whether a new password can be set by this token."""
    return await _good_reset(portal, token) is not None


async def _good_reset(portal: Portal, token: str) -> PasswordReset | None:
    reset = await portal.records.get(PasswordReset, token_hash(token))
    if reset is None or reset.used_at is not None or reset.expires_at <= portal.clock.now():
        return None
    return reset


def _letter_to(portal: Portal, account: Account | None, token: str, now: datetime) -> Delivery:
    letter = _letter(portal, account.language if account else "en", token)
    if account is None:
        return unsent(kind=DeliveryKind.RESET, person_id=NOBODY, now=now)
    return Delivery.of(
        letter,
        kind=DeliveryKind.RESET,
        person_id=account.id,
        address=account.email,
        now=now,
        useful=timedelta(seconds=portal.settings.reset_s),
    )


def changed_notice(portal: Portal, account: Account) -> Delivery:
    """Return the mail that tells the holder of an account that its password was changed."""
    letter = password_changed_mail(account.language, portal.settings.link("/reset"))
    return notice_to(account, letter, portal.clock.now())


def _letter(portal: Portal, language: str, token: str) -> Letter:
    return reset_mail(language, portal.settings.link(f"/reset?token={quote(token)}"))


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/password-resets",
        handler=ask,
        summary="Ask for a link to choose a new password",
        access=Access.PUBLIC,
        body=ResetWish,
        answers={202: Accepted},
    ),
    Route(
        method="POST",
        path="/password-resets/confirm",
        handler=confirm,
        summary="Choose a new password",
        access=Access.PUBLIC,
        body=NewPassword,
        answers={204: None},
        limit=lambda rates: rates.token_address,
    ),
)
